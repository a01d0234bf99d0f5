"""The style encoder as it is served: pixels of a style image to its style vector, in little space.

VGG19 takes a byte a weight, and the encoder's own matrices two, which moves a style vector by less than a thousandth.
"""

import numpy as np
import tensorflow as tf
from keras import ops

from tfstyle.imaging.style_images import STYLE_IMAGE_SIDE
from tfstyle.networks.style_encoder import (
    PARTS,
    STATISTICS_LAYERS,
    StyleEncoder,
    predicted_vectors,
    style_statistics,
)
from tfstyle.networks.vgg19 import activations, load_codebooks


class EncoderGraph(tf.Module):
    """VGG19 up to `block4_conv1` and a style encoder.

    VGG19 stays in its codebooks, 4 MB, and is unpacked when a style image comes, which takes some milliseconds.

    Args:
        encoder: The model's encoder.
    """

    def __init__(self, encoder: StyleEncoder):
        super().__init__()
        self.parts = {name: _variable(name, ops.convert_to_numpy(getattr(encoder, name))) for name in PARTS}
        self.names: list[str] = []
        self.codes, self.codebooks, self.biases = [], [], []
        for name, (codes, codebook, bias) in load_codebooks(STATISTICS_LAYERS[-1]).items():
            self.names.append(name)
            self.codes.append(tf.Variable(codes, trainable=False, name=f"{name}_codes"))
            self.codebooks.append(tf.Variable(codebook, trainable=False, name=f"{name}_codebook"))
            self.biases.append(tf.Variable(bias, trainable=False, name=f"{name}_bias"))

    def __call__(self, pixels):
        """The style vector, float32 `[V]`, of a style image, uint8 `[H,W,3]`."""
        image = _measured(pixels)[None]
        kernels = [
            tf.gather(codebook, tf.cast(codes, tf.int32))
            for codes, codebook in zip(self.codes, self.codebooks, strict=True)
        ]
        convolutions = dict(zip(self.names, zip(kernels, self.biases, strict=True), strict=True))
        statistics = style_statistics(activations(image, convolutions, STATISTICS_LAYERS))
        return predicted_vectors(statistics, {name: tf.cast(part, tf.float32) for name, part in self.parts.items()})[0]


def _variable(name: str, value: np.ndarray) -> tf.Variable:
    """A part of the encoder; matrices, which are large, in half precision."""
    return tf.Variable(value.astype("float16" if value.ndim > 1 else "float32"), trainable=False, name=name)


def _measured(pixels):
    """A style image in the size at which it is looked at, float32 `[h,w,3]`, as Pillow makes it, bit for bit but few.

    That is what the encoder was trained on: columns, then rows, each rounded to bytes.
    """
    height, width = tf.unstack(_measured_size(tf.shape(pixels)))
    for size in ((tf.shape(pixels)[0], width), (height, width)):
        pixels = tf.floor(tf.image.resize(pixels, size, antialias=True) + 0.5)
    return pixels


def _measured_size(shape):
    """`tfstyle.imaging.style_images.measured_size` as a graph: height and width, int32 `[2]`."""
    sides = tf.cast(shape[:2], tf.float64)
    short, long = tf.reduce_min(sides), tf.reduce_max(sides)
    long = tf.cast(tf.round(long * (STYLE_IMAGE_SIDE / short) / 32), tf.int32) * 32
    long = tf.minimum(long, 2 * STYLE_IMAGE_SIDE)
    return tf.where(shape[:2] == tf.reduce_max(shape[:2]), long, STYLE_IMAGE_SIDE)
