"""An only server that is killed under load and started again, or paused: its clients only wait."""

import asyncio
import os
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from serving.child_process import server_command, wait_for_port
from serving.client import AsyncStyleClient, StyleClient

WORK = {"rounds": np.array([50], np.int32)}  # long enough to be under way when the server dies
EACH = 4  # callers of each kind


@contextmanager
def server_process(models_dir, port):
    """As `testing.load.server_process`, without TensorFlow in this process; the last `--port` counts."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = server_command(port_file, f"--models_dir={models_dir}", f"--port={port}")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            assert wait_for_port(port_file, lambda: process.poll() is not None) == int(port)
            yield process
        finally:
            process.kill()
            process.wait()


class Load:
    """Calls one after the other, from threads and from tasks, until `stop` is set."""

    def __init__(self, address: str):
        self.address = address
        self.stop = threading.Event()
        self.answers = [0] * (2 * EACH)
        self.errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._guard, args=(self._call, i)) for i in range(EACH)]
        self._threads.append(threading.Thread(target=self._guard, args=(asyncio.run, self._call_as_tasks())))

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def finish(self) -> None:
        """Let every caller end its last call."""
        self.stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_answers(self, count: int) -> None:
        """Until every caller has had so many more."""
        goal = [answers + count for answers in self.answers]
        while any(answers < wanted for answers, wanted in zip(self.answers, goal, strict=True)):
            if self.errors:
                raise self.errors[0]
            self.stop.wait(0.02)

    def _guard(self, run, *args) -> None:
        try:
            run(*args)
        except BaseException as error:
            self.errors.append(error)

    def _call(self, number: int) -> None:
        with StyleClient(self.address, wait_for_ready=True, timeout=60) as client:
            while not self.stop.is_set():
                client.predict("slow", WORK)
                self.answers[number] += 1

    async def _call_as_tasks(self) -> None:
        async with AsyncStyleClient(self.address, wait_for_ready=True, timeout=60) as client:

            async def call(number: int) -> None:
                while not self.stop.is_set():
                    await client.predict("slow", WORK)
                    self.answers[number] += 1

            await asyncio.gather(*(call(EACH + i) for i in range(EACH)))


def test_no_call_fails_when_the_server_is_killed_and_started_again(models_dir, free_port):
    with server_process(models_dir, free_port) as first, Load(f"127.0.0.1:{free_port}") as load:
        load.wait_for_answers(3)
        first.kill()
        first.wait()
        with server_process(models_dir, free_port):
            opened = time.monotonic()
            load.wait_for_answers(1)
            assert time.monotonic() - opened < 10  # everybody is served again
            load.wait_for_answers(2)
            load.finish()
    assert not load.errors


def test_no_call_fails_while_the_server_is_paused(models_dir, free_port):
    """Not even that its machine is busy with something else for seconds; once it goes on, everybody is served."""
    with server_process(models_dir, free_port) as process, Load(f"127.0.0.1:{free_port}") as load:
        load.wait_for_answers(3)
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.5)  # for answers that were on their way
        before = list(load.answers)
        time.sleep(5)
        assert load.answers == before
        os.kill(process.pid, signal.SIGCONT)
        went_on = time.monotonic()
        load.wait_for_answers(2)
        assert time.monotonic() - went_on < 10
        load.finish()
    assert not load.errors
