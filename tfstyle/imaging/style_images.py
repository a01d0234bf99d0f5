"""Style images: large enough to have a texture, how large they are looked at, and one file per style in a folder."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tfstyle.errors import PhotoError, TrainingError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
MIN_STYLE_IMAGE_SIDE = 64  # px: less holds no texture of the deeper layers
MAX_ASPECT = 10  # long side by short side
STYLE_IMAGE_SIDE = 256  # px, short side at which the style encoder looks at style images


def find_style_images(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Style name to its style image's file.

    Raises:
        TrainingError: If a style has no style image in `folder`.
    """
    found: dict[str, Path] = {}
    missing = []
    for name in names:
        file = next((file for suffix in SUFFIXES if (file := folder / f"{name}{suffix}").is_file()), None)
        if file is None:
            missing.append(name)
        else:
            found[name] = file
    if missing:
        raise TrainingError(
            f"Expected one painting <name>.jpg or .png a style in {folder}. Missing: {', '.join(missing)}."
        )
    return found


def check_style_image(pixels: np.ndarray, name: str) -> None:
    """Refuse a style image, uint8 `[h,w,3]`, with too little to learn from.

    Raises:
        PhotoError: If a side has fewer than 64 pixels, or one is more than ten times as long as the other.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_STYLE_IMAGE_SIDE:
        raise PhotoError(
            f"{name}: expected a painting of at least {MIN_STYLE_IMAGE_SIDE}x{MIN_STYLE_IMAGE_SIDE} pixels, got "
            f"{width}x{height}; smaller ones hold no texture to learn. Take a larger picture of it."
        )
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise PhotoError(
            f"{name}: expected a painting at most {MAX_ASPECT} times as long as wide, got {width}x{height}; cut a part "
            "out of it."
        )


def measured_size(width: int, height: int) -> tuple[int, int]:
    """The width and height, px, at which a style image of these is looked at by the style encoder.

    The short side is `STYLE_IMAGE_SIDE`, the long one rounded to a multiple of 32 and at most twice as long: few sizes,
    so that a training can look at several at once.
    """
    scale = STYLE_IMAGE_SIDE / min(width, height)
    long = min(round(max(width, height) * scale / 32) * 32, 2 * STYLE_IMAGE_SIDE)
    return (long, STYLE_IMAGE_SIDE) if width > height else (STYLE_IMAGE_SIDE, long)
