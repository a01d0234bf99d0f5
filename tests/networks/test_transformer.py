import keras
import numpy as np
import pytest
from keras import ops

from tfstyle.networks import checkpoint
from tfstyle.networks.transformer import Transformer, TransformerConfig

TINY = TransformerConfig(widths=(4, 8), blocks=1)
COARSE = TransformerConfig(widths=(4, 8), blocks=1, coarse_widths=(6, 4), coarse_blocks=(1, 2), low_pass=True)


@pytest.fixture(scope="module")
def tiny():
    return checkpoint.new_transformer(TINY)


@pytest.fixture(scope="module")
def table(tiny):
    """Style vectors of two styles."""
    return random_vectors(tiny, 2)


def random_vectors(network, count):
    vectors = checkpoint.neutral_vector(network) + np.random.default_rng(3).normal(0, 0.5, (count, network.style_size))
    return vectors.astype("float32")


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 17), (31, 18), (33, 64), (19, 101)])
def test_a_painting_has_exactly_the_size_of_its_photo(tiny, table, rng, height, width):
    photo = rng.integers(0, 256, (1, height, width, 3), dtype="uint8")

    painting = ops.convert_to_numpy(tiny(photo, table[None, :1]))

    assert painting.shape == photo.shape
    assert painting.dtype == np.float32
    assert painting.min() >= 0
    assert painting.max() <= 255


@pytest.mark.parametrize(
    "config",
    [
        TransformerConfig.johnson(),
        TransformerConfig(widths=(8,), blocks=0, space_to_depth=4),
        TransformerConfig(widths=(4, 6, 8), blocks=2, end_kernel=5, space_to_depth=2),
        COARSE,
    ],
    ids=["johnson", "no trunk", "an eighth", "coarse branch"],
)
def test_every_shape_of_network_takes_the_smallest_photo(config, rng):
    network = checkpoint.new_transformer(config)
    painting = network(rng.random((1, 16, 16, 3)) * 255, checkpoint.neutral_vector(network)[None, None])

    assert painting.shape == (1, 16, 16, 3)


def test_the_johnson_network_has_the_published_layers():
    """32-64-128 down, five residual blocks of 128, 64-32 up, 9x9 ends: 1.68 million weights and a style vector."""
    network = checkpoint.new_transformer(TransformerConfig.johnson())

    assert [layer.filters for layer in network.down] == [32, 64, 128]
    assert [block.filters for block in network.trunk] == [128] * 5
    assert [layer.filters for layer in network.up] == [64, 32]
    assert network.down[0].conv.kernel.shape == (9, 9, 3, 32)
    assert network.last.kernel.shape == (9, 9, 32, 3)
    kernels = 81 * 3 * 32 + 9 * (32 * 64 + 64 * 128 + 10 * 128 * 128 + 128 * 64 + 64 * 32) + 81 * 32 * 3
    normalized = 32 + 64 + 128 + 10 * 128 + 64 + 32  # channels
    assert network.count_params() == kernels + normalized + 3
    assert network.style_size == 2 * normalized


@pytest.mark.parametrize("config", [TINY, COARSE], ids=["plain", "coarse branch"])
def test_a_uniform_region_map_paints_like_the_same_mix_for_the_whole_photo(config, rng):
    network = checkpoint.new_transformer(config)
    vectors = random_vectors(network, 2)
    if network.coarse:
        network.coarse.kernel.assign(rng.normal(size=network.coarse.kernel.shape))
    photo = rng.integers(0, 256, (1, 64, 80, 3), dtype="uint8")
    shares = np.broadcast_to(np.array([0.3, 0.7], "float32"), (1, 64, 80, 2))

    per_pixel = network(photo, vectors[None], shares)

    np.testing.assert_allclose(per_pixel, network(photo, (shares[0, 0, :1] @ vectors)[None]), atol=2e-2)


def test_a_picture_does_not_depend_on_its_batch(tiny, table, rng):
    photos = rng.integers(0, 256, (3, 32, 32, 3), dtype="uint8")
    vectors = (np.array([[1, 0], [0, 1], [0.5, 0.5]], "float32") @ table)[:, None]

    together = ops.convert_to_numpy(tiny(photos, vectors))

    for i in range(3):
        np.testing.assert_allclose(together[i], tiny(photos[i : i + 1], vectors[i : i + 1])[0], atol=1e-2)


def test_a_small_picture_is_mirrored_as_often_as_the_lowest_resolution_needs(rng):
    """16 px are mirrored to 48 for three positions at a sixteenth: back, forth and back again."""
    network = checkpoint.new_transformer(COARSE)
    vector = random_vectors(network, 1)[None]
    photo = rng.integers(0, 256, (1, 16, 16, 3), dtype="uint8")
    place = np.abs((np.arange(48) + 15) % 30 - 15)

    whole = network(photo[:, place][:, :, place], vector)

    np.testing.assert_allclose(network(photo, vector), whole[:, :16, :16], atol=1e-2)


def test_a_low_passed_network_paints_a_moved_photo_more_alike(rng):
    """Smooth noise, moved by two pixels: without the low-pass the strides show more of it than of the photo."""
    smooth = ops.image.resize(rng.random((1, 20, 20, 3)) * 255, (80, 80), interpolation="bicubic")
    photo = np.clip(ops.convert_to_numpy(smooth), 0, 255)

    def shift_error(low_pass):
        keras.utils.set_random_seed(0)
        network = checkpoint.new_transformer(TransformerConfig(widths=(8, 16), blocks=0, low_pass=low_pass))
        vector = checkpoint.neutral_vector(network)[None, None]
        here, there = (ops.convert_to_numpy(network(np.roll(photo, by, axis=2), vector)) for by in (0, 2))
        return np.abs(np.roll(here, 2, axis=2) - there)[:, 16:-16, 16:-16].mean() / here.std()

    assert shift_error(low_pass=True) < 0.8 * shift_error(low_pass=False)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_flat_photo_is_painted_without_a_grid(factor):
    """The sub-pixels of a depth-to-space have kernels and biases of their own, which would show as a grid."""
    network = checkpoint.new_transformer(TransformerConfig(widths=(8,), blocks=1, space_to_depth=factor))
    network.last.bias.assign(keras.random.normal(network.last.bias.shape, seed=0))

    vector = checkpoint.neutral_vector(network)[None, None]
    painting = ops.convert_to_numpy(network(np.full((1, 32, 32, 3), 90, "uint8"), vector))

    inside = painting[:, factor:-factor, factor:-factor]
    np.testing.assert_allclose(inside, np.broadcast_to(inside[:, :1, :1], inside.shape), atol=1e-2)


def test_a_network_comes_back_from_its_config(rng):
    network = Transformer(TINY)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))

    assert again.config == TINY


def test_a_fingerprint_is_of_the_trunk_alone(tiny):
    again = checkpoint.new_transformer(TINY)
    for variable, value in zip(again.variables, tiny.variables, strict=True):
        variable.assign(value)
    assert again.fingerprint() == tiny.fingerprint()
    assert len(tiny.fingerprint()) == 16

    again.last.bias.assign(again.last.bias + 1e-6)
    assert again.fingerprint() != tiny.fingerprint()


@pytest.mark.parametrize(
    "wrong",
    [
        {"widths": ()},
        {"end_kernel": 4},
        {"space_to_depth": 3},
        {"space_to_depth": 4, "end_kernel": 9},
        {"widths": (8,) * 4},
        {"coarse_widths": (8,)},
        {"coarse_widths": (8,), "coarse_blocks": (0,)},
    ],
)
def test_a_network_that_cannot_work_is_refused_when_it_is_described(wrong):
    with pytest.raises(ValueError, match="Got"):
        TransformerConfig(**wrong)
