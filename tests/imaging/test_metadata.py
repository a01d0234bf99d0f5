"""Density and EXIF on their way through: what is kept, and what is nobody's business."""

import io

import numpy as np
import pytest
from PIL import Image

from testing.fake_model import CATALOG, FakePredictor, encode, photo_array
from tfstyle import Stylizer
from tfstyle.imaging.photo import read_photo
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.request import StylizeRequest

ARTIST, COPYRIGHT, CHANGED, MAKE, ORIENTATION = 0x013B, 0x8298, 0x0132, 0x010F, 0x0112
INNER, TAKEN, SERIAL, GPS = 0x8769, 0x9003, 0xA431, 0x8825


def phone_photo(format: str = "jpeg", **options) -> bytes:
    exif = Image.Exif()
    exif.update({ARTIST: "A. Photographer", COPYRIGHT: "all hers", CHANGED: "2026:05:04 12:00:00"})
    exif.update({MAKE: "Phone", ORIENTATION: 3})
    exif[INNER] = {TAKEN: "2026:05:03 12:00:00", SERIAL: "SN123456"}
    exif[GPS] = {1: "N", 2: (48.0, 8.0, 3.0)}
    return encode(Image.fromarray(photo_array()), format, exif=exif, **options)


def opened(data: bytes) -> tuple[Image.Image, dict, dict, dict]:
    """A picture, its EXIF, what is within it, and its place."""
    image = Image.open(io.BytesIO(data))
    exif = image.getexif()
    outer = {tag: value for tag, value in exif.items() if tag not in (INNER, GPS)}
    return image, outer, dict(exif.get_ifd(INNER)), dict(exif.get_ifd(GPS))


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("source", ["jpeg", "png", "webp"])
def test_author_and_dates_stay_and_place_and_serial_number_go(source, format):
    photo = read_photo(phone_photo(source))

    _, outer, inner, place = opened(photo.encode(format))

    assert outer == {ARTIST: "A. Photographer", COPYRIGHT: "all hers", CHANGED: "2026:05:04 12:00:00"}
    assert inner == {TAKEN: "2026:05:03 12:00:00"}
    assert place == {}
    assert b"SN123456" not in photo.encode(format)


def test_everything_or_nothing_is_kept_on_request():
    photo = read_photo(phone_photo())

    _, outer, inner, place = opened(photo.encode("png", metadata="keep"))
    assert (outer[MAKE], inner[SERIAL], place[1]) == ("Phone", "SN123456", "N")
    assert ORIENTATION not in outer, "it was applied"
    _, outer, inner, place = opened(photo.encode("png", metadata="none"))
    assert outer == inner == place == {}


@pytest.mark.parametrize("format", ["jpeg", "png"])
@pytest.mark.parametrize("stroke", [1.0, 2.0])
@pytest.mark.parametrize("encoded", [False, True])
def test_a_stylized_image_has_the_density_and_the_author_of_its_photo(format, stroke, encoded):
    """Not the 300 dpi that TensorFlow writes into every JPEG."""
    model = FakePredictor()
    options = StylizeOptions(CATALOG.names[0], format=format, stroke=stroke)
    data = phone_photo(dpi=(72, 72))
    if encoded:
        request = StylizeRequest(data, options)
        answer = model.predict("encoded", request.inputs(CATALOG))
        stylized = request.stylized_encoded(answer).data
    else:
        stylized = Stylizer(model).stylize(data, options).encode(format)

    image, outer, _, place = opened(stylized)

    assert image.info["dpi"] == pytest.approx((72, 72), abs=0.1)
    assert outer[ARTIST] == "A. Photographer"
    assert place == {}


def test_without_a_density_none_is_claimed():
    claimed = encode(Image.fromarray(photo_array()), "jpeg", dpi=(300, 300))
    request = StylizeRequest(photo_array(), StylizeOptions(CATALOG.names[0], format="jpeg"))
    request.inputs(CATALOG)

    stylized = request.stylized_encoded({"image_bytes": np.array([claimed], dtype=object)})

    assert Image.open(io.BytesIO(stylized.data)).info["jfif_unit"] == 0


def test_a_model_is_told_nothing_of_it():
    model = FakePredictor()
    for format in ("jpeg", "png"):
        Stylizer(model).stylize(phone_photo(format), CATALOG.names[0])
        sent = model.last["image_bytes"][0]
        assert b"Photographer" not in sent
        assert b"Exif" not in sent


def test_a_tiff_does_not_hand_on_how_it_kept_its_pixels():
    image = Image.fromarray(photo_array())
    data = encode(image, "tiff", dpi=(150, 150), artist="A. Photographer")

    again, outer, _, _ = opened(read_photo(data).encode("png", metadata="keep"))

    assert outer == {ARTIST: "A. Photographer"}
    assert again.info["dpi"] == pytest.approx((150, 150), abs=0.1)


def test_broken_exif_is_left_out():
    data = encode(Image.fromarray(photo_array()), "jpeg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xffbroken")
    for metadata in ("keep", "safe", "none"):
        assert opened(read_photo(data).encode("jpeg", metadata=metadata))[1] == {}
