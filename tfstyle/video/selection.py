"""Which part of a video is painted, and at how many frames a second."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from tfstyle.errors import RequestError
from tfstyle.imaging.photo import MIN_SIDE
from tfstyle.video.clip import Frame

DEFAULT_MAX_SIZE = 1280  # pixels of the longer side
_MAX_RATE = 1000


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of a video is wanted.

    Attributes:
        start: Seconds from the beginning, of the first frame that is taken.
        end: Seconds from the beginning; frames from there on are left out. None is all.
        fps: Frames a second; None leaves every frame and its time as they are.
        max_size: Frames are shrunk so that their longer side has at most so many pixels, 16 or more.

    Raises:
        RequestError: If one of them is out of range.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    fps: Fraction | None = None
    max_size: int = DEFAULT_MAX_SIZE

    def __post_init__(self) -> None:
        if self.start < 0:
            raise RequestError(f"Expected a start of 0 seconds or later, got {float(self.start):g}.")
        if self.end is not None and self.end <= self.start:
            raise RequestError(
                f"Expected an end after the start at {float(self.start):g} s, got {float(self.end):g} s."
            )
        if self.fps is not None and not 0 < self.fps <= _MAX_RATE:
            raise RequestError(f"Expected more than 0 and at most {_MAX_RATE} frames a second, got {self.fps}.")
        if self.max_size < MIN_SIDE:
            raise RequestError(f"Expected a max size of at least {MIN_SIDE} pixels, got {self.max_size}.")

    def fitted(self, width: float, height: float) -> tuple[int, int]:
        """The size at which a video of so many upright, square pixels is painted: its own, or a smaller, even one."""
        scale = min(1.0, self.max_size / max(width, height))
        if scale == 1.0 and width == int(width) and height == int(height):
            return int(width), int(height)
        return max(MIN_SIDE, round(width * scale / 2) * 2), max(MIN_SIDE, round(height * scale / 2) * 2)

    def timed(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames that are shown at `fps` frames a second, each as long as the others."""
        if self.fps is None:
            yield from frames
            return
        step, count = 1 / self.fps, 0
        for frame in frames:
            end = frame.time + frame.duration
            while count * step < end:
                if count * step >= frame.time:
                    yield replace(frame, time=count * step, duration=step)
                count += 1
