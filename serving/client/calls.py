"""What a client asks a server and how it reads the answers, without I/O.

Each operation is a generator: it yields the calls to make, one after the other, is sent the bytes that came back or has
the call's error thrown in, and returns its result. Who makes the calls decides whether that blocks, so that
`StyleClient` and `AsyncStyleClient` share everything but the waiting. (So does the authentication of httpx.)
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
import numpy as np
from google.protobuf.message import DecodeError

from serving import codec
from serving.client.errors import (
    InvalidRequestError,
    MessageTooLargeError,
    ModelNotFoundError,
    ServerFaultError,
    ServingError,
)
from serving.protos import wire_pb2
from tfstyle.contract.catalog import Catalog
from tfstyle.contract.graph_errors import GraphCode
from tfstyle.contract.signatures import DType, Signature, TensorInfo
from tfstyle.contract.style_vector import StyleTable, StyleVector
from tfstyle.engines.engine import no_encoder
from tfstyle.errors import StyleVectorError, UnknownStyleError
from tfstyle.imaging.photo import Photo, PhotoSource
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.request import EncodedImage, StylizeRequest
from tfstyle.stylize.style_request import StyleRequest

T = TypeVar("T")

PREDICT = "/tensorflow.serving.PredictionService/Predict"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
HEALTH = "/grpc.health.v1.Health/Check"
METHODS = (PREDICT, METADATA, STATUS, HEALTH)

_MIN_ELEMENTS = 2**20  # of an answer that are read however short it is: the last value may stand for all that follow
_KEPT_DESCRIPTIONS = 2  # while servers change to a new version, some answer with the old one

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
        state: `START`, `LOADING`, `AVAILABLE`, `UNLOADING` or `END`; `State` and a number for others.
        error: Why it is not available; empty if all is well.
    """

    version: int
    state: str
    error: str = ""


@dataclass(frozen=True)
class Call:
    """One call to make: the method's path and the request's bytes."""

    method: str
    request: bytes


@dataclass(frozen=True)
class Returned(Generic[T]):
    """What an operation returned."""

    value: T


Operation = Generator[Call, bytes, T]


@dataclass(frozen=True)
class _Description:
    """What one version of a model says of itself."""

    catalog: Catalog
    table: StyleTable | None


def advance(operation: Operation[T], answer: bytes | ServingError | None = None) -> Call | Returned[T]:
    """Run an operation up to its next call.

    Args:
        operation: One of `Calls`.
        answer: To the last call, or how it failed; None at the start.

    Returns:
        The next call, or the result.
    """
    try:
        if isinstance(answer, ServingError):
            return operation.throw(answer)
        return operation.send(answer)  # type: ignore[arg-type]  # None starts a generator
    except StopIteration as stop:
        return Returned(stop.value)


class Calls:
    """The operations on one model of a server; many threads may run some at once.

    Args:
        address: The server, for messages.
        model: What the server calls the model.
        version: One version of it; None is the newest there.
        label: The version that has this label on the server instead; empty is none.

    Attributes:
        answering_version: Version of the model in the last answer; None before the first.
    """

    def __init__(self, address: str, model: str, version: int | None, label: str = ""):
        self._address = address
        self._model = model
        self._version = version
        self._label = label
        self.answering_version: int | None = None
        self._described: dict[int, _Description] = {}  # by version; replaced, never changed

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Operation[dict[str, np.ndarray]]:
        """Run one signature."""
        outputs, _ = yield from self._predict(signature, inputs)
        return outputs

    def styles(self, *, refresh: bool = False) -> Operation[Catalog]:
        """The catalog of the version that answered last."""
        return (yield from self._description(refresh=refresh)).catalog

    def style_table(self, *, refresh: bool = False) -> Operation[StyleTable | None]:
        """The style vectors of the version that answered last."""
        return (yield from self._description(refresh=refresh)).table

    def encode_style(self, request: StyleRequest) -> Operation[StyleVector]:
        """The style vector of one style image."""
        try:
            answer, version = yield from self._predict("encode_style", request.inputs())
        except InvalidRequestError as error:
            # Servers say in words of their own that a model has no such signature.
            if not error.graph_code and "encode_style" not in (yield from self.signatures()):
                raise no_encoder(f"{self._address}, {self._model}") from None
            raise
        except ModelNotFoundError:
            if "encode_style" not in (yield from self.signatures()):
                raise no_encoder(f"{self._address}, {self._model}") from None
            raise
        described = yield from self._description()
        if version not in self._described:  # another version answers by now, or another server
            answer, version = yield from self._predict("encode_style", request.inputs())
            described = yield from self._description(refresh=version not in self._described)
        return request.style_vector(answer, self._described.get(version, described).table)

    def stylize(self, photo: PhotoSource, options: StylizeOptions) -> Operation[Photo]:
        """Paint one photo."""
        request = StylizeRequest(photo, options)
        return request.stylized((yield from self._stylize(request)))

    def stylize_encoded(self, photo: PhotoSource, options: StylizeOptions) -> Operation[EncodedImage]:
        """Stylize one photo, and leave the stylized image encoded."""
        request = StylizeRequest(photo, options)
        return request.stylized_encoded((yield from self._stylize(request)))

    def signatures(self) -> Operation[dict[str, Signature]]:
        """The model's signatures."""
        request = wire_pb2.GetModelMetadataRequest(model_spec=self._model_spec(), metadata_field=["signature_def"])
        answer = yield Call(METADATA, request.SerializeToString())
        packed = self._read(wire_pb2.GetModelMetadataResponse, answer).metadata["signature_def"].value
        definitions = self._read(wire_pb2.SignatureDefMap, packed).signature_def
        return {
            name: Signature(name, _tensors(definition.inputs), _tensors(definition.outputs))
            for name, definition in sorted(definitions.items())
            if not name.startswith("__")  # initialisation, not for callers
        }

    def status(self) -> Operation[list[VersionStatus]]:
        """The model's versions, newest first; all of them for a label, at which servers do not look here."""
        request = wire_pb2.GetModelStatusRequest(model_spec=self._model_spec())
        answer = yield Call(STATUS, request.SerializeToString())
        found = [
            VersionStatus(version.version, _state(version.state), version.status.error_message)
            for version in self._read(wire_pb2.GetModelStatusResponse, answer).model_version_status
        ]
        return sorted(found, key=lambda status: status.version, reverse=True)

    def health(self) -> Operation[bool]:
        """Whether the server takes requests."""
        try:
            answer = yield Call(HEALTH, wire_pb2.HealthCheckRequest().SerializeToString())
        except ServingError as error:
            # TensorFlow Serving has the health service only with --enable_grpc_healthcheck_service.
            if error.code is grpc.StatusCode.UNIMPLEMENTED:
                return any(version.state == "AVAILABLE" for version in (yield from self.status()))
            raise
        return self._read(wire_pb2.HealthCheckResponse, answer).status == wire_pb2.HealthCheckResponse.SERVING

    def _predict(
        self, signature: str, inputs: Mapping[str, np.ndarray]
    ) -> Operation[tuple[dict[str, np.ndarray], int]]:
        request = wire_pb2.PredictRequest(model_spec=self._model_spec(signature))
        try:
            for name, array in inputs.items():
                request.inputs[name].CopyFrom(codec.encode(array))
        except codec.CodecError as error:
            raise InvalidRequestError(f"The input {name!r} for {self._address} cannot be sent: {error}") from None
        answer = yield Call(PREDICT, request.SerializeToString())
        response = self._read(wire_pb2.PredictResponse, answer)
        version = self.answering_version = response.model_spec.version.value
        # A shape of a few bytes may claim any number of elements; those that a server sends take a byte each, or more.
        room = max(len(answer), _MIN_ELEMENTS)
        outputs: dict[str, np.ndarray] = {}
        try:
            for name, proto in response.outputs.items():
                outputs[name] = codec.decode(proto, max_elements=room)
                room -= outputs[name].size
            return outputs, version
        except (codec.CodecError, MemoryError) as error:
            raise ServerFaultError(f"The answer of the server at {self._address} cannot be read: {error}") from None

    def _description(self, *, refresh: bool = False) -> Operation["_Description"]:
        known = None if refresh else self._described.get(self.answering_version or 0)
        return known if known is not None else (yield from self._describe())

    def _describe(self) -> Operation["_Description"]:
        answer, version = yield from self._predict("describe", {})
        described = _Description(Catalog.from_describe(answer), StyleTable.from_describe(answer))
        kept = [(number, known) for number, known in self._described.items() if number != version]
        self._described = dict([*kept, (version, described)][-_KEPT_DESCRIPTIONS:])
        return described

    def _stylize(self, request: StylizeRequest) -> Operation[dict[str, np.ndarray]]:
        try:
            described = yield from self._description()
            inputs = request.inputs(described.catalog, described.table)
        except (UnknownStyleError, StyleVectorError):
            # A newer version may know it, of which no answer has told yet.
            described = yield from self._describe()
            inputs = request.inputs(described.catalog, described.table)
        if request.signature == "stylize_vectors":
            return (yield from self._stylize_vectors(request, described, inputs))
        try:
            return (yield from self.predict("encoded", inputs))
        except InvalidRequestError as error:
            if error.graph_code not in ("", GraphCode.WEIGHTS_COLUMNS) or isinstance(error, MessageTooLargeError):
                raise
            # An older version that serves again has fewer columns, and a refusal does not tell its version.
            now = yield from self._describe()
            if len(now.catalog) >= len(described.catalog):
                raise
        return (yield from self.predict("encoded", request.inputs(now.catalog, now.table)))

    def _stylize_vectors(
        self, request: StylizeRequest, described: "_Description", inputs: dict[str, np.ndarray]
    ) -> Operation[dict[str, np.ndarray]]:
        """As asked, once it is known that the version that answered has the trunk that the vectors are for."""
        answer, version = yield from self._predict("stylize_vectors", inputs)
        if self._described.get(version) is not described:
            now = yield from self._description()
            inputs = request.inputs(now.catalog, now.table)  # refuses vectors of another trunk
            if described.table and now.table and now.table.trunk != described.table.trunk:
                answer, _ = yield from self._predict("stylize_vectors", inputs)
        return answer

    def _model_spec(self, signature: str = "") -> wire_pb2.ModelSpec:
        spec = wire_pb2.ModelSpec(name=self._model, signature_name=signature)
        if self._version is not None:
            spec.version.value = self._version
        elif self._label:
            spec.version_label = self._label
        return spec

    def _read(self, message: Any, data: bytes) -> Any:
        try:
            return message.FromString(data)
        except DecodeError as error:
            raise ServerFaultError(f"The answer of the server at {self._address} cannot be read: {error}") from None


def _state(number: int) -> str:
    """Its name; a newer server's may be one that nobody here has heard of."""
    known = wire_pb2.ModelVersionStatus.State
    return known.Name(number) if number in known.values() else f"State {number}"


def _tensors(infos: Mapping[str, wire_pb2.TensorInfo]) -> dict[str, TensorInfo]:
    return {name: _tensor(info) for name, info in sorted(infos.items())}


def _tensor(info: wire_pb2.TensorInfo) -> TensorInfo:
    shape = tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim)
    # Models of others may use dtypes beyond the contract's; their number says enough.
    dtype: Any = _DTYPES.get(info.dtype) or f"DataType {info.dtype}"
    return TensorInfo(dtype, shape, "")
