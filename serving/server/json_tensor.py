"""Tensors as JSON, the way TensorFlow Serving's REST interface writes them.

Row form: `{"instances": [...]}`, one element each picture, answered by `{"predictions": [...]}`. Columnar form:
`{"inputs": {name: values}}`, answered by `{"outputs": ...}`. Bytes are `{"b64": "..."}`. Follows `util/json_tensor.cc`.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto

from serving import codec
from serving.server.status import StatusError, invalid_argument, unimplemented

Form = Literal["row", "columnar"]

_MAX_RANK = 63  # NumPy takes 64, and rows become one more
_MAX_FLOAT = float(np.finfo(np.float32).max)


class _Type(NamedTuple):
    """How the values of a dtype are written in JSON: `low` and `high` bound integers."""

    name: str
    array: str
    json: frozenset[type]
    low: int = 0
    high: int = 0


_INTEGER, _DECIMAL = frozenset({int}), frozenset({int, float})
_INT32 = (-(2**31), 2**31 - 1)  # also of the narrower ones: what does not fit is cut off, as in the C++ server
_TYPES = {
    types_pb2.DT_FLOAT: _Type("float", "f4", _DECIMAL, -(2**24) + 1, 2**24 - 1),
    types_pb2.DT_DOUBLE: _Type("double", "f8", _DECIMAL, -(2**53) + 1, 2**53 - 1),
    types_pb2.DT_INT32: _Type("int32", "i4", _INTEGER, *_INT32),
    types_pb2.DT_INT16: _Type("int16", "i2", _INTEGER, *_INT32),
    types_pb2.DT_INT8: _Type("int8", "i1", _INTEGER, *_INT32),
    types_pb2.DT_UINT8: _Type("uint8", "u1", _INTEGER, *_INT32),
    types_pb2.DT_INT64: _Type("int64", "i8", _INTEGER, -(2**63), 2**63 - 1),
    types_pb2.DT_UINT32: _Type("uint32", "u4", _INTEGER, 0, 2**32 - 1),
    types_pb2.DT_UINT64: _Type("uint64", "u8", _INTEGER, 0, 2**64 - 1),
    types_pb2.DT_BOOL: _Type("bool", "?", frozenset({bool})),
    types_pb2.DT_STRING: _Type("string", "O", frozenset({str, dict})),
}
_JSON_NAMES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        StatusError: INVALID_ARGUMENT if it is none.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        raise invalid_argument(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except UnicodeDecodeError as error:
        raise invalid_argument(f"JSON Parse error: Invalid encoding in string. at offset: {error.start}") from None
    except (RecursionError, ValueError) as error:  # nested too deeply; a number of thousands of digits
        raise invalid_argument(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {_text(document)} Is not object")
    return document


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a request names; empty if none.

    Raises:
        StatusError: INVALID_ARGUMENT if it is no string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"JSON Value: {_text(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    if not name.isascii() and name != name.encode("utf-8", "replace").decode():  # half of a surrogate pair
        raise invalid_argument("JSON Parse error: The surrogate pair in string is invalid.")
    return name


def read_inputs(document: Mapping[str, Any], infos: Mapping[str, Any]) -> tuple[dict[str, TensorProto], Form]:
    """A request's tensors by input name, and the form to answer in.

    Args:
        document: As `parse` returns it.
        infos: TensorInfo by input name, for the dtypes.

    Raises:
        StatusError: INVALID_ARGUMENT with TensorFlow Serving's sentence.
    """
    if not infos:
        raise invalid_argument(f"Failed to get input map for signature: {document.get('signature_name') or 'DEFAULT'}")
    if "instances" in document and "inputs" in document:
        raise invalid_argument(
            f"JSON Value: {_text(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            f"keys to exist "
        )
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            raise invalid_argument(f"JSON Value: {_text(document)} Excepting 'instances' to be an list/array")
        if not instances:
            raise invalid_argument(f"JSON Value: {_text(document)} No values in 'instances' array")
        return _read_rows(instances, infos), "row"
    if "inputs" in document:
        return _read_columns(document["inputs"], infos), "columnar"
    raise invalid_argument("Missing 'inputs' or 'instances' key")


def write_outputs(outputs: Mapping[str, TensorProto], form: Form) -> bytes:
    """The JSON of an answer. Strings are bytes if their name ends in `_bytes`, or if they are no text.

    Raises:
        StatusError: INVALID_ARGUMENT if rows are asked for and there are none.
    """
    columns = {name: _values(name, codec.decode(proto)) for name, proto in sorted(outputs.items())}
    if form == "columnar":
        return _dump({"outputs": columns if len(columns) > 1 else next(iter(columns.values()))})
    rows = _batch_size(outputs)
    if len(columns) == 1:
        return _dump({"predictions": next(iter(columns.values()))})
    return _dump({"predictions": [{name: column[row] for name, column in columns.items()} for row in range(rows)]})


def _read_rows(instances: list[Any], infos: Mapping[str, Any]) -> dict[str, TensorProto]:
    named = _is_named(instances[0])
    if not named and len(infos) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    columns: dict[str, list[np.ndarray]] = {name: [] for name in infos}
    for index, instance in enumerate(instances):
        if named and not _is_named(instance):
            raise invalid_argument(f"Expecting object but got list at item {index} of input list")
        if not named and _is_named(instance):
            raise invalid_argument(f"Expecting value/list but got object at item {index} of input list")
        given = instance if named else {next(iter(infos)): instance}
        for name, value in given.items():
            try:
                columns.get(name, []).append(_read_row(name, value, infos, columns))
            except StatusError as error:
                key = f" key: {name}" if named else ""
                raise invalid_argument(
                    f"Failed to process element: {index}{key} of 'instances' list. "
                    f"Error: {error.code.name}: {error.message}"
                ) from None
        if given.keys() != infos.keys():
            raise invalid_argument(
                f"Failed to process element: {index} of 'instances' list. JSON object: {_text(instance)} "
                f"keys must be equal to: {','.join(sorted(infos))}"
            )
    return {name: codec.encode(np.stack(rows), TensorProto) for name, rows in columns.items()}


def _read_row(name: str, value: Any, infos: Mapping[str, Any], columns: Mapping[str, list[np.ndarray]]) -> np.ndarray:
    if name not in infos:
        raise invalid_argument(f"JSON object: does not have named input: {name}")
    row = _array(value, infos[name].dtype)
    first = columns[name][0] if columns[name] else row
    if row.size != first.size:
        raise invalid_argument(f"Expecting tensor size: {first.size} but got: {row.size}")
    if row.shape != first.shape:
        raise invalid_argument(f"Expecting shape {_shape_text(first.shape)} but got: {_shape_text(row.shape)}")
    return row


def _read_columns(inputs: Any, infos: Mapping[str, Any]) -> dict[str, TensorProto]:
    if not _is_named(inputs):
        if len(infos) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        inputs = {next(iter(infos)): inputs}
    for name in infos:
        if name not in inputs:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
    return {name: codec.encode(_array(inputs[name], info.dtype), TensorProto) for name, info in infos.items()}


def _array(value: Any, dtype: int) -> np.ndarray:
    kind = _TYPES.get(dtype)
    if kind is None:
        raise unimplemented(f"Conversion of JSON Value: {_text(value)} to type: {types_pb2.DataType.Name(dtype)}")
    shape = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    if len(shape) > _MAX_RANK:
        raise invalid_argument(f"Expecting at most {_MAX_RANK} levels of lists but got: {len(shape)}")
    values: list[Any] = []
    _collect(value, shape, 0, kind, values)
    if kind.name == "string":
        flat = np.empty(len(values), object)
        flat[:] = [
            item.encode("utf-8", "surrogatepass") if isinstance(item, str) else _from_base64(item) for item in values
        ]
    elif kind.json is _INTEGER and kind.high == _INT32[1]:
        flat = np.array(values, np.int32).astype(kind.array)
    else:
        flat = np.array(values, kind.array)
    return flat.reshape(shape)


def _collect(value: Any, shape: list[int], level: int, kind: _Type, values: list[Any]) -> None:
    """Append the elements of nested lists, all of one shape and type."""
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid_argument(
                f"JSON Value: {_text(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        values.append(_checked(value, kind))
        return
    if level >= len(shape):
        raise invalid_argument(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    if level == len(shape) - 1 and list not in set(map(type, value)):  # the innermost, where nearly all the time goes
        values.extend(_checked(item, kind) for item in value)
        return
    for item in value:
        _collect(item, shape, level + 1, kind, values)


def _checked(value: Any, kind: _Type) -> Any:
    if type(value) not in kind.json:
        raise _type_error(value, kind)
    if type(value) is int:
        if kind.json is _DECIMAL:
            if not kind.low <= value <= kind.high:
                raise invalid_argument(
                    f"Cannot convert JSON value: {_text(value)} to {kind.name} without loss of precision."
                )
        elif not kind.low <= value <= kind.high:
            raise _type_error(value, kind)
    elif type(value) is float and kind.name == "float" and math.isfinite(value) and abs(value) > _MAX_FLOAT:
        raise invalid_argument(f"Cannot convert JSON value: {_text(value)} to float without loss of precision.")
    return value


def _type_error(value: Any, kind: _Type) -> StatusError:
    name = _JSON_NAMES.get(type(value)) or str(value)  # a bool's is True or False
    return invalid_argument(f"JSON Value: {_text(value)} Type: {name} is not of expected type: {kind.name}")


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _from_base64(value: dict[str, Any]) -> bytes:
    if not _is_base64(value):
        raise invalid_argument(f"JSON Value: {_text(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")  # padding is optional
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_argument("Unable to base64 decode") from None


def _batch_size(outputs: Mapping[str, TensorProto]) -> int:
    size: int | None = None
    for name, proto in sorted(outputs.items()):
        if not proto.tensor_shape.dim:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        rows = proto.tensor_shape.dim[0].size
        if size is not None and rows != size:
            raise invalid_argument(f"Tensor name: {name} has inconsistent batch size: {rows} expecting: {size}")
        size = rows
    return size or 0


def _values(name: str, array: np.ndarray) -> Any:
    if array.dtype == object:
        strings = np.empty(array.shape, object)
        strings.ravel()[:] = [_string(item, name.endswith("_bytes")) for item in array.ravel()]
        return strings.tolist()
    if array.dtype in (np.float16, np.float32):
        # Through text: the double nearest to 0.2f would be written as 0.20000000298023224.
        return array.astype(str).astype(np.float64).tolist()
    return array.tolist()


def _string(data: bytes, as_bytes: bool) -> str | dict[str, str]:
    if not as_bytes:
        try:
            return data.decode()
        except UnicodeDecodeError:  # the C++ server writes it as it is, which no JSON parser reads
            pass
    return {"b64": base64.b64encode(data).decode()}


def _dump(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _text(value: Any) -> str:
    """For a message; what is too long for one is cut there."""
    text = json.dumps(value) if not isinstance(value, list | dict) or len(str(value)) < 2000 else str(value)
    return text[:1000]
