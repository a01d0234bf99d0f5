"""The guided filter: a coarse mask takes on the edges of its photo, down to hair, in time linear in the pixels.

Reference: K. He, J. Sun, X. Tang, "Guided Image Filtering" (ECCV 2010; TPAMI 2013), sections 3 and 3.5 (colour guide);
subsampled as in K. He, J. Sun, "Fast Guided Filter" (arXiv:1505.00996).
"""

import numpy as np
from PIL import Image

# Chosen on photos with known masks: wider windows and a larger epsilon smear the edge off the outline again.
RADIUS_SHARE = 1 / 100  # of the longer side
EPSILON = 1e-5  # variance of colours, 0..1 squared, below which a window counts as flat

_STRIP_ROWS = 256


def guided_filter(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Smooth `values` where the guide is flat, and keep or create edges where the guide has them.

    Args:
        guide: float `[H,W,3]`, 0..1.
        values: float `[H,W]`.
        radius: Windows are squares of `2 * radius + 1` pixels, cut off at the border.
        epsilon: > 0; the larger, the fewer edges of the guide are followed.

    Returns:
        float32 `[H,W]`; may leave the range of `values` a little.
    """
    return _apply(_coefficients(guide, values, radius, epsilon), guide)


def refine(values: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Bring a coarse mask to the photo's size and edges.

    The filter's linear model is fitted at the mask's size and applied at the photo's, strip by strip, so that a photo
    of any size costs little more memory than its mask.

    Args:
        values: float32 `[h,w]`, 0..1, of the photo's aspect ratio and not larger.
        pixels: The photo, uint8 `[H,W,3]`.

    Returns:
        float32 `[H,W]`, 0..1.
    """
    height, width = pixels.shape[:2]
    rows, columns = values.shape
    guide = np.asarray(Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BOX)) / np.float32(255)
    model = _coefficients(guide, values, max(2, round(max(rows, columns) * RADIUS_SHARE)), EPSILON)
    planes = [Image.fromarray(np.ascontiguousarray(model[:, :, channel])) for channel in range(4)]
    refined = np.empty((height, width), np.float32)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        box = (0, top * rows / height, columns, bottom * rows / height)
        size = (width, bottom - top)
        strip = [np.asarray(plane.resize(size, Image.Resampling.BILINEAR, box=box)) for plane in planes]
        refined[top:bottom] = _apply(np.stack(strip, axis=-1), pixels[top:bottom] / np.float32(255))
    return np.clip(refined, 0, 1, out=refined)


def box_mean(values: np.ndarray, radius: int) -> np.ndarray:
    """Mean over the square window around each pixel, cut off at the border, by cumulative sums.

    Args:
        values: float `[H,W]` or `[H,W,C]`.
        radius: Pixels to each side of the centre.

    Returns:
        float32, of the same shape.
    """
    if values.ndim == 3:
        return np.stack([box_mean(values[:, :, channel], radius) for channel in range(values.shape[2])], axis=-1)
    for axis in (0, 1):
        count = values.shape[axis]
        sums = np.cumsum(values, axis=axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis=axis)
        first = np.maximum(np.arange(count) - radius, 0)
        end = np.minimum(np.arange(count) + radius + 1, count)
        widths = (end - first) if axis == 1 else (end - first)[:, None]
        values = ((sums.take(end, axis) - sums.take(first, axis)) / widths).astype(np.float32)
    return values


def _coefficients(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """The linear model around each pixel, float32 `[H,W,4]`: three slopes and the offset (equations 19 to 21)."""
    mean = box_mean(guide, radius)
    mean_values = box_mean(values, radius)
    covariance = np.empty((*values.shape, 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            covariance[..., i, j] = box_mean(guide[..., i] * guide[..., j], radius) - mean[..., i] * mean[..., j]
            covariance[..., j, i] = covariance[..., i, j]
    covariance += epsilon * np.eye(3, dtype=np.float32)
    with_values = box_mean(guide * values[..., None], radius) - mean * mean_values[..., None]
    slopes = np.linalg.solve(covariance, with_values[..., None])[..., 0]
    offset = mean_values - (slopes * mean).sum(axis=-1)
    return box_mean(np.concatenate([slopes, offset[..., None]], axis=-1), radius)


def _apply(model: np.ndarray, guide: np.ndarray) -> np.ndarray:
    return np.einsum("hwc,hwc->hw", model[..., :3], guide, dtype=np.float32) + model[..., 3]
