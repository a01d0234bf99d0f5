"""Classify, Regress and MultiInference of a model that has no such signatures."""

import grpc
import pytest
from tensorflow_serving.apis import classification_pb2, inference_pb2, regression_pb2

Code = grpc.StatusCode
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def classification(**spec) -> classification_pb2.ClassificationRequest:
    return _with_spec(classification_pb2.ClassificationRequest(), spec)


def regression(**spec) -> regression_pb2.RegressionRequest:
    return _with_spec(regression_pb2.RegressionRequest(), spec)


def inference(*tasks: tuple[str, dict[str, str]]) -> inference_pb2.MultiInferenceRequest:
    request = inference_pb2.MultiInferenceRequest()
    for method, spec in tasks:
        _with_spec(request.tasks.add(method_name=method), spec)
    return request


def _with_spec(request, spec):
    for name, value in spec.items():
        setattr(request.model_spec, name, value)
    return request


ONE_INPUT = {"name": "tfstyle", "signature_name": "slow"}
DESCRIBE = {"name": "tfstyle", "signature_name": "describe"}
CASES = {
    "classify: no model_spec": ("Classify", classification(), Code.INVALID_ARGUMENT, "Missing ModelSpec"),
    "classify: unknown model": (
        "Classify",
        classification(name="nobody"),
        Code.NOT_FOUND,
        "Servable not found for request: Latest(nobody)",
    ),
    "classify: unknown signature": (
        "Classify",
        classification(name="tfstyle", signature_name="paint"),
        Code.INVALID_ARGUMENT,
        "No signature was found with the name: paint",
    ),
    "classify: two inputs": (
        "Classify",
        classification(name="tfstyle"),
        Code.INVALID_ARGUMENT,
        "Expected one input Tensor.",
    ),
    "classify: no examples": (
        "Classify",
        classification(**ONE_INPUT),
        Code.FAILED_PRECONDITION,
        "No classification inputs found in SignatureDef: ",
    ),
    "regress: no model_spec": ("Regress", regression(), Code.INVALID_ARGUMENT, "Missing ModelSpec"),
    "regress: no name": (
        "Regress",
        regression(signature_name="slow"),
        Code.INVALID_ARGUMENT,
        "ModelSpec has no name specified.",
    ),
    "regress: unknown signature": (
        "Regress",
        regression(name="tfstyle", signature_name="paint"),
        Code.INVALID_ARGUMENT,
        "No signature was found with the name: paint",
    ),
    "regress: no input": ("Regress", regression(**DESCRIBE), Code.INVALID_ARGUMENT, "Expected one input Tensor."),
    "regress: two outputs": ("Regress", regression(**ONE_INPUT), Code.INVALID_ARGUMENT, "Expected one output Tensor."),
    "inference: no task": (
        "MultiInference",
        inference(),
        Code.INVALID_ARGUMENT,
        "ModelSpec has no name specified.",
    ),
    "inference: unknown signature": (
        "MultiInference",
        inference((CLASSIFY, {"name": "tfstyle", "signature_name": "paint"})),
        Code.INVALID_ARGUMENT,
        "Requested signature not found in model graph: paint",
    ),
    "inference: unknown method": (
        "MultiInference",
        inference(("tensorflow/serving/predict", DESCRIBE)),
        Code.UNIMPLEMENTED,
        "Unsupported signature method_name: tensorflow/serving/predict",
    ),
    "inference: a task without a name": (
        "MultiInference",
        inference((CLASSIFY, {"name": "tfstyle"}), (REGRESS, {"signature_name": "slow"})),
        Code.INVALID_ARGUMENT,
        "Expected one input Tensor.",  # the tasks are looked at one by one, and the first is wrong already
    ),
    "inference: two inputs": (
        "MultiInference",
        inference((REGRESS, {"name": "tfstyle"})),
        Code.INVALID_ARGUMENT,
        "Expected one input Tensor.",
    ),
}


@pytest.mark.parametrize(("method", "request_", "code", "message"), CASES.values(), ids=CASES.keys())
def test_a_model_without_such_signatures_refuses(prediction_stub, method, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        getattr(prediction_stub, method)(request_)
    assert caught.value.code() is code
    if message.endswith(": "):  # a whole SignatureDef follows
        assert caught.value.details().startswith(message)
    else:
        assert caught.value.details() == message
