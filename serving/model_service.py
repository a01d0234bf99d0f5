"""`tensorflow.serving.ModelService`: tell which versions of a model are there and in which state."""

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from serving.answer import answer
from serving.manager import ModelManager
from serving.status import invalid_argument, not_found

_AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus; HandleReloadConfigRequest answers UNIMPLEMENTED."""

    def __init__(self, manager: ModelManager):
        self._manager = manager

    def GetModelStatus(self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext):
        """Tell the state of one version, or of all; a version label is not looked at."""
        return answer(context, lambda: self._status(request))

    def _status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        if not request.HasField("model_spec"):
            raise invalid_argument("Missing ModelSpec")
        name = request.model_spec.name
        versions = self._manager.versions(name)
        if request.model_spec.HasField("version"):
            version = request.model_spec.version.value
            if version not in versions:
                raise not_found(f"Could not find version {version} of model {name}")
            versions = [version]
        if not versions:
            raise not_found(f"Could not find any versions of model {name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in versions:
            status = response.model_version_status.add(version=version, state=_AVAILABLE)
            status.status.SetInParent()  # OK, said by an empty message
        return response
