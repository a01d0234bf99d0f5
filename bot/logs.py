"""Logs as one JSON object a line on stderr, without the token and without anything that people wrote."""

import json
import logging
import sys
import time
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_HIDDEN = "[token]"


class JsonFormatter(logging.Formatter):
    """One line of JSON; what is passed as `extra` becomes a field.

    Args:
        secrets: What never appears, wherever it comes from: libraries put URLs, and so the token, into their messages.
    """

    def __init__(self, *secrets: str):
        super().__init__()
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        fields: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        line = json.dumps(fields, default=str, ensure_ascii=False)
        for secret in self._secrets:
            line = line.replace(secret, _HIDDEN)
        return line


def set_up_logs(level: str, *secrets: str) -> None:
    """Log to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(*secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in (
        "httpx",
        "httpcore",
        "telegram",
        "aiohttp.access",
        "asyncio",
    ):  # httpx logs URLs, which hold the token
        logging.getLogger(noisy).setLevel(logging.WARNING)
