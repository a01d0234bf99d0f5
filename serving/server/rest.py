"""The REST port: model status, metadata and `:predict` as TensorFlow Serving's JSON, and metrics for Prometheus.

Requests wait in the same queue as those of gRPC. Follows `model_servers/http_rest_api_handler.cc`.
"""

import asyncio
import logging
import re
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import grpc
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.config.timings import ServerTimings
from serving.server import json_tensor
from serving.server.metrics import DEFAULT_PATH, Metrics
from serving.server.model_service import ModelService
from serving.server.prediction_service import PredictionService
from serving.server.status import StatusError, deadline_exceeded, invalid_argument
from serving.server.work_queue import WorkQueue, queue_full

MAX_BODY_BYTES = 64 * 2**20  # JSON takes several times its size when it is parsed

_log = logging.getLogger(__name__)
_http_log = logging.getLogger(f"{__name__}.http")

_MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(_MODEL + r":(?P<method>classify|regress|predict)", re.IGNORECASE)
_GET = re.compile(r"/v1/models|" + _MODEL + r"(?:/(?P<metadata>metadata))?", re.IGNORECASE)

_CODES = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
}
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


class _OneLine(logging.Filter):
    """What a client sends that is no HTTP takes a line, not a traceback of the parser."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | web.RequestPayloadError):
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
            record.msg += f": {type(error).__name__}"
        return True


_http_log.addFilter(_OneLine())


class RestService:
    """Answers HTTP requests by the services that gRPC calls too.

    Attributes:
        app: As an application of aiohttp.

    Args:
        prediction: Runs models.
        models: Knows their states.
        queue: Where `:predict` waits for its turn.
        timeout: Seconds that a request may take.
        message_timeout: Of these, for its body to arrive once there is room for it.
        requests: How many are held at once.
        cors: Let web pages of other origins call.
    """

    def __init__(
        self,
        prediction: PredictionService,
        models: ModelService,
        queue: WorkQueue,
        *,
        timeout: float,
        message_timeout: float,
        requests: int,
        cors: bool = False,
    ):
        self._prediction = prediction
        self._models = models
        self._queue = queue
        self._timeout = timeout
        self._message_timeout = message_timeout
        self._room = asyncio.Semaphore(requests)
        self._headers = _CORS if cors else {}
        self.app = web.Application(client_max_size=MAX_BODY_BYTES)
        self.app.router.add_route("*", "/v1/{path:.*}", self._answer)

    def tell_prometheus(self, metrics: Metrics, path: str) -> None:
        """Answer metrics at a path; without one, at TensorFlow Serving's."""

        async def page(_: web.Request) -> web.Response:
            return web.Response(text=metrics.page(), content_type="text/plain")

        self.app.router.add_get(path or DEFAULT_PATH, page)

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            body = await self._carry_out(request)
        except StatusError as error:
            return self._error(error.code, error.message)
        except web.HTTPException:  # aiohttp's own: a body that is too large
            raise
        except Exception as error:  # the request fails, the server lives on
            _log.exception("a request failed")
            return self._error(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
        return web.Response(body=body, content_type="application/json", headers=self._headers)

    def _error(self, code: grpc.StatusCode, message: str) -> web.Response:
        return web.json_response({"error": message}, status=_CODES.get(code, 500), headers=self._headers)

    async def _carry_out(self, request: web.Request) -> bytes:
        path = request.rel_url.raw_path
        if request.method == "POST" and (match := _POST.fullmatch(path)):
            return await self._post(request, match)
        if request.method == "GET" and (match := _GET.fullmatch(path)):
            return self._get(match)
        raise invalid_argument(f"Malformed request: {request.method} {request.path}")

    async def _post(self, request: web.Request, match: re.Match[str]) -> bytes:
        deadline = time.monotonic() + self._timeout
        async with self._place():
            body = await self._body(request, deadline)
            if self._queue.is_full:
                raise queue_full()
            methods = {"predict": self._predict, "classify": self._classify, "regress": self._regress}
            method = methods[match["method"].lower()]
            connection = request.transport
            wanted = lambda: connection is not None and not connection.is_closing()  # noqa: E731 - looked at in a thread
            work = self._queue.submit(self._in_turn, method, match, body, deadline, wanted)
            answer = await asyncio.wrap_future(work)
        if isinstance(answer, bytes):
            return answer
        raise StatusError(*answer)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Room for a body. Slow ones hold it, so whoever comes then is told so before its own deadline."""
        try:
            async with asyncio.timeout(self._timeout / 2):
                await self._room.acquire()
        except TimeoutError:
            raise queue_full() from None
        try:
            yield
        finally:
            self._room.release()

    async def _body(self, request: web.Request, deadline: float) -> bytes:
        """What the request holds, unpacked if it was packed with gzip."""
        try:
            async with asyncio.timeout(min(self._message_timeout, deadline - time.monotonic())):
                body = await request.read()
        except TimeoutError:  # whoever sends byte by byte would keep others out
            raise deadline_exceeded() from None
        except OSError as error:  # hung up before the end: nobody is left to be told
            _log.debug("no whole body from %s: %s", request.remote, error)
            raise StatusError(grpc.StatusCode.CANCELLED, "The body did not arrive.") from None
        except web.RequestPayloadError:
            raise invalid_argument("The body is not encoded as its headers say.") from None
        match request.headers.get("Content-Encoding", "identity").strip().lower():
            case "identity" | "":
                return body
            case "gzip":
                return await asyncio.to_thread(_unpacked, body)
            case _:
                raise invalid_argument("Expected a body as it is or packed with gzip, got another Content-Encoding.")

    def _in_turn(
        self,
        method: Callable[..., bytes],
        match: re.Match[str],
        body: bytes,
        deadline: float,
        wanted: Callable[[], bool],
    ) -> bytes | tuple[grpc.StatusCode, str]:
        """An answer, or code and text of a refusal: an exception would keep the tensors through its traceback."""
        try:
            with self._queue.run(deadline - time.monotonic(), wanted):
                return method(match, body, deadline)
        except StatusError as error:
            return error.code, error.message
        except MemoryError:
            return grpc.StatusCode.RESOURCE_EXHAUSTED, "Not enough memory for this request."
        except RecursionError:
            return grpc.StatusCode.INVALID_ARGUMENT, "The lists and objects in this document are nested too deeply."

    def _predict(self, match: re.Match[str], body: bytes, deadline: float) -> bytes:
        request = predict_pb2.PredictRequest()
        _fill(request.model_spec, match)
        document = json_tensor.parse(body)
        request.model_spec.signature_name = json_tensor.signature_name(document)
        infos = self._prediction.inputs(request.model_spec, request.model_spec.signature_name)
        inputs, form = json_tensor.read_inputs(document, infos)
        for name, proto in inputs.items():
            request.inputs[name].CopyFrom(proto)
        return json_tensor.write_outputs(self._prediction.predict(request, deadline, "REST").outputs, form)

    def _classify(self, match: re.Match[str], body: bytes, deadline: float) -> bytes:
        request = classification_pb2.ClassificationRequest()
        return self._examples(self._prediction.classify, request, match, body, deadline)

    def _regress(self, match: re.Match[str], body: bytes, deadline: float) -> bytes:
        request = regression_pb2.RegressionRequest()
        return self._examples(self._prediction.regress, request, match, body, deadline)

    def _examples(
        self, method: Callable[..., Any], request: Any, match: re.Match[str], body: bytes, deadline: float
    ) -> bytes:
        """Up to the signature, where the services refuse: the examples are never looked at."""
        _fill(request.model_spec, match)
        request.model_spec.signature_name = json_tensor.signature_name(json_tensor.parse(body))
        method(request, deadline, "REST")
        raise AssertionError("no model answers examples")

    def _get(self, match: re.Match[str]) -> bytes:
        if not match["name"]:
            raise invalid_argument("Missing model name in request.")
        if match["metadata"]:
            request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
            _fill(request.model_spec, match)
            return _metadata_json(self._prediction.metadata(request))
        status = get_model_status_pb2.GetModelStatusRequest()
        _fill(status.model_spec, match)
        return _json(self._models.status(status)).encode()


class RestServer:
    """An HTTP server in a thread of its own."""

    def __init__(self, service: RestService, host: str, port: int, timings: ServerTimings):
        """Take the port and answer.

        Args:
            service: What to answer with.
            host: Address to listen on.
            port: Port to listen on.
            timings: How long a silent connection is kept, and what `stop` gives to requests which have begun.

        Raises:
            OSError: If the port is taken.
        """
        self._runner = web.AppRunner(
            service.app,
            access_log=None,
            logger=_http_log,
            shutdown_timeout=timings.drain,
            keepalive_timeout=timings.http_idle,
            auto_decompress=False,  # it would make gigabytes of kilobytes before anybody counts them
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rest", daemon=True)
        self._thread.start()
        try:
            self._run(self._start(host, port))
        except OSError:
            self._end()
            raise

    def stop(self) -> None:
        """Take no new requests and finish those begun."""
        self._run(self._runner.cleanup())
        self._end()

    async def _start(self, host: str, port: int) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _unpacked(body: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        data = unpacking.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise invalid_argument("The body is not encoded as its headers say.") from None
    if len(data) > MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(max_size=MAX_BODY_BYTES, actual_size=len(data))
    if not unpacking.eof:
        raise invalid_argument("The body is not encoded as its headers say.")
    return data


def _fill(model_spec: Any, match: re.Match[str]) -> None:
    model_spec.name = unquote(match["name"])
    if match["version"]:
        digits = match["version"].lstrip("0") or "0"
        if len(digits) > 19 or int(digits) > 2**63 - 1:
            raise invalid_argument(f"Failed to convert version: {match['version']} to numeric.")
        model_spec.version.value = int(digits)
    if match["label"]:
        model_spec.version_label = unquote(match["label"])


def _json(message: Any) -> str:
    return json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _metadata_json(response: get_model_metadata_pb2.GetModelMetadataResponse) -> bytes:
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    spec, signature_def = _json(response.model_spec), _json(signatures)
    return f'{{\n"model_spec":{spec},\n"metadata": {{"signature_def": {signature_def}}}\n}}\n'.encode()
