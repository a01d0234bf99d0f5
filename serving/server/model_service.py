"""`tensorflow.serving.ModelService` on messages: the versions of a model and their states, and a new configuration.

Who may bring one, `ReloadRights` says: nobody, unless the server was told who.
"""

from dataclasses import dataclass

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2

from serving.server.lifecycle import Lifecycle
from serving.server.model_manager import ModelManager
from serving.server.status import StatusError, invalid_argument, not_found

_UNKNOWN: int = grpc.StatusCode.UNKNOWN.value[0]


@dataclass(frozen=True, kw_only=True)
class ReloadRights:
    """Lets HandleReloadConfigRequest in, or not.

    Attributes:
        from_socket: Whoever can open the server's Unix socket may; its file is the user's own.
        from_client: The name in the certificate of a client that may, its common name or an alternative one; needs
            mutual TLS. Empty is none.
    """

    from_socket: bool = False
    from_client: str = ""

    def check(self, context: grpc.ServicerContext) -> None:
        """See that a call comes from somebody who may.

        Raises:
            StatusError: PERMISSION_DENIED if not.
        """
        if self.from_socket and context.peer().startswith("unix:"):
            return
        if self.from_client and self.from_client in _names(context):
            return
        raise StatusError(
            grpc.StatusCode.PERMISSION_DENIED,
            "This server takes no configuration from here. Whoever runs it may allow that with --reload_from_socket "
            "or --reload_from_client, or change the file of --model_config_file.",
        )


class ModelService:
    """GetModelStatus and HandleReloadConfigRequest; each raises StatusError where it refuses."""

    def __init__(self, manager: ModelManager, lifecycle: Lifecycle):
        self._manager = manager
        self._lifecycle = lifecycle

    def status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tell the state of one version, or of all; a version label is not looked at."""
        if not request.HasField("model_spec"):
            raise invalid_argument("Missing ModelSpec")
        name = request.model_spec.name
        versions = self._manager.status(name)
        if request.model_spec.HasField("version"):
            wanted = request.model_spec.version.value
            versions = [version for version in versions if version.version == wanted]
            if not versions:
                raise not_found(f"Could not find version {wanted} of model {name}")
        if not versions:
            raise not_found(f"Could not find any versions of model {name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in versions:
            told = response.model_version_status.add(version=version.version, state=int(version.state))
            told.status.SetInParent()  # OK, said by an empty message
            if version.error:
                told.status.error_code = _UNKNOWN
                told.status.error_message = version.error
        return response

    def reload(self, request: model_management_pb2.ReloadConfigRequest) -> model_management_pb2.ReloadConfigResponse:
        """Serve what a configuration lists, and nothing else; answers when its new models serve."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid_argument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        self._lifecycle.reload(request.config)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        return response


def _names(context: grpc.ServicerContext) -> set[str]:
    """Those that a client's certificate vouches for; none without one that was verified."""
    known = context.auth_context()
    names = [*known.get("x509_common_name", ()), *known.get("x509_subject_alternative_name", ())]
    return {name.decode("utf-8", "replace") for name in names}
