"""Servers follow what is published, taken back and labelled, and no request fails on the way."""

import time
from collections.abc import Callable

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.client import StyleClient
from serving.client.errors import ModelNotFoundError
from serving.server import model_server
from testing.fake_model import photo_array
from tfstyle.cli import main
from tfstyle.errors import UnknownStyleError
from tfstyle.model_store import publish

SECONDS = 60  # for a server to see and load a version


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < end, "the server did not follow"
        time.sleep(0.1)


@pytest.fixture
def volume(tmp_path, tiny_models):
    """The model's folder with version 1 published."""
    folder = tmp_path / "volume" / "tiny"
    publish.publish(tiny_models / "tiny" / "1", folder)
    return folder


def test_clients_follow_a_new_version_and_its_withdrawal(volume, grown_models, capsys):
    """Also one that has learned columns which the older version lacks."""
    photo = photo_array()
    with model_server.running(volume.parent) as address, StyleClient(address, model="tiny") as client:
        before = client.stylize(photo, "second").pixels

        def answers_with(version: int) -> bool:
            client.stylize(photo, "second")
            return client.answering_version == version

        assert main(["publish", str(grown_models / "tiny" / "2"), "--to", str(volume)]) == 0
        until(lambda: answers_with(2))
        client.stylize(photo, "third")

        assert main(["publish", "--rollback", "--to", str(volume)]) == 0
        assert "styles that are gone with it: third" in capsys.readouterr().err
        until(lambda: answers_with(1))
        np.testing.assert_array_equal(client.stylize(photo, "second").pixels, before)
        with pytest.raises(UnknownStyleError):
            client.stylize(photo, "third")


MODELS = """model_config_list {{
  config {{ name: "tiny" base_path: "{base_path}" model_platform: "tensorflow" }}
}}
"""


def test_a_canary_serves_beside_the_stable_version_until_it_takes_its_place(volume, grown_models, tmp_path):
    config = tmp_path / "models.config"
    config.write_text(MODELS.format(base_path=volume))
    to = ["publish", "--to", str(volume), "--config", str(config)]
    flags = {
        "model_config_file": config,
        "model_config_file_poll_wait_seconds": 1,
        "allow_version_labels_for_unavailable_models": True,
    }
    with model_server.running(**flags) as address, grpc.insecure_channel(address) as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict

        def version_of(label: str) -> int | None:
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.version_label = "tiny", label
            request.model_spec.signature_name = "serving_default"
            request.inputs["image"].CopyFrom(tf.make_tensor_proto(photo_array()[None]))
            request.inputs["style_weights"].CopyFrom(tf.make_tensor_proto(np.ones((1, 1), "float32")))
            try:
                return predict(request, timeout=30).model_spec.version.value
            except grpc.RpcError:
                return None

        assert main([*to, "--label", "stable=1"]) == 0
        until(lambda: version_of("stable") == 1)

        assert main([*to, str(grown_models / "tiny" / "2"), "--canary"]) == 0
        until(lambda: version_of("canary") == 2)
        assert version_of("stable") == 1

        assert main([*to, "--label", "stable=2", "--label", "canary=", "--label", "previous=1"]) == 0
        until(lambda: version_of("stable") == 2)
        assert version_of("previous") == 1
        for label, version in (("stable", 2), ("previous", 1)):
            with StyleClient(address, model="tiny", label=label) as client:
                client.stylize(photo_array(), "second")
                assert client.answering_version == version
        until(lambda: version_of("canary") is None)
        with (
            StyleClient(address, model="tiny", label="canary") as client,
            pytest.raises(ModelNotFoundError, match="canary"),
        ):
            client.stylize(photo_array(), "second")

        assert main([*to, "--label", "stable=1"]) == 0  # and back, to what is in memory still
        until(lambda: version_of("stable") == 1)
