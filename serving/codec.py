"""NumPy arrays to TensorProto and back, with the official messages or the light ones of `serving.protos`.

A TensorProto carries its elements either as raw little-endian bytes (`tensor_content`) or as one value each in the
field of its dtype (`float_val`, `int_val`, ...), where the last value stands for all that follow and no value at all
means zeros. Servers answer in either form, so both are read. Follows `tensorflow/core/framework/tensor.cc`.

Pictures are not looked at here: whoever sends a photo turns it upright first, as `tfstyle.imaging.photo` does.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.protos import wire_pb2

MAX_TENSOR_BYTES = 2**31 - 1  # no larger than a message: a shape of a few bytes must not claim all memory
_MAX_RANK = 64  # NumPy's limit; TensorFlow's is 254


class CodecError(ValueError):
    """The TensorProto or array does not make a tensor."""


@dataclass(frozen=True)
class _Encoding:
    """How one DataType is stored: `stored` is what a typed field holds, which is wider than or the bits of `dtype`."""

    number: int
    dtype: np.dtype
    field: str
    stored: np.dtype


def _encoding(number: int, dtype: str, field: str, stored: str) -> _Encoding:
    return _Encoding(number, np.dtype(dtype), field, np.dtype(stored))


# The light TensorProto has no half, uint32 and uint64 fields; the official one, which the server reads, does.
_ENCODINGS = (
    _encoding(1, "<f4", "float_val", "<f4"),
    _encoding(2, "<f8", "double_val", "<f8"),
    _encoding(3, "<i4", "int_val", "<i4"),
    _encoding(4, "u1", "int_val", "<i4"),
    _encoding(5, "<i2", "int_val", "<i4"),
    _encoding(6, "i1", "int_val", "<i4"),
    _encoding(7, "O", "string_val", "O"),
    _encoding(9, "<i8", "int64_val", "<i8"),
    _encoding(10, "?", "bool_val", "?"),
    _encoding(17, "<u2", "int_val", "<i4"),
    _encoding(19, "<f2", "half_val", "<i4"),
    _encoding(22, "<u4", "uint32_val", "<u4"),
    _encoding(23, "<u8", "uint64_val", "<u8"),
)
_BY_NUMBER = {encoding.number: encoding for encoding in _ENCODINGS}
_BY_DTYPE = {encoding.dtype: encoding for encoding in _ENCODINGS}
_STRING = _BY_NUMBER[7]
_BOOL = _BY_NUMBER[10]
_HALF = _BY_NUMBER[19]


def encode(array: Any, message: type = wire_pb2.TensorProto, *, typed_fields: bool = False) -> Any:
    """Write an array as a TensorProto.

    Args:
        array: Anything `np.asarray` takes. Strings are object arrays of bytes or str, or NumPy's `S` and `U` arrays.
        message: The TensorProto class to make.
        typed_fields: One value per element, as TensorFlow Serving answers by default, instead of raw bytes. Strings
            are always written so, except with `encode_content`.

    Raises:
        CodecError: If the dtype has no place in a TensorProto, or an object array holds anything but strings.
    """
    array = np.asarray(array)
    encoding = _encoding_of(array)
    proto = _empty(message, encoding, array.shape)
    if encoding is _STRING:
        proto.string_val.extend(_strings(array))
    elif typed_fields:
        flat = np.ascontiguousarray(array, encoding.dtype).ravel()
        values = flat.view("<u2") if encoding is _HALF else flat
        getattr(proto, encoding.field).extend(values.tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(array, encoding.dtype).tobytes()
    return proto


def encode_content(array: Any, message: type = wire_pb2.TensorProto) -> Any:
    """Write an array as a TensorProto with `tensor_content`, strings too: all their lengths, then all their bytes.

    This is how TensorFlow Serving answers with `--enable_serialization_as_tensor_content`.

    Raises:
        CodecError: As `encode`.
    """
    array = np.asarray(array)
    if _encoding_of(array) is not _STRING:
        return encode(array, message)
    proto = _empty(message, _STRING, array.shape)
    strings = _strings(array)
    proto.tensor_content = b"".join([_varint(len(string)) for string in strings] + strings)
    return proto


def decode(proto: Any, *, max_elements: int | None = None) -> np.ndarray:
    """Read a TensorProto, official or light, in either form.

    Args:
        proto: Of any shape and dtype.
        max_elements: Elements that it may claim; None is as many as fit into `MAX_TENSOR_BYTES`.

    Returns:
        An array of the proto's dtype and shape, possibly read-only; strings are an object array of bytes.

    Raises:
        CodecError: If the dtype is unknown, the shape is not fully known or too large, or the content does not fill it.
    """
    encoding = _BY_NUMBER.get(proto.dtype)
    if encoding is None:
        raise CodecError(f"Expected a tensor of a known dtype, got DataType {proto.dtype}.")
    shape = _shape(proto.tensor_shape)
    count = math.prod(shape)
    # Sizes beside a 0 count too: NumPy takes no more of them.
    if math.prod(size or 1 for size in shape) * encoding.dtype.itemsize > MAX_TENSOR_BYTES:
        raise CodecError(f"Expected a tensor of at most {MAX_TENSOR_BYTES} bytes, got the shape {list(shape)}.")
    if max_elements is not None and count > max_elements:
        raise CodecError(f"Expected a tensor of at most {max_elements} elements, got the shape {list(shape)}.")
    if count == 0:
        return np.empty(shape, encoding.dtype)
    flat = _from_content(encoding, proto.tensor_content, count) if proto.tensor_content else None
    if flat is None:
        flat = _from_typed_field(encoding, getattr(proto, encoding.field, ()), count)
    return flat.reshape(shape)


def _encoding_of(array: np.ndarray) -> _Encoding:
    if array.dtype.kind in "OSU":
        return _STRING
    encoding = _BY_DTYPE.get(array.dtype.newbyteorder("<"))
    if encoding is None:
        raise CodecError(f"Expected an array of numbers, bools or bytes, got dtype {array.dtype}.")
    return encoding


def _empty(message: type, encoding: _Encoding, shape: tuple[int, ...]) -> Any:
    proto = message()
    proto.dtype = encoding.number
    proto.tensor_shape.SetInParent()  # a scalar has a shape too: an empty one
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return proto


def _strings(array: np.ndarray) -> list[bytes]:
    strings = [item.encode() if isinstance(item, str) else item for item in array.ravel().tolist()]
    for item in strings:
        if not isinstance(item, bytes):
            raise CodecError(f"Expected bytes or str in an object array, got {type(item).__name__}.")
    return strings


def _shape(proto: Any) -> tuple[int, ...]:
    sizes = tuple(dim.size for dim in proto.dim)
    if proto.unknown_rank or len(sizes) > _MAX_RANK or any(size < 0 for size in sizes):
        raise CodecError(f"Expected a tensor of known shape, got {list(sizes) if sizes else 'an unknown rank'}.")
    return sizes


def _from_content(encoding: _Encoding, content: bytes, count: int) -> np.ndarray:
    if encoding is _STRING:
        return _split_strings(content, count)
    if len(content) != count * encoding.dtype.itemsize:
        raise CodecError(f"Expected {count * encoding.dtype.itemsize} bytes of content, got {len(content)}.")
    if encoding is _BOOL:
        return np.frombuffer(content, np.uint8) != 0
    return np.frombuffer(content, encoding.dtype)


def _from_typed_field(encoding: _Encoding, values: Any, count: int) -> np.ndarray:
    if encoding is _STRING:
        strings = list(values[:count]) or [b""]
        strings += [strings[-1]] * (count - len(strings))
        flat = np.empty(count, object)
        flat[:] = strings
        return flat
    stored = np.fromiter(values, encoding.stored, min(len(values), count))
    given = stored.astype("<u2").view("<f2") if encoding is _HALF else stored.astype(encoding.dtype)
    if len(given) == count:
        return given
    flat = np.full(count, given[-1] if len(given) else 0, encoding.dtype)
    flat[: len(given)] = given
    return flat


def _split_strings(content: bytes, count: int) -> np.ndarray:
    lengths = []
    position = 0
    for _ in range(count):
        length, position = _read_varint(content, position)
        lengths.append(length)
    if position + sum(lengths) != len(content):
        raise CodecError(f"Expected {position + sum(lengths)} bytes of {count} strings, got {len(content)}.")
    flat = np.empty(count, object)
    for i, length in enumerate(lengths):
        flat[i] = content[position : position + length]
        position += length
    return flat


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(content: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):  # a string's length has 32 bits
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise CodecError("Expected a length of every string, got content that ends before.")
