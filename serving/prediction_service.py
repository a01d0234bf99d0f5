"""`tensorflow.serving.PredictionService`: run a signature, and tell which signatures there are."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from serving.answer import answer
from serving.manager import ModelManager
from serving.status import StatusError, invalid_argument

_SIGNATURE_DEF = "signature_def"


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the other methods answer UNIMPLEMENTED.

    Args:
        manager: The models.
        predict_pool: Runs Predict, which takes seconds; the server's own threads stay free for what takes none.
        as_content: Answer `tensor_content` instead of one field per element.
    """

    def __init__(self, manager: ModelManager, predict_pool: ThreadPoolExecutor, *, as_content: bool = False):
        self._manager = manager
        self._as_content = as_content
        self.Predict = _InPool(self.Predict, predict_pool)  # type: ignore[method-assign]

    def Predict(self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext):
        """Run a signature of a model."""
        return answer(context, lambda: self._predict(request, context.time_remaining()))

    def GetModelMetadata(self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext):
        """Tell a model's signatures."""
        return answer(context, lambda: self._metadata(request))

    def _predict(
        self, request: predict_pb2.PredictRequest, time_remaining: float | None
    ) -> predict_pb2.PredictResponse:
        if not request.HasField("model_spec"):
            raise invalid_argument("Missing ModelSpec")
        servable = self._manager.find(request.model_spec)
        if time_remaining is not None and time_remaining <= 0:
            # The call waited for a thread for so long that nobody listens any more.
            raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Timed out waiting for notification")
        return servable.predict(request, timeout=time_remaining, as_content=self._as_content)

    def _metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        if not request.HasField("model_spec"):
            raise invalid_argument("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise invalid_argument(f"Metadata field {field} is not supported")
        servable = self._manager.find(request.model_spec)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in servable.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = servable.name
        response.model_spec.version.value = servable.version
        response.metadata[_SIGNATURE_DEF].Pack(signatures)
        return response


class _InPool:
    """A method with a pool of its own, which gRPC takes from this attribute, as its health service does."""

    def __init__(self, method: Callable[..., Any], pool: ThreadPoolExecutor):
        self._method = method
        self.experimental_thread_pool = pool

    def __call__(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._method(request, context)
