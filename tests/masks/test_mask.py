"""Masks from gradients, files and arrays."""

import io

import numpy as np
import pytest
from PIL import Image

from testing.fake_model import encode
from tfstyle.errors import MaskError, RequestError
from tfstyle.masks.mask import GRADIENTS, gradient, resolve

FADES = [0, 0.1, 0.33, 0.5, 1]


@pytest.mark.parametrize("kind", GRADIENTS)
@pytest.mark.parametrize("fade", FADES)
def test_gradients_are_float32_from_0_to_1(kind, fade):
    mask = gradient(kind, 37, 53, fade)
    assert mask.shape == (37, 53)
    assert mask.dtype == np.float32
    assert 0 <= mask.min() < 0.1
    assert 0.9 < mask.max() <= 1


@pytest.mark.parametrize("pair", [("left", "right"), ("top", "bottom")])
@pytest.mark.parametrize("fade", FADES)
@pytest.mark.parametrize("size", [(16, 16), (37, 53), (255, 256), (17, 1001)])
def test_opposite_sides_sum_to_exactly_one(pair, fade, size):
    """Also as the 8-bit values that travel, so two regions cover the picture without a seam of photo."""
    first, second = (gradient(kind, *size, fade) for kind in pair)
    np.testing.assert_array_equal(first + second, 1)
    np.testing.assert_array_equal(np.rint(first * 255) + np.rint(second * 255), 255)


def test_left_without_fade_is_a_hard_half():
    mask = gradient("left", 4, 10, 0)
    np.testing.assert_array_equal(mask[:, :5], 1)
    np.testing.assert_array_equal(mask[:, 5:], 0)


def test_full_fade_is_a_line_across_the_whole_picture():
    mask = gradient("bottom", 200, 16, 1)
    np.testing.assert_allclose(mask[:, 3], (np.arange(200) + 0.5) / 200, atol=0.5 / 255)


def test_a_fade_takes_its_share_of_the_picture():
    """A fade of 0.2 on 1000 columns runs over the 200 in the middle."""
    row = gradient("right", 16, 1000, 0.2)[0]
    assert (row[:400] == 0).all()
    assert (row[600:] == 1).all()
    assert (np.diff(row[400:600]) >= 0).all()
    assert 0.45 < row[500] < 0.55


def test_sides_are_where_their_names_say():
    assert gradient("left", 20, 20)[10, 0] == 1
    assert gradient("right", 20, 20)[10, 19] == 1
    assert gradient("top", 20, 20)[0, 10] == 1
    assert gradient("bottom", 20, 20)[19, 10] == 1


def test_radial_is_the_middle():
    for fade in FADES:
        mask = gradient("radial", 61, 91, fade)
        assert mask[30, 45] > 0.97
        assert mask[0, 0] < 0.02
        np.testing.assert_array_equal(mask, mask[::-1, ::-1])


def test_hard_radial_covers_half_of_the_picture():
    assert gradient("radial", 300, 500, 0).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("fade", [-0.1, 1.1, float("nan")])
def test_fade_out_of_range_is_refused(fade):
    with pytest.raises(RequestError, match="Expected a fade from 0"):
        resolve("left", 16, 16, fade=fade)


def test_an_unknown_gradient_lists_those_there_are():
    with pytest.raises(RequestError, match="left, right, top, bottom, radial, got 'middle'"):
        gradient("middle", 16, 16)


def test_a_mask_file_is_read_as_gray(tmp_path):
    values = np.arange(20 * 30, dtype=np.uint8).reshape(20, 30)
    path = tmp_path / "mask.png"
    Image.fromarray(values).save(path)
    mask = resolve(str(path), 20, 30)

    np.testing.assert_allclose(mask.values, values / 255, atol=1e-6)
    assert mask.values.dtype == np.float32
    assert mask.notes == ()


def test_sixteen_bit_masks_keep_their_steps():
    values = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    mask = resolve(encode(Image.fromarray(values)), 20, 20)
    np.testing.assert_allclose(mask.values, values / 65535, atol=1e-6)


def test_transparent_parts_of_a_mask_are_not_painted():
    image = Image.new("RGBA", (20, 20), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (0, 0, 10, 20))
    mask = resolve(encode(image), 20, 20).values
    assert (mask[:, :10] == 1).all()
    assert (mask[:, 10:] == 0).all()


def test_a_mask_of_another_size_is_resized_with_a_note():
    mask = resolve(encode(Image.new("L", (40, 30), 255)), 60, 80)
    assert mask.values.shape == (60, 80)
    np.testing.assert_allclose(mask.values, 1, atol=1e-6)
    assert mask.notes == ("mask the mask resized from 40x30 to 80x60",)


def test_a_mask_of_the_photo_before_it_was_shrunk_needs_no_note():
    mask = resolve(encode(Image.new("L", (1000, 33), 255)), 17, 512, photo_size=(33, 1000))
    assert mask.values.shape == (17, 512)
    assert mask.notes == ()


@pytest.mark.parametrize(("width", "fits"), [(102, True), (98, True), (103, False), (97, False)])
def test_an_aspect_ratio_off_by_more_than_two_percent_is_refused(width, fits):
    mask = encode(Image.new("L", (width, 100)))
    if fits:
        assert resolve(mask, 200, 200).values.shape == (200, 200)
    else:
        with pytest.raises(MaskError, match=f"expected a mask shaped like the photo, 200x200, got {width}x100"):
            resolve(mask, 200, 200)


def test_a_mask_that_is_no_picture_is_a_mask_error(tmp_path):
    path = tmp_path / "mask.png"
    path.write_bytes(b"not a picture")
    with pytest.raises(MaskError, match=r"mask\.png: expected a picture"):
        resolve(path, 20, 20)


def test_a_mistyped_gradient_says_what_there_is():
    with pytest.raises(
        MaskError, match=r"lft: no such file\. A mask is a picture file or one of person, background, subject, left"
    ):
        resolve("lft", 20, 20)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_, np.uint8])
def test_arrays_are_masks_too(dtype):
    half = np.zeros((20, 30), dtype=dtype)
    half[:, :15] = 255 if dtype == np.uint8 else 1
    mask = resolve(half, 20, 30).values
    np.testing.assert_array_equal(mask, half.astype(bool).astype(np.float32))


@pytest.mark.parametrize("bad", [np.full((9, 9), 1.5), np.full((9, 9), -0.1), np.full((9, 9), np.nan)])
def test_arrays_outside_0_to_1_are_refused(bad):
    with pytest.raises(MaskError, match="values from 0 to 1"):
        resolve(bad, 9, 9)


def test_an_array_that_is_no_plane_is_refused():
    with pytest.raises(MaskError, match=r"shape \[H,W\], got \[4, 4, 3\]"):
        resolve(np.zeros((4, 4, 3)), 4, 4)


def test_encoding_is_gray_png_that_decodes_to_the_same_mask():
    mask = resolve("radial", 33, 44)
    image = Image.open(io.BytesIO(mask.encode()))
    assert (image.format, image.mode, image.size) == ("PNG", "L", (44, 33))
    np.testing.assert_array_equal(np.asarray(image, dtype=np.float32) / np.float32(255), mask.values)


@pytest.mark.parametrize("level", [0, 1 / 600])
def test_a_mask_that_is_black_everywhere_is_told(level):
    """What travels has 8 bits: less than half a step is black."""
    mask = resolve(np.full((20, 30), level), 20, 30)
    assert mask.notes == ("mask the mask is black everywhere: it paints nothing",)
    assert resolve(np.full((20, 30), 1 / 255), 20, 30).notes == ()
