"""Every loss against numbers worked by hand, on the formulas of the paper's sections 3.2 to 3.6."""

import keras
import numpy as np
import pytest
from keras import ops

from tfstyle.networks import losses
from tfstyle.training.motion import Motion

# One picture of 1 x 2 positions and 2 channels: positions (1, 2) and (3, 4).
FEATURES = np.array([[[[1, 2], [3, 4]]]], "float32")
# C*H*W = 4; sums over positions: 1*1+3*3 = 10, 1*2+3*4 = 14, 2*2+4*4 = 20.
GRAM = np.array([[[10, 14], [14, 20]]], "float32") / 4


def test_gram_matrix_is_the_channel_products_over_chw():
    np.testing.assert_allclose(losses.gram_matrix(FEATURES), GRAM)


def test_gram_matrix_ignores_where_a_texture_is(rng):
    """Style is what fires together, so shuffled pixels have the same Gram matrix."""
    features = rng.random((1, 6, 8, 4), dtype="float32")
    shuffled = rng.permutation(features.reshape(1, 48, 4), axis=1).reshape(features.shape)

    np.testing.assert_allclose(losses.gram_matrix(shuffled), losses.gram_matrix(features), rtol=1e-4)


def test_gram_matrix_of_half_precision_features_is_float32_and_finite():
    """Sums over a whole picture leave the range of float16 long before they are divided."""
    features = np.full((1, 64, 64, 8), 200, "float16")

    gram = losses.gram_matrix(features)

    assert keras.backend.standardize_dtype(gram.dtype) == "float32"
    np.testing.assert_allclose(gram, 200**2 / 8, rtol=1e-3)


def test_feature_reconstruction_loss_is_the_mean_squared_difference():
    target = np.array([[[[0, 2], [3, 1]]]], "float32")  # differences 1, 0, 0, 3

    np.testing.assert_allclose(losses.feature_reconstruction_loss(FEATURES, target), [10 / 4])


def test_style_reconstruction_loss_is_the_squared_frobenius_distance_of_gram_matrices():
    target = GRAM - np.array([[[1, 0], [0, 2]]], "float32")

    np.testing.assert_allclose(losses.style_reconstruction_loss(losses.gram_matrix(FEATURES), target), [1 + 4])


def test_pixel_loss_is_the_squared_distance_over_chw():
    image = np.zeros((2, 1, 2, 3), "float32")
    target = image.copy()
    target[1, 0, 1] = (3, 0, 4)

    np.testing.assert_allclose(losses.pixel_loss(image, target), [0, 25 / 6])


def test_total_variation_sums_squared_steps_between_neighbours_over_chw():
    image = np.array([[1, 2], [4, 8]], "float32").reshape(1, 2, 2, 1)  # down: 9, 36; right: 1, 16

    np.testing.assert_allclose(losses.total_variation(image), [62 / 4])
    np.testing.assert_allclose(losses.total_variation(np.full((1, 4, 4, 3), 7, "float32")), [0])


def test_lattice_is_the_variance_between_the_phases_of_what_repeats():
    """One pixel in every 4x4 is 1: one of 16 phase means is 1 and the others 0, so their variance is 1/16 - 1/256."""
    image = np.zeros((1, 32, 40, 3), "float32")
    image[:, ::4, ::4] = 1

    np.testing.assert_allclose(losses.checkerboard(image, 4), [1 / 16 - 1 / 256], rtol=1e-5)


def test_lattice_sees_nothing_in_a_ramp_and_little_at_another_period():
    ramp = np.broadcast_to(np.arange(48, dtype="float32")[None, :, None, None], (1, 48, 48, 3))
    stripes = np.broadcast_to((np.arange(48) % 6 < 3).astype("float32")[None, :, None, None], (1, 48, 48, 3))

    np.testing.assert_allclose(losses.checkerboard(ramp, 4), [0], atol=1e-6)
    assert losses.checkerboard(stripes, 4)[0] < losses.checkerboard(stripes, 6)[0] / 5


def test_frame_compares_the_mean_colours_of_the_border_and_of_a_ring_further_in():
    image = np.full((1, 48, 60, 2), 0.2, "float32")
    image[:, :4] = image[:, -4:] = image[:, :, :4] = image[:, :, -4:] = 0.5
    image[:, 16:32, 16:44, 1] = 0.1
    image[:, 20:28, 20:40, 1] = 0.9

    np.testing.assert_allclose(losses.border(image), [(0.3**2 + 0.4**2) / 2], rtol=1e-3)


def test_frame_sees_nothing_in_a_flat_picture_nor_in_what_both_rings_have():
    columns = np.broadcast_to(np.where(np.arange(64) % 4 < 2, 0.0, 1.0)[:, None], (1, 64, 64, 1)).astype("float32")

    np.testing.assert_allclose(losses.border(np.full((2, 48, 48, 3), 0.7, "float32")), [0, 0], atol=1e-7)
    np.testing.assert_allclose(losses.border(columns), [0], atol=1e-7)


def test_masked_gradient_changes_no_value_and_multiplies_the_gradient():
    import tensorflow as tf

    image = tf.constant(np.arange(4, dtype="float32").reshape(1, 2, 2, 1))
    mask = tf.constant(np.array([1, 0, 0.25, 1], "float32").reshape(1, 2, 2, 1))
    with tf.GradientTape() as tape:
        tape.watch(image)
        masked = losses.masked_gradient(image, mask)
        loss = tf.reduce_sum(3 * masked)

    np.testing.assert_array_equal(masked, image)
    np.testing.assert_allclose(tape.gradient(loss, image), 3 * mask)


def test_a_held_picture_takes_the_place_of_what_the_mask_leaves_out():
    """Then value and gradient belong together: 0.25 * 8 + 0.75 * 4 = 5."""
    image, mask = np.full((1, 1, 1, 1), 8, "float32"), np.full((1, 1, 1, 1), 0.25, "float32")

    np.testing.assert_allclose(losses.masked_gradient(image, mask, held=image / 2), [[[[5]]]])


def test_a_guided_gram_matrix_counts_positions_as_much_as_the_guide_says():
    """(1, 2) counts 1 and (3, 4) counts 0.5, over C = 2 times their sum 1.5."""
    guide = np.array([1, 0.5], "float32").reshape(1, 1, 2, 1)
    expected = np.array([[[1 + 4.5, 2 + 6], [2 + 6, 4 + 8]]]) / 3

    np.testing.assert_allclose(losses.guided_gram_matrix(FEATURES, guide), expected, rtol=1e-6)
    np.testing.assert_allclose(losses.guided_gram_matrix(FEATURES, np.ones_like(guide)), GRAM, rtol=1e-6)


def test_a_guided_gram_matrix_does_not_see_what_is_outside():
    guide = np.array([1, 0], "float32").reshape(1, 1, 2, 1)
    other = FEATURES.copy()
    other[0, 0, 1] = 1000

    np.testing.assert_array_equal(losses.guided_gram_matrix(other, guide), losses.guided_gram_matrix(FEATURES, guide))


def test_a_guide_is_averaged_over_what_pooling_brings_together():
    """A row or column that pooling drops at an odd border counts nowhere."""
    guide = np.array([[0, 1, 1, 1, 9], [1, 0, 1, 0, 9]], "float32").reshape(1, 2, 5, 1)

    np.testing.assert_allclose(losses.pool_guide(guide, 0), guide)
    np.testing.assert_allclose(ops.reshape(losses.pool_guide(guide, 1), (2,)), [0.5, 0.75])


def test_relative_losses_divide_by_the_squared_norm_of_the_target():
    target = np.array([[[[0, 2], [3, 1]]]], "float32")  # squared norm 14, squared difference 10

    np.testing.assert_allclose(losses.relative_feature_loss(FEATURES, target), [10 / 14])
    np.testing.assert_allclose(losses.relative_gram_loss(2 * GRAM, GRAM), [1])
    np.testing.assert_allclose(losses.relative_gram_loss(0 * GRAM, GRAM), [1])
    np.testing.assert_allclose(losses.relative_gram_loss(GRAM + 1, GRAM, 8), [4 / 8])


@pytest.mark.parametrize("picture", ["flat", "noise"])
def test_gradients_of_all_losses_are_finite(rng, picture):
    """A flat picture is where square roots and norms would divide by zero; none of ours takes one of the variable."""
    import tensorflow as tf

    image = np.full((2, 8, 8, 3), 0.5) if picture == "flat" else rng.random((2, 8, 8, 3))
    image = tf.constant(image, tf.float32)
    other = tf.constant(rng.random((2, 8, 8, 3)), tf.float32)
    gram = losses.gram_matrix(other)
    terms = {
        "feature": lambda x: losses.feature_reconstruction_loss(x, other),
        "style": lambda x: losses.style_reconstruction_loss(losses.gram_matrix(x), gram),
        "pixel": lambda x: losses.pixel_loss(x, other),
        "variation": losses.total_variation,
        "checkerboard": lambda x: losses.checkerboard(x, 2),
        "border": lambda x: losses.border(ops.tile(x, (1, 6, 6, 1))),
        "relative feature": lambda x: losses.relative_feature_loss(x, other),
        "guided gram": lambda x: ops.sum(losses.guided_gram_matrix(x, other[..., :1]), axis=(1, 2)),
        "relative gram": lambda x: losses.relative_gram_loss(losses.gram_matrix(x), gram),
    }
    for name, loss in terms.items():
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = loss(image)
        gradient = ops.convert_to_numpy(tape.gradient(value, image))
        assert np.isfinite(gradient).all(), name
        assert value.shape == (2,), name


def test_the_motion_loss_is_the_difference_of_what_both_pictures_show():
    """Moved by two down and four left, half of it each; one pixel inside the margin is 3 off: 9 / (4 * 4)."""
    picture = np.arange(64, dtype="float32").reshape(1, 8, 8, 1)
    moved = np.roll(picture, (-2, 4), axis=(1, 2))
    half = Motion(1, -2)
    moved[0, 3, 5] += 3
    moved[0, 0, 0] += 100  # in the margin

    loss = losses.motion_loss(picture, moved, np.stack([half.transform(8), half.inverse().transform(8)]), margin=2)

    np.testing.assert_allclose(loss, [9 / 16], rtol=1e-5)


def test_a_picture_moved_the_other_way_has_a_motion_loss():
    picture = np.arange(64, dtype="float32").reshape(1, 8, 8, 1)
    half = Motion(-1, 0)
    motion = np.stack([half.transform(8), half.inverse().transform(8)])

    assert float(losses.motion_loss(picture, np.roll(picture, -2, axis=1), motion, margin=2)[0]) > 1


def test_a_fraction_of_a_pixel_costs_a_picture_that_moved_along_little_and_one_that_stayed_much():
    """A wave of 8 px, moved by half a pixel: what interpolation takes, it takes from both."""
    x = np.arange(64, dtype="float32")
    wave = np.tile(np.sin(2 * np.pi * x / 8), (1, 64, 1))[..., None]
    moved = np.tile(np.sin(2 * np.pi * (x + 0.5) / 8), (1, 64, 1))[..., None]
    half = Motion(0, 0.5).half()
    motion = np.stack([half.transform(64), half.inverse().transform(64)])

    along, stayed = (float(losses.motion_loss(wave, other, motion, margin=16)[0]) for other in (moved, wave))

    assert along < 2e-4
    assert stayed > 100 * along
