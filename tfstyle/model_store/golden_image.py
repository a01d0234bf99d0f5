"""What a model paints of one fixed picture, kept beside it: a model that paints something else was damaged on its way.

`assets.extra/golden.png` shows the picture in every style, one below the other, in the order of the model's columns.
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tfstyle.errors import ModelError

GOLDEN_FILE = Path("assets.extra") / "golden.png"
TOLERANCE = 2  # gray levels: machines add in another order, which moves a value that is rounded by one or two
HEIGHT, WIDTH = 64, 96  # px


def picture() -> np.ndarray:
    """The picture: gradients under rings, so smooth parts and edges in every direction; uint8 [H,W,3]."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    squared = (rows - HEIGHT // 2) ** 2 + (columns - WIDTH // 2) ** 2
    rings = 64 * (squared // 256 % 2)  # whole numbers only: the same to the bit everywhere
    gradients = np.stack([rows * 3, columns * 2, (rows + columns) % 160], axis=-1)
    return np.clip(gradients + rings[..., None], 0, 255).astype(np.uint8)


def paint(serving_default: Callable[[np.ndarray, np.ndarray], np.ndarray], styles: int) -> np.ndarray:
    """The picture in every style.

    Args:
        serving_default: Paints uint8 photos `[B,H,W,3]` in style weights float32 `[B,N]`.
        styles: N, how many columns the model has.

    Returns:
        uint8 `[N,H,W,3]`.
    """
    image, rows = picture()[None], np.eye(styles, dtype=np.float32)
    return np.concatenate([serving_default(image, row[None]) for row in rows])  # a request holds only so many pixels


def encode(stylized_images: np.ndarray) -> bytes:
    """`golden.png` of stylized images uint8 `[N,H,W,3]`."""
    buffer = io.BytesIO()
    Image.fromarray(stylized_images.reshape(-1, WIDTH, 3)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def check(stylized_images: np.ndarray, version: Path) -> None:
    """Hold stylized images uint8 `[N,H,W,3]` of a version to those that were kept when it was exported.

    Raises:
        ModelError: If there are none, or one differs by more than `TOLERANCE` gray levels anywhere.
    """
    path = version / GOLDEN_FILE
    try:
        with Image.open(path) as image:
            golden = np.asarray(image.convert("RGB")).astype(int)
    except FileNotFoundError:
        raise ModelError(f"{version} has no {GOLDEN_FILE} to compare its paintings with; export it again.") from None
    except OSError:
        raise ModelError(f"{path} cannot be read as a picture; export the model again.") from None
    found = stylized_images.reshape(-1, WIDTH, 3).astype(int)
    if golden.shape != found.shape:
        raise ModelError(
            f"Expected a {GOLDEN_FILE} of {WIDTH} x {found.shape[0]} pixels in {version}, "
            f"got {golden.shape[1]} x {golden.shape[0]}; export the model again."
        )
    apart = int(np.abs(golden - found).max())
    if apart > TOLERANCE:
        raise ModelError(
            f"{version} does not paint what it painted when it was exported: {apart} gray levels apart from "
            f"{GOLDEN_FILE}, at most {TOLERANCE} are allowed; export it again."
        )
