"""Bytes that nobody should send: each is answered in time, and the server lives on.

`make fuzz` runs more of them, beside those of `tests/fuzz/`. The server is a process of its own, so that a crash would
show.
"""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2

from serving.config.flags import Flags
from testing.fuzz_cases import cases
from testing.hostile_bytes import any_picture, damaged, picture, png_that_claims
from testing.load import resident_memory, server_process
from tests.serving.conftest import free_port, reload_socket

Code = grpc.StatusCode
SERVICES = "/tensorflow.serving."
PREDICT = SERVICES + "PredictionService/Predict"
RELOAD = SERVICES + "ModelService/HandleReloadConfigRequest"

# What a server that is well may answer. UNAVAILABLE would be a crash, DEADLINE_EXCEEDED a hang, UNKNOWN a surprise.
ANSWERS = {
    Code.OK,
    Code.INVALID_ARGUMENT,
    Code.NOT_FOUND,
    Code.FAILED_PRECONDITION,
    Code.UNIMPLEMENTED,
    Code.RESOURCE_EXHAUSTED,
    Code.OUT_OF_RANGE,
}
NO_REQUEST = ANSWERS | {Code.INTERNAL}

MOST_GROWTH = 400  # MB, of the server from its first answer to its last


class Target:
    """Calls a server of the tiny model, which refuses as the released one does."""

    def __init__(self, channel: grpc.Channel, reloads: grpc.Channel, rest_port: int, process: subprocess.Popen[str]):
        self.process = process
        self._channel = channel
        self._reloads = reloads
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{rest_port}", timeout=30)

    def call(self, data: bytes, path: str = PREDICT, timeout: float = 30) -> tuple[grpc.StatusCode, str]:
        channel = self._reloads if path == RELOAD else self._channel
        try:
            channel.unary_unary(path)(data, timeout=timeout)
        except grpc.RpcError as error:
            return error.code(), error.details() or ""
        return Code.OK, ""

    def post(self, path: str, body: bytes) -> httpx.Response:
        return self._http.post(path, content=body)

    def is_well(self) -> bool:
        return self.call(stylized().SerializeToString())[0] is Code.OK


@pytest.fixture(scope="module")
def target(tiny_models):
    rest_port = free_port()
    flags = (f"--models_dir={tiny_models}", f"--rest_api_port={rest_port}", "--reload_from_socket")
    options = [("grpc.max_receive_message_length", -1)]
    with (
        reload_socket() as socket,
        server_process(*flags, f"--grpc_socket_path={socket}") as (process, address),
        grpc.insecure_channel(address, options=options) as channel,
        grpc.insecure_channel(f"unix:{socket}") as reloads,
    ):
        target = Target(channel, reloads, rest_port, process)
        assert target.is_well()
        before = resident_memory(process)
        yield target
        assert process.poll() is None
        assert target.is_well()
        grown = resident_memory(process) - before
        assert grown < MOST_GROWTH, f"{grown:.0f} MB more than before, expected less than {MOST_GROWTH}"


def request(signature: str, **inputs) -> predict_pb2.PredictRequest:
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "tiny"
    message.model_spec.signature_name = signature
    for name, value in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return message


def stylized(photo: bytes = picture("png"), mask: bytes = b"") -> predict_pb2.PredictRequest:
    return request(
        "encoded",
        image_bytes=[photo],
        region_weights=np.array([[[1, 0]]], np.float32),
        region_masks=[[mask]],
        strength=np.ones(1, np.float32),
        preserve_color=[False],
        format=["png"],
    )


IMAGE = np.zeros((1, 16, 18, 3), np.uint8)
WEIGHTS = np.array([[1, 0]], np.float32)
GOOD = [
    message.SerializeToString()
    for message in (
        stylized(),
        stylized(picture("jpeg"), picture("png")),
        request("serving_default", image=IMAGE, style_weights=WEIGHTS),
        request("regions", image=IMAGE, style_map=np.ones((1, 16, 18, 2), np.float32), strength=np.ones(1, np.float32),
                preserve_color=[True]),
        request("describe"),
    )
]  # fmt: skip


DIMS = st.one_of(
    st.integers(0, 20), st.sampled_from([-1, -(2**63), 100_000, 2**20, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1])
)
NAMES = st.sampled_from(
    ["image", "style_weights", "style_map", "strength", "mask", "preserve_color", "image_bytes", "region_weights",
     "region_masks", "format", "", "nobody"]
)  # fmt: skip
SIGNATURES = st.sampled_from(
    ["", "serving_default", "controlled", "regions", "encoded", "describe", "__saved_model_init_op", "nobody"]
)


@st.composite
def tensors(draw: st.DrawFn) -> TensorProto:
    """Any dtype with any shape and any values, which seldom belong together."""
    proto = TensorProto(dtype=draw(st.one_of(st.integers(0, 32), st.integers(100, 132))))
    for size in draw(st.lists(DIMS, max_size=6)):
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_shape.unknown_rank = draw(st.integers(0, 9)) == 0
    match draw(st.integers(0, 6)):
        case 0:
            proto.tensor_content = draw(st.binary(max_size=200))
        case 1:
            proto.int_val.extend(draw(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20)))
        case 2:
            proto.float_val.extend(draw(st.lists(st.floats(width=32), max_size=20)))
        case 3:
            proto.string_val.extend(draw(st.lists(st.binary(max_size=50), max_size=5)))
        case 4:
            proto.bool_val.extend(draw(st.lists(st.booleans(), max_size=5)))
        case 5:
            proto.half_val.extend(draw(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5)))
    return proto


@st.composite
def requests(draw: st.DrawFn) -> predict_pb2.PredictRequest:
    """Requests whose parts do not fit: some inputs of a good one replaced."""
    message = predict_pb2.PredictRequest.FromString(draw(st.sampled_from(GOOD)))
    if draw(st.booleans()):
        message.model_spec.signature_name = draw(SIGNATURES)
    for _ in range(draw(st.integers(1, 3))):
        names = st.one_of(NAMES, st.sampled_from(sorted(message.inputs) or [""]))
        message.inputs[draw(names)].CopyFrom(draw(tensors()))
    message.output_filter.extend(draw(st.lists(st.sampled_from(["stylized", "image_bytes", "x"]), max_size=2)))
    if draw(st.integers(0, 9)) == 0:
        message.model_spec.version.value = draw(st.integers(-(2**63), 2**63 - 1))
    return message


ANY_PICTURE = any_picture()


@cases(600)
@given(data=damaged(GOOD))
def test_damaged_requests_are_answered(target, data):
    assert target.call(data)[0] in NO_REQUEST


@cases(600)
@given(message=requests())
def test_tensors_that_do_not_fit_are_answered(target, message):
    assert target.call(message.SerializeToString())[0] in ANSWERS


@cases(400)
@given(photo=ANY_PICTURE, mask=st.one_of(st.just(b""), ANY_PICTURE))
def test_broken_pictures_are_answered(target, photo, mask):
    assert target.call(stylized(photo, mask).SerializeToString())[0] in ANSWERS


METHODS = [
    "PredictionService/Classify",
    "PredictionService/Regress",
    "PredictionService/MultiInference",
    "PredictionService/GetModelMetadata",
    "ModelService/GetModelStatus",
    "ModelService/Nothing",
]


@cases(150)
@given(data=st.one_of(st.binary(max_size=100), damaged(GOOD)), method=st.sampled_from(METHODS))
def test_what_other_methods_get_is_answered(target, data, method):
    assert target.call(data, SERVICES + method)[0] in NO_REQUEST


@cases(50)
@given(data=st.binary(min_size=1, max_size=100))
def test_a_configuration_of_noise_is_refused(target, data):
    code, _ = target.call(b"\x0a" + bytes([len(data)]) + b"\x12" + data, RELOAD)
    assert code in NO_REQUEST - {Code.OK}


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(NAMES, st.sampled_from(["b64", "instances", "inputs"])), inner, max_size=4),
    ),
    max_leaves=20,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda form, signature, value: json.dumps({"signature_name": signature, form: value}).encode(),
        st.sampled_from(["instances", "inputs"]),
        st.one_of(SIGNATURES, st.just("\ud800")),
        JSON,
    ),
)


@cases(200)
@given(body=BODIES, path=st.sampled_from([":predict", ":classify", "/versions/1:predict", "/versions/x:predict", ""]))
def test_json_that_does_not_fit_is_answered(target, body, path):
    response = target.post(f"/v1/models/tiny{path}", body)
    assert response.status_code in {200, 400, 404, 429, 501}, response.text
    assert ("error" in response.json()) == (response.status_code != 200)


ZEROS = {"PNG of 2 gigapixels": png_that_claims(2**16, 2**15), "PNG of no pixels": png_that_claims(0, 0)}


@pytest.mark.parametrize("photo", ZEROS.values(), ids=ZEROS.keys())
def test_an_image_bomb_is_refused_before_it_is_decoded(target, photo):
    code, details = target.call(stylized(photo).SerializeToString())
    assert code is Code.INVALID_ARGUMENT
    assert "Expected image_bytes of at" in details or "Invalid PNG" in details, details


def test_a_small_message_cannot_claim_all_memory(target):
    """A TensorProto of a few bytes may stand for any number of zeros, and of strings."""
    for name, dtype in (("image", tf.uint8), ("image_bytes", tf.string)):
        message = request("serving_default", image=IMAGE, style_weights=WEIGHTS) if name == "image" else stylized()
        tensor = TensorProto(dtype=dtype.as_datatype_enum)
        for size in (1, 30_000, 30_000, 3):
            tensor.tensor_shape.dim.add(size=size)
        message.inputs[name].CopyFrom(tensor)
        code, details = target.call(message.SerializeToString())
        assert code is Code.RESOURCE_EXHAUSTED
        assert details.startswith("Received message larger than max (")


def test_a_small_message_cannot_ask_for_many_pictures_or_regions(target):
    """Each picture and mask may be allowed, and all together take gigabytes."""
    pictures = request("serving_default", image=IMAGE, style_weights=WEIGHTS)
    for name, shape in {"image": (4, 2000, 2000, 3), "style_weights": (4, 2)}.items():
        del pictures.inputs[name].tensor_shape.dim[:]
        for size in shape:
            pictures.inputs[name].tensor_shape.dim.add(size=size)
        pictures.inputs[name].tensor_content = b""
    code, details = target.call(pictures.SerializeToString())
    assert (code, "[request.pixels]" in details) == (Code.INVALID_ARGUMENT, True)

    regions = stylized()
    for name, shape in {"region_masks": (1, 40), "region_weights": (1, 40, 2)}.items():
        del regions.inputs[name].tensor_shape.dim[:]
        for size in shape:
            regions.inputs[name].tensor_shape.dim.add(size=size)
    regions.inputs["region_weights"].tensor_content = b""
    code, details = target.call(regions.SerializeToString())
    assert (code, "[request.regions]" in details) == (Code.INVALID_ARGUMENT, True)


def test_memory_has_a_bound_when_all_ask_for_much_at_once(target):
    """Each of these is just small enough and stands for 400 MB, twice for a moment; only those whose turn it is do."""
    message = request("serving_default", image=IMAGE, style_weights=WEIGHTS)
    tensor = message.inputs["image"]
    del tensor.tensor_shape.dim[:]
    tensor.tensor_content = b""
    for size in (1, 11_500, 11_500, 3):
        tensor.tensor_shape.dim.add(size=size)
    data, most = message.SerializeToString(), 0.0
    with ThreadPoolExecutor(16) as threads:
        answers = [threads.submit(target.call, data, timeout=120) for _ in range(16)]
        while not all(answer.done() for answer in answers):
            most = max(most, resident_memory(target.process))
            time.sleep(0.02)
    assert {answer.result()[0] for answer in answers} == {Code.INVALID_ARGUMENT}
    assert most < 1500 + 800 * Flags().max_concurrent_runs  # all sixteen at once would be 12 GB
