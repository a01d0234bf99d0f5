"""A toy model, and a real server of it on a local port: the one at $TFSTYLE_SERVER, or one that is started here."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import model_service_pb2_grpc, predict_pb2, prediction_service_pb2_grpc

from serving.client import StyleClient
from serving.server import model_server
from testing.toy_model import STYLES, VERSIONS, add_default, save

__all__ = ["STYLES"]


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version's folder; copy it before changing it."""
    path = tmp_path_factory.mktemp("toy") / "1"
    save(path)
    return path


@pytest.fixture(scope="session")
def models_dir(toy_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tfstyle` in version 1, `other` in versions 3 and 7, `defaults` in version 1."""
    path = tmp_path_factory.mktemp("saved_models")
    for version in VERSIONS:
        shutil.copytree(toy_model, path / version)
    add_default(path / "defaults/1")
    (path / "README.md").write_text("the model card")
    (path / "tfstyle" / "2.tmp").mkdir()
    return path


@dataclass(frozen=True)
class Addresses:
    """Where a server listens for gRPC and for HTTP, each `host:port`, and where it takes configurations."""

    grpc: str
    rest: str
    reload: str


@pytest.fixture(scope="session")
def addresses(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Of the server with the models of `models_dir`."""
    if other := os.environ.get("TFSTYLE_SERVER"):
        yield Addresses(other, os.environ.get("TFSTYLE_REST_SERVER", ""), other)
        return
    monitoring = tmp_path_factory.mktemp("config") / "monitoring.config"
    monitoring.write_text("prometheus_config { enable: true }")
    rest_port = free_port()
    flags = {"rest_api_port": rest_port, "monitoring_config_file": monitoring}
    with (
        reload_socket() as socket_path,
        model_server.running(
            request.getfixturevalue("models_dir"), grpc_socket_path=socket_path, reload_from_socket=True, **flags
        ) as address,
    ):
        yield Addresses(address, f"127.0.0.1:{rest_port}", f"unix:{socket_path}")


@contextmanager
def reload_socket() -> Iterator[str]:
    """A path for a Unix socket; those of pytest's folders are too long for one."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"{folder}/s"


@pytest.fixture(scope="session")
def address(addresses: Addresses) -> str:
    return addresses.grpc


def free_port() -> int:
    """A local port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def channel(address: str) -> Iterator[grpc.Channel]:
    """For the official stubs."""
    with grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)]) as channel:
        yield channel


@pytest.fixture(scope="session")
def prediction_stub(channel: grpc.Channel) -> Any:
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="session")
def reload_stub(addresses: Addresses) -> Iterator[Any]:
    """Where the server takes configurations."""
    with grpc.insecure_channel(addresses.reload) as channel:
        yield model_service_pb2_grpc.ModelServiceStub(channel)


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
