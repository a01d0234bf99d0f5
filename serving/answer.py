"""How a service ends a call: with an answer, or with a status that the client can read."""

import logging
from collections.abc import Callable
from typing import TypeVar

import grpc

from serving.status import StatusError

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def answer(context: grpc.ServicerContext, work: Callable[[], Answer]) -> Answer:
    """Do a call's work; whatever goes wrong becomes the call's status, and the server lives on."""
    try:
        return work()
    except StatusError as error:
        status = error
    except MemoryError:
        status = StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, "Not enough memory for this request.")
    except Exception as error:
        _log.exception("a call failed")
        status = StatusError(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
    context.abort(status.code, status.message)
    raise AssertionError("abort() has raised")
