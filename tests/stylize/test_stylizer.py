"""Requests as the stylizer builds them, and answers as it reads them, against a model in NumPy."""

import io

import numpy as np
import pytest
from PIL import Image

from testing.fake_model import CATALOG, COLOURS, FakePredictor, encode, photo_array
from tfstyle import Stylizer
from tfstyle.contract.catalog import Catalog
from tfstyle.contract.signatures import SIGNATURES
from tfstyle.contract.style_mix import parse_regions, parse_style_mix
from tfstyle.errors import MaskError, ModelError, PhotoError, RequestError, UnknownStyleError
from tfstyle.imaging.color import rgb_to_yiq
from tfstyle.imaging.photo import Photo

PHOTO = photo_array()


@pytest.fixture
def model():
    return FakePredictor()


@pytest.fixture
def stylizer(model):
    return Stylizer(model)


# What comes back


def test_a_photo_comes_back_as_a_stylized_image_of_its_size(stylizer):
    stylized = stylizer.stylize(PHOTO, "the_scream")
    assert stylized.pixels.shape == PHOTO.shape
    assert (stylized.pixels == COLOURS["the_scream"]).all()
    assert stylized.format == "png"


def test_two_styles_mix_in_proportion(stylizer):
    expected = 0.6 * np.array(COLOURS["starry_night"]) + 0.4 * np.array(COLOURS["the_scream"])
    for mix in (
        "starry_night:60,the_scream:40",
        "starry_night:3+the_scream:2",
        {"starry_night": 0.6, "the_scream": 0.4},
    ):
        np.testing.assert_allclose(stylizer.stylize(PHOTO, mix).pixels[0, 0], expected, atol=0.51)


def test_strength_zero_gives_the_photo_back_bit_for_bit(stylizer):
    np.testing.assert_array_equal(stylizer.stylize(PHOTO, "great_wave", strength=0).pixels, PHOTO)


def test_weights_of_zero_give_the_photo_back_bit_for_bit(stylizer):
    np.testing.assert_array_equal(stylizer.stylize(PHOTO, {"great_wave": 0}).pixels, PHOTO)


def test_half_strength_is_halfway(stylizer):
    expected = (PHOTO + np.array(COLOURS["great_wave"])) / 2
    np.testing.assert_allclose(stylizer.stylize(PHOTO, "great_wave", strength=0.5).pixels, expected, atol=0.51)


def test_preserved_colours_keep_i_and_q(stylizer):
    stylized = stylizer.stylize(PHOTO, "the_scream", preserve_color=True).pixels
    np.testing.assert_allclose(rgb_to_yiq(stylized)[..., 1:], rgb_to_yiq(PHOTO)[..., 1:], atol=0.7)
    assert (stylized != PHOTO).any()


def test_a_hard_mask_paints_its_side_only(stylizer):
    stylized = stylizer.stylize(PHOTO, "the_scream", mask="left", fade=0).pixels
    assert (stylized[:, :32] == COLOURS["the_scream"]).all()
    np.testing.assert_array_equal(stylized[:, 32:], PHOTO[:, 32:])


def test_a_mask_of_zeros_gives_the_photo_back(stylizer):
    mask = np.zeros(PHOTO.shape[:2])
    np.testing.assert_array_equal(stylizer.stylize(PHOTO, "the_scream", mask=mask).pixels, PHOTO)


def test_regions_paint_each_place_in_its_style(stylizer):
    stylized = stylizer.stylize(PHOTO, regions="left=the_scream,right=starry_night:2+great_wave:2", fade=0).pixels
    assert (stylized[:, :32] == COLOURS["the_scream"]).all()
    mixed = (np.array(COLOURS["starry_night"]) + np.array(COLOURS["great_wave"])) / 2
    np.testing.assert_allclose(stylized[0, 40], mixed, atol=0.51)


def test_opposite_regions_leave_no_seam_of_photo(stylizer):
    """Both sides in one style must look as if there were no regions."""
    stylized = stylizer.stylize(PHOTO, regions="left=the_scream,right=the_scream", fade=0.7).pixels
    assert (stylized == COLOURS["the_scream"]).all()


def test_regions_take_files_arrays_and_pairs(stylizer, tmp_path):
    half = np.zeros(PHOTO.shape[:2], dtype=np.uint8)
    half[:24] = 255
    path = tmp_path / "sky.png"
    Image.fromarray(half).save(path)
    expected = stylizer.stylize(PHOTO, regions=[(half, "the_scream")]).pixels

    for regions in (f"{path}=the_scream", {str(path): "the_scream"}, [(path, {"the_scream": 1})]):
        np.testing.assert_array_equal(stylizer.stylize(PHOTO, regions=regions).pixels, expected)
    np.testing.assert_array_equal(expected[30:], PHOTO[30:])


def test_name_profile_and_notes_of_the_photo_stay_with_the_stylized_image(stylizer):
    frames = [Image.fromarray(PHOTO), Image.new("RGB", (64, 48))]
    data = encode(frames[0], "gif", save_all=True, append_images=frames[1:])
    mask = encode(Image.new("L", (32, 24), 255))
    stylized = stylizer.stylize(data, "the_scream", mask=mask)
    assert stylized.notes == (
        "has several frames: the first one was taken",
        "mask the mask resized from 32x24 to 64x48",
    )
    assert stylized.name == "photo"

    profile = b"icc" * 50
    stylized = stylizer.stylize(Photo(PHOTO, icc_profile=profile, name="holiday.png"), "the_scream")
    assert (stylized.icc_profile, stylized.name) == (profile, "holiday.png")


def test_jpeg_is_asked_for_and_not_compressed_again(stylizer, model):
    stylized = stylizer.stylize(PHOTO, "the_scream", format="jpeg")
    assert model.last["format"][0] == b"jpeg"
    assert stylized.format == "jpeg"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(stylized.encode("jpeg")))), stylized.pixels)


def test_stylized_images_open_in_pillow(stylizer):
    assert stylizer.stylize(PHOTO, "the_scream").to_pil().size == (64, 48)


# What is sent


def test_requests_are_what_the_contract_says(stylizer, model):
    stylizer.stylize(PHOTO, regions="left=the_scream,right=starry_night", strength=0.25, preserve_color=True)
    expected = SIGNATURES["encoded"].inputs
    assert set(model.last) == set(expected)
    for name, value in model.last.items():
        dtype = object if expected[name].dtype == "string" else expected[name].dtype
        assert value.dtype == np.dtype(dtype), name
        assert value.ndim == len(expected[name].shape), name
    np.testing.assert_array_equal(model.last["region_weights"], [[[0, 1], [1, 0]]])
    assert model.last["strength"] == np.float32(0.25)


def test_no_mask_is_sent_as_empty_bytes(stylizer, model):
    stylizer.stylize(PHOTO, "the_scream")
    assert model.last["region_masks"].tolist() == [[b""]]


def test_columns_end_with_the_last_style_asked_for(stylizer, model):
    """While servers change to a version with one more style, some still refuse its column."""
    stylizer.stylize(PHOTO, "starry_night")
    assert model.last["region_weights"].tolist() == [[[1]]]
    stylizer.stylize(PHOTO, {"great_wave": 0})
    assert model.last["region_weights"].tolist() == [[[0]]]


def test_weights_of_each_region_are_proportions(stylizer, model):
    """Otherwise a region written in percent would outweigh its neighbour sixty to one."""
    stylizer.stylize(PHOTO, regions="left=the_scream:60+great_wave:40,right=starry_night")
    np.testing.assert_allclose(model.last["region_weights"][0], [[0, 0.6, 0.4], [1, 0, 0]], rtol=1e-6)


def test_an_upright_jpeg_is_sent_as_it_is_without_its_metadata(stylizer, model):
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    data = encode(Image.fromarray(PHOTO), "jpeg", exif=exif)
    stylizer.stylize(data, "the_scream")
    sent = model.last["image_bytes"][0]
    assert b"where I live" not in sent
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(sent))), np.asarray(Image.open(io.BytesIO(data))))
    assert sent[:2] == b"\xff\xd8"


def test_a_turned_jpeg_is_sent_upright(stylizer, model):
    exif = Image.Exif()
    exif[0x0112] = 6
    stylizer.stylize(encode(Image.fromarray(PHOTO), "jpeg", exif=exif), "the_scream")
    sent = Image.open(io.BytesIO(model.last["image_bytes"][0]))
    assert (sent.format, sent.size) == ("PNG", (48, 64))


def test_max_size_shrinks_before_sending(stylizer, model):
    stylized = stylizer.stylize(photo_array(300, 400), "the_scream", max_size=100)
    assert Image.open(io.BytesIO(model.last["image_bytes"][0])).size == (100, 75)
    assert stylized.pixels.shape == (75, 100, 3)


def test_a_mask_of_the_full_size_fits_the_shrunken_photo(stylizer, model):
    stylized = stylizer.stylize(photo_array(31, 990), "the_scream", mask=np.ones((31, 990)), max_size=512)
    assert stylized.pixels.shape == (16, 512, 3)
    assert stylized.notes == ()
    assert Image.open(io.BytesIO(model.last["region_masks"][0, 0])).size == (512, 16)


def test_styles_are_asked_for_once(stylizer, model):
    for _ in range(3):
        stylizer.stylize(PHOTO, "the_scream")
    assert [signature for signature, _ in model.calls] == ["describe", "encoded", "encoded", "encoded"]
    assert stylizer.styles() == CATALOG
    stylizer.styles(refresh=True)
    assert model.calls[-1][0] == "describe"


# What is refused


def test_an_unknown_style_is_refused_with_the_nearest(stylizer, model):
    with pytest.raises(UnknownStyleError, match="did you mean starry_night"):
        stylizer.stylize(PHOTO, "stary_night")
    assert model.calls[-1][0] == "describe"


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_strength_out_of_range_is_refused(stylizer, strength):
    with pytest.raises(RequestError, match="Expected a strength from 0"):
        stylizer.stylize(PHOTO, "the_scream", strength=strength)


@pytest.mark.parametrize("weight", ["-1", "nan", "inf", "much", "", "1e99"])
def test_weights_out_of_range_are_refused(stylizer, weight):
    with pytest.raises(RequestError, match="Expected a weight of 0 or more for style 'the_scream', got"):
        stylizer.stylize(PHOTO, f"the_scream:{weight}")


def test_a_photo_with_too_many_pixels_names_a_size_that_fits(model):
    model.catalog = Catalog(CATALOG.styles, max_pixels=2000)
    stylizer = Stylizer(model)
    with pytest.raises(PhotoError, match=r"takes at most 0\.002 megapixels, .*use --max-size (\d+) or less") as caught:
        stylizer.stylize(PHOTO, "the_scream")
    fitting = int(str(caught.value).partition("--max-size ")[2].split()[0])
    assert stylizer.stylize(PHOTO, "the_scream", max_size=fitting).pixels.shape[:2] < (48, 64)


def test_regions_and_style_or_mask_exclude_each_other(stylizer):
    for options in ({"style": "the_scream"}, {"mask": "left"}):
        with pytest.raises(RequestError, match="either a style, with or without a mask, or regions, got both"):
            stylizer.stylize(PHOTO, regions="left=the_scream", **options)
    with pytest.raises(RequestError, match="Expected a style or regions, got neither"):
        stylizer.stylize(PHOTO)


def test_a_mask_of_another_shape_is_refused(stylizer):
    with pytest.raises(MaskError, match="expected a mask shaped like the photo, 64x48, got 48x64"):
        stylizer.stylize(PHOTO, "the_scream", mask=np.ones((64, 48)))


def test_other_formats_are_refused(stylizer):
    with pytest.raises(RequestError, match="Expected png or jpeg as format, got 'webp'"):
        stylizer.stylize(PHOTO, "the_scream", format="webp")


def test_a_predictor_and_a_model_exclude_each_other(model):
    with pytest.raises(RequestError, match="an engine or a model, got both"):
        Stylizer(model, model="somewhere")


@pytest.mark.parametrize("answer", [{}, {"image_bytes": np.array([b"nonsense"], dtype=object)}])
def test_an_answer_that_is_no_stylized_image_is_a_model_error(model, answer):
    stylizer = Stylizer(model)
    stylizer.styles()
    model.predict = lambda signature, inputs: answer
    with pytest.raises(ModelError, match="Expected a painting from the model, got none that can be read"):
        stylizer.stylize(PHOTO, "the_scream")


def test_a_stylized_image_of_another_size_is_a_model_error(model):
    stylizer = Stylizer(model)
    stylizer.styles()
    wrong = np.array([encode(Image.new("RGB", (20, 20)))], dtype=object)
    model.predict = lambda signature, inputs: {"image_bytes": wrong}
    with pytest.raises(ModelError, match="Expected a painting of 64x48 from the model, got 20x20"):
        stylizer.stylize(PHOTO, "the_scream")


# How styles and regions are written


def test_mixes_are_read_in_their_order():
    assert parse_style_mix("a") == {"a": 1}
    assert list(parse_style_mix(" b : 2 , a ").items()) == [("b", 2), ("a", 1)]
    assert parse_style_mix("a:1e-3+b:0") == {"a": 0.001, "b": 0}


@pytest.mark.parametrize("mix", ["", ",", "a,", ":3", "a,,b", {}])
def test_mixes_with_gaps_are_refused(mix):
    with pytest.raises(RequestError, match="Expected"):
        parse_style_mix(mix)


def test_a_style_named_twice_is_refused():
    with pytest.raises(RequestError, match="each style once, got 'a' twice"):
        parse_style_mix("a:1,a:2")


def test_regions_where_a_style_belongs_are_told_so():
    with pytest.raises(RequestError, match="PLACE=STYLE belongs into regions"):
        parse_style_mix("left=a")


def test_regions_are_read_in_their_order():
    assert parse_regions("left=a, right = b:2+c ,my=mask.png=d") == [
        ("left", {"a": 1}),
        ("right", {"b": 2, "c": 1}),
        ("my=mask.png", {"d": 1}),
    ]


@pytest.mark.parametrize("regions", ["", "left", "left=", "=a", "left=a,b:2", "left=a,"])
def test_broken_regions_show_how_they_are_written(regions):
    with pytest.raises(RequestError, match=r"Expected regions as PLACE=STYLE.*left=the_scream:1\+great_wave:2"):
        parse_regions(regions)


def test_no_regions_are_refused():
    with pytest.raises(RequestError, match="at least one region"):
        parse_regions({})


def test_more_regions_than_a_model_takes_are_refused():
    with pytest.raises(RequestError, match="at most 8 regions, got 9"):
        parse_regions([("left", "the_scream")] * 9)
