"""The pictures of docs/images that show masks and strokes; `faces` and `tfstyle demo` make the others.

    python -m benchmarks.pictures.docs_images [--model PATH] [--out docs/images]

masks.png: hair and hands at 1:1, of scikit-image's `astronaut` and `camera`. strokes.jpg: one photo, three strokes.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measuring import one_sentence
from benchmarks.pictures.person_masks import bare
from tfstyle.imaging.contact_sheet import contact_sheet
from tfstyle.masks import segmentation
from tfstyle.stylize.stylizer import Stylizer

# Of the photos: left, top, right, bottom, px.
HAIR = (120, 0, 328, 160)
HANDS = (126, 90, 334, 250)
FACE = (64, 0, 448, 384)


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Paint, cut out, write; 2 if the model cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="PATH", help="default: the newest tfstyle")
    parser.add_argument("--out", type=Path, default=Path("docs/images"), metavar="DIR", help="default: docs/images")
    args = parser.parse_args(argv)
    stylizer = Stylizer(model=args.model)
    args.out.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(list(masks(stylizer)), columns=4, font_size=12)).save(args.out / "masks.png")
    Image.fromarray(contact_sheet(list(strokes(stylizer)), columns=3)).save(args.out / "strokes.jpg", quality=88)
    return 0


def masks(stylizer: Stylizer) -> Iterator[tuple[str, np.ndarray]]:
    """Photo, the bare segmenter's mask, ours, and what is painted outside of it."""
    import skimage.data

    camera = np.repeat(skimage.data.camera()[..., None], 3, axis=-1)
    for name, photo, box in (("hair", skimage.data.astronaut(), HAIR), ("hands", camera, HANDS)):
        yield f"{name}: photo", _cut(photo, box)
        yield "bare segmenter, cut at 0.5", _cut(_gray(bare(photo) > 0.5), box)
        yield "tfstyle mask --person", _cut(_gray(segmentation.person(photo)), box)
        yield "--mask background", _cut(stylizer.stylize(photo, "starry_night", mask="background").pixels, box)


def strokes(stylizer: Stylizer) -> Iterator[tuple[str, np.ndarray]]:
    """The same photo at the same size, strokes from fine to broad."""
    import skimage.data

    for stroke in (0.5, 1, 2):
        painting = stylizer.stylize(skimage.data.astronaut(), "starry_night", stroke=stroke)
        yield f"--stroke {stroke:g}", _cut(painting.pixels, FACE)


def _gray(mask: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(mask * 255.0).astype(np.uint8)[..., None], 3, axis=-1)


def _cut(pixels: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = box
    return pixels[top:bottom, left:right]


if __name__ == "__main__":
    sys.exit(main())
