"""A refused call: a gRPC code and TensorFlow Serving's sentence for it."""

import grpc

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_MAX_BYTES = 1024  # TensorFlow Serving cuts there; a header could not carry much more


class StatusError(Exception):
    """Ends a call with a code other than OK; `code` and `message` go to the client."""

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code
        self.message = _truncate(message)

    @classmethod
    def from_number(cls, number: int, message: str) -> "StatusError":
        """A status by its number, which TensorFlow and gRPC share."""
        return cls(_CODES.get(number, grpc.StatusCode.UNKNOWN), message)


def invalid_argument(message: str) -> StatusError:
    """The request is wrong whatever the state of the server."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> StatusError:
    """There is no such model or version."""
    return StatusError(grpc.StatusCode.NOT_FOUND, message)


def failed_precondition(message: str) -> StatusError:
    """The request is right, but not in the server's present state."""
    return StatusError(grpc.StatusCode.FAILED_PRECONDITION, message)


def unimplemented(message: str) -> StatusError:
    """The server cannot do this."""
    return StatusError(grpc.StatusCode.UNIMPLEMENTED, message)


def deadline_exceeded() -> StatusError:
    """Nobody waits for the answer any more."""
    return StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Timed out waiting for notification")


def cancelled() -> StatusError:
    """Whoever asked has gone."""
    return StatusError(grpc.StatusCode.CANCELLED, "Cancelled")


def _truncate(message: str) -> str:
    encoded = message.encode("utf-8", "replace")
    if len(encoded) <= _MAX_BYTES:
        return message
    return encoded[:_MAX_BYTES].decode("utf-8", "ignore") + "...TRUNCATED"
