"""The real bot as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from testing.bot_api import BotApi

ROOT = Path(__file__).resolve().parents[1]


class BotProcess:
    """`python -m bot`, connected to the doubles.

    Args:
        api: The Bot API.
        server: Address of the style server.
        folder: Where its database and its log go.
        **settings: `TFSTYLE_BOT_...` without the prefix, in lower case.
    """

    def __init__(self, api: BotApi, server: str, folder: Path, **settings: object):
        self.api = api
        self.log = folder / "bot.log"
        values = {
            "token": api.token,
            "server": server,
            "base_url": api.base_url,
            "base_file_url": api.base_file_url,
            "database_url": f"sqlite:///{folder / 'bot.db'}",
            "http_host": "127.0.0.1",
            "http_port": 0,
            **settings,
        }
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("TFSTYLE_BOT_")}
        self.environment |= {f"TFSTYLE_BOT_{key.upper()}": str(value) for key, value in values.items()}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "BotProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def start(self, *, wait: bool = True) -> float:
        """Start it and wait for its first poll or its webhook; returns how many seconds that took."""
        seen, poller = len(self.api.calls), self.api._poller
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        if wait:
            self.api.wait_for(
                lambda: self.process.poll() is not None or self._asked_since(seen, poller),
                seconds=60,
                what=f"a poll\n{self.logs()}",
            )
            assert self.process.poll() is None, self.logs()
        return time.monotonic() - began

    def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def logs(self) -> str:
        """What it logged."""
        return self.log.read_text() if self.log.exists() else ""

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an HTTP request to it."""
        port = re.findall(r'"addresses": \["127.0.0.1:(\d+)"\]', self.logs())[-1]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def resident_mb(self) -> float:
        """Memory that it occupies."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]

    def _asked_since(self, seen: int, poller: object) -> bool:
        """Whether this process did; a poll of one that was killed before may still wait, and end only now."""
        return self.api._poller is not poller or any(
            call.method == "setWebhook" or (call.method == "getUpdates" and call.error not in (0, 409))
            for call in self.api.calls[seen:]
        )
