"""How much memory an optimization takes, asked before it starts."""

import math
from pathlib import Path

from tfstyle.errors import RequestError
from tfstyle.imaging.photo import MIN_SIDE

# Peaks of whole processes on a CPU. Photos of 256, 512 and 1024 px: 1.28, 1.99 and 4.58 GB, by
# `python -m benchmarks.optimization.optimize_memory`; with one mask and with the matting Laplacian at 512 px: 2.19 and
# 2.08 GB. A photo of 64 px with a style image of 1024 and 1536 px: 1.97 and 3.75 GB.
BASE_BYTES = 1.1e9  # TensorFlow and the loss network
BYTES_PER_PIXEL = 3300  # activations that the gradient needs
BYTES_PER_PIXEL_AND_MASK = 1500  # another pass through the loss network
BYTES_PER_PIXEL_OF_MATTING = 1000  # 25 entries of a sparse matrix, in three forms
BYTES_PER_PIXEL_OF_STYLE_IMAGE = 1250  # activations without a gradient, gone before the first iteration

CGROUP = Path("/sys/fs/cgroup")  # a container sees its own limits here, by control groups of version 2


def bytes_per_pixel(*, masks: int = 0, matting: bool = False) -> float:
    """What each pixel of the photo adds.

    Args:
        masks: Distinct masks on style gradients.
        matting: Whether there is a matting Laplacian.
    """
    return BYTES_PER_PIXEL + BYTES_PER_PIXEL_AND_MASK * masks + BYTES_PER_PIXEL_OF_MATTING * matting


def check(height: int, width: int, *, masks: int = 0, matting: bool = False, style_image: tuple[int, int]) -> None:
    """Refuse what would not fit; on a GPU, whose memory is another matter, nothing is refused.

    Args:
        height, width: Of the photo at the size it is painted at, px.
        masks, matting: See `bytes_per_pixel`.
        style_image: Height and width of the largest style image at the size it is seen at, px. Style images are done
            with before the first iteration, so the two needs are not added.

    Raises:
        RequestError: If less memory is available; says which longer side of the photo would fit, or which short side
            of the style image.
    """
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return
    available = _available()
    photo_bytes = bytes_per_pixel(masks=masks, matting=matting) * height * width
    advice = "use --max-size {} or less (in Python: a smaller photo)"
    _check(f"Optimizing {width}x{height} pixels", photo_bytes, available, max(height, width), advice)
    rows, columns = style_image
    style_image_bytes = BYTES_PER_PIXEL_OF_STYLE_IMAGE * rows * columns
    advice = "use --style-size {} or less"
    _check(f"A painting seen at {columns}x{rows} pixels", style_image_bytes, available, min(style_image), advice)


def _available() -> float:
    """Bytes that this process can still have: of the machine, and of its container where that has a limit."""
    import psutil

    return min(psutil.virtual_memory().available, _available_in_container())


def _available_in_container() -> float:
    try:
        limit = float((CGROUP / "memory.max").read_text().replace("max", "inf"))
        used = int((CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    except OSError:  # no container, or control groups of version 1
        return math.inf
    # Copies of files count as used, and those that were not read lately are given up before anything is killed.
    return max(0.0, limit - used + int(stat["inactive_file"]))


def _check(what: str, what_bytes: float, available: float, side: int, advice: str) -> None:
    """Refuse what takes more than is available; `advice` gets the side that would fit."""
    needed = BASE_BYTES + what_bytes
    if needed <= available:
        return
    fitting = math.floor(side * math.sqrt(max(0.0, available - BASE_BYTES) / what_bytes))
    raise RequestError(
        f"{what} takes about {needed / 1e9:.1f} GB of memory, and {available / 1e9:.1f} GB are available; "
        f"{advice.format(fitting) if fitting >= MIN_SIDE else 'free some'}."
    )
