"""Style images to learn from: one file per style in a folder, named after it, and large enough to have a texture."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tfstyle.errors import PhotoError, TrainingError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
MIN_STYLE_IMAGE_SIDE = 64  # px: less holds no texture of the deeper layers


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
        PhotoError: If a side has fewer than 64 pixels.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_STYLE_IMAGE_SIDE:
        raise PhotoError(
            f"{name}: expected a painting of at least {MIN_STYLE_IMAGE_SIDE}x{MIN_STYLE_IMAGE_SIDE} pixels, got "
            f"{width}x{height}; smaller ones hold no texture to learn. Take a larger picture of it."
        )
