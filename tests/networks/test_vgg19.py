import types

import keras
import numpy as np
import pytest
from keras import ops

from tfstyle.errors import TrainingError
from tfstyle.networks.vgg19 import LAYERS, MEAN_BGR, VGG19, load_weights


def test_the_embedded_weights_hold_every_convolution_to_block5_conv1():
    loaded = load_weights("embedded")

    assert list(loaded) == list(LAYERS)
    assert loaded["block1_conv1"][0].shape == (3, 3, 3, 64)
    assert loaded["block5_conv1"][0].shape == (3, 3, 512, 512)
    assert all(kernel.dtype == bias.dtype == np.float32 for kernel, bias in loaded.values())


def test_activations_are_those_of_the_convolutions_worked_by_hand(rng):
    """First layer of a picture, at an inner position: BGR minus the mean, 3x3 products, bias, ReLU."""
    picture = (rng.random((1, 8, 8, 3)) * 255).astype("float32")
    kernel, bias = load_weights("embedded")["block1_conv1"]
    window = picture[0, 2:5, 3:6, ::-1] - np.array(MEAN_BGR, "float32")
    expected = np.maximum(np.einsum("ijc,ijck->k", window, kernel) + bias, 0)

    activations = VGG19(("block1_conv1",))(picture)["block1_conv1"]

    np.testing.assert_allclose(activations[0, 3, 4], expected, rtol=1e-3, atol=1e-2)


def test_layers_come_in_the_order_of_the_network_at_their_resolution(rng):
    activations = VGG19(("block3_conv1", "block1_conv2"))((rng.random((2, 32, 48, 3)) * 255).astype("float32"))

    assert {name: value.shape for name, value in activations.items()} == {
        "block1_conv2": (2, 32, 48, 64),
        "block3_conv1": (2, 8, 12, 256),
    }
    assert list(activations) == ["block1_conv2", "block3_conv1"]


def test_the_loss_network_is_frozen():
    network = VGG19(("block1_conv1",))
    network.build()

    assert network.trainable_weights == []
    assert len(network.weights) == 2


def test_weights_from_a_file_of_kernels_give_the_same_activations(rng, tmp_path):
    arrays = {}
    for name, (kernel, bias) in load_weights("embedded").items():
        arrays |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    np.savez(tmp_path / "vgg.npz", **arrays)
    picture = (rng.random((1, 16, 16, 3)) * 255).astype("float32")

    from_file = VGG19(("block2_conv1",), weights=str(tmp_path / "vgg.npz"))(picture)["block2_conv1"]

    np.testing.assert_array_equal(from_file, ops.convert_to_numpy(VGG19(("block2_conv1",))(picture)["block2_conv1"]))


def test_an_unknown_layer_is_refused_with_those_there_are():
    with pytest.raises(TrainingError, match="block5_conv1"):
        VGG19(("block9_conv1",))


@pytest.mark.parametrize("source", ["imagenet", "notop.h5"])
def test_weights_of_keras_are_taken_layer_by_layer(source, rng, tmp_path, monkeypatch):
    weights = {name: [rng.random((3, 3, 2, 4)), rng.random(4)] for name in LAYERS}
    asked = []

    def model(**options):
        asked.append(options)
        return types.SimpleNamespace(get_layer=lambda name: types.SimpleNamespace(get_weights=lambda: weights[name]))

    monkeypatch.setattr(keras.applications, "VGG19", model)
    if source != "imagenet":
        source = str(tmp_path / source)
        (tmp_path / "notop.h5").touch()

    assert load_weights(source) == {name: tuple(values) for name, values in weights.items()}
    assert asked == [{"include_top": False, "weights": source}]


def test_weights_that_cannot_be_downloaded_are_refused_with_advice(monkeypatch):
    def offline(**options):
        raise Exception("URL fetch failure on https://example.org: None -- Name or service not known")

    monkeypatch.setattr(keras.applications, "VGG19", offline)
    with pytest.raises(TrainingError, match=r"cannot be downloaded \(URL fetch failure .*\)\. Use `embedded`"):
        VGG19(("block1_conv1",), weights="imagenet")


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 truncated"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, content):
    (tmp_path / "vgg.npz").write_bytes(content)
    with pytest.raises(TrainingError, match="no VGG19 weights"):
        VGG19(("block1_conv1",), weights=str(tmp_path / "vgg.npz"))
    with pytest.raises(TrainingError, match="No such file"):
        VGG19(("block1_conv1",), weights=str(tmp_path / "missing.npz"))
