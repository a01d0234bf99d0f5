"""Where to paint: masks by name, from what is in the photo or fading across it, and masks from files.

A mask is float32 `[H,W]`, 0..1: 1 is stylized, 0 is photo. `person`, `background` and `subject` are made by
`tfstyle.masks.segmentation`. Gradients take `fade`, the share of the picture over which they run from 1 to 0: 0 is a
hard edge, 1 a linear ramp across the whole picture.

    left, right, top, bottom   1 at that side; the edge, or the middle of the ramp, is the middle of the picture
    radial                     1 in the middle, 0 in the corners; at fade 0 an ellipse that covers half of the picture

`left` and `right` of the same size and fade sum to exactly 1 everywhere, and so do `top` and `bottom`, also after the
8-bit encoding in which they travel: gradients come in steps of 1/255.
"""

import io
import math
import os
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from tfstyle.errors import MaskError, PhotoError, RequestError
from tfstyle.imaging.photo import Photo, PhotoSource, read_gray
from tfstyle.masks.segmentation import SEGMENTS

GRADIENTS = ("left", "right", "top", "bottom", "radial")
NAMES = (*SEGMENTS, *GRADIENTS)
DEFAULT_FADE = 0.5
ASPECT_TOLERANCE = 0.02

# Half-axis of the ellipse that covers half of the picture, in half sides: pi * a^2 = 4 / 2.
_HALF_AREA = math.sqrt(2 / math.pi)

MaskSource = PhotoSource


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask that fits a photo: `values` float32 `[H,W]`, 0..1, and what its owner may want to know about it."""

    values: np.ndarray
    notes: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """The mask as gray 8-bit PNG, as the wire contract has it."""
        buffer = io.BytesIO()
        Image.fromarray(np.rint(self.values * 255).astype(np.uint8)).save(buffer, "png", compress_level=1)
        return buffer.getvalue()


def resolve(
    spec: MaskSource,
    height: int,
    width: int,
    *,
    fade: float = DEFAULT_FADE,
    photo: Photo | None = None,
    photo_size: tuple[int, int] | None = None,
    of: str = "photo",
) -> Mask:
    """The mask that `spec` asks for, at the photo's size.

    Args:
        spec: `person`, `background` or `subject`; `left`, `right`, `top`, `bottom` or `radial`; or a picture, read as
            gray: a path (write `./left` for a file called left), the bytes of a file, an open file or a Pillow image;
            or an array `[H,W]`, float 0..1, bool or uint8 0..255.
        height: Rows of the photo.
        width: Columns of the photo.
        fade: 0..1, how softly a gradient fades; masks from pictures and arrays are as soft as they are.
        photo: The photo, of `height` and `width`; only `person`, `background` and `subject` look at it.
        photo_size: `(height, width)` of the photo before it was resized, where it was: masks made for that size fit.
        of: What a refusal calls the picture that the mask is for: "photo" or "style image".

    Raises:
        MaskError: If the mask cannot be read, its aspect ratio is off by more than 2 %, or the photo shows no person or
            subject.
        RequestError: If `fade` is outside 0..1, or `spec` is about what the photo shows and there is no `photo`.
        StyleTransferError: If `spec` needs the extra `masks` and it is not installed.
    """
    if isinstance(spec, str) and spec in GRADIENTS:
        return Mask(gradient(spec, height, width, fade))
    if isinstance(spec, str) and spec in SEGMENTS:
        if photo is None:
            raise RequestError(f"Expected a photo to find the mask {spec!r} in, got none.")
        return Mask(SEGMENTS[spec](photo.pixels, name=photo.name))
    values, name = _read(spec)
    photo_height, photo_width = photo_size or (height, width)
    mask_height, mask_width = values.shape
    if abs(mask_width * photo_height / (mask_height * photo_width) - 1) > ASPECT_TOLERANCE + 1e-9:
        raise MaskError(
            f"{name}: expected a mask shaped like the {of}, {photo_width}x{photo_height}, got "
            f"{mask_width}x{mask_height}; crop it to the same aspect ratio."
        )
    notes: tuple[str, ...] = ()
    if (mask_height, mask_width) != (height, width):
        if (mask_height, mask_width) != (photo_height, photo_width):
            notes = (f"mask {name} resized from {mask_width}x{mask_height} to {width}x{height}",)
        values = np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR))
    mask = Mask(np.clip(values, 0, 1), notes)
    if is_black(mask.values):
        return replace(mask, notes=(*notes, f"mask {name} is black everywhere: it paints nothing"))
    return mask


def is_black(values: np.ndarray) -> bool:
    """Whether a mask, float `[H,W]`, 0..1, is black everywhere once it has the 8 bits in which it travels."""
    return bool(values.max() * 255 <= 0.5)


def gradient(kind: str, height: int, width: int, fade: float = DEFAULT_FADE) -> np.ndarray:
    """A gradient, float32 `[height,width]`, 0..1 in steps of 1/255; see the head of this file for the kinds.

    Raises:
        RequestError: If `fade` is outside 0..1 or `kind` is none of `GRADIENTS`.
    """
    check_fade(fade)
    match kind:
        case "left":
            return 1 - gradient("right", height, width, fade)
        case "top":
            return 1 - gradient("bottom", height, width, fade)
        case "right":
            values = np.broadcast_to(_ramp(_centres(width), fade), (height, width))
        case "bottom":
            values = np.broadcast_to(_ramp(_centres(height), fade)[:, None], (height, width))
        case "radial":
            values = _radial(height, width, fade)
        case _:
            raise RequestError(f"Expected a gradient out of {', '.join(GRADIENTS)}, got {kind!r}.")
    return np.rint(values * 255).astype(np.float32) / np.float32(255)


def check_fade(fade: float) -> None:
    """See that a gradient can fade so softly.

    Raises:
        RequestError: If it is outside 0..1 or not a number.
    """
    if not 0 <= fade <= 1:
        raise RequestError(f"Expected a fade from 0 (hard edge) to 1 (across the whole picture), got {fade}.")


def _centres(count: int) -> np.ndarray:
    """Positions of pixel centres along a side that runs from 0 to 1."""
    return (np.arange(count) + 0.5) / count


def _ramp(position: np.ndarray, fade: float) -> np.ndarray:
    if fade == 0:
        return position > 0.5
    return np.clip((position - 0.5) / fade + 0.5, 0, 1)


def _radial(height: int, width: int, fade: float) -> np.ndarray:
    """1 inside an ellipse, 0 outside a larger one; at fade 1 they are the middle and the corners."""
    x, y = 2 * _centres(width) - 1, 2 * _centres(height) - 1
    distance = np.hypot(x[None, :], y[:, None])
    inner = _HALF_AREA * (1 - fade)
    outer = _HALF_AREA + (math.sqrt(2) - _HALF_AREA) * fade
    if fade == 0:
        return distance < inner
    return np.clip((outer - distance) / (outer - inner), 0, 1)


def _read(spec: MaskSource) -> tuple[np.ndarray, str]:
    if isinstance(spec, np.ndarray):
        return _from_array(spec), "the mask"
    name = os.fspath(spec) if isinstance(spec, str | os.PathLike) else "the mask"
    try:
        return read_gray(spec, name=name), name
    except PhotoError as error:
        hint = "" if not isinstance(spec, str) else f" A mask is a picture file or one of {', '.join(NAMES)}."
        raise MaskError(f"{error}{hint}") from None


def _from_array(values: np.ndarray) -> np.ndarray:
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    scaled = values / np.float32(255) if values.dtype == np.uint8 else values.astype(np.float32)
    if values.ndim != 2 or values.size == 0:
        raise MaskError(f"Expected a mask of shape [H,W], got {list(values.shape)}.")
    if not (np.isfinite(scaled).all() and scaled.min() >= 0 and scaled.max() <= 1):
        raise MaskError("Expected a mask with values from 0 to 1 (uint8: to 255), got values outside or not finite.")
    return scaled.astype(np.float32)
