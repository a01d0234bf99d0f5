"""The layers an image transformation network is made of. Pure `keras.ops`, so they run on every Keras backend."""

import keras
import numpy as np
from keras import ops

EPSILON = 1e-5  # keeps flat regions (variance 0) finite


@keras.saving.register_keras_serializable("tfstyle")
class ConditionalInstanceNormalization(keras.layers.Layer):
    """Instance normalization whose gammas and betas are chosen, or mixed, by style.

    Every channel of every picture is brought to mean 0 and variance 1, then scaled and shifted by the style's own
    row of `gamma` and `beta`. Mixing rows blends styles; a mix per pixel paints each region in its own style.

    Args:
        styles: Number of styles N, one row each.

    Call arguments:
        x: Activations, float `(B, H, W, C)`.
        style: Proportions of the styles, >= 0 and summing to 1: float `(B, N)`, or `(B, H, W, N)` per pixel.

    Returns:
        Normalized activations, same shape and dtype as `x`.

    Reference: [Dumoulin et al., 2017](https://arxiv.org/abs/1610.07629), section 2.2.
    """

    def __init__(self, styles: int, **kwargs):
        super().__init__(**kwargs)
        self.styles = styles

    def build(self, x_shape, style_shape=None):
        rows = (self.styles, x_shape[-1])
        self.gamma = self.add_weight(name="gamma", shape=rows, initializer="ones", autocast=False)
        self.beta = self.add_weight(name="beta", shape=rows, initializer="zeros", autocast=False)

    def call(self, x, style):
        dtype = x.dtype
        x = ops.cast(x, "float32")  # sums over thousands of pixels lose their digits in half precision
        style = ops.cast(style, "float32")
        if len(style.shape) == 2:
            style = style[:, None, None, :]
        mean = ops.mean(x, axis=(1, 2), keepdims=True)
        # The difference of two means needs one pass over the pixels less than the mean of squared differences.
        variance = ops.maximum(ops.mean(ops.square(x), axis=(1, 2), keepdims=True) - ops.square(mean), 0)
        # Rows are normalized before they are mixed. Mixed first, the maps of all layers, which need no x, would be made
        # at once, and a large picture with a mix per pixel would take more than twice the memory.
        gamma = self.gamma * ops.rsqrt(variance + EPSILON)  # (B, 1, N, C)
        beta = self.beta - mean * gamma
        return ops.cast(x * ops.matmul(style, gamma) + ops.matmul(style, beta), dtype)

    def get_config(self):
        return {**super().get_config(), "styles": self.styles}


@keras.saving.register_keras_serializable("tfstyle")
class MirroredConv2D(keras.layers.Layer):
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


@keras.saving.register_keras_serializable("tfstyle")
class DoublingConv2D(MirroredConv2D):
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
class StyledConv2D(keras.layers.Layer):
    """Mirrored convolution, conditional instance normalization and, unless `activate` is False, a ReLU.

    Args:
        filters: Output channels.
        kernel_size: Odd side of the square kernel, pixels.
        styles: Number of styles N.
        strides: Step of the convolution, pixels.
        doubling: Whether the picture is resized to twice its sides before.
        activate: Whether a ReLU follows.

    Call arguments:
        x: Activations, float `(B, H, W, C)`.
        style: Proportions at the resolution of the *output*: `(B, N)` or one row per pixel of it.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        styles: int,
        strides: int = 1,
        doubling: bool = False,
        activate: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.styles = styles
        self.strides = strides
        self.doubling = doubling
        self.activate = activate
        convolution = DoublingConv2D if doubling else MirroredConv2D
        self.conv = convolution(filters, kernel_size, strides, name="conv", dtype=self.dtype_policy)
        self.norm = ConditionalInstanceNormalization(styles, name="norm", dtype=self.dtype_policy)

    def build(self, x_shape, style_shape=None):
        self.conv.build(x_shape)
        self.norm.build((*x_shape[:-1], self.filters))

    def call(self, x, style):
        x = self.norm(self.conv(x), style)
        return ops.relu(x) if self.activate else x

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "styles": self.styles,
            "strides": self.strides,
            "doubling": self.doubling,
            "activate": self.activate,
        }


@keras.saving.register_keras_serializable("tfstyle")
class ResidualBlock(keras.layers.Layer):
    """Two 3x3 convolutions whose result is added to the input; no ReLU after the sum.

    Reference: [Johnson et al., 2016](https://arxiv.org/abs/1603.08155), supplementary material, section 1.

    Args:
        filters: Channels in and out.
        styles: Number of styles N.
    """

    def __init__(self, filters: int, styles: int, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.styles = styles
        self.first = StyledConv2D(filters, 3, styles, name="first", dtype=self.dtype_policy)
        self.second = StyledConv2D(filters, 3, styles, activate=False, name="second", dtype=self.dtype_policy)

    def build(self, x_shape, style_shape=None):
        self.first.build(x_shape)
        self.second.build(x_shape)

    def call(self, x, style):
        return x + self.second(self.first(x, style), style)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "styles": self.styles}
