"""The embedded server: what TensorFlow Serving does for a model, where there is no container to run it in.

`python -m serving.server` and `tfstyle serve` start it; `running()` starts one inside a test.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

import tfstyle
from serving.config import config_files
from serving.config.flags import Flags, Parser, add_arguments
from serving.config.log_format import OneLineFormatter
from serving.config.model_repository import ModelVersion, find_models
from serving.config.timings import ServerTimings
from serving.server.work_queue import MAX_MESSAGE_BYTES, WorkQueue
from tfstyle.errors import ModelError, StyleTransferError
from tfstyle.model_store.versions import models_root

if TYPE_CHECKING:
    from serving.server.metrics import Metrics
    from serving.server.servable import Servable

_CHANNEL_ARGUMENTS: dict[str, int | str] = {
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.so_reuseport": 0,  # else a second server on the same port would take half of the calls
    "grpc.keepalive_time_ms": 60_000,  # a client whose machine is gone keeps no thread
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.max_concurrent_streams": 256,  # of a connection, which costs more to open than a call that is reset at once
}


class Server:
    """Loaded models behind a gRPC port and, on demand, a REST port. Start it, then stop it.

    Attributes:
        port: Where it listens for gRPC, also when the flags let it choose.
    """

    def __init__(self, flags: Flags, timings: ServerTimings | None = None):
        """Load and warm up the models, then take the ports, so that nobody is answered by a model half loaded.

        Raises:
            ModelError: If a model is missing, empty or half written.
            StyleTransferError: If a port is taken, a configuration file is wrong or the flags contradict each other.
        """
        self._timings = timings or ServerTimings(drain=flags.drain_seconds)
        _check(flags)
        base_paths = {} if flags.model_config_file else _base_paths(flags)
        ssl = config_files.read_ssl(flags.ssl_config_file) if flags.ssl_config_file else None
        if flags.reload_from_client and not (ssl and ssl.client_verify):
            raise StyleTransferError(
                "Expected client_verify in --ssl_config_file with --reload_from_client: else nobody's name is known."
            )
        monitoring = (
            config_files.read_monitoring(flags.monitoring_config_file) if flags.monitoring_config_file else None
        )

        # TensorFlow takes seconds to import: what is wrong with flags and files is told before.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import tensorflow as tf

        from serving.server.grpc_service import Services
        from serving.server.health import Health
        from serving.server.lifecycle import Lifecycle
        from serving.server.metrics import Metrics
        from serving.server.model_manager import ModelManager
        from serving.server.model_service import ModelService, ReloadRights
        from serving.server.prediction_service import PredictionService
        from serving.server.rest import RestServer, RestService

        tf.get_logger().setLevel("ERROR")  # the loader calls itself deprecated each time; the C++ server uses its twin
        read_config = _config_reader(flags, base_paths)
        self._flags = flags
        self._metrics = Metrics()
        self._manager = ModelManager(
            _loader(flags, self._metrics, _session_config(tf, flags)),
            max_num_load_retries=flags.max_num_load_retries,
            load_retry_seconds=flags.load_retry_interval_micros / 1e6,
        )
        self._lifecycle = Lifecycle(
            self._manager,
            poll_seconds=flags.file_system_poll_wait_seconds,
            read_config=read_config,
            config_poll_seconds=flags.model_config_file_poll_wait_seconds,
            allow_labels_in_advance=flags.allow_version_labels_for_unavailable_models,
        )
        with ExitStack() as begun:  # whatever fails below, what was begun before is ended
            begun.callback(self._manager.close)
            begun.callback(self._lifecycle.stop)
            self._lifecycle.start(read_config())
            self._queue = WorkQueue(
                threads=flags.grpc_max_threads, waiting=flags.max_queued_requests, runs=flags.max_concurrent_runs
            )
            prediction = PredictionService(
                self._manager,
                self._metrics,
                as_content=flags.enable_serialization_as_tensor_content,
                check_method_names=flags.enable_signature_method_name_check,
                max_seconds=flags.max_run_seconds,
            )
            models = ModelService(self._manager, self._lifecycle)
            self._health = Health() if flags.enable_grpc_healthcheck_service else None
            self._services = Services(
                prediction,
                models,
                self._queue,
                health=self._health,
                reload=ReloadRights(from_socket=flags.reload_from_socket, from_client=flags.reload_from_client),
                timings=self._timings,
            )
            self._server = grpc.server(
                ThreadPoolExecutor(1, thread_name_prefix="grpc"),  # each method has a pool of its own
                handlers=[self._services],
                options=list((_CHANNEL_ARGUMENTS | flags.grpc_channel_arguments).items()),
            )
            self.port = _listen(self._server, flags, ssl)
            self._rest: RestServer | None = None
            if flags.rest_api_port:
                service = RestService(
                    prediction,
                    models,
                    self._queue,
                    timeout=flags.rest_api_timeout_in_ms / 1000,
                    message_timeout=self._timings.message,
                    requests=flags.rest_api_num_threads,
                    cors=flags.rest_api_enable_cors_support,
                )
                if monitoring and monitoring.prometheus_config.enable:
                    service.tell_prometheus(self._metrics, monitoring.prometheus_config.path)
                try:
                    self._rest = RestServer(service, flags.host, flags.rest_api_port, self._timings)
                except OSError as error:
                    raise _cannot_listen(f"{flags.host}:{flags.rest_api_port}", "--rest_api_port") from error
            begun.pop_all()

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self, grace: float | None = None, *, notice: float = 0.0) -> None:
        """Take no new calls, finish those begun, free the models.

        Args:
            grace: Seconds for what has begun; None is what the timings say.
            notice: Seconds in which new calls are told UNAVAILABLE before the port is closed.
        """
        grace = self._timings.drain if grace is None else grace
        self._lifecycle.halt()
        if self._health is not None:
            self._health.stop()
        self._services.refuse()
        time.sleep(notice)
        stopped = self._server.stop(grace)
        if self._rest is not None:
            self._rest.stop()
        stopped.wait()
        self._services.close()
        self._queue.shutdown(wait=False)
        self._lifecycle.stop()
        self._manager.close()

    def end(self) -> bool:
        """`stop` within the time there is, notice included; False if something still runs then."""
        timings = self._timings
        ending = threading.Thread(target=self.stop, kwargs={"notice": timings.notice}, name="stop", daemon=True)
        ending.start()
        ending.join(timings.notice + timings.drain + timings.leave)
        return not ending.is_alive() and not self._queue.pending

    @property
    def grace(self) -> float:
        """Seconds for what has begun when the server is to stop."""
        return self._timings.drain

    @property
    def answered(self) -> int:
        """Requests of models so far, whatever their answer was."""
        return self._metrics.answered

    def failures(self) -> list[str]:
        """Versions that did not load, each with the reason; the versions beside them serve."""
        return self._manager.failures()

    def __str__(self) -> str:
        serving = self._manager.available().items()
        models = ", ".join(f"{name} version {' and '.join(map(str, versions))}" for name, versions in serving)
        rest = f" (REST on port {self._flags.rest_api_port})" if self._rest is not None else ""
        return f"{models or 'no model'}{rest} on {self._flags.host}:{self.port}"


@contextmanager
def running(
    models_dir: str | Path | None = None, *, timings: ServerTimings | None = None, **flags: Any
) -> Iterator[str]:
    """A server of all models in a folder on a free local port, for as long as the block runs.

    Args:
        models_dir: Holds `<model>/<version>/`; None where other flags say what is served.
        timings: How long the server waits for what.
        **flags: Other fields of `Flags`.

    Yields:
        Its address, `127.0.0.1:PORT`.
    """
    folder = None if models_dir is None else Path(models_dir)
    server = Server(Flags(**{"port": 0, "models_dir": folder, **flags}), timings)
    try:
        server.start()
        yield f"127.0.0.1:{server.port}"
    finally:
        server.stop(grace=1.0)


def serve(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; `args` as parsed with `serving.config.flags.add_arguments`.

    Returns:
        The exit code, 0.

    Raises:
        StyleTransferError: If the server cannot start.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    log = logging.getLogger("serving")
    for handler in logging.getLogger().handlers:
        handler.setFormatter(OneLineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    level = log.level
    log.setLevel(logging.CRITICAL)  # what keeps the server from starting is said once, by whoever catches it
    # While models load, too: process 1 gets no signal that it does not handle.
    before = {number: signal.signal(number, _exit) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server = Server(Flags.from_args(args))
    except StyleTransferError:
        for number, earlier in before.items():
            signal.signal(number, earlier)
        log.setLevel(level)
        raise
    log.setLevel(logging.INFO)
    for failure in server.failures():
        log.error(failure)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.start()
    print(f"serving {server}", flush=True)
    if args.port_file is not None:
        _write_port(args.port_file, server.port)
    stopped.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # who asks a second time does not want to wait
    ended = server.end()
    print(f"stopped after {server.answered} requests", flush=True)
    if not ended:
        log.warning("work that was not done within %d s is given up", server.grace)
        sys.stderr.flush()
        os._exit(0)  # Python would wait for its threads, and those of TensorFlow look at no clock
    return 0


def _write_port(path: Path, port: int) -> None:
    """Whole at once: whoever waits for the file may read it as soon as it is there."""
    beside = path.with_name(f".{path.name}.incoming")
    try:
        beside.write_text(f"{port}\n")
        beside.replace(path)
    except OSError as error:
        raise StyleTransferError(
            f"The port cannot be written to {path}: {error.strerror}; choose another --port_file."
        ) from None


def _exit(number: int, _: Any) -> None:
    sys.exit(128 + number)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the server alone: 0 after a graceful stop, 2 if it cannot start."""
    parser = Parser(prog="tfstyle serve", description="Serve models as TensorFlow Serving does.")
    parser.add_argument("--version", action="version", version=f"tfstyle {tfstyle.__version__}")
    add_arguments(parser)
    args = parser.parse_flags(argv)
    try:
        return serve(args)
    except StyleTransferError as error:
        print(f"tfstyle: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _check(flags: Flags) -> None:
    if flags.tensorflow_session_parallelism and (
        flags.tensorflow_intra_op_parallelism or flags.tensorflow_inter_op_parallelism
    ):
        raise StyleTransferError(
            "Expected either --tensorflow_session_parallelism or --tensorflow_intra_op_parallelism and "
            "--tensorflow_inter_op_parallelism, got both; leave one out."
        )
    if flags.model_config_file and (flags.model_base_path or flags.model_name or flags.models_dir):
        raise StyleTransferError(
            "Expected either --model_config_file or --model_name, --model_base_path and --models_dir, got both; "
            "leave one out."
        )
    if flags.monitoring_config_file and not flags.rest_api_port:
        raise StyleTransferError("Expected --rest_api_port with --monitoring_config_file: metrics are on that port.")
    if flags.reload_from_socket and not flags.grpc_socket_path:
        raise StyleTransferError("Expected --grpc_socket_path with --reload_from_socket, got no socket.")
    if flags.rest_api_port and flags.rest_api_port == flags.port:
        raise StyleTransferError(f"Expected --rest_api_port to differ from --port, got {flags.port} for both.")


def _base_paths(flags: Flags) -> dict[str, Path]:
    if flags.model_base_path is not None:
        return {flags.model_name or "default": flags.model_base_path}
    models_dir = flags.models_dir or models_root()
    if flags.model_name is None:
        return find_models(models_dir)
    if not flags.model_name or Path(flags.model_name).name != flags.model_name:
        raise ModelError(f"Expected --model_name to name a folder in {models_dir}, got {flags.model_name!r}.")
    return {flags.model_name: models_dir / flags.model_name}


def _config_reader(flags: Flags, base_paths: dict[str, Path]) -> Callable[[], Any]:
    from serving.server.lifecycle import single_models

    path = flags.model_config_file
    return (lambda: single_models(base_paths)) if path is None else (lambda: config_files.read_models(path))


def _loader(flags: Flags, metrics: "Metrics", session: Any) -> Callable[[ModelVersion], "Servable"]:
    from serving.server.servable import Servable

    def load(model: ModelVersion) -> Servable:
        servable = Servable(
            model,
            session,
            tags=flags.saved_model_tags.split(","),
            metrics=metrics,
            allow_file_operations=flags.allow_file_operations,
        )
        if flags.enable_model_warmup:
            began = time.perf_counter()
            try:
                records = servable.warm_up(flags.num_request_iterations_for_warmup)
            except BaseException:
                servable.close()
                raise
            if records:
                metrics.warmed_up(str(model.path), records, time.perf_counter() - began)
        return servable

    return load


def _session_config(tf: Any, flags: Flags) -> Any:
    if flags.tensorflow_session_config_file is not None:
        config = config_files.read_session(flags.tensorflow_session_config_file)
    else:
        config = tf.compat.v1.ConfigProto()
        config.gpu_options.allow_growth = True  # else TensorFlow takes the whole GPU at once
    both = flags.tensorflow_session_parallelism
    if intra := both or flags.tensorflow_intra_op_parallelism:
        config.intra_op_parallelism_threads = intra
    if inter := both or flags.tensorflow_inter_op_parallelism:
        config.inter_op_parallelism_threads = inter
    if flags.per_process_gpu_memory_fraction:
        config.gpu_options.per_process_gpu_memory_fraction = flags.per_process_gpu_memory_fraction
        config.gpu_options.allow_growth = False
    return config


def _listen(server: grpc.Server, flags: Flags, ssl: Any) -> int:
    address, socket = f"{flags.host}:{flags.port}", f"unix:{flags.grpc_socket_path}"
    if ssl is None:
        if flags.grpc_socket_path:
            _take(flags.grpc_socket_path, "--grpc_socket_path", server.add_insecure_port, socket)
            _keep(flags)
        return _take(address, "--port", server.add_insecure_port, address)
    # gRPC looks at the key only when it takes the port, and says of both faults the same: a probe tells them apart.
    credentials = grpc.ssl_server_credentials(
        [(ssl.server_key.encode(), ssl.server_cert.encode())],
        root_certificates=ssl.custom_ca.encode() or None,
        require_client_auth=ssl.client_verify,
    )
    try:
        grpc.server(ThreadPoolExecutor(1)).add_secure_port("127.0.0.1:0", credentials)
    except RuntimeError as error:
        raise StyleTransferError(
            f"Expected a key and its certificate in {flags.ssl_config_file}, but TLS does not accept them; check that "
            f"they belong together."
        ) from error
    if flags.grpc_socket_path:
        _take(flags.grpc_socket_path, "--grpc_socket_path", server.add_secure_port, socket, credentials)
        _keep(flags)
    return _take(address, "--port", server.add_secure_port, address, credentials)


def _keep(flags: Flags) -> None:
    """Where the socket gives a right, it is the user's own."""
    if flags.reload_from_socket:
        Path(flags.grpc_socket_path).chmod(0o600)


def _take(address: str, flag: str, add: Callable[..., int], *arguments: Any) -> int:
    try:
        return add(*arguments)
    except RuntimeError as error:
        raise _cannot_listen(address, flag) from error


def _cannot_listen(address: str, flag: str) -> StyleTransferError:
    return StyleTransferError(f"Cannot listen on {address}: the port is taken or not allowed; choose another {flag}.")
