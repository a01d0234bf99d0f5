"""How much memory an optimization takes, asked before it starts."""

import math

from tfstyle.errors import RequestError

# Measured as the peak of whole processes on a CPU, see benchmarks/optimize_vs_pastiche.py.
BASE_BYTES = 1.0e9  # TensorFlow, the loss network, and what painting a small picture takes
BYTES_PER_PIXEL = 2600  # activations that the gradient needs, for each pass through the loss network


def estimate(height: int, width: int, *, passes: int = 1) -> float:
    """Bytes that optimizing a picture of this size takes.

    Args:
        height, width: The picture's, px.
        passes: How often the loss network sees the picture in one iteration: once, and once for each mask.
    """
    return BASE_BYTES + BYTES_PER_PIXEL * passes * height * width


def check(height: int, width: int, *, passes: int = 1) -> None:
    """Refuse a picture that would not fit; on a GPU, whose memory is another matter, nothing is refused.

    Raises:
        RequestError: If less memory is available; says which longer side would fit.
    """
    import psutil
    import tensorflow as tf

    available, needed = psutil.virtual_memory().available, estimate(height, width, passes=passes)
    if needed <= available or tf.config.list_physical_devices("GPU"):
        return
    pixels = max(0.0, (available - BASE_BYTES) / (BYTES_PER_PIXEL * passes))
    fitting = math.floor(max(height, width) * math.sqrt(pixels / (height * width)))
    raise RequestError(
        f"Optimizing {width}x{height} pixels takes about {needed / 1e9:.1f} GB of memory, and {available / 1e9:.1f} GB "
        f"are available; use --max-size {fitting} or less (in Python: a smaller photo)."
    )
