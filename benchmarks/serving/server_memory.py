"""What a server of the model needs, for the resources of its container: memory, CPUs, seconds to start and for a photo.

    python -m benchmarks.serving.server_memory [MODEL] [--quick]

A server in a process of its own gets photos of each size, one after another and then four at once, through `encoded`,
and paints them as large as they are (`stroke="native"`). Memory is the resident memory of its process, with
TensorFlow's runtime and the Python around it: TensorFlow Serving has the former only.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.measuring import add_results_option, cpu_seconds, machine, model_name, one_sentence, save, table
from benchmarks.serving.style_server import server_process
from serving.client import StyleClient
from tfstyle.model_store.versions import find_model

SIZES = ((512, 512), (1280, 1280), (2560, 1920), (4096, 3072))  # the bot sends 1280 at most; the last is the model's
AT_ONCE = 4  # photos that a bot has painted at the same time
ROUNDS = 3
COLUMNS = {
    "seconds": "one at a time: s",
    "gb": "GB then",
    "seconds_at_once": f"{AT_ONCE} at once: s each",
    "cpu_seconds": "CPU s each",
    "peak_gb": "GB at most",
}


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write server_memory.json and .md; 2 if there is no model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    add_results_option(parser, "the smallest size, once")
    args = parser.parse_args(argv)
    model = find_model(args.model)
    measured = measure(model, SIZES[:1], rounds=1) if args.quick else measure(model)
    result = {"machine": machine("tensorflow", "grpcio"), "model": model_name(model), **measured}
    save(args, "server_memory", result, report(result))
    return 0


def measure(model: Path, sizes: Sequence[tuple[int, int]] = SIZES, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """Start a server and send it photos.

    Args:
        model: A version's folder.
        sizes: Width and height of the photos, smallest first: memory is not given back.
        rounds: Photos of each size one after another, and sets of four at once.

    Returns:
        `start_seconds` until it answers, `start_gb` before the first photo, and `photos`: for each size, `seconds` for
        one (median) and `gb` afterwards; `seconds_at_once` and `cpu_seconds` for each of four at the same time, and the
        `peak_gb` so far.
    """
    began = time.perf_counter()
    with (
        server_process(model) as (address, pid),
        StyleClient(address, timeout=600) as client,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        style = client.styles().names[0]
        result: dict[str, Any] = {
            "start_seconds": time.perf_counter() - began,
            "start_gb": _memory(pid, "VmRSS"),
            "photos": [],
        }
        for width, height in sizes:
            photo = _photo(width, height)

            def paint(_: object = None, photo: bytes = photo) -> float:
                began = time.perf_counter()
                client.stylize_encoded(photo, style, stroke="native")
                return time.perf_counter() - began

            paint()  # the first of a size allocates
            row = {"width": width, "height": height, "seconds": statistics.median(paint() for _ in range(rounds))}
            row["gb"] = _memory(pid, "VmRSS")
            began_at_once, worked = time.perf_counter(), cpu_seconds(pid)
            for _ in range(rounds):
                list(threads.map(paint, range(AT_ONCE)))
            row["seconds_at_once"] = (time.perf_counter() - began_at_once) / (rounds * AT_ONCE)
            row["cpu_seconds"] = (cpu_seconds(pid) - worked) / (rounds * AT_ONCE)
            row["peak_gb"] = _memory(pid, "VmHWM")
            result["photos"].append(row)
    return result


def _photo(width: int, height: int) -> bytes:
    """NASA's portrait of Eileen Collins, public domain, as JPEG."""
    from skimage.data import astronaut

    buffer = BytesIO()
    Image.fromarray(astronaut()).resize((width, height), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def _memory(pid: int, field: str) -> float:
    """`VmRSS`, resident now, or `VmHWM`, the most so far; in GB (10^9 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024 / 1e9


def report(result: dict[str, Any]) -> str:
    """A line for the start and one for each size."""
    rows = [[f"{row['width']} x {row['height']}", *(row[key] for key in COLUMNS)] for row in result["photos"]]
    head = ["photo", *COLUMNS.values()]
    start = f"Started after {result['start_seconds']:.1f} s with {result['start_gb']:.2f} GB, on "
    return f"{start}{result['machine']['cores']} cores.\n\n{table(head, rows)}"


if __name__ == "__main__":
    sys.exit(main())
