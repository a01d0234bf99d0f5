"""Encodes one segment of painted frames into a file of its own, in the codec of the output."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from tfstyle.video.clip import ClipInfo, Frame
from tfstyle.video.files.colors import ColorTags, from_rgb
from tfstyle.video.files.formats import OutputFormat


class SegmentEncoder:
    """Writes frames as a Matroska file that begins with a key frame; times are told by `ticks`.

    Args:
        path: The file.
        info: What holds for all frames.
        format: What the output is.
        crf: Its quality; None is the format's own.

    Attributes:
        ticks: When each frame is shown, in units of `format.ticks(info)`.
        end: When the last one ends.
    """

    def __init__(self, path: Path, info: ClipInfo, format: OutputFormat, crf: int | None = None):
        self.ticks: list[int] = []
        self.end = 0
        self._unit = format.ticks(info)
        self._pixel_format, self._alpha = format.stored(info)
        # Players take even sides only: the last row and column are doubled, and nothing is lost.
        self._pad = (info.height % 2, info.width % 2) if format.even else (0, 0)
        width, height = info.width + self._pad[1], info.height + self._pad[0]
        self._tags = ColorTags.for_output(width, height)
        self._scaler = VideoReformatter()
        self._container = av.open(str(path), "w", format="matroska")
        options = format.encoder_options(crf, alpha=self._alpha)
        stream = self._container.add_stream(format.codec, rate=_sane(info.rate), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, self._pixel_format
        if self._alpha:
            stream.metadata["alpha_mode"] = "1"  # of VP9, which has it as a second picture
        codec = stream.codec_context
        codec.time_base = self._unit
        codec.gop_size = 10_000  # a segment begins with a key frame; those within it are the encoder's choice
        if format.codec != "ffv1":
            codec.colorspace, codec.color_range = self._tags.matrix, self._tags.range
            codec.color_primaries, codec.color_trc = self._tags.primaries, self._tags.transfer
        self._stream = stream

    def write(self, frame: Frame) -> None:
        """Encode one frame.

        Raises:
            OSError: If the disk is full.
        """
        tick = round(frame.time / self._unit)
        if self.ticks and tick <= self.ticks[-1]:  # finer than the format's clock
            tick = self.ticks[-1] + 1
        self.ticks.append(tick)
        self.end = max(tick + 1, round((frame.time + frame.duration) / self._unit))
        pixels, alpha = self._padded(frame.pixels), frame.alpha if self._alpha else None
        if alpha is not None:
            alpha = self._padded(alpha)
        elif self._alpha:
            alpha = np.full(pixels.shape[:2], 255, np.uint8)
        encoded = from_rgb(pixels, alpha, self._pixel_format, self._tags, self._scaler)
        encoded.pts, encoded.time_base = tick - self.ticks[0], self._unit
        self._container.mux(self._stream.encode(encoded))

    def close(self) -> None:
        """Write what the encoder still holds, and end the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._container.close()

    def _padded(self, pixels: np.ndarray) -> np.ndarray:
        if self._pad == (0, 0):
            return pixels
        widths = [(0, self._pad[0]), (0, self._pad[1])] + [(0, 0)] * (pixels.ndim - 2)
        return np.pad(pixels, widths, mode="edge")


def _sane(rate: Fraction) -> Fraction:
    """A rate that encoders take; it only guides how they spend bits."""
    return Fraction(rate).limit_denominator(1001) if 1 <= rate <= 1000 else Fraction(25)
