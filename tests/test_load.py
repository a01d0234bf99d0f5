"""The open loop of `benchmarks/load.py`: what it says about a server is only as good as when it looks."""

import threading
import time

import pytest

from benchmarks.load import Load, open_loop
from serving.errors import ServerBusyError


class Painter:
    """In place of a server: paints one photo at a time, and nothing for a while after the start."""

    def __init__(self, stalled: float = 0.0, broken: int = 0):
        self.sizes = {512: 0.5, 1024: 0.5}
        self._ready = time.perf_counter() + stalled
        self._broken = broken
        self._lock = threading.Lock()

    def draw(self, rng):
        return rng.choice([512, 1024])

    def paint(self, size):
        with self._lock:
            time.sleep(max(0.001, self._ready - time.perf_counter()))
            if self._broken:
                self._broken -= 1
                raise ServerBusyError("full")


@pytest.mark.parametrize("even", [True, False])
def test_a_stall_counts_for_every_photo_that_was_to_come_meanwhile(even):
    """A loop that waits for answers would have seen a single slow one."""
    load = open_loop(Painter(stalled=0.5), rate=100, seconds=1, even=even)

    found = load.latencies[512] + load.latencies[1024]
    assert 60 <= len(found) <= 140
    assert sum(latency > 0.1 for latency in found) >= 25
    assert max(found) == pytest.approx(0.5, abs=0.1)


def test_what_fails_is_no_latency():
    load = open_loop(Painter(broken=3), rate=50, seconds=0.5, even=True)

    assert load.errors == ["full"] * 3
    assert len(load.latencies[512] + load.latencies[1024]) == 24 - 3


def test_growth_is_that_of_the_second_half():
    memory = [(float(second), 100 + max(0, 50 - second)) for second in range(101)]

    assert Load(memory=memory).growth == pytest.approx(100 / 100.7, abs=0.01)
    assert Load(memory=[(at, size + (at > 80) * 50) for at, size in memory]).growth > 1.4
    assert Load(memory=memory[:5]).growth is None
