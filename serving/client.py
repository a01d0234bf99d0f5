"""Talk to a server of style transfer models, TensorFlow Serving or ours, without TensorFlow.

with StyleClient("localhost:8500") as client:
    client.stylize("photo.jpg", "starry_night:60,the_scream:40").save("painting.jpg")
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from google.protobuf.message import DecodeError

from serving import codec
from serving.errors import InvalidRequestError, ServerFaultError, ServingError, from_rpc_error
from serving.protos import wire_pb2
from tfstyle.catalog import Catalog
from tfstyle.images import Photo, PhotoSource
from tfstyle.mix import StyleMix
from tfstyle.models import DEFAULT_MODEL
from tfstyle.painter import Painter
from tfstyle.signatures import DType, Signature, TensorInfo

DEFAULT_TIMEOUT = 120.0  # seconds; long enough for the largest photo on a slow CPU

# gRPC takes 4 MB by default, less than one photo as PNG.
_CHANNEL_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]

_DTYPES: dict[int, DType] = {
    wire_pb2.DT_UINT8: "uint8",
    wire_pb2.DT_FLOAT: "float32",
    wire_pb2.DT_BOOL: "bool",
    wire_pb2.DT_STRING: "string",
    wire_pb2.DT_INT64: "int64",
}


@dataclass(frozen=True)
class VersionStatus:
    """One version of a model on the server.

    Attributes:
        version: Its number.
        state: `START`, `LOADING`, `AVAILABLE`, `UNLOADING` or `END`.
        error: Why it is not available; empty if all is well.
    """

    version: int
    state: str
    error: str = ""


class StyleClient:
    """A connection to a server; many threads may use it.

    It is a `tfstyle.painter.Predictor`, so `Painter(StyleClient(address))` paints there too.

    Args:
        address: `host:port`. Nothing is sent before the first call.
        model: What the server calls the model.
        version: One version of it; None is the newest there.
        timeout: Seconds that a call may take, as its deadline; None waits for ever.
    """

    def __init__(
        self,
        address: str,
        *,
        model: str = DEFAULT_MODEL,
        version: int | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
    ):
        self.address = address
        self.model = model
        self.version = version
        self.timeout = timeout
        self._channel = grpc.insecure_channel(address, options=_CHANNEL_OPTIONS)
        self._predict = self._method("/tensorflow.serving.PredictionService/Predict", wire_pb2.PredictResponse)
        self._metadata = self._method(
            "/tensorflow.serving.PredictionService/GetModelMetadata", wire_pb2.GetModelMetadataResponse
        )
        self._status = self._method("/tensorflow.serving.ModelService/GetModelStatus", wire_pb2.GetModelStatusResponse)
        self._health = self._method("/grpc.health.v1.Health/Check", wire_pb2.HealthCheckResponse)
        self._painter = _ClientPainter(self)
        self._lock = threading.Lock()  # of the next two; never held during a call
        self._answering_version: int | None = None  # of the last answer to any thread
        self._described: tuple[int, Catalog] | None = None  # with the version that gave the description

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls that are under way end with an error."""
        self._channel.close()

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature of the model.

        Args:
            signature: A name out of `tfstyle.signatures.SIGNATURES`.
            inputs: Arrays by input name; strings are object arrays of bytes.

        Returns:
            Arrays by output name, possibly read-only; strings are object arrays of bytes.

        Raises:
            ServingError: `serving.errors` tells which, and why.
        """
        outputs, _ = self._predict_by_version(signature, inputs)
        return outputs

    def styles(self) -> Catalog:
        """The styles that the model knows, asked for once and again after the server changed to another version.

        Raises:
            ServingError: If the server does not answer.
        """
        with self._lock:
            if self._described is not None and self._described[0] == self._answering_version:
                return self._described[1]
        answer, version = self._predict_by_version("describe", {})
        catalog = Catalog.from_describe(answer)
        with self._lock:
            # The version of this very answer: by now another thread may have heard from a newer one.
            self._described = version, catalog
        return catalog

    def stylize(self, photo: PhotoSource, style: StyleMix | None = None, **options: Any) -> Photo:
        """Paint one photo on the server.

        Args:
            photo: A path, the bytes of a file, a Pillow image, a uint8 array `[H,W,3]` or a `Photo`.
            style: One style, or several in proportion: `"a"`, `"a:60,b:40"` or `{"a": 60, "b": 40}`.
            **options: As `tfstyle.Painter.stylize`: strength, preserve_color, mask, regions, fade, max_size, format.

        Returns:
            The painting, of the photo's size.

        Raises:
            StyleTransferError: As `tfstyle.Painter.stylize`, and ServingError if the server does not answer.
        """
        return self._painter.stylize(photo, style, **options)

    def signatures(self) -> dict[str, Signature]:
        """The signatures of the model, as the server tells them.

        Raises:
            ServingError: If the server does not answer, or not as expected.
        """
        request = wire_pb2.GetModelMetadataRequest(model_spec=self._model_spec(), metadata_field=["signature_def"])
        packed = self._call(self._metadata, request).metadata["signature_def"].value
        try:
            definitions = wire_pb2.SignatureDefMap.FromString(packed).signature_def
        except DecodeError as error:
            raise ServerFaultError(f"The signatures from {self.address} cannot be read: {error}") from None
        return {
            name: Signature(name, _tensors(definition.inputs), _tensors(definition.outputs))
            for name, definition in sorted(definitions.items())
            if not name.startswith("__")  # initialisation, not for callers
        }

    def status(self) -> list[VersionStatus]:
        """The versions of the model on the server, newest first.

        Raises:
            ModelNotFoundError: If it has none.
            ServingError: If the server does not answer.
        """
        response = self._call(self._status, wire_pb2.GetModelStatusRequest(model_spec=self._model_spec()))
        found = [
            VersionStatus(
                version.version, wire_pb2.ModelVersionStatus.State.Name(version.state), version.status.error_message
            )
            for version in response.model_version_status
        ]
        return sorted(found, key=lambda status: status.version, reverse=True)

    def health(self, *, wait: float = 0.0) -> bool:
        """Whether the server takes requests.

        Args:
            wait: Seconds to wait for a server that is still starting.

        Raises:
            ServingError: If nobody answers.
        """
        try:
            response = self._call(self._health, wire_pb2.HealthCheckRequest(), wait=wait)
        except ServingError as error:
            # TensorFlow Serving has the health service only with --enable_grpc_healthcheck_service.
            if error.code is grpc.StatusCode.UNIMPLEMENTED:
                return any(version.state == "AVAILABLE" for version in self.status())
            raise
        return response.status == wire_pb2.HealthCheckResponse.SERVING

    def _predict_by_version(
        self, signature: str, inputs: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], int]:
        request = wire_pb2.PredictRequest(model_spec=self._model_spec(signature))
        try:
            for name, array in inputs.items():
                request.inputs[name].CopyFrom(codec.encode(array))
        except codec.CodecError as error:
            raise InvalidRequestError(f"The input {name!r} for {self.address} cannot be sent: {error}") from None
        response = self._call(self._predict, request)
        version = response.model_spec.version.value
        with self._lock:
            self._answering_version = version
        try:
            return {name: codec.decode(proto) for name, proto in response.outputs.items()}, version
        except codec.CodecError as error:
            raise ServerFaultError(f"The answer of the server at {self.address} cannot be read: {error}") from None

    def _model_spec(self, signature: str = "") -> wire_pb2.ModelSpec:
        spec = wire_pb2.ModelSpec(name=self.model, signature_name=signature)
        if self.version is not None:
            spec.version.value = self.version
        return spec

    def _method(self, path: str, response: Any) -> Callable[..., Any]:
        return self._channel.unary_unary(
            path,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=response.FromString,
        )

    def _call(self, method: Callable[..., Any], request: Any, *, wait: float = 0.0) -> Any:
        timeout = wait or self.timeout
        try:
            return method(request, timeout=timeout, wait_for_ready=wait > 0)
        except grpc.RpcError as error:
            raise from_rpc_error(error, self.address, timeout) from None
        except ValueError as error:  # gRPC's word for a closed channel
            raise ServingError(f"The client of {self.address} cannot send ({error}); it may be closed.") from None


class _ClientPainter(Painter):
    """Asks the client for the styles each time, who knows when the server's model changed."""

    def __init__(self, client: StyleClient):
        super().__init__(client)
        self._client = client

    def styles(self, *, refresh: bool = False) -> Catalog:
        """The client's; it refreshes by itself."""
        return self._client.styles()


def _tensors(infos: Mapping[str, wire_pb2.TensorInfo]) -> dict[str, TensorInfo]:
    return {name: _tensor(info) for name, info in sorted(infos.items())}


def _tensor(info: wire_pb2.TensorInfo) -> TensorInfo:
    shape = tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim)
    # Models of others may use dtypes beyond the contract's; their number says enough.
    dtype: Any = _DTYPES.get(info.dtype) or f"DataType {info.dtype}"
    return TensorInfo(dtype, shape, "")
