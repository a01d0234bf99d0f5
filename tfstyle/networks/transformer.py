"""The image transformation network: one network, many styles, any picture size."""

from dataclasses import asdict, dataclass

import keras
import numpy as np
from keras import ops

from tfstyle.networks.layers import MirroredConv2D, ResidualBlock, StyledConv2D

MIN_SIDE = 16  # mirrored borders need more pixels than they mirror, also at the lowest resolution


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """The shape of a network. `johnson` is the published one; the defaults are our faster one."""

    styles: int = 1
    widths: tuple[int, ...] = (32, 64)  # channels at each resolution; the last is the trunk's
    blocks: int = 5  # residual blocks in the trunk
    end_kernel: int = 3  # side of the first and last kernel, at the resolution after space-to-depth
    space_to_depth: int = 2  # 1: the ends work on full-resolution pixels, as published, at twice the time

    def __post_init__(self):
        if self.styles < 1 or not self.widths or min(self.widths) < 1 or self.blocks < 0:
            raise ValueError(f"A network needs at least one style and one width, and no negative blocks. Got {self}.")
        if self.end_kernel % 2 == 0 or self.space_to_depth not in (1, 2, 4):
            raise ValueError(f"`end_kernel` must be odd and `space_to_depth` 1, 2 or 4. Got {self}.")
        if self.end_kernel // 2 >= MIN_SIDE // self.space_to_depth:
            raise ValueError(
                f"Pictures of {MIN_SIDE} px have no border of {self.end_kernel // 2} to mirror. Got {self}."
            )
        if self.stride > 8:
            raise ValueError(f"Pictures of {MIN_SIDE} px need a trunk at 1/8 or more. Got 1/{self.stride} in {self}.")

    @property
    def stride(self) -> int:
        """Pixels of the photo per position of the trunk, each way."""
        return self.space_to_depth * 2 ** (len(self.widths) - 1)

    @classmethod
    def johnson(cls) -> "TransformerConfig":
        """Widths 32-64-128, five blocks, 9x9 ends. Johnson et al., 2016, supplementary material, table 1."""
        return cls(styles=1, widths=(32, 64, 128), blocks=5, end_kernel=9, space_to_depth=1)


@keras.saving.register_keras_serializable("tfstyle")
class Transformer(keras.Model):
    """Paints photos: down-sampling convolutions, residual blocks, up-sampling, conditional instance normalization.

    Up-sampling is bilinear resize and convolution in one; where depth-to-space ends the network, a fixed filter
    takes out the one frequency its sub-pixels would show as a grid. Sides that are no multiple of the trunk's stride
    are mirrored up to one and cropped back.

    Args:
        config: Shape of the network, a `TransformerConfig` or the dict of one.

    Call arguments:
        image: RGB photos, `(B, H, W, 3)`, uint8 or float, 0..255; H, W >= 16.
        style: Proportions of the styles, >= 0 and summing to 1: float `(B, N)`, or `(B, H, W, N)` per pixel.

    Returns:
        Paintings, float32 `(B, H, W, 3)`, 0..255.

    Reference: [Johnson et al., 2016](https://arxiv.org/abs/1603.08155) for the network,
    [Dumoulin et al., 2017](https://arxiv.org/abs/1610.07629) for many styles in one, mirrored borders and resizing,
    [Sugawara et al., 2018](https://arxiv.org/abs/1806.02658) for the filter after depth-to-space.
    """

    def __init__(self, config: TransformerConfig | dict, **kwargs):
        super().__init__(**kwargs)
        if isinstance(config, dict):
            config = TransformerConfig(**{**config, "widths": tuple(config["widths"])})
        self.config = config
        n, policy = config.styles, self.dtype_policy
        first, *lower = config.widths
        self.down = [StyledConv2D(first, config.end_kernel, n, name="down_0", dtype=policy)] + [
            StyledConv2D(width, 3, n, strides=2, name=f"down_{i}", dtype=policy) for i, width in enumerate(lower, 1)
        ]
        trunk = config.widths[-1]
        self.trunk = [ResidualBlock(trunk, n, name=f"block_{i}", dtype=policy) for i in range(config.blocks)]
        upper = config.widths[-2::-1]
        self.up = [
            StyledConv2D(width, 3, n, doubling=True, name=f"up_{i}", dtype=policy) for i, width in enumerate(upper)
        ]
        self.last = MirroredConv2D(3 * config.space_to_depth**2, config.end_kernel, name="last", dtype=policy)

    def build(self, image_shape=None, style_shape=None):
        channels = 3 * self.config.space_to_depth**2
        layers: list[StyledConv2D | ResidualBlock] = [*self.down, *self.trunk, *self.up]
        for layer in layers:
            layer.build((None, None, None, channels))
            channels = layer.filters
        self.last.build((None, None, None, channels))
        self.built = True

    def call(self, image, style):
        height, width = ops.shape(image)[1:3]
        factor, stride = self.config.space_to_depth, self.config.stride
        x = ops.cast(image, self.compute_dtype) / 127.5 - 1
        x = _mirror_to_multiple(x, stride)
        per_pixel = len(style.shape) == 4
        if per_pixel:
            style = ops.cast(_mirror_to_multiple(style, stride), "float32")
            if factor > 1:
                style = ops.average_pool(style, factor)
        if factor > 1:
            x = ops.space_to_depth(x, factor)
        styles = []  # the style map at each resolution on the way down, used again on the way up
        for i, layer in enumerate(self.down):
            if per_pixel and i > 0:
                style = ops.average_pool(style, 2)
            styles.append(style)
            x = layer(x, style)
        for block in self.trunk:
            x = block(x, style)
        for layer, style in zip(self.up, styles[-2::-1], strict=True):
            x = layer(x, style)
        x = self.last(x)
        if factor > 1:
            x = _without_grid(ops.depth_to_space(x, factor), factor)
        return 255 * ops.sigmoid(ops.cast(x, "float32")[:, :height, :width, :])

    def get_config(self):
        return {**super().get_config(), "config": asdict(self.config)}


def _mirror_to_multiple(x, multiple: int):
    """Mirrors the lower and right border until both sides are multiples of `multiple`."""
    height, width = ops.shape(x)[1:3]
    below, right = -height % multiple, -width % multiple
    if isinstance(below, int) and isinstance(right, int) and below == right == 0:
        return x
    return ops.pad(x, [[0, 0], [0, below], [0, right], [0, 0]], mode="reflect")


def _without_grid(x, period: int):
    """Averages over `period` pixels each way, symmetrically, so that nothing of that period is left.

    The sub-pixels of a depth-to-space come from kernels of their own and differ even where the picture is flat. With
    period 2 this is the binomial 1-2-1: the mean of the boxes that begin half a pixel before and after.
    """
    ramp = np.ones(period + 1, "float32")
    ramp[0] = ramp[-1] = 0.5
    kernel = np.outer(ramp, ramp) / period**2
    channels = x.shape[-1]
    kernel = np.repeat(kernel[:, :, None, None], channels, axis=2)
    border = period // 2
    x = ops.pad(x, ((0, 0), (border, border), (border, border), (0, 0)), mode="reflect")
    return ops.depthwise_conv(x, ops.cast(kernel, x.dtype), padding="valid")
