"""JSON to tensors and back, where a whole server would add nothing."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from serving import codec
from serving.server import json_tensor
from serving.server.status import StatusError


def read(value: object, dtype: str) -> np.ndarray:
    info = TensorInfo(dtype=tf.as_dtype(dtype).as_datatype_enum)
    tensors, form = json_tensor.read_inputs(json_tensor.parse(json.dumps({"inputs": value}).encode()), {"x": info})
    assert form == "columnar"
    return tf.make_ndarray(tensors["x"])


def write(form: json_tensor.Form = "columnar", **arrays: np.ndarray) -> object:
    protos = {name: codec.encode(array, tf.make_tensor_proto(0).__class__) for name, array in arrays.items()}
    return json.loads(json_tensor.write_outputs(protos, form))


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float32", [[0.5, -2.0]]),
        ("float64", 1e300),
        ("int32", [-(2**31), 2**31 - 1]),
        ("int16", [-5]),
        ("int8", [5]),
        ("uint8", [[[255]]]),
        ("int64", [2**63 - 1]),
        ("uint32", [2**32 - 1]),
        ("uint64", [2**64 - 1]),
        ("bool", [True, False]),
        ("string", ["ä", ""]),
    ],
)
def test_every_dtype_comes_back_as_it_went(dtype, value):
    array = read(value, dtype)
    assert array.dtype == (object if dtype == "string" else dtype)
    assert write(x=array)["outputs"] == value


def test_a_whole_number_stands_for_a_decimal():
    assert read([1, 2.5], "float32").tolist() == [1.0, 2.5]


def test_an_empty_list_is_an_empty_tensor():
    assert read([], "float32").shape == (0,)


def test_what_does_not_fit_a_byte_is_cut_off_as_in_the_cpp_server():
    assert read([300, -1], "uint8").tolist() == [44, 255]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("int32", 2**31), ("int64", 2**63), ("uint64", -1), ("uint32", 2**32), ("int32", 1.0), ("bool", 1), ("string", 1)],
)
def test_what_a_dtype_cannot_hold_is_refused(dtype, value):
    with pytest.raises(StatusError, match=f"is not of expected type: {dtype}"):
        read([value], dtype)


@pytest.mark.parametrize("value", [1e39, 2**24, 10**400])
def test_a_float_that_would_lose_digits_is_refused(value):
    with pytest.raises(StatusError, match="to float without loss of precision"):
        read([value], "float32")


def test_a_dtype_that_json_does_not_know_is_told():
    with pytest.raises(StatusError, match="to type: DT_COMPLEX64"):
        read([1.0], "complex64")


def test_a_signature_is_named_by_text_that_is_whole():
    assert json_tensor.signature_name(json_tensor.parse(b'{"signature_name": "\\ud83c\\udfa8"}')) == "\U0001f3a8"
    with pytest.raises(StatusError, match="surrogate pair"):
        json_tensor.signature_name(json_tensor.parse(b'{"signature_name": "\\ud83c"}'))


@pytest.mark.parametrize("text", ["aGk=", "aGk", "aG k=\n"])
def test_base64_may_go_without_padding(text):
    assert read([{"b64": text}], "string").tolist() == [b"hi"]


@pytest.mark.parametrize("value", [{"b64": "a", "more": 1}, {"b64": 1}, {}])
def test_an_object_that_is_no_base64_is_refused(value):
    with pytest.raises(StatusError, match="not formatted correctly for base64 data"):
        read([value], "string")


def test_a_float_is_written_with_the_digits_it_has():
    assert write(x=np.array([0.2], np.float32))["outputs"] == [0.2]


def test_bytes_are_base64_by_their_name_or_where_they_are_no_text():
    """The C++ server writes bytes that are no text as they are, which no JSON parser reads."""
    text = np.array([b"hi"], object)
    assert write(image_bytes=text)["outputs"] == [{"b64": "aGk="}]
    assert write(names=text)["outputs"] == ["hi"]
    assert write(names=np.array([b"\xff"], object))["outputs"] == [{"b64": "/w=="}]


def test_rows_need_as_many_of_each_output():
    with pytest.raises(StatusError, match="Tensor name: b has inconsistent batch size: 2 expecting: 1"):
        write("row", a=np.zeros(1), b=np.zeros(2))
    with pytest.raises(StatusError, match="Tensor name: a has no shape information"):
        write("row", a=np.zeros(()))
