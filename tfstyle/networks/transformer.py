"""The image transformation network: one network, many styles, any picture size."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tfstyle.imaging.photo import MIN_SIDE
from tfstyle.networks.layers import CoarseBranch, ReflectConv2D, ResidualBlock, StyledConv2D, StyleSlices

MIN_LOWEST = 3  # positions at the lowest resolution: mirrored borders need more pixels than they mirror


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """The shape of a network. `johnson` is the published one; the defaults are our faster one."""

    widths: tuple[int, ...] = (32, 64)  # channels at each resolution; the last is the trunk's
    blocks: int = 5  # residual blocks in the trunk
    end_kernel: int = 3  # side of the first and last kernel, at the resolution after space-to-depth
    space_to_depth: int = 2  # 1: the ends work on full-resolution pixels, as published, at twice the time
    coarse_widths: tuple[int, ...] = ()  # channels of the coarse branch at 1/2, 1/4 ... of the trunk's resolution
    coarse_blocks: tuple[int, ...] = ()  # residual blocks there, at least one each
    low_pass: bool = False  # whether strides are low-passed, so that a photo moved by a pixel is painted alike

    def __post_init__(self):
        if not self.widths or min(self.widths) < 1 or self.blocks < 0:
            raise ValueError(f"A network needs at least one width and no negative blocks. Got {self}.")
        if self.end_kernel % 2 == 0 or self.space_to_depth not in (1, 2, 4):
            raise ValueError(f"`end_kernel` must be odd and `space_to_depth` 1, 2 or 4. Got {self}.")
        if self.end_kernel // 2 >= MIN_SIDE // self.space_to_depth:
            raise ValueError(
                f"Pictures of {MIN_SIDE} px have no border of {self.end_kernel // 2} to mirror. Got {self}."
            )
        if self.trunk_stride > 8:
            raise ValueError(
                f"Pictures of {MIN_SIDE} px need a trunk at 1/8 or more. Got 1/{self.trunk_stride} in {self}."
            )
        if len(self.coarse_widths) != len(self.coarse_blocks) or min((1, *self.coarse_widths, *self.coarse_blocks)) < 1:
            raise ValueError(f"The coarse branch needs a width and one block or more at each resolution. Got {self}.")

    @property
    def trunk_stride(self) -> int:
        """Pixels of the photo per position of the trunk, each way."""
        return self.space_to_depth * 2 ** (len(self.widths) - 1)

    @property
    def stride(self) -> int:
        """Pixels of the photo per position of the lowest resolution, each way."""
        return self.trunk_stride * 2 ** len(self.coarse_widths)

    @classmethod
    def johnson(cls) -> "TransformerConfig":
        """Widths 32-64-128, five blocks, 9x9 ends. Johnson et al., 2016, supplementary material, table 1."""
        return cls(widths=(32, 64, 128), blocks=5, end_kernel=9, space_to_depth=1)

    @classmethod
    def of(cls, saved: dict[str, Any]) -> "TransformerConfig":
        """The config that `dataclasses.asdict` made, or JSON of it, its lists tuples again."""
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in saved.items()}
        return cls(**fields)


@keras.saving.register_keras_serializable("tfstyle")
class Transformer(keras.Model):
    """Paints photos in any style: down-sampling convolutions, residual blocks, up-sampling. It knows no style itself.

    All that a style is to it are the gammas and betas of its normalizations, which come in as a style vector: for each
    normalization, in the order of the layers below, its gammas, then its betas. Up-sampling is bilinear resize and
    convolution in one; where depth-to-space ends the network, a fixed filter takes out the one frequency its sub-pixels
    would show as a grid. Sides that are no multiple of the stride are mirrored up to one and cropped back.

    Args:
        config: Shape of the network, a `TransformerConfig` or the dict of one.

    Call arguments:
        image: RGB photos, `(B, H, W, 3)`, uint8 or float, 0..255; H, W >= 16.
        style_vectors: Styles of R regions, float `(B, R, V)`; R is 1 without `region_maps`.
        region_maps: Shares of the regions at each pixel, >= 0 and summing to 1: float `(B, H, W, R)`, or None.

    Returns:
        Stylized images, float32 `(B, H, W, 3)`, 0..255.

    Reference: [Johnson et al., 2016](https://arxiv.org/abs/1603.08155) for the network,
    [Dumoulin et al., 2017](https://arxiv.org/abs/1610.07629) for many styles in one, mirrored borders and resizing,
    [Sugawara et al., 2018](https://arxiv.org/abs/1806.02658) for the filter after depth-to-space.
    """

    def __init__(self, config: TransformerConfig | dict, **kwargs):
        super().__init__(autocast=False, **kwargs)  # style vectors stay float32
        config = TransformerConfig.of(config) if isinstance(config, dict) else config
        self.config = config
        policy = self.dtype_policy
        first, *lower = config.widths
        self.down = [StyledConv2D(first, config.end_kernel, name="down_0", dtype=policy)] + [
            StyledConv2D(width, 3, strides=2, low_pass=config.low_pass, name=f"down_{i}", dtype=policy)
            for i, width in enumerate(lower, 1)
        ]
        trunk = config.widths[-1]
        self.trunk = [ResidualBlock(trunk, name=f"block_{i}", dtype=policy) for i in range(config.blocks)]
        upper = config.widths[-2::-1]
        self.up = [StyledConv2D(width, 3, doubling=True, name=f"up_{i}", dtype=policy) for i, width in enumerate(upper)]
        # Behind all others in the style vector, so that a vector of a network without it is the beginning of one with.
        self.coarse = (
            CoarseBranch(trunk, config.coarse_widths, config.coarse_blocks, name="coarse", dtype=policy)
            if config.coarse_widths
            else None
        )
        self.last = ReflectConv2D(3 * config.space_to_depth**2, config.end_kernel, name="last", dtype=policy)

    @property
    def style_size(self) -> int:
        """Length V of a style vector."""
        return sum(layer.style_size for layer in self.styled_layers)

    @property
    def styled_layers(self) -> "list[StyledConv2D | ResidualBlock | CoarseBranch]":
        """The layers that take a part of the style vector, in the order in which they take it."""
        return [*self.down, *self.trunk, *self.up, *([self.coarse] if self.coarse else [])]

    def build(self, image_shape=None, style_shape=None, region_maps_shape=None):
        channels = 3 * self.config.space_to_depth**2
        layers: list[StyledConv2D | ResidualBlock] = [*self.down, *self.trunk, *self.up]
        for layer in layers:
            layer.build((None, None, None, channels))
            channels = layer.filters
        self.last.build((None, None, None, channels))
        if self.coarse:
            self.coarse.build((None, None, None, self.config.widths[-1]))
        self.built = True

    def call(self, image, style_vectors, region_maps=None):
        height, width = ops.shape(image)[1:3]
        factor, stride = self.config.space_to_depth, self.config.stride
        x = ops.cast(image, self.compute_dtype) / 127.5 - 1
        x = _mirror_to_multiple(x, stride)
        if region_maps is not None:
            region_maps = ops.cast(_mirror_to_multiple(region_maps, stride), "float32")
            if factor > 1:
                region_maps = ops.average_pool(region_maps, factor)
        if factor > 1:
            x = ops.space_to_depth(x, factor)
        slices = StyleSlices(style_vectors)
        style = {layer.name: slices.take(layer) for layer in self.styled_layers}
        maps = []  # the region maps at each resolution on the way down, used again on the way up
        for i, layer in enumerate(self.down):
            if region_maps is not None and i > 0:
                region_maps = ops.average_pool(region_maps, 2)
            maps.append(region_maps)
            x = layer(x, style[layer.name], region_maps)
        if self.coarse:
            x = x + self.coarse(x, style[self.coarse.name], region_maps)
        for block in self.trunk:
            x = block(x, style[block.name], region_maps)
        for layer, region_maps in zip(self.up, maps[-2::-1], strict=True):
            x = layer(x, style[layer.name], region_maps)
        x = self.last(x)
        if factor > 1:
            x = _without_grid(ops.depth_to_space(x, factor), factor)
        return 255 * ops.sigmoid(ops.cast(x, "float32")[:, :height, :width, :])

    def fingerprint(self) -> str:
        """What tells the trunk from every other one: 16 hexadecimal digits of the SHA-256 of its weights.

        A style vector means something to the trunk that it was learned with, and to no other.
        """
        digest = hashlib.sha256(repr(self.config).encode())
        for variable in self.variables:
            digest.update(np.ascontiguousarray(ops.convert_to_numpy(variable), "<f4").tobytes())
        return digest.hexdigest()[:16]

    def get_config(self):
        return {**super().get_config(), "config": asdict(self.config)}


def _mirror_to_multiple(x, multiple: int):
    """Mirrors the lower and right border until both are multiples of `multiple`, at least `MIN_LOWEST` times it."""
    for axis in (1, 2):
        size = ops.shape(x)[axis]
        if isinstance(size, int):
            target = max(-(-size // multiple), MIN_LOWEST) * multiple
            if target == size:
                continue
        else:
            target = ops.maximum(-(-size // multiple), MIN_LOWEST) * multiple
        # Back and forth as often as it takes: a small picture may have to be mirrored more than once.
        period = 2 * (size - 1)
        place = ops.arange(target) % period
        x = ops.take(x, ops.minimum(place, period - place), axis=axis)
    return x


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
