"""Which way up a frame is: the display matrix that phones write instead of turning pixels."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.frame import VideoFrame


@dataclass(frozen=True)
class Orientation:
    """How stored pixels become upright ones: transposed first, then mirrored."""

    transposed: bool = False
    mirrored_across: bool = False  # left and right change places
    mirrored_down: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> "Orientation":
        """That of a decoded frame, by its display matrix: (x, y) -> (a x + c y, b x + d y), y down."""
        known: Any = frame.side_data
        matrices = [bytes(data) for data in known if data.type.name == "DISPLAYMATRIX"]
        if not matrices or len(matrices[0]) != 36:
            return cls()
        a, b, _, c, d, _, _, _, _ = struct.unpack("=9i", matrices[0])
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def upright(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels `[H,W,...]` upright, contiguous."""
        if self == Orientation():
            return pixels
        if self.transposed:
            pixels = np.swapaxes(pixels, 0, 1)
        rows = slice(None, None, -1 if self.mirrored_down else 1)
        columns = slice(None, None, -1 if self.mirrored_across else 1)
        return np.ascontiguousarray(pixels[rows, columns])

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height, upright for stored or stored for upright."""
        return (height, width) if self.transposed else (width, height)
