"""Shell scripts of the manifests, run here."""

import os
import subprocess
from pathlib import Path


def run_script(
    container: dict, folders: dict[str, Path], *, timeout: float | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command of a container, with its folders elsewhere."""
    shell, flags, script = container["command"]
    for inside, outside in folders.items():
        assert inside in script
        script = script.replace(inside, str(outside))
    command = [shell, flags, script]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=timeout)
