"""A model server in a process of its own on a free port of this machine: how it is started, and where it listens.

For the demo, the chat in a terminal, benchmarks and tests; TensorFlow stays out of their own processes.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path


def server_command(port_file: Path, *flags: str) -> list[str]:
    """The command that starts one, which writes its port to a file that is not there yet when it answers."""
    return [sys.executable, "-m", "serving.server", "--port=0", f"--port_file={port_file}", *flags]


def wait_for_port(port_file: Path, ended: Callable[[], bool], seconds: float = 300.0) -> int | None:
    """The port of a server that is starting.

    Args:
        port_file: As `server_command` got it.
        ended: Whether its process has ended.
        seconds: How long to wait.

    Returns:
        The port, once it answers; None if it ends before, or needs longer.
    """
    deadline = time.monotonic() + seconds
    while not port_file.exists():
        if ended() or time.monotonic() > deadline:
            return None
        time.sleep(0.05)
    return int(port_file.read_text())
