import numpy as np
import pytest
from keras import ops

from tfstyle.networks.layers import (
    BlurredConv2D,
    CoarseBranch,
    ConditionalInstanceNormalization,
    ReflectConv2D,
    ResidualBlock,
    UpsampleConv2D,
    upsample_bilinear,
)


def styles(gamma, beta):
    """Style vectors of one normalization, `(R, 2 * C)`."""
    return np.concatenate([np.array(gamma, "float32"), np.array(beta, "float32")], axis=1)


TWO = styles(gamma=[[1, 2], [3, 4]], beta=[[5, 6], [7, 8]])


def test_each_picture_gets_the_mean_and_deviation_of_its_style(rng):
    x = rng.normal(3, 10, (2, 16, 16, 2)).astype("float32")

    y = ops.convert_to_numpy(ConditionalInstanceNormalization(2)(x, TWO[:, None]))

    np.testing.assert_allclose(y.mean(axis=(1, 2)), [[5, 6], [7, 8]], atol=1e-4)
    np.testing.assert_allclose(y.std(axis=(1, 2)), [[1, 2], [3, 4]], rtol=1e-4)


def test_a_uniform_region_map_normalizes_like_the_mix_of_the_vectors(rng):
    x = rng.normal(size=(1, 8, 8, 2)).astype("float32")
    layer = ConditionalInstanceNormalization(2)
    shares = np.broadcast_to(np.array([0.25, 0.75], "float32"), (1, 8, 8, 2))

    np.testing.assert_allclose(layer(x, TWO[None], shares), layer(x, shares[:, 0, :1] @ TWO), rtol=1e-5)


def test_a_region_map_styles_every_position_by_its_own_vector(rng):
    layer = ConditionalInstanceNormalization(2)
    x = rng.normal(size=(1, 8, 8, 2)).astype("float32")
    left = np.zeros((1, 8, 8, 2), "float32")
    left[:, :, :4, 0] = 1
    left[:, :, 4:, 1] = 1

    y = ops.convert_to_numpy(layer(x, TWO[None], left))

    np.testing.assert_allclose(y[:, :, :4], layer(x, TWO[None, :1])[:, :, :4], rtol=1e-5)
    np.testing.assert_allclose(y[:, :, 4:], layer(x, TWO[None, 1:])[:, :, 4:], rtol=1e-5)


def test_a_flat_picture_stays_finite():
    flat = np.full((1, 4, 4, 1), 9, "float32")

    np.testing.assert_allclose(ConditionalInstanceNormalization(1)(flat, styles([[1]], [[2]])[None]), 2, atol=1e-3)


def test_style_vectors_keep_their_digits_in_half_precision(rng):
    """Rounded to bfloat16, a beta of 5.01 would be 5.0."""
    x = rng.normal(size=(1, 32, 32, 1)).astype("float32")
    layer = ConditionalInstanceNormalization(1, dtype="mixed_bfloat16")

    y = layer(ops.cast(x, "bfloat16"), styles([[0.001]], [[5.01]])[None])

    assert abs(float(ops.mean(ops.cast(y, "float32"))) - 5.01) < 0.02  # the result has the precision of x


@pytest.mark.parametrize(("kernel_size", "strides", "side"), [(3, 1, 8), (9, 1, 8), (3, 2, 4)])
def test_mirrored_borders_leave_a_flat_picture_flat_up_to_its_edge(kernel_size, strides, side):
    """Zero padding would darken the border, which shows as a frame."""
    y = ops.convert_to_numpy(ReflectConv2D(2, kernel_size, strides)(np.ones((1, 8, 8, 3), "float32")))

    assert y.shape == (1, side, side, 2)
    np.testing.assert_allclose(y, np.broadcast_to(y[:, :1, :1], y.shape), atol=1e-5)


def test_doubling_inside_a_convolution_equals_bilinear_resize_and_convolution(rng):
    x = rng.normal(size=(2, 7, 9, 3)).astype("float32")
    layer = UpsampleConv2D(4)
    layer.build(x.shape)
    layer.bias.assign(rng.normal(size=4))

    y = layer(x)

    doubled = ops.pad(ops.image.resize(x, (14, 18), interpolation="bilinear"), ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = ops.conv(doubled, layer.kernel, padding="valid") + layer.bias
    np.testing.assert_allclose(y[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-5)


def test_doubling_leaves_a_flat_picture_flat_up_to_its_edge():
    y = ops.convert_to_numpy(UpsampleConv2D(2)(np.ones((1, 8, 8, 3), "float32")))

    assert y.shape == (1, 16, 16, 2)
    np.testing.assert_allclose(y, np.broadcast_to(y[:, :1, :1], y.shape), atol=1e-5)


def test_a_doubling_convolution_takes_no_other_kernel():
    with pytest.raises(ValueError, match="3x3"):
        UpsampleConv2D(2, kernel_size=5)


def test_low_pass_inside_a_strided_convolution_equals_convolution_then_blur_then_every_other_pixel(rng):
    x = rng.normal(size=(2, 12, 16, 3)).astype("float32")
    layer = BlurredConv2D(4)
    layer.build(x.shape)
    layer.bias.assign(rng.normal(size=4))

    y = ops.convert_to_numpy(layer(x))

    whole = ops.conv(x, layer.kernel, padding="valid") + layer.bias  # whole[i] is at pixel i + 1
    binomial = np.repeat((np.outer([1, 2, 1], [1, 2, 1]) / 16.0)[:, :, None, None], 4, axis=2).astype("float32")
    blurred = ops.convert_to_numpy(ops.depthwise_conv(whole, binomial, padding="valid"))  # blurred[i]: at i + 2
    assert y.shape == (2, 6, 8, 4)
    np.testing.assert_allclose(y[:, 1:-1, 1:-1], blurred[:, ::2, ::2][:, :4, :6], atol=1e-5)


def test_the_finest_pattern_leaves_no_trace_at_the_lower_resolution():
    """Stripes of one pixel cannot be shown there; without the low-pass they come out flat, but bright or dark."""
    stripes = np.zeros((1, 16, 16, 1), "float32")
    stripes[:, ::2] = 1
    layer = BlurredConv2D(1)
    layer.build(stripes.shape)
    layer.kernel.assign(np.eye(3)[1][:, None, None, None] * np.eye(3)[1][None, :, None, None])

    at_even, at_odd = (ops.convert_to_numpy(layer(np.roll(stripes, by, axis=1))) for by in (0, 1))

    np.testing.assert_allclose(at_even[:, 1:-1], 0.5, atol=1e-6)
    np.testing.assert_allclose(at_even[:, 1:-1], at_odd[:, 1:-1], atol=1e-6)


def test_bilinear_upsampling_equals_that_of_keras(rng):
    x = rng.normal(size=(2, 5, 7, 3)).astype("float32")

    expected = ops.image.resize(x, (10, 14), interpolation="bilinear")

    np.testing.assert_allclose(upsample_bilinear(x), expected, atol=1e-5)


def test_a_coarse_branch_adds_nothing_until_it_has_learned_something(rng):
    branch = CoarseBranch(4, (6, 8), (2, 1))
    x = rng.normal(size=(1, 16, 24, 4)).astype("float32")
    branch.build(x.shape)
    style = rng.normal(size=(1, 1, branch.style_size)).astype("float32")

    np.testing.assert_array_equal(branch(x, style), np.zeros_like(x))

    branch.kernel.assign(rng.normal(size=branch.kernel.shape))
    assert branch(x, style).shape == x.shape
    assert np.abs(branch(x, style)).max() > 0.1


def test_a_residual_block_of_zero_gamma_and_beta_passes_its_input_on(rng):
    block = ResidualBlock(4)
    x = rng.normal(size=(1, 8, 8, 4)).astype("float32")
    block.build(x.shape)
    first, second = np.ones((1, 1, 8), "float32"), np.zeros((1, 1, 8), "float32")

    np.testing.assert_allclose(block(x, np.concatenate([first, second], axis=2)), x, atol=1e-6)
