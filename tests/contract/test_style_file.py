"""Style files: what is written is read again, and whatever else is there is refused in a sentence."""

import base64
import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tfstyle.contract import style_file
from tfstyle.contract.style_file import from_bytes, load_style, save_style, to_bytes
from tfstyle.contract.style_vector import StyleVector
from tfstyle.errors import StyleVectorError


def thumbnail(side=32, form="jpeg"):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "gold").save(buffer, form)
    return buffer.getvalue()


@pytest.fixture
def style(rng):
    values = rng.normal(0.5, 1, 3264).astype(np.float32)
    return StyleVector(values, "0123456789abcdef", "kiss", "Der Kuß", "Gustav Klimt", "1908", thumbnail())


def changed(style, **entries):
    return json.dumps({**json.loads(to_bytes(style)), **entries}).encode()


def vector(numbers):
    """The entries of a file with these numbers."""
    encoded = np.asarray(numbers, "<f2").tobytes()
    return {"vector": base64.b64encode(encoded).decode(), "sha256": hashlib.sha256(encoded).hexdigest()}


def test_a_file_holds_the_whole_style_in_some_kilobytes(style, tmp_path):
    save_style(style, tmp_path / "kiss.style")
    read = load_style(tmp_path / "kiss.style")

    for field in ("trunk", "name", "title", "artist", "year", "thumbnail"):
        assert getattr(read, field) == getattr(style, field)
    np.testing.assert_allclose(read.values, style.values, rtol=2**-11, atol=1e-7)
    assert (tmp_path / "kiss.style").stat().st_size < 12_000
    assert to_bytes(read) == to_bytes(style)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda s: b"", "a part of one"),
        (lambda s: to_bytes(s)[:-700], "a part of one"),
        (lambda s: thumbnail(), "something else"),
        (lambda s: b"\x80\x05pickle", "something else"),
        (lambda s: b"[" * 10_000, "something else"),
        (lambda s: b"[1, 2]", "other JSON"),
        (lambda s: b'{"format": "other"}', "other JSON"),
        (lambda s: changed(s, version=2), "of version 1, got 2; a later tfstyle"),
        (lambda s: changed(s, vector=vector(np.ones(3264))["vector"]), "changed by hand"),
        (lambda s: changed(s, sha256=5), "changed by hand"),
        (lambda s: changed(s, vector="?"), "parts cannot be read"),
        (lambda s: changed(s, vector=None), "parts cannot be read"),
        (lambda s: changed(s, **vector([1, np.nan])), "kiss.style: Expected a style vector of finite numbers"),
        (lambda s: changed(s, **vector([])), r"of shape \[V\]"),
        (lambda s: changed(s, trunk="x"), "16 hexadecimal digits"),
        (lambda s: changed(s, trunk=None), "16 hexadecimal digits"),
        (lambda s: changed(s, name="../kiss"), "letters, digits"),
        (lambda s: changed(s, title=["a"]), "200 characters"),
        (lambda s: changed(s, thumbnail="AAAA"), "small JPEG"),
        (lambda s: changed(s, thumbnail=base64.b64encode(thumbnail(form="png")).decode()), "small JPEG"),
        (lambda s: changed(s, thumbnail=base64.b64encode(thumbnail(1025)).decode()), "small JPEG"),
        (lambda s: bytes(style_file.MAX_BYTES + 1), "of at most"),
    ],
)
def test_every_damage_is_said_in_a_sentence(style, damage, said):
    with pytest.raises(StyleVectorError, match=said) as error:
        from_bytes(damage(style), "kiss.style")
    assert str(error.value).startswith("kiss.style: ")
    assert "\n" not in str(error.value)


def test_an_entry_that_is_missing_is_named(style):
    for key in ("vector", "sha256", "thumbnail", "trunk", "name", "title", "artist", "year"):
        document = json.loads(to_bytes(style))
        del document[key]
        with pytest.raises(StyleVectorError, match=f"KeyError\\('{key}'\\)"):
            from_bytes(json.dumps(document).encode())


def test_a_file_may_be_without_a_thumbnail(style):
    assert from_bytes(to_bytes(replace(style, thumbnail=b""))).thumbnail == b""


def test_numbers_beyond_half_precision_are_not_written(style, tmp_path):
    with pytest.raises(StyleVectorError, match="below 65504"):
        save_style(replace(style, values=np.full(3, 7e4)), tmp_path / "kiss.style")
    assert list(tmp_path.iterdir()) == []


def test_other_names_and_missing_files_are_told(style, tmp_path):
    with pytest.raises(StyleVectorError, match=r"end in \.style, got 'kiss.jpg'"):
        save_style(style, tmp_path / "kiss.jpg")
    with pytest.raises(StyleVectorError, match="cannot be read"):
        load_style(tmp_path / "kiss.style")
