"""The network as an ONNX graph, made of the Keras network's weights.

One definition of the network, the Keras one, and its weights; the graph made of them here computes the same numbers
with less to move around:

- the photo is mirrored by index, the border of the first convolution included, before a pixel becomes a float;
- space-to-depth is part of the first convolution, a kernel twice as wide with a stride of two;
- what doubles the sides is normalized before its sub-pixels are put in their places;
- a normalization is a convolution with one number a channel, which ties the graph to one picture at a time;
- the filter against the grid works on sub-pixels beside each other, which are put in their places as bytes.

Operators are those that ONNX Runtime for browsers has, too.
"""

import numpy as np
import onnx
from keras import ops
from onnx import TensorProto

from tfstyle.export.onnx_graph import OnnxGraph, Tensor
from tfstyle.networks.checkpoint import normalizations
from tfstyle.networks.layers import BLURRED, DOUBLED, EPSILON, CoarseBranch, ResidualBlock, StyledConv2D
from tfstyle.networks.transformer import MIN_LOWEST, Transformer


def network(trunk: Transformer, *, regions: bool = False) -> onnx.ModelProto:
    """The graph of a network.

    Args:
        trunk: The network and its weights.
        regions: Whether each pixel is painted in a mix of its own.

    Returns:
        A model with the inputs `image`, uint8 `[1,H,W,3]`, H and W >= 16; `style_vectors`, float32 `[1,R,V]`, where R
        is 1 without regions; with them `region_maps`, float32 `[1,R,H,W]`, shares >= 0 that sum to 1, or to 0 where
        what is painted does not matter. Its output is `stylized`, uint8 `[1,H,W,3]`.
    """
    return NetworkGraph(trunk, regions).model()


class NetworkGraph:
    """The graph of one network, layer by layer. Activations are `[1,C,H,W]`."""

    def __init__(self, trunk: Transformer, regions: bool):
        self.trunk, self.config = trunk, trunk.config
        self.regions = regions
        self.add = OnnxGraph()

    def model(self) -> onnx.ModelProto:
        add = self.add
        height, width = (self._side("image", axis) for axis in (1, 2))
        rows, columns = self._mirrored(height), self._mirrored(width)
        self.style = self._styles()
        x = self._first(add("Gather", "image", rows[0], axis=1), columns[0])
        x = self._layers(x, self._maps(rows[1], columns[1]) if self.regions else None)
        x = add("Slice", x, add.whole(0, 0), add("Concat", height, width, axis=0), add.whole(1, 2))
        return self._finished(x)

    def _layers(self, x: str, region_maps: str | None) -> str:
        """All that follows the first convolution, whose result is `x`."""
        trunk, maps = self.trunk, [region_maps]
        x = self._normalized(x, trunk.down[0], maps[0])
        for layer in trunk.down[1:]:
            maps.append(self._half(maps[-1]))
            x = self._styled(x, layer, maps[-1])
        if trunk.coarse:
            x = self._sum(x, self._coarse(x, trunk.coarse, maps[-1]))
        for block in trunk.trunk:
            x = self._block(x, block, maps[-1])
        for layer, region_maps in zip(trunk.up, maps[-2::-1], strict=True):
            x = self._styled(x, layer, region_maps)
        return self._last(x)

    def _finished(self, stylized: str) -> onnx.ModelProto:
        pixels: list[str | int | None] = [1, "height", "width", 3]
        regions = "regions" if self.regions else 1
        inputs: dict[str, Tensor] = {
            "image": (TensorProto.UINT8, pixels),
            "style_vectors": (TensorProto.FLOAT, [1, regions, self.trunk.style_size]),
        }
        if self.regions:
            inputs["region_maps"] = (TensorProto.FLOAT, [1, regions, "height", "width"])
        return self.add.model(inputs, {"stylized": (TensorProto.UINT8, pixels)}, {"stylized": stylized})

    # What becomes of the photo and the region maps before the network.

    def _side(self, name: str, axis: int) -> str:
        """The length of one axis, int64 `[1]`."""
        return self.add("Shape", name, start=axis, end=axis + 1)

    def _mirrored(self, size: str) -> tuple[str, str]:
        """Indices into an axis of the photo, mirrored up to a multiple of the stride: with the first convolution's
        border, and without."""
        add, stride, factor = self.add, self.config.stride, self.config.space_to_depth
        border = self.config.end_kernel // 2
        size = add("Squeeze", size)
        multiples = add("Div", add("Add", size, add.scalar(stride - 1)), add.scalar(stride))
        target = add("Mul", add("Max", multiples, add.scalar(MIN_LOWEST)), add.scalar(stride))
        one = add.scalar(1)
        # The border is of whole positions, each of `factor` pixels in their order.
        end = add("Add", target, add.scalar(border * factor))
        place = add("Add", add("Range", add.scalar(-border * factor), end, one), add.scalar(border * factor))
        position = add("Sub", add("Div", place, add.scalar(factor)), add.scalar(border))
        within = add("Mod", place, add.scalar(factor))
        last = add("Sub", add("Div", target, add.scalar(factor)), one)
        position = add("Sub", last, add("Abs", add("Sub", last, add("Abs", position))))
        bordered = add("Add", add("Mul", position, add.scalar(factor)), within)
        return self._reflected(bordered, size), self._reflected(add("Range", add.scalar(0), target, one), size)

    def _reflected(self, place: str, size: str) -> str:
        """Places beyond the photo, back and forth as often as it takes: a small one may be mirrored more than once."""
        add = self.add
        period = add("Mul", add("Sub", size, add.scalar(1)), add.scalar(2))
        place = add("Mod", place, period)
        return add("Min", place, add("Sub", period, place))

    def _first(self, image: str, columns: str) -> str:
        """The first convolution, which takes the photo's bytes, its rows mirrored already."""
        add, conv, factor = self.add, self.trunk.down[0].conv, self.config.space_to_depth
        kernel, bias = _weights(conv)
        side, _, channels, filters = kernel.shape
        kernel = kernel.reshape(side, side, factor, factor, channels // factor**2, filters).transpose(0, 2, 1, 3, 4, 5)
        kernel = kernel.reshape(side * factor, side * factor, 3, filters)
        bias = bias - kernel.sum(axis=(0, 1, 2))  # bytes become -1..1 by the kernel
        x = add("Gather", image, columns, axis=2)
        x = add("Cast", add("Transpose", x, perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
        return self._convolution(x, kernel / 127.5, bias, factor)

    def _maps(self, rows: str, columns: str) -> str:
        add, factor = self.add, self.config.space_to_depth
        maps = add("Gather", add("Gather", "region_maps", rows, axis=2), columns, axis=3)
        if factor == 1:
            return maps
        return add("AveragePool", maps, kernel_shape=[factor, factor], strides=[factor, factor])

    def _half(self, maps: str | None) -> str | None:
        return maps and self.add("AveragePool", maps, kernel_shape=[2, 2], strides=[2, 2])

    def _styles(self) -> dict[int, tuple[str, str]]:
        """Gammas and betas of each normalization, float32 `[1,R,C]`, by the `id` of its layer."""
        norms = [norm for layer in self.trunk.styled_layers for norm in normalizations(layer)]
        sizes = [norm.filters for norm in norms for _ in range(2)]
        parts = self.add("Split", "style_vectors", self.add.whole(*sizes), outputs=len(sizes), axis=2)
        return {id(norm): (parts[2 * i], parts[2 * i + 1]) for i, norm in enumerate(norms)}

    # The layers.

    def _convolution(self, x: str, kernel: np.ndarray, bias: np.ndarray, stride: int = 1, groups: int = 1) -> str:
        """A convolution without padding; its kernel as Keras has it, `[h,w,in,out]`."""
        weights = self.add.constant(kernel.transpose(3, 2, 0, 1), "float32")
        biases = self.add.constant(bias, "float32")
        side = list(kernel.shape[:2])
        return self.add("Conv", x, weights, biases, kernel_shape=side, strides=[stride] * 2, group=groups)

    def _padded(self, x: str, border: int, mode: str = "reflect") -> str:
        return self.add("Pad", x, self.add.whole(0, 0, border, border, 0, 0, border, border), mode=mode)

    def _styled(self, x: str, layer: StyledConv2D, maps: str | None) -> str:
        kernel, bias = _weights(layer.conv)
        if layer.doubling:
            return self._doubled(x, layer, maps)
        if layer.low_pass:
            kernel = np.einsum("at,bs,tscf->abcf", BLURRED, BLURRED, kernel)
        x = self._padded(x, kernel.shape[0] // 2)
        return self._normalized(self._convolution(x, kernel, bias, layer.strides), layer, maps)

    def _doubled(self, x: str, layer: StyledConv2D, maps: str | None) -> str:
        kernel, bias = _weights(layer.conv)
        # Sub-pixels of a channel beside each other: they are normalized together before they are in their places.
        kernel = np.einsum("pat,qbs,tscf->abcfpq", DOUBLED, DOUBLED, kernel)
        kernel = kernel.reshape(*kernel.shape[:3], 4 * layer.filters)
        # Mirrored at the edge of the outermost pixel, which is that pixel again.
        x = self._convolution(self._padded(x, 1, "edge"), kernel, np.repeat(bias, 4))
        if maps is not None:
            return self._normalized(self._sub_pixels(x), layer, maps)
        together = self.add("Reshape", x, self.add.whole(0, layer.filters, -1, 0))
        x = self.add("Reshape", self._normalized(together, layer, None), self.add.whole(0, 4 * layer.filters, -1, 0))
        return self._sub_pixels(x)

    def _sub_pixels(self, x: str) -> str:
        return self.add("DepthToSpace", x, blocksize=2, mode="CRD")

    def _normalized(self, x: str, layer: StyledConv2D, maps: str | None) -> str:
        """Conditional instance normalization, and the ReLU where the layer has one."""
        add = self.add
        gamma, beta = (add("Unsqueeze", part, add.whole(3)) for part in self.style[id(layer.norm)])  # [1,R,C,1]
        mean, deviation = self._statistics(x)
        gamma = add("Div", gamma, deviation)
        beta = add("Sub", beta, add("Mul", mean, gamma))
        if maps is None:
            # Written as a convolution with one number a channel, which ONNX Runtime computes in one pass on all
            # threads, the ReLU included. Its `InstanceNormalization` runs on one thread.
            gamma, beta = add("Reshape", gamma, add.whole(-1, 1, 1, 1)), add("Reshape", beta, add.whole(-1))
            x = add("Conv", x, gamma, beta, kernel_shape=[1, 1], group=layer.filters)
        else:
            x = add("Add", add("Mul", x, self._by_place(gamma, maps)), self._by_place(beta, maps))
        return add("Relu", x) if layer.activate else x

    def _statistics(self, x: str) -> tuple[str, str]:
        """Mean and standard deviation of each channel, float32 `[1,1,C,1]`."""
        add = self.add
        count = add("Cast", add("ReduceProd", add("Shape", x, start=2, end=4), keepdims=0), to=TensorProto.FLOAT)
        mean, length = (add(reduce, x, axes=[2, 3], keepdims=0) for reduce in ("ReduceMean", "ReduceL2"))
        variance = add("Sub", add("Div", add("Mul", length, length), count), add("Mul", mean, mean))
        variance = add("Max", variance, add.constant(np.array(0), "float32"))
        deviation = add("Sqrt", add("Add", variance, add.constant(np.array(EPSILON), "float32")))
        mean, deviation = (add("Reshape", value, add.whole(1, 1, -1, 1)) for value in (mean, deviation))
        return mean, deviation

    def _by_place(self, part: str, maps: str) -> str:
        """The mix of `part`, `[1,R,C,1]`, at each pixel: `[1,C,H,W]`. A convolution of the region maps."""
        part = self.add("Transpose", part, perm=[2, 1, 0, 3])
        return self.add("Conv", maps, part, kernel_shape=[1, 1])

    def _block(self, x: str, block: ResidualBlock, maps: str | None) -> str:
        y = self._styled(self._styled(x, block.first, maps), block.second, maps)
        return self._sum(x, y)

    def _sum(self, x: str, y: str) -> str:
        return self.add("Add", x, y)

    def _coarse(self, x: str, branch: CoarseBranch, maps: str | None) -> str:
        maps = self._half(maps)
        y = self._styled(x, branch.down, maps)
        first, *rest = branch.residual
        y = self._block(y, first, maps)
        if branch.lower:
            y = self._sum(y, self._coarse(y, branch.lower, maps))
        for block in rest:
            y = self._block(y, block, maps)
        kernel = ops.convert_to_numpy(branch.kernel)
        return self._enlarged(self._convolution(y, kernel, np.zeros(kernel.shape[-1])))

    def _enlarged(self, x: str) -> str:
        scales = self.add.constant([1, 1, 2, 2], "float32")
        return self.add("Resize", x, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")

    def _last(self, x: str) -> str:
        """The last convolution, and what makes bytes of it: uint8 `[1,H,W,3]`, as far as the photo was mirrored."""
        add, factor = self.add, self.config.space_to_depth
        kernel, bias = _weights(self.trunk.last)
        x = self._convolution(self._padded(x, kernel.shape[0] // 2), kernel, bias)
        if factor == 2:
            x = self._bytes(self._convolution(self._padded(x, 1, "edge"), _filter_of_sub_pixels(), np.zeros(12)))
            return self._sub_pixel_bytes(x)
        if factor > 1:
            x = self._padded(add("DepthToSpace", x, blocksize=factor, mode="DCR"), factor // 2)
            kernel = np.repeat(_against_grid(factor)[:, :, None, None], 3, axis=3)
            x = self._convolution(x, kernel, np.zeros(3), groups=3)
        return add("Transpose", self._bytes(x), perm=[0, 2, 3, 1])

    def _sub_pixel_bytes(self, x: str) -> str:
        """Bytes `[1,12,h,w]`, channels `[2,2,3]`, as `[1,2h,2w,3]`, six of them moved at once."""
        add = self.add
        x = add("Transpose", x, perm=[0, 2, 3, 1])
        height, width = (self._side(x, axis) for axis in (1, 2))
        x = add("Reshape", x, add("Concat", height, width, add.whole(2, 6), axis=0))
        x = add("Transpose", x, perm=[0, 2, 1, 3])
        two = add.whole(2)
        sides = (add("Mul", side, two) for side in (height, width))
        return add("Reshape", x, add("Concat", add.whole(1), *sides, add.whole(3), axis=0))

    def _bytes(self, x: str) -> str:
        add = self.add
        x = add("Mul", add("Sigmoid", x), add.constant(np.array(255), "float32"))
        return add("Cast", add("Round", x), to=TensorProto.UINT8)


def _weights(conv) -> tuple[np.ndarray, np.ndarray]:
    """Kernel `[h,w,in,out]` and bias `[out]`, float64, so that what is made of them is rounded once."""
    kernel, bias = (ops.convert_to_numpy(variable).astype("float64") for variable in (conv.kernel, conv.bias))
    return kernel, bias


def _against_grid(period: int) -> np.ndarray:
    """The filter of `tfstyle.networks.transformer._without_grid`, `[period + 1, period + 1]`."""
    ramp = np.ones(period + 1)
    ramp[0] = ramp[-1] = 0.5
    return np.outer(ramp, ramp) / period**2


def _filter_of_sub_pixels() -> np.ndarray:
    """1-2-1 each way at twice the resolution as a kernel between sub-pixels, `[3,3,12,12]`, channels `[2,2,3]`.

    Beyond the border the outermost positions are repeated. Of those only the sub-pixel next to the border is seen, and
    it is the one that a mirror at the outermost pixel shows.
    """
    line = np.zeros((3, 2, 2))  # position, sub-pixel there, sub-pixel that is made
    for made in range(2):
        for tap, share in zip((-1, 0, 1), _against_grid(2)[1] * 2, strict=True):
            position, seen = divmod(made + tap, 2)
            line[position + 1, seen, made] += share
    kernel = np.einsum("aip,bjq,cd->abijcpqd", line, line, np.eye(3))
    return kernel.reshape(3, 3, 12, 12)
