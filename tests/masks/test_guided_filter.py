"""The guided filter, against numbers worked by hand and against itself at full size."""

import numpy as np
import pytest
from PIL import Image

from tfstyle.masks import guided_filter
from tfstyle.masks.guided_filter import box_mean, refine


def gray(values) -> np.ndarray:
    """A guide whose three channels are equal."""
    return np.repeat(np.asarray(values, np.float32)[..., None], 3, axis=-1)


def test_means_are_over_the_part_of_the_window_that_lies_in_the_picture():
    values = np.array([[0, 3, 6], [9, 12, 15]], np.float32)
    np.testing.assert_allclose(box_mean(values, 1), [[6, 7.5, 9], [6, 7.5, 9]])
    np.testing.assert_allclose(box_mean(values, 0), values)
    np.testing.assert_allclose(box_mean(values, 9), np.full((2, 3), 7.5))
    np.testing.assert_allclose(box_mean(np.stack([values, -values], -1), 1)[..., 1], -box_mean(values, 1))


def test_a_gray_edge_is_followed_as_far_as_epsilon_lets_it():
    """One window sees both pixels: means 1/2, variances and covariances 1/4.

    Three equal channels share the slope: 3 * (1/4) / (3/4 + 1/4) = 3/4, offset 1/2 - 3/4 * 1/2 = 1/8.
    """
    edge = np.array([[0, 1]], np.float32)
    np.testing.assert_allclose(
        guided_filter.guided_filter(gray(edge), edge, radius=1, epsilon=0.25), [[0.125, 0.875]], atol=1e-6
    )


def test_an_edge_of_one_colour_is_enough():
    """Only red varies: slope (1/4) / (1/4 + 1/4) = 1/2, offset 1/2 - 1/2 * 1/2 = 1/4."""
    red = np.zeros((1, 2, 3), np.float32)
    red[0, 1, 0] = 1
    values = np.array([[0, 1]], np.float32)
    np.testing.assert_allclose(guided_filter.guided_filter(red, values, 1, 0.25), [[0.25, 0.75]], atol=1e-6)


def test_a_flat_guide_leaves_the_mean_of_means():
    """[0, 0, 1] has the window means 0, 1/3, 1/2, and those have the means 1/6, 5/18, 5/12."""
    values = np.array([[0, 0, 1]], np.float32)
    smooth = guided_filter.guided_filter(gray(np.full((1, 3), 0.4)), values, 1, 1e-3)
    np.testing.assert_allclose(smooth, [[1 / 6, 5 / 18, 5 / 12]], atol=1e-6)


def test_what_is_the_same_everywhere_stays_so(rng):
    guide = rng.random((20, 30, 3), dtype=np.float32)
    values = np.full((20, 30), 0.7, np.float32)
    np.testing.assert_allclose(guided_filter.guided_filter(guide, values, 3, 1e-4), values, atol=1e-4)


def test_a_coarse_edge_moves_onto_the_edge_of_the_photo():
    photo = np.zeros((200, 200, 3), np.uint8)
    photo[:, 101:] = (200, 150, 100)
    coarse = np.zeros((100, 100), np.float32)
    coarse[:, 50:] = 1  # a pixel of the photo beside its edge
    refined = refine(coarse, photo)
    assert (refined[:, :101] < 0.5).all()
    assert (refined[:, 101:] > 0.5).all()


def test_at_equal_sizes_refining_is_the_plain_filter(astronaut):
    photo = astronaut[:300, :400]
    coarse = np.zeros((300, 400), np.float32)
    coarse[50:250, 90:310] = 1
    plain = guided_filter.guided_filter(photo / np.float32(255), coarse, 4, guided_filter.EPSILON)
    np.testing.assert_allclose(refine(coarse, photo), np.clip(plain, 0, 1), atol=1e-3)


def test_strips_leave_no_seams(astronaut, monkeypatch):
    coarse = np.asarray(Image.linear_gradient("L").resize((190, 200)), np.float32) / 255
    strips = refine(coarse, astronaut)
    monkeypatch.setattr(guided_filter, "_STRIP_ROWS", 10_000)
    np.testing.assert_allclose(strips, refine(coarse, astronaut), atol=1e-5)


@pytest.mark.parametrize("size", [(16, 16), (17, 301), (301, 17)])
def test_masks_come_back_at_the_size_of_the_photo(size, rng):
    photo = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    refined = refine(np.ones((size[0] // 2, size[1] // 2), np.float32), photo)
    assert refined.shape == size
    assert refined.dtype == np.float32
    np.testing.assert_allclose(refined, 1, atol=1e-3)
