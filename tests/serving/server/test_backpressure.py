"""What happens when more arrives than a server can take: answers, not a heap of waiting work."""

import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import httpx
import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2

from serving.client import StyleClient
from serving.client.errors import ServerBusyError
from serving.server import model_server
from serving.server.servable import Servable
from serving.server.status import StatusError
from serving.server.work_queue import QUEUE_FULL, WorkQueue
from testing.fuzz_cases import bounded_memory
from tests.serving.conftest import free_port

Code = grpc.StatusCode
PREDICT = "/tensorflow.serving.PredictionService/Predict"


class Gate:
    """Holds every run until it is opened.

    Attributes:
        begun: A request for every run that has begun.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.begun: queue.Queue[predict_pb2.PredictRequest] = queue.Queue()
        self._open = threading.Event()
        predict = Servable.predict

        def held(servable, request, **options):
            self.begun.put(request)
            assert self._open.wait(60)
            return predict(servable, request, **options)

        monkeypatch.setattr(Servable, "predict", held)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(monkeypatch) -> Iterator[Gate]:
    gate = Gate(monkeypatch)
    yield gate
    gate.open()


@contextmanager
def callers(address: str, count: int) -> Iterator[tuple[StyleClient, ThreadPoolExecutor]]:
    with StyleClient(address) as client, ThreadPoolExecutor(count) as threads:
        yield client, threads


def eventually(check) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_full_queue_is_told_at_once_and_what_waits_is_answered(models_dir, gate):
    """With TensorFlow Serving's sentence, which our client knows as worth another try."""
    flags = {"grpc_max_threads": 2, "max_concurrent_runs": 1, "max_queued_requests": 3}
    with model_server.running(models_dir, **flags) as address, callers(address, 16) as (client, threads):
        answers = [threads.submit(client.predict, "describe", {}) for _ in range(12)]
        eventually(
            lambda: sum(answer.done() for answer in answers) == 7
        )  # all but the two held and the three that wait
        gate.open()
        outcomes = [answer.exception(timeout=30) for answer in answers]

    busy = [outcome for outcome in outcomes if outcome is not None]
    assert len(busy) == 7
    for outcome in busy:
        assert isinstance(outcome, ServerBusyError)
        assert outcome.code is Code.UNAVAILABLE
        assert QUEUE_FULL in str(outcome)


def test_a_full_queue_refuses_rest_too(models_dir, gate):
    port = free_port()
    flags = {"grpc_max_threads": 1, "max_concurrent_runs": 1, "max_queued_requests": 0, "rest_api_port": port}
    with model_server.running(models_dir, **flags) as address, callers(address, 1) as (client, threads):
        answer = threads.submit(client.predict, "describe", {})
        gate.begun.get(timeout=30)
        response = httpx.post(
            f"http://127.0.0.1:{port}/v1/models/tfstyle:predict",
            json={"signature_name": "slow", "instances": [1]},
            timeout=30,
        )
        assert (response.status_code, response.json()["error"]) == (503, QUEUE_FULL)
        gate.open()
        assert answer.result(timeout=30)["style_names"].size == 3


def test_a_message_for_a_full_queue_is_not_read(models_dir, gate):
    """Or else whoever sends large ones would fill the memory in spite of the bound."""
    flags = {"grpc_max_threads": 1, "max_concurrent_runs": 1, "max_queued_requests": 0}
    with (
        model_server.running(models_dir, **flags) as address,
        callers(address, 1) as (client, threads),
        grpc.insecure_channel(address) as channel,
    ):
        answer = threads.submit(client.predict, "describe", {})
        gate.begun.get(timeout=30)
        message = bytes(100 * 2**20)
        with bounded_memory(160):  # the client's own copy, in this process, and none of the server's
            for _ in range(8):
                with pytest.raises(grpc.RpcError) as caught:
                    channel.unary_unary(PREDICT)(message, timeout=20)
                assert (caught.value.code(), caught.value.details()) == (Code.UNAVAILABLE, QUEUE_FULL)
        gate.open()
        answer.result(timeout=30)


def test_work_whose_deadline_has_passed_is_not_begun(models_dir, gate):
    flags = {"grpc_max_threads": 4, "max_concurrent_runs": 1}
    with model_server.running(models_dir, **flags) as address, callers(address, 1) as (client, threads):
        answer = threads.submit(client.predict, "describe", {})
        gate.begun.get(timeout=30)
        with StyleClient(address, timeout=0.3) as hasty, pytest.raises(ServerBusyError, match="did not answer within"):
            hasty.predict("describe", {})
        time.sleep(0.3)
        gate.open()
        answer.result(timeout=30)
        client.predict("describe", {})
        gate.begun.get(timeout=30)  # the last call's
        assert gate.begun.empty()  # of the hasty one nothing was begun


def test_probes_are_answered_while_every_thread_paints(models_dir, gate):
    """Else a busy server would be taken for a dead one and ended."""
    flags = {"grpc_max_threads": 4, "max_concurrent_runs": 2}
    with (
        model_server.running(models_dir, **flags) as address,
        callers(address, 12) as (client, threads),
        StyleClient(address, timeout=10.0) as probe,
    ):
        answers = [threads.submit(client.predict, "describe", {}) for _ in range(12)]
        gate.begun.get(timeout=30)
        gate.begun.get(timeout=30)
        time.sleep(0.5)  # for the others to arrive
        assert probe.health()
        assert probe.status()[0].version == 1
        assert "describe" in probe.signatures()
        assert gate.begun.empty()  # two at once, as the flag says
        gate.open()
        assert all(answer.result(timeout=30)["style_names"].size == 3 for answer in answers)


def test_a_message_above_the_limit_is_refused_before_it_is_read(models_dir):
    """`--grpc_channel_arguments` sets another limit, as it does in TensorFlow Serving."""
    arguments = {"grpc.max_receive_message_length": 1_000_000}
    with model_server.running(models_dir, grpc_channel_arguments=arguments) as address, StyleClient(address) as client:
        image = np.zeros((1, 1000, 1000, 3), np.uint8)
        with pytest.raises(Exception, match="larger than max") as caught:
            client.predict("serving_default", {"image": image, "style_weights": np.ones((1, 3), np.float32)})
        assert caught.value.code is Code.RESOURCE_EXHAUSTED
        assert client.predict("describe", {})


def test_a_body_above_the_limit_is_refused(addresses):
    response = httpx.post(f"http://{addresses.rest}/v1/models/tfstyle:predict", content=bytes(65 * 2**20), timeout=30)
    assert response.status_code == 413


def test_turns_are_given_to_so_many_at_once():
    with WorkQueue(threads=4, waiting=4, runs=2) as work:
        with work.run(None), work.run(1.0):
            with pytest.raises(StatusError, match="Timed out waiting for notification") as caught, work.run(0.05):
                pass
            assert caught.value.code is Code.DEADLINE_EXCEEDED
        with work.run(0.05):
            pass
        with pytest.raises(StatusError), work.run(0.0):
            pass
