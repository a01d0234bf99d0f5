"""The layers an image transformation network is made of. Pure `keras.ops`, so they run on every Keras backend."""

import keras
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
        gamma = ops.matmul(style, self.gamma)
        beta = ops.matmul(style, self.beta)
        mean = ops.mean(x, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(x - mean), axis=(1, 2), keepdims=True)
        scale = gamma * ops.rsqrt(variance + EPSILON)
        return ops.cast(x * scale + (beta - mean * scale), dtype)

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


@keras.saving.register_keras_serializable("tfstyle")
class StyledConv2D(keras.layers.Layer):
    """Mirrored convolution, conditional instance normalization and, unless `activate` is False, a ReLU.

    Args:
        filters: Output channels.
        kernel_size: Odd side of the square kernel, pixels.
        styles: Number of styles N.
        strides: Step of the convolution, pixels.
        activate: Whether a ReLU follows.

    Call arguments:
        x: Activations, float `(B, H, W, C)`.
        style: Proportions at the resolution of the *output*: `(B, N)` or `(B, H / strides, W / strides, N)`.
    """

    def __init__(self, filters: int, kernel_size: int, styles: int, strides: int = 1, activate: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.styles = styles
        self.strides = strides
        self.activate = activate
        self.conv = MirroredConv2D(filters, kernel_size, strides, name="conv", dtype=self.dtype_policy)
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
