"""`grpc.health.v1.Health`: whether the server takes requests, by TensorFlow Serving's names of its services."""

from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

from serving.server.status import not_found

# "" is the server as a whole.
SERVICES = ("", "ModelService", "PredictionService")


class Health:
    """The state of the server for those who ask once (Check) and those who wait for changes (Watch)."""

    def __init__(self) -> None:
        self._watched = health.HealthServicer()
        self._state = health_pb2.HealthCheckResponse.NOT_SERVING
        self._tell(health_pb2.HealthCheckResponse.SERVING)

    def check(self, request: health_pb2.HealthCheckRequest) -> health_pb2.HealthCheckResponse:
        """The state now.

        Raises:
            StatusError: NOT_FOUND for a service of another name.
        """
        if request.service not in SERVICES:
            raise not_found(f"Expected one of the services {', '.join(filter(None, SERVICES))}, or none for all.")
        return health_pb2.HealthCheckResponse(status=self._state)

    def watch(self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext) -> Any:
        """The state now and after each change."""
        return self._watched.Watch(request, context)

    def stop(self) -> None:
        """The server takes no more requests."""
        self._tell(health_pb2.HealthCheckResponse.NOT_SERVING)

    def _tell(self, state: "health_pb2.HealthCheckResponse.ServingStatus") -> None:
        self._state = state
        for service in SERVICES:
            self._watched.set(service, state)
