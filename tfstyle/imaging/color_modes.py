"""Whatever Pillow decoded, as 8-bit RGB or as gray values.

Transparency of photos is kept beside their colours; in masks it counts as black. 16- and 32-bit gray is scaled to 8
bits. CMYK, gray and Lab pictures that carry an ICC profile go through it to sRGB; RGB values stay as they are, and so
does their profile.
"""

import io

import numpy as np
from PIL import Image, ImageCms, ImageOps

from tfstyle.errors import PhotoError

_SIXTEEN_BIT = {"I", "I;16", "I;16L", "I;16B", "I;16N"}  # "I" is what Pillow makes of 16-bit PGM
ORIENTATION = 0x0112  # EXIF tag
_BITS_PER_SAMPLE = 258  # TIFF tag


def has_orientation(image: Image.Image) -> bool:
    """Whether an opened image says itself how it is turned."""
    try:
        return ORIENTATION in image.getexif()
    except Exception:  # broken EXIF says nothing
        return False


def turn_upright(image: Image.Image) -> bool:
    """Turn the image in place as its EXIF orientation says; True if there was something to turn."""
    try:
        turned = image.getexif().get(ORIENTATION, 1) in range(2, 9)
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # broken EXIF comes in many shapes, and its picture is upright for every viewer
        return False
    return turned


def to_rgb(image: Image.Image, name: str) -> tuple[Image.Image, bytes | None, Image.Image | None]:
    """Bring a decoded image to mode RGB.

    Returns:
        The RGB image, white where it is fully transparent; the ICC profile that belongs to its values (None: sRGB); and
        how opaque it is, mode L (None: all of it).

    Raises:
        PhotoError: If its pixels are floating-point: their range is anybody's guess.
    """
    profile = image.info.get("icc_profile") or None
    image, alpha = _opaque(_eight_bit(image, name))
    rgb, profile = _colours(image, profile)
    if alpha is not None:
        white = Image.new("RGB", rgb.size, "white")
        rgb = Image.composite(rgb, white, alpha.point(lambda value: 255 if value else 0))
    return rgb, profile, alpha


def on_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """RGB uint8 `[H,W,3]` seen through alpha uint8 `[H,W]` over white."""
    share = alpha[..., None].astype(np.uint16)
    return ((pixels * share + 255 * (255 - share) + 127) // 255).astype(np.uint8)


def _opaque(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """An image without transparency, and how opaque it was; None if there is nothing to see through."""
    if not image.has_transparency_data:
        return image, None
    if image.mode in ("LA", "La"):
        image = image.convert("LA")
        opaque, alpha = image.getchannel("L"), image.getchannel("A")
    else:
        gray = image.mode in ("1", "L")
        image = image.convert("RGBA")
        opaque, alpha = image.convert("RGB"), image.getchannel("A")
        opaque = opaque.getchannel("R") if gray else opaque
    return opaque, None if alpha.getextrema() == (255, 255) else alpha


def _colours(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    if image.mode in {"RGB", "P", "RGBX"}:
        rgb = image if image.mode == "RGB" else image.convert("RGB")  # no copy: large photos take memory enough
        return rgb, profile if _is_for_rgb(profile) else None
    if image.mode == "LAB":
        return _to_srgb(image, ImageCms.createProfile("LAB")), None
    if profile and image.mode in {"CMYK", "L"}:
        try:
            return _to_srgb(image, ImageCms.ImageCmsProfile(io.BytesIO(profile))), None
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # broken, or for other values than these
    # A gray picture whose values turned out to be RGB (some scanners say so) keeps its RGB profile.
    return image.convert("RGB"), profile if _is_for_rgb(profile) and image.mode == "L" else None


def to_gray(image: Image.Image, name: str) -> np.ndarray:
    """Bring a decoded image to gray, float32 `[H,W]`, 0..1, in 16 bits where it has them; transparent is 0."""
    if image.mode in _SIXTEEN_BIT:
        most = _most(image)
        return (np.clip(np.asarray(image), 0, most) / most).astype(np.float32)
    image = _eight_bit(image, name)
    if image.has_transparency_data:
        image = _on_background(image, "black")
    return np.asarray(image.convert("L"), dtype=np.float32) / 255


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    """16- and 32-bit gray as 8 bits, with alpha where one of its values stands for transparent."""
    if image.mode in _SIXTEEN_BIT:
        values = np.asarray(image)
        most = _most(image)
        eight = Image.fromarray(np.rint(np.clip(values, 0, most) * (255 / most)).astype(np.uint8))
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            eight.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
        return eight
    if image.mode == "F":
        raise PhotoError(f"{name}: the picture holds floating-point values; save it with 8 or 16 bits a channel.")
    return image


def _most(image: Image.Image) -> int:
    """What white is in a gray image of more than 8 bits."""
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, 16)
    of_32_bits = image.mode == "I" and (bits if isinstance(bits, int) else bits[0]) == 32
    return 2**31 - 1 if of_32_bits and np.asarray(image).max() > 65_535 else 65_535


def _on_background(image: Image.Image, colour: str) -> Image.Image:
    image = image.convert("RGBA")
    background = Image.new("RGBA", image.size, colour)
    return Image.alpha_composite(background, image).convert("RGB")


def _is_for_rgb(profile: bytes | None) -> bool:
    return profile is not None and len(profile) > 128 and profile[36:40] == b"acsp" and profile[16:20] == b"RGB "


def _to_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile | ImageCms.core.CmsProfile) -> Image.Image:
    converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # only None when asked to work in place
    return converted
