"""JPEG and PNG bytes of a request as arrays, refused in the words of a model's graph where they are none."""

import io
import struct

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

from tfstyle.contract import refusals
from tfstyle.contract.graph_errors import GraphCode, refusal
from tfstyle.engines.input_checks import check


def picture_size(encoded: bytes, name: str, foreign: GraphCode, damaged: GraphCode) -> tuple[int, int]:
    """Height and width of a JPEG or PNG, by its magic and header alone."""
    # IHDR comes first in a PNG; a decoder that skips what stands before it would find another size there.
    is_png = len(encoded) >= 33 and encoded[:8] == b"\x89PNG\r\n\x1a\n" and encoded[12:16] == b"IHDR"
    known = is_png or _is_jpeg(encoded)
    check(known, foreign, refusals.PICTURE_FORMAT.format(name=name), len(encoded))
    if is_png:
        width, height = struct.unpack(">II", encoded[16:24])
    else:
        width, height = _opened(encoded, damaged).size
    return height, width


def _opened(encoded: bytes, damaged: GraphCode) -> Image.Image:
    """A picture that is not decoded yet. Pillow's own limit on sizes is not asked: each model has one."""
    opened = JpegImagePlugin.JpegImageFile if _is_jpeg(encoded) else PngImagePlugin.PngImageFile
    try:
        return opened(io.BytesIO(encoded))
    except Exception:  # decoders raise nearly anything on broken bytes
        raise _invalid(encoded, damaged) from None


def decoded(encoded: bytes, mode: str, damaged: GraphCode) -> np.ndarray:
    """Pixels of a JPEG or PNG in `RGB` or `L`, uint8, without what is transparent, as TensorFlow decodes it."""
    picture = _opened(encoded, damaged)
    try:
        picture.load()
        if picture.mode.startswith("I"):  # 16 bits, of which the graph takes the upper ones
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        return np.asarray(picture if picture.mode == mode else picture.convert(mode))
    except Exception:  # as above
        raise _invalid(encoded, damaged) from None


def _is_jpeg(encoded: bytes) -> bool:
    return encoded[:3] == b"\xff\xd8\xff"


def _invalid(encoded: bytes, damaged: GraphCode) -> Exception:
    return refusal(f"[{damaged}] Invalid {'JPEG' if _is_jpeg(encoded) else 'PNG'} data, size {len(encoded)}.")


def decoded_mask(encoded: bytes, size: tuple[int, ...]) -> np.ndarray:
    """A mask as large as the photo, float32 `[H,W]`, 0..1; ones for no bytes."""
    if not encoded:
        return np.ones(size, np.float32)
    found = picture_size(encoded, "region_masks", GraphCode.MASK_FORMAT, GraphCode.MASK_DAMAGED)
    sentence = refusals.MASK_SIZE.format(axes="height, width")
    check(found == size, GraphCode.MASK_SIZE, sentence, size, found)
    return np.asarray(decoded(encoded, "L", GraphCode.MASK_DAMAGED), np.float32) / 255
