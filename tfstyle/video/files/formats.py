"""Kinds of files that a painted video is written as, by their suffix, and how each is encoded."""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tfstyle.errors import RequestError
from tfstyle.video.clip import ClipInfo

_MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True)
class OutputFormat:
    """How one kind of file is encoded.

    Attributes:
        container: FFmpeg's name of it; empty where Pillow writes an animation.
        codec: FFmpeg's name of the encoder, of the file or of what lies on disk until an animation is put together.
        pixel_format: What the encoder takes.
        alpha_pixel_format: The same with opacity; empty where the format has none.
        crf: Quality if nobody asks for another, as the encoder counts: less is better and larger.
        most_crf: The worst that there is.
        even: Whether it needs even sides.
        audio: FFmpeg's encoder for sound that the container does not take as it is; empty where it has no sound.
        time_base: The unit of its times, seconds; None takes that of the video read.
    """

    container: str
    codec: str
    pixel_format: str
    alpha_pixel_format: str = ""
    crf: int = 0
    most_crf: int = 0
    even: bool = False
    audio: str = ""
    time_base: Fraction | None = None

    @property
    def is_animation(self) -> bool:
        """Whether it is an animated picture, which has neither sound nor a codec of videos."""
        return not self.container

    def ticks(self, info: ClipInfo) -> Fraction:
        """The unit of times of a video written so."""
        return self.time_base or info.time_base

    def stored(self, info: ClipInfo) -> tuple[str, bool]:
        """Pixel format for a video, and whether its opacity is kept."""
        keeps = info.has_alpha and bool(self.alpha_pixel_format)
        return (self.alpha_pixel_format if keeps else self.pixel_format), keeps

    def encoder_options(self, crf: int | None, *, alpha: bool) -> dict[str, str]:
        """Options of the encoder.

        Strokes are more detail than films have, so fast presets cost little size beside slow ones.
        """
        quality = str(self.crf if crf is None else crf)
        if self.codec == "libx264":
            # No frames that are shown in another order: pieces are joined without a gap in their times.
            return {"preset": "veryfast", "crf": quality, "bf": "0"}
        if self.codec == "libvpx-vp9":
            options = {"crf": quality, "b": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"}
            return {**options, "auto-alt-ref": "0", "lag-in-frames": "0"}
        return {}


_H264 = {"codec": "libx264", "pixel_format": "yuv420p", "crf": 20, "most_crf": 51, "even": True, "audio": "aac"}
_MP4 = OutputFormat("mp4", **_H264)  # type: ignore[arg-type]
_ANIMATION = OutputFormat("", "ffv1", "bgr0", "bgra", time_base=_MILLISECOND)
FORMATS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": OutputFormat("mov", **_H264),  # type: ignore[arg-type]
    ".mkv": OutputFormat("matroska", **_H264),  # type: ignore[arg-type]
    ".webm": OutputFormat(
        "webm",
        "libvpx-vp9",
        "yuv420p",
        "yuva420p",
        crf=24,
        most_crf=63,
        audio="libopus",
        time_base=_MILLISECOND,
    ),
    ".gif": _ANIMATION,
    ".webp": _ANIMATION,
}
DEFAULT_SUFFIX = ".mp4"


def format_of(path: str | os.PathLike[str]) -> OutputFormat:
    """The format of an output by its suffix.

    Raises:
        RequestError: If it is none of `FORMATS`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise RequestError(
            f"{path}: expected an output that ends in {', '.join(FORMATS)}, got {suffix or 'no suffix'!r}."
        )
    return FORMATS[suffix]


def check_crf(crf: int | None, format: OutputFormat, path: str | os.PathLike[str]) -> None:
    """See that the output can have such a quality.

    Raises:
        RequestError: If it is out of range, or the format has none.
    """
    if crf is None:
        return
    if format.is_animation:
        raise RequestError(f"{path}: expected no --crf for an animation, got {crf}.")
    if not 0 <= crf <= format.most_crf:
        raise RequestError(f"{path}: expected a --crf from 0 (best) to {format.most_crf} here, got {crf}.")
