"""What a server answers, as the client reads it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import codec
from serving.client.calls import METADATA, PREDICT, STATUS, Call, Calls, Operation, Returned, advance
from serving.protos import wire_pb2
from testing.fake_model import CATALOG, FakePredictor, photo_array
from testing.fuzz_cases import bounded_memory, cases, outcome
from testing.hostile_bytes import any_picture, damaged
from tfstyle.contract.catalog import Catalog
from tfstyle.errors import StyleTransferError
from tfstyle.imaging.photo import Photo, read_photo
from tfstyle.stylize.options import StylizeOptions

PHOTO = read_photo(photo_array(20, 24))
PLAIN = StylizeOptions(CATALOG.names[0])
OPTIONS = st.sampled_from([{}, {"stroke": 1.5}, {"format": "jpeg"}, {"strength": 0.5, "mask": "left"}])


def predicted(outputs: dict[str, Any]) -> bytes:
    """An answer of Predict."""
    response = wire_pb2.PredictResponse()
    response.model_spec.version.value = 1
    for name, value in outputs.items():
        proto = value if isinstance(value, wire_pb2.TensorProto) else codec.encode(value)
        response.outputs[name].CopyFrom(proto)
    return response.SerializeToString()


def metadata() -> bytes:
    definitions = wire_pb2.SignatureDefMap()
    tensor = definitions.signature_def["serving_default"].inputs["image"]
    tensor.dtype = wire_pb2.DT_UINT8
    tensor.tensor_shape.dim.add(size=-1)
    response = wire_pb2.GetModelMetadataResponse()
    response.metadata["signature_def"].value = definitions.SerializeToString()
    return response.SerializeToString()


def status() -> bytes:
    response = wire_pb2.GetModelStatusResponse()
    version = response.model_version_status.add(version=1, state=30)
    version.status.error_message = "none"
    return response.SerializeToString()


DESCRIBED = FakePredictor().predict("describe", {})
PAINTING = {"image_bytes": np.array([PHOTO.encode("png")], object)}
GOOD = {"describe": predicted(DESCRIBED), "encoded": predicted(PAINTING), METADATA: metadata(), STATUS: status()}

SIZES = st.one_of(st.integers(0, 4), st.sampled_from([-1, 2**20, 2**31, 2**62, 2**63 - 1]))


@st.composite
def tensors(draw: st.DrawFn) -> wire_pb2.TensorProto:
    """Of any dtype, shape and values, which may not belong together."""
    proto = wire_pb2.TensorProto(dtype=draw(st.integers(0, 25)))
    for size in draw(st.lists(SIZES, max_size=3)):
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_shape.unknown_rank = draw(st.integers(0, 9)) == 0
    proto.float_val.extend(draw(st.lists(st.floats(width=32), max_size=4)))
    proto.int64_val.extend(draw(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4)))
    proto.string_val.extend(draw(st.lists(st.one_of(st.binary(max_size=20), any_picture()), max_size=4)))
    if draw(st.booleans()):
        proto.tensor_content = draw(st.binary(max_size=40))
    return proto


@st.composite
def outputs(draw: st.DrawFn, good: dict[str, np.ndarray]) -> bytes:
    """A good answer with one or two outputs replaced or gone."""
    answer: dict[str, Any] = dict(good)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(good)))
        if draw(st.booleans()):
            answer[name] = draw(tensors())
        else:
            answer.pop(name, None)
    return predicted(answer)


def carried_out(operation: Operation[Any], answers: dict[str, bytes]) -> Any:
    """What comes of an operation whose calls are answered so, by signature or else by method."""
    step = advance(operation)
    for _ in range(10):
        if isinstance(step, Returned):
            return step.value
        step = advance(operation, answers[_asked(step)])
    raise AssertionError("it asks without end")


def _asked(call: Call) -> str:
    if call.method != PREDICT:
        return call.method
    return wire_pb2.PredictRequest.FromString(call.request).model_spec.signature_name


@pytest.fixture(autouse=True, scope="module")
def memory() -> Iterator[None]:
    carried_out(
        Calls("here", "tfstyle", None).stylize(PHOTO, StylizeOptions(CATALOG.names[0])), GOOD
    )  # what it imports
    with bounded_memory(300):
        yield


@cases(150)
@given(answer=st.one_of(damaged([GOOD["describe"]]), outputs(DESCRIBED)), options=OPTIONS)
def test_any_answer_to_describe_is_a_catalog_or_is_refused_with_a_sentence(answer, options):
    catalog, _ = outcome(
        lambda: carried_out(Calls("here", "tfstyle", None).styles(), GOOD | {"describe": answer}), StyleTransferError
    )
    if catalog is None:
        return
    assert isinstance(catalog, Catalog)
    for style in catalog:
        assert isinstance(style.name, str)
        assert isinstance(style.thumbnail, bytes)
    outcome(
        lambda: carried_out(
            Calls("here", "tfstyle", None).stylize(PHOTO, replace(PLAIN, **options)),
            GOOD | {"describe": answer},
        ),
        StyleTransferError,
    )


@cases(150)
@given(
    answer=st.one_of(
        damaged([GOOD["encoded"]]),
        outputs(PAINTING),
        any_picture().map(lambda data: predicted({"image_bytes": np.array([data], object)})),
    ),
    options=OPTIONS,
    encoded=st.booleans(),
)
def test_any_answer_to_a_photo_is_its_painting_or_is_refused_with_a_sentence(answer, options, encoded):
    calls = Calls("here", "tfstyle", None)
    operation = calls.stylize_encoded if encoded else calls.stylize
    painting, _ = outcome(
        lambda: carried_out(operation(PHOTO, replace(PLAIN, **options)), GOOD | {"encoded": answer}),
        StyleTransferError,
    )
    if painting is not None:
        assert (painting.height, painting.width) == (20, 24)
        assert isinstance(painting.data if encoded else painting, bytes if encoded else Photo)


@cases(100)
@given(answer=damaged([GOOD[METADATA], GOOD[STATUS]]))
def test_any_answer_about_signatures_and_versions_is_read_or_refused_with_a_sentence(answer):
    calls = Calls("here", "tfstyle", None)
    for operation, method in ((calls.signatures(), METADATA), (calls.status(), STATUS)):
        found, refusal = outcome(lambda o=operation, m=method: carried_out(o, {m: answer}), StyleTransferError)
        assert found is not None or "here" in refusal
