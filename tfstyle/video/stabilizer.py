"""Keeps strokes where they are: painted frames carried along the motion of the video instead of painted anew.

A network paints a thing that moved by a part of a pixel with other strokes, which flickers. So strokes of the last
frame are carried to where their things went. They are not averaged with the new ones, which would blur both. Light and
colour follow the new painted frame; strokes give way to new ones where nothing can be carried (what was hidden, what
enters, another scene), where what they were painted for has changed, and when they have lived long enough, place by
place.
"""

from fractions import Fraction

import cv2
import numpy as np

from tfstyle.errors import RequestError
from tfstyle.video.motion import FrameMotion, color_difference, half_size

DEFAULT_STABILITY = 0.5
_LONGEST_LIFE = 6.0  # seconds of strokes that move, at a stability of 1
_SPREAD = 0.5  # of a life, by which neighbours live shorter or longer
_PATCH = 12  # px of half size, over which neighbours live about as long
_FADE = 4  # frames in which new strokes take over
_FOLLOW = 0.3  # of the low band, a frame, by which light and colour go to those of the new painted frame
_BAND = 8  # px, of the low band
_WARP = cv2.INTER_LANCZOS4  # six times the time of cubic, which blurs: style distance 1.13 beside 1.40 of new strokes
_SHARPEN = 0.02  # of what is finer than a pixel: what carrying takes
_STILL_WEAR = 0.1  # how fast a place that does not move ages beside one that does
_MOVING = 0.25  # px of half size a frame, from which it ages fully
_PASSES, _RESTS = 1.0, 0.25  # px of half size a frame, above and below which a thing passes by, and a place rests
_NEW = 0.9  # share of the new painted frame from which its strokes live from now on
_REACH = 12  # px, over which detail is compared
_LEAST_DETAIL = 2.0  # gray levels, below which there is nothing to compare
_DULL, _HARD = (0.9, 0.65), (1.25, 1.7)  # detail beside that of new strokes, from where it is bad to where it is worst
_CHANGED = (20.0, 50.0)  # gray levels between what strokes were painted for and what is there, from which they age fast


class Stabilizer:
    """Carries strokes from frame to frame; for one video, frame after frame.

    Args:
        stability: 0..1, how long strokes live; 0 leaves every painted frame as it is.
        rate: Frames a second.

    Raises:
        RequestError: If the stability is out of range.
    """

    def __init__(self, stability: float = DEFAULT_STABILITY, rate: Fraction | float = 25):
        check_stability(stability)
        self.stability = stability
        self._life = np.float32(max(_FADE, _LONGEST_LIFE * stability**2 * float(rate)))
        self._count = 0  # frames, of which noise is made: the same wherever a run was taken up again
        self._shown: np.ndarray | None = None  # the last frame as it was shown, float32 [H,W,3]
        self._left: np.ndarray | None = None  # frames that strokes have left, float32 [h,w], half size
        self._passing: np.ndarray | None = None  # where something moved fast, bool [h,w], half size
        self._seen: np.ndarray | None = None  # what they were painted for, uint8 [h,w,3], half size

    def next(self, painted: np.ndarray, pixels: np.ndarray, motion: FrameMotion | None) -> np.ndarray:
        """The next frame as it is to be shown.

        Args:
            painted: The painted frame, uint8 `[H,W,3]`.
            pixels: The frame it was painted from, uint8 `[H,W,3]`.
            motion: From the frame before; None for the first.

        Returns:
            uint8 `[H,W,3]`.
        """
        if self.stability == 0:
            return painted
        self._count += 1
        small = half_size(pixels)
        if self._shown is None or motion is None or motion.cut:
            self._shown = painted.astype(np.float32)
            self._left = self._life * self._noise(small.shape[:2], 0.0, 1.0)
            self._seen = small
            self._passing = np.zeros(small.shape[:2], bool)
            return painted
        height, width = painted.shape[:2]
        lookup = motion.lookup(height, width)
        carried = _carried(self._shown, lookup, motion)
        spoilt = _spoilt(carried, painted)
        fresh = self._aged(small, motion, spoilt)
        fresh = cv2.resize(fresh, (width, height), interpolation=cv2.INTER_LINEAR)
        difference = cv2.subtract(painted.astype(np.float32), carried)
        low = self._low_band(difference, motion.trust)
        finer = cv2.subtract(carried, cv2.GaussianBlur(carried, (3, 3), 0))
        moved = cv2.resize(
            _interpolated(motion, width) * np.float32(_SHARPEN), (width, height), interpolation=cv2.INTER_LINEAR
        )
        carried = cv2.scaleAdd(low, _FOLLOW, cv2.add(carried, cv2.multiply(finer, cv2.merge([moved] * 3))))
        cv2.subtract(painted.astype(np.float32), carried, dst=difference)
        shown = cv2.add(carried, cv2.multiply(difference, cv2.merge([fresh] * 3)))
        self._shown = np.clip(shown, 0, 255, out=shown)
        return cv2.convertScaleAbs(shown)

    def state(self) -> dict[str, np.ndarray]:
        """What the next frame depends on, as arrays."""
        arrays = {"shown": self._shown, "left": self._left, "seen": self._seen, "passing": self._passing}
        return {"count": np.array(self._count)} | {name: value for name, value in arrays.items() if value is not None}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on where `state` was taken."""
        self._count = int(state["count"])
        self._shown, self._left, self._seen = state.get("shown"), state.get("left"), state.get("seen")
        self._passing = state.get("passing")

    def _aged(self, small: np.ndarray, motion: FrameMotion, spoilt: np.ndarray) -> np.ndarray:
        """How much of the new painted frame shows, float32 `[h,w]`, 0..1; where it is all, new lives begin."""
        assert self._left is not None
        assert self._seen is not None
        assert self._passing is not None
        lookup = motion.lookup(*small.shape[:2])
        left = cv2.remap(self._left, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        seen = cv2.remap(self._seen, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        wear = np.maximum(_moved(motion), _STILL_WEAR)
        changed = cv2.blur(color_difference(small, seen), (5, 5))
        low, high = _CHANGED
        changed = np.clip((changed - low) / (high - low), 0, 1)
        spoilt = cv2.resize(spoilt, changed.shape[::-1], interpolation=cv2.INTER_LINEAR)
        wear += cv2.max(changed, spoilt) * (self._life / _FADE)
        # What a thing leaves behind is painted anew at once: there nobody looks.
        length = cv2.magnitude(motion.flow[..., 0], motion.flow[..., 1])
        left = np.where(self._passing & (length < _RESTS) & (left > _FADE), np.float32(_FADE), left)
        self._passing = cv2.dilate((length > _PASSES).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
        left = np.where(left > 0, np.maximum(left - wear, 0), left - 1)  # what fades goes on fading, frame by frame
        # Weights by which old strokes give way evenly: 1/4, 1/3, 1/2, 1 of what is left of them.
        fading = np.where(left <= 0, 1 / np.maximum(_FADE + left, 1), 0).astype(np.float32)
        fresh = cv2.max(1 - motion.trust, fading)
        lives = self._life * self._noise(left.shape, 1 - _SPREAD, 1 + _SPREAD)
        self._left = np.where(fresh > _NEW, lives, left)
        weight = (fresh * 256).astype(np.uint16)[..., None]
        self._seen = ((seen * (256 - weight) + small * weight) >> 8).astype(np.uint8)
        return fresh

    def _noise(self, shape: tuple[int, ...], least: float, most: float) -> np.ndarray:
        """Smooth noise, float32 `[h,w]`, evenly between two values."""
        rows, columns = shape[0] // _PATCH + 2, shape[1] // _PATCH + 2
        coarse = np.random.default_rng(self._count).random((rows, columns), np.float32)
        fine = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
        return np.clip(fine, 0, 1) * np.float32(most - least) + np.float32(least)

    def _low_band(self, difference: np.ndarray, trust: np.ndarray) -> np.ndarray:
        """Of a difference `[H,W,3]`, what is broader than strokes, where the old frame can be trusted."""
        height, width = difference.shape[:2]
        size = max(2, width // _BAND), max(2, height // _BAND)
        weight = cv2.resize(trust, size, interpolation=cv2.INTER_AREA)
        coarse = cv2.resize(difference, size, interpolation=cv2.INTER_AREA) * weight[..., None]
        coarse, weight = cv2.GaussianBlur(coarse, (0, 0), 1.0), cv2.GaussianBlur(weight, (0, 0), 1.0)
        coarse /= np.maximum(weight, 0.1)[..., None]
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def _carried(shown: np.ndarray, lookup: np.ndarray, motion: FrameMotion) -> np.ndarray:
    """The last frame where its things went, float32 `[H,W,3]`; what lies still around all that moves is copied."""
    moves = np.any(motion.flow != 0, axis=2)
    carried = shown.copy()
    if not moves.any():
        return carried
    box = []
    for axis, side in ((1, shown.shape[0]), (0, shown.shape[1])):
        at, scale = np.flatnonzero(np.any(moves, axis=axis)), side / moves.shape[1 - axis]
        box.append(slice(max(0, int((at[0] - 1) * scale)), min(side, int((at[-1] + 2) * scale) + 1)))
    part = box[0], box[1]
    carried[part] = cv2.remap(shown, lookup[part], None, _WARP, borderMode=cv2.BORDER_REFLECT_101)
    return carried


def _spoilt(carried: np.ndarray, painted: np.ndarray) -> np.ndarray:
    """Where strokes went dull or hard on their way, float32 `[h,w]`, 0..1: by their detail beside that of new ones."""
    old, new = _detail(carried), _detail(painted)
    ratio = (old + _LEAST_DETAIL) / (new + _LEAST_DETAIL)
    dull, hard = _DULL, _HARD
    return np.clip(cv2.max((dull[0] - ratio) / (dull[0] - dull[1]), (ratio - hard[0]) / (hard[1] - hard[0])), 0, 1)


def _detail(pixels: np.ndarray) -> np.ndarray:
    """How much strokes stand out, gray levels, float32, a sixteenth of the size."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    edges = np.abs(cv2.Laplacian(gray, cv2.CV_32F))
    size = max(2, gray.shape[1] // _REACH), max(2, gray.shape[0] // _REACH)
    return cv2.blur(cv2.resize(edges, size, interpolation=cv2.INTER_AREA), (3, 3))


def _moved(motion: FrameMotion) -> np.ndarray:
    """How much each place moves, float32 `[h,w]`, half size, 0 (still) to 1."""
    return cv2.min(cv2.magnitude(motion.flow[..., 0], motion.flow[..., 1]) / np.float32(_MOVING), 1)


def _interpolated(motion: FrameMotion, width: int) -> np.ndarray:
    """How far between pixels each place is looked up, float32 `[h,w]`, half size, 0..1: what blurs."""
    flow = motion.flow * np.float32(width / motion.flow.shape[1])
    part = flow - np.floor(flow)
    between = 4 * part * (1 - part)
    return cv2.min((between[..., 0] + between[..., 1]) / 2, 1)


def check_stability(stability: float) -> None:
    """See that a stability is within its range.

    Raises:
        RequestError: If it is outside 0..1.
    """
    if not 0 <= stability <= 1:
        raise RequestError(f"Expected a stability from 0 (off) to 1 (strokes live longest), got {stability}.")
