import numpy as np
import pytest
import skimage.data

from tfstyle.evaluation import stability

PHOTO = skimage.data.astronaut()[:200, 100:320]


def strides(photo):
    """A painting that locks to a grid of four pixels: each cell shows the first of its pixels."""
    cells = photo[::4, ::4].repeat(4, axis=0).repeat(4, axis=1)
    return cells[: photo.shape[0], : photo.shape[1]]


def test_what_follows_the_photo_has_no_shift_error_and_what_locks_to_a_grid_has():
    assert stability.shift_error(lambda photo: 255 - photo, PHOTO) == 0
    assert stability.shift_error(strides, PHOTO) > 10
    assert stability.shift_error(strides, PHOTO, shift=4) == 0


def test_a_shift_error_is_the_root_mean_square_in_gray_levels():
    """Painted 6 brighter where the photo was moved right and 8 where it was moved down: the root of (36 + 64) / 2."""
    corner, right = PHOTO[0, 0].copy(), PHOTO[0, 2].copy()

    def brighter(photo):
        first = photo[0, 0]
        return np.full_like(photo, 0 if (first == corner).all() else 6 if (first == right).all() else 8)

    assert stability.shift_error(brighter, PHOTO) == pytest.approx(50**0.5)


def test_noise_gain_is_how_much_stronger_noise_comes_out():
    dark = PHOTO // 4 + 10

    assert stability.noise_gain(lambda photo: photo, dark) == pytest.approx(1)
    assert stability.noise_gain(lambda photo: 3 * photo, dark) == pytest.approx(3)
    assert stability.noise_gain(np.zeros_like, dark) == 0


def test_motion_errors_of_a_painting_that_follows_are_those_of_the_photo_and_grids_flicker():
    own, same = stability.motion_errors(lambda photo: photo, PHOTO)
    _, locked = stability.motion_errors(strides, PHOTO)

    assert own == same
    assert own < 5  # what interpolation leaves
    assert locked > 3 * own


def test_the_synthetic_motion_is_undone_on_a_ramp():
    """Interpolation of a ramp is exact but for rounding, so a wrong warp would show as a constant."""
    ramp = np.broadcast_to(np.arange(220)[None, :, None] + np.zeros((200, 1, 3)), (200, 220, 3)).astype("uint8")

    assert stability.motion_errors(lambda photo: photo, ramp)[0] < 0.8


def test_ssim_is_one_for_the_same_picture_and_falls_with_blur():
    blurred = (PHOTO.astype(float) + np.roll(PHOTO, 2, 0) + np.roll(PHOTO, 2, 1)) / 3

    assert stability.luminance_ssim(PHOTO, PHOTO) == pytest.approx(1)
    assert 0.3 < stability.luminance_ssim(blurred.astype("uint8"), PHOTO) < 0.99


def test_means_are_over_photos():
    one, other = (stability.Stability(*(float(value),) * 5) for value in (1, 3))

    assert stability.mean([one, other]) == stability.Stability(2.0, 2.0, 2.0, 2.0, 2.0)
