"""Stylized images that stay encoded: what the model answered, and the photo's profile with it."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from testing.fake_model import CATALOG, FakePredictor, encode, photo_array
from tfstyle.errors import ModelError
from tfstyle.imaging import png
from tfstyle.imaging.photo import Photo
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.request import EncodedImage, StylizeRequest

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def paint(photo, format) -> tuple[EncodedImage, bytes]:
    request = StylizeRequest(photo, StylizeOptions("the_scream", format=format))
    answer = FakePredictor().predict("encoded", request.inputs(CATALOG))
    return request.stylized_encoded(answer), answer["image_bytes"][0]


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_a_stylized_image_stays_as_the_model_encoded_it(format):
    stylized, answered = paint(photo_array(), format)
    assert stylized == EncodedImage(answered, format, 64, 48)


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_the_photos_profile_is_put_in_and_no_pixel_changes(format):
    stylized, answered = paint(Photo(photo_array(), icc_profile=PROFILE), format)
    image = Image.open(io.BytesIO(stylized.data))
    assert image.info["icc_profile"] == PROFILE
    np.testing.assert_array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(answered))))
    assert len(stylized.data) < len(answered) + len(PROFILE) + 100


def test_a_png_with_a_profile_is_well_formed():
    """Pillow checks a chunk's sum only when it verifies."""
    with_profile = png.with_icc_profile(encode(Image.fromarray(photo_array())), PROFILE)
    Image.open(io.BytesIO(with_profile)).verify()
    assert png.with_icc_profile(with_profile, None) is with_profile


def test_notes_of_photo_and_mask_come_along():
    frames = [Image.fromarray(photo_array()), Image.new("RGB", (64, 48))]
    data = encode(frames[0], "gif", save_all=True, append_images=frames[1:])
    request = StylizeRequest(data, StylizeOptions("the_scream", mask=encode(Image.new("L", (32, 24), 255))))
    answer = FakePredictor().predict("encoded", request.inputs(CATALOG))
    assert request.stylized_encoded(answer).notes == (
        "has several frames: the first one was taken",
        "mask the mask resized from 32x24 to 64x48",
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "got none that can be read"),
        ({"image_bytes": np.array([b"nonsense"], object)}, "got none that can be read"),
        ({"image_bytes": np.array([encode(Image.new("RGB", (20, 20)))], object)}, "64x48 from the model, got 20x20"),
    ],
)
def test_an_answer_without_the_stylized_image_is_a_model_error(answer, message):
    with pytest.raises(ModelError, match=message):
        StylizeRequest(photo_array(), StylizeOptions("the_scream")).stylized_encoded(answer)
