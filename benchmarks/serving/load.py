"""A server under a steady load of mixed sizes: latencies at 50 % and 70 % of what it can do, errors, memory over time.

    python -m benchmarks.serving.load [MODEL] [--server HOST:PORT] [--at 50 70] [--minutes 5] [--arrivals even]

First a closed loop finds the capacity: so many clients without a pause, pictures a second. Then an open loop: photos
come at a fixed rate whether or not those before are painted, at random (Poisson) or even intervals, and a latency is
counted from the moment when a photo was to come. So it shows when a server falls behind, which a loop that waits for
answers would hide (coordinated omission). Without `--server` there is an embedded server of its own, and its memory is
watched.
"""

import argparse
import itertools
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measuring import add_results_option, machine, one_sentence, percentiles, save, table
from benchmarks.serving.style_server import encoded_request, photo_jpeg, server_process
from serving.client import StyleClient
from serving.client.errors import ServingError
from tfstyle.model_store.versions import find_model

SIZES = {512: 0.4, 768: 0.4, 1024: 0.2}  # pixels a side of the photos, and their share of the requests
CLIENTS = 4  # of the closed loop
TIMEOUT = 120.0
AT_ONCE = 512  # requests under way in the open loop; more would wait here, and that would count too
SEED = 0
SAMPLE_SECONDS = 0.5  # between two looks at the server's memory


@dataclass
class Load:
    """What a load has shown so far.

    Attributes:
        latencies: Seconds from the planned moment of a request to its answer, by size.
        planned: That moment of each, in seconds since the start, in the same order.
        errors: What was said of each request that failed.
        memory: Pairs of seconds since the start and resident bytes of the server.
    """

    latencies: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in SIZES})
    planned: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in SIZES})
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)

    @property
    def memory_spread(self) -> float | None:
        """The most resident memory over the least in the second half; None where nobody watched for long enough.

        Each is the mean of a tenth of the time: what photos take that are just being painted comes and goes.
        """
        if not self.memory:
            return None
        end = self.memory[-1][0]
        tenths: list[list[int]] = [[] for _ in range(5)]
        for at, size in self.memory:
            if at >= end / 2:
                tenths[min(4, int(10 * at / end) - 5)].append(size)
        if not all(tenths):
            return None
        means = [sum(tenth) / len(tenth) for tenth in tenths]
        return max(means) / min(means)

    def spread(self, size: int) -> float:
        """p99 over p50 of a size."""
        found = percentiles(self.latencies[size])
        return found["p99"] / found["p50"]

    def within(self, spans: Sequence[tuple[float, float]]) -> list[float]:
        """Latencies of photos of all sizes that were planned within one of the spans, in seconds since the start."""
        return [
            latency
            for size, latencies in self.latencies.items()
            for at, latency in zip(self.planned[size], latencies, strict=True)
            if any(begin <= at < end for begin, end in spans)
        ]


class Photos:
    """Requests for photos of mixed sizes, over one connection.

    Args:
        address: The server.
        sizes: Pixels a side, and the share of each.
    """

    def __init__(self, address: str, sizes: dict[int, float] = SIZES):
        self.sizes = sizes
        self._client = StyleClient(address, timeout=TIMEOUT)
        styles = len(self._client.styles())
        self._requests = {size: encoded_request(photo_jpeg(size), styles) for size in sizes}

    def __enter__(self) -> "Photos":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def version(self) -> int | None:
        """Of the model in the last answer."""
        return self._client.answering_version

    def draw(self, rng: random.Random) -> int:
        """A size, in proportion to the shares."""
        return rng.choices(list(self.sizes), list(self.sizes.values()))[0]

    def paint(self, size: int) -> None:
        """Send one and wait for its painting.

        Raises:
            ServingError: As `StyleClient.predict`.
        """
        self._client.predict("encoded", self._requests[size])


def capacity(photos: Photos, seconds: float, clients: int = CLIENTS) -> float:
    """Pictures a second in a closed loop of so many clients."""
    for size in photos.sizes:  # memory and plans for each size
        photos.paint(size)
    rng, painted, lock = random.Random(SEED), 0, threading.Lock()
    began = time.perf_counter()

    def send() -> None:
        nonlocal painted
        while time.perf_counter() - began < seconds:
            with lock:
                size = photos.draw(rng)
            photos.paint(size)
            with lock:
                painted += 1

    with ThreadPoolExecutor(clients) as threads:
        for sent in [threads.submit(send) for _ in range(clients)]:
            sent.result()
    return painted / (time.perf_counter() - began)


def open_loop(
    photos: Photos,
    rate: float,
    seconds: float,
    *,
    even: bool = False,
    pid: int | None = None,
    seed: int = SEED,
    meanwhile: Callable[[float], None] = lambda elapsed: None,
) -> Load:
    """Send at a fixed rate, and wait for what is under way in the end.

    Args:
        photos: What to send.
        rate: Requests a second.
        seconds: For how long.
        even: At even intervals; otherwise at exponential ones, as independent people do.
        pid: The server's process, to watch its memory.
        seed: Of sizes and intervals.
        meanwhile: Called before each request with the seconds since the start; as long as it takes, no request is sent.
    """
    rng, lock = random.Random(seed), threading.Lock()
    load = Load({size: [] for size in photos.sizes}, {size: [] for size in photos.sizes})
    began = time.perf_counter()

    def send(size: int, planned: float) -> None:
        try:
            photos.paint(size)
        except ServingError as error:
            with lock:
                load.errors.append(str(error))
            return
        with lock:
            load.latencies[size].append(time.perf_counter() - began - planned)
            load.planned[size].append(planned)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        sampled = began
        for planned in arrivals(rate, seconds, None if even else rng):
            while (left := began + planned - time.perf_counter()) > 0:
                time.sleep(min(left, 0.5))
                if pid is not None and (now := time.perf_counter()) - sampled >= SAMPLE_SECONDS:
                    sampled = now
                    load.memory.append((now - began, resident_bytes(pid)))
            meanwhile(planned)
            threads.submit(send, photos.draw(rng), planned)
    return load


def arrivals(rate: float, seconds: float, rng: random.Random | None) -> Iterator[float]:
    """Seconds from the start at which requests come, before `seconds`: at even intervals, or by `rng` random ones.

    Counted from 0, not from a clock's reading, whose rounding would decide whether the last one still comes.
    """
    planned = 0.0
    for number in itertools.count(1):
        planned = number / rate if rng is None else planned + rng.expovariate(rate)
        if planned >= seconds:
            return
        yield planned


def resident_bytes(pid: int) -> int:
    """Of a process (Linux)."""
    import resource

    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write load.json and .md; 1 if a request failed, 2 if there is no server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--server", metavar="HOST:PORT", help="one that runs (default: an embedded one of its own)")
    parser.add_argument("--at", type=float, nargs="+", default=[50, 70], metavar="P", help="%% of capacity: 50 70")
    parser.add_argument("--minutes", type=float, default=5, metavar="M", help="of each load (default: 5)")
    parser.add_argument("--arrivals", choices=["poisson", "even"], default="poisson", help="default: poisson")
    add_results_option(parser, "seconds, at 64 and 128 px")
    args = parser.parse_args(argv)
    sizes = {64: 0.5, 128: 0.5} if args.quick else SIZES
    seconds, search = (2.0, 1.0) if args.quick else (60 * args.minutes, 30.0)
    with ExitStack() as stack:
        if args.server:
            address, pid = args.server, None
        else:
            address, pid = stack.enter_context(server_process(find_model(args.model)))
        photos = stack.enter_context(Photos(address, sizes))
        most = capacity(photos, search)
        loads = {
            percent: open_loop(photos, most * percent / 100, seconds, even=args.arrivals == "even", pid=pid)
            for percent in args.at
        }
    result = {
        "machine": machine("tensorflow", "grpcio"),
        "server": args.server or "embedded",
        "capacity": most,
        "arrivals": args.arrivals,
        "rows": [row for percent, load in loads.items() for row in rows(percent, load)],
        "memory": {f"{percent:g}": load.memory for percent, load in loads.items()},
        "errors": {f"{percent:g}": load.errors for percent, load in loads.items()},
    }
    save(args, "load", result, report(result, loads))
    return 1 if any(load.errors for load in loads.values()) else 0


def rows(percent: float, load: Load) -> list[dict[str, Any]]:
    """Percentiles of each size that was answered at all."""
    return [
        {"percent": percent, "size": size, "requests": len(found), **percentiles(found), "max": max(found)}
        for size, found in load.latencies.items()
        if found
    ]


def report(result: dict[str, Any], loads: dict[float, Load]) -> str:
    """A line for each load and size, and one about the memory of each load."""
    head = ["load", "pixels", "requests", "p50, s", "p95, s", "p99, s", "longest, s", "p99 / p50"]
    lines = [
        [f"{row['percent']:g} %", f"{row['size']} x {row['size']}", row["requests"]]
        + [f"{row[key]:.3f}" for key in ("p50", "p95", "p99", "max")]
        + [f"{row['p99'] / row['p50']:.1f}"]
        for row in result["rows"]
    ]
    notes = [f"Capacity: {result['capacity']:.2f} pictures a second. Arrivals: {result['arrivals']}.\n"]
    for percent, load in loads.items():
        note = f"At {percent:g} %: {len(load.errors)} requests failed"
        if load.memory:
            first, last = (load.memory[index][1] / 2**20 for index in (0, -1))
            note += f"; resident memory {first:.0f} MB at first, {last:.0f} at last"
        if load.memory_spread is not None:
            note += f", the most in the second half x{load.memory_spread:.3f} of the least"
        notes.append(f"{note}.\n")
    return table(head, lines) + "\n" + "\n".join(notes)


if __name__ == "__main__":
    sys.exit(main())
