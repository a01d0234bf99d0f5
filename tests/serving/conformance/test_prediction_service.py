"""Predict and GetModelMetadata with the official stubs: answers, and TensorFlow Serving's errors word for word."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from serving.client import StyleClient
from serving.server import model_server
from testing.toy_model import STYLES

Code = grpc.StatusCode
IMAGE = np.zeros((1, 4, 5, 3), np.uint8)
BLACK = np.array([[0, 1, 0]], np.float32)


def predict(request, **inputs):
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return request


def spec(**fields) -> predict_pb2.PredictRequest:
    """A request of nothing but a model_spec."""
    request = predict_pb2.PredictRequest()
    request.model_spec.SetInParent()
    for name, value in fields.items():
        if name == "version":
            request.model_spec.version.value = value
        else:
            setattr(request.model_spec, name, value)
    return request


def filtered(*aliases: str) -> predict_pb2.PredictRequest:
    request = predict(spec(name="tfstyle"), image=IMAGE, style_weights=BLACK)
    request.output_filter.extend(aliases)
    return request


def broken_tensor() -> predict_pb2.PredictRequest:
    request = predict(spec(name="tfstyle"), image=IMAGE, style_weights=BLACK)
    request.inputs["image"].tensor_shape.dim[1].size = 100
    return request


ERRORS = {
    "no model_spec": (predict_pb2.PredictRequest(), Code.INVALID_ARGUMENT, "Missing ModelSpec"),
    "no name": (spec(), Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
    "unknown model": (spec(name="nobody"), Code.NOT_FOUND, "Servable not found for request: Latest(nobody)"),
    "unknown version": (
        spec(name="tfstyle", version=7),
        Code.NOT_FOUND,
        "Servable not found for request: Specific(tfstyle, 7)",
    ),
    "older version": (
        spec(name="other", version=3),
        Code.NOT_FOUND,
        "Servable not found for request: Specific(other, 3)",
    ),
    "label": (
        spec(name="tfstyle", version_label="stable"),
        Code.INVALID_ARGUMENT,
        "Unrecognized servable version label: stable",
    ),
    "unknown signature": (
        spec(name="tfstyle", signature_name="paint"),
        Code.FAILED_PRECONDITION,
        'Serving signature key "paint" not found.',
    ),
    "missing inputs": (
        spec(name="tfstyle"),
        Code.INVALID_ARGUMENT,
        "input size does not match signature: 0!=2 len({}) != len({image,style_weights}). "
        "Sent extra: {}. Missing but required: {image,style_weights}.",
    ),
    "extra input": (
        predict(spec(name="tfstyle"), image=IMAGE, style_weights=BLACK, mask=IMAGE),
        Code.INVALID_ARGUMENT,
        "input size does not match signature: 3!=2 len({image,mask,style_weights}) != len({image,style_weights}). "
        "Sent extra: {mask}. Missing but required: {}.",
    ),
    "misspelled input": (
        predict(spec(name="tfstyle"), imag=IMAGE, style_weights=BLACK),
        Code.INVALID_ARGUMENT,
        "Signature input alias: image(feed name: serving_default_image:0) not found in request and no default value "
        "provided. Inputs expected to be in the request {imag,style_weights}, or default input alias set: ",
    ),
    "missing input that has no default": (
        spec(name="defaults"),
        Code.INVALID_ARGUMENT,
        "Signature input alias: image(feed name: serving_default_image:0) not found in request and no default value "
        "provided. Inputs expected to be in the request {}, or default input alias set: style_weights",
    ),
    "extra input beside one with a default": (
        predict(spec(name="defaults"), image=IMAGE, mask=IMAGE),
        Code.INVALID_ARGUMENT,
        "Inputs contains invalid name. Used request inputs: image, request input: image,mask",
    ),
    "broken tensor": (broken_tensor(), Code.INVALID_ARGUMENT, "tensor parsing error: image"),
    "wrong dtype": (
        predict(spec(name="tfstyle"), image=IMAGE.astype(np.float32), style_weights=BLACK),
        Code.INVALID_ARGUMENT,
        "Expects arg[0] to be uint8 but float is provided",
    ),
    "wrong dtype of the second": (
        predict(spec(name="tfstyle"), image=IMAGE, style_weights=BLACK.astype(np.float64)),
        Code.INVALID_ARGUMENT,
        "Expects arg[1] to be float but double is provided",
    ),
    "unknown output": (
        filtered("painting"),
        Code.INVALID_ARGUMENT,
        "output tensor alias not found in signature: painting Outputs expected to be in the set {stylized}.",
    ),
    "output twice": (
        filtered("stylized", "stylized"),
        Code.INVALID_ARGUMENT,
        "duplicate output tensor alias: stylized",
    ),
    "inputs are checked before outputs": (
        predict(filtered("painting"), mask=IMAGE),
        Code.INVALID_ARGUMENT,
        "input size does not match signature: 3!=2 len({image,mask,style_weights}) != len({image,style_weights}). "
        "Sent extra: {mask}. Missing but required: {}.",
    ),
}


@pytest.mark.parametrize(("request_", "code", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_a_wrong_request_gets_tensorflow_servings_sentence(prediction_stub, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        prediction_stub.Predict(request_)
    assert (caught.value.code(), caught.value.details()) == (code, message)


def test_a_check_inside_the_graph_reaches_the_client(prediction_stub, request_for):
    """With its sentence and the graph's node on a line of its own, as the C++ server sends it."""
    with pytest.raises(grpc.RpcError) as caught:
        prediction_stub.Predict(request_for(image=IMAGE, style_weights=np.ones((1, 4), np.float32)))

    assert caught.value.code() is Code.INVALID_ARGUMENT
    assert caught.value.details().startswith("assertion failed: [Expected at most 3 style columns, got]")
    assert "\n\t [[{{" in caught.value.details()


def test_shapes_are_left_to_the_graph(prediction_stub, request_for):
    """TensorFlow Serving does not hold requests to the signature's shapes; the first operation that fails decides."""
    with pytest.raises(grpc.RpcError) as caught:
        prediction_stub.Predict(request_for(image=IMAGE, style_weights=np.ones(3, np.float32)))
    assert caught.value.code() is Code.INVALID_ARGUMENT
    assert "style_weights" not in caught.value.details()

    two_channels = prediction_stub.Predict(request_for(image=IMAGE[..., :2], style_weights=BLACK))
    assert tf.make_ndarray(two_channels.outputs["stylized"]).shape == (1, 4, 5, 2)


def test_an_overlong_message_is_cut_at_1024_bytes(prediction_stub):
    name = "x" * 2000
    with pytest.raises(grpc.RpcError) as caught:
        prediction_stub.Predict(spec(name=name))
    assert caught.value.details() == f"Servable not found for request: Latest({name}"[:1024] + "...TRUNCATED"


def test_an_answer_names_model_version_and_signature(prediction_stub, request_for):
    response = prediction_stub.Predict(request_for(model="other", image=IMAGE, style_weights=BLACK))

    assert response.model_spec.name == "other"
    assert response.model_spec.version.value == 7
    assert response.model_spec.signature_name == "serving_default"


def test_an_input_left_out_takes_its_default(prediction_stub, request_for):
    response = prediction_stub.Predict(request_for(model="defaults", image=IMAGE))
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["stylized"]), 255 - IMAGE)


def test_a_version_is_chosen_by_number(prediction_stub):
    request = predict(spec(name="other", version=7, signature_name="describe"))
    assert prediction_stub.Predict(request).model_spec.version.value == 7


def test_numbers_are_answered_one_field_each(prediction_stub, request_for):
    """TensorFlow Serving's default, so that a client that reads only this form works with both."""
    request = request_for(image=np.full((1, 1, 2, 3), 55, np.uint8), style_weights=np.array([[1, 0, 0]], np.float32))
    proto = prediction_stub.Predict(request).outputs["stylized"]

    assert not proto.tensor_content
    assert list(proto.int_val) == [200] * 6


def test_only_the_outputs_asked_for_are_answered(prediction_stub, request_for):
    request = request_for("describe")
    request.output_filter.extend(["years", "artists"])

    assert dict(prediction_stub.Predict(request).outputs).keys() == {"artists", "years"}


def test_messages_beyond_4_megabytes_pass_in_both_directions(prediction_stub, request_for):
    image = np.random.default_rng(0).integers(0, 256, (1, 1500, 1500, 3), np.uint8)
    response = prediction_stub.Predict(request_for(image=image, style_weights=np.array([[1, 0, 0]], np.float32)))

    assert response.ByteSize() > 4 * 2**20
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["stylized"]), 255 - image)


def test_a_client_that_does_not_raise_its_limit_gets_no_large_answer(address, request_for):
    image = np.random.default_rng(0).integers(0, 256, (1, 1500, 1500, 3), np.uint8)
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(
            request_for(image=image, style_weights=BLACK)
        )
    assert caught.value.code() is Code.RESOURCE_EXHAUSTED
    assert "larger than max" in caught.value.details()


@pytest.mark.parametrize("path", ["/tensorflow.serving.PredictionService/Paint", "/tensorflow.serving.Nothing/Predict"])
def test_a_method_that_does_not_exist_is_not_implemented(channel, path):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(path)(b"", timeout=10)
    assert caught.value.code() is Code.UNIMPLEMENTED


def test_a_run_beyond_its_deadline_is_stopped(prediction_stub, request_for):
    """On the server too: the next request does not wait for the minutes that the stopped one would have taken."""
    for _ in range(3):
        with pytest.raises(grpc.RpcError) as caught:
            prediction_stub.Predict(request_for("slow", rounds=np.array([1_000_000], np.int32)), timeout=0.3)
        assert caught.value.code() is Code.DEADLINE_EXCEEDED
    prediction_stub.Predict(request_for("describe"), timeout=10)


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", bytes(range(256)) * 50])
def test_the_server_survives_bytes_that_are_no_request(channel, prediction_stub, request_for, garbage):
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError) as caught:
        call(garbage, timeout=10)
    assert caught.value.code() is Code.INTERNAL
    assert (
        prediction_stub.Predict(request_for("describe"), timeout=10).outputs["style_names"].string_val[0] == b"invert"
    )


def test_broken_pictures_are_refused_and_the_server_stays_up(prediction_stub, request_for):
    inputs = {
        "region_weights": BLACK[None],
        "region_masks": np.array([[b""]], object),
        "strength": np.ones(1, np.float32),
        "preserve_color": np.array([False]),
        "format": np.array([b"png"], object),
    }
    for data in (b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 100):
        with pytest.raises(grpc.RpcError) as caught:
            prediction_stub.Predict(request_for("encoded", image_bytes=np.array([data], object), **inputs))
        assert caught.value.code() is Code.INVALID_ARGUMENT
    assert prediction_stub.Predict(request_for("describe"), timeout=10)


@pytest.mark.own_server
def test_raw_content_is_answered_on_demand(models_dir, request_for):
    """Strings as well, as TensorFlow Serving does with the same flag."""
    with (
        model_server.running(models_dir, model_name="tfstyle", enable_serialization_as_tensor_content=True) as address,
        grpc.insecure_channel(address) as channel,
        StyleClient(address) as client,
    ):
        call = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            predict_pb2.PredictRequest.SerializeToString,
            predict_pb2.PredictResponse.FromString,
        )
        response = call(request_for("describe"))
        assert response.outputs["max_pixels"].tensor_content == np.int64(1_000_000).tobytes()
        assert response.outputs["style_names"].tensor_content == b"\x06\x05\x05invertblackwhite"
        assert client.styles().names == STYLES


def metadata(**fields) -> get_model_metadata_pb2.GetModelMetadataRequest:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields.pop("metadata_field", []))
    if fields:
        request.model_spec.CopyFrom(spec(**fields).model_spec)
    return request


@pytest.mark.own_server
def test_metadata_is_the_signatures_of_the_saved_model(prediction_stub, toy_model):
    response = prediction_stub.GetModelMetadata(metadata(name="other", metadata_field=["signature_def"]))

    assert (response.model_spec.name, response.model_spec.version.value) == ("other", 7)
    assert not response.model_spec.signature_name
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    saved = SavedModel.FromString((toy_model / "saved_model.pb").read_bytes())
    assert signatures.signature_def == saved.meta_graphs[0].signature_def
    image = signatures.signature_def["serving_default"].inputs["image"]
    assert (image.name, image.dtype) == ("serving_default_image:0", tf.uint8.as_datatype_enum)
    assert [dim.size for dim in image.tensor_shape.dim] == [-1, -1, -1, 3]


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (metadata(), Code.INVALID_ARGUMENT, "Missing ModelSpec"),
        (
            metadata(name="nobody"),
            Code.INVALID_ARGUMENT,
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        (
            metadata(name="nobody", metadata_field=["weights"]),
            Code.INVALID_ARGUMENT,
            "Metadata field weights is not supported",
        ),
        (
            metadata(name="", metadata_field=["signature_def"]),
            Code.INVALID_ARGUMENT,
            "ModelSpec has no name specified.",
        ),
        (
            metadata(name="nobody", metadata_field=["signature_def"]),
            Code.NOT_FOUND,
            "Servable not found for request: Latest(nobody)",
        ),
        (
            metadata(name="tfstyle", version=2, metadata_field=["signature_def"]),
            Code.NOT_FOUND,
            "Servable not found for request: Specific(tfstyle, 2)",
        ),
    ],
)
def test_a_wrong_metadata_request_gets_tensorflow_servings_sentence(prediction_stub, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        prediction_stub.GetModelMetadata(request_)
    assert (caught.value.code(), caught.value.details()) == (code, message)
