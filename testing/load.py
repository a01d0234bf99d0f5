"""Clients that call a server without a pause, and tell how each call ended."""

import contextlib
import re
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.child_process import server_command, wait_for_port


def slow_request(model: str = "tfstyle", rounds: int = 5) -> predict_pb2.PredictRequest:
    """For the toy model: as many milliseconds of work as there are rounds, or so."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = "slow"
    request.inputs["rounds"].CopyFrom(tf.make_tensor_proto(np.array([rounds], np.int32)))
    return request


class Load:
    """Calls Predict from several threads until it is stopped.

    Attributes:
        versions: How many answers came from each version.
        errors: The status of each call that failed.
        retries: How many calls were tried again, of those that may be.

    Args:
        address: The server.
        request: Makes a request.
        clients: How many call at once, each over a connection of its own.
        stop_at_error: Let a client end with its first call that fails.
        retry_seconds: For how long a call that finds the server gone is tried again.
    """

    def __init__(
        self,
        address: str,
        request: Callable[[], predict_pb2.PredictRequest],
        *,
        clients: int = 8,
        stop_at_error: bool,
        retry_seconds: float = 0.0,
    ):
        self.versions: Counter[int] = Counter()
        self.errors: list[tuple[grpc.StatusCode, str]] = []
        self.retries = 0
        self._stop_at_error = stop_at_error
        self._retry_seconds = retry_seconds
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, args=(address, request)) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    @property
    def answers(self) -> int:
        """Calls that were answered."""
        return sum(self.versions.values())

    def stop(self) -> None:
        """Let each client end its call, and wait for that."""
        self._stopped.set()
        self.join()

    def join(self) -> None:
        """Wait until all clients have ended."""
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()

    def wait(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Keep calling until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.versions, self.errors[:3])
            time.sleep(0.02)

    def _call(self, address: str, request: Callable[[], predict_pb2.PredictRequest]) -> None:
        with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
            while not self._stopped.is_set():
                try:
                    version = self._persistently(lambda: predict(request(), timeout=60)).model_spec.version.value
                except grpc.RpcError as error:
                    with self._lock:
                        self.errors.append((error.code(), error.details()))
                    if self._stop_at_error:
                        return
                else:
                    with self._lock:
                        self.versions[version] += 1

    def _persistently(self, call: Callable[[], predict_pb2.PredictResponse]) -> predict_pb2.PredictResponse:
        deadline = time.monotonic() + self._retry_seconds
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() >= deadline:
                    raise
            with self._lock:
                self.retries += 1
            time.sleep(0.2)


@contextlib.contextmanager
def server_process(
    *flags: str, host: str = "127.0.0.1", log: IO[str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server as a process of its own, with its address on this machine; it is killed in the end.

    Args:
        *flags: Of the server.
        host: Where it listens.
        log: Gets what it says and logs.
    """
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = server_command(port_file, f"--host={host}", *flags)
        process = subprocess.Popen(command, stdout=log or subprocess.PIPE, stderr=log, text=True)
        try:
            port = wait_for_port(port_file, lambda: process.poll() is not None)
            assert port is not None, "the server did not start"
            yield process, f"{host}:{port}"
        finally:
            process.kill()
            process.communicate()


def requests_answered(process: subprocess.Popen[str]) -> int:
    """What a server that was asked to stop says in the end."""
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    stopped = re.search(r"stopped after (\d+) requests", said)
    assert stopped is not None
    return int(stopped[1])


def resident_memory(process: subprocess.Popen[str]) -> float:
    """In megabytes."""
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024
