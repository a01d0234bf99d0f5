import keras
import numpy as np
import pytest
from keras import ops

from tfstyle.networks import checkpoint
from tfstyle.networks.transformer import Transformer, TransformerConfig

TINY = TransformerConfig(styles=2, widths=(4, 8), blocks=1)
ONE = np.array([[1, 0]], "float32")


@pytest.fixture(scope="module")
def tiny():
    return checkpoint.new_transformer(TINY)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 17), (31, 18), (33, 64), (19, 101)])
def test_a_painting_has_exactly_the_size_of_its_photo(tiny, rng, height, width):
    photo = rng.integers(0, 256, (1, height, width, 3), dtype="uint8")

    painting = ops.convert_to_numpy(tiny(photo, ONE))

    assert painting.shape == photo.shape
    assert painting.dtype == np.float32
    assert painting.min() >= 0
    assert painting.max() <= 255


@pytest.mark.parametrize(
    "config",
    [
        TransformerConfig.johnson(),
        TransformerConfig(styles=1, widths=(8,), blocks=0, space_to_depth=4),
        TransformerConfig(styles=1, widths=(4, 6, 8), blocks=2, end_kernel=5, space_to_depth=2),
    ],
    ids=["johnson", "no trunk", "an eighth"],
)
def test_every_shape_of_network_takes_the_smallest_photo(config, rng):
    painting = checkpoint.new_transformer(config)(rng.random((1, 16, 16, 3)) * 255, np.ones((1, 1), "float32"))

    assert painting.shape == (1, 16, 16, 3)


def test_the_johnson_network_has_the_published_layers():
    """32-64-128 down, five residual blocks of 128, 64-32 up, 9x9 ends: 1.68 million weights with one style."""
    network = checkpoint.new_transformer(TransformerConfig.johnson())

    assert [layer.filters for layer in network.down] == [32, 64, 128]
    assert [block.filters for block in network.trunk] == [128] * 5
    assert [layer.filters for layer in network.up] == [64, 32]
    assert network.down[0].conv.kernel.shape == (9, 9, 3, 32)
    assert network.last.kernel.shape == (9, 9, 32, 3)
    kernels = 81 * 3 * 32 + 9 * (32 * 64 + 64 * 128 + 10 * 128 * 128 + 128 * 64 + 64 * 32) + 81 * 32 * 3
    biases_and_rows = 3 * (32 + 64 + 128 + 10 * 128 + 64 + 32) + 3
    assert network.count_params() == kernels + biases_and_rows


def test_a_uniform_style_map_paints_like_the_same_mix_for_the_whole_photo(tiny, rng):
    photo = rng.integers(0, 256, (1, 37, 50, 3), dtype="uint8")
    mix = np.array([[0.3, 0.7]], "float32")

    per_pixel = tiny(photo, np.broadcast_to(mix[:, None, None, :], (1, 37, 50, 2)).copy())

    np.testing.assert_allclose(per_pixel, tiny(photo, mix), atol=1e-2)


def test_a_picture_does_not_depend_on_its_batch(tiny, rng):
    photos = rng.integers(0, 256, (3, 32, 32, 3), dtype="uint8")
    mixes = np.array([[1, 0], [0, 1], [0.5, 0.5]], "float32")

    together = ops.convert_to_numpy(tiny(photos, mixes))

    for i in range(3):
        np.testing.assert_allclose(together[i], tiny(photos[i : i + 1], mixes[i : i + 1])[0], atol=1e-2)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_flat_photo_is_painted_without_a_grid(factor):
    """The sub-pixels of a depth-to-space have kernels and biases of their own, which would show as a grid."""
    network = checkpoint.new_transformer(TransformerConfig(styles=1, widths=(8,), blocks=1, space_to_depth=factor))
    network.last.bias.assign(keras.random.normal(network.last.bias.shape, seed=0))

    painting = ops.convert_to_numpy(network(np.full((1, 32, 32, 3), 90, "uint8"), np.ones((1, 1), "float32")))

    inside = painting[:, factor:-factor, factor:-factor]
    np.testing.assert_allclose(inside, np.broadcast_to(inside[:, :1, :1], inside.shape), atol=1e-2)


def test_a_network_comes_back_from_its_config(rng):
    network = Transformer(TINY)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))

    assert again.config == TINY


def test_saved_weights_paint_the_same(tiny, rng, tmp_path):
    from tfstyle.contract.catalog import Style

    styles = (Style("a", "A", "Ä", "1900"), Style("b", "B", "", ""))
    checkpoint.save(tiny, styles, tmp_path)
    again, names = checkpoint.load(tmp_path)
    photo = rng.integers(0, 256, (1, 32, 32, 3), dtype="uint8")

    assert names == styles
    np.testing.assert_array_equal(again(photo, ONE), tiny(photo, ONE))


def test_starting_from_weights_keeps_kernels_and_finds_rows_by_name(tiny):
    from tfstyle.contract.catalog import Style

    a, b, new = (Style(name, "", "", "") for name in ("a", "b", "new"))
    tiny.trunk[0].first.norm.gamma.assign(np.arange(16).reshape(2, 8))
    started = checkpoint.new_transformer(TransformerConfig(styles=3, widths=(4, 8), blocks=1))

    checkpoint.initialize(started, (b, new, a), tiny, (a, b))

    np.testing.assert_array_equal(started.trunk[0].first.conv.kernel, tiny.trunk[0].first.conv.kernel)
    rows = ops.convert_to_numpy(started.trunk[0].first.norm.gamma)
    np.testing.assert_array_equal(rows, [np.arange(8, 16), np.arange(4, 12), np.arange(8)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"styles": 0},
        {"widths": ()},
        {"end_kernel": 4},
        {"space_to_depth": 3},
        {"space_to_depth": 4, "end_kernel": 9},
        {"widths": (8,) * 4},
    ],
)
def test_a_network_that_cannot_work_is_refused_when_it_is_described(wrong):
    with pytest.raises(ValueError, match="Got"):
        TransformerConfig(**wrong)
