"""How long the server waits for what."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServerTimings:
    """Seconds that the server gives to clients and to its own end.

    Attributes:
        drain: For calls that have begun, once the server is to stop.
        notice: In which new calls are told UNAVAILABLE before the port is closed. A call that arrives just then would
            end as CANCELLED.
        leave: After both, for what looks at no clock; then the process ends whatever still runs.
        message: For a message or a body to arrive, once there is room for it.
        probe_message: For that of a call which takes no time, such as a health check: it is a few bytes.
        http_idle: For the head of an HTTP request to arrive, on a new connection or one that is kept.
        look: Between two looks of a waiting call at whether anybody still waits for its answer.
    """

    drain: float = 25.0  # Kubernetes kills 30 s after SIGTERM
    notice: float = 1.0
    leave: float = 2.0
    message: float = 30.0
    probe_message: float = 2.0
    http_idle: float = 60.0
    look: float = 0.2
