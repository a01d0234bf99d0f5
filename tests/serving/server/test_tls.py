"""TLS and mutual TLS on the gRPC port, with certificates made for the test."""

import json

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_management_pb2
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub

from serving.server import model_server
from tfstyle.errors import StyleTransferError


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def pem(blob) -> str:
    return blob.bytes().decode()


@pytest.fixture
def config_file(tmp_path, authority):
    """Writes an SSLConfig of a certificate for 127.0.0.1."""
    certificate = authority.issue_cert("127.0.0.1")

    def write(more: str = ""):
        path = tmp_path / "ssl.config"
        path.write_text(
            f"server_key: {json.dumps(pem(certificate.private_key_pem))}\n"
            f"server_cert: {json.dumps(''.join(map(pem, certificate.cert_chain_pems)))}\n{more}"
        )
        return path

    return write


def healthy(address: str, credentials: grpc.ChannelCredentials | None) -> bool:
    channel = grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address)
    with channel:
        response = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    return response.status == health_pb2.HealthCheckResponse.SERVING


def test_a_client_that_knows_the_authority_is_answered_and_one_without_tls_is_not(models_dir, config_file, authority):
    with model_server.running(models_dir, ssl_config_file=config_file()) as address:
        assert healthy(address, grpc.ssl_channel_credentials(authority.cert_pem.bytes()))
        for credentials in (grpc.ssl_channel_credentials(trustme.CA().cert_pem.bytes()), None):
            with pytest.raises(grpc.RpcError) as caught:
                healthy(address, credentials)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_with_client_verify_a_client_needs_a_certificate(models_dir, config_file, authority):
    path = config_file(f"custom_ca: {json.dumps(pem(authority.cert_pem))} client_verify: true")
    certificate = authority.issue_cert("client.example")
    root = authority.cert_pem.bytes()
    with model_server.running(models_dir, ssl_config_file=path) as address:
        key, chain = certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes()
        assert healthy(address, grpc.ssl_channel_credentials(root, key, chain))
        with pytest.raises(grpc.RpcError) as caught:
            healthy(address, grpc.ssl_channel_credentials(root))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_key_that_does_not_belong_to_its_certificate_is_told(models_dir, tmp_path, authority):
    key, certificate = (authority.issue_cert("127.0.0.1") for _ in range(2))
    path = tmp_path / "ssl.config"
    path.write_text(
        f"server_key: {json.dumps(pem(key.private_key_pem))}\n"
        f"server_cert: {json.dumps(pem(certificate.cert_chain_pems[0]))}\n"
    )
    with pytest.raises(StyleTransferError, match=f"Expected a key and its certificate in {path}"):
        model_server.running(models_dir, ssl_config_file=path).__enter__()


def test_only_the_client_whose_certificate_has_the_name_changes_models(models_dir, config_file, authority):
    path = config_file(f"custom_ca: {json.dumps(pem(authority.cert_pem))} client_verify: true")
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.config.add(
        name="other", base_path=str(models_dir / "other"), model_platform="tensorflow"
    )
    codes = {}
    flags = {"ssl_config_file": path, "reload_from_client": "operator.example"}
    with model_server.running(models_dir, model_name="tfstyle", **flags) as address:
        for name in ("bot.example", "operator.example"):
            certificate = authority.issue_cert(name)
            key, chain = certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes()
            credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes(), key, chain)
            with grpc.secure_channel(address, credentials) as channel:
                try:
                    ModelServiceStub(channel).HandleReloadConfigRequest(request, timeout=60)
                except grpc.RpcError as error:
                    codes[name] = error.code()
                else:
                    codes[name] = grpc.StatusCode.OK
    assert codes == {"bot.example": grpc.StatusCode.PERMISSION_DENIED, "operator.example": grpc.StatusCode.OK}
