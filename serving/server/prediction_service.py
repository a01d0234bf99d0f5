"""`tensorflow.serving.PredictionService` on messages: run a signature, and tell which signatures there are.

gRPC and REST both call it; how messages come and go is theirs.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.metrics import Metrics
from serving.server.model_manager import ModelManager
from serving.server.servable import DEFAULT_SIGNATURE
from serving.server.status import StatusError, deadline_exceeded, failed_precondition, invalid_argument, unimplemented

_SIGNATURE_DEF = "signature_def"
_CLASSIFY = "tensorflow/serving/classify"
_REGRESS = "tensorflow/serving/regress"


class PredictionService:
    """Predict, GetModelMetadata, Classify, Regress and MultiInference; each raises StatusError where it refuses.

    Args:
        manager: The models.
        metrics: Where to write down how requests end.
        as_content: Answer `tensor_content` instead of one field per element.
        check_method_names: Hold Classify and Regress to the method that a signature was exported for.
        max_seconds: For a run, whatever its deadline.
    """

    def __init__(
        self,
        manager: ModelManager,
        metrics: Metrics,
        *,
        as_content: bool = False,
        check_method_names: bool = False,
        max_seconds: float = math.inf,
    ):
        self._manager = manager
        self._metrics = metrics
        self._as_content = as_content
        self._check_method_names = check_method_names
        self._max_seconds = max_seconds

    def predict(
        self, request: predict_pb2.PredictRequest, deadline: float | None = None, entrypoint: str = "GRPC"
    ) -> predict_pb2.PredictResponse:
        """Run a signature of a model.

        Args:
            request: The official message.
            deadline: When to stop, in seconds of the monotonic clock; None is never.
            entrypoint: For the metrics: `GRPC` or `REST`.
        """
        with self._counted(request, "Predict", entrypoint):
            _check_model_spec(request)
            with self._manager.using(request.model_spec) as servable:
                timeout = math.inf if deadline is None else deadline - time.monotonic()
                if timeout <= 0:
                    raise deadline_exceeded()
                timeout = min(timeout, self._max_seconds)
                return servable.predict(request, timeout=timeout, as_content=self._as_content)

    def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Tell a model's signatures."""
        _check_model_spec(request)
        if not request.metadata_field:
            raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise invalid_argument(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        signatures = get_model_metadata_pb2.SignatureDefMap()
        with self._manager.using(request.model_spec) as servable:
            for name, signature in servable.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
        response.metadata[_SIGNATURE_DEF].Pack(signatures)
        return response

    def inputs(self, model_spec: Any, signature_name: str) -> dict[str, Any]:
        """TensorInfo by input name, for REST, whose requests name no dtypes."""
        name = signature_name or DEFAULT_SIGNATURE
        with self._manager.using(model_spec) as servable:
            signature = servable.signatures.get(name)
        if signature is None:
            raise invalid_argument(f'Serving signature name: "{name}" not found in signature def')
        return dict(signature.inputs)

    def classify(
        self, request: classification_pb2.ClassificationRequest, deadline: float | None = None, entrypoint: str = "GRPC"
    ) -> classification_pb2.ClassificationResponse:
        """Refuse: no model of ours takes examples and answers classes."""
        with self._counted(request, "Classify", entrypoint):
            signature = self._example_signature(request)
            self._check_classification(signature)
            raise unimplemented("Classify is not implemented here; call Predict.")

    def regress(
        self, request: regression_pb2.RegressionRequest, deadline: float | None = None, entrypoint: str = "GRPC"
    ) -> regression_pb2.RegressionResponse:
        """Refuse: no model of ours takes examples and answers values."""
        with self._counted(request, "Regress", entrypoint):
            signature = self._example_signature(request)
            self._check_regression(signature)
            raise unimplemented("Regress is not implemented here; call Predict.")

    def multi_inference(
        self, request: inference_pb2.MultiInferenceRequest, deadline: float | None = None
    ) -> inference_pb2.MultiInferenceResponse:
        """Refuse, as `classify` and `regress`."""
        first = request.tasks[0].model_spec if request.tasks else inference_pb2.InferenceTask().model_spec
        with self._manager.using(first) as servable:
            signatures = servable.signatures
        checks: dict[str, Callable[[Any], None]] = {
            _CLASSIFY: self._check_classification,
            _REGRESS: self._check_regression,
        }
        seen: set[str] = set()
        for task in request.tasks:
            if not task.model_spec.name:
                raise invalid_argument("Found ModelSpec with an empty model name.")
            if task.model_spec.name != first.name:
                raise invalid_argument("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
            name = task.model_spec.signature_name or DEFAULT_SIGNATURE
            if name in seen:
                raise invalid_argument(f"Duplicate evaluation of signature: {name}")
            seen.add(name)
            if name not in signatures:
                raise invalid_argument(f"Requested signature not found in model graph: {name}")
            if task.method_name not in checks:
                raise unimplemented(f"Unsupported signature method_name: {task.method_name}")
            checks[task.method_name](signatures[name])
        raise unimplemented("MultiInference is not implemented here; call Predict.")

    def _example_signature(self, request: Any) -> Any:
        _check_model_spec(request)
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        with self._manager.using(request.model_spec) as servable:
            signature = servable.signatures.get(name)
        if signature is None:
            raise invalid_argument(f"No signature was found with the name: {name}")
        return signature

    def _check_classification(self, signature: Any) -> None:
        self._check_method(signature, _CLASSIFY, "classification")
        if len(signature.inputs) != 1:
            raise invalid_argument("Expected one input Tensor.")
        if len(signature.outputs) not in (1, 2):
            raise invalid_argument(f"Expected one or two output Tensors, found {len(signature.outputs)}")
        if "inputs" not in signature.inputs:
            raise failed_precondition(f"No classification inputs found in SignatureDef: {signature}")
        if not {"classes", "scores"} & set(signature.outputs):
            raise failed_precondition(
                f'Expected classification signature outputs to contain at least one of "classes" or "scores". '
                f"Signature was: {signature}"
            )

    def _check_regression(self, signature: Any) -> None:
        self._check_method(signature, _REGRESS, "regression")
        if len(signature.inputs) != 1:
            raise invalid_argument("Expected one input Tensor.")
        if len(signature.outputs) != 1:
            raise invalid_argument("Expected one output Tensor.")
        if "inputs" not in signature.inputs:
            raise failed_precondition(f"No regression inputs found in SignatureDef: {signature}")
        if "outputs" not in signature.outputs:
            raise failed_precondition(f"No regression outputs found in SignatureDef: {signature}")

    def _check_method(self, signature: Any, method: str, kind: str) -> None:
        if self._check_method_names and signature.method_name != method:
            raise invalid_argument(
                f"Expected {kind} signature method_name to be {method}. Was: {signature.method_name}"
            )

    @contextmanager
    def _counted(self, request: Any, api: str, entrypoint: str) -> Iterator[None]:
        began = time.perf_counter()
        status = "INTERNAL"
        try:
            yield
            status = "OK"
        except StatusError as error:
            status = error.code.name
            raise
        except MemoryError:
            status = "RESOURCE_EXHAUSTED"
            raise
        finally:
            name = request.model_spec.name
            known = name if self._manager.knows(name) else ""
            self._metrics.requested(known, api, entrypoint, time.perf_counter() - began, status)


def _check_model_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
