"""One photo and some style images, and the picture itself is what is learned: the optimization method of Gatys et al.

Minutes a picture instead of a fraction of a second, and in return any style image, any number of them, each with its
own layers, weight and place: the method that Makow and Hernandez extend, and the reference for what a network can
reach.

Large pictures are painted from coarse to fine: halved until the longer side has at most 512 pixels, then each size
starts from what the one before it ended with, and the iterations are shared out evenly. The loss network sees 156
pixels at once, so this is what gives a large picture large strokes ([Gatys et al.,
2017](https://arxiv.org/abs/1611.07865)).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Literal

import numpy as np
import tensorflow as tf
from PIL import Image

from tfstyle.errors import RequestError
from tfstyle.imaging.color import luminance_only, match_luminance
from tfstyle.imaging.photo import MIN_SIDE, Photo
from tfstyle.imaging.style_images import check_style_image
from tfstyle.masks.mask import is_black
from tfstyle.networks.vgg19 import CONTENT_LAYER
from tfstyle.optimization import memory_estimate
from tfstyle.optimization.loss_history import LossHistory
from tfstyle.optimization.objective import Objective, ObjectiveWeights, StyleTarget
from tfstyle.optimization.optimizers import adam, lbfgs

COARSEST = 512  # px, longer side

Optimizer = Literal["adam", "lbfgs"]
Report = Callable[[np.ndarray, LossHistory], None]  # the picture so far, uint8 [h,w,3]; its last row is this iteration


@dataclass(frozen=True, eq=False)
class Optimized:
    """What came out: the picture with its notes, what it went through, and whether Ctrl-C ended it early."""

    picture: Photo
    history: LossHistory
    interrupted: bool = False


def optimize(
    photo: Photo,
    styles: Sequence[StyleTarget],
    *,
    iterations: int = 300,
    optimizer: Optimizer = "lbfgs",
    weights: ObjectiveWeights | None = None,
    init: Literal["photo", "noise"] | Photo = "photo",
    style_size: int | None = None,
    guided: bool = False,
    preserve_color: bool = False,
    matched_luminance: bool = False,
    content_layer: str = CONTENT_LAYER,
    vgg19: str = "embedded",
    seed: int = 0,
    report: Report | None = None,
) -> Optimized:
    """Paint one photo.

    Args:
        photo: What to paint, at the size to paint it; its longer side decides how much memory and time it takes.
        styles: Style images at full size with masks of the photo's and of their own size.
        iterations: Evaluations of loss and gradient, over all sizes together.
        optimizer: `lbfgs` gets further in as many iterations; `adam` is the paper's.
        weights: How hard each term of the loss pulls.
        init: Where to start: the photo, noise, or another picture, which is stretched to the photo's size.
        style_size: Short side that style images are seen at, px at the photo's full size: larger paints broader
            strokes. None gives each as many pixels as the photo. A style image is never enlarged.
        guided: Count style statistics under the masks only, see `tfstyle.optimization.objective.Objective`.
        preserve_color: Keep the photo's colours, take only luminance from what was painted (section 3.5).
        matched_luminance: Give style images the photo's mean and deviation of luminance first.
        content_layer: Layer of the loss network that says what a picture shows.
        vgg19: Weights of the loss network, see `tfstyle.networks.vgg19.VGG19`.
        seed: Of the noise.
        report: Called after every iteration. KeyboardInterrupt, from it or from Ctrl-C, ends with the picture so far.

    Raises:
        PhotoError: If a style image is smaller than 64 pixels a side.
        RequestError: If weights or layers are wrong, or memory would not suffice; says what would fit.
    """
    for style in styles:
        check_style_image(style.pixels, style.name)
    weights = weights or ObjectiveWeights()
    if not any(astuple(weights)):
        raise RequestError("Expected a weight above 0 for some term of the loss, got 0 for all of them.")
    kept, notes = _without_black_masks(styles)
    if not kept:
        return Optimized(replace(photo, notes=(*photo.notes, *notes)), LossHistory())
    masks = {id(style.mask) for style in kept if style.mask is not None}
    seen = [_size_seen(style, photo.height, photo.width, photo, style_size) for style in kept]
    memory_estimate.check(
        photo.height, photo.width, masks=len(masks), matting=weights.matting > 0, style_image=max(seen, key=math.prod)
    )
    if matched_luminance:
        kept = [replace(style, pixels=match_luminance(style.pixels, photo.pixels)) for style in kept]
    run = _Run(photo, report)
    picture = _first_picture(photo, init, np.random.default_rng(seed))
    interrupted = False
    try:
        for (height, width), share in plan(photo.height, photo.width, iterations).items():
            smaller = _resize(photo.pixels, height, width)
            painted = _at_size(kept, height, width, photo, style_size)
            objective = Objective(
                smaller,
                painted,
                weights,
                guided=guided,
                content_layer=content_layer,
                vgg19=vgg19,
            )
            start = _enlarged(picture, smaller, painted, from_photo=init == "photo")
            if optimizer == "adam":
                picture = adam(objective, start, share, run.keep)
            else:
                picture = lbfgs(objective, start, share, run.keep, masked=objective.masked)
    except KeyboardInterrupt:
        if run.picture is None:
            raise
        picture, interrupted = run.picture, True
    except tf.errors.ResourceExhaustedError:  # of a GPU, whose memory cannot be told before
        raise RequestError(
            f"Optimizing {photo.width}x{photo.height} pixels takes more memory than there is; use a smaller --max-size "
            "or --style-size (in Python: a smaller photo)."
        ) from None
    pixels = _enlarged(picture, photo.pixels, kept, from_photo=init == "photo")
    if preserve_color:
        pixels = luminance_only(pixels, photo.pixels)
    result = replace(photo, pixels=_round(pixels), jpeg=None, notes=(*photo.notes, *notes))
    return Optimized(result, run.history, interrupted)


def sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of every size that a picture is painted at, the coarsest first and its own last."""
    levels = [(height, width)]
    while max(levels[0]) > COARSEST and min(levels[0]) >= 2 * MIN_SIDE:
        levels.insert(0, ((levels[0][0] + 1) // 2, (levels[0][1] + 1) // 2))
    return levels


def plan(height: int, width: int, iterations: int) -> dict[tuple[int, int], int]:
    """Iterations at every one of `sizes`: they are shared out evenly."""
    levels = sizes(height, width)
    ends = [iterations * number // len(levels) for number in range(len(levels) + 1)]
    return {size: end - start for size, start, end in zip(levels, ends, ends[1:], strict=False)}


class _Run:
    """Keeps the newest picture and the history."""

    def __init__(self, photo: Photo, report: Report | None):
        self.photo, self.report = photo, report
        self.history = LossHistory()
        self.picture: np.ndarray | None = None
        self.began = time.monotonic()

    def keep(self, picture: np.ndarray, total: float, terms) -> None:
        self.picture = picture
        self.history.add(picture.shape[:2], time.monotonic() - self.began, total, terms)
        if self.report:
            self.report(_round(picture), self.history)


def _without_black_masks(styles: Sequence[StyleTarget]) -> tuple[list[StyleTarget], list[str]]:
    """The styles that reach some pixel, and a note for each mask through which none does."""
    kept = [style for style in styles if style.mask is None or not is_black(style.mask)]
    left_out: dict[int, list[str]] = {}
    for style in styles:
        if style not in kept:
            left_out.setdefault(id(style.mask), []).append(style.name)
    notes = [f"the mask of {' and '.join(names)} is black everywhere: it paints nothing" for names in left_out.values()]
    return kept, notes


def _first_picture(photo: Photo, init: Literal["photo", "noise"] | Photo, rng: np.random.Generator) -> np.ndarray:
    if isinstance(init, Photo):
        return _resize(init.pixels, photo.height, photo.width)
    if init == "noise":
        height, width = sizes(photo.height, photo.width)[0]
        return rng.uniform(0, 255, (height, width, 3)).astype(np.float32)
    return photo.pixels.astype(np.float32)


def _at_size(
    styles: Sequence[StyleTarget], height: int, width: int, photo: Photo, style_size: int | None
) -> list[StyleTarget]:
    """The styles for a picture of this size: style images and masks resized; who shared a mask still does."""
    masks = {id(s.mask): _resize_mask(s.mask, height, width) for s in styles if s.mask is not None}
    return [
        replace(_seen_at(style, height, width, photo, style_size), mask=masks.get(id(style.mask))) for style in styles
    ]


def _enlarged(picture: np.ndarray, photo: np.ndarray, styles: Sequence[StyleTarget], *, from_photo: bool) -> np.ndarray:
    """The picture at the size of the photo, `[H,W,3]`; float32, 0..255.

    Where no style reaches, the enlarged picture would be a blurred photo if it began as one: there it is the photo.
    """
    height, width = photo.shape[:2]
    larger = np.clip(_resize(picture, height, width), 0, 255)
    if not from_photo or picture.shape[0] >= height:
        return larger
    reach = _reach(styles, height, width)
    return reach * larger + (1 - reach) * photo


def _reach(styles: Sequence[StyleTarget], height: int, width: int) -> np.ndarray:
    """How far any style may change each pixel, float32 `[H,W,1]`, 0..1."""
    everywhere = np.ones((height, width), "float32")
    masks = [everywhere if style.mask is None else style.mask for style in styles]
    return np.max(masks, axis=0).astype("float32")[..., None]


def _seen_at(style: StyleTarget, height: int, width: int, photo: Photo, style_size: int | None) -> StyleTarget:
    """The style with its style image as large as it is to be seen beside a picture of this size."""
    rows, columns = _size_seen(style, height, width, photo, style_size)
    mask = style.style_mask
    return replace(
        style,
        pixels=_round(_resize(style.pixels, rows, columns)),
        style_mask=None if mask is None else _resize_mask(mask, rows, columns),
    )


def _size_seen(style: StyleTarget, height: int, width: int, photo: Photo, style_size: int | None) -> tuple[int, int]:
    """Height and width that the style image is seen at beside a picture of this size."""
    rows, columns = style.pixels.shape[:2]
    if style_size is None:
        scale = np.sqrt(height * width / (rows * columns))
    else:
        scale = style_size / min(rows, columns) * height / photo.height
    if scale < 1:
        rows, columns = (max(MIN_SIDE, round(side * scale)) for side in (rows, columns))
    return rows, columns


def _resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.clip(_resize(mask[..., None], height, width)[..., 0], 0, 1)


def _resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """`[h,w,C]` to float32 `[height,width,C]`; antialiased, not rounded, so it may ring beyond the values' range."""
    picture = picture.astype(np.float32)
    if picture.shape[:2] == (height, width):
        return picture
    channels = [Image.fromarray(channel) for channel in np.moveaxis(picture, -1, 0)]
    resized = [np.asarray(channel.resize((width, height), Image.Resampling.LANCZOS)) for channel in channels]
    return np.stack(resized, axis=-1)


def _round(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
