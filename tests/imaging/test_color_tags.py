"""Colours that a file tells otherwise than by an ICC profile come out as they were meant."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from testing.fake_model import encode
from tfstyle.imaging.color_tags import ColorTag, color_tag, to_srgb
from tfstyle.imaging.icc import ADOBE_RGB, D65, SRGB, Curve, RgbSpace
from tfstyle.imaging.photo import Photo, read_photo

RED = Image.new("RGB", (32, 32), (200, 60, 60))
IN_P3, IN_ADOBE_RGB = (217, 42, 52), (231, 57, 57)  # what these numbers are in sRGB


def as_srgb(photo: Photo) -> tuple[int, ...]:
    """The first pixel as a program sees it that knows ICC profiles."""
    if photo.icc_profile is None:
        return tuple(int(value) for value in photo.pixels[0, 0])
    profile = ImageCms.ImageCmsProfile(io.BytesIO(photo.icc_profile))
    seen = ImageCms.profileToProfile(photo.to_pil(), profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return seen.getpixel((0, 0))


def png(image: Image.Image, *chunks: tuple[bytes, bytes], **options) -> bytes:
    """A PNG with more chunks behind its header."""
    data = encode(image, "png", **options)
    more = [
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    ]
    return data[:33] + b"".join(more) + data[33:]


def with_codes(data: bytes, primaries: int, transfer: int) -> bytes:
    """An AVIF or HEIC whose colours are said to be others."""
    place = data.index(b"colrnclx") + 8
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]


def numbers(*values: float) -> bytes:
    return struct.pack(f">{len(values)}I", *(round(value * 100_000) for value in values))


P3_CORNERS = numbers(0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
ADOBE_CORNERS = numbers(0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


@pytest.mark.parametrize(
    ("chunks", "seen"),
    [
        ([(b"cICP", bytes([12, 13, 0, 1]))], IN_P3),
        ([(b"cICP", bytes([1, 13, 0, 1]))], (200, 60, 60)),
        ([(b"cHRM", ADOBE_CORNERS), (b"gAMA", numbers(256 / 563))], IN_ADOBE_RGB),
        ([(b"cHRM", P3_CORNERS)], IN_P3),
        ([(b"cICP", bytes([12, 13, 0, 1])), (b"sRGB", b"\0")], IN_P3),
        ([(b"sRGB", b"\0"), (b"cHRM", ADOBE_CORNERS), (b"gAMA", numbers(256 / 563))], (200, 60, 60)),
        ([(b"cHRM", numbers(*[0.3] * 8))], (200, 60, 60)),  # no space at all
        ([(b"cHRM", numbers(*[0] * 8)), (b"gAMA", numbers(0))], (200, 60, 60)),
        ([(b"cICP", b"\x0c")], (200, 60, 60)),
    ],
)
def test_a_png_is_seen_as_its_chunks_say(chunks, seen):
    assert as_srgb(read_photo(png(RED, *chunks))) == pytest.approx(seen, abs=1)


def test_code_points_go_before_a_profile_and_a_profile_before_numbers():
    profile = ADOBE_RGB.profile()
    both = png(RED, (b"cICP", bytes([12, 13, 0, 1])), icc_profile=profile)
    assert as_srgb(read_photo(both)) == pytest.approx(IN_P3, abs=1)
    numbered = png(RED, (b"cHRM", P3_CORNERS), icc_profile=profile)
    assert read_photo(numbered).icc_profile == profile


def test_exif_of_adobe_rgb_becomes_a_profile_and_the_jpeg_is_not_compressed_again():
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    data = encode(RED, "jpeg", quality=95, exif=exif)
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(0xA005).get(1) == "R03"

    photo = read_photo(data)

    assert as_srgb(photo) == pytest.approx(IN_ADOBE_RGB, abs=2)
    assert photo.jpeg is not None
    assert as_srgb(read_photo(photo.encode("jpeg"))) == pytest.approx(IN_ADOBE_RGB, abs=2)


@pytest.mark.parametrize("format", ["avif", "heif"])
def test_avif_and_heic_are_seen_as_their_code_points_say(format):
    if format == "heif":
        import pillow_heif

        pillow_heif.register_heif_opener()
    data = encode(RED, format, quality=100)

    assert as_srgb(read_photo(with_codes(data, 12, 13))) == pytest.approx(IN_P3, abs=3)
    assert read_photo(with_codes(data, 1, 13)).icc_profile is None
    assert read_photo(with_codes(data, 1, 1)).icc_profile is None
    assert read_photo(with_codes(data, 2, 2)).icc_profile is None


@pytest.mark.parametrize(("transfer", "hdr", "paper"), [(16, "PQ", 148), (18, "HLG", 191)])
def test_high_dynamic_range_becomes_srgb_with_a_note(transfer, hdr, paper):
    """Paper, at 203 cd/m2, is nearly white; what is brighter is brighter still."""
    ramp = Image.fromarray(np.repeat(np.array([[0, 100, paper, 255]], np.uint8), 16, 0).repeat(4, 1)).convert("RGB")

    photo = read_photo(png(ramp, (b"cICP", bytes([9, transfer, 0, 1]))))

    black, middle, white, bright = (int(value) for value in photo.pixels[0, ::4, 0])
    assert (black, bright) == (0, 255)
    assert 80 < middle < 160
    assert white == pytest.approx(244, abs=2)
    assert photo.icc_profile is None
    assert photo.notes == (f"{hdr} brought to the brightness of sRGB",)


def test_colours_of_high_dynamic_range_keep_their_hue():
    space = RgbSpace("BT.2020", (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
    gray = np.full((1, 1, 3), 120, np.uint8)

    red, green, blue = to_srgb(gray, ColorTag(space, "pq"))[0, 0]

    assert red == pytest.approx(green, abs=1) == pytest.approx(blue, abs=1)


def test_a_profile_of_srgb_changes_nothing_and_broken_exif_says_nothing():
    photo = Photo(np.asarray(RED), icc_profile=SRGB.profile())
    assert as_srgb(photo) == (200, 60, 60)
    image = Image.open(io.BytesIO(encode(RED, "jpeg", exif=b"Exif\0\0broken")))
    assert color_tag(image, None) is None


def test_equal_spaces_have_equal_profiles():
    space = RgbSpace("mine", (0.6, 0.3), (0.2, 0.7), (0.15, 0.06), D65, Curve(2.2))
    assert space.profile() == space.profile()
    assert len(space.profile()) == int.from_bytes(space.profile()[:4])


def gray_profile(gamma: float) -> bytes:
    """Of gray values with a gamma, version 2."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">3I", 63190, 65536, 54061)
    size = 128 + 4 + 24 + len(white) + len(curve)
    header = struct.pack(
        ">I4sI4s4s4s12s4s", size, b"\0" * 4, 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"\0" * 12, b"acsp"
    )
    header = header.ljust(68, b"\0") + struct.pack(">3I", 63190, 65536, 54061)
    table = b"wtpt" + struct.pack(">II", 156, len(white)) + b"kTRC" + struct.pack(">II", 156 + len(white), len(curve))
    return header.ljust(128, b"\0") + struct.pack(">I", 2) + table + white + curve


def test_gray_with_alpha_goes_through_its_profile_as_gray_without():
    profile = gray_profile(1.8)
    plain = read_photo(encode(Image.new("L", (16, 16), 118), "png", icc_profile=profile))
    half = read_photo(encode(Image.new("LA", (16, 16), (118, 128)), "png", icc_profile=profile))

    assert plain.pixels[0, 0, 0] == pytest.approx(137, abs=2)
    np.testing.assert_array_equal(half.pixels, plain.pixels)
    assert (half.alpha == 128).all()
    assert plain.icc_profile is half.icc_profile is None


def test_one_value_of_16_bit_gray_may_be_transparent():
    values = np.full((16, 16), 30_000, np.uint16)
    values[:8] = 0
    photo = read_photo(png(Image.fromarray(values), (b"tRNS", b"\0\0")))

    assert (photo.on_white().pixels[:8] == 255).all()
    assert (photo.pixels[8:] == 117).all()


def test_gray_of_32_bits_is_scaled_and_16_bits_in_32_stay_what_they_are():
    ramp = np.linspace(0, 2**31 - 1, 256).astype(np.int32).reshape(16, 16)
    np.testing.assert_allclose(read_photo(encode(Image.fromarray(ramp), "tiff")).pixels[..., 0].ravel(), range(256))
    sixteen = np.linspace(0, 65_535, 256).astype(np.int32).reshape(16, 16)
    np.testing.assert_allclose(read_photo(encode(Image.fromarray(sixteen), "tiff")).pixels[..., 0].ravel(), range(256))
