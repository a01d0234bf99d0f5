import numpy as np
import pytest
from keras import ops

from tfstyle.networks.layers import ConditionalInstanceNormalization, DoublingConv2D, MirroredConv2D, ResidualBlock


def normalization(gamma, beta):
    layer = ConditionalInstanceNormalization(len(gamma))
    layer.build((None, None, None, len(gamma[0])))
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    return layer


def test_each_picture_gets_the_mean_and_deviation_of_its_style(rng):
    layer = normalization(gamma=[[1, 2], [3, 4]], beta=[[5, 6], [7, 8]])
    x = rng.normal(3, 10, (2, 16, 16, 2)).astype("float32")

    y = ops.convert_to_numpy(layer(x, np.array([[1, 0], [0, 1]], "float32")))

    np.testing.assert_allclose(y.mean(axis=(1, 2)), [[5, 6], [7, 8]], atol=1e-4)
    np.testing.assert_allclose(y.std(axis=(1, 2)), [[1, 2], [3, 4]], rtol=1e-4)


def test_a_mix_of_styles_is_the_mix_of_their_rows(rng):
    x = rng.normal(size=(1, 8, 8, 2)).astype("float32")
    mixed = normalization(gamma=[[1, 2], [3, 4]], beta=[[5, 6], [7, 8]])(x, np.array([[0.25, 0.75]], "float32"))
    single = normalization(gamma=[[2.5, 3.5]], beta=[[6.5, 7.5]])(x, np.array([[1]], "float32"))

    np.testing.assert_allclose(mixed, single, rtol=1e-5)


def test_a_style_map_styles_every_position_by_its_own_row(rng):
    layer = normalization(gamma=[[1, 2], [3, 4]], beta=[[5, 6], [7, 8]])
    x = rng.normal(size=(1, 8, 8, 2)).astype("float32")
    left = np.zeros((1, 8, 8, 2), "float32")
    left[:, :, :4, 0] = 1
    left[:, :, 4:, 1] = 1

    y = ops.convert_to_numpy(layer(x, left))

    np.testing.assert_allclose(y[:, :, :4], layer(x, np.array([[1, 0]], "float32"))[:, :, :4], rtol=1e-5)
    np.testing.assert_allclose(y[:, :, 4:], layer(x, np.array([[0, 1]], "float32"))[:, :, 4:], rtol=1e-5)


def test_a_flat_picture_stays_finite():
    y = normalization(gamma=[[1]], beta=[[2]])(np.full((1, 4, 4, 1), 9, "float32"), np.ones((1, 1), "float32"))

    np.testing.assert_allclose(y, 2, atol=1e-3)


@pytest.mark.parametrize(("kernel_size", "strides", "side"), [(3, 1, 8), (9, 1, 8), (3, 2, 4)])
def test_mirrored_borders_leave_a_flat_picture_flat_up_to_its_edge(kernel_size, strides, side):
    """Zero padding would darken the border, which shows as a frame."""
    y = ops.convert_to_numpy(MirroredConv2D(2, kernel_size, strides)(np.ones((1, 8, 8, 3), "float32")))

    assert y.shape == (1, side, side, 2)
    np.testing.assert_allclose(y, np.broadcast_to(y[:, :1, :1], y.shape), atol=1e-5)


def test_doubling_inside_a_convolution_equals_bilinear_resize_and_convolution(rng):
    x = rng.normal(size=(2, 7, 9, 3)).astype("float32")
    layer = DoublingConv2D(4)
    layer.build(x.shape)
    layer.bias.assign(rng.normal(size=4))

    y = layer(x)

    doubled = ops.pad(ops.image.resize(x, (14, 18), interpolation="bilinear"), ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = ops.conv(doubled, layer.kernel, padding="valid") + layer.bias
    np.testing.assert_allclose(y[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-5)


def test_doubling_leaves_a_flat_picture_flat_up_to_its_edge():
    y = ops.convert_to_numpy(DoublingConv2D(2)(np.ones((1, 8, 8, 3), "float32")))

    assert y.shape == (1, 16, 16, 2)
    np.testing.assert_allclose(y, np.broadcast_to(y[:, :1, :1], y.shape), atol=1e-5)


def test_a_doubling_convolution_takes_no_other_kernel():
    with pytest.raises(ValueError, match="3x3"):
        DoublingConv2D(2, kernel_size=5)


def test_a_residual_block_of_zero_gamma_and_beta_passes_its_input_on(rng):
    block = ResidualBlock(4, styles=1)
    x = rng.normal(size=(1, 8, 8, 4)).astype("float32")
    block.build(x.shape)
    block.second.norm.gamma.assign(np.zeros((1, 4)))

    np.testing.assert_allclose(block(x, np.ones((1, 1), "float32")), x, atol=1e-6)
