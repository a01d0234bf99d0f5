"""Work for which nobody waits is not begun, work without end is ended, and so is the server."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.client import StyleClient
from serving.client.errors import DeadlineError
from serving.server import model_server
from serving.server.status import StatusError
from serving.server.work_queue import WorkQueue
from testing.load import server_process, slow_request

ENDLESS = 10_000_000  # rounds: hours
WORK = {"rounds": np.array([ENDLESS], np.int32)}


def test_a_server_ends_after_its_grace_whatever_still_runs(models_dir):
    flags = (f"--models_dir={models_dir}", "--drain_seconds=1")
    with server_process(*flags) as (process, address), grpc.insecure_channel(address) as channel:
        call = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict.future(slow_request(rounds=ENDLESS))
        time.sleep(1)
        assert not call.done()
        began = time.monotonic()
        process.terminate()
        try:
            assert process.wait(30) == 0
        except subprocess.TimeoutExpired:
            pytest.fail("the server did not end")
        assert time.monotonic() - began < 15  # 1 s of notice, 1 s of grace, 2 s to leave, and a slow machine


def test_a_run_ends_with_its_deadline_and_leaves_its_place_to_others(models_dir):
    flags = {"model_name": "tfstyle", "max_concurrent_runs": 1}
    with model_server.running(models_dir, **flags) as address, StyleClient(address, timeout=60) as client:
        with pytest.raises(DeadlineError):
            client.predict("slow", WORK, timeout=1)
        assert client.predict("describe", {})["style_names"].size == 3


def test_a_run_without_a_deadline_has_the_servers(models_dir):
    flags = {"model_name": "tfstyle", "max_run_seconds": 1}
    with (
        model_server.running(models_dir, **flags) as address,
        StyleClient(address, timeout=None) as client,
        pytest.raises(DeadlineError),
    ):
        client.predict("slow", WORK)


def test_a_call_that_is_cancelled_while_it_waits_gives_up_its_turn():
    """It would hold a thread, and its message, until all before it are done."""
    with WorkQueue(threads=2, waiting=2, runs=1) as work, work.run(None), ThreadPoolExecutor(1) as threads:
        gone = []

        def wait() -> None:
            with work.run(None, lambda: not gone, look=0.01):
                raise AssertionError("there was no turn")

        waiting = threads.submit(wait)
        time.sleep(0.1)
        assert not waiting.done()
        gone.append(True)
        with pytest.raises(StatusError) as caught:
            waiting.result(timeout=10)
        assert caught.value.code is grpc.StatusCode.CANCELLED
