"""Colours of videos: from what a decoder gives to sRGB and back, by the file's tags, or by its size where it has none.

Matrices: ITU-T H.273, `MatrixCoefficients`. Untagged videos are taken as players take them: BT.709 from 1280 columns or
720 rows on, else BT.601; limited range.
"""

from dataclasses import dataclass
from functools import lru_cache

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

UNSPECIFIED = 2
BT709, BT470BG, BT601, SMPTE240M, FCC, BT2020, BT2020_CONSTANT = 1, 5, 6, 7, 4, 9, 10  # matrices
GAMMA_BT709, PQ, HLG = 1, 16, 18  # transfer characteristics
PRIMARIES_BT709, PRIMARIES_BT2020 = 1, 9
LIMITED, FULL = 1, 2

_MATRICES = {
    BT709: Colorspace.ITU709,
    FCC: Colorspace.FCC,
    BT470BG: Colorspace.ITU601,
    BT601: Colorspace.ITU601,
    SMPTE240M: Colorspace.SMPTE240M,
    BT2020: Colorspace.BT2020,
    BT2020_CONSTANT: Colorspace.BT2020,
}
_SCALING = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
_SDR_WHITE = 203.0  # cd/m2 of white text in HDR, ITU-R BT.2408
_PQ_PEAK = 10_000.0  # cd/m2 of the largest code
_HLG_PEAK = 1_000.0  # cd/m2 of the display that HLG is looked at on, ITU-R BT.2100
_KNEE = 0.75  # of white, up to which tones stay as they are; above, highlights are pressed together

# ITU-R BT.2087: linear BT.2020 to linear BT.709.
_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)


@dataclass(frozen=True)
class ColorTags:
    """How numbers of a video are to be read as colours, in the code points of H.273."""

    matrix: int
    range: int
    primaries: int
    transfer: int

    @classmethod
    def of(cls, frame: VideoFrame) -> "ColorTags":
        """Those of a decoded frame; what it does not say is guessed as players guess it."""
        by_size = BT709 if frame.width >= 1280 or frame.height >= 720 else BT601
        matrix, name = int(frame.colorspace), frame.format.name
        full = int(frame.color_range) == FULL or name.startswith("yuvj")
        return cls(
            matrix if matrix in _MATRICES else by_size,
            FULL if full else LIMITED,
            int(frame.color_primaries),
            int(frame.color_trc),
        )

    @classmethod
    def for_output(cls, width: int, height: int) -> "ColorTags":
        """What is written: limited range, and the matrix that players take for this size when they read no tags."""
        matrix = BT709 if width >= 1280 or height >= 720 else BT601
        return cls(matrix, LIMITED, PRIMARIES_BT709, GAMMA_BT709)

    @property
    def is_hdr(self) -> bool:
        """Whether white is not the brightest there is."""
        return self.transfer in (PQ, HLG)

    @property
    def is_wide(self) -> bool:
        """Whether colours are those of BT.2020."""
        return self.primaries == PRIMARIES_BT2020


def to_rgb(
    frame: VideoFrame, width: int, height: int, scaler: VideoReformatter
) -> tuple[np.ndarray, np.ndarray | None]:
    """A decoded frame at a size as RGB uint8 `[height,width,3]`, sRGB, and its alpha uint8 `[height,width]` or None."""
    tags = ColorTags.of(frame)
    alpha = has_alpha(frame)
    deep = tags.is_hdr or tags.is_wide
    target = "gbrp16le" if deep else "rgba" if alpha else "rgb24"
    is_rgb = frame.format.is_rgb
    converted = scaler.reformat(
        frame,
        width=width,
        height=height,
        format=target,
        src_colorspace=None if is_rgb else _MATRICES[tags.matrix],
        dst_colorspace=None if is_rgb else _MATRICES[tags.matrix],
        src_color_range=None if is_rgb else ColorRange(tags.range),
        dst_color_range=ColorRange.JPEG,
        interpolation=_SCALING,
    )
    pixels = converted.to_ndarray()
    if deep:
        return to_sdr(pixels, tags), None
    return (np.ascontiguousarray(pixels[:, :, :3]), pixels[:, :, 3].copy()) if alpha else (pixels, None)


def from_rgb(
    pixels: np.ndarray, alpha: np.ndarray | None, format: str, tags: ColorTags, scaler: VideoReformatter
) -> VideoFrame:
    """A frame for an encoder, tagged, out of RGB uint8 `[H,W,3]` and alpha uint8 `[H,W]`."""
    if alpha is None:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    else:
        frame = av.VideoFrame.from_ndarray(np.dstack([pixels, alpha]), format="rgba")
    if format in ("rgb24", "rgba", "bgra", "bgr0", "gbrp", "gbrap"):
        return scaler.reformat(frame, format=format)
    converted = scaler.reformat(
        frame,
        format=format,
        src_colorspace=_MATRICES[tags.matrix],
        dst_colorspace=_MATRICES[tags.matrix],
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=_SCALING,
    )
    converted.colorspace, converted.color_range = tags.matrix, tags.range
    converted.color_primaries, converted.color_trc = tags.primaries, tags.transfer
    return converted


def has_alpha(frame: VideoFrame) -> bool:
    """Whether the frame's format has an opacity."""
    return frame.format.name == "pal8" or any(part.is_alpha for part in frame.format.components)


def to_sdr(pixels: np.ndarray, tags: ColorTags) -> np.ndarray:
    """RGB uint16 `[H,W,3]` in PQ, HLG or the colours of BT.2020 as sRGB uint8 `[H,W,3]`.

    Brightness up to 3/4 of white stays what it is; what is brighter is pressed in below white, by the brightest
    channel, so that hues stay.
    """
    linear = np.take(_linear(tags.transfer), pixels)
    if tags.transfer == HLG:  # the display's own gamma, by luminance
        luminance = linear @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        linear *= (np.maximum(luminance, 1e-6) ** 0.2)[..., None] * (_HLG_PEAK / _SDR_WHITE)
    if tags.is_wide:
        linear = cv2.transform(linear, _BT2020_TO_BT709)
    np.maximum(linear, 0, out=linear)
    if tags.is_hdr:
        brightest = linear.max(axis=2)
        over = brightest - _KNEE
        pressed = _KNEE + (1 - _KNEE) * over / (over + (1 - _KNEE))
        linear *= np.where(over > 0, pressed / np.maximum(brightest, 1e-6), 1)[..., None].astype(np.float32)
    codes = np.minimum(linear * 4095 + 0.5, 4095).astype(np.uint16)
    return np.take(_gamma(), codes)


@lru_cache
def _linear(transfer: int) -> np.ndarray:
    """Light of each 16-bit code, float32 `[65536]`; 1 is white, HLG's is that of the scene."""
    code = np.arange(65536, dtype=np.float64) / 65535
    if transfer == PQ:  # SMPTE ST 2084
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        root = code ** (1 / m2)
        light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (_PQ_PEAK / _SDR_WHITE)
    elif transfer == HLG:  # ARIB STD-B67
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    else:  # as it is shown, so that gray stays gray
        light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@lru_cache
def _gamma() -> np.ndarray:
    """sRGB codes, uint8 `[4096]`, of light 0..1."""
    light = np.arange(4096) / 4095
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)
