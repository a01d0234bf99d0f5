"""What makes a good stylized image, as numbers.

The formulas of Makow and Hernandez, *Exploring Style Transfer: Extensions to Neural Style Transfer*, sections 3.2, 3.3
and 3.6; and what recipes and `tfstyle.optimization.objective` make of them: the same losses divided by a number of
their target, so that one set of weights serves every style image. Sums over layers and styles (section 3.4) are theirs.
Features are activations of a loss network; every loss is one float32 value per picture.
"""

from typing import Any

from keras import ops

Tensor = Any  # of whichever backend Keras runs on
BORDER = 4  # px, width of the border whose colour is compared with what lies further in
LATTICE_WINDOW = 8  # periods each way that count as one place


def gram_matrix(features: Tensor) -> Tensor:
    """Which channels fire together: the texture of a picture without where it is (section 3.2).

    Args:
        features: Activations `(B, H, W, C)`.

    Returns:
        Gram matrices divided by C*H*W, float32 `(B, C, C)`, in float32 whatever the features are.
    """
    batch, height, width, channels = ops.shape(features)
    flat = ops.cast(ops.reshape(features, (batch, height * width, channels)), "float32")
    # Divided before the product: half-precision features of a large picture would sum beyond their range.
    size = ops.cast(channels, "float32") * ops.cast(height * width, "float32")
    return ops.matmul(ops.swapaxes(flat, 1, 2), flat / size)


def guided_gram_matrix(features: Tensor, guide: Tensor) -> Tensor:
    """The texture of one region: a Gram matrix in which each position counts as much as the guide says.

    Args:
        features: Activations `(B, H, W, C)`.
        guide: `(B, H, W, 1)` or `(1, H, W, 1)`, 0..1, not all 0; at the size of the layer, see `pool_guide`.

    Returns:
        `sum(guide * f f^T) / (C * sum(guide))`, float32 `(B, C, C)`; with a guide of ones the same as `gram_matrix`.

    Reference: [Gatys et al., 2017](https://arxiv.org/abs/1611.07865), whose guides are the square roots of these.
    """
    batch, height, width, channels = ops.shape(features)
    flat = ops.cast(ops.reshape(features, (batch, height * width, channels)), "float32")
    share = ops.reshape(guide, (ops.shape(guide)[0], height * width, 1))
    total = ops.maximum(ops.sum(share, axis=1, keepdims=True), 1e-6)  # 0 where pooling drops all of a thin guide
    share = share / (ops.cast(channels, "float32") * total)
    return ops.matmul(ops.swapaxes(flat, 1, 2), flat * share)


def pool_guide(guide: Tensor, halvings: int) -> Tensor:
    """A mask at the size of a layer: averaged over the pixels that the network's pooling brings together.

    Args:
        guide: `(B, H, W, 1)` at the size of the picture.
        halvings: Pooling steps before the layer: 0 for block1, 4 for block5.
    """
    for _ in range(halvings):
        guide = ops.average_pool(guide, 2, strides=2)
    return guide


def feature_reconstruction_loss(features: Tensor, target: Tensor) -> Tensor:
    """How far a picture shows something else: mean squared difference of activations (section 3.2).

    Args:
        features, target: Activations of one layer, `(B, H, W, C)`.

    Returns:
        Float32 `(B,)`, >= 0.
    """
    difference = ops.cast(features, "float32") - ops.cast(target, "float32")
    return ops.mean(ops.square(difference), axis=(1, 2, 3))


def style_reconstruction_loss(gram: Tensor, target: Tensor) -> Tensor:
    """How far the texture is off at one layer: squared Frobenius distance of Gram matrices (section 3.2).

    Args:
        gram: `(B, C, C)`, see `gram_matrix`.
        target: `(1, C, C)` or `(B, C, C)`.

    Returns:
        Float32 `(B,)`, >= 0.
    """
    return _squared_norm(gram - target)


def pixel_loss(image: Tensor, target: Tensor) -> Tensor:
    """Squared Euclidean distance of pixels divided by C*H*W (section 3.3).

    Args:
        image, target: Pictures `(B, H, W, 3)` in the same units.

    Returns:
        Float32 `(B,)`, >= 0, in squared units of the pictures.
    """
    return feature_reconstruction_loss(image, target)


def total_variation(image: Tensor) -> Tensor:
    """Squared differences of neighbouring pixels, summed and divided by C*H*W; noise and grids raise it (section 3.3).

    Args:
        image: Pictures `(B, H, W, C)`.

    Returns:
        Float32 `(B,)`, >= 0; 0 for a flat picture.

    The paper names the regularizer without a formula; this is the squared form of
    [Mahendran and Vedaldi, 2015](https://arxiv.org/abs/1412.0035), section 3, with beta = 2.
    """
    image = ops.cast(image, "float32")
    down = ops.square(image[:, 1:, :, :] - image[:, :-1, :, :])
    right = ops.square(image[:, :, 1:, :] - image[:, :, :-1, :])
    size = ops.cast(ops.prod(ops.shape(image)[1:]), "float32")
    return (ops.sum(down, axis=(1, 2, 3)) + ops.sum(right, axis=(1, 2, 3))) / size


def checkerboard(image: Tensor, period: int) -> Tensor:
    """How much of a picture repeats every `period` pixels: the trace that a network's strides leave as a weave.

    Around each place, the mean of the pixels at each of the period's phases is compared with the mean of all. A box as
    wide as the period is subtracted before, so that slow ramps and large shapes count nothing.

    Args:
        image: Pictures `(B, H, W, C)`; H and W at least twice the period.
        period: Pixels, such as the stride of the network's trunk.

    Returns:
        Float32 `(B,)`, >= 0, in squared units of the pictures; 0 where nothing repeats.
    """
    image = ops.cast(image, "float32")
    height, width, channels = image.shape[1:]
    fine = image[:, 1:, 1:][:, : height - period + 1, : width - period + 1]
    fine = fine - ops.average_pool(image, period, strides=1, padding="valid")
    rows, columns = (height - period + 1) // period, (width - period + 1) // period
    cells = ops.space_to_depth(fine[:, : rows * period, : columns * period], period)
    window = min(LATTICE_WINDOW, rows, columns)
    means = ops.average_pool(cells, window, strides=max(1, window // 2), padding="valid")
    means = ops.reshape(means, (-1, *means.shape[1:3], period * period, channels))
    return ops.mean(ops.square(means - ops.mean(means, axis=3, keepdims=True)), axis=(1, 2, 3, 4))


def border(image: Tensor) -> Tensor:
    """How far the colour at a picture's border is from the colour a little further in.

    Mean colours of two rings of `BORDER` pixels are compared, the outermost and one that begins four widths from it.
    One photo's border may well differ from what it surrounds; a network that paints all borders alike pays every time.

    Args:
        image: Pictures `(B, H, W, C)`; H and W at least twelve times `BORDER`.

    Returns:
        Float32 `(B,)`, >= 0, in squared units of the pictures; 0 for a flat picture.
    """
    image = ops.cast(image, "float32")
    outer, inner = _ring(image, 0), _ring(image, 4 * BORDER)
    return ops.mean(ops.square(outer - inner), axis=1)


def motion_loss(stylized: Tensor, moved: Tensor, motion: Tensor, margin: int) -> Tensor:
    """How far a photo that was moved is painted otherwise: strokes must move with what they are strokes of.

    Either is brought half of the way to the other, so that interpolation takes the same from both and a blurred
    picture is no nearer than a sharp one.

    Args:
        stylized: Stylized images of photos, float32 `(B, H, W, C)`.
        moved: Stylized images of the same photos moved.
        motion: Where the pixels of each come from, float32 `(2, 6)`, see `tfstyle.training.motion.Motion.transform`.
        margin: Pixels at each border that are not compared, since nothing or something else lies there.

    Returns:
        Mean squared difference, float32 `(B,)`, >= 0, in squared units of the pictures.

    Reference: synthetic motion in place of videos and flow, [arXiv 2102.05822](https://arxiv.org/abs/2102.05822).
    """
    here, there = _warp(stylized, motion[0]), _warp(moved, motion[1])
    inner = (slice(None), slice(margin, -margin), slice(margin, -margin))
    return pixel_loss(here[inner], there[inner])


def masked_gradient(image: Tensor, mask: Tensor, held: Tensor | None = None) -> Tensor:
    """The picture unchanged, its gradient multiplied by a mask: style goes only where the mask says (section 3.6).

    Multiplying a gradient by a mask is holding `(1 - mask) * image` constant, and no function has that gradient
    everywhere. A line search needs one: with `held` fixed while it searches, value and gradient belong together.

    Args:
        image: Pictures `(B, H, W, C)`.
        mask: `(B, H, W, 1)`, 0..1; any mask: binary, soft or a gradient.
        held: The picture to hold where the mask is 0, of the shape of `image`; None is `image` itself.

    Returns:
        `image` where `held` is None, else `mask * image + (1 - mask) * held`; what flows back to `image` through either
        is the gradient times `mask`.
    """
    return mask * image + ops.stop_gradient((1 - mask) * (image if held is None else held))


def relative_feature_loss(features: Tensor, target: Tensor) -> Tensor:
    """The feature reconstruction loss divided by its value for no activations; 0 is equal, about 1 is unrelated.

    Args:
        features, target: Activations of one layer, `(B, H, W, C)`.

    Returns:
        Float32 `(B,)`, >= 0.
    """
    size = ops.mean(ops.square(ops.cast(target, "float32")), axis=(1, 2, 3))
    return feature_reconstruction_loss(features, target) / size


def relative_gram_loss(gram: Tensor, target: Tensor, norm: Tensor | float | None = None) -> Tensor:
    """The style reconstruction loss divided by the target's squared norm.

    Args:
        gram: `(B, C, C)`.
        target: `(1, C, C)` or `(B, C, C)`.
        norm: What to divide by instead, for targets that are to be compared.

    Returns:
        Float32 `(B,)`, >= 0.
    """
    return style_reconstruction_loss(gram, target) / (_squared_norm(target) if norm is None else norm)


def _warp(pictures: Tensor, transform: Tensor) -> Tensor:
    """Pictures `(B, H, W, C)` whose pixels come from where an affine transform `(6,)` says, bilinear.

    Beyond the border lies the border. Written out, since XLA does not compile what Keras calls for it.
    """
    height, width, channels = pictures.shape[1:]
    y, x = ops.meshgrid(ops.arange(height, dtype="float32"), ops.arange(width, dtype="float32"), indexing="ij")
    right = transform[0] * x + transform[1] * y + transform[2]
    down = transform[3] * x + transform[4] * y + transform[5]
    left, top = ops.floor(right), ops.floor(down)
    flat = ops.reshape(pictures, (-1, height * width, channels))

    def taken(row, column):
        row, column = ops.clip(row, 0, height - 1), ops.clip(column, 0, width - 1)
        places = ops.reshape(ops.cast(row, "int32") * width + ops.cast(column, "int32"), (-1,))
        return ops.reshape(ops.take(flat, places, axis=1), (-1, height, width, channels))

    share_x, share_y = (right - left)[None, :, :, None], (down - top)[None, :, :, None]
    upper = taken(top, left) * (1 - share_x) + taken(top, left + 1) * share_x
    lower = taken(top + 1, left) * (1 - share_x) + taken(top + 1, left + 1) * share_x
    return upper * (1 - share_y) + lower * share_y


def _ring(image: Tensor, inset: int) -> Tensor:
    """Mean colour `(B, C)` of a ring of `BORDER` pixels that begins `inset` pixels from the border."""
    height, width = image.shape[1] - 2 * inset, image.shape[2] - 2 * inset
    whole = image[:, inset : inset + height, inset : inset + width]
    hole = whole[:, BORDER:-BORDER, BORDER:-BORDER]
    pixels = height * width - (height - 2 * BORDER) * (width - 2 * BORDER)
    return (ops.sum(whole, axis=(1, 2)) - ops.sum(hole, axis=(1, 2))) / pixels


def _squared_norm(x: Tensor) -> Tensor:
    return ops.sum(ops.square(x), axis=tuple(range(1, len(x.shape))))
