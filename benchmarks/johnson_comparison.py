"""When does optimization reach our network's loss, and how many times slower is it? After Johnson et al., section 4.1.

    python -m benchmarks.johnson_comparison --paintings DIR [--iterations 500] [--photos FILE ...] [--styles NAME ...]

Four photos and the model's first four styles at 256 px. The loss is content + 2 * style, relative to its targets, with
the painting at a short side of 384 px, as the network saw it. Optimization starts from the photo and minimizes just
that by L-BFGS; its loss after N iterations is the lowest so far. One pair is also timed at 512 and 1024 px over fewer
iterations, and the time of all is extrapolated from them. Every pair is kept in --work as soon as it is measured, so a
run that was stopped goes on where it was.
"""

import argparse
import json
import statistics
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfstyle.errors import StyleTransferError
from tfstyle.images import Photo, read_photo
from tfstyle.models import find_model

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")  # of scikit-image
STYLE_WEIGHT = 2.0
PAINTING_SIZE = 384
CHECKPOINTS = (50, 100, 200, 500)
NETWORK_CALLS = 9


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is missing and print; 2 if a painting or the model is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True, metavar="DIR", help="folder with the paintings")
    parser.add_argument("--photos", nargs="+", default=PHOTOS, metavar="FILE", help="default: four of scikit-image")
    parser.add_argument("--styles", nargs="+", metavar="NAME", help="default: the model's first four")
    parser.add_argument("--model", metavar="PATH", help="default: the newest tfstyle")
    parser.add_argument("--iterations", type=int, default=500, metavar="N", help="of each pair (default: 500)")
    parser.add_argument("--size", type=int, default=256, metavar="N", help="longer side, px (default: 256)")
    parser.add_argument("--timed", nargs="*", type=int, default=[512, 1024], metavar="N", help="default: 512 1024")
    parser.add_argument("--timed-iterations", type=int, default=50, metavar="N", help="default: 50")
    parser.add_argument("--work", type=Path, default=Path("runs/johnson"), metavar="DIR", help="default: runs/johnson")
    args = parser.parse_args(argv)
    try:
        comparison = Comparison(args)
        pairs = [(photo, style) for photo in args.photos for style in comparison.styles]
        rows = [comparison.measure(photo, style, args.size, args.iterations) for photo, style in pairs]
        timed = [comparison.measure(*pairs[0], size, args.timed_iterations) for size in args.timed]
    except StyleTransferError as error:
        print(f"johnson_comparison: {error}", file=sys.stderr)
        return 2
    print(_report(rows, timed, args))
    return 0


class Comparison:
    """The network, and what was measured of it and of optimization."""

    def __init__(self, args: argparse.Namespace):
        from tfstyle.models import find_model
        from tfstyle.painter import Painter
        from tfstyle.paintings import find_paintings

        self.args = args
        self.painter = Painter(model=args.model)
        self.styles = tuple(args.styles or self.painter.styles().names[:4])
        self.paintings = find_paintings(args.paintings, self.styles)
        args.work.mkdir(parents=True, exist_ok=True)
        weights = find_model(args.model) / "variables" / "variables.data-00000-of-00001"
        self.model = f"{zlib.crc32(weights.read_bytes()):08x}"  # what was cached for another model is not this one's

    def measure(self, photo: str, style: str, size: int, iterations: int) -> dict[str, Any]:
        """One pair: totals of the network and after each iteration, and seconds."""
        path = self.args.work / f"{Path(photo).stem}.{style}.{size}px.{iterations}.{self.model}.json"
        if not path.exists():
            result = self._measure(_photo(photo).resize_to(size), style, iterations)
            path.write_text(json.dumps({"photo": Path(photo).stem, "style": style, "size": size, **result}))
            print(f"measured {path.stem}", file=sys.stderr, flush=True)
        return json.loads(path.read_text())

    def _measure(self, photo: Photo, style: str, iterations: int) -> dict[str, Any]:
        from tfstyle.evaluate import resize_short_side
        from tfstyle.objective import Objective, StyleImage, Weights
        from tfstyle.optimize import optimize, sizes

        painting = resize_short_side(read_photo(self.paintings[style]).pixels, PAINTING_SIZE)
        image = StyleImage(name=style, painting=painting)
        weights = Weights(content=1, style=STYLE_WEIGHT, total_variation=0)
        painted = self.painter.stylize(photo, style).pixels.astype(np.float32)
        network_total = Objective(photo.pixels.astype(np.float32), [image], weights)(painted, painted)[0]
        levels = len(sizes(photo.height, photo.width))  # of which the last one counts
        result = optimize(photo, [image], weights=weights, painting_size=PAINTING_SIZE, iterations=iterations * levels)
        rows = result.history.rows[iterations * (levels - 1) :]
        times = [float(row["seconds"]) for row in rows]
        return {
            "network_total": network_total,
            "network_seconds": self._seconds(photo, style),
            "totals": [float(row["total"]) for row in rows],
            "seconds": statistics.median(np.diff(times).tolist()),
        }

    def _seconds(self, photo: Photo, style: str) -> float:
        """Median of calls of the bare model: pixels in, pixels out."""
        import tensorflow as tf

        signature = tf.saved_model.load(str(find_model(self.args.model))).signatures["serving_default"]
        names = self.painter.styles().names
        inputs = {
            "image": tf.constant(photo.pixels[None]),
            "style_weights": tf.constant([[float(name == style) for name in names]]),
        }
        times = []
        for _ in range(NETWORK_CALLS + 2):
            began = time.perf_counter()
            signature(**inputs)["stylized"].numpy()
            times.append(time.perf_counter() - began)
        return statistics.median(times[2:])


def _photo(name: str) -> Photo:
    if name in PHOTOS:
        import skimage.data

        return Photo(getattr(skimage.data, name)(), name=name)
    return read_photo(name)


def _report(rows: list[dict[str, Any]], timed: list[dict[str, Any]], args: argparse.Namespace) -> str:
    counts = [count for count in CHECKPOINTS if count <= args.iterations] or [args.iterations]
    head = " ".join(f"{f'after {count}':>9}" for count in counts)
    lines = [f"loss, {args.size} px               network {head}   reached at   times slower by then"]
    for row in rows:
        best = np.minimum.accumulate(row["totals"])
        losses = " ".join(f"{best[min(count, len(best)) - 1]:9.3f}" for count in counts)
        reached = next((n for n, loss in enumerate(best, 1) if loss <= row["network_total"]), None)
        slower = f"{reached * row['seconds'] / row['network_seconds']:.0f}" if reached else "-"
        name = f"{row['photo']}, {row['style']}"
        lines.append(f"{name:<31} {row['network_total']:7.3f} {losses}   {reached or 'not':>10}   {slower:>8}")
    lines.append("")
    lines.append("time                   network   an iteration   " + "   ".join(f"{count:>4} its" for count in counts))
    for row in [*rows[:1], *timed]:
        times = "   ".join(f"{count * row['seconds']:6.0f} s" for count in counts)
        lines.append(
            f"{row['size']:>5} px            {row['network_seconds']:9.3f} s {row['seconds']:11.3f} s   {times}"
        )
    lines.append("Times of iterations are their number times the median of one.")
    if timed:
        lines.append(
            f"At {', '.join(str(row['size']) for row in timed)} px only {args.timed_iterations} iterations were run: "
            "their times are extrapolated."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
