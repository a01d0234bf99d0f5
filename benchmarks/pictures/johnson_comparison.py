"""When does optimization reach our network's loss, and how many times slower is it? After Johnson et al., section 4.1.

    python -m benchmarks.pictures.johnson_comparison --style-images DIR [--quick] [--iterations 500] [--photos FILE ...]

Four photos and the model's first four styles at 256 px. The loss is content + 2 * style, relative to its targets, with
the style image at a short side of 384 px, as the network saw it. Optimization starts from the photo and minimizes just
that by L-BFGS, at the photo's size from the first iteration on; its loss after N iterations is the lowest so far.

One pair is timed at 256, 512 and 1024 px: an iteration and a call of the network take turns, so that a machine that
gets slower meanwhile harms both alike. What more iterations would take is extrapolated from that.

What optimization reached is kept in --work pair by pair, so a run that was stopped loses one pair at most. It holds
for any model: only the network's own loss is computed anew in each run, and its times for each new model.
"""

import argparse
import json
import os
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.measuring import one_sentence
from tfstyle.imaging.photo import read_photo
from tfstyle.imaging.style_images import find_style_images
from tfstyle.model_store.versions import find_model

if TYPE_CHECKING:
    from tfstyle.optimization.objective import Objective

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")  # of scikit-image
STYLE_WEIGHT = 2.0
STYLE_IMAGE_SIZE = 384
CHECKPOINTS = (50, 100, 200, 500)
WARM_UP = 2  # iterations and calls before the clock starts: compilation, first allocations
QUICK = {"photos": PHOTOS[:2], "size": 64, "iterations": 10, "timed": [64, 96], "timed_iterations": 3}


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is missing, print the report and write it; 2 if a style image or the model is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--style-images", type=Path, required=True, metavar="DIR", help="folder with the style images")
    parser.add_argument("--photos", nargs="+", default=PHOTOS, metavar="FILE", help="default: four of scikit-image")
    parser.add_argument("--styles", nargs="+", metavar="NAME", help="default: the model's first four")
    parser.add_argument("--model", metavar="PATH", help="default: the newest tfstyle")
    parser.add_argument("--iterations", type=int, default=500, metavar="N", help="of each pair (default: 500)")
    parser.add_argument("--size", type=int, default=256, metavar="N", help="longer side, px (default: 256)")
    parser.add_argument("--timed", nargs="*", type=int, default=[256, 512, 1024], metavar="N", help="px")
    parser.add_argument("--timed-iterations", type=int, default=50, metavar="N", help="default: 50")
    parser.add_argument("--work", type=Path, default=Path("runs/johnson"), metavar="DIR", help="default: runs/johnson")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the report there")
    parser.add_argument(
        "--quick", action="store_true", help="two photos, one style, small and short: see that it works"
    )
    args = parser.parse_args(argv)
    if args.quick:
        vars(args).update(QUICK)
    comparison = Comparison(args)
    styles = comparison.styles[:1] if args.quick else comparison.styles
    pairs = [comparison.pair(photo, style) for photo in args.photos for style in styles]
    times = [comparison.times(args.photos[0], styles[0], size) for size in args.timed]
    report = "\n".join(_report(pairs, times, args)) + "\n"
    print(report, end="")
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(report)
    return 0


@dataclass(frozen=True)
class Pair:
    """The losses of one photo in one style."""

    photo: str
    style: str
    network: float
    totals: list[float]  # of optimization, one an iteration

    @property
    def lowest(self) -> np.ndarray:
        """The lowest loss until each iteration: that of the picture it would give back."""
        return np.minimum.accumulate(self.totals)

    @property
    def reached(self) -> int | None:
        """The first iteration that is as good as the network; None if none is."""
        below = np.flatnonzero(self.lowest <= self.network)
        return int(below[0]) + 1 if below.size else None


@dataclass(frozen=True)
class Times:
    """Seconds of the network and of an iteration at one size, in turns."""

    size: int
    network: list[float]
    iteration: list[float]

    @property
    def ratio(self) -> float:
        """How many calls of the network an iteration takes, median of pairs."""
        return statistics.median(i / n for i, n in zip(self.iteration, self.network, strict=True))


class Comparison:
    """Losses and times, from what is kept or measured now."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.model = find_model(args.model)
        self.styles = tuple(args.styles or self._names[:4])
        self.style_images = find_style_images(args.style_images, self.styles)

    def pair(self, photo: str, style: str) -> Pair:
        """The network's loss now, and that of optimization at every iteration."""
        task = self._task(photo, style)
        painted = self._paint(task).astype(np.float32)
        network = task.objective(painted, painted)[0]
        totals = self._kept(self._name(task), lambda: task.optimize(self.args.iterations))
        return Pair(task.photo_name, style, network, totals)

    def knows(self, photo: str, style: str) -> bool:
        """Whether what optimization reached is kept, so that `pair` takes moments."""
        return self._path(self._name(self._task(photo, style))).exists()

    def times(self, photo: str, style: str, size: int) -> Times:
        """An iteration and a call of the network, one after the other, `--timed-iterations` times."""
        task = _Task(photo, size, style, self.style_images[style])

        def measure() -> dict[str, list[float]]:
            network: list[float] = []
            iteration: list[float] = []
            for _ in range(WARM_UP):
                self._paint(task)
            began = time.perf_counter()

            def take_turns() -> None:
                nonlocal began
                ended = time.perf_counter()
                iteration.append(ended - began)
                self._paint(task)
                began = time.perf_counter()
                network.append(began - ended)

            task.optimize(WARM_UP + self.args.timed_iterations, take_turns)
            return {"network": network[WARM_UP:], "iteration": iteration[WARM_UP:]}

        weights = (self.model / "variables" / "variables.data-00000-of-00001").read_bytes()
        name = f"{task.name}.{self.args.timed_iterations}.times.{zlib.crc32(weights):08x}"
        return Times(size, **self._kept(name, measure))

    def _task(self, photo: str, style: str) -> "_Task":
        return _Task(photo, self.args.size, style, self.style_images[style])

    def _name(self, task: "_Task") -> str:
        return f"{task.name}.{self.args.iterations}"

    def _path(self, name: str) -> Path:
        return self.args.work / f"{name}.json"

    def _paint(self, task: "_Task") -> np.ndarray:
        """The bare network: pixels in, pixels out."""
        weights = np.array([[name == task.style for name in self._names]], np.float32)
        inputs = {"image": task.photo[None], "style_weights": weights}
        return self._predictor.predict("serving_default", inputs)["stylized"][0]

    @cached_property
    def _names(self) -> tuple[str, ...]:
        from tfstyle.stylize.stylizer import Stylizer

        return Stylizer(self._predictor).styles().names

    @cached_property
    def _predictor(self):
        from tfstyle.engines.saved_model import SavedModelEngine

        return SavedModelEngine(self.model)

    def _kept(self, name: str, measure: Callable[[], Any]) -> Any:
        """What an earlier run measured under this name, or what `measure` gives now."""
        path = self._path(name)
        if not path.exists():
            began = time.monotonic()
            result = json.dumps(measure())
            self.args.work.mkdir(parents=True, exist_ok=True)
            half = path.with_suffix(".part")
            half.write_text(result)
            half.replace(path)  # complete or not there
            print(f"{time.monotonic() - began:7.0f} s  {name}", file=sys.stderr, flush=True)
        return json.loads(path.read_text())


class _Task:
    """One photo at one size, and the style image whose style it is to take."""

    def __init__(self, photo: str, size: int, style: str, style_image: Path):
        from tfstyle.evaluation.distances import resize_short_side

        self.photo_name, self.style = Path(photo).stem, style
        self.photo = _photo(photo, size)
        self.file = resize_short_side(read_photo(style_image).pixels, STYLE_IMAGE_SIZE)
        pictures = zlib.crc32(self.photo.tobytes() + self.file.tobytes())
        self.name = f"{self.photo_name}.{style}.{size}px.{pictures:08x}"

    @cached_property
    def objective(self) -> "Objective":
        """The loss of both, content + 2 * style."""
        from tfstyle.optimization.objective import Objective, ObjectiveWeights, StyleTarget

        image = StyleTarget(name=self.style, pixels=self.file)
        weights = ObjectiveWeights(content=1, style=STYLE_WEIGHT, total_variation=0)
        return Objective(self.photo.astype(np.float32), [image], weights)

    def optimize(self, iterations: int, report: Callable[[], None] = lambda: None) -> list[float]:
        """The loss of every iteration; `report` is called after each."""
        from tfstyle.optimization.optimizers import lbfgs

        totals: list[float] = []

        def keep(picture, total, terms) -> None:
            totals.append(total)
            report()

        lbfgs(self.objective, self.photo.astype(np.float32), iterations, keep)
        return totals


def _photo(name: str, size: int) -> np.ndarray:
    """The photo with its longer side at `size` px, enlarged if it has less."""
    if name in PHOTOS:
        import skimage.data

        pixels = getattr(skimage.data, name)()
    else:
        pixels = read_photo(name).pixels
    height, width = (round(side * size / max(pixels.shape)) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def _report(pairs: list[Pair], times: list[Times], args: argparse.Namespace) -> Iterator[str]:
    counts = [count for count in CHECKPOINTS if count <= args.iterations] or [args.iterations]
    ratio = next((t.ratio for t in times if t.size == args.size), None)
    yield f"# Optimization beside the network, on {os.cpu_count()} CPU cores\n"
    yield f"Loss at {args.size} px, content + {STYLE_WEIGHT:g} * style, relative to its targets: the network's, and the"
    yield "lowest of optimization until then. Reached: the first iteration that is as good as the network."
    if ratio:
        yield f"Times slower: what optimization takes until then, at {ratio:.1f} calls of the network an iteration."
    yield ""
    yield from _table(
        ["photo", "style", "network", *(f"after {count}" for count in counts), "reached", "times slower"],
        [
            [
                pair.photo,
                pair.style,
                f"{pair.network:.3f}",
                *(f"{pair.lowest[min(count, len(pair.totals)) - 1]:.3f}" for count in counts),
                str(pair.reached or f"not in {args.iterations}"),
                f"{pair.reached * ratio:.0f}" if pair.reached and ratio else "-",
            ]
            for pair in pairs
        ],
    )
    if not times:
        return
    yield ""
    yield f"Time of {pairs[0].photo} in the style {pairs[0].style}: a call of the network, an iteration (medians), how"
    yield "many calls an iteration takes, and how many times slower so many iterations are. At each size"
    yield f"{args.timed_iterations} iterations were timed; more are extrapolated from them.\n"
    yield from _table(
        ["size", "network", "an iteration", "ratio", *(f"{count} iterations" for count in counts)],
        [
            [
                f"{t.size} px",
                f"{statistics.median(t.network):.3f} s",
                f"{statistics.median(t.iteration):.3f} s",
                f"{t.ratio:.1f}",
                *(f"{count * statistics.median(t.iteration):.0f} s, {count * t.ratio:.0f} x" for count in counts),
            ]
            for t in times
        ],
    )


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    sys.exit(main())
