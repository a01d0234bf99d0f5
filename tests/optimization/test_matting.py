"""The matting Laplacian: affine changes of colour are free."""

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.optimization.matting import matting_laplacian, matting_loss


@pytest.fixture(scope="module")
def photo(astronaut):
    return astronaut[60:92, 200:240]


@pytest.fixture(scope="module")
def laplacian(photo):
    return matting_laplacian(photo)


def loss(picture, laplacian):
    return float(matting_loss(tf.constant(picture, tf.float32), laplacian))


def test_an_affine_change_of_colours_costs_next_to_nothing(photo, laplacian, rng):
    """As evening light is; the same amount of change without regard to the photo costs hundreds of times as much."""
    light = photo / 255 @ np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0, 0.1, 0.6]]) + 0.1
    noise = photo / 255 + rng.normal(0, np.std(light - photo / 255), photo.shape)

    assert loss(light, laplacian) < loss(noise, laplacian) / 300


def test_the_loss_is_the_quadratic_form_over_chw(photo, laplacian, rng):
    picture = rng.random(photo.shape)
    matrix = tf.sparse.to_dense(laplacian).numpy().astype("float64")
    colours = picture.reshape(-1, 3)

    assert loss(picture, laplacian) == pytest.approx(np.trace(colours.T @ matrix @ colours) / picture.size, rel=1e-3)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-4)
