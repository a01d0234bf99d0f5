"""What people send: each kind is read, or refused with a sentence that names it and says what to do."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from testing.fake_model import encode
from tfstyle.errors import PhotoError
from tfstyle.imaging.photo import read_photo

SCENE = Image.effect_noise((64, 48), 60).convert("RGB")
TURNED = Image.Exif()
TURNED[0x0112] = 6


def corrupt(data: bytes) -> bytes:
    """With a hole in the middle of its pixels."""
    middle = data.index(b"IDAT") + 40 if b"IDAT" in data else len(data) // 2
    return data[:middle] + bytes(60) + data[middle + 60 :]


def mpo() -> bytes:
    buffer = io.BytesIO()
    SCENE.save(buffer, "mpo", save_all=True, append_images=[SCENE])
    return buffer.getvalue()


def raw(preview: bytes | None, orientation: int = 1, *, order: str = "<") -> bytes:
    """A DNG: a small picture first, what the sensor saw and the preview in folders below."""

    def folder(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
        body = b"".join(
            struct.pack(f"{order}HHIHH", tag, kind, count, value, 0)
            if kind == 3
            else struct.pack(f"{order}HHII", tag, kind, count, value)
            for tag, kind, count, value in entries
        )
        return struct.pack(f"{order}H", len(entries)) + body + struct.pack(f"{order}I", following)

    sensor = folder(
        (256, 4, 1, 64), (257, 4, 1, 48), (259, 3, 1, 7), (262, 3, 1, 32803), (273, 4, 1, 600), (279, 4, 1, 64)
    )
    shown = folder((259, 3, 1, 7), (262, 3, 1, 6), (273, 4, 1, 700), (279, 4, 1, len(preview or b"")))
    subfolders = struct.pack(f"{order}II", 200, 400)
    first = folder((274, 3, 1, orientation), (330, 4, 2, 180), (50706, 1, 4, 0x00000401))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    data = (head + first).ljust(180, b"\0") + subfolders
    data = (data.ljust(200, b"\0") + sensor).ljust(400, b"\0") + (shown if preview else b"\0\0\0\0\0\0")
    return data.ljust(600, b"\0") + bytes(100) + (preview or b"")


@pytest.mark.parametrize(
    ("data", "size", "format"),
    [
        pytest.param(mpo(), (64, 48), "jpeg", id="mpo"),
        pytest.param(encode(SCENE, "jpeg") + b"behind the end" * 99, (64, 48), "jpeg", id="gain map behind a JPEG"),
        pytest.param(encode(SCENE, "avif"), (64, 48), "avif", id="avif"),
        pytest.param(encode(SCENE, "jpeg2000"), (64, 48), "jpeg2000", id="jpeg 2000"),
        pytest.param(encode(SCENE.convert("CMYK"), "jpeg"), (64, 48), "jpeg", id="cmyk"),
        pytest.param(encode(SCENE.convert("CMYK"), "tiff", compression="jpeg"), (64, 48), "tiff", id="cmyk in a tiff"),
        pytest.param(encode(SCENE.quantize(16), "gif"), (64, 48), "gif", id="gif"),
        pytest.param(encode(SCENE, "tiff", compression="jpeg", exif=TURNED), (48, 64), "tiff", id="tiff with exif"),
        pytest.param(encode(SCENE, "webp", exif=TURNED), (48, 64), "webp", id="webp on its side"),
        pytest.param(encode(SCENE, "jpeg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), (64, 48), "jpeg", id="broken exif"),
        pytest.param(encode(SCENE.resize((4000, 24)), "png"), (4000, 24), "png", id="panorama"),
        pytest.param(raw(encode(SCENE, "jpeg")), (64, 48), "jpeg", id="dng"),
        pytest.param(raw(encode(SCENE, "jpeg"), order=">"), (64, 48), "jpeg", id="dng, the other way round"),
        pytest.param(raw(encode(SCENE, "jpeg"), 6), (48, 64), "jpeg", id="dng on its side"),
        pytest.param(raw(encode(SCENE, "jpeg", exif=TURNED), 6), (48, 64), "jpeg", id="dng and preview on their side"),
    ],
)
def test_it_is_read(data, size, format):
    photo = read_photo(data)

    assert (photo.width, photo.height) == size
    assert photo.format == format


def test_the_preview_of_a_raw_file_is_taken_with_a_note():
    preview = encode(SCENE, "jpeg")

    photo = read_photo(raw(preview))

    np.testing.assert_array_equal(photo.pixels, read_photo(preview).pixels)
    assert photo.notes == ("a camera's raw file: its preview of 64x48 was taken",)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff\x0a" + bytes(200), "this is JPEG XL, which is not read; save it as JPEG or PNG first."),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(200), "this is JPEG XL, which is not read"),
        (b"\x76\x2f\x31\x01" + bytes(200), "this is OpenEXR, which is not read"),
        (b"8BPS\0\x01" + bytes(200), "this is a Photoshop document, which is not read"),
        (b"%PDF-1.7\n" + bytes(200), "this is PDF, which is not read"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "this is SVG, which is not read"),
        (b"\0\0\0\x20ftypisom" + bytes(200), "this is a video, which is not read"),
        (b"\0\0\0\x18ftypcrx " + bytes(200), "this is a camera's raw file (CR3), which is not read"),
        (b"<!DOCTYPE html><html>", "this is a web page, which is not read"),
        (raw(None), "this is a camera's raw file without a preview, or an unusual TIFF, which is not read"),
        (b"some words", "expected a picture (JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or HEIC), got something else"),
        (encode(SCENE, "gif")[:1500], "the picture is truncated"),
        (corrupt(encode(SCENE, "png")), "the picture is broken"),
        (encode(SCENE, "png")[:2000], "the picture is truncated"),
        (encode(Image.new("RGB", (1, 1))), "expected at least 16x16 pixels, got 1x1"),
    ],
)
def test_it_is_refused_by_its_name_with_advice(data, sentence):
    with pytest.raises(PhotoError) as refused:
        read_photo(data, name="x.img")

    assert str(refused.value).startswith(f"x.img: {sentence}")
    assert "\n" not in str(refused.value)
