"""Three servers that clients take in turns: one of them is killed, paused and started again."""

import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from serving.client import StyleClient
from serving.server import model_server
from testing.load import server_process
from tests.serving.conftest import free_port

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
CLIENTS = 6
DEADLINE = 20.0
WORK = {"rounds": np.array([5], np.int32)}
MORTAL = 3
PAUSE = 5.0  # seconds
RECOVERY = 10.0  # seconds in which a server is to take its share again


class Clients:
    """Call without a pause; each answer is counted for the version, and so the server, that gave it."""

    def __init__(self, addresses: list[str]):
        self.answers: Counter[int | None] = Counter()
        self.errors: list[Exception] = []
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, args=(addresses,)) for _ in range(CLIENTS)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def count_next(self, answers: int) -> dict[int | None, int]:
        """How many of the next answers, so many at least, came from which server."""
        before, deadline = self.answers.copy(), time.monotonic() + 60
        while (self.answers - before).total() < answers:
            assert not self.errors, self.errors[0]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return dict(self.answers - before)

    def wait_for_share(self, server: int, since: float) -> None:
        """Until a server gives half of its fair share of the answers, or more; fails if it does not in time."""
        while 2 * len(HOSTS) * (shares := self.count_next(60)).get(server, 0) < sum(shares.values()):
            assert time.monotonic() - since < RECOVERY, shares
        assert time.monotonic() - since < RECOVERY, shares

    def _call(self, addresses: list[str]) -> None:
        with StyleClient(addresses, timeout=DEADLINE) as client:
            while not self._stopped.is_set():
                try:
                    client.predict("slow", WORK)
                except Exception as error:
                    self.errors.append(error)
                    return
                with self._lock:
                    self.answers[client.answering_version] += 1


@pytest.fixture
def folders(toy_model: Path, tmp_path: Path) -> list[Path]:
    """A model for each server, whose version tells which one it is."""
    for number in range(1, len(HOSTS) + 1):
        shutil.copytree(toy_model, tmp_path / str(number) / "tfstyle" / str(number))
    return [tmp_path / str(number) for number in range(1, len(HOSTS) + 1)]


@contextmanager
def immortal(host: str, folder: Path) -> Iterator[str]:
    """A server in this process."""
    with model_server.running(folder, host=host) as address:
        yield f"{host}:{address.rpartition(':')[2]}"


def test_the_load_spreads_evenly_and_neither_death_nor_pause_of_one_server_loses_a_call(folders):
    """Killed, it is missed by nobody; started again on its port, it takes its share within 10 s; paused, what it has
    accepted is answered once it goes on, and it takes its share as soon."""
    port = free_port()
    flags = (f"--models_dir={folders[-1]}", f"--port={port}")
    with ExitStack() as stack:
        addresses = [
            stack.enter_context(immortal(host, folder)) for host, folder in zip(HOSTS[:2], folders[:2], strict=True)
        ]
        with server_process(*flags, host=HOSTS[2]) as (process, address):
            clients = stack.enter_context(Clients([*addresses, address]))
            clients.count_next(60)  # until all are connected
            evenly = clients.count_next(300)
            process.kill()
            process.wait()
            clients.count_next(30)
            without = clients.count_next(100)
        with server_process(*flags, host=HOSTS[2]) as (process, _):
            clients.wait_for_share(MORTAL, since=time.monotonic())
            clients.count_next(60)
            again = clients.count_next(300)
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(PAUSE)
            os.kill(process.pid, signal.SIGCONT)
            clients.wait_for_share(MORTAL, since=time.monotonic())
            after = clients.count_next(300)
        clients.count_next(30)
    assert clients.errors == []
    for shares in (evenly, again, after):
        assert set(shares) == {1, 2, 3}
        assert max(shares.values()) - min(shares.values()) < 0.2 * sum(shares.values()) / 3, shares
    assert set(without) == {1, 2}
