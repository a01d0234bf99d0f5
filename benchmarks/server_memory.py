"""What a server of the model needs, for the resources of its container: seconds to start, memory, seconds a photo.

    python -m benchmarks.server_memory [MODEL] [--quick] [--json]

A server in a process of its own gets photos of each size, one after another and then four at once, through `encoded`.
Memory is the resident memory of its process, with TensorFlow's runtime and the Python around it: TensorFlow Serving has
the former only.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from serving.client import StyleClient
from tfstyle.errors import ModelError, StyleTransferError
from tfstyle.models import find_model

SIZES = ((512, 512), (1280, 960), (2560, 1920), (4096, 3072))  # the bot's own is 1280; the last is the model's largest
AT_ONCE = 4  # photos that a bot has painted at the same time


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 2 if there is no model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--quick", action="store_true", help="the two smallest sizes, to see that it works")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    try:
        result = measure(find_model(args.model), SIZES[:2] if args.quick else SIZES)
    except StyleTransferError as error:
        print(f"server_memory: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2) if args.json else _report(result))
    return 0


def measure(model: Path, sizes: Sequence[tuple[int, int]] = SIZES, *, rounds: int = 3) -> dict[str, Any]:
    """Start a server and send it photos.

    Args:
        model: A version's folder.
        sizes: Width and height of the photos, smallest first: memory is not given back.
        rounds: Photos of each size one after another, and sets of four at once.

    Returns:
        `start_seconds` until it answers, `start_mb` before the first photo, and `photos`: for each size, `seconds` for
        one (median) and `mb` afterwards, `seconds_at_once` for each of four at the same time and the `peak_mb` so far.
    """
    began = time.perf_counter()
    with (
        _server(model) as (process, address),
        StyleClient(address, timeout=600) as client,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        style = client.styles().names[0]
        result: dict[str, Any] = {
            "cpus": len(os.sched_getaffinity(0)),
            "start_seconds": time.perf_counter() - began,
            "start_mb": _memory(process, "VmRSS"),
            "photos": [],
        }
        for width, height in sizes:
            photo = _photo(width, height)

            def paint(_: object = None, photo: bytes = photo) -> float:
                began = time.perf_counter()
                client.stylize_encoded(photo, style)
                return time.perf_counter() - began

            paint()  # the first of a size allocates
            row = {"width": width, "height": height, "seconds": statistics.median(paint() for _ in range(rounds))}
            row["mb"] = _memory(process, "VmRSS")
            began_at_once = time.perf_counter()
            for _ in range(rounds):
                list(threads.map(paint, range(AT_ONCE)))
            row["seconds_at_once"] = (time.perf_counter() - began_at_once) / (rounds * AT_ONCE)
            row["peak_mb"] = _memory(process, "VmHWM")
            result["photos"].append(row)
    return result


def _photo(width: int, height: int) -> bytes:
    """NASA's portrait of Eileen Collins, public domain, as JPEG."""
    from skimage.data import astronaut

    buffer = BytesIO()
    Image.fromarray(astronaut()).resize((width, height), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@contextmanager
def _server(model: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, "-m", "serving.server", "--model_name=tfstyle", f"--model_base_path={model.parent}"]
    command += ["--host=127.0.0.1", "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        if not ready:
            raise ModelError(f"The server of {model} did not start; its message is above.")
        yield process, f"127.0.0.1:{int(ready.rsplit(':', 1)[1])}"
    finally:
        process.terminate()
        process.wait()


def _memory(process: "subprocess.Popen[str]", field: str) -> float:
    """`VmRSS`, resident now, or `VmHWM`, the most so far; in MB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def _report(result: dict[str, Any]) -> str:
    head = f"start: {result['start_seconds']:.1f} s, {result['start_mb']:.0f} MB; {result['cpus']} CPUs"
    rows = [
        f"{row['width']}x{row['height']:<6} {row['seconds']:8.2f} s  {row['mb']:6.0f} MB  "
        f"{row['seconds_at_once']:14.2f} s  {row['peak_mb']:6.0f} MB"
        for row in result["photos"]
    ]
    return "\n".join([head, f"{'photo':<11} one at a time: memory   {AT_ONCE} at once: each   peak", *rows])


if __name__ == "__main__":
    sys.exit(main())
