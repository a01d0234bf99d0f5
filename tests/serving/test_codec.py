"""TensorProto bytes of TensorFlow and of the light messages mean the same."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.framework.tensor_pb2 import TensorProto

from serving import codec
from serving.protos import wire_pb2

DTYPES = (np.uint8, np.float32, np.bool_, np.int64, np.int32, np.float64, np.int16, np.int8)

arrays = st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0)))
strings = st.lists(st.binary(max_size=200), max_size=5)


def official(light: wire_pb2.TensorProto) -> TensorProto:
    return TensorProto.FromString(light.SerializeToString())


def light(proto: TensorProto) -> wire_pb2.TensorProto:
    return wire_pb2.TensorProto.FromString(proto.SerializeToString())


def objects(values: list[bytes]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@settings(deadline=None, max_examples=100)
@given(arrays, st.booleans())
def test_tensorflow_reads_what_the_codec_writes(array, typed_fields):
    proto = official(codec.encode(array, typed_fields=typed_fields))

    back = tf.make_ndarray(proto)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@settings(deadline=None, max_examples=100)
@given(arrays)
def test_the_codec_reads_what_tensorflow_writes(array):
    proto = light(tf.make_tensor_proto(array))

    back = codec.decode(proto)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@settings(deadline=None, max_examples=100)
@given(strings)
def test_strings_keep_every_byte_in_both_directions(values):
    """Trailing zeros too, which NumPy's own byte strings drop."""
    written = tf.make_ndarray(official(codec.encode(objects(values))))
    read = codec.decode(light(tf.make_tensor_proto(objects(values), dtype=tf.string, shape=[len(values)])))

    assert [bytes(value) for value in written.tolist()] == values
    assert read.tolist() == values
    assert codec.decode(codec.encode_content(objects(values))).tolist() == values


def test_string_content_is_laid_out_as_tensorflow_does():
    """All lengths as varints, then all bytes."""
    long = b"x" * 300
    proto = codec.encode_content(objects([b"ab", b"", long]))
    assert proto.tensor_content == b"\x02\x00\xac\x02" + b"ab" + long


@pytest.mark.parametrize(
    ("dtype", "field", "values", "expected"),
    [
        (wire_pb2.DT_FLOAT, "float_val", [0.5, 0.25], [0.5, 0.25, 0.25, 0.25]),
        (wire_pb2.DT_UINT8, "int_val", [7], [7, 7, 7, 7]),
        (wire_pb2.DT_INT64, "int64_val", [-1, 2], [-1, 2, 2, 2]),
        (wire_pb2.DT_BOOL, "bool_val", [True, False], [True, False, False, False]),
        (wire_pb2.DT_STRING, "string_val", [b"a"], [b"a", b"a", b"a", b"a"]),
        (wire_pb2.DT_FLOAT, "float_val", [], [0, 0, 0, 0]),
        (wire_pb2.DT_STRING, "string_val", [], [b"", b"", b"", b""]),
        (wire_pb2.DT_UINT8, "int_val", [1, 2, 3, 4, 5], [1, 2, 3, 4]),
    ],
)
def test_the_last_value_of_a_typed_field_stands_for_the_rest(dtype, field, values, expected):
    proto = wire_pb2.TensorProto(dtype=dtype)
    proto.tensor_shape.dim.add(size=4)
    getattr(proto, field).extend(values)

    assert codec.decode(proto).tolist() == expected


def test_half_precision_travels_as_bits_with_the_official_message():
    array = np.array([0.5, -2.0, 65504.0], np.float16)
    for typed_fields in (False, True):
        proto = codec.encode(array, TensorProto, typed_fields=typed_fields)
        np.testing.assert_array_equal(tf.make_ndarray(proto), array)
        np.testing.assert_array_equal(codec.decode(proto), array)


def test_big_endian_arrays_are_turned():
    array = np.array([1, 256], ">i4")
    np.testing.assert_array_equal(codec.decode(codec.encode(array)), array)


def proto_of(dtype: int, dims: list[int], **fields) -> wire_pb2.TensorProto:
    proto = wire_pb2.TensorProto(dtype=dtype, **fields)
    for size in dims:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    "proto",
    [
        proto_of(wire_pb2.DT_INVALID, [1]),
        proto_of(99, [1]),
        proto_of(wire_pb2.DT_FLOAT, [-1]),
        proto_of(wire_pb2.DT_FLOAT, [2], tensor_content=b"1234567"),
        proto_of(wire_pb2.DT_FLOAT, [2], tensor_content=b"123456789"),
        proto_of(wire_pb2.DT_UINT8, [2**31], int_val=[1]),
        proto_of(wire_pb2.DT_UINT8, [2**62, 2**62, 2**62], int_val=[1]),
        proto_of(wire_pb2.DT_UINT8, [1] * 65, int_val=[1]),
        proto_of(wire_pb2.DT_STRING, [2], tensor_content=b"\x01"),
        proto_of(wire_pb2.DT_STRING, [2], tensor_content=b"\x01\x05abc"),
        proto_of(wire_pb2.DT_STRING, [1], tensor_content=b"\xff\xff\xff\xff\xff\xff"),
    ],
)
def test_a_tensor_that_is_none_is_refused(proto):
    """Huge shapes too: a few bytes of shape must not claim all memory."""
    with pytest.raises(codec.CodecError, match=r"^Expected"):
        codec.decode(proto)


def test_an_unknown_rank_is_refused():
    proto = wire_pb2.TensorProto(dtype=wire_pb2.DT_FLOAT, float_val=[1])
    proto.tensor_shape.unknown_rank = True
    with pytest.raises(codec.CodecError, match="known shape"):
        codec.decode(proto)


@pytest.mark.parametrize("array", [np.array([1j]), np.array([None], object), np.array(["2020-01-01"], "M8[D]")])
def test_an_array_without_a_place_on_the_wire_is_refused(array):
    with pytest.raises(codec.CodecError, match=r"^Expected"):
        codec.encode(array)
