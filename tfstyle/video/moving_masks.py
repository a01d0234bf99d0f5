"""Masks of a video: places for every frame, those of people and subjects found anew and carried along the motion.

A mask that is found in each frame by itself jumps; so what was found before goes along with its things, and what is
found now is mixed in.
"""

import contextlib

import cv2
import numpy as np

from tfstyle.errors import MaskError
from tfstyle.imaging.photo import Photo
from tfstyle.masks.mask import resolve
from tfstyle.masks.segmentation import SEGMENTS, person
from tfstyle.stylize.options import StylizeOptions
from tfstyle.video.motion import FrameMotion

_PERSON, _BACKGROUND = "person", "background"
_FOUND = 0.35  # share of a mask that is found now; the rest was carried
_LOST = 0.15  # share by which a mask goes where nothing is found


class MovingMasks:
    """The masks that options ask for, frame after frame.

    Args:
        options: Whose places are looked for.

    Attributes:
        moving: Whether any of them looks at what is in the frames.
    """

    def __init__(self, options: StylizeOptions):
        self._places = [place for place, _ in options.places]
        self._fade = options.fade
        self._resting: dict[int, np.ndarray] = {}
        self._carried: dict[str, np.ndarray] = {}  # by name; a background is what a person leaves
        self._kinds = {_kind(place) for place in self._places if isinstance(place, str) and place in SEGMENTS}
        self.moving = bool(self._kinds)
        self.notes: list[str] = []

    def next(self, pixels: np.ndarray, motion: FrameMotion | None) -> list[np.ndarray | None]:
        """The masks of the next frame, one for each place, float32 `[H,W]`, 0..1; None is everywhere.

        Args:
            pixels: The frame, uint8 `[H,W,3]`.
            motion: From the frame before; None for the first.

        Raises:
            MaskError: If a mask cannot be read or has another shape than the frames.
        """
        for kind in self._kinds:
            self._carried[kind] = self._tracked(kind, pixels, motion)
        return [self._mask(number, pixels) for number in range(len(self._places))]

    def state(self) -> dict[str, np.ndarray]:
        """What the next masks depend on, as arrays."""
        return dict(self._carried)

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on where `state` was taken."""
        self._carried = {kind: state[kind] for kind in self._kinds if kind in state}

    def _mask(self, number: int, pixels: np.ndarray) -> np.ndarray | None:
        place = self._places[number]
        if place is None:
            return None
        if isinstance(place, str) and place in SEGMENTS:
            carried = self._carried[_kind(place)]
            return 1 - carried if place == _BACKGROUND else carried
        if number not in self._resting:
            mask = resolve(place, *pixels.shape[:2], fade=self._fade, photo=Photo(pixels), of="video")
            self._resting[number] = mask.values
            self.notes += mask.notes
        return self._resting[number]

    def _tracked(self, kind: str, pixels: np.ndarray, motion: FrameMotion | None) -> np.ndarray:
        found: np.ndarray | None = None
        with contextlib.suppress(MaskError):  # nobody is there, or not yet
            found = person(pixels) if kind == _PERSON else SEGMENTS[kind](pixels)
        before = self._carried.get(kind)
        if before is None or motion is None or motion.cut:
            return np.zeros(pixels.shape[:2], np.float32) if found is None else found
        height, width = pixels.shape[:2]
        lookup = motion.lookup(height, width)
        carried = cv2.remap(before, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if found is None:
            return carried * np.float32(1 - _LOST)
        trust = cv2.resize(motion.trust, (width, height), interpolation=cv2.INTER_LINEAR)
        share = 1 - trust * np.float32(1 - _FOUND)  # where the motion is not known, only what is found
        return np.clip(carried + share * (found - carried), 0, 1)


def _kind(place: str) -> str:
    return _PERSON if place == _BACKGROUND else place
