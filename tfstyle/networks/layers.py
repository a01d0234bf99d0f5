"""The layers an image transformation network is made of. Pure `keras.ops`, so they run on every Keras backend."""

import keras
import numpy as np
from keras import ops

EPSILON = 1e-5  # keeps flat regions (variance 0) finite


@keras.saving.register_keras_serializable("tfstyle")
class ConditionalInstanceNormalization(keras.layers.Layer):
    """Instance normalization whose gammas and betas come from outside: they are the style.

    Every channel of every picture is brought to mean 0 and variance 1, then scaled by gamma and shifted by beta. With
    several regions, each pixel gets the mix of their gammas and betas that its place in the region maps says.

    Args:
        filters: Channels C.

    Call arguments:
        x: Activations, float `(B, H, W, C)`.
        style: Gammas, then betas, of R regions: float `(B, R, 2 * C)`; R is 1 without `region_maps`.
        region_maps: Shares of the regions at each pixel, >= 0 and summing to 1: float `(B, H, W, R)`, or None.

    Returns:
        Normalized activations, same shape and dtype as `x`.

    Reference: [Dumoulin et al., 2017](https://arxiv.org/abs/1610.07629), section 2.2.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(autocast=False, **kwargs)  # style vectors stay float32
        self.filters = filters

    @property
    def style_size(self) -> int:
        """Numbers of a style vector that this layer takes."""
        return 2 * self.filters

    def call(self, x, style, region_maps=None):
        dtype = x.dtype
        x = ops.cast(x, "float32")  # sums over thousands of pixels lose their digits in half precision
        style = ops.cast(style, "float32")
        mean = ops.mean(x, axis=(1, 2), keepdims=True)
        # The difference of two means needs one pass over the pixels less than the mean of squared differences.
        variance = ops.maximum(ops.mean(ops.square(x), axis=(1, 2), keepdims=True) - ops.square(mean), 0)
        # Regions are normalized before they are mixed. Mixed first, the maps of all layers, which need no x, would be
        # made at once, and a large picture with a mix per pixel would take more than twice the memory.
        gamma = style[:, None, :, : self.filters] * ops.rsqrt(variance + EPSILON)  # (B, 1, R, C)
        beta = style[:, None, :, self.filters :] - mean * gamma
        if region_maps is not None:
            region_maps = ops.cast(region_maps, "float32")
            gamma, beta = ops.matmul(region_maps, gamma), ops.matmul(region_maps, beta)
        return ops.cast(x * gamma + beta, dtype)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable("tfstyle")
class ReflectConv2D(keras.layers.Layer):
    """A convolution whose borders are mirrored: zero padding paints a dark frame around every picture.

    Args:
        filters: Output channels.
        kernel_size: Odd side of the square kernel, pixels.
        strides: Step in both directions, pixels. Sides must be multiples of it.

    Call arguments:
        x: Activations, float `(B, H, W, C)` with H, W > kernel_size // 2.

    Returns:
        Activations `(B, H / strides, W / strides, filters)`.
    """

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, x_shape):
        side = self.kernel_size
        self.kernel = self.add_weight(name="kernel", shape=(side, side, x_shape[-1], self.filters))
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, x):
        border = self.kernel_size // 2
        x = ops.pad(x, ((0, 0), (border, border), (border, border), (0, 0)), mode="reflect")
        return ops.conv(x, self.kernel, strides=self.strides, padding="valid") + self.bias

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }


# Bilinear doubling, then a kernel of three taps: both are sums over three pixels of the picture before it is doubled.
# DOUBLED[p, a, t] is the share of pixel `a - 1` of those in what tap `t` sees at the new pixel of phase `p`.
DOUBLED = np.array(
    [[[0.75, 0.25, 0], [0.25, 0.75, 0.75], [0, 0, 0.25]], [[0.25, 0, 0], [0.75, 0.75, 0.25], [0, 0.25, 0.75]]],
    "float32",
)


# A kernel of three taps, then 1-2-1: BLURRED[a, t] is the share of tap `t` in tap `a` of the five both make together.
BLURRED = np.array([[1, 0, 0], [2, 1, 0], [1, 2, 1], [0, 1, 2], [0, 0, 1]], "float32") / 4


@keras.saving.register_keras_serializable("tfstyle")
class UpsampleConv2D(ReflectConv2D):
    """A 3x3 convolution of the picture resized bilinearly to twice its sides, without making that picture.

    The four new pixels that stand for an old one are four convolutions of the old picture, whose kernels follow
    from the one that is learned; nearest-neighbour doubling would leave blocks that show as a weave on flat skies.

    Args:
        filters: Output channels.

    Call arguments:
        x: Activations, float `(B, H, W, C)` with H, W > 1.

    Returns:
        Activations `(B, 2 * H, 2 * W, filters)`.

    Reference: [Shi et al., 2016](https://arxiv.org/abs/1609.07009) for the equivalence.
    """

    def __init__(self, filters: int, kernel_size: int = 3, strides: int = 1, **kwargs):
        if kernel_size != 3 or strides != 1:
            raise ValueError(f"Expected a 3x3 kernel and a stride of 1. Got {kernel_size} and {strides}.")
        super().__init__(filters, kernel_size, strides, **kwargs)

    def call(self, x):
        shares = ops.cast(DOUBLED, self.kernel.dtype)
        phases = ops.einsum("pat,qbs,tscf->abcpqf", shares, shares, self.kernel)
        phases = ops.reshape(phases, (3, 3, -1, 4 * self.filters))
        # Mirrored at the edge of the outermost pixel, not at its middle: that is where the new pixels mirror, too.
        x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        return ops.depth_to_space(ops.conv(x, phases, padding="valid") + ops.tile(self.bias, [4]), 2)


@keras.saving.register_keras_serializable("tfstyle")
class BlurredConv2D(ReflectConv2D):
    """A 3x3 convolution that halves the sides and has its result low-passed (1-2-1 each way) before it does.

    What is finer than the lower resolution can hold would turn into false coarse patterns, which jump when the photo
    moves by one pixel. Both filters are linear, so they are one kernel of 5x5 that follows from the one learned.

    Args:
        filters: Output channels.

    Call arguments:
        x: Activations, float `(B, H, W, C)` with even H, W > 2.

    Returns:
        Activations `(B, H / 2, W / 2, filters)`.

    Reference: [Zhang, 2019](https://arxiv.org/abs/1904.11486), section 3.2.
    """

    def __init__(self, filters: int, kernel_size: int = 3, strides: int = 2, **kwargs):
        if kernel_size != 3 or strides != 2:
            raise ValueError(f"Expected a 3x3 kernel and a stride of 2. Got {kernel_size} and {strides}.")
        super().__init__(filters, kernel_size, strides, **kwargs)

    def call(self, x):
        shares = ops.cast(BLURRED, self.kernel.dtype)
        kernel = ops.einsum("at,bs,tscf->abcf", shares, shares, self.kernel)
        x = ops.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
        return ops.conv(x, kernel, strides=2, padding="valid") + self.bias


@keras.saving.register_keras_serializable("tfstyle")
class StyledConv2D(keras.layers.Layer):
    """Mirrored convolution, conditional instance normalization and, unless `activate` is False, a ReLU.

    Args:
        filters: Output channels.
        kernel_size: Odd side of the square kernel, pixels.
        strides: Step of the convolution, pixels.
        doubling: Whether the picture is resized to twice its sides before.
        low_pass: Whether the result is low-passed before its sides are halved; asks for a stride of 2.
        activate: Whether a ReLU follows.

    Call arguments:
        x: Activations, float `(B, H, W, C)`.
        style: Gammas and betas, `(B, R, 2 * filters)`.
        region_maps: Shares of the regions at the resolution of the *output*, or None.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        doubling: bool = False,
        low_pass: bool = False,
        activate: bool = True,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # style vectors stay float32
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.doubling = doubling
        self.low_pass = low_pass
        self.activate = activate
        convolution = UpsampleConv2D if doubling else BlurredConv2D if low_pass else ReflectConv2D
        self.conv = convolution(filters, kernel_size, strides, name="conv", dtype=self.dtype_policy)
        self.norm = ConditionalInstanceNormalization(filters, name="norm", dtype=self.dtype_policy)

    @property
    def style_size(self) -> int:
        """Numbers of a style vector that this layer takes."""
        return self.norm.style_size

    def build(self, x_shape, style_shape=None, region_maps_shape=None):
        self.conv.build(x_shape)

    def call(self, x, style, region_maps=None):
        x = self.norm(self.conv(x), style, region_maps)
        return ops.relu(x) if self.activate else x

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "doubling": self.doubling,
            "low_pass": self.low_pass,
            "activate": self.activate,
        }


@keras.saving.register_keras_serializable("tfstyle")
class ResidualBlock(keras.layers.Layer):
    """Two 3x3 convolutions whose result is added to the input; no ReLU after the sum.

    Reference: [Johnson et al., 2016](https://arxiv.org/abs/1603.08155), supplementary material, section 1.

    Args:
        filters: Channels in and out.

    Call arguments:
        x: Activations, float `(B, H, W, filters)`.
        style: Gammas and betas of the first, then of the second convolution, `(B, R, 4 * filters)`.
        region_maps: Shares of the regions, or None.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(autocast=False, **kwargs)  # style vectors stay float32
        self.filters = filters
        self.first = StyledConv2D(filters, 3, name="first", dtype=self.dtype_policy)
        self.second = StyledConv2D(filters, 3, activate=False, name="second", dtype=self.dtype_policy)

    @property
    def style_size(self) -> int:
        """Numbers of a style vector that this layer takes."""
        return self.first.style_size + self.second.style_size

    def build(self, x_shape, style_shape=None, region_maps_shape=None):
        self.first.build(x_shape)
        self.second.build(x_shape)

    def call(self, x, style, region_maps=None):
        size = self.first.style_size
        y = self.first(x, style[..., :size], region_maps)
        return x + self.second(y, style[..., size:], region_maps)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable("tfstyle")
class CoarseBranch(keras.layers.Layer):
    """What a trunk sees from further away: it goes down to half and a quarter of the trunk's resolution and back.

    A kernel at the trunk's resolution reaches a few pixels each way, so strokes can be no larger. Here the same kernels
    reach two and four times as far. The result is added to the trunk through a convolution that starts at zero, so a
    trained trunk paints as before until the branch has learned something.

    Args:
        filters: Channels of the trunk, in and out.
        widths: Channels at each lower resolution, highest first.
        blocks: Residual blocks at each lower resolution.

    Call arguments:
        x: Activations, float `(B, H, W, filters)`; H and W multiples of 2 to the number of `widths`.
        style: Gammas and betas of all layers, `(B, R, style_size)`: those of this resolution, then of the lower ones.
        region_maps: Shares of the regions at the resolution of `x`, or None.

    Returns:
        Activations of the shape of `x`.
    """

    def __init__(self, filters: int, widths: tuple[int, ...], blocks: tuple[int, ...], **kwargs):
        super().__init__(autocast=False, **kwargs)  # style vectors stay float32
        self.filters, self.widths, self.blocks = filters, tuple(widths), tuple(blocks)
        policy = self.dtype_policy
        width, *lower = self.widths
        self.down = StyledConv2D(width, 3, strides=2, low_pass=True, name="down", dtype=policy)
        self.residual = [ResidualBlock(width, name=f"block_{i}", dtype=policy) for i in range(self.blocks[0])]
        self.lower = CoarseBranch(width, tuple(lower), self.blocks[1:], name="lower", dtype=policy) if lower else None

    @property
    def style_size(self) -> int:
        """Numbers of a style vector that this layer takes."""
        own = self.down.style_size + sum(block.style_size for block in self.residual)
        return own + (self.lower.style_size if self.lower else 0)

    def build(self, x_shape, style_shape=None, region_maps_shape=None):
        self.down.build(x_shape)
        inner = (*x_shape[:-1], self.widths[0])
        for block in self.residual:
            block.build(inner)
        if self.lower:
            self.lower.build(inner)
        self.kernel = self.add_weight(name="kernel", shape=(1, 1, self.widths[0], self.filters), initializer="zeros")

    def call(self, x, style, region_maps=None):
        if region_maps is not None:
            region_maps = ops.average_pool(region_maps, 2)
        slices = StyleSlices(style)
        y = self.down(x, slices.take(self.down), region_maps)
        first, *rest = self.residual
        y = first(y, slices.take(first), region_maps)
        if self.lower:
            y = y + self.lower(y, slices.take(self.lower), region_maps)
        for block in rest:
            y = block(y, slices.take(block), region_maps)
        y = ops.conv(y, ops.cast(self.kernel, y.dtype), padding="valid")
        return upsample_bilinear(y)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "widths": self.widths, "blocks": self.blocks}


class StyleSlices:
    """Hands out a style vector to the layers in their order.

    Args:
        style: Float `(B, R, V)`.
    """

    def __init__(self, style):
        self.style, self.used = style, 0

    def take(self, layer):
        """What `layer` takes of the vector, `(B, R, layer.style_size)`."""
        start, self.used = self.used, self.used + layer.style_size
        return self.style[..., start : self.used]


def upsample_bilinear(x):
    """Twice the sides; new pixels lie a quarter before and behind the old ones, mirrored at the edge.

    Args:
        x: Float `(B, H, W, C)`.

    Returns:
        Float `(B, 2 * H, 2 * W, C)`.
    """
    for axis in (1, 2):
        size = ops.shape(x)[axis]
        ends = [slice(None)] * 4
        ends[axis] = slice(0, 1)
        first = x[tuple(ends)]
        ends[axis] = slice(size - 1, size)
        last = x[tuple(ends)]
        ends[axis] = slice(0, size - 1)
        before = ops.concatenate([first, x[tuple(ends)]], axis=axis)
        ends[axis] = slice(1, size)
        behind = ops.concatenate([x[tuple(ends)], last], axis=axis)
        pairs = ops.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * behind], axis=axis + 1)
        shape = list(ops.shape(x))
        shape[axis] = 2 * size
        x = ops.reshape(pairs, shape)
    return x
