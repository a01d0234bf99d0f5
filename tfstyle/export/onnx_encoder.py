"""The style encoder as ONNX Runtime reads it: a style image to its style vector, in little space.

As `tfstyle.export.encoder_graph`: VGG19 takes a byte a weight, and the encoder's own matrices two.
"""

import numpy as np
import onnx
from keras import ops
from onnx import TensorProto

from tfstyle.export.onnx_graph import OnnxGraph, Tensor
from tfstyle.networks.style_encoder import MAX_DEVIATIONS, STATISTICS_LAYERS, StyleEncoder
from tfstyle.networks.vgg19 import MEAN_BGR, load_codebooks


def encoder_network(encoder: StyleEncoder) -> onnx.ModelProto:
    """The graph of VGG19 up to `block4_conv1` and a style encoder.

    The weights are unpacked when ONNX Runtime loads the graph, which folds what is constant.

    Returns:
        A model with the input `image`, uint8 `[1,H,W,3]`, a style image in the size that
        `tfstyle.imaging.style_images.measured_size` says, and the output `style_vectors`, float32 `[1,V]`.
    """
    add = OnnxGraph()
    x = add("Cast", add("Transpose", "image", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    x = add(
        "Sub", add("Gather", x, add.whole(2, 1, 0), axis=1), add.constant(np.reshape(MEAN_BGR, (3, 1, 1)), "float32")
    )
    statistics: list[str] = []
    for name, (codes, codebook, bias) in load_codebooks(STATISTICS_LAYERS[-1]).items():
        if name.endswith("conv1") and name != "block1_conv1":
            x = add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        numbers = add("Cast", add.constant(codes.transpose(3, 2, 0, 1), "uint8"), to=TensorProto.INT32)
        kernel = add("Gather", add.constant(codebook, "float32"), numbers)
        x = add("Relu", add("Conv", x, kernel, add.constant(bias, "float32"), kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        if name in STATISTICS_LAYERS:
            statistics += _statistics(add, x)
    x = add("Sqrt", add("Concat", *statistics, axis=1))
    vector = _predicted(add, x, encoder)
    image: Tensor = (TensorProto.UINT8, [1, "height", "width", 3])
    style_vectors: Tensor = (TensorProto.FLOAT, [1, encoder.config.style_size])
    return add.model({"image": image}, {"style_vectors": style_vectors}, {"style_vectors": vector})


def _statistics(add: OnnxGraph, x: str) -> tuple[str, str]:
    """Mean and deviation of each channel, float32 `[1,C]`."""
    mean = add("ReduceMean", x, axes=[2, 3], keepdims=0)
    square = add("ReduceMean", add("Mul", x, x), axes=[2, 3], keepdims=0)
    variance = add("Sub", square, add("Mul", mean, mean))
    return mean, add("Sqrt", add("Max", variance, add.constant(np.array(0), "float32")))


def _predicted(add: OnnxGraph, statistics: str, encoder: StyleEncoder) -> str:
    """`StyleEncoder.call`."""

    def weights(variable) -> str:
        value = ops.convert_to_numpy(variable)
        if value.ndim == 1:
            return add.constant(value, "float32")
        return add("Cast", add.constant(value, "float16"), to=TensorProto.FLOAT)

    x = add("MatMul", add("Sub", statistics, weights(encoder.mean)), weights(encoder.whitening))
    x = add("Min", add("Max", x, _number(add, -MAX_DEVIATIONS)), _number(add, MAX_DEVIATIONS))
    x = add("Relu", add("Add", add("MatMul", x, weights(encoder.hidden_kernel)), weights(encoder.hidden_bias)))
    return add("Add", add("MatMul", x, weights(encoder.kernel)), weights(encoder.mean_vector))


def _number(add: OnnxGraph, value: float) -> str:
    return add.constant(np.array(value), "float32")
