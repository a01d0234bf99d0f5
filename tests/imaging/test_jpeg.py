"""JPEG files that were built to take long."""

import struct
import time

import numpy as np
import pytest
from PIL import Image

from testing.fake_model import encode, photo_array
from tfstyle.errors import PhotoError
from tfstyle.imaging import jpeg
from tfstyle.imaging.jpeg import bare_jpeg, check_jpeg
from tfstyle.imaging.photo import read_photo

PHOTO = Image.fromarray(photo_array())
BASELINE = encode(PHOTO, "jpeg")
PROGRESSIVE = encode(PHOTO, "jpeg", progressive=True)


def segment(code: int, body: bytes) -> bytes:
    return bytes((0xFF, code)) + struct.pack(">H", 2 + len(body)) + body


def last_scan(data: bytes) -> bytes:
    """The last scan of a JPEG, from its marker to before the end of the picture."""
    return data[data.rindex(b"\xff\xda") : data.rindex(b"\xff\xd9")]


def with_scans(count: int) -> bytes:
    """A progressive JPEG that says its last scan again, `count` times."""
    return PROGRESSIVE[:-2] + count * last_scan(PROGRESSIVE) + b"\xff\xd9"


@pytest.mark.parametrize("end", [b"", b"\x00", b"\xff\xd9"], ids=["nothing", "a zero", "the end"])
@pytest.mark.parametrize("within", [b"\xff", b"\xff\x00", b"\xff\xff\x00", b"\xff\xd0"], ids=bytes.hex)
@pytest.mark.parametrize("read", [bare_jpeg, lambda data: check_jpeg(data, "photo")], ids=["bare", "check"])
def test_runs_of_ff_within_a_scan_take_time_by_their_length(read, within, end):
    """200 kB took an hour when each byte of a run was the beginning of another search to its end."""
    data = BASELINE[:-2] + within * (2**22 // len(within)) + end
    began = time.process_time()

    read(data)

    assert time.process_time() - began < 2


def test_fill_bytes_before_a_marker_are_left_out():
    photo = BASELINE[:-2] + b"\xff" * 50_000 + b"\xff\xd9"

    assert bare_jpeg(photo) == bare_jpeg(BASELINE)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (with_scans(3000), "expected a JPEG of at most 100 scans, got more; save it anew"),
        (BASELINE[:2] + 4_000_000 * segment(0xFE, b"") + BASELINE[2:], "expected a JPEG of at most 4096 segments"),
        (BASELINE[:2] + b"\xff\xd9" + 5000 * segment(0xFE, b"") + BASELINE[2:], "at most 4096 segments"),
        (BASELINE[:20] + bytes(8 * 2**20), "got one with 8 MiB that belong to nothing in it"),
        (BASELINE[:20] + b"\xff" * 2**22 + BASELINE[20:], "got one with 4 MiB that belong to nothing in it"),
    ],
    ids=["scans", "comments", "comments behind an end", "junk", "fill bytes"],
)
def test_what_only_takes_long_is_refused_before_it_is_decoded(data, sentence):
    began = time.process_time()

    with pytest.raises(PhotoError, match=sentence):
        read_photo(data)

    assert time.process_time() - began < 2


def test_the_metadata_of_large_cameras_passes():
    """An ICC profile, EXIF with a thumbnail and extended XMP, split over many segments, and scans by the dozen."""
    metadata = 600 * segment(0xE1, bytes(60_000))

    assert read_photo(PROGRESSIVE[:2] + metadata + PROGRESSIVE[2:]).height == 48
    assert read_photo(with_scans(50)).height == 48


@pytest.mark.parametrize("end", range(2, len(BASELINE), 7))
def test_a_jpeg_that_ends_anywhere_is_checked_without_a_fault(end):
    check_jpeg(BASELINE[:end], "photo")


def test_limits_are_far_above_what_programs_write():
    """Pillow's progressive files, the usual script of libjpeg, have ten scans."""
    assert PROGRESSIVE.count(b"\xff\xda") == 10
    assert 10 * PROGRESSIVE.count(b"\xff\xda") <= jpeg.MAX_SCANS


@pytest.mark.parametrize("progressive", [False, True])
def test_a_whole_jpeg_without_its_end_is_read(progressive):
    data = encode(Image.effect_noise((120, 90), 80).convert("RGB"), "jpeg", progressive=progressive, quality=90)
    assert data.endswith(b"\xff\xd9")

    np.testing.assert_array_equal(read_photo(data[:-2]).pixels, read_photo(data).pixels)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.98])
def test_a_jpeg_that_lacks_more_than_its_end_is_refused(progressive, part):
    data = encode(Image.effect_noise((120, 90), 80).convert("RGB"), "jpeg", progressive=progressive, quality=90)

    with pytest.raises(PhotoError, match="truncated"):
        read_photo(data[: int(part * len(data))])
