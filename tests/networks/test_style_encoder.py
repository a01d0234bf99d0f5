import numpy as np
import pytest
from keras import ops

from tfstyle.networks import checkpoint
from tfstyle.networks.style_encoder import STATISTICS_LAYERS, StyleEncoderConfig, style_statistics, whitening_of


def encoder(**changes):
    config = {"style_size": 5, "statistics": 6, "components": 4, "hidden": 8, **changes}
    return checkpoint.new_encoder(StyleEncoderConfig(**config))


def test_every_style_image_begins_as_the_mean_style(rng):
    new = encoder()
    new.mean_vector.assign([1, 2, 3, 4, 5])
    new.fit_whitening(rng.normal(size=(50, 6)))

    np.testing.assert_array_equal(new(rng.normal(size=(3, 6))), [[1, 2, 3, 4, 5]] * 3)


def test_a_style_vector_depends_on_its_own_image_alone(rng):
    new = encoder()
    new.kernel.assign(rng.normal(size=(8, 5)))
    new.fit_whitening(rng.normal(size=(50, 6)))
    statistics = rng.normal(size=(3, 6)).astype("float32")

    together = ops.convert_to_numpy(new(statistics))

    for row, alone in zip(together, statistics, strict=True):
        np.testing.assert_allclose(new(alone[None])[0], row, rtol=1e-5)


def test_whitened_statistics_have_variance_one_and_no_correlation(rng):
    statistics = rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)) + 3

    mean, whitening = whitening_of(statistics, 4)
    white = (statistics - mean) @ whitening

    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(4), atol=1e-6)


def test_statistics_of_fewer_images_than_components_leave_the_others_at_zero(rng):
    _, whitening = whitening_of(rng.normal(size=(3, 6)), 4)

    assert np.isfinite(whitening).all()
    assert not whitening[:, 2:].any()


def test_statistics_are_roots_of_means_and_of_deviations_layer_by_layer():
    features = {name: np.zeros((1, 2, 2, 1), "float32") for name in STATISTICS_LAYERS}
    features["block1_conv1"] = np.array([1, 3, 5, 7], "float32").reshape(1, 2, 2, 1)

    statistics = ops.convert_to_numpy(style_statistics(features))

    assert statistics.shape == (1, 8)
    np.testing.assert_allclose(statistics[0, :2], [4**0.5, 5**0.25], rtol=1e-5)
    np.testing.assert_allclose(statistics[0, 2:], 0)


@pytest.mark.parametrize("far", [1e3, 1e6])
def test_a_style_image_unlike_any_other_is_no_farther_out_than_four_deviations(rng, far):
    new = encoder()
    new.fit_whitening(rng.normal(size=(50, 6)))
    new.kernel.assign(rng.normal(size=(8, 5)))

    np.testing.assert_array_equal(new(np.full((1, 6), far)), new(np.full((1, 6), 10 * far)))
