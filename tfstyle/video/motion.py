"""Motion between two frames: where each place was before, how far that can be trusted, and whether the scene changes.

Flow by OpenCV's DIS, at half the frames' size, where its usual settings would end as well. The way there, which only
shows what is hidden, is found roughly: that takes a fifth of the time.

Reference: T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search" (ECCV 2016).
"""

from dataclasses import dataclass

import cv2
import numpy as np

_SCALE = 0.5  # of the frame, at which flow is looked for
_LONGEST = 640  # px, at most
_SMALLEST = 16  # px a side that DIS needs
_DISAGREEMENT = 2.0  # px of half size between the ways there and back; more is hidden or uncovered
_OF_MOTION = 0.1  # and this share of the way itself
_COLOR_JUMP = (20.0, 40.0)  # gray levels, from which trust falls to where it is gone
_BY_CAMERA = (0.6, 6.0)  # gray levels by which flow must be nearer than the camera's motion, and from which neither is
_DRAGGED = 0.7  # px of half size between flow and a moving camera's, from which flow is thought to guess
_RESTING = 0.1  # px of half size; a camera that moves less stands still
_SAMPLE = 16  # px of half size, between places that tell of the camera
_ROUNDS = 5  # of fitting its motion to them, each with less weight on what moves by itself
_CUT = 0.5  # share of the frame that cannot be trusted, from which it is another scene


@dataclass(frozen=True, eq=False)
class FrameMotion:
    """How one frame came out of the one before.

    Attributes:
        flow: float32 `[h,w,2]` at half size: x and y, in px of half size, from a place to where it was before.
        trust: float32 `[h,w]`, 0..1: how surely it was there.
        cut: Whether a scene begins here; then nothing of the frame before is in this one.
    """

    flow: np.ndarray
    trust: np.ndarray
    cut: bool

    def lookup(self, height: int, width: int) -> np.ndarray:
        """Where to look in the frame before, float32 `[height,width,2]`, x and y in pixels, for `cv2.remap`."""
        rows, columns = self.flow.shape[:2]
        if (rows, columns) == (height, width):
            return self.flow + _grid(height, width)
        scale = np.array([width / columns, height / rows], np.float32)
        flow = cv2.resize(self.flow * scale, (width, height), interpolation=cv2.INTER_LINEAR)
        return cv2.add(flow, _grid(height, width))


class MotionEstimator:
    """Finds motion from frame to frame; for one video, frame after frame."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._dis.setFinestScale(0)
        self._check = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._check.setFinestScale(1)
        self._before: tuple[np.ndarray, np.ndarray] | None = None

    def to(self, pixels: np.ndarray) -> FrameMotion | None:
        """Motion from the frame before to this one, RGB uint8 `[H,W,3]`; None for the first frame."""
        small = half_size(pixels)
        gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        before, self._before = self._before, (small, gray)
        if before is None:
            return None
        back = self._dis.calc(gray, before[1], None)
        forth = self._check.calc(before[1], gray, None)
        return _judged(small, before[0], back, forth)


def half_size(pixels: np.ndarray) -> np.ndarray:
    """Pixels `[H,W,...]` at the size at which motion is looked for."""
    height, width = pixels.shape[:2]
    scale = min(_SCALE, _LONGEST / max(height, width))
    size = max(_SMALLEST, round(width * scale)), max(_SMALLEST, round(height * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def color_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The largest difference of a channel, float32 `[h,w]`, gray levels, of two pictures uint8 `[h,w,3]`."""
    red, green, blue = cv2.split(cv2.absdiff(one, other))
    return cv2.max(cv2.max(red, green), blue).astype(np.float32)


def _judged(now: np.ndarray, before: np.ndarray, back: np.ndarray, forth: np.ndarray) -> FrameMotion:
    height, width = now.shape[:2]
    camera = _camera_motion(back)
    by_flow, by_camera = _unexplained(now, before, back), _unexplained(now, before, camera)
    # Flow guesses where there is nothing to see, and drags a wall along with who walks past it.
    still = (by_camera < by_flow + _BY_CAMERA[0]) & (by_camera < _BY_CAMERA[1])
    if camera.any():  # which is known less exactly than flow that agrees with it
        apart = cv2.magnitude(back[..., 0] - camera[..., 0], back[..., 1] - camera[..., 1])
        still &= apart > _DRAGGED
    still = cv2.medianBlur(still.astype(np.uint8), 5).astype(bool)
    back = np.where(still[..., None], camera, back)
    lookup = back + _grid(height, width)
    length = cv2.magnitude(back[..., 0], back[..., 1])
    there = cv2.remap(forth, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    apart = cv2.magnitude(back[..., 0] + there[..., 0], back[..., 1] + there[..., 1])
    trust = (apart < _DISAGREEMENT + _OF_MOTION * length) | still
    x, y = lookup[..., 0], lookup[..., 1]
    trust &= (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    carried = cv2.remap(before, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    jump = cv2.blur(color_difference(now, carried), (3, 3))
    low, high = _COLOR_JUMP
    by_color = np.clip((high - jump) / (high - low), 0, 1)
    surely = cv2.erode(trust.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    trust = cv2.GaussianBlur(cv2.min(surely, by_color), (0, 0), 1.0)
    return FrameMotion(back, trust, bool((trust < 0.5).mean() > _CUT))


def _unexplained(now: np.ndarray, before: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """What is left of the difference of two frames when the one before is moved, gray levels, float32 `[h,w]`."""
    lookup = flow + _grid(*now.shape[:2])
    carried = cv2.remap(before, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.blur(color_difference(now, carried), (5, 5))


def _camera_motion(flow: np.ndarray) -> np.ndarray:
    """What most of a flow agrees on, as an affine map, float32 `[h,w,2]`; exactly zero for a camera at rest."""
    height, width = flow.shape[:2]
    grid = _grid(height, width)
    half = _SAMPLE // 2
    points = grid[half::_SAMPLE, half::_SAMPLE].reshape(-1, 2).astype(np.float64)
    moved = flow[half::_SAMPLE, half::_SAMPLE].reshape(-1, 2).astype(np.float64)
    terms = np.column_stack([np.ones(len(points)), points - (width / 2, height / 2)]) / (1, width, width)
    fit = np.zeros((3, 2))
    fit[0] = np.median(moved, axis=0)
    for _ in range(_ROUNDS if len(points) >= 12 else 0):
        weights = 1 / (0.1 + np.square(moved - terms @ fit).sum(axis=1))
        fit = np.linalg.lstsq(terms * weights[:, None], moved * weights[:, None], rcond=None)[0]
    if np.abs(terms @ fit).max() < _RESTING:
        return np.zeros_like(flow)
    x, y = (grid[..., 0] - width / 2) / width, (grid[..., 1] - height / 2) / width
    return np.dstack([fit[0, axis] + fit[1, axis] * x + fit[2, axis] * y for axis in (0, 1)]).astype(np.float32)


_grids: dict[tuple[int, int], np.ndarray] = {}


def _grid(height: int, width: int) -> np.ndarray:
    """Each place's own coordinates, x and y, float32 `[height,width,2]`."""
    if (height, width) not in _grids:
        if len(_grids) > 4:
            _grids.clear()
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        _grids[height, width] = np.dstack([x, y])
    return _grids[height, width]
