"""Style vectors on a server: signatures and `describe` with the official stubs, and both clients on top of them."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from serving.client import StyleClient
from serving.client.calls import METADATA, PREDICT
from serving.client.errors import InvalidRequestError, RefusedVectorError
from serving.protos import wire_pb2
from testing.fake_model import encode
from testing.fake_server import FakeModel, answering
from testing.toy_model import TRUNK
from tests.serving.client.both_clients import WaitingClient
from tests.serving.conformance.test_prediction_service import predict, spec
from tfstyle.contract.style_vector import StyleVector
from tfstyle.errors import ModelError, StyleVectorError

GRAY = encode(Image.new("RGB", (64, 80), (90, 90, 90)))


@pytest.fixture(params=[StyleClient, WaitingClient], ids=["client", "asyncio client"])
def client(request, address):
    with request.param(address, timeout=60) as client:
        yield client


def strings(*values):
    return np.array(values, object)


def test_describe_tells_vectors_and_trunk(prediction_stub):
    answer = prediction_stub.Predict(spec(name="tfstyle", signature_name="describe"))

    assert tf.make_ndarray(answer.outputs["style_vectors"]).tolist() == [[-1], [0], [255]]
    assert tf.make_ndarray(answer.outputs["trunk"]).tolist() == [TRUNK.encode()]


def test_a_style_image_is_encoded_and_a_photo_stylized_in_its_vector(prediction_stub):
    request = predict(spec(name="tfstyle", signature_name="encode_style"), image_bytes=strings(GRAY, GRAY))
    vectors = tf.make_ndarray(prediction_stub.Predict(request).outputs["style_vectors"])
    assert vectors.tolist() == [[90], [90]]

    request = predict(
        spec(name="tfstyle", signature_name="stylize_vectors"),
        image_bytes=strings(encode(Image.new("RGB", (20, 30)))),
        style_vectors=vectors[:1, None],
        region_masks=strings(b"")[None],
        strength=np.ones(1, np.float32),
        preserve_color=np.zeros(1, bool),
        format=strings(b"png"),
    )
    (painted,) = tf.make_ndarray(prediction_stub.Predict(request).outputs["image_bytes"])
    assert (tf.io.decode_png(painted).numpy() == 90).all()


def test_a_style_image_that_cannot_be_decoded_is_refused_by_its_code(prediction_stub):
    request = predict(spec(name="tfstyle", signature_name="encode_style"), image_bytes=strings(b"%PDF-1.7"))
    with pytest.raises(grpc.RpcError) as error:
        prediction_stub.Predict(request)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "style_image.damaged" in error.value.details()


def test_both_clients_encode_a_painting_and_paint_in_mixes_with_it(client, photo):
    style = client.encode_style(np.full((70, 90, 3), 100, np.uint8), name="gray", artist="Nobody")

    assert (style.name, style.title, style.artist, style.trunk) == ("gray", "Gray", "Nobody", TRUNK)
    assert style.values.tolist() == [100]
    assert (client.stylize(photo, style).pixels == 100).all()
    assert (client.stylize(photo, {style: 1, "white": 1}).pixels == 177).all()
    assert client.stylize_encoded(photo, style).format == "png"
    assert client.style_table().names == ("invert", "black", "white")


def test_a_vector_of_another_trunk_is_refused_before_it_is_sent(client, photo):
    with pytest.raises(StyleVectorError, match="make it again from its painting"):
        client.stylize(photo, StyleVector(np.ones(1), "f" * 16, "kiss"))


def test_what_the_server_refuses_of_a_vector_is_an_error_about_it(client):
    inputs = {
        "image_bytes": strings(GRAY),
        "style_vectors": np.full((1, 1, 1), np.nan, np.float32),
        "region_masks": strings(b"")[None],
        "strength": np.ones(1, np.float32),
        "preserve_color": np.zeros(1, bool),
        "format": strings(b"png"),
    }
    with pytest.raises(RefusedVectorError) as error:
        client.predict("stylize_vectors", inputs)
    assert error.value.graph_code == "vectors.range"


def test_names_alone_go_out_as_they_did_before_there_were_vectors(photo):
    """Old servers answer them."""
    model = FakeModel()
    with answering({PREDICT: model}) as address, StyleClient(address) as client:
        client.stylize(photo, "great_wave")
        assert [signature for signature, _ in model.predictor.calls] == ["describe", "encoded"]
        with pytest.raises(ModelError, match="exported before there were"):
            client.stylize(photo, StyleVector(np.ones(1), TRUNK))
        assert client.style_table() is None


def test_a_server_whose_model_has_no_encoder_is_told_from_other_refusals():
    def refuse(request, context):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, 'Serving signature name: "encode_style" not found')

    def metadata(request, context):
        response = wire_pb2.GetModelMetadataResponse()
        definitions = wire_pb2.SignatureDefMap()
        for name in names:
            definitions.signature_def[name].method_name = "tensorflow/serving/predict"
        response.metadata["signature_def"].value = definitions.SerializeToString()
        return response.SerializeToString()

    painting = np.zeros((64, 64, 3), np.uint8)
    with answering({PREDICT: refuse, METADATA: metadata}) as address, StyleClient(address) as client:
        names = ["encoded"]
        with pytest.raises(ModelError, match=f"{address}, tfstyle: the model has no style encoder"):
            client.encode_style(painting)
        names = ["encoded", "encode_style"]
        with pytest.raises(InvalidRequestError, match="not found"):
            client.encode_style(painting)
