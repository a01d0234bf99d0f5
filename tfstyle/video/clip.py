"""What a video is to everything after its reader: frames in order, and what is known of all of them."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame, upright, with square pixels.

    Attributes:
        pixels: RGB uint8 `[H,W,3]`, sRGB.
        time: Seconds from the beginning of the output.
        duration: Seconds until the next frame.
        alpha: Opacity uint8 `[H,W]`; None is opaque.
    """

    pixels: np.ndarray
    time: Fraction
    duration: Fraction
    alpha: np.ndarray | None = None


@dataclass
class ClipInfo:
    """What holds for all frames of a video.

    Attributes:
        width: Columns of every frame, as they are painted.
        height: Rows.
        rate: Frames a second, on average.
        time_base: The unit that the times of frames are whole multiples of, seconds.
        frames: How many there will be; None where nobody knows before the end.
        duration: Seconds, of what is painted; None where nobody knows.
        loop: How often an animation is shown; 0 is for ever, None is no animation.
        has_alpha: Whether frames have an opacity.
        notes: What was done that the owner may want to know, one sentence each; grows while frames are read.
        faults: What was wrong with the file, one sentence each; what could be read was.
    """

    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    frames: int | None = None
    duration: Fraction | None = None
    loop: int | None = None
    has_alpha: bool = False
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
