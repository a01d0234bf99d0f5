"""The embedded server: what TensorFlow Serving does for a model, where there is no container to run it in.

`python -m serving.server` and `tfstyle serve` start it; `running()` starts one inside a test.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from serving.flags import Flags, add_arguments
from serving.repository import ModelVersion, find_models, newest_version
from tfstyle.errors import ModelError, StyleTransferError
from tfstyle.models import models_root

if TYPE_CHECKING:
    from serving.manager import ModelManager

DRAIN_SECONDS = 25.0  # Kubernetes kills 30 s after SIGTERM
MAX_MESSAGE_BYTES = 2**31 - 1  # as TensorFlow Serving; gRPC's own default of 4 MB is one photo

# For all but Predict: a probe must not wait behind photos, or it would end a server that is only busy.
_QUICK_THREADS = 4

# "" is the server as a whole; the others are the names TensorFlow Serving gives its services.
_HEALTH_SERVICES = ("", "ModelService", "PredictionService")


class Server:
    """Loaded models behind a gRPC port. Start it, then stop it.

    Attributes:
        port: Where it listens, also when the flags let it choose.
    """

    def __init__(self, flags: Flags):
        """Load and warm up the models, then take the port, so that nobody is answered by a model half loaded.

        Raises:
            ModelError: If a model is missing, empty or half written.
            StyleTransferError: If the port is taken or the flags contradict each other.
        """
        models = _choose_models(flags)
        config = _session_options(flags)

        # TensorFlow takes seconds to import: wrong flags and missing models are told before.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import tensorflow as tf
        from grpc_health.v1 import health, health_pb2, health_pb2_grpc
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        from serving.model_service import ModelService
        from serving.prediction_service import PredictionService

        tf.get_logger().setLevel("ERROR")  # the loader calls itself deprecated each time; the C++ server uses its twin
        self._manager = _load(models, _session_config(tf, config), warm_up=flags.enable_model_warmup)
        self._health = health.HealthServicer()
        self._predict_pool = ThreadPoolExecutor(flags.grpc_max_threads, thread_name_prefix="predict")
        self._server = grpc.server(
            ThreadPoolExecutor(_QUICK_THREADS, thread_name_prefix="grpc"),
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),  # else a second server on the same port would take half of the calls
            ],
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(
                self._manager, self._predict_pool, as_content=flags.enable_serialization_as_tensor_content
            ),
            self._server,
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(self._manager), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for service in _HEALTH_SERVICES:
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        self._host = flags.host
        try:
            self.port = self._server.add_insecure_port(f"{flags.host}:{flags.port}")
        except RuntimeError as error:
            self._manager.close()
            raise StyleTransferError(
                f"Cannot listen on {flags.host}:{flags.port}: the port is taken or not allowed; choose another --port."
            ) from error

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self, grace: float = DRAIN_SECONDS) -> None:
        """Take no new calls, finish those begun within `grace` seconds, free the models."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace).wait()
        self._predict_pool.shutdown(wait=False)
        self._manager.close()

    def __str__(self) -> str:
        return f"{self._manager.describe()} on {self._host}:{self.port}"


@contextmanager
def running(models_dir: str | Path, **flags: Any) -> Iterator[str]:
    """A server of all models in a folder on a free local port, for as long as the block runs.

    Args:
        models_dir: Holds `<model>/<version>/`.
        **flags: Other fields of `Flags`.

    Yields:
        Its address, `127.0.0.1:PORT`.
    """
    server = Server(Flags(**{"host": "127.0.0.1", "port": 0, "models_dir": Path(models_dir), **flags}))
    try:
        server.start()
        yield f"127.0.0.1:{server.port}"
    finally:
        server.stop(grace=1.0)


def serve(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; `args` as parsed with `serving.flags.add_arguments`.

    Returns:
        The exit code, 0.

    Raises:
        StyleTransferError: If the server cannot start.
    """
    server = Server(Flags.from_args(args))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.start()
    print(f"serving {server}", flush=True)
    stopped.wait()
    server.stop()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the server alone: 0 after a graceful stop, 2 if it cannot start."""
    parser = argparse.ArgumentParser(
        prog="tfstyle serve", description="Serve models as TensorFlow Serving does.", allow_abbrev=False
    )
    add_arguments(parser)
    args = parser.parse_args(argv)
    try:
        return serve(args)
    except StyleTransferError as error:
        print(f"tfstyle: {error}", file=sys.stderr)
        return 2


def _choose_models(flags: Flags) -> list[ModelVersion]:
    if flags.model_base_path is not None:
        return [newest_version(flags.model_name or "default", flags.model_base_path)]
    models_dir = flags.models_dir or models_root()
    if flags.model_name is None:
        return find_models(models_dir)
    if not flags.model_name or Path(flags.model_name).name != flags.model_name:
        raise ModelError(f"Expected --model_name to name a folder in {models_dir}, got {flags.model_name!r}.")
    return [newest_version(flags.model_name, models_dir / flags.model_name)]


def _load(models: list[ModelVersion], config: Any, *, warm_up: bool) -> "ModelManager":
    """All models or, as in TensorFlow Serving, none: what was loaded before the one that fails is freed."""
    from serving.manager import ModelManager
    from serving.servable import Servable

    with ExitStack() as loaded:
        servables = []
        for model in models:
            servable = loaded.enter_context(closing(Servable(model, config)))
            if warm_up:
                servable.warm_up()
            servables.append(servable)
        loaded.pop_all()
    return ModelManager(servables)


def _session_options(flags: Flags) -> dict[str, int]:
    intra, inter = flags.tensorflow_intra_op_parallelism, flags.tensorflow_inter_op_parallelism
    both = flags.tensorflow_session_parallelism
    if both and (intra or inter):
        raise StyleTransferError(
            "Expected either --tensorflow_session_parallelism or --tensorflow_intra_op_parallelism and "
            "--tensorflow_inter_op_parallelism, got both; leave one out."
        )
    return {"intra_op_parallelism_threads": both or intra, "inter_op_parallelism_threads": both or inter}


def _session_config(tf: Any, options: dict[str, int]) -> Any:
    config = tf.compat.v1.ConfigProto(**options)
    config.gpu_options.allow_growth = True  # else TensorFlow takes the whole GPU at once
    return config


if __name__ == "__main__":
    sys.exit(main())
