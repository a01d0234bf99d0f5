"""ModelService and the health service with the official stubs. Health needs --enable_grpc_healthcheck_service."""

import grpc
import pytest
from google.protobuf import text_format
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2

Code = grpc.StatusCode
ENTRY = 'config { name: "tfstyle" base_path: "/models/tfstyle" model_platform: "tensorflow" }'
AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE


def status_request(name: str | None = None, version: int | None = None, label: str | None = None):
    request = get_model_status_pb2.GetModelStatusRequest()
    if name is not None:
        request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    return request


@pytest.mark.parametrize("request_", [status_request("other"), status_request("other", 7)])
def test_the_loaded_version_is_available(model_stub, request_):
    (found,) = model_stub.GetModelStatus(request_).model_version_status

    assert (found.version, found.state) == (7, AVAILABLE)
    assert found.HasField("status")
    assert (found.status.error_code, found.status.error_message) == (0, "")


def test_a_label_is_not_looked_at(model_stub):
    assert len(model_stub.GetModelStatus(status_request("other", label="stable")).model_version_status) == 1


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (status_request(), Code.INVALID_ARGUMENT, "Missing ModelSpec"),
        (status_request("nobody"), Code.NOT_FOUND, "Could not find any versions of model nobody"),
        (status_request("other", 8), Code.NOT_FOUND, "Could not find version 8 of model other"),
    ],
)
def test_a_wrong_status_request_gets_tensorflow_servings_sentence(model_stub, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        model_stub.GetModelStatus(request_)
    assert (caught.value.code(), caught.value.details()) == (code, message)


ONLY_LISTS = (
    "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
)
CONFIGS = {
    "empty": ("", Code.INVALID_ARGUMENT, ONLY_LISTS),
    "custom": ("custom_model_config {}", Code.INVALID_ARGUMENT, ONLY_LISTS),
    "model listed twice": (
        f"model_config_list {{ {ENTRY} {ENTRY} }}",
        Code.INVALID_ARGUMENT,
        "Illegal to list model tfstyle multiple times in config list",
    ),
    "a name that would forge lines of a log": (
        'model_config_list { config { name: "a\\nb" base_path: "/models/a" model_platform: "tensorflow" } }',
        Code.INVALID_ARGUMENT,
        "Expected letters, digits, spaces, _.:/@+- in a model's name, got 'a\\nb'",
    ),
    "relative path": (
        'model_config_list { config { name: "a" base_path: "models/a" model_platform: "tensorflow" } }',
        Code.INVALID_ARGUMENT,
        "Expected model a to have an absolute path or URI; got base_path()=models/a",
    ),
}


@pytest.mark.parametrize(("config", "code", "message"), CONFIGS.values(), ids=CONFIGS.keys())
def test_a_wrong_configuration_changes_nothing(model_stub, reload_stub, config, code, message):
    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(config, request.config)
    with pytest.raises(grpc.RpcError) as caught:
        reload_stub.HandleReloadConfigRequest(request)
    assert (caught.value.code(), caught.value.details()) == (code, message)
    assert model_stub.GetModelStatus(status_request("tfstyle")).model_version_status[0].state == AVAILABLE


@pytest.mark.parametrize("service", ["", "ModelService", "PredictionService"])
def test_health_knows_tensorflow_servings_service_names(channel, service):
    response = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert response.status == health_pb2.HealthCheckResponse.SERVING


def test_health_does_not_know_full_service_names(channel):
    """Neither does TensorFlow Serving; a probe that names one would fail there."""
    with pytest.raises(grpc.RpcError) as caught:
        health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service="tensorflow.serving.PredictionService")
        )
    assert caught.value.code() is Code.NOT_FOUND
