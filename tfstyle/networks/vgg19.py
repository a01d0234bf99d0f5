"""The loss network: VGG19 up to block5_conv1, ImageNet weights, frozen; its activations say what a picture shows."""

import zipfile
from collections.abc import Collection, Mapping
from importlib.resources import files
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tfstyle.errors import TrainingError

# name -> filters, in order; a new block starts with max pooling.
LAYERS = {
    f"block{block}_conv{conv}": filters
    for block, convs, filters in ((1, 2, 64), (2, 2, 128), (3, 4, 256), (4, 4, 512), (5, 1, 512))
    for conv in range(1, convs + 1)
}
MEAN_BGR = (103.939, 116.779, 123.68)  # of ImageNet, what the weights were trained with

# Where distances are measured and pictures optimized; a recipe may look elsewhere.
CONTENT_LAYER = "block4_conv2"
STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))


class VGG19(keras.layers.Layer):
    """Named activations of VGG19, after the ReLU of each convolution.

    Args:
        layers: Names to return, such as `block4_conv2`. Nothing above the highest is computed.
        weights: `embedded` (8-bit codebooks that come with the package), `imagenet` (full precision, downloaded by
            keras.applications), or a file of either kind: `.npz` as embedded or with `NAME/kernel` and `NAME/bias`,
            or the Keras `.h5` without top.

    Call arguments:
        image: RGB pictures `(B, H, W, 3)`, float, 0..255.

    Returns:
        Dict of layer name to activations `(B, h, w, C)`, >= 0, in the order of the network.

    Raises:
        TrainingError: If a name is no layer or the weights cannot be read.

    Reference: [Simonyan and Zisserman, 2015](https://arxiv.org/abs/1409.1556), configuration E.
    """

    def __init__(self, layers: tuple[str, ...], weights: str = "embedded", **kwargs):
        super().__init__(trainable=False, **kwargs)
        unknown = sorted(set(layers) - set(LAYERS))
        if unknown or not layers:
            raise TrainingError(f"The loss network has the layers {', '.join(LAYERS)}. Asked for: {unknown or 'none'}.")
        names = list(LAYERS)
        self.names = tuple(name for name in names if name in set(layers))
        self.computed = names[: names.index(self.names[-1]) + 1]
        self._values = load_weights(weights)

    def build(self, image_shape=None):
        channels = 3
        self.convolutions = {}
        for name in self.computed:
            kernel, bias = self._values[name]
            shapes = ((3, 3, channels, LAYERS[name]), (LAYERS[name],))
            if (kernel.shape, bias.shape) != shapes:
                raise TrainingError(
                    f"{name} of VGG19 has kernel and bias of shapes {shapes}. Got {kernel.shape} and {bias.shape}: "
                    "is this the file of another network?"
                )
            self.convolutions[name] = tuple(
                self.add_weight(name=f"{name}_{part}", shape=value.shape, trainable=False, initializer=_constant(value))
                for part, value in (("kernel", kernel), ("bias", bias))
            )
            channels = LAYERS[name]
        del self._values

    def call(self, image):
        image = ops.cast(image, self.compute_dtype)
        return activations(image, {name: self.convolutions[name] for name in self.computed}, self.names)


def activations(image, convolutions: Mapping, names: Collection[str]) -> dict:
    """What the network makes of pictures.

    Args:
        image: RGB pictures `(B, H, W, 3)`, float, 0..255.
        convolutions: Kernel and bias by layer name, in the order of the network, from the first layer on.
        names: Layers to return.

    Returns:
        As `VGG19`.
    """
    x = ops.flip(image, axis=-1) - ops.cast(np.array(MEAN_BGR), image.dtype)
    found = {}
    for name, (kernel, bias) in convolutions.items():
        if name.endswith("conv1") and name != "block1_conv1":
            x = ops.max_pool(x, 2, strides=2)
        x = ops.relu(ops.conv(x, kernel, padding="same") + bias)
        if name in names:
            found[name] = x
    return found


def load_codebooks(last: str) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The embedded weights as they lie in the package: a byte for each number, an index into a codebook.

    Args:
        last: The layer up to which they are wanted.

    Returns:
        Codes, uint8 (3, 3, in, out), codebook, float32 (256,), and bias, float32 (out,), by layer name, in order.
    """
    names = list(LAYERS)
    with np.load(str(files("tfstyle") / "assets" / "vgg19.npz")) as archive:
        return {
            name: tuple(archive[f"{name}/{part}"] for part in ("codes", "codebook", "bias"))
            for name in names[: names.index(last) + 1]
        }


def load_weights(source: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kernels (3, 3, in, out) and biases (out,), float32, by layer name. `source`: see `VGG19`.

    Raises:
        TrainingError: If there is no such file, it holds none, or they cannot be downloaded.
    """
    if source == "imagenet":
        try:
            return _of_keras("imagenet")
        except Exception as error:  # what Keras raises itself where a download fails
            raise TrainingError(f"VGG19's weights cannot be downloaded ({error}). Use `embedded` or a file.") from error
    path = files("tfstyle") / "assets" / "vgg19.npz" if source == "embedded" else Path(source)
    if not path.is_file():
        raise TrainingError(f"VGG19 weights are `embedded`, `imagenet` or a file. No such file: {source}.")
    try:
        if str(path).endswith((".h5", ".hdf5")):
            return _of_keras(str(path))
        with path.open("rb") as file, np.load(file) as archive:
            return {name: (_kernel(archive, name), archive[f"{name}/bias"]) for name in LAYERS}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{source} holds no VGG19 weights that can be read ({error}). Use `embedded`.") from error


def _of_keras(weights: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    model = keras.applications.VGG19(include_top=False, weights=weights)
    return {name: tuple(model.get_layer(name).get_weights()) for name in LAYERS}


def _kernel(archive, name: str) -> np.ndarray:
    if f"{name}/kernel" in archive:
        return archive[f"{name}/kernel"]
    return archive[f"{name}/codebook"][archive[f"{name}/codes"]]


def _constant(value: np.ndarray):
    return lambda shape, dtype=None: ops.convert_to_tensor(value, dtype=dtype)
