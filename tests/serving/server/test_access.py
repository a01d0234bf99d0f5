"""What a server lets in: this machine, unless told otherwise; new models from nobody, unless told from whom."""

import socket
import stat
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

from serving.client import StyleClient
from serving.config.flags import Flags
from serving.server import model_server
from serving.server.model_service import ReloadRights
from serving.server.status import StatusError
from tests.serving.conftest import free_port, reload_socket
from tfstyle.errors import ModelError, StyleTransferError

Code = grpc.StatusCode


def reload(address: str, *models: tuple[str, Path]) -> tuple[Code, str]:
    """How a call ends that asks to serve these models, and no others."""
    request = model_management_pb2.ReloadConfigRequest()
    entries = " ".join(f'config {{ name: "{n}" base_path: "{p}" model_platform: "tensorflow" }}' for n, p in models)
    text_format.Parse(f"model_config_list {{ {entries} }}", request.config)
    with grpc.insecure_channel(address) as channel:
        try:
            model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest(request, timeout=60)
        except grpc.RpcError as error:
            return error.code(), error.details() or ""
    return Code.OK, ""


def test_nobody_else_reaches_a_server_that_was_told_no_host(models_dir):
    rest_port = free_port()
    with model_server.running(models_dir, rest_api_port=rest_port) as address:
        for port in (int(address.rpartition(":")[2]), rest_port):
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
            with pytest.raises(OSError, match="refused"):
                socket.create_connection(("127.0.0.2", port), timeout=10)


def test_nobody_changes_the_models_of_a_server_that_was_not_told_who_may(models_dir):
    with reload_socket() as path, model_server.running(models_dir, grpc_socket_path=path) as address:
        for way in (address, f"unix:{path}"):
            code, details = reload(way, ("other", models_dir / "other"))
            assert code is Code.PERMISSION_DENIED
            assert "--reload_from_socket" in details
        with StyleClient(address) as client:
            assert client.status()


def test_only_the_socket_changes_models_and_it_is_the_users_own(models_dir):
    with (
        reload_socket() as path,
        model_server.running(models_dir, grpc_socket_path=path, reload_from_socket=True) as address,
    ):
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
        assert reload(address, ("other", models_dir / "other"))[0] is Code.PERMISSION_DENIED
        assert reload(f"unix:{path}", ("other", models_dir / "other"))[0] is Code.OK


def test_models_come_from_the_folders_of_the_first_ones(models_dir, toy_model, tmp_path):
    """Whoever may reload may not make the server read, and run, what lies anywhere; links do not lead out either."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "1").symlink_to(toy_model)
    link = models_dir / "link"
    link.symlink_to(tmp_path / "outside")
    try:
        with (
            reload_socket() as path,
            model_server.running(
                models_dir, model_name="tfstyle", grpc_socket_path=path, reload_from_socket=True
            ) as address,
            StyleClient(address) as client,
        ):
            for base_path in (tmp_path / "outside", models_dir / ".." / tmp_path.name, link):
                code, details = reload(f"unix:{path}", ("tfstyle", base_path))
                assert code is Code.PERMISSION_DENIED, base_path
                assert f"Expected model tfstyle in {models_dir}" in details
            assert client.health()
    finally:
        link.unlink()


class Peer:
    """A call's context: where it comes from, and what its certificate says."""

    def __init__(self, peer: str, **names: bytes):
        self.peer = lambda: peer
        self.auth_context = lambda: {name: [value] for name, value in names.items()}


@pytest.mark.parametrize(
    ("rights", "peer", "may"),
    [
        (ReloadRights(), Peer("unix:"), False),
        (ReloadRights(from_socket=True), Peer("unix:/run/s"), True),
        (ReloadRights(from_socket=True), Peer("ipv4:127.0.0.1:4"), False),
        (ReloadRights(from_client="ops"), Peer("ipv4:10.0.0.1:4", x509_common_name=b"ops"), True),
        (ReloadRights(from_client="ops"), Peer("ipv4:10.0.0.1:4", x509_subject_alternative_name=b"ops"), True),
        (ReloadRights(from_client="ops"), Peer("ipv4:10.0.0.1:4", x509_common_name=b"bot"), False),
        (ReloadRights(from_client="ops"), Peer("unix:"), False),
    ],
)
def test_a_reload_needs_the_socket_or_the_name_in_a_certificate(rights, peer, may):
    if may:
        rights.check(peer)
        return
    with pytest.raises(StatusError) as caught:
        rights.check(peer)
    assert caught.value.code is Code.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"reload_from_socket": True}, "Expected --grpc_socket_path with --reload_from_socket"),
        ({"reload_from_client": "ops"}, "Expected client_verify in --ssl_config_file"),
    ],
)
def test_rights_without_a_way_to_use_them_end_the_start(models_dir, flags, sentence):
    with pytest.raises(StyleTransferError, match=sentence):
        model_server.Server(Flags(models_dir=models_dir, port=0, **flags))


class Reader(tf.Module):
    """A model that gives out a file, from within a function that its signature calls."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, "path")])
    def read(self, path):
        inner = tf.function(lambda: tf.io.read_file(path))
        return {"content": tf.cond(tf.strings.length(path) > 0, inner, lambda: tf.constant(b""))}


def test_a_model_that_reads_files_is_not_served_unless_that_is_allowed(tmp_path):
    model = Reader()
    tf.saved_model.save(model, str(tmp_path / "reader" / "1"), signatures={"serving_default": model.read})

    with pytest.raises(ModelError, match=r"reader/1, but it runs ReadFile, which may read or write files"):
        model_server.Server(Flags(models_dir=tmp_path, port=0))
    with (
        model_server.running(tmp_path, allow_file_operations=True) as address,
        StyleClient(address, model="reader") as client,
    ):
        assert client.health()
