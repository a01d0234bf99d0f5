"""The open loop of `benchmarks/serving/load.py`: what it says about a server is only as good as when it looks."""

import itertools
import json
import random
import threading
import time

import pytest

from benchmarks.serving import load as benchmark
from benchmarks.serving.load import Load, arrivals, open_loop
from serving.client.calls import PREDICT
from serving.client.errors import ServerBusyError
from testing.fake_server import FakeModel, answering


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


def test_memory_is_compared_within_the_second_half():
    """Whether it grows, shrinks or comes back; a single photo's makes no difference."""
    memory = [(float(second), 1000 + 10 * max(0, 50 - second)) for second in range(101)]

    assert Load(memory=memory).memory_spread == 1
    for grown in (lambda at: at > 80, lambda at: at < 80, lambda at: 70 <= at < 80):
        changed = [(at, size + 500 * grown(at)) for at, size in memory]
        assert Load(memory=changed).memory_spread == pytest.approx(1.5, abs=0.05)
    photo = [(at, size + 100 * (at == 75)) for at, size in memory]
    assert Load(memory=photo).memory_spread == pytest.approx(1.01, abs=0.001)
    assert Load(memory=memory[:5]).memory_spread is None
    assert Load().memory_spread is None


def test_latencies_are_told_apart_by_when_their_photos_were_to_come():
    load = open_loop(Painter(), rate=50, seconds=1, even=True)
    assert sorted(load.planned[512] + load.planned[1024]) == pytest.approx([n / 50 for n in range(1, 50)])

    told = Load(latencies={512: [1.0, 2.0, 3.0], 1024: [4.0, 5.0]}, planned={512: [0.5, 4.0, 6.0], 1024: [5.9, 9.0]})
    assert told.within([(4.0, 6.0), (8.0, 10.0)]) == [2.0, 4.0, 5.0]


@pytest.mark.parametrize("even", [True, False])
def test_photos_come_at_even_or_random_intervals_within_the_time(even):
    times = list(arrivals(50, 1, None if even else random.Random(7)))

    assert all(earlier < later < 1 for earlier, later in itertools.pairwise(times))
    if even:
        assert times == [n / 50 for n in range(1, 50)]
    else:
        assert 30 <= len(times) <= 70


def test_what_was_measured_is_kept_where_one_wants_it(tmp_path, capsys):
    with answering({PREDICT: FakeModel()}) as address:
        assert benchmark.main(["--quick", "--server", address, "--results", str(tmp_path)]) == 0

    result = json.loads((tmp_path / "load.json").read_text())
    assert {(row["percent"], row["size"]) for row in result["rows"]} == {
        (at, size) for at in (50, 70) for size in (64, 128)
    }
    assert (tmp_path / "load.md").read_text() == capsys.readouterr().out
