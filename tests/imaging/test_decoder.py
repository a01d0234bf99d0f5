"""Photos that crash, hang or swell their decoder, and what that costs others."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from testing.fake_model import encode, photo_array
from tfstyle.errors import PhotoError, PhotoTooLargeError, PhotoTooSmallError
from tfstyle.imaging import decoder as decoder_module
from tfstyle.imaging.decoder import Decoder, memory_needed
from tfstyle.imaging.photo import PictureHeader, read_gray, read_header, read_photo

PHOTO = Image.fromarray(photo_array())
LARGE = PHOTO.resize((2000, 1500), Image.Resampling.BICUBIC)
ALPHA = LARGE.convert("RGBA")
ALPHA.putalpha(LARGE.convert("L"))


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as decoder:
        yield decoder


@pytest.fixture
def own_decoder():
    """Makes one with limits of its own."""
    made = []

    def make(**limits):
        made.append(Decoder(**limits))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "gif", "tiff"])
def test_a_photo_is_what_it_is_when_it_is_read_here(decoder, format):
    options = {"icc_profile": b"x" * 200, "dpi": (72, 72)} if format == "png" else {}
    data = encode(PHOTO, format, **options)

    here, apart = read_photo(data, name="p"), decoder.read_photo(data, name="p")

    np.testing.assert_array_equal(apart.pixels, here.pixels)
    for name in ("icc_profile", "format", "name", "notes", "jpeg", "density", "exif"):
        assert getattr(apart, name) == getattr(here, name)


def test_a_mask_is_what_it_is_when_it_is_read_here(decoder):
    data = encode(PHOTO.convert("L"), "png")

    np.testing.assert_array_equal(decoder.read_gray(data), read_gray(data))


def test_a_photo_is_shrunk_while_it_is_decoded(decoder):
    data = encode(LARGE, "jpeg")

    photo = decoder.read_photo(data, longest=500)

    assert (photo.width, photo.height, photo.jpeg) == (500, 375, None)
    expected = read_photo(data).resize_to(500).pixels
    assert np.abs(photo.pixels.astype(int) - expected).mean() < 2


def test_a_header_is_told_before_anything_is_decoded(decoder):
    header = decoder.read_header(encode(LARGE, "jpeg", progressive=True))

    assert header == PictureHeader(format="jpeg", width=2000, height=1500, mode="RGB", progressive=True)
    assert decoder.read_header(encode(ALPHA, "webp")).mode == "RGBA"
    with pytest.raises(PhotoTooLargeError, match="expected at most 120 megapixels, got 4000x40000"):
        decoder.read_photo(b"", header=PictureHeader(format="png", width=4000, height=40000))


@pytest.mark.parametrize(
    ("data", "error", "sentence"),
    [
        (b"no picture", PhotoError, "p: expected a picture"),
        (b"", PhotoError, "p: expected a picture, got an empty file"),
        (encode(PHOTO, "jpeg")[:900], PhotoError, "p: the picture is"),
        (encode(PHOTO.resize((15, 15)), "png"), PhotoTooSmallError, "p: expected at least 16x16 pixels, got 15x15"),
        (encode(LARGE, "png"), PhotoTooLargeError, "p: expected at most 1 megapixels, got 2000x1500"),
    ],
    ids=["none", "empty", "truncated", "small", "large"],
)
def test_what_is_no_photo_is_refused_as_it_is_here(decoder, data, error, sentence):
    with pytest.raises(error, match=sentence):
        decoder.read_photo(data, name="p", max_pixels=1_000_000)


def test_what_takes_too_long_is_ended_while_others_are_read_at_once(own_decoder):
    decoder = own_decoder(seconds=0.6, seconds_per_megapixel=0)
    decoder.start()
    rough = Image.effect_noise((1500, 1000), 90).resize((6000, 4000))
    endless = encode(rough, "jpeg", progressive=True)
    endless = endless[:-2] + 10 * endless[endless.rindex(b"\xff\xda") : -2] + b"\xff\xd9"
    outcomes = []

    def read_endless():
        with pytest.raises(PhotoError, match="p: decoding the picture takes more time or memory than one of its size"):
            decoder.read_photo(endless, name="p", longest=1280)
        outcomes.append("ended")

    hanging = threading.Thread(target=read_endless)
    hanging.start()
    time.sleep(0.2)
    assert hanging.is_alive()
    began = time.monotonic()
    assert decoder.read_photo(encode(PHOTO, "jpeg")).width == 64
    assert time.monotonic() - began < 1
    hanging.join(60)
    assert outcomes == ["ended"]


def test_what_takes_more_memory_than_it_was_given_is_refused(own_decoder, monkeypatch):
    monkeypatch.setattr(decoder_module, "memory_needed", lambda header, longest=None: 2**20)
    decoder = own_decoder()

    with pytest.raises(PhotoError, match=r"p: (decoding the picture takes more|the picture is broken)"):
        decoder.read_photo(encode(LARGE, "webp"), name="p")
    assert decoder.read_photo(encode(PHOTO, "png")).width == 64


def test_what_would_take_more_memory_than_there_is_is_refused_or_shrunk(own_decoder):
    decoder = own_decoder(memory=50 * 2**20)
    data = encode(LARGE, "png", compress_level=1)

    with pytest.raises(PhotoTooLargeError, match=r"decoding 2000x1500 pixels of png takes .* MiB, expected at most 50"):
        decoder.read_photo(data)
    photo = decoder.read_photo(data, fit=800)
    assert 800 <= photo.width < 2000


def test_memory_is_lent_no_more_than_there_is_and_small_amounts_pass_large_ones(own_decoder):
    memory = decoder_module._Memory(100)
    taken = []

    def take(amount, seconds):
        with memory.lent(amount):
            taken.append(amount)
            time.sleep(seconds)

    with ThreadPoolExecutor(4) as pool:
        pool.submit(take, 80, 0.5)
        time.sleep(0.1)
        pool.submit(take, 90, 0)
        time.sleep(0.1)
        pool.submit(take, 15, 0).result()
        assert taken == [80, 15]
    assert taken == [80, 15, 90]


def test_small_amounts_need_not_wait_for_a_large_one():
    memory = decoder_module._Memory(100, for_small=20)

    with memory.lent(100), ThreadPoolExecutor(1) as pool:
        with memory.lent(15):
            waiting = pool.submit(memory.lent(6).__enter__)
            with pytest.raises(TimeoutError):
                waiting.result(0.1)
        waiting.result(5)


def test_a_template_that_was_ended_is_started_again(own_decoder):
    decoder = own_decoder()
    decoder.start()
    decoder._template._process.kill()
    decoder._template._process.wait()

    assert decoder.read_photo(encode(PHOTO, "png")).width == 64


def test_many_photos_at_once_are_all_read(decoder):
    photos = [encode(PHOTO, "png")] * 30

    with ThreadPoolExecutor(6) as pool:
        assert [photo.width for photo in pool.map(decoder.read_photo, photos)] == [64] * 30


def test_the_processes_know_no_secrets_and_are_gone_afterwards(own_decoder, monkeypatch):
    monkeypatch.setenv("TFSTYLE_BOT_TOKEN", "1:secret")
    decoder = own_decoder()
    decoder.read_photo(encode(PHOTO, "png"))
    process = decoder._template._process
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()

    assert b"secret" not in environment
    decoder.close()
    assert process.poll() is not None


HEIF = "heif"
pillow_heif.register_heif_opener()


@pytest.mark.parametrize("longest", [640, 1280, 1999, 2000])
@pytest.mark.parametrize(
    "data",
    [
        encode(LARGE, "jpeg"),
        encode(LARGE, "jpeg", progressive=True, subsampling=0),
        encode(LARGE.convert("CMYK"), "jpeg"),
        encode(LARGE, "png", compress_level=1),
        encode(ALPHA, "png", compress_level=1),
        encode(LARGE.quantize(64), "png"),
        encode(Image.fromarray(np.asarray(LARGE.convert("L")).astype(np.uint16) * 257), "png", compress_level=1),
        encode(LARGE, "webp", method=0),
        encode(LARGE, "webp", lossless=True, method=0, quality=0),
        encode(ALPHA, "webp", method=0),
        encode(LARGE.quantize(64), "gif"),
        encode(LARGE, "bmp"),
        encode(ALPHA, "tiff", compression="tiff_lzw"),
        encode(LARGE, "tiff", compression="jpeg"),
        encode(LARGE, "avif", speed=10),
        encode(ALPHA, "avif", speed=10),
        encode(LARGE.resize((1000, 750)), "jpeg2000"),
        encode(LARGE, HEIF),
    ],
    ids=[
        "jpeg", "progressive", "cmyk", "png", "alpha png", "palette", "gray16", "webp", "lossless webp", "alpha webp",
        "gif", "bmp", "lzw tiff", "jpeg tiff", "avif", "alpha avif", "jpeg2000", "heic",
    ],
)  # fmt: skip
def test_the_memory_that_is_granted_is_enough(decoder, data, longest):
    """The kernel holds the process to it."""
    photo = decoder.read_photo(data, longest=longest)

    assert max(photo.width, photo.height) == min(longest, read_header(data, "p").width)


def test_a_small_heic_photo_has_memory_for_its_library_too(own_decoder):
    """Which took more than the picture itself, and was then said not to be installed."""
    assert own_decoder().read_photo(encode(LARGE.resize((320, 240)), HEIF)).width == 320


@pytest.mark.parametrize(
    ("data", "longest", "megabytes"),
    [
        (encode(PHOTO.resize((5773, 4330)), "jpeg"), 1280, 100),
        (encode(PHOTO.resize((5773, 4330)), "png", compress_level=1), 1280, 200),
        (encode(PHOTO.resize((4000, 3000)), "webp", method=0), 1280, 224),
    ],
    ids=["25 megapixels of jpeg", "25 of png", "12 of webp"],
)
def test_photos_of_phones_and_cameras_fit(data, longest, megabytes):
    assert memory_needed(read_header(data, "p"), longest) + 2 * len(data) < megabytes * 2**20


def test_where_nothing_forks_photos_are_read_here(monkeypatch):
    monkeypatch.setattr(decoder_module, "_FORKS", False)
    decoder = Decoder()
    decoder.start()

    assert decoder.read_photo(encode(LARGE, "png"), longest=500).width == 500
    assert decoder.read_gray(encode(PHOTO, "png")).shape == (48, 64)
    assert decoder._template is None
