"""A model of a few operations with the wire contract's names, and a real server of it on a local port."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import model_service_pb2_grpc, predict_pb2, prediction_service_pb2_grpc

from serving import server
from serving.client import StyleClient

STYLES = ("invert", "black", "white")


class ToyModel(tf.Module):
    """Signatures of the contract; a style is a constant gray and the first one inverts."""

    def __init__(self) -> None:
        super().__init__()
        self.grays = tf.Variable([-1.0, 0.0, 255.0])  # so that there is something to restore

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.uint8, "image"),
            tf.TensorSpec([None, None], tf.float32, "style_weights"),
        ]
    )
    def serving_default(self, image, style_weights):
        return {"stylized": self._paint(image, style_weights)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "image_bytes"),
            tf.TensorSpec([None, None, None], tf.float32, "region_weights"),
            tf.TensorSpec([None, None], tf.string, "region_masks"),
            tf.TensorSpec([None], tf.float32, "strength"),
            tf.TensorSpec([None], tf.bool, "preserve_color"),
            tf.TensorSpec([None], tf.string, "format"),
        ]
    )
    def encoded(self, image_bytes, region_weights, region_masks, strength, preserve_color, format):
        def one(args):
            data, weights, strength = args
            photo = tf.image.decode_png(data, channels=3)
            painting = tf.cast(self._paint(photo[None], weights)[0], tf.float32)
            mixed = tf.cast(photo, tf.float32) * (1 - strength) + painting * strength
            return tf.io.encode_png(tf.cast(tf.round(mixed), tf.uint8))

        used = [tf.size(region_masks), tf.size(preserve_color), tf.size(format)]
        with tf.control_dependencies(used):
            painted = tf.map_fn(one, (image_bytes, region_weights, strength), fn_output_signature=tf.string)
        return {"image_bytes": painted}

    @tf.function(input_signature=[])
    def describe(self):
        return {
            "style_names": tf.constant(STYLES),
            "titles": tf.constant(["Inverted", "Black", "White"]),
            "artists": tf.constant(["Nobody", "Malevich", "Malevich"]),
            "years": tf.constant(["", "1915", "1918"]),
            "thumbnails": tf.constant([b"\xff\xd8\x00", b"\xff\xd8", b""]),
            "max_pixels": tf.constant([1_000_000], tf.int64),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "rounds")])
    def slow(self, rounds):
        """As many matrix products as asked for, about a millisecond each."""
        matrix = tf.eye(300)
        for _ in tf.range(rounds[0]):
            matrix = tf.matmul(matrix, matrix)
        return {"sum": tf.reduce_sum(matrix)[None], "rounds": rounds}

    def _paint(self, image, weights):
        ok = tf.debugging.assert_less_equal(tf.shape(weights)[1], 3, message="Expected at most 3 style columns, got")
        with tf.control_dependencies([ok]):
            grays = tf.gather(self.grays, tf.argmax(weights, axis=1))
        grays = tf.reshape(grays, [-1, 1, 1, 1]) + tf.zeros_like(tf.cast(image, tf.float32))
        return tf.cast(tf.where(grays < 0, 255.0 - tf.cast(image, tf.float32), grays), tf.uint8)


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version's folder; copy it before changing it."""
    path = tmp_path_factory.mktemp("toy") / "1"
    model = ToyModel()
    names = ("serving_default", "encoded", "describe", "slow")
    tf.saved_model.save(model, str(path), signatures={name: getattr(model, name) for name in names})
    return path


@pytest.fixture(scope="session")
def models_dir(toy_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tfstyle` in version 1, `other` in versions 3 and 7."""
    path = tmp_path_factory.mktemp("saved_models")
    for version in ("tfstyle/1", "other/3", "other/7"):
        (path / version).parent.mkdir(exist_ok=True)
        (path / version).symlink_to(toy_model)
    (path / "README.md").write_text("the model card")
    (path / "tfstyle" / "2.tmp").mkdir()
    return path


@pytest.fixture(scope="session")
def address(models_dir: Path) -> Iterator[str]:
    with server.running(models_dir) as address:
        yield address


@pytest.fixture(scope="session")
def channel(address: str) -> Iterator[grpc.Channel]:
    """For the official stubs."""
    with grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)]) as channel:
        yield channel


@pytest.fixture(scope="session")
def prediction_stub(channel: grpc.Channel) -> Any:
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="session")
def model_stub(channel: grpc.Channel) -> Any:
    return model_service_pb2_grpc.ModelServiceStub(channel)


@pytest.fixture
def client(address: str) -> Iterator[StyleClient]:
    with StyleClient(address) as client:
        yield client


@pytest.fixture
def photo() -> np.ndarray:
    """uint8 [20,30,3]."""
    return np.arange(20 * 30 * 3, dtype=np.uint32).reshape(20, 30, 3).astype(np.uint8)


@pytest.fixture
def request_for() -> Any:
    """Builds official PredictRequests: `request_for("signature", name=array, ...)`."""

    def build(signature: str = "", model: str = "tfstyle", **inputs: Any) -> predict_pb2.PredictRequest:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = model
        request.model_spec.signature_name = signature
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
        return request

    return build
