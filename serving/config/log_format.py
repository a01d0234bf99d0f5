"""How the server logs: a line each, whatever names and messages from outside stand in it."""

import logging

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


class OneLineFormatter(logging.Formatter):
    """Writes control characters of a message out, so that nobody forges a line; tracebacks stay as they are."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The message with its time and level."""
        record.message = record.message.translate(_CONTROL)
        return super().formatMessage(record)
