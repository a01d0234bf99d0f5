"""The style encoder: from what VGG19 makes of any style image to its style vector, in one pass."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops
from PIL import Image

from tfstyle.imaging.style_images import measured_size
from tfstyle.networks.vgg19 import VGG19

STATISTICS_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 5))  # of the loss network
MAX_DEVIATIONS = 4.0  # of a whitened component
PARTS = ("mean", "whitening", "hidden_kernel", "hidden_bias", "kernel", "mean_vector")  # weights of a style encoder


@dataclass(frozen=True, kw_only=True)
class StyleEncoderConfig:
    """The shape of a style encoder."""

    style_size: int  # length V of the style vectors it predicts
    statistics: int = 1920  # K: two for each channel of `STATISTICS_LAYERS`
    components: int = 192  # principal components of the statistics that are looked at
    hidden: int = 256


@keras.saving.register_keras_serializable("tfstyle")
class StyleEncoder(keras.layers.Layer):
    """Predicts the style vector of any style image from statistics of its VGG19 activations.

    Statistics are brought to mean 0 and variance 1, turned into their principal components over the style images of the
    training, brought to variance 1 again (whitened), and go through one hidden layer; what comes out is added to a mean
    style vector that is learned, too.

    Args:
        config: Shape of the encoder.

    Call arguments:
        statistics: See `style_statistics`, float32 `(B, K)`.

    Returns:
        Style vectors, float32 `(B, V)`.

    Reference: [Ghiasi et al., 2017](https://arxiv.org/abs/1705.06830), section 2.2, with means and deviations of VGG19
    in place of a network of its own, since thousands of style images must do here where they had 80,000.
    """

    def __init__(self, config: StyleEncoderConfig, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.config = config

    def build(self, statistics_shape=None):
        config = self.config

        def fixed(name, *shape):
            return self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)

        self.mean = fixed("mean", config.statistics)
        self.whitening = fixed("whitening", config.statistics, config.components)
        self.hidden_kernel = self.add_weight(
            name="hidden_kernel", shape=(config.components, config.hidden), initializer="glorot_uniform"
        )
        self.hidden_bias = self.add_weight(name="hidden_bias", shape=(config.hidden,), initializer="zeros")
        # Starts at zero: every style image begins as the mean style.
        self.kernel = self.add_weight(name="kernel", shape=(config.hidden, config.style_size), initializer="zeros")
        self.mean_vector = self.add_weight(name="mean_vector", shape=(config.style_size,), initializer="zeros")

    def call(self, statistics):
        return predicted_vectors(ops.cast(statistics, "float32"), {name: getattr(self, name) for name in PARTS})

    def fit_whitening(self, statistics: np.ndarray) -> None:
        """Sets mean and whitening from the statistics of many style images, float `[M, K]`."""
        mean, whitening = whitening_of(statistics.astype("float64"), self.config.components)
        self.mean.assign(mean.astype("float32"))
        self.whitening.assign(whitening.astype("float32"))

    def get_config(self):
        return {**super().get_config(), "config": self.config}


def predicted_vectors(statistics, weights: Mapping):
    """What a style encoder makes of statistics.

    Args:
        statistics: Float32 `(B, K)`.
        weights: Float32, by the names of `PARTS`.

    Returns:
        Style vectors, float32 `(B, V)`.
    """
    x = ops.matmul(statistics - weights["mean"], weights["whitening"])
    # A style image unlike any of the training is as far out as the farthest of those, not farther.
    x = ops.clip(x, -MAX_DEVIATIONS, MAX_DEVIATIONS)
    x = ops.relu(ops.matmul(x, weights["hidden_kernel"]) + weights["hidden_bias"])
    return ops.matmul(x, weights["kernel"]) + weights["mean_vector"]


class StylePredictor:
    """Predicts the style vector of a style image: a picture in, VGG19's statistics of it through a style encoder.

    Args:
        encoder: A trained style encoder.
        vgg19: Weights of the loss network, see `tfstyle.networks.vgg19.VGG19`.
    """

    def __init__(self, encoder: StyleEncoder, vgg19: str = "embedded"):
        self.encoder = encoder
        self.network = VGG19(STATISTICS_LAYERS, weights=vgg19)

    def __call__(self, style_image: np.ndarray) -> np.ndarray:
        """The style vector, float32 `[V]`, of a style image, uint8 `[H, W, 3]`."""
        image = Image.fromarray(style_image)
        image = image.resize(measured_size(*image.size), Image.Resampling.BILINEAR)
        features = self.network(ops.convert_to_tensor(np.asarray(image, "float32")[None]))
        return ops.convert_to_numpy(self.encoder(style_statistics(features)))[0]


def style_statistics(features) -> object:
    """What the style encoder sees of a style image: roots of means and of deviations of every channel.

    Args:
        features: Activations of `STATISTICS_LAYERS` by name, float `(B, H, W, C)` each, >= 0.

    Returns:
        Float32 `(B, K)`, >= 0. Roots, since few channels fire strongly.
    """
    parts = []
    for name in STATISTICS_LAYERS:
        x = ops.cast(features[name], "float32")
        mean = ops.mean(x, axis=(1, 2))
        deviation = ops.sqrt(ops.maximum(ops.mean(ops.square(x), axis=(1, 2)) - ops.square(mean), 0))
        parts += [mean, deviation]
    return ops.sqrt(ops.concatenate(parts, axis=-1))


def whitening_of(statistics: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean `[K]`, and the matrix `[K, components]` that brings statistics `[M, K]` without it to whitened components.

    Components beyond the rank of the statistics stay 0.
    """
    mean = statistics.mean(axis=0)
    scale = 1 / np.maximum(statistics.std(axis=0), 1e-6)
    _, singular, rows = np.linalg.svd((statistics - mean) * scale, full_matrices=False)
    deviations = singular / np.sqrt(len(statistics))
    usable = min(components, int((deviations > 1e-3 * deviations[0]).sum()))
    whitening = np.zeros((statistics.shape[1], components))
    whitening[:, :usable] = scale[:, None] * rows[:usable].T / deviations[:usable]
    return mean, whitening
