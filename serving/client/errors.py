"""What can go wrong on the way to a server and back.

ServingError                   catches all of them, and is itself a StyleTransferError
├── ConnectionSettingsError    an address, a certificate's file or a limit is wrong; also a RequestError
├── ServerDownError            nobody answers at this address
├── CertificateError           somebody does, but one side does not trust the other's certificate, or speaks no TLS
├── AccessDeniedError          the server or a proxy before it wants to know who asks, or knows and says no
├── ServerBusyError            the server's queue is full; worth another try
│   └── DeadlineError          no answer in time
├── ServerFaultError           the server answered something that is no fault of the request
├── ClientClosedError          the client was closed, before the call or while it ran
├── ModelNotFoundError         no such model, version or signature there; also a ModelError
└── InvalidRequestError        the server refused the request; also a RequestError
    ├── MessageTooLargeError   before reading it: the request, or the answer, has too many bytes
    ├── RefusedPhotoError      because of the photo or a style image; also a PhotoError
    ├── RefusedMaskError       because of a mask; also a MaskError
    └── RefusedVectorError     because of a style vector; also a StyleVectorError

The message of a failed call names the address, so that a reader of a log knows which server is meant. The second
parents are what the same fault raises where the model runs in-process, so one `except` serves both.
"""

import re

import grpc

from tfstyle.contract.graph_errors import graph_sentence, refusal
from tfstyle.errors import MaskError, ModelError, PhotoError, RequestError, StyleTransferError, StyleVectorError


class ServingError(StyleTransferError):
    """A call to a server failed; `code` is its gRPC status, None if there was none."""

    def __init__(self, message: str, code: grpc.StatusCode | None = None):
        super().__init__(message)
        self.code = code


class ConnectionSettingsError(ServingError, RequestError):
    """An address, a certificate's file or a limit given to a client is wrong; nothing was sent."""


class ServerDownError(ServingError):
    """Nobody answers at this address."""


class CertificateError(ServingError):
    """Somebody answers, but the two sides do not agree on TLS."""


class AccessDeniedError(ServingError):
    """The server, or a proxy before it, does not let this client in."""


class ServerBusyError(ServingError):
    """A full queue or no answer in time; the same request may succeed later."""


class DeadlineError(ServerBusyError):
    """No answer before the call's deadline."""


class ServerFaultError(ServingError):
    """The server failed on its side, or its answer cannot be read."""


class ClientClosedError(ServingError):
    """The client was closed, before the call or while it ran."""


class ModelNotFoundError(ServingError, ModelError):
    """The server has no such model, version or signature."""


class InvalidRequestError(ServingError, RequestError):
    """The server read the request and refused it."""


class MessageTooLargeError(InvalidRequestError):
    """The request or the answer has more bytes than one of the sides takes."""


class RefusedPhotoError(InvalidRequestError, PhotoError):
    """The model on the server refused the photo."""


class RefusedMaskError(InvalidRequestError, MaskError):
    """The model on the server refused a mask."""


class RefusedVectorError(InvalidRequestError, StyleVectorError):
    """The model on the server refused a style vector."""


# TensorFlow Serving answers UNAVAILABLE both when it is gone and when its batching queue is full.
_QUEUE_FULL = "scheduling queue"
_NO_LABEL = "Unrecognized servable version label"
_TOO_LARGE = "larger than max"  # gRPC's own limit on a message; TensorFlow's answer to too little memory has that code
_HANDSHAKE = re.compile("handshake|certificate", re.IGNORECASE)


def may_be_unreached(error: grpc.RpcError) -> bool:
    """Whether the call may have failed because no connection came about."""
    code = error.code()
    return code is grpc.StatusCode.DEADLINE_EXCEEDED or (
        code is grpc.StatusCode.UNAVAILABLE and _QUEUE_FULL not in (error.details() or "")
    )


def from_rpc_error(error: grpc.RpcError, address: str, timeout: float | None = None) -> ServingError:
    """What a failed call means, in one sentence.

    Args:
        error: As raised by a call on a channel.
        address: The server that was called.
        timeout: The call's deadline in seconds, for the message.
    """
    code: grpc.StatusCode = error.code()
    details = graph_sentence(error.details() or "") or "no details"
    match code:
        case grpc.StatusCode.UNAVAILABLE if _QUEUE_FULL in details:
            return ServerBusyError(f"The server at {address} is busy ({details}); try again in a moment.", code)
        case grpc.StatusCode.UNAVAILABLE if _HANDSHAKE.search(details):
            return not_trusted(address, details, code)
        case grpc.StatusCode.UNAVAILABLE:
            return server_down(address, details, code)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            limit = "in time" if timeout is None else f"within {timeout:g} s"
            return DeadlineError(
                f"The server at {address} did not answer {limit}; try again, or allow more time.", code
            )
        case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
            return AccessDeniedError(
                f"The server at {address} does not let this client in ({details}); ask whoever runs it.", code
            )
        case grpc.StatusCode.RESOURCE_EXHAUSTED if _TOO_LARGE in details:
            return MessageTooLargeError(
                f"A message is too large for the server at {address} or for this client ({details}); "
                "set a smaller max size.",
                code,
            )
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return RefusedPhotoError(
                f"The photo is too large for the memory of the server at {address}; set a smaller max size.", code
            )
        case grpc.StatusCode.NOT_FOUND | grpc.StatusCode.FAILED_PRECONDITION:
            return ModelNotFoundError(f"The server at {address} has no such model: {details}", code)
        case grpc.StatusCode.INVALID_ARGUMENT if _NO_LABEL in details:
            return ModelNotFoundError(f"The server at {address} has no such version: {details}", code)
        case grpc.StatusCode.INVALID_ARGUMENT | grpc.StatusCode.OUT_OF_RANGE:
            return _refused(error.details() or "", f"The server at {address} refused the request: {details}", code)
        case grpc.StatusCode.UNIMPLEMENTED:
            return ServerFaultError(
                f"The server at {address} does not know this call ({details}); is it TensorFlow Serving?", code
            )
        case _:
            return ServerFaultError(f"The server at {address} failed with {code.name}: {details}", code)


def server_down(address: str, reason: str, code: grpc.StatusCode | None = None) -> ServerDownError:
    """Nobody answers, with what to do about it."""
    return ServerDownError(
        f"No server answers at {address} ({reason}); check the address, or start one with: tfstyle serve", code
    )


def not_trusted(address: str, reason: str, code: grpc.StatusCode | None = None) -> CertificateError:
    """Somebody answers, and TLS does not come about."""
    return CertificateError(f"The server at {address} answers, but not as expected of TLS: {reason}.", code)


def _refused(details: str, sentence: str, code: grpc.StatusCode) -> InvalidRequestError:
    """What the graph refused, by its code."""
    reason = refusal(details)
    kind = InvalidRequestError
    if isinstance(reason, PhotoError):
        kind = RefusedPhotoError
    elif isinstance(reason, MaskError):
        kind = RefusedMaskError
    elif isinstance(reason, StyleVectorError):
        kind = RefusedVectorError
    error = kind(sentence, code)
    error.graph_code = reason.graph_code
    return error
