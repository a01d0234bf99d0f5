"""How well person masks fit: the bare segmenter against `tfstyle.masks.segmentation.person`.

    python -m benchmarks.pictures.person_masks [DIR] [--json]

DIR holds photos NAME.jpg with masks NAME_mask.png (white: person); without it, the one sample photo of the package is
measured. Bare: MediaPipe's selfie segmenter on the photo stretched to 256 x 256, its confidence enlarged to the
photo's size, cut at 0.5. Ours is cut at 0.5 too. IoU is intersection over union; boundary F is the harmonic mean of the
share of the mask's boundary within 3 pixels of the true one, and of the true one within 3 pixels of the mask's.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import binary_erosion, distance_transform_edt

from benchmarks.measuring import one_sentence
from tfstyle.commands.demo import SAMPLE_MASK, SAMPLE_PHOTO
from tfstyle.imaging.photo import read_gray, read_photo
from tfstyle.masks import segmentation

TOLERANCE = 3  # pixels
Scores = dict[str, dict[str, float]]


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 2 if there is nothing to measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", metavar="DIR", type=Path, help="photos and masks (default: the sample)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    results = {name: measure(photo, person) for name, photo, person in _pairs(args.folder)}
    if not results:
        print(f"person_masks: {args.folder}: expected NAME.jpg with NAME_mask.png, found none.", file=sys.stderr)
        return 2
    print(json.dumps(results, indent=2) if args.json else _report(results))
    return 0


def measure(photo: np.ndarray, person: np.ndarray) -> Scores:
    """Scores of both masks of one photo.

    Args:
        photo: uint8 `[H,W,3]`.
        person: bool `[H,W]`, the truth.

    Returns:
        `bare` and `ours`, each with `iou`, `boundary_f` (0..1) and `seconds`.
    """
    segmentation.confidence(photo)  # loads the model
    return {"bare": _score(bare, photo, person), "ours": _score(segmentation.person, photo, person)}


def bare(photo: np.ndarray) -> np.ndarray:
    """The segmenter's confidence at the photo's size, float32 `[H,W]`."""
    confidence = Image.fromarray(segmentation.confidence(photo))
    return np.asarray(confidence.resize((photo.shape[1], photo.shape[0]), Image.Resampling.BILINEAR))


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of two bool arrays."""
    return float((mask & truth).sum() / (mask | truth).sum())


def boundary_f(mask: np.ndarray, truth: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """F-score of boundaries that lie within `tolerance` pixels of each other; 0 if a mask has none."""
    found, true = _boundary(mask), _boundary(truth)
    if not (found.any() and true.any()):
        return 0.0
    precision = (distance_transform_edt(~true)[found] <= tolerance).mean()
    recall = (distance_transform_edt(~found)[true] <= tolerance).mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _boundary(mask: np.ndarray) -> np.ndarray:
    """Pixels of the mask that touch what is not; the picture's border is no boundary."""
    return mask & ~binary_erosion(np.pad(mask, 1, mode="edge"))[1:-1, 1:-1]


def _score(make: Callable[[np.ndarray], np.ndarray], photo: np.ndarray, person: np.ndarray) -> dict[str, float]:
    began = time.perf_counter()
    mask = make(photo) > 0.5
    seconds = time.perf_counter() - began
    return {"iou": iou(mask, person), "boundary_f": boundary_f(mask, person), "seconds": seconds}


def _pairs(folder: Path | None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    if folder is None:
        yield SAMPLE_PHOTO.name, read_photo(SAMPLE_PHOTO).pixels, read_gray(SAMPLE_MASK) <= 0.5
        return
    for mask in sorted(folder.glob("*_mask.png")):
        photo = mask.with_name(mask.name.replace("_mask.png", ".jpg"))
        yield photo.name, read_photo(photo).pixels, read_gray(mask) > 0.5


def _report(results: dict[str, Scores]) -> str:
    lines = ["                     IoU              boundary F (3 px)   seconds",
             "photo                bare    ours     bare    ours        bare   ours"]  # fmt: skip
    for name, scores in results.items():
        lines.append(_line(name, scores))
    mean = {
        kind: {
            key: float(np.mean([scores[kind][key] for scores in results.values()]))
            for key in ("iou", "boundary_f", "seconds")
        }
        for kind in ("bare", "ours")
    }
    return "\n".join([*lines, _line(f"mean of {len(results)}", mean)])


def _line(name: str, scores: Scores) -> str:
    bare, ours = scores["bare"], scores["ours"]
    return (
        f"{name:<19}  {bare['iou']:.4f}  {ours['iou']:.4f}   {bare['boundary_f']:.4f}  {ours['boundary_f']:.4f}      "
        f"{bare['seconds']:.2f}   {ours['seconds']:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
