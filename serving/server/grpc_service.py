"""The services on a gRPC port: bytes to messages and back, each call in its turn and with its deadline.

Messages are parsed here and not by gRPC, so that it happens in the call's turn: a message may take several times its
size when it is parsed, and so many at a time as there are threads would have no bound worth its name. For gRPC the
methods are streaming ones: on the wire that is the same for one message, and here a call whose message does not come
can be ended, which would otherwise hold a thread for as long as its client likes.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.config.timings import ServerTimings
from serving.server.health import Health
from serving.server.model_service import ModelService, ReloadRights
from serving.server.prediction_service import PredictionService
from serving.server.status import StatusError
from serving.server.work_queue import QUEUE_FULL, WorkQueue

# For what takes no time. Threads of their own: a probe must not wait behind photos, nor behind other probes whose
# messages do not come, or a server that is only busy would be taken for a dead one.
_PROBE_THREADS = 16
_WATCH_THREADS = 16

_HEALTH = "/grpc.health.v1.Health"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Method:
    """How one method is carried out: `call` gets the request and the deadline on the monotonic clock."""

    request: type
    call: Callable[[Any, float | None], Any]
    pool: ThreadPoolExecutor
    seconds: float  # for the message to arrive
    check: Callable[[grpc.ServicerContext], None] = lambda _: None  # whether the caller may, before the message is read


class Services(grpc.GenericRpcHandler):
    """PredictionService, ModelService and health for a `grpc.Server`.

    Args:
        prediction: Carries out the first.
        models: Carries out the second.
        queue: Where all that may take long is done.
        health: Tells whether the server takes requests; None leaves the service out.
        reload: Who may change the models.
        timings: How long messages may take.
    """

    def __init__(
        self,
        prediction: PredictionService,
        models: ModelService,
        queue: WorkQueue,
        *,
        health: Health | None = None,
        reload: ReloadRights | None = None,
        timings: ServerTimings | None = None,
    ):
        reload, timings = reload or ReloadRights(), timings or ServerTimings()
        self._queue = queue
        reloads = ThreadPoolExecutor(1, thread_name_prefix="reload")
        states = ThreadPoolExecutor(_PROBE_THREADS, thread_name_prefix="state")
        self._pools = [reloads, states]
        long, short = timings.message, timings.probe_message
        methods = {
            "PredictionService/Predict": _Method(predict_pb2.PredictRequest, prediction.predict, queue, long),
            "PredictionService/Classify": _Method(
                classification_pb2.ClassificationRequest, prediction.classify, queue, long
            ),
            "PredictionService/Regress": _Method(regression_pb2.RegressionRequest, prediction.regress, queue, long),
            "PredictionService/MultiInference": _Method(
                inference_pb2.MultiInferenceRequest, prediction.multi_inference, queue, long
            ),
            "PredictionService/GetModelMetadata": _Method(
                get_model_metadata_pb2.GetModelMetadataRequest,
                lambda request, _: prediction.metadata(request),
                states,
                short,
            ),
            "ModelService/GetModelStatus": _Method(
                get_model_status_pb2.GetModelStatusRequest, lambda request, _: models.status(request), states, short
            ),
            "ModelService/HandleReloadConfigRequest": _Method(
                model_management_pb2.ReloadConfigRequest,
                lambda request, _: models.reload(request),
                reloads,
                short,
                reload.check,
            ),
        }
        named = {f"/tensorflow.serving.{name}": method for name, method in methods.items()}
        if health is not None:
            checks = ThreadPoolExecutor(_PROBE_THREADS, thread_name_prefix="health")
            self._pools.append(checks)
            named[f"{_HEALTH}/Check"] = _Method(
                health_pb2.HealthCheckRequest, lambda request, _: health.check(request), checks, short
            )
        self._handlers: dict[str, Any] = {
            path: grpc.stream_unary_rpc_method_handler(_Behavior(method, queue, timings.look))
            for path, method in named.items()
        }
        if health is not None:
            watches = ThreadPoolExecutor(_WATCH_THREADS, thread_name_prefix="watch")
            self._pools.append(watches)
            self._handlers[f"{_HEALTH}/Watch"] = grpc.unary_stream_rpc_method_handler(
                _Watch(health, watches),
                health_pb2.HealthCheckRequest.FromString,
                health_pb2.HealthCheckResponse.SerializeToString,
            )
        self._stopping = False
        self._limited = {path for path, method in named.items() if method.pool is queue}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The handler of a method; asked when a call arrives, before any of its message is read."""
        path = handler_call_details.method
        if path in self._limited and self._stopping:
            return _STOPPING
        if path in self._limited and self._queue.is_full:
            return _BUSY
        return self._handlers.get(path)

    def refuse(self) -> None:
        """Answer UNAVAILABLE to new calls that would run a model."""
        self._stopping = True

    def close(self) -> None:
        """Begin nothing more."""
        for pool in self._pools:
            pool.shutdown(wait=False)


class _Behavior:
    """A method as gRPC calls it: with one message, and in the thread pool that it finds in the attribute."""

    def __init__(self, method: _Method, queue: WorkQueue, look: float):
        self._method = method
        self._queue = queue if method.pool is queue else None
        self._look = look
        self.experimental_thread_pool = method.pool

    def __call__(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        remaining = context.time_remaining()
        deadline = None if remaining is None else time.monotonic() + remaining
        try:
            self._method.check(context)
            data = _received(messages, context, self._method.seconds)
            with self._turn(None if deadline is None else deadline - time.monotonic(), context):
                return self._method.call(_parse(self._method.request, data), deadline).SerializeToString()
        # Code and text only: the exception itself would keep the request's tensors through its traceback.
        except StatusError as error:
            code, message = error.code, error.message
        except MemoryError:
            code, message = grpc.StatusCode.RESOURCE_EXHAUSTED, "Not enough memory for this request."
        except Exception as error:  # the call fails, the server lives on
            _log.exception("a call failed")
            code, message = grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"
        context.abort(code, message)
        raise AssertionError("abort() has raised")

    @contextmanager
    def _turn(self, remaining: float | None, context: grpc.ServicerContext) -> Iterator[None]:
        if self._queue is None:
            yield
            return
        with self._queue.run(remaining, context.is_active, self._look):
            yield


class _Watch:
    """Health's Watch as gRPC calls it, in threads of its own."""

    def __init__(self, health: Health, pool: ThreadPoolExecutor):
        self._health = health
        self.experimental_thread_pool = pool

    def __call__(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._health.watch(request, context)


def _received(messages: Iterator[bytes], context: grpc.ServicerContext, seconds: float) -> bytes:
    """The call's one message."""
    patience = threading.Timer(seconds, context.cancel)
    patience.daemon = True
    patience.start()
    try:
        return next(messages)
    except StopIteration:
        raise StatusError(grpc.StatusCode.UNIMPLEMENTED, "Expected a message, got none.") from None
    except grpc.RpcError:  # cancelled, by the client or just now
        raise StatusError(grpc.StatusCode.CANCELLED, "The message did not arrive.") from None
    finally:
        patience.cancel()


def _parse(request: type, data: bytes) -> Any:
    try:
        return request.FromString(data)  # type: ignore[attr-defined]
    except DecodeError:
        raise StatusError(
            grpc.StatusCode.INTERNAL, f"The {len(data)} bytes received are no {request.__name__}."
        ) from None


def _refusal(details: str) -> Any:
    """A handler that answers UNAVAILABLE; streaming, as gRPC then reads no message that nobody asks for."""

    def refuse(_: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.UNAVAILABLE, details)
        raise AssertionError("abort() has raised")

    return grpc.stream_unary_rpc_method_handler(refuse)


_BUSY = _refusal(QUEUE_FULL)
_STOPPING = _refusal("The server is shutting down")
