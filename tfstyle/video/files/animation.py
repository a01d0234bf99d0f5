"""Animated pictures, GIF, WebP and PNG, by Pillow: frames with their opacity, delays, and how often they are shown."""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence, UnidentifiedImageError

from tfstyle.errors import VideoError
from tfstyle.imaging.photo import MIN_SIDE
from tfstyle.video.clip import ClipInfo, Frame
from tfstyle.video.selection import Selection

MILLISECOND = Fraction(1, 1000)
_FORMATS = ("GIF", "WEBP", "PNG")
_NO_DELAY = 100  # ms that browsers take for a delay of 0


def is_animation(path: str | os.PathLike[str]) -> bool:
    """Whether the file is an animated picture, by its first bytes.

    Raises:
        OSError: If it is not there or may not be read.
    """
    with open(path, "rb") as file:
        head = file.read(64 * 1024)
    if head[:4] == b"GIF8":
        return True
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return b"ANIM" in head[:64]
    return head[:8] == b"\x89PNG\r\n\x1a\n" and b"acTL" in head


class AnimationReader:
    """Reads the frames of an animated picture, as `VideoReader` those of a video.

    Args:
        path: A GIF, an animated WebP or PNG.
        selection: Which part, at what size.

    Attributes:
        info: What holds for all frames.

    Raises:
        VideoError: If it is damaged.
    """

    def __init__(self, path: str | os.PathLike[str], selection: Selection | None = None):
        self.path = Path(path)
        self.selection = selection or Selection()
        with self._opened() as picture:
            delays, self._opaque = [], True
            for frame in self._frames(picture):
                delays.append(_delay(frame))
                self._opaque = self._opaque and _is_opaque(frame)
            if min(picture.size) < MIN_SIDE:
                size = f"{picture.width}x{picture.height}"
                raise VideoError(f"{path}: expected frames of at least {MIN_SIDE} pixels a side, got {size}.")
            loop = _showings(picture)
        end = sum(delays) * MILLISECOND
        if self.selection.end is not None:
            end = min(end, self.selection.end)
        length = max(Fraction(0), end - self.selection.start)
        rate = self.selection.fps or Fraction(len(delays) * 1000, max(1, sum(delays)))
        width, height = self.selection.fitted(*picture.size)
        self.info = ClipInfo(
            width,
            height,
            rate=rate,
            time_base=1 / self.selection.fps if self.selection.fps else MILLISECOND,
            frames=len(delays)
            if length == sum(delays) * MILLISECOND and not self.selection.fps
            else round(length * rate),
            duration=length,
            loop=loop,
            has_alpha=not self._opaque,
        )

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(self, begin: Fraction = Fraction(0)) -> Iterator[Frame]:
        """The frames, those before `begin` too, because each is made of those before."""
        return self.selection.timed(self._timed())

    def _timed(self) -> Iterator[Frame]:
        size, selection, time = (self.info.width, self.info.height), self.selection, Fraction(0)
        with self._opened() as picture:
            for image in self._frames(picture):
                duration = _delay(image) * MILLISECOND
                if selection.end is not None and time >= selection.end:
                    break
                if time >= selection.start:
                    image = image.convert("RGBA")
                    if image.size != size:
                        image = image.resize(size, Image.Resampling.LANCZOS)
                    pixels = np.array(image)
                    alpha = None if self._opaque else np.ascontiguousarray(pixels[:, :, 3])
                    if selection.end is not None:
                        duration = min(duration, selection.end - time)
                    yield Frame(np.ascontiguousarray(pixels[:, :, :3]), time - selection.start, duration, alpha)
                time += duration

    def _opened(self) -> Image.Image:
        try:
            return Image.open(self.path, formats=_FORMATS)
        except (UnidentifiedImageError, SyntaxError, ValueError):
            raise VideoError(f"{self.path}: expected an animation, got a damaged file.") from None

    def _frames(self, picture: Image.Image) -> Iterator[Image.Image]:
        """Frames as far as they can be read; they are one image whose content changes."""
        count = 0
        try:
            for frame in ImageSequence.Iterator(picture):
                frame.load()
                yield frame
                count += 1
        except (OSError, SyntaxError, ValueError, EOFError):
            if not count:
                raise VideoError(f"{self.path}: expected an animation, got a damaged file.") from None
            fault = f"{self.path}: the animation is damaged after {count} frames."
            info = getattr(self, "info", None)
            if info is not None and fault not in info.faults:
                info.faults.append(fault)


def _is_opaque(frame: Image.Image) -> bool:
    """Whether nothing shines through; many GIFs leave out what stays as it was, which is no opacity."""
    return not frame.has_transparency_data or frame.convert("RGBA").getchannel("A").getextrema()[0] == 255


def _showings(picture: Image.Image) -> int:
    """How often an animation is shown; a GIF says how often more than once, or nothing for once."""
    if picture.format != "GIF":
        return int(picture.info.get("loop", 0))
    loop = picture.info.get("loop")
    return 1 if loop is None else 0 if loop == 0 else int(loop) + 1


def _delay(frame: Image.Image) -> int:
    """Milliseconds."""
    return round(frame.info.get("duration") or _NO_DELAY)
