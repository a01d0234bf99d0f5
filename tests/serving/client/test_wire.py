"""The light messages are TensorFlow Serving's, byte for byte, in both directions."""

from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from grpc_health.v1 import health_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2,
    predict_pb2,
    prediction_service_pb2,
    status_pb2,
)

from serving.client import calls
from serving.protos import wire_pb2

OFFICIAL = {
    wire_pb2.PredictRequest: predict_pb2.PredictRequest,
    wire_pb2.PredictResponse: predict_pb2.PredictResponse,
    wire_pb2.GetModelMetadataRequest: get_model_metadata_pb2.GetModelMetadataRequest,
    wire_pb2.GetModelMetadataResponse: get_model_metadata_pb2.GetModelMetadataResponse,
    wire_pb2.SignatureDefMap: get_model_metadata_pb2.SignatureDefMap,
    wire_pb2.GetModelStatusRequest: get_model_status_pb2.GetModelStatusRequest,
    wire_pb2.GetModelStatusResponse: get_model_status_pb2.GetModelStatusResponse,
    wire_pb2.ModelVersionStatus: get_model_status_pb2.ModelVersionStatus,
    wire_pb2.StatusProto: status_pb2.StatusProto,
    wire_pb2.ModelSpec: model_pb2.ModelSpec,
    wire_pb2.TensorProto: tensor_pb2.TensorProto,
    wire_pb2.TensorShapeProto: tensor_shape_pb2.TensorShapeProto,
    wire_pb2.SignatureDef: meta_graph_pb2.SignatureDef,
    wire_pb2.TensorInfo: meta_graph_pb2.TensorInfo,
    wire_pb2.HealthCheckRequest: health_pb2.HealthCheckRequest,
    wire_pb2.HealthCheckResponse: health_pb2.HealthCheckResponse,
}
PAIRS = [pytest.param(light, official, id=light.DESCRIPTOR.name) for light, official in OFFICIAL.items()]

_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
    FieldDescriptor.TYPE_STRING: st.text(max_size=10),
    FieldDescriptor.TYPE_FLOAT: st.floats(width=32, allow_nan=False),
    FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
}


def fill(message: Any, draw: Any, depth: int = 3) -> Any:
    """Any values in some of a message's fields, nested as deep as `depth`."""
    for field in message.DESCRIPTOR.fields:
        if not draw(st.booleans()):
            continue
        count = draw(st.integers(0, 3)) if field.is_repeated else 1
        for _ in range(count):
            if field.type != FieldDescriptor.TYPE_MESSAGE:
                value = draw(_scalar(field))
                if field.is_repeated:
                    getattr(message, field.name).append(value)
                else:
                    setattr(message, field.name, value)
            elif depth == 0:
                continue
            elif field.message_type.GetOptions().map_entry:
                entry = field.message_type.fields_by_name
                key, values = draw(_scalar(entry["key"])), getattr(message, field.name)
                if entry["value"].type == FieldDescriptor.TYPE_MESSAGE:
                    fill(values[key], draw, depth - 1)
                else:
                    values[key] = draw(_scalar(entry["value"]))
            elif field.is_repeated:
                fill(getattr(message, field.name).add(), draw, depth - 1)
            else:
                getattr(message, field.name).SetInParent()
                fill(getattr(message, field.name), draw, depth - 1)
    return message


def _scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return _SCALARS[field.type]


@pytest.mark.parametrize(("light", "official"), PAIRS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_what_the_client_writes_is_read_by_the_server(light, official, data):
    """And comes back the same, so nothing was taken for something else."""
    written = fill(light(), data.draw)
    read = official.FromString(written.SerializeToString())
    assert light.FromString(read.SerializeToString()) == written
    assert read.ByteSize() == written.ByteSize()


@pytest.mark.parametrize(("light", "official"), PAIRS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_what_the_server_writes_is_read_by_the_client(light, official, data):
    """Fields that the light messages lack are kept, not lost or mixed up."""
    written = fill(official(), data.draw, depth=2)
    read = light.FromString(written.SerializeToString())
    assert official.FromString(read.SerializeToString()) == written


@pytest.mark.parametrize(("light", "official"), PAIRS)
def test_fields_have_the_official_names_numbers_and_types(light, official):
    """What the clients of other languages read out of `wire.proto`."""
    same_fields(light.DESCRIPTOR, official.DESCRIPTOR)


def same_fields(light: Descriptor, official: Descriptor) -> None:
    for field in light.fields:
        twin = official.fields_by_number[field.number]
        assert (field.name, field.is_repeated, field.is_packed) == (twin.name, twin.is_repeated, twin.is_packed)
        enum_as_number = (field.type, twin.type) == (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_ENUM)
        assert field.type == twin.type or enum_as_number, field.full_name
        if field.message_type is not None:
            assert field.message_type.name == twin.message_type.name
            if field.message_type.GetOptions().map_entry:
                same_fields(field.message_type, twin.message_type)
        if field.enum_type is not None:
            values = {value.name: value.number for value in twin.enum_type.values}
            assert {value.name: value.number for value in field.enum_type.values}.items() <= values.items()
        oneof, twin_oneof = field.containing_oneof, twin.containing_oneof
        assert (oneof and oneof.name) == (twin_oneof and twin_oneof.name)


def test_every_light_message_has_its_official_twin():
    names = {message.name for message in wire_pb2.DESCRIPTOR.message_types_by_name.values()}
    assert names == {light.DESCRIPTOR.name for light in OFFICIAL}
    assert all(official.DESCRIPTOR.name == light.DESCRIPTOR.name for light, official in OFFICIAL.items())
    assert {value.number for value in wire_pb2.DataType.DESCRIPTOR.values} <= set(types_pb2.DataType.values())


def test_methods_have_the_official_paths():
    services = (
        prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"],
        model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
        health_pb2.DESCRIPTOR.services_by_name["Health"],
    )
    assert set(calls.METHODS) <= {
        f"/{service.full_name}/{method.name}" for service in services for method in service.methods
    }
