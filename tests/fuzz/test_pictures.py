"""Photos and masks, as bot, command line and client read them."""

import numpy as np
import pytest
from hypothesis import given
from PIL import Image, features

from testing.fuzz_cases import bounded_memory, cases, outcome
from testing.hostile_bytes import PICTURES, any_picture, picture
from tfstyle.errors import MaskError, PhotoError
from tfstyle.imaging.photo import check_size, open_picture, read_photo
from tfstyle.masks.mask import Mask, resolve

MAX_PIXELS = 1_000_000
EXIF = Image.Exif()
EXIF[0x0112] = 6  # to be turned
KINDS = [
    *PICTURES,
    picture("jpeg", exif=EXIF, icc_profile=bytes(200)),
    picture("jpeg", mode="CMYK"),
    picture("jpeg", progressive=True),
    picture("png", mode="I;16"),
    picture("png", mode="LA"),
    picture("png", mode="P", transparency=3),
    picture("gif", save_all=True, append_images=[Image.new("RGB", (24, 20))]),
    picture("webp", lossless=True),
    picture("tiff", compression="tiff_lzw"),
    picture("ppm"),
    *([picture("jpeg2000")] if features.check("jpg_2000") else []),
    *([picture("avif")] if features.check("avif") else []),
]


MEGABYTES = 200  # a picture of the limit takes 4 in Pillow and 3 as an array, and some of both are there for a moment


@pytest.fixture(autouse=True, scope="module")
def imported() -> None:
    """What reading imports counts for no picture."""
    read_photo(PICTURES[0])


@cases(400)
@given(data=any_picture(KINDS))
def test_whatever_is_no_photo_is_refused_with_a_sentence(data):
    """And what is one can be sent on."""
    with bounded_memory(MEGABYTES):
        photo, refusal = outcome(lambda: read_photo(data, max_pixels=MAX_PIXELS), PhotoError)
    if photo is None:
        assert refusal.startswith("photo: ")
        return
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.shape == (photo.height, photo.width, 3)
    assert photo.height * photo.width <= MAX_PIXELS
    for format in ("jpeg", "png"):
        again = read_photo(photo.encode(format))
        assert again.pixels.shape == photo.pixels.shape


def mask_of_a_small_photo(data: bytes) -> Mask:
    """As a bot reads it, which first looks at the header: by itself a mask may have as many pixels as any photo."""
    header = open_picture(data, "the mask")
    check_size(header.width, header.height, "the mask", min_side=1, max_pixels=MAX_PIXELS)
    return resolve(data, 20, 24)


@cases(300)
@given(data=any_picture(KINDS))
def test_whatever_is_no_mask_is_refused_with_a_sentence(data):
    with bounded_memory(MEGABYTES):
        mask, refusal = outcome(lambda: mask_of_a_small_photo(data), (MaskError, PhotoError))
    if mask is None:
        assert refusal.startswith("the mask: ")
        return
    assert mask.values.dtype == np.float32
    assert mask.values.shape == (20, 24)
    assert 0 <= mask.values.min() <= mask.values.max() <= 1
