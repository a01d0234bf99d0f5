"""What only shows after a while: `make soak`, or `python -m tests.serving.soak [--minutes 60] [--quick] [MODEL]`.

Each part starts a server of the model as a process of its own and says what it found; a promise that does not hold ends
the run with exit code 1. The first two take most of the time, and send photos of mixed sizes at even intervals.

    half      at 50 % of capacity, 27 of 60 minutes: of each size p99 < 4 x p50, resident memory stays within 3 % over
              the second half
    busy      at 70 % of capacity, 18 of 60 minutes, with four new versions on the way: each comes to answer, no call
              fails, and from when a version is there until it answers p99 is at most 3 x what it was before the first
    swap      eight clients without a pause while new versions come, one of them broken: no call fails
    sigterm   eight clients without a pause while the server is asked to stop: what it accepted, it answers
    sigkill   eight clients while the server is killed and started again: with second tries, no call fails, and eight
              are answered within 10 s of the port being open
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import zip_longest
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2

from benchmarks.measuring import percentiles
from benchmarks.serving.load import Load as Measured
from benchmarks.serving.load import Photos, capacity, open_loop
from testing.load import Load, requests_answered, server_process
from tests.serving.conftest import free_port
from tfstyle.model_store.versions import find_model

CLIENTS = 8
FEWEST = 50  # requests, for their p99 to mean anything
MOST_MEMORY_SPREAD = 1.03
MOST_SPREAD = 4.0
MOST_SLOWER = 3.0  # while a version is swapped in
MOST_RECOVERY = 10.0  # seconds
VERSIONS = 5  # that serve one after the other while it is busy
SHORTEST = 10  # minutes, for a version to answer before the next comes
RETRY_SECONDS = 90.0  # a client's deadline; a server starts within 30 s


def main() -> int:
    """Run the parts that were asked for; 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--parts", default=",".join(PARTS), help="which, by commas (default: all)")
    parser.add_argument("--minutes", type=float, default=60, metavar="M", help="in all, or so (default: 60)")
    parser.add_argument("--quick", action="store_true", help="one minute, to see that it works")
    args = parser.parse_args()
    model = find_model(args.model)
    failed = 0
    for name in args.parts.split(","):
        began = time.perf_counter()
        try:
            found = PARTS[name](model, 1 if args.quick else args.minutes)
        except AssertionError as error:
            failed, found = 1, f"FAILED: {error}"
        print(f"{name:<8} {found} ({time.perf_counter() - began:.0f} s)", flush=True)
    return failed


def half(model: Path, minutes: float) -> str:
    """Latencies stay together, and memory stays where it is."""
    with served(model) as (_, process, address), Photos(address) as photos:
        most = capacity(photos, _search_seconds(minutes))
        load = open_loop(photos, most / 2, 60 * minutes * 0.45, even=True, pid=process.pid)
    found = f"capacity {most:.2f}/s; p99 / p50 {_listed(load)}; memory {_memory(load)}; {len(load.errors)} failed"
    assert not load.errors, f"{found}: {load.errors[0]}"
    assert load.memory_spread is not None, found
    assert load.memory_spread <= MOST_MEMORY_SPREAD, found
    if min(map(len, load.latencies.values())) < FEWEST:
        return f"{found} (p99 of fewer than {FEWEST} of a size is held against nothing)"
    assert max(map(load.spread, load.latencies)) < MOST_SPREAD, found
    return found


def busy(model: Path, minutes: float) -> str:
    """There is room for more than half of what is possible, also while versions change."""
    seconds = 60 * minutes * 0.3
    arrived: list[float] = []  # when each version after the first was there, in seconds since the start
    answered: list[float] = []  # when its first answer was seen
    with served(model) as (folder, process, address), Photos(address) as photos:
        most = capacity(photos, _search_seconds(minutes))

        def roll_in(elapsed: float) -> None:
            newest = 1 + len(arrived)
            if len(answered) < len(arrived):
                if photos.version == newest:
                    answered.append(elapsed)
            elif elapsed > newest * seconds / VERSIONS:
                arrived.append(elapsed)
                # In a thread of its own: photos come meanwhile.
                threading.Thread(target=add_version, args=(folder, model, newest + 1)).start()

        load = open_loop(photos, 0.7 * most, seconds, even=True, pid=process.pid, meanwhile=roll_in)
    swaps = load.within(list(zip_longest(arrived, answered, fillvalue=seconds)))
    before = load.within([(0, arrived[0])])  # later there are photos that waited because of a swap
    found = (
        f"{sum(map(len, load.latencies.values()))} painted, {len(before)} of them before and {len(swaps)} while "
        f"{len(arrived)} versions came, of which {len(answered)} answered; {len(load.errors)} failed; p99 / p50 "
        f"{_listed(load)}; memory {_memory(load)}"
    )
    assert not load.errors, f"{found}: {load.errors[0]}"
    slower = percentiles(swaps)["p99"] / percentiles(before)["p99"]
    found += f"; p99 while versions came x{slower:.2f} of what it was before"
    if minutes < SHORTEST:
        return f"{found} (held against nothing in less than {SHORTEST} minutes)"
    assert len(answered) == VERSIONS - 1, found
    assert min(len(swaps), len(before)) >= FEWEST, found
    assert slower <= MOST_SLOWER, found
    return found


def _search_seconds(minutes: float) -> float:
    return min(20, 4 * minutes)


def _listed(load: Measured) -> str:
    return ", ".join(f"{load.spread(size):.1f} at {size} px" for size in load.latencies)


def _memory(load: Measured) -> str:
    return "not watched long enough" if load.memory_spread is None else f"x{load.memory_spread:.3f}"


def swap(model: Path, minutes: float) -> str:
    """New versions fail no call."""
    each = some(400, minutes)
    with served(model) as (folder, _, address):
        load = Load(address, small_request, clients=CLIENTS, stop_at_error=False)
        load.wait(lambda: load.versions[1] > each, seconds=600)
        add_version(folder, model, 2)
        load.wait(lambda: load.versions[2] > each, seconds=600)
        (folder / "tfstyle" / "3").mkdir()
        add_version(folder, model, 4)
        load.wait(lambda: load.versions[4] > each, seconds=600)
        load.stop()
    found = f"{load.answers} calls by version {dict(load.versions)}, {len(load.errors)} failed"
    assert not load.errors, f"{found}: {load.errors[0]}"
    return found


def sigterm(model: Path, minutes: float) -> str:
    """What was accepted is answered."""
    answered = 0
    for _ in range(some(10, minutes)):
        with served(model) as (_, process, address):
            load = Load(address, small_request, clients=CLIENTS, stop_at_error=True)
            load.wait(lambda load=load: load.answers > 50, seconds=600)
            os.kill(process.pid, signal.SIGTERM)
            load.join()
            accepted = requests_answered(process)
            assert accepted == load.answers, f"{accepted} accepted, {load.answers} answered"
            assert {code for code, _ in load.errors} == {grpc.StatusCode.UNAVAILABLE}, load.errors
            answered += accepted
    return f"{answered} requests accepted, all of them answered"


def sigkill(model: Path, minutes: float) -> str:
    """Second tries hide a restart."""
    each = some(100, minutes)
    port = free_port()
    with served(model, f"--port={port}") as (_, process, address):
        load = Load(address, small_request, clients=CLIENTS, stop_at_error=False, retry_seconds=RETRY_SECONDS)
        load.wait(lambda: load.answers > each, seconds=600)
        process.kill()
        process.wait()
        killed = time.monotonic()
        with served(model, f"--port={port}"):
            restarted = time.monotonic() - killed
            load.wait(lambda before=load.answers: load.answers >= before + CLIENTS, seconds=600)
            served_again = time.monotonic() - killed - restarted
            load.wait(lambda before=load.answers: load.answers > before + each, seconds=600)
            load.stop()
    found = (
        f"{load.answers} calls, {load.retries} second tries, {len(load.errors)} failed; open again after "
        f"{restarted:.0f} s, {CLIENTS} answered {served_again:.1f} s later"
    )
    assert load.retries, found
    assert served_again < MOST_RECOVERY, found
    assert not load.errors, f"{found}: {load.errors[0]}"
    return found


def some(count: int, minutes: float) -> int:
    """So many in an hour, and a share of them in less."""
    return max(1, round(count * minutes / 60))


PARTS: dict[str, Callable[[Path, float], str]] = {
    "half": half, "busy": busy, "swap": swap, "sigterm": sigterm, "sigkill": sigkill,
}  # fmt: skip


@contextmanager
def served(model: Path, port: str = "--port=0") -> Iterator[tuple[Path, subprocess.Popen[str], str]]:
    """A server of a copy of the model as version 1 of `tfstyle`: its folder of models, its process, its address."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        add_version(folder, model, 1)
        with server_process(f"--models_dir={folder}", port) as (process, address):
            yield folder, process, address


def add_version(folder: Path, model: Path, version: int) -> None:
    hidden = shutil.copytree(model, folder / "tfstyle" / f".{version}")
    hidden.rename(folder / "tfstyle" / str(version))


def small_request() -> predict_pb2.PredictRequest:
    return request(96, 64)


def request(height: int, width: int) -> predict_pb2.PredictRequest:
    """A JPEG of noise that is smooth enough to be a photo, to be painted in the first style."""
    coarse = np.random.default_rng(height * width).integers(0, 256, (8, 8, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(buffer, "jpeg")
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "tfstyle"
    message.model_spec.signature_name = "encoded"
    inputs = {
        "image_bytes": [buffer.getvalue()],
        "region_weights": np.ones((1, 1, 1), np.float32),
        "region_masks": [[b""]],
        "strength": np.ones(1, np.float32),
        "preserve_color": [False],
        "format": ["jpeg"],
    }
    for name, value in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return message


if __name__ == "__main__":
    sys.exit(main())
