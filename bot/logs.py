"""Logs as one JSON object a line on stderr, without secrets and without anything that people wrote."""

import json
import logging
import sys
import time
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_HIDDEN = "[secret]"


class JsonFormatter(logging.Formatter):
    """One line of JSON; what is passed as `extra` becomes a field.

    Args:
        secrets: What never appears, wherever it comes from: libraries put URLs, and so the token, into their messages.
    """

    def __init__(self, *secrets: str):
        super().__init__()
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

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
        return json.dumps({name: self._hide(value) for name, value in fields.items()}, ensure_ascii=False)

    def _hide(self, value: Any) -> Any:
        """The value for JSON, without secrets. Before it is JSON: there a quote in a secret would look different."""
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {str(name): self._hide(item) for name, item in value.items()}
            case list() | tuple():
                return [self._hide(item) for item in value]
        text = str(value)
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


def set_up_logs(level: str, *secrets: str) -> None:
    """Log to stderr, Python's warnings too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(*secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)  # Python would print them past the handler
    for noisy in (
        "httpx",
        "httpcore",
        "telegram",
        "aiohttp.access",
        "asyncio",
        "PIL",
        "alembic",
    ):  # httpx logs URLs, which hold the token; Pillow what a photo's EXIF says
        logging.getLogger(noisy).setLevel(logging.WARNING)
