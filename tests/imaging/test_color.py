"""YIQ and the transfer that keeps a photo's colours."""

import numpy as np
import pytest

from tfstyle.imaging.color import RGB_TO_YIQ, YIQ_TO_RGB, luminance_only, match_luminance, rgb_to_yiq, yiq_to_rgb


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_matrices_are_inverses():
    np.testing.assert_allclose(RGB_TO_YIQ @ YIQ_TO_RGB, np.eye(3), atol=1e-12)
    assert RGB_TO_YIQ.dtype == np.float64


def test_gray_has_brightness_and_no_colour():
    """The rows of I and Q sum to zero, the row of Y to one."""
    np.testing.assert_allclose(RGB_TO_YIQ.sum(axis=1), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(rgb_to_yiq(np.full((1, 3), 77)), [[77, 0, 0]], atol=1e-4)


def test_yiq_round_trip(rng):
    rgb = rng.uniform(0, 255, (5, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(yiq_to_rgb(rgb_to_yiq(rgb)), rgb, atol=1e-3)


def test_red_by_hand():
    np.testing.assert_allclose(rgb_to_yiq(np.array([100, 0, 0])), [29.9, 59.5716, 21.1456], rtol=1e-6)


def test_luminance_only_takes_brightness_from_the_stylized_image():
    photo = np.array([[100, 120, 140]], dtype=np.float32)
    stylized = photo + np.float32(30)
    np.testing.assert_allclose(luminance_only(stylized, photo), [[130, 150, 170]], atol=1e-3)


def test_luminance_only_keeps_i_and_q_everywhere(rng):
    """Also where the stylized image's brightness is out of reach at the photo's colours."""
    photo, stylized = rng.uniform(0, 255, (2, 40, 40, 3)).astype(np.float32)
    result = luminance_only(stylized, photo)

    np.testing.assert_allclose(rgb_to_yiq(result)[..., 1:], rgb_to_yiq(photo)[..., 1:], atol=1e-3)
    assert result.min() >= 0
    assert result.max() <= 255
    assert result.dtype == np.float32


def test_luminance_only_reaches_the_stylized_image_brightness_wherever_a_colour_allows(rng):
    photo = rng.uniform(100, 150, (10, 10, 3)).astype(np.float32)
    stylized = photo + rng.uniform(-90, 90, (10, 10, 1)).astype(np.float32)
    result = luminance_only(stylized, photo)

    np.testing.assert_allclose(rgb_to_yiq(result)[..., 0], rgb_to_yiq(stylized)[..., 0], atol=1e-3)


def test_luminance_only_stops_at_the_brightest_colour():
    """Pure red cannot become brighter without losing saturation, so it stays as it is under a white stylized image."""
    photo = np.array([[255, 0, 0]], dtype=np.float32)
    np.testing.assert_array_equal(luminance_only(np.full((1, 3), 255.0), photo), photo)


def test_a_stylized_image_equal_to_the_photo_changes_nothing(rng):
    photo = rng.integers(0, 256, (6, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(luminance_only(photo, photo), photo)


def test_matched_luminance_has_the_photos_mean_and_deviation():
    """By hand: grays 10 and 30 (mean 20, deviation 10) become those of 100 and 140 (mean 120, deviation 20)."""
    stylized = np.array([10, 30], np.uint8).reshape(1, 2, 1).repeat(3, axis=-1)
    photo = np.array([100, 140], np.uint8).reshape(2, 1, 1).repeat(3, axis=-1)

    np.testing.assert_array_equal(match_luminance(stylized, photo)[0, :, 0], [100, 140])


def test_matching_luminance_changes_no_colour(rng):
    stylized = rng.integers(90, 120, (8, 8, 3)).astype(np.uint8)
    matched = match_luminance(stylized, rng.integers(60, 160, (9, 9, 3)).astype(np.uint8))

    np.testing.assert_allclose(rgb_to_yiq(matched)[..., 1:], rgb_to_yiq(stylized)[..., 1:], atol=1)


def test_a_stylized_image_of_one_brightness_is_matched_too():
    flat, photo = np.full((4, 4, 3), 9, np.uint8), np.full((4, 4, 3), 200, np.uint8)

    assert (match_luminance(flat, photo) == 200).all()
