"""How steady a style is, as numbers: what moves, is noisy or sharp in a photo, and what becomes of it in its painting.

Lower is better, and only beside the distances: a network that paints nothing is perfectly steady.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from PIL import Image

Pixels = np.ndarray  # uint8 [H, W, 3]
Stylize = Callable[[Pixels], Pixels]

SHIFT = 2  # px that the photo is moved by, right and then down
NOISE = 2.0  # gray levels, standard deviation of the noise that is added: what flickers in a still video
FRAMES = 4  # of the synthetic motion
PAN = (1.3, 0.7)  # px a frame, right and down, at the photo's own scale
ZOOM = 1.004  # a frame
MARGIN = 24  # px at each border that are not compared, where other pixels lie or the border itself acts
LUMA = np.array([0.299, 0.587, 0.114], "float32")


@dataclass(frozen=True)
class Stability:
    """What was measured of one style on one photo, or means over photos."""

    shift_error: float  # gray levels, root mean square: the photo moved by 2 px, painted, less the painting moved
    noise_gain: float  # mean difference that noise makes in the painting, over what it is in the photo
    motion_error: float  # gray levels, root mean square: painted frames of a slow pan and zoom, each warped to the next
    motion_ratio: float  # the same over that of the frames themselves
    luminance_ssim: float  # structural similarity of painting and photo, luminance: 1 is equal


def measure(stylize: Stylize, photo: Pixels) -> Stability:
    """All of it for one style.

    Args:
        stylize: A photo to its painting, uint8 `[H, W, 3]` both.
        photo: Sides of at least 100 px.
    """
    painted = stylize(photo)
    own, moving = motion_errors(stylize, photo)
    return Stability(
        shift_error=shift_error(stylize, photo),
        noise_gain=noise_gain(stylize, photo, painted),
        motion_error=moving,
        motion_ratio=moving / own,
        luminance_ssim=luminance_ssim(painted, photo),
    )


def mean(measured: Sequence[Stability]) -> Stability:
    """Means over photos or styles."""
    return Stability(
        **{field.name: float(np.mean([getattr(one, field.name) for one in measured])) for field in fields(Stability)}
    )


def shift_error(stylize: Stylize, photo: Pixels, shift: int = SHIFT) -> float:
    """How far a photo that begins `shift` px further right, or further down, is painted otherwise; gray levels."""
    moved = ((photo[:, :-shift], photo[:, shift:], 1), (photo[:-shift], photo[shift:], 0))
    squares = []
    for before, behind, axis in moved:
        here, there = (np.moveaxis(stylize(part).astype("float32"), axis, 0) for part in (before, behind))
        squares.append(np.mean(np.square((here[shift:] - there[:-shift])[MARGIN:-MARGIN, MARGIN:-MARGIN])))
    return float(np.sqrt(np.mean(squares)))


def noise_gain(stylize: Stylize, photo: Pixels, painted: Pixels | None = None) -> float:
    """How much stronger noise comes out than it went in: 1 is as strong.

    Args:
        painted: The painting of `photo`, where it is there already.
    """
    painted = stylize(photo) if painted is None else painted
    noise = np.random.default_rng(0).normal(0, NOISE, photo.shape)
    noisy = np.clip(np.rint(photo + noise), 0, 255).astype("uint8")
    change = np.abs(stylize(noisy).astype("float32") - painted).mean()
    return float(change / np.abs(noisy.astype("float32") - photo).mean())


def motion_errors(stylize: Stylize, photo: Pixels) -> tuple[float, float]:
    """How far frames of a slow pan and zoom differ from the frame before, warped along the motion; gray levels.

    The motion is made, so it is known exactly, and nothing is hidden or uncovered: what is left is flicker, and what
    interpolation takes from sharp pictures.

    Returns:
        Root mean squares of the photo's own frames, and of the painted ones.

    Reference: the measure of [Lai et al., 2018](https://arxiv.org/abs/1808.00449), section 4.2, without estimated flow.
    """
    height, width = photo.shape[:2]
    crop = (width - 2 * MARGIN, height - 2 * MARGIN)
    boxes = []
    for number in range(FRAMES):
        scale = ZOOM**-number
        left, top = MARGIN / 2 + PAN[0] * number, MARGIN / 2 + PAN[1] * number
        boxes.append((left, top, left + crop[0] * scale, top + crop[1] * scale))
    whole = Image.fromarray(photo)
    frames = [np.asarray(whole.resize(crop, Image.Resampling.BICUBIC, box=box)) for box in boxes]
    painted = [stylize(frame) for frame in frames]
    return _warped_difference(frames, boxes), _warped_difference(painted, boxes)


def luminance_ssim(painted: Pixels, photo: Pixels) -> float:
    """Structural similarity of the luminance of two pictures, 1 for equal ones.

    Reference: Wang et al., 2004, *Image quality assessment: from error visibility to structural similarity*.
    """
    import tensorflow as tf

    luminances = [(picture.astype("float32") @ LUMA)[None, :, :, None] for picture in (painted, photo)]
    return float(tf.image.ssim(*luminances, max_val=255)[0])


def _warped_difference(frames: Sequence[Pixels], boxes: Sequence[tuple[float, float, float, float]]) -> float:
    """Root mean square over all pairs of neighbours of a frame less the one before it, warped to it."""
    differences = []
    for before, now, box_before, box in zip(frames, frames[1:], boxes, boxes[1:], strict=False):
        height, width = now.shape[:2]
        # A pixel of this frame shows a point of the photo; where was that in the frame before?
        scale = (box[2] - box[0]) / (box_before[2] - box_before[0])
        per_pixel = (box_before[2] - box_before[0]) / width
        left, top = (box[0] - box_before[0]) / per_pixel, (box[1] - box_before[1]) / per_pixel
        warped = Image.fromarray(before).transform(
            (width, height), Image.Transform.AFFINE, (scale, 0, left, 0, scale, top), Image.Resampling.BICUBIC
        )
        differences.append((np.asarray(warped, "float32") - now)[MARGIN:-MARGIN, MARGIN:-MARGIN])
    return _root_mean_square(np.stack(differences))


def _root_mean_square(difference: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(difference))))
