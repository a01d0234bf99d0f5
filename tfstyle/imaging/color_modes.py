"""Whatever Pillow decoded, as 8-bit RGB or as gray values.

Transparency is laid over white for photos and counts as black in masks. 16-bit gray is scaled to 8 bits. CMYK, gray and
Lab pictures that carry an ICC profile go through it to sRGB; RGB values stay as they are, and so does their profile.
"""

import io

import numpy as np
from PIL import Image, ImageCms, ImageOps

from tfstyle.errors import PhotoError

_SIXTEEN_BIT = {"I", "I;16", "I;16L", "I;16B", "I;16N"}  # "I" is what Pillow makes of 16-bit PGM
_ORIENTATION = 0x0112  # EXIF tag


def turn_upright(image: Image.Image) -> bool:
    """Turn the image in place as its EXIF orientation says; True if there was something to turn."""
    try:
        turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # broken EXIF comes in many shapes, and its picture is upright for every viewer
        return False
    return turned


def to_rgb(image: Image.Image, name: str) -> tuple[Image.Image, bytes | None]:
    """Bring a decoded image to mode RGB.

    Returns:
        The RGB image, and the ICC profile that belongs to its values (None: sRGB).

    Raises:
        PhotoError: If its pixels are floating-point: their range is anybody's guess.
    """
    profile = image.info.get("icc_profile") or None
    image = _eight_bit(image, name)
    if image.has_transparency_data:
        return _on_background(image, "white"), profile if _is_for_rgb(profile) else None
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
        return (np.clip(np.asarray(image), 0, 65_535) / 65_535).astype(np.float32)
    image = _eight_bit(image, name)
    if image.has_transparency_data:
        image = _on_background(image, "black")
    return np.asarray(image.convert("L"), dtype=np.float32) / 255


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        values = np.clip(np.asarray(image), 0, 65_535).astype(np.uint32)
        return Image.fromarray(((values * 255 + 32_767) // 65_535).astype(np.uint8))
    if image.mode == "F":
        raise PhotoError(f"{name}: the picture holds floating-point values; save it with 8 or 16 bits a channel.")
    return image


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
