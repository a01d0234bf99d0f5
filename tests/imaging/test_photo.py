"""Reading photos of every kind, refusing what is none, and writing them back."""

import io
import struct
import warnings
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from testing.fake_model import encode, photo_array
from tfstyle.errors import PhotoError, RequestError
from tfstyle.imaging import photo as images
from tfstyle.imaging.jpeg import bare_jpeg, with_icc_profile
from tfstyle.imaging.photo import Photo, read_gray, read_photo

ORIENTATION, GPS = 0x0112, 0x8825
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def picture():
    return Image.fromarray(photo_array())


def gps_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[GPS] = {1: "N", 2: (48.0, 8.0, 3.0)}
    return exif


def header_of_png(width: int, height: int) -> bytes:
    """A PNG whose header says how large it is, and that holds nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


# What is read


@pytest.mark.parametrize("format", ["png", "bmp", "tiff", "ppm"])
def test_lossless_formats_come_back_exactly(picture, format):
    photo = read_photo(encode(picture, format))
    np.testing.assert_array_equal(photo.pixels, photo_array())
    assert photo.pixels.dtype == np.uint8
    assert photo.format == format
    assert (photo.height, photo.width) == (48, 64)


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_lossy_formats_come_back_nearly(picture, format):
    photo = read_photo(encode(picture, format, quality=95))
    assert np.abs(photo.pixels.astype(int) - photo_array()).mean() < 4
    assert photo.format == format


def test_paths_files_images_and_arrays_are_the_same_photo(picture, tmp_path):
    path = tmp_path / "photo.png"
    picture.save(path)
    with open(path, "rb") as file:
        sources = [path, str(path), path.read_bytes(), file, Image.open(path), picture, photo_array()]
        for source in sources:
            np.testing.assert_array_equal(read_photo(source).pixels, photo_array())


def test_a_photo_is_called_by_its_path(picture, tmp_path):
    path = tmp_path / "holiday.png"
    picture.save(path)
    assert read_photo(path).name == str(path)
    assert read_photo(path.read_bytes()).name == "photo"
    assert read_photo(path.read_bytes(), name="upload").name == "upload"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "tiff"])
def test_exif_orientation_turns_the_photo_upright(orientation, format):
    """The file holds the picture as the sensor lay; undoing that must give the scene."""
    scene = Image.fromarray(np.kron(photo_array(6, 8), np.ones((8, 8, 1), dtype=np.uint8)))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = scene if orientation == 1 else scene.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = read_photo(encode(stored, format, exif=exif, quality=95))

    assert photo.pixels.shape == (48, 64, 3)
    assert np.abs(photo.pixels.astype(int) - np.asarray(scene)).mean() < 6


def test_gray_becomes_three_equal_channels():
    values = photo_array()[:, :, 0]
    for source in (encode(Image.fromarray(values)), values):
        np.testing.assert_array_equal(read_photo(source).pixels, np.repeat(values[:, :, None], 3, axis=2))


def test_sixteen_bit_gray_is_scaled_not_clipped():
    values = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    for format in ("png", "tiff"):
        photo = read_photo(encode(Image.fromarray(values), format))
        np.testing.assert_array_equal(photo.pixels[:, :, 0], np.rint(values / 257).astype(np.uint8))


def test_sixteen_bit_rgb_is_scaled():
    """Pillow reads no 16-bit RGB from arrays, so the file is made by hand."""
    values = np.linspace(0, 65535, 16 * 16 * 3).astype(">u2").reshape(16, 16, 3)
    photo = read_photo(b"P6 16 16 65535\n" + values.tobytes())
    assert np.abs(photo.pixels.astype(float) - values / 257.0).max() <= 1


def test_transparency_is_kept_beside_the_colours_and_laid_over_white_where_there_is_none():
    """Colours that nobody sees are white, or they would bleed into what is painted beside them."""
    image = Image.new("RGBA", (20, 20), (200, 0, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 10, 20))
    image.paste((200, 0, 0, 128), (0, 0, 10, 5))
    for source in (encode(image), encode(image, "webp", lossless=True), encode(image, "tiff")):
        photo = read_photo(source)
        np.testing.assert_array_equal(photo.alpha, np.asarray(image)[..., 3])
        np.testing.assert_array_equal(photo.pixels[10, 5], [200, 0, 0])
        np.testing.assert_array_equal(photo.pixels[10, 15], [255, 255, 255])
        np.testing.assert_array_equal(photo.pixels[2, 5], [200, 0, 0])
        opaque = photo.on_white()
        np.testing.assert_allclose(opaque.pixels[2, 5], [227, 127, 127], atol=1)
        assert opaque.alpha is None
        assert opaque.notes == ("transparency laid over white: JPEG has none",)
        again = read_photo(photo.encode("png"))
        np.testing.assert_array_equal(again.pixels, photo.pixels)
        np.testing.assert_array_equal(again.alpha, photo.alpha)
        np.testing.assert_allclose(read_photo(photo.encode("jpeg")).pixels[2, 5], [227, 127, 127], atol=3)


def test_a_smaller_picture_has_no_seam_where_it_is_seen_through():
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((40, 90, 200, 255), (0, 0, 31, 64))

    smaller = read_photo(encode(image)).resize_to(20)

    seen = smaller.pixels[smaller.alpha > 16]  # with less, eight bits hold no colour
    np.testing.assert_allclose(seen, np.broadcast_to([40, 90, 200], seen.shape), atol=16)
    assert (smaller.pixels[smaller.alpha == 0] == 255).all()


def test_opaque_alpha_is_none(picture):
    assert read_photo(encode(picture.convert("RGBA"))).alpha is None


def test_gray_with_alpha_and_palettes_with_a_transparent_colour_work():
    assert (read_photo(encode(Image.new("LA", (16, 16), (0, 0)))).pixels == 255).all()
    palette = Image.new("P", (16, 16), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    assert (read_photo(encode(palette, "gif")).pixels == (0, 255, 0)).all()
    assert (read_photo(encode(palette, "png", transparency=1)).pixels == 255).all()


def test_black_and_white_scans_work():
    assert (read_photo(encode(Image.new("1", (16, 16), 1))).pixels == 255).all()


def test_cmyk_becomes_rgb_and_its_profile_is_not_carried():
    """A CMYK profile on RGB values makes viewers show nonsense."""
    image = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    photo = read_photo(encode(image, "jpeg", icc_profile=b"\0" * 16 + b"CMYK" + b"\0" * 200))
    red, green, blue = photo.pixels[16, 16]
    assert red > 200
    assert max(green, blue) < 60
    assert photo.icc_profile is None
    assert photo.jpeg is None


def test_a_gray_profile_is_applied_and_dropped():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    photo = read_photo(encode(Image.new("L", (16, 16), 90), "png", icc_profile=lab))
    assert photo.icc_profile is None
    assert (photo.pixels == 90).all()


def test_lab_is_converted():
    photo = read_photo(encode(Image.new("LAB", (16, 16), (255, 128, 128)), "tiff"))
    assert photo.pixels.min() > 240


def test_of_several_frames_the_first_is_taken_with_a_note():
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    for format in ("gif", "webp", "png"):
        photo = read_photo(encode(frames[0], format, save_all=True, append_images=frames[1:], lossless=True))
        assert (photo.pixels == (255, 0, 0)).all()
        assert photo.notes == ("has several frames: the first one was taken",)


def test_broken_exif_does_not_refuse_a_photo(picture):
    photo = read_photo(encode(picture, "jpeg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert photo.pixels.shape == (48, 64, 3)


def test_floating_point_pixels_are_refused_with_advice():
    with pytest.raises(PhotoError, match="floating-point values; save it with 8 or 16 bits"):
        read_photo(encode(Image.new("F", (16, 16)), "tiff"))


# What is refused


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.jpg"
    path.touch()
    with pytest.raises(PhotoError, match=r"empty\.jpg: expected a picture, got an empty file \(0 bytes\)"):
        read_photo(path)


@pytest.mark.parametrize("data", [b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_picture_is_refused(data):
    """EPS among them: reading it would start a program."""
    with pytest.raises(
        PhotoError, match=r"photo: (expected a picture|the picture is|this is PostScript, which is not read)"
    ):
        read_photo(data)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "gif", "tiff", "bmp"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(format, part):
    data = encode(Image.effect_noise((200, 200), 90).convert("RGB"), format)
    with pytest.raises(PhotoError) as caught:
        read_photo(data[: int(len(data) * part)], name="cut")
    assert str(caught.value).startswith("cut: ")
    assert "\n" not in str(caught.value)


def test_truncation_is_called_by_its_name(picture):
    data = encode(picture, "jpeg")
    with pytest.raises(PhotoError, match="the picture is truncated; try another copy of it"):
        read_photo(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_less_than_16_pixels_a_side_is_refused(size):
    with pytest.raises(PhotoError, match=f"expected at least 16x16 pixels, got {size[0]}x{size[1]}"):
        read_photo(encode(Image.new("RGB", size)))
    assert read_photo(encode(Image.new("RGB", (16, 16)))).pixels.shape == (16, 16, 3)


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (12_000, 11_000)])
def test_a_decompression_bomb_is_refused_by_its_header(width, height, monkeypatch):
    """Before a pixel is decoded, and without Pillow's warning on stderr."""
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PhotoError, match="expected at most 120 megapixels, got"):
            read_photo(header_of_png(width, height))


def test_the_limit_can_be_lower(picture):
    with pytest.raises(PhotoError, match=r"expected at most 0\.001 megapixels, got 64x48"):
        read_photo(encode(picture), max_pixels=1000)


def test_a_huge_file_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 2**20)
    path = tmp_path / "huge.jpg"
    with open(path, "wb") as file:
        file.truncate(2**20 + 1)
    with pytest.raises(PhotoError, match="expected a file of at most 1 MiB, got a larger one"):
        read_photo(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(PhotoError, match=r"none\.jpg: no such file\."):
        read_photo(tmp_path / "none.jpg")
    with pytest.raises(PhotoError, match="cannot be read: Is a directory"):
        read_photo(tmp_path)


@pytest.mark.parametrize("bad", [3, io.StringIO("text"), None])
def test_other_things_are_refused(bad):
    with pytest.raises(PhotoError, match=r"[Ee]xpected"):
        read_photo(bad)


@pytest.mark.parametrize(
    "array", [np.zeros((20, 20, 3)), np.zeros((20, 20, 4), np.uint8), np.zeros(20, np.uint8), np.zeros((20, 20), bool)]
)
def test_arrays_of_another_kind_are_refused(array):
    with pytest.raises(PhotoError, match=r"expected a uint8 array of shape \[H,W,3\] or \[H,W\]"):
        read_photo(array)


def test_heic_without_its_package_names_the_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match="pip install pillow-heif"):
        read_photo(b"\0\0\0\x18ftypheic" + b"\0" * 100)


def test_heic_is_read_where_its_package_is(picture):
    pillow_heif.register_heif_opener()
    photo = read_photo(encode(picture, "heif", quality=95))
    assert photo.pixels.shape == (48, 64, 3)
    assert photo.writable_format() == "jpeg"


# What is written


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_the_icc_profile_travels_and_exif_does_not(picture, format):
    photo = read_photo(encode(picture, format, icc_profile=SRGB, exif=gps_exif()))
    for written in images.FORMAT_BY_SUFFIX.values():
        data = photo.encode(written)
        image = Image.open(io.BytesIO(data))
        assert image.format.lower() == written
        assert image.info["icc_profile"] == SRGB
        assert dict(image.getexif()) == {}
        assert b"Exif" not in data


def test_jpeg_is_written_without_chroma_subsampling():
    data = Photo(photo_array()).encode("jpeg")
    assert [layer[1:3] for layer in Image.open(io.BytesIO(data)).layer] == [(1, 1)] * 3


def test_png_is_written_exactly():
    photo = Photo(photo_array())
    np.testing.assert_array_equal(read_photo(photo.encode("png")).pixels, photo.pixels)
    np.testing.assert_array_equal(read_photo(photo.encode("png", compress_level=1)).pixels, photo.pixels)


def test_a_jpeg_is_not_compressed_twice(picture):
    """Its pixels come out of the first and of the second file alike."""
    data = encode(picture, "jpeg", quality=70, exif=gps_exif(), comment=b"secret", icc_profile=SRGB)
    photo = read_photo(data)
    again = photo.encode("jpeg")

    np.testing.assert_array_equal(read_photo(again).pixels, photo.pixels)
    assert b"secret" not in again
    assert read_photo(again).icc_profile == SRGB


def test_saving_takes_the_format_from_the_name(tmp_path):
    for name, format in [("a.jpg", "JPEG"), ("b.PNG", "PNG"), ("c.webp", "WEBP")]:
        Photo(photo_array()).save(tmp_path / name)
        assert Image.open(tmp_path / name).format == format
    with pytest.raises(RequestError, match=r"ends in \.jpg, \.png or \.webp, got '.*d\.gif'"):
        Photo(photo_array()).save(tmp_path / "d.gif")


def test_what_a_format_cannot_hold_is_refused():
    with pytest.raises(PhotoError, match="webp holds at most 16383 pixels a side, this is 16400x16"):
        Photo(photo_array(16, 16_400)).encode("webp")
    with pytest.raises(RequestError, match="Expected jpeg, png or webp"):
        Photo(photo_array()).encode("gif")


def test_pillow_gets_the_picture_with_its_profile():
    image = Photo(photo_array(), icc_profile=SRGB).to_pil()
    assert image.info["icc_profile"] == SRGB
    np.testing.assert_array_equal(np.asarray(image), photo_array())


@pytest.mark.parametrize(
    ("format", "written"), [("jpeg", "jpeg"), ("webp", "webp"), ("gif", "png"), ("tiff", "png"), ("heif", "jpeg")]
)
def test_formats_that_are_not_written_have_a_substitute(format, written):
    assert Photo(photo_array(), format=format).writable_format() == written


# Sizes


def test_resizing_keeps_the_aspect_ratio_and_the_rest():
    photo = Photo(photo_array(300, 400), icc_profile=SRGB, name="x", jpeg=b"stale")
    smaller = photo.resize_to(100)
    assert smaller.pixels.shape == (75, 100, 3)
    assert (smaller.icc_profile, smaller.name, smaller.jpeg) == (SRGB, "x", None)


def test_resizing_never_enlarges():
    photo = Photo(photo_array(30, 40))
    assert photo.resize_to(40) is photo
    assert photo.resize_to(1000) is photo


def test_resizing_to_too_little_is_refused():
    with pytest.raises(RequestError, match="max size of at least 16 pixels, got 15"):
        Photo(photo_array()).resize_to(15)
    with pytest.raises(PhotoError, match="the photo would be 100x2"):
        Photo(photo_array(20, 1000)).resize_to(100)


# JPEG surgery


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}])
def test_a_bare_jpeg_has_the_same_pixels_and_nothing_else(picture, options):
    data = encode(picture, "jpeg", exif=gps_exif(), comment=b"secret", icc_profile=SRGB, **options)
    bare = bare_jpeg(data + b"appended by a phone: 48.13 N")

    image = Image.open(io.BytesIO(bare))
    np.testing.assert_array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(data))))
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
    assert b"48.13" not in bare
    assert b"secret" not in bare


def test_only_plain_colour_jpegs_are_taken(picture):
    assert bare_jpeg(encode(picture.convert("L"), "jpeg")) is None
    assert bare_jpeg(encode(picture.convert("CMYK"), "jpeg")) is None
    assert bare_jpeg(encode(picture, "png")) is None
    data = encode(picture, "jpeg")
    for length in range(len(data)):
        assert bare_jpeg(data[:length]) is None


def test_a_large_profile_is_split_over_segments(picture):
    profile = SRGB + bytes(150_000)
    image = Image.open(io.BytesIO(with_icc_profile(encode(picture, "jpeg"), profile)))
    assert image.info["icc_profile"] == profile
    image.load()


# Gray reading, for masks


def test_gray_values_run_from_0_to_1(picture):
    values = read_gray(encode(picture))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, np.asarray(picture.convert("L")) / 255, atol=1e-6)
