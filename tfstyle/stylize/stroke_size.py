"""How broad strokes are: the size at which a photo is painted, and the way there and back.

A network's strokes are a fixed number of pixels wide. So a photo is painted smaller for broader strokes, larger for
finer ones, and the stylized image brought back to the photo's size. A photo should look the same painted, however large
it is: those of more than 1280 x 1280 pixels are painted at so many. Smaller ones are painted as they are, which is
fastest and sharpest.
"""

import math

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from tfstyle.errors import RequestError
from tfstyle.imaging.photo import MIN_SIDE

MIN_STROKE, MAX_STROKE = 0.5, 2.0
NATIVE = "native"  # every pixel of the photo is painted, and strokes are as fine as the photo is large
PAINTED_SIDE = 1280  # pixels; what phones and chats show

# Unsharp mask of enlarged stylized images, by eye at 1.5 to 3 times the size: more draws beads along the strokes.
_SHARPEN_RADIUS = 0.6  # pixels of the stylized image before it is enlarged
_SHARPEN_PERCENT = 150

_BAND = 512  # rows brought back at once, so that a large photo does not stand in memory several times

Stroke = float | str


def parse_stroke(stroke: Stroke) -> float | None:
    """How broad strokes are to be, as a number; None is `native`.

    Raises:
        RequestError: If it is neither `native` nor a number from 0.5 to 2.
    """
    if stroke == NATIVE:
        return None
    try:
        number = float(stroke)
    except (TypeError, ValueError):
        number = math.nan
    if not MIN_STROKE <= number <= MAX_STROKE:
        raise RequestError(
            f"Expected a stroke from {MIN_STROKE:g} (finer) to {MAX_STROKE:g} (broader), or {NATIVE} (as fine as the "
            f"photo is large), got {stroke!r}."
        )
    return number


def painted_size(height: int, width: int, stroke: Stroke) -> tuple[int, int]:
    """The size, `(height, width)`, at which a photo is painted so that its strokes are `stroke` times as broad.

    No side falls below the 16 pixels that the network needs.
    """
    number = parse_stroke(stroke)
    if number is None:
        return height, width
    scale = min(1.0, PAINTED_SIDE / math.sqrt(height * width)) / number
    scale = max(scale, MIN_SIDE / min(height, width))
    return max(MIN_SIDE, round(height * scale)), max(MIN_SIDE, round(width * scale))


def bring_back(stylized: np.ndarray, height: int, width: int) -> np.ndarray:
    """The stylized image at the photo's size, without going soft: RGB uint8 `[h,w,3]` to `[height,width,3]`.

    An enlarged stylized image is sharpened, and every pixel kept within the colours of the stylized image's pixels
    around it: strokes get the hard edges of paint, and none gets a halo.
    """
    image = Image.fromarray(stylized)
    if image.size == (width, height):
        return stylized
    radius = _SHARPEN_RADIUS * width / image.width if width > image.width else 0
    limits = [
        (limit, image.filter(extreme(3)))
        for limit, extreme in ((ImageChops.lighter, ImageFilter.MinFilter), (ImageChops.darker, ImageFilter.MaxFilter))
        if radius
    ]
    around = math.ceil(4 * radius)  # rows that the unsharp mask sees
    result = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _BAND):
        first, last = max(top - around, 0), min(top + _BAND + around, height)
        box = (0, first * image.height / height, image.width, last * image.height / height)
        size = (width, last - first)
        band = image.resize(size, Image.Resampling.LANCZOS, box)
        if radius:
            band = band.filter(ImageFilter.UnsharpMask(radius, _SHARPEN_PERCENT, threshold=0))
        for limit, extreme in limits:
            band = limit(band, extreme.resize(size, Image.Resampling.BILINEAR, box))
        rows = result[top : top + _BAND]
        rows[...] = np.asarray(band)[top - first :][: len(rows)]
    return result


def fill(masks: np.ndarray, height: int, width: int) -> np.ndarray:
    """Masks of regions for a photo that is painted whole: the same proportions at another size, covering everything.

    Where the photo stays is decided at its own size, by `tfstyle.imaging.compositing`; here the strongest mask is 1 at
    every pixel.

    Args:
        masks: float32 `[R,H,W]`, 0..1.
        height, width: The size the photo is painted at.

    Returns:
        float32 `[R,height,width]`, 0..1.
    """
    size = (width, height)
    resized = np.stack([np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR)) for mask in masks])
    strongest = resized.max(axis=0)
    return np.where(strongest > 0, resized / np.maximum(strongest, np.float32(1e-6)), np.float32(1)).clip(0, 1)
