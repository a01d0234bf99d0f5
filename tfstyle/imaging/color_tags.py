"""What a file says of its colours otherwise than by an ICC profile.

    EXIF               R03 in the interoperability tags: Adobe RGB
    PNG                cICP; else, where there is neither an ICC profile nor sRGB, cHRM and gAMA
    HEIC, AVIF         the box colr with nclx
    WebP, others       nothing

Code points are those of ITU-T H.273. PNG, third edition, section 4.3: cICP goes before ICC, ICC before sRGB, that
before cHRM and gAMA.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from tfstyle.imaging.icc import ADOBE_RGB, BT709_CURVE, D65, SRGB, SRGB_CURVE, Curve, RgbSpace

_EXIF_INTEROPERABILITY = 0xA005
_UNSPECIFIED = 2
_PQ, _HLG = 16, 18

_PRIMARIES = {
    1: SRGB,
    4: RgbSpace("BT.470 M", (0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: RgbSpace("BT.601 (625)", (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: RgbSpace("BT.601 (525)", (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: RgbSpace("SMPTE 240", (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: RgbSpace("BT.2020", (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: RgbSpace("DCI-P3", (0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: RgbSpace("Display P3", (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: RgbSpace("EBU 3213", (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
_CURVES = {
    1: BT709_CURVE,
    4: Curve(2.2),
    5: Curve(2.8),
    6: BT709_CURVE,
    8: Curve(1.0),
    13: SRGB_CURVE,
    14: BT709_CURVE,
    15: BT709_CURVE,
    17: Curve(2.6),
}


@dataclass(frozen=True)
class ColorTag:
    """The space of a picture's RGB values; `hdr` is `pq` or `hlg` where its curve is one of these."""

    space: RgbSpace
    hdr: str = ""


def color_tag(image: Image.Image, data: bytes | None) -> ColorTag | None:
    """What an opened RGB picture says of its colours; None for sRGB, or for what an ICC profile says.

    Args:
        image: Opened by Pillow.
        data: The file, where there is one.
    """
    kind = str(image.format)
    has_profile = bool(image.info.get("icc_profile"))
    if kind == "PNG":
        codes = _png_codes(data or b"")
        if codes is not None:
            return _by_codes(*codes)
        return None if has_profile or "srgb" in image.info else _by_numbers(image)
    if has_profile:
        return None
    if kind in ("HEIF", "AVIF") and (codes := _nclx(data or b"")):
        return _by_codes(*codes)
    if kind not in ("JPEG", "MPO", "TIFF"):  # nobody else writes it, and of a PNG Pillow would decode the pixels for it
        return None
    try:
        adobe = image.getexif().get_ifd(_EXIF_INTEROPERABILITY).get(1) == "R03"
    except Exception:  # broken EXIF comes in many shapes, and says nothing
        return None
    return ColorTag(ADOBE_RGB) if adobe else None


def to_srgb(pixels: np.ndarray, tag: ColorTag) -> np.ndarray:
    """High dynamic range as sRGB, uint8 `[H,W,3]` to the same.

    White of text and paper (203 cd/m2 of BT.2408) becomes nearly white, 244; what is brighter is pressed in above it.
    """
    nits = _light(np.arange(256) / 255, tag.hdr)
    matrix = np.linalg.inv(SRGB.to_xyz()) @ tag.space.to_xyz()
    result = np.empty_like(pixels)
    for top in range(0, len(pixels), 256):  # so that a large photo does not stand in memory several times as floats
        light = nits[pixels[top : top + 256]] / 203
        if tag.hdr == "hlg":  # the system's gamma, for a display of 1000 cd/m2
            luminance = light @ tag.space.to_xyz()[1]
            light *= np.maximum(luminance * 203 / 1000, 1e-6)[..., None] ** 0.2
        light = np.clip(light @ matrix.T, 0, None)
        light = np.where(light > 0.75, 0.75 + 0.25 * -np.expm1(-(light - 0.75) / 0.25), light)
        values = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
        result[top : top + 256] = np.rint(255 * values.clip(0, 1))
    return result


def _light(values: np.ndarray, hdr: str) -> np.ndarray:
    """cd/m2 of values 0..1 (HLG: of the scene, 1000 at most): BT.2100, tables 4 and 5."""
    if hdr == "pq":
        root = values ** (1 / 78.84375)
        return 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return 1000 * np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)


def _by_codes(primaries: int, transfer: int) -> ColorTag | None:
    space = _PRIMARIES.get(primaries, SRGB)
    if transfer in (_PQ, _HLG):
        return ColorTag(space, "pq" if transfer == _PQ else "hlg")
    # Files of sRGB values say BT.709 as often as sRGB, and no viewer tells them apart.
    if space is SRGB and transfer in (1, 6, 13, _UNSPECIFIED, 14, 15):
        return None
    return ColorTag(replace(space, curve=_CURVES.get(transfer, SRGB_CURVE)))


def _by_numbers(image: Image.Image) -> ColorTag | None:
    """By cHRM and gAMA; numbers that are nobody's or sRGB's say nothing."""
    gamma, corners = image.info.get("gamma"), image.info.get("chromaticity")
    curve, space = SRGB_CURVE, SRGB
    if gamma and 0.2 < gamma < 1.5:
        curve = Curve(1 / gamma)
    if corners and len(corners) == 8:
        white, red, green, blue = (tuple(corners[start : start + 2]) for start in (0, 2, 4, 6))
        given = np.array([white, red, green, blue])
        usual = np.array([D65, SRGB.red, SRGB.green, SRGB.blue])
        if (given > 0).all() and (given < 1).all() and np.abs(given - usual).max() > 0.002:
            space = RgbSpace("cHRM", red, green, blue, white)
    if space is SRGB and (not gamma or abs(gamma - 0.45455) < 0.001):  # what writers of sRGB write
        return None
    try:
        space.to_xyz()
    except np.linalg.LinAlgError:  # primaries on one line
        return None
    return ColorTag(replace(space, curve=curve))


def _png_codes(data: bytes) -> tuple[int, int] | None:
    for kind, content in _png_chunks(data):
        if kind == b"IDAT":
            return None
        if kind == b"cICP" and len(content) == 4:
            return content[0], content[1]
    return None


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 8
    while start + 12 <= len(data):
        length = int.from_bytes(data[start : start + 4])
        yield data[start + 4 : start + 8], data[start + 8 : start + 8 + min(length, 4)]
        start += 12 + length


def _nclx(data: bytes) -> tuple[int, int] | None:
    """The first colr box with nclx among a file's properties, which stand before its pixels."""
    start = data.find(b"colrnclx", 0, 2**20)
    if start < 0 or len(data) < start + 12:
        return None
    primaries, transfer = struct.unpack_from(">HH", data, start + 8)
    return primaries, transfer
