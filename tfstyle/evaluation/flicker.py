"""How steady a painted video is, as numbers, on the motion of the video that it was painted from.

Lower flicker is better, and only beside sharpness and the distances: a video of one gray is perfectly steady.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

Pixels = np.ndarray  # uint8 [H, W, 3]

_DISAGREEMENT = 1.0  # px between the ways there and back, from which a place counts as hidden


@dataclass(frozen=True)
class Flicker:
    """What was measured of a painted video."""

    warped_difference: float  # gray levels, root mean square: painted frames less those before, warped along the motion
    ratio: float  # the same over that of the video's own frames
    sharpness: float  # standard deviation of the Laplacian, gray levels, mean over the frames


def measure(frames: Iterable[Pixels], painted: Iterable[Pixels]) -> Flicker:
    """Measure a painted video.

    Motion is found by OpenCV's DIS in the video itself; what is hidden or enters is left out.

    Args:
        frames: The video's frames, two or more.
        painted: As many painted ones, of the same size.

    Raises:
        ValueError: If there is one frame only.

    Reference: the warping error of [Lai et al., 2018](https://arxiv.org/abs/1808.00449), section 4.2.
    """
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    own, theirs, sharpness, count = 0.0, 0.0, [], 0
    before: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    for frame, painting in zip(frames, painted, strict=True):
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        sharpness.append(float(cv2.Laplacian(cv2.cvtColor(painting, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std()))
        if before is not None:
            lookup, seen = _motion(dis, gray, before[0])
            own += _mean_square(frame, before[1], lookup, seen)
            theirs += _mean_square(painting, before[2], lookup, seen)
            count += 1
        before = gray, frame, painting
    if not count:
        raise ValueError("Expected two frames or more, got one.")
    own, theirs = (own / count) ** 0.5, (theirs / count) ** 0.5
    return Flicker(theirs, theirs / max(own, 1e-6), float(np.mean(sharpness)))


def _motion(dis: cv2.DISOpticalFlow, now: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel was, for `cv2.remap`, and whether it was seen there."""
    height, width = now.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    back, forth = dis.calc(now, before, None), dis.calc(before, now, None)
    lookup = back + np.dstack([x, y])
    there = cv2.remap(forth, lookup, None, cv2.INTER_LINEAR)
    seen = cv2.magnitude(back[..., 0] + there[..., 0], back[..., 1] + there[..., 1]) < _DISAGREEMENT
    inside = (lookup >= 0).all(axis=2) & (lookup[..., 0] <= width - 1) & (lookup[..., 1] <= height - 1)
    return lookup, seen & inside


def _mean_square(now: Pixels, before: Pixels, lookup: np.ndarray, seen: np.ndarray) -> float:
    warped = cv2.remap(before, lookup, None, cv2.INTER_LINEAR)
    difference = (now.astype(np.float32) - warped)[seen]
    return float(np.square(difference).mean()) if difference.size else 0.0
