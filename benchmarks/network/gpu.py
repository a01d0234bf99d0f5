"""Pictures a second on a GPU, beside the fast-neural-style architecture in PyTorch, eager and compiled.

    python -m benchmarks.network.gpu [MODEL] [--backend jax] [--sizes 512x512 1024x1024 1920x1080] [--batches 1 8]
    python -m benchmarks.network.gpu --quick        tiny pictures, on a CPU too: shows that it works

Two processes take turns on the card: the model's own network, compiled by JAX or as TensorFlow's plain graph, and
PyTorch with the network that its users know, 32-64-128 channels, five residual blocks, 9x9 ends, one style. Pictures
go from uint8 arrays in the computer's memory to uint8 arrays there. --torch-python names an environment with PyTorch;
without, one is made under ~/.cache/tfstyle/rivals. --keras-python names one for ours: Keras and the backend are enough.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import rivals
from benchmarks.measuring import (
    MIN_TURNS,
    Worker,
    add_results_option,
    in_turns,
    medians,
    one_sentence,
    save,
    table,
)

OURS = "tfstyle"
TORCH = {"PyTorch eager": False, "PyTorch compiled": True}
WARM_UP = 3  # turns: compilation, tuning, first allocations


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write gpu.json and .md; 2 if a side cannot run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--backend", choices=("jax", "tensorflow"), default="jax", help="of Keras (default: jax)")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="default: float32")
    parser.add_argument("--sizes", type=pixels, nargs="+", default=[(512, 512), (1024, 1024), (1920, 1080)],
                        metavar="WxH", help="default: 512x512 1024x1024 1920x1080")  # fmt: skip
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8], metavar="N", help="default: 1 8")
    parser.add_argument("--turns", type=int, default=MIN_TURNS, metavar="N", help=f"timings of each ({MIN_TURNS})")
    parser.add_argument("--calls", type=int, default=10, metavar="N", help="calls a timing (default: 10)")
    parser.add_argument("--keras-python", default=sys.executable, metavar="FILE", help="default: this one")
    parser.add_argument("--torch-python", metavar="FILE", help="Python of an environment with PyTorch in it")
    add_results_option(parser, "one timing at 64 and 96 px")
    args = parser.parse_args(argv)
    if args.quick:
        args.sizes, args.batches, args.turns, args.calls = [(64, 64), (96, 64)], [1, 2], 1, 1
    elif args.turns < MIN_TURNS:
        parser.error(f"expected at least {MIN_TURNS} turns, got {args.turns}: fewer say little")
    result = measure(args)
    save(args, "gpu", result, report(result))
    return 0


def pixels(text: str) -> tuple[int, int]:
    """Width and height out of `1920x1080`."""
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"expected width x height such as 1920x1080, got {text!r}")
    return int(match[1]), int(match[2])


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Pictures a second by side, a row for every size and batch."""
    torch = rivals.command("torch", args.torch_python, args.precision)
    keras = [args.keras_python, "-m", "benchmarks.network.gpu_keras_worker", args.model or "", args.precision]
    # JAX would take three quarters of the card's memory for itself.
    settings = {
        "KERAS_BACKEND": args.backend,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")))),
    }
    with ExitStack() as stack:
        ours = stack.enter_context(Worker(OURS, keras, settings))
        theirs = stack.enter_context(Worker("PyTorch", torch))
        devices = {OURS: ours.ask(), "PyTorch": theirs.ask()}
        rows = []
        for width, height in args.sizes:
            for batch in args.batches:
                request = {"width": width, "height": height, "batch": batch, "calls": args.calls}
                sides = {
                    OURS: ours.timing(**request),
                    **{side: theirs.timing(**request, compiled=compiled) for side, compiled in TORCH.items()},
                }
                in_turns(sides, WARM_UP)
                seconds = in_turns(sides, args.turns)
                per_second = {side: batch / median for side, median in medians(seconds).items()}
                rows.append({"width": width, "height": height, "batch": batch, "per_second": per_second,
                             "seconds": seconds})  # fmt: skip
    return {
        "devices": devices,
        "backend": args.backend,
        "precision": args.precision,
        "turns": args.turns,
        "calls": args.calls,
        "rows": rows,
    }


def report(result: dict[str, Any]) -> str:
    """A line for every size and batch."""
    sides = (OURS, *TORCH)
    head = ["pixels", "batch", *(f"{side}, pictures a second" for side in sides), *(f"{OURS} / {s}" for s in TORCH)]
    rows = [
        [
            f"{row['width']} x {row['height']}",
            row["batch"],
            *(f"{row['per_second'][side]:.1f}" for side in sides),
            *(f"{row['per_second'][OURS] / row['per_second'][side]:.1f}" for side in TORCH),
        ]
        for row in result["rows"]
    ]
    devices = [f"{side}: {answer['version']} on {answer['device']}" for side, answer in result["devices"].items()]
    how = f"{result['precision']}, medians of {result['turns']} turns of {result['calls']} calls"
    return f"{'; '.join(devices)}. {how}.\n\n{table(head, rows)}"


if __name__ == "__main__":
    sys.exit(main())
