"""What only shows after a while: `make soak`, or `python -m tests.serving.soak [--quick] [MODEL]`.

Each part starts a server of the model as a process of its own and says what it found; a promise that does not hold ends
the run with exit code 1.

    memory    requests of mixed sizes: resident memory after all of them, over that after half of them
    swap      eight clients without a pause while new versions come, one of them broken: no call fails
    sigterm   eight clients without a pause while the server is asked to stop: what it accepted, it answers
    sigkill   eight clients while the server is killed and started again: with second tries, no call fails
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tests.serving.conftest import free_port
from tests.serving.load import Load, requests_answered, resident_memory, server_process
from tfstyle.models import find_model

CLIENTS = 8
MOST_GROWTH = 1.03
RETRY_SECONDS = 90.0  # a client's deadline; a server starts within 30 s


def main() -> int:
    """Run the parts that were asked for; 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--parts", default=",".join(PARTS), help="which, by commas (default: all)")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the requests, to see that it works")
    args = parser.parse_args()
    model = find_model(args.model)
    failed = 0
    for name in args.parts.split(","):
        began = time.perf_counter()
        try:
            found = PARTS[name](model, 20 if args.quick else 1)
        except AssertionError as error:
            failed, found = 1, f"FAILED: {error}"
        print(f"{name:<8} {found} ({time.perf_counter() - began:.0f} s)", flush=True)
    return failed


def memory(model: Path, share: int) -> str:
    """Resident memory does not grow from request to request."""
    count = 1000 // share
    rng = random.Random(0)
    with served(model) as (_, process, address), grpc.insecure_channel(address, OPTIONS) as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        resident = []
        for number in range(1, count + 1):
            predict(request(rng.randrange(64, 1025), rng.randrange(64, 1025)), timeout=120)
            if number % (count // 2) == 0:
                resident.append(resident_memory(process))
    growth = resident[1] / resident[0]
    found = f"{count} requests: {resident[0]:.0f} MB after half of them, {resident[1]:.0f} MB after all, x{growth:.3f}"
    assert growth <= MOST_GROWTH, found
    return found


def swap(model: Path, share: int) -> str:
    """New versions fail no call."""
    each = 400 // share
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


def sigterm(model: Path, share: int) -> str:
    """What was accepted is answered."""
    answered = 0
    for _ in range(max(1, 10 // share)):
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


def sigkill(model: Path, share: int) -> str:
    """Second tries hide a restart."""
    each = 100 // share
    port = free_port()
    with served(model, f"--port={port}") as (_, process, address):
        load = Load(address, small_request, clients=CLIENTS, stop_at_error=False, retry_seconds=RETRY_SECONDS)
        load.wait(lambda: load.answers > each, seconds=600)
        process.kill()
        process.wait()
        killed = time.monotonic()
        with served(model, f"--port={port}"):
            restarted = time.monotonic() - killed
            load.wait(lambda before=load.answers: load.answers > before + each, seconds=600)
            load.stop()
    found = (
        f"{load.answers} calls, {load.retries} second tries, {len(load.errors)} failed; back after {restarted:.0f} s"
    )
    assert load.retries, found
    assert not load.errors, f"{found}: {load.errors[0]}"
    return found


PARTS: dict[str, Callable[[Path, int], str]] = {
    "memory": memory, "swap": swap, "sigterm": sigterm, "sigkill": sigkill,
}  # fmt: skip
OPTIONS = [("grpc.max_receive_message_length", -1)]


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
