"""How much memory an optimization takes, asked before it starts."""

import math

from tfstyle.errors import RequestError
from tfstyle.images import MIN_SIDE

# Peaks of whole processes on a CPU, measured at 256, 512 and 1024 px: 1.15, 1.82 and 4.40 GB; with one mask and with
# the matting Laplacian at 512 px: 2.19 and 2.08 GB.
BASE_BYTES = 1.0e9  # TensorFlow and the loss network
BYTES_PER_PIXEL = 3300  # activations that the gradient needs
BYTES_PER_PIXEL_AND_MASK = 1500  # another pass through the loss network
BYTES_PER_PIXEL_OF_MATTING = 1000  # 25 entries of a sparse matrix, in three forms


def bytes_per_pixel(*, masks: int = 0, matting: bool = False) -> float:
    """What each pixel adds.

    Args:
        masks: Distinct masks on style gradients.
        matting: Whether there is a matting Laplacian.
    """
    return BYTES_PER_PIXEL + BYTES_PER_PIXEL_AND_MASK * masks + BYTES_PER_PIXEL_OF_MATTING * matting


def estimate(height: int, width: int, *, masks: int = 0, matting: bool = False) -> float:
    """Bytes that optimizing a picture of `height` x `width` px takes; see `bytes_per_pixel`."""
    return BASE_BYTES + bytes_per_pixel(masks=masks, matting=matting) * height * width


def check(height: int, width: int, *, masks: int = 0, matting: bool = False) -> None:
    """Refuse a picture that would not fit; on a GPU, whose memory is another matter, nothing is refused.

    Raises:
        RequestError: If less memory is available; says which longer side would fit.
    """
    import psutil
    import tensorflow as tf

    available, needed = psutil.virtual_memory().available, estimate(height, width, masks=masks, matting=matting)
    if needed <= available or tf.config.list_physical_devices("GPU"):
        return
    pixels = (available - BASE_BYTES) / bytes_per_pixel(masks=masks, matting=matting)
    fitting = math.floor(max(height, width) * math.sqrt(max(0.0, pixels) / (height * width)))
    advice = f"use --max-size {fitting} or less (in Python: a smaller photo)" if fitting >= MIN_SIDE else "free some"
    raise RequestError(
        f"Optimizing {width}x{height} pixels takes about {needed / 1e9:.1f} GB of memory, and {available / 1e9:.1f} GB "
        f"are available; {advice}."
    )
