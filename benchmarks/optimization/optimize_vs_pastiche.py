"""Seconds an iteration, memory and loss of tfstyle's optimization beside the package pastiche on PyTorch.

    python -m venv rival && rival/bin/pip install pastiche torch==2.13.0 numpy
    python -m benchmarks.optimization.optimize_vs_pastiche --pastiche-python rival/bin/python [--sizes 256 512]

Both run in processes of their own and take turns of a few iterations, in changing order, so that a machine that gets
slower meanwhile harms both alike. Photo, style image, sizes, layers, the 8-bit VGG19 weights and the loss are the same:
content 1, style 8, relative to their targets, no total variation. Both use L-BFGS, and an iteration is one evaluation
of loss and gradient. Ours is the lowest loss so far, that of the picture it would give back; pastiche's is
that of its last evaluation. Sizes end at 512 px: beyond, tfstyle paints from coarse to fine and the two differ.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

CONTENT_WEIGHT, STYLE_WEIGHT = 1.0, 8.0
WARM_UP = 2  # iterations: compilation, first allocations


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pastiche-python", metavar="FILE", help="Python of an environment with pastiche in it")
    parser.add_argument("--style-image", type=Path, metavar="FILE", help="default: the coffee photo of scikit-image")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512], metavar="N", help="px (default: 256 512)")
    parser.add_argument("--turns", type=int, default=9, metavar="N", help="turns of each (default: 9)")
    parser.add_argument("--iterations", type=int, default=5, metavar="N", help="iterations a turn (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--worker", nargs=4, metavar=("PHOTO", "PAINTING", "SIZE", "ITERATIONS"), help="internal")
    args = parser.parse_args(argv)
    if args.worker:
        photo, style_image, size, iterations = args.worker
        return _worker(photo, style_image, int(size), int(iterations))
    if not args.pastiche_python:
        parser.error("expected --pastiche-python, the Python of an environment with pastiche in it")
    if max(args.sizes) > 512:
        parser.error("expected sizes up to 512 px: larger ones are painted from coarse to fine by one side only")
    results = [measure(args, size) for size in args.sizes]
    print(json.dumps(results, indent=2) if args.json else "\n".join(_report(result) for result in results))
    return 0


def measure(args: argparse.Namespace, size: int) -> dict[str, Any]:
    """Medians in seconds an iteration, the median ratio of pairs of turns, peaks in bytes and losses at the end."""
    total = WARM_UP + args.turns * args.iterations
    with tempfile.TemporaryDirectory() as folder:
        photo, style_image = _pictures(Path(folder), args.style_image, size)
        ours = [sys.executable, "-m", "benchmarks.optimization.optimize_vs_pastiche", "--worker", photo, style_image]
        theirs = [args.pastiche_python, str(Path(__file__).with_name("pastiche_worker.py")), photo, style_image]
        workers = {
            "tfstyle": _start([*ours, str(size), str(total)]),
            "pastiche": _start([*theirs, str(size), str(CONTENT_WEIGHT), str(STYLE_WEIGHT)]),
        }
        try:
            losses = {name: _ask(worker, WARM_UP)["losses"] for name, worker in workers.items()}
            answers: dict[str, list[dict[str, Any]]] = {name: [] for name in workers}
            for turn in range(args.turns):
                for name in sorted(workers, reverse=bool(turn % 2)):
                    answers[name].append(_ask(workers[name], args.iterations))
        finally:
            for worker in workers.values():
                worker.kill()
                worker.wait()
    for name, given in answers.items():
        losses[name] = losses[name] + [loss for answer in given for loss in answer["losses"]]
    seconds = {name: [a["seconds"] / args.iterations for a in given] for name, given in answers.items()}
    return {
        "size": size,
        "iterations": total,
        "seconds": {name: statistics.median(values) for name, values in seconds.items()},
        "ratio": statistics.median(a / b for a, b in zip(seconds["tfstyle"], seconds["pastiche"], strict=True)),
        "peak": {name: given[-1]["peak"] for name, given in answers.items()},
        "first_loss": {name: values[0] for name, values in losses.items()},
        "loss": {"tfstyle": min(losses["tfstyle"]), "pastiche": losses["pastiche"][-1]},
    }


def _worker(photo: str, style_image: str, size: int, iterations: int) -> int:
    """tfstyle's half: `optimize`, stopped in its reports for as long as it is not its turn."""
    from tfstyle.imaging.photo import read_photo
    from tfstyle.optimization.objective import ObjectiveWeights, StyleTarget
    from tfstyle.optimization.optimize import optimize

    losses: list[float] = []
    left, began = int(sys.stdin.readline()), time.perf_counter()

    def take_turns(picture, history) -> None:
        nonlocal left, began
        losses.append(history.rows[-1]["total"])
        left -= 1
        if left:
            return
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": time.perf_counter() - began, "losses": losses, "peak": peak}), flush=True)
        losses.clear()
        left, began = int(sys.stdin.readline() or 1), time.perf_counter()

    optimize(
        read_photo(photo),
        [StyleTarget(name="style", pixels=read_photo(style_image).pixels)],
        iterations=iterations,
        weights=ObjectiveWeights(content=CONTENT_WEIGHT, style=STYLE_WEIGHT, total_variation=0),
        report=take_turns,
    )
    return 0


def _pictures(folder: Path, style_image: Path | None, size: int) -> tuple[str, str]:
    """Photo and style image as square PNG files, so that neither side has anything to resize."""
    import skimage.data

    from tfstyle.imaging.photo import Photo, read_photo

    style = read_photo(style_image) if style_image else Photo(skimage.data.coffee())
    files = []
    for name, image in (("photo", Photo(skimage.data.astronaut())), ("style", style)):
        files.append(str(folder / f"{name}.png"))
        image.to_pil().resize((size, size), Image.Resampling.LANCZOS).save(files[-1])
    return files[0], files[1]


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(worker: subprocess.Popen[str], iterations: int) -> dict[str, Any]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{iterations}\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        raise SystemExit("optimize_vs_pastiche: a worker ended early; its message is above.")
    return json.loads(answer)


def _report(result: dict[str, Any]) -> str:
    lines = [f"{result['size']}x{result['size']} px, {result['iterations']} iterations of L-BFGS"]
    for name in ("tfstyle", "pastiche"):
        lines.append(
            f"  {name:<9} {result['seconds'][name]:7.3f} s/iteration   peak {result['peak'][name] / 1e9:5.2f} GB   "
            f"loss {result['first_loss'][name]:.3f} -> {result['loss'][name]:.4f}"
        )
    lines.append(f"  ratio of seconds, median of pairs: {result['ratio']:.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
