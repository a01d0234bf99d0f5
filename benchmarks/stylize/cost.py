"""What a picture costs by its size, and several at once by their number: seconds and memory of the exported model.

    python -m benchmarks.stylize.cost [MODEL] [--turns 9] [--threads 2] [--quick]

Calls of `serving_default` in this process, uint8 to uint8, a plain graph without XLA, all sizes in turns. The peak of a
size is the most memory this process had resident when it and all smaller sizes had been painted.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.measuring import (
    MIN_TURNS,
    add_results_option,
    in_turns,
    machine,
    medians,
    model_name,
    one_sentence,
    peak_bytes,
    save,
    table,
)
from tfstyle.engines.saved_model import SavedModelEngine
from tfstyle.model_store.versions import find_model

SIZES = tuple(range(128, 2049, 128))
BATCHES = (1, 2, 4, 8)
BATCH_SIZE = 512  # pixels a side of the pictures that come together


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write cost.json and .md; 2 if there is no model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--turns", type=int, default=MIN_TURNS, metavar="N", help=f"timings of each ({MIN_TURNS})")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of TensorFlow (default: 2)")
    add_results_option(parser, "one timing of three sizes")
    args = parser.parse_args(argv)
    sizes, batches, side = (SIZES[:3], BATCHES[:2], 128) if args.quick else (SIZES, BATCHES, BATCH_SIZE)
    turns = 1 if args.quick else args.turns
    predictor = SavedModelEngine(find_model(args.model), threads=args.threads)
    result = {
        "machine": machine("tensorflow"),
        "model": model_name(predictor.path),
        "threads": args.threads,
        "turns": turns,
        "sizes": by_size(predictor, sizes, turns),
        "batch_size": side,
        "batches": by_batch(predictor, side, batches, turns),
    }
    save(args, "cost", result, report(result))
    return 0


def by_size(predictor: SavedModelEngine, sizes: Sequence[int], turns: int) -> list[dict[str, Any]]:
    """Median seconds and peak bytes of square pictures, ascending."""
    peaks = {}
    for size in sorted(sizes):
        for _ in range(2):  # the first call traces and allocates
            call(predictor, 1, size)
        peaks[size] = peak_bytes()
    seconds = medians(in_turns({str(size): lambda size=size: call(predictor, 1, size) for size in peaks}, turns))
    return [{"size": size, "seconds": seconds[str(size)], "peak": peak} for size, peak in peaks.items()]


def by_batch(predictor: SavedModelEngine, size: int, batches: Sequence[int], turns: int) -> list[dict[str, Any]]:
    """Median seconds of so many pictures in one call."""
    sides = {str(batch): lambda batch=batch: call(predictor, batch, size) for batch in batches}
    in_turns(sides, 1)
    seconds = medians(in_turns(sides, turns))
    return [{"batch": batch, "seconds": seconds[str(batch)]} for batch in batches]


def call(predictor: SavedModelEngine, batch: int, size: int) -> float:
    """Seconds of one call."""
    photos = np.random.default_rng(size).integers(0, 256, (batch, size, size, 3), dtype=np.uint8)
    style = np.ones((batch, 1), np.float32)
    began = time.perf_counter()
    predictor.predict("serving_default", {"image": photos, "style_weights": style})
    return time.perf_counter() - began


def report(result: dict[str, Any]) -> str:
    """Both tables, and the straight line through the sizes."""
    megapixels = [row["size"] ** 2 / 1e6 for row in result["sizes"]]
    slope, start = np.polyfit(megapixels, [row["seconds"] for row in result["sizes"]], 1)
    sizes = [
        [
            f"{row['size']} x {row['size']}",
            f"{row['seconds']:.3f}",
            f"{row['seconds'] / area:.3f}",
            f"{row['peak'] / 1e6:.0f}",
        ]
        for row, area in zip(result["sizes"], megapixels, strict=True)
    ]
    batches = [
        [row["batch"], f"{row['seconds']:.3f}", f"{row['seconds'] / row['batch']:.3f}"] for row in result["batches"]
    ]
    pictures = f"pictures of {result['batch_size']} px"
    return (
        f"{result['threads']} threads, medians of {result['turns']} turns. {result['machine']['processor']}.\n"
        f"A straight line through the sizes: {slope:.3f} s a megapixel and {1000 * start:.0f} ms.\n\n"
        f"{table(['pixels', 'seconds', 'seconds a megapixel', 'peak, MB'], sizes)}\n"
        f"{table([pictures, 'seconds', 'seconds a picture'], batches)}"
    )


if __name__ == "__main__":
    sys.exit(main())
