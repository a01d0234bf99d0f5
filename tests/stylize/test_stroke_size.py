"""Strokes as broad as asked for, on pictures of the photo's size, against models in NumPy."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from testing.fake_model import CATALOG, COLOURS, FakePredictor, encode, photo_array
from tfstyle import Stylizer
from tfstyle.errors import PhotoError, RequestError
from tfstyle.imaging.color import rgb_to_yiq
from tfstyle.imaging.compositing import compose
from tfstyle.imaging.photo import MIN_SIDE
from tfstyle.stylize import stroke_size
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.request import StylizeRequest
from tfstyle.stylize.stroke_size import PAINTED_SIDE, bring_back, painted_size

PHOTO = photo_array()
LARGE = replace(CATALOG, max_pixels=12_000_000)
PERIOD = 8  # pixels, as the network's strokes a fixed number


class Striped(FakePredictor):
    """Paints upright stripes of `PERIOD` pixels over the whole photo."""

    def predict(self, signature, inputs):
        if signature == "describe":
            return super().predict(signature, inputs)
        self.calls.append((signature, dict(inputs)))
        height, width = sent_size(self)[::-1]
        row = np.where(np.arange(width) % PERIOD < PERIOD // 2, 40, 215).astype(np.uint8)
        stripes = Image.fromarray(np.tile(row, (height, 1))).convert("RGB")
        return {"image_bytes": np.array([encode(stripes)], dtype=object)}


def sent_size(model: FakePredictor) -> tuple[int, int]:
    """(width, height) of the picture in the last request."""
    return Image.open(io.BytesIO(model.last["image_bytes"][0])).size


def period(stylized: np.ndarray) -> float:
    """Pixels from one stripe to the next: the strongest frequency of the rows."""
    rows = stylized[..., 0].astype(float)
    spectrum = np.abs(np.fft.rfft(rows - rows.mean(), axis=1)).mean(axis=0)
    return rows.shape[1] / int(spectrum.argmax())


@pytest.fixture
def model():
    return FakePredictor(LARGE)


@pytest.fixture
def stylizer(model):
    return Stylizer(model)


# How broad


@pytest.mark.parametrize("stroke", [0.5, 1, 1.5, 2])
def test_strokes_are_as_many_times_as_broad_as_asked_for(stroke):
    stylized = Stylizer(Striped(LARGE)).stylize(photo_array(96, 192), "the_scream", stroke=stroke)
    assert stylized.pixels.shape == (96, 192, 3)
    assert period(stylized.pixels) == pytest.approx(stroke * PERIOD, rel=0.03)


def test_strokes_of_large_photos_are_as_broad_a_share_of_the_picture(monkeypatch):
    """Or the photo that a phone takes would look hardly painted, and the one that it sends would."""
    monkeypatch.setattr(stroke_size, "PAINTED_SIDE", 128)  # large ones are quick, too
    stripes = [
        side / period(Stylizer(Striped(LARGE)).stylize(photo_array(side, side), "the_scream").pixels)
        for side in (128, 160, 512)
    ]
    assert stripes == pytest.approx([128 / PERIOD] * 3, rel=0.01)


def test_native_strokes_are_as_fine_as_the_photo_is_large():
    stylized = Stylizer(Striped(LARGE)).stylize(photo_array(64, 2000), "the_scream", stroke="native")
    assert period(stylized.pixels) == pytest.approx(PERIOD, rel=0.01)


@pytest.mark.parametrize("size", [(1280, 1280), (1280, 960), (700, 1280), (16, 16)])
def test_photos_of_up_to_1280_by_1280_pixels_are_painted_as_they_are(size):
    assert painted_size(*size, 1) == size
    assert painted_size(*size, "native") == size


@pytest.mark.parametrize(("size", "stroke"), [((3000, 4000), 1), ((3000, 4000), 0.5), ((1000, 8000), 2)])
def test_every_photo_above_is_painted_at_as_many_pixels(size, stroke):
    height, width = painted_size(*size, stroke)
    assert height * width == pytest.approx((PAINTED_SIDE / stroke) ** 2, rel=0.005)
    assert height / width == pytest.approx(size[0] / size[1], rel=0.005)


def test_the_default_sends_the_request_it_always_sent(stylizer, model):
    data = encode(Image.fromarray(PHOTO), "jpeg")
    options = {"style": "the_scream", "mask": "left", "strength": 0.5, "preserve_color": True, "format": "jpeg"}
    stylizer.stylize(data, **options)
    usual = model.last
    assert usual["image_bytes"][0][:2] == b"\xff\xd8"  # as it was compressed
    assert usual["strength"] == [0.5]
    for stroke in (1, 1.0, "1", "native"):
        stylizer.stylize(data, **options, stroke=stroke)
        assert all((model.last[name] == usual[name]).all() for name in usual)


# Back at the photo's size


@pytest.mark.parametrize("stroke", [0.5, 0.77, 1.3, 2, "native"])
@pytest.mark.parametrize("size", [(16, 16), (17, 33), (101, 67), (16, 300), (599, 401)])
def test_stylized_images_have_exactly_the_photos_size(stylizer, size, stroke):
    stylized = stylizer.stylize(photo_array(*size), "the_scream", stroke=stroke)
    assert stylized.pixels.shape == (*size, 3)
    assert (stylized.pixels == COLOURS["the_scream"]).all()


def test_nothing_smaller_than_the_network_takes_is_sent(stylizer, model):
    stylizer.stylize(photo_array(16, 20), "the_scream", stroke=2)
    assert sent_size(model) == (20, MIN_SIDE)


def test_enlarged_strokes_keep_hard_edges_and_get_no_halo():
    edge = np.full((60, 60, 3), 60, np.uint8)
    edge[:, 30:] = 180
    row = bring_back(edge, 180, 180)[90, :, 0].astype(int)
    plain = np.asarray(Image.fromarray(edge).resize((180, 180), Image.Resampling.LANCZOS))[90, :, 0].astype(int)
    assert np.diff(row).max() > 1.3 * np.diff(plain).max()
    assert (plain.min(), plain.max()) != (60, 180)  # the halo of plain enlarging
    assert (row.min(), row.max()) == (60, 180)


# Masks, regions, strength and colours


@pytest.mark.parametrize("stroke", [0.5, 2])
def test_what_is_not_painted_stays_photo_bit_for_bit(stylizer, stroke):
    stylized = stylizer.stylize(PHOTO, "the_scream", mask="left", fade=0, stroke=stroke).pixels
    assert (stylized[:, :32] == COLOURS["the_scream"]).all()
    np.testing.assert_array_equal(stylized[:, 32:], PHOTO[:, 32:])
    np.testing.assert_array_equal(stylizer.stylize(PHOTO, "the_scream", strength=0, stroke=stroke).pixels, PHOTO)
    np.testing.assert_array_equal(stylizer.stylize(PHOTO, {"the_scream": 0}, stroke=stroke).pixels, PHOTO)


@pytest.mark.parametrize("stroke", [0.5, 2])
@pytest.mark.parametrize(
    "options",
    [
        {"style": "the_scream", "strength": 0.4},
        {"style": "the_scream", "mask": "radial", "fade": 1},
        {"style": "great_wave", "preserve_color": True, "mask": "top", "strength": 0.7},
        {"regions": "left=the_scream,right=starry_night", "fade": 0.8},
        {"regions": "left=the_scream", "fade": 0.5, "strength": 0.5},
        {"regions": "radial=the_scream:2+great_wave,top=starry_night", "fade": 1},
        {"regions": [("left", {"the_scream": 0}), ("right", {"great_wave": 1}), ("top", {"the_scream": 1})]},
    ],
    ids=str,
)
def test_everything_else_acts_as_it_does_without(stylizer, options, stroke):
    """The model of these tests paints flat colours, so the width of its strokes must change nothing."""
    usual = stylizer.stylize(PHOTO, **options).pixels.astype(int)
    stylized = stylizer.stylize(PHOTO, **options, stroke=stroke).pixels
    difference = np.abs(stylized - usual)
    assert difference.mean() < 1  # masks travel at another size
    assert difference.max() <= 8


def test_preserved_colours_are_those_of_the_photo_at_its_own_size(stylizer):
    noise = np.random.default_rng(0).integers(60, 190, PHOTO.shape, dtype=np.uint8)
    stylized = stylizer.stylize(noise, "the_scream", preserve_color=True, stroke=2).pixels
    np.testing.assert_allclose(rgb_to_yiq(stylized)[..., 1:], rgb_to_yiq(noise)[..., 1:], atol=0.7)


def test_composing_in_bands_is_composing_at_once(rng):
    photo, stylized = rng.integers(0, 256, (2, 600, 5, 3), dtype=np.uint8)
    share = rng.random((600, 5))
    expected = np.rint(photo + share[..., None] * (stylized.astype(float) - photo))
    np.testing.assert_allclose(compose(photo, stylized, share), expected, atol=1)


# What comes back, and what is refused


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_encoded_stylized_images_are_of_the_photos_size_and_the_format_asked_for(model, format):
    request = StylizeRequest(PHOTO, StylizeOptions("the_scream", stroke=2, format=format))
    answer = model.predict("encoded", request.inputs(CATALOG))
    stylized = request.stylized_encoded(answer)
    image = Image.open(io.BytesIO(stylized.data))
    assert (image.format, image.size) == (format.upper(), (64, 48))
    assert (stylized.format, stylized.width, stylized.height) == (format, 64, 48)
    np.testing.assert_allclose(np.asarray(image)[5, 5], COLOURS["the_scream"], atol=2)
    assert request.stylized(answer).format == format


@pytest.mark.parametrize("stroke", [0.49, 2.01, 0, -1, float("nan"), float("inf"), "broad", "", None])
def test_strokes_out_of_range_are_refused(stylizer, model, stroke):
    with pytest.raises(RequestError, match=r"Expected a stroke from 0\.5 \(finer\) to 2 \(broader\), or native"):
        stylizer.stylize(PHOTO, "the_scream", stroke=stroke)
    assert not model.calls


def test_strokes_too_fine_for_the_model_name_those_that_are_not(model):
    model.catalog = replace(CATALOG, max_pixels=5000)
    stylizer = Stylizer(model)
    with pytest.raises(
        PhotoError,
        match=r"photo: the model takes at most 0\.005 megapixels, at a stroke of 0\.5 the photo is painted at 0\.0123 "
        r"\(128x96\); use --stroke 0\.79 or more \(in Python: stroke=0\.79\)\.$",
    ):
        stylizer.stylize(PHOTO, "the_scream", stroke=0.5)
    assert stylizer.stylize(PHOTO, "the_scream", stroke=0.79).pixels.shape == PHOTO.shape


@pytest.mark.parametrize(("size", "stroke"), [((333, 500), 0.5), ((200, 90), 2), ((200, 90), "native")])
def test_photos_too_large_at_any_stroke_name_a_size_that_fits(model, size, stroke):
    model.catalog = replace(CATALOG, max_pixels=3000)
    stylizer, photo = Stylizer(model), photo_array(*size)
    with pytest.raises(PhotoError, match=r"use --max-size (\d+) or less") as caught:
        stylizer.stylize(photo, "the_scream", stroke=stroke)
    fitting = int(str(caught.value).partition("--max-size ")[2].split()[0])
    stylizer.stylize(photo, "the_scream", stroke=stroke, max_size=fitting)
    with pytest.raises(PhotoError):
        stylizer.stylize(photo, "the_scream", stroke=stroke, max_size=fitting + 1)


def test_large_photos_are_not_too_large_for_the_model(model, monkeypatch):
    monkeypatch.setattr(stroke_size, "PAINTED_SIDE", 128)
    model.catalog = replace(CATALOG, max_pixels=20_000)
    assert Stylizer(model).stylize(photo_array(300, 300), "the_scream").pixels.shape == (300, 300, 3)
