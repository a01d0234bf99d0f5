"""Which photos a folder, a glob and a manifest mean, and that no two stylized images meet."""

import os
from pathlib import Path

import pytest

from tfstyle.batch.inputs import find_photos, output_name
from tfstyle.errors import PhotoError, RequestError
from tfstyle.imaging.photo import PHOTO_SUFFIXES


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("b.jpg", "a.PNG", "sub/c.tiff", "sub/deep/d.jpg", "notes.txt", ".hidden.jpg", ".trash/e.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def names(source: object, outputs: Path = Path("/paintings")) -> list[str]:
    return list(find_photos(str(source), outputs).files)


def test_a_folder_is_searched_with_its_sub_folders(folder):
    photos = find_photos(str(folder), Path("/paintings"))

    assert list(photos.files) == ["a.PNG", "b.jpg", "sub/c.tiff", "sub/deep/d.jpg"]
    assert photos.files["sub/c.tiff"] == str(folder / "sub" / "c.tiff")
    assert photos.base == folder


def test_a_glob_names_photos_from_where_its_wildcards_begin(folder, monkeypatch):
    assert names(folder / "**" / "*.jpg") == ["b.jpg", "sub/deep/d.jpg"]
    assert names(folder / "sub" / "*") == ["c.tiff"]
    monkeypatch.chdir(folder)
    assert names("s*b/*/*.jpg") == ["sub/deep/d.jpg"]


def test_a_folder_whose_name_looks_like_a_glob_is_a_folder(tmp_path):
    (tmp_path / "photos [2019]").mkdir()
    (tmp_path / "photos [2019]" / "a.jpg").touch()
    assert names(tmp_path / "photos [2019]") == ["a.jpg"]


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        ("list.txt", "photos/b.jpg\n\nphotos/sub/c.tiff\r\n/elsewhere/x.jpg\nphotos/sub/../b.jpg\n"),
        ("list.csv", "photos/b.jpg,3\nphotos/sub/c.tiff,4\n\n/elsewhere/x.jpg\n"),
        ("list.csv", "\ufeffsize,path\n3,photos/b.jpg\n4,photos/sub/c.tiff\n5,/elsewhere/x.jpg\n6,\n"),
    ],
    ids=["text", "first column", "column by name"],
)
def test_a_manifest_names_photos_from_its_folder_and_others_by_their_whole_path(folder, manifest, text):
    """Each once, in its order, whether they are there or not: that shows when they are read."""
    path = folder.parent / manifest
    path.write_text(text, encoding="utf-8")

    photos = find_photos(str(path), Path("/paintings"))

    assert list(photos.files) == ["photos/b.jpg", "photos/sub/c.tiff", "elsewhere/x.jpg"]
    assert list(photos.files.values()) == [f"{folder}/b.jpg", f"{folder}/sub/c.tiff", "/elsewhere/x.jpg"]


def test_names_need_not_be_unicode(tmp_path):
    odd = os.fsdecode(b"caf\xe9.jpg")
    (tmp_path / odd).touch()
    (tmp_path / "list.txt").write_bytes(b"caf\xe9.jpg\n")

    assert names(tmp_path) == [odd]
    assert names(tmp_path / "list.txt") == [odd]


def test_stylized_images_among_the_photos_are_no_photos(folder):
    (folder / "painted").mkdir()
    (folder / "painted" / "b.jpg").touch()

    assert names(folder, folder / "painted") == ["a.PNG", "b.jpg", "sub/c.tiff", "sub/deep/d.jpg"]
    for holds_photos in (folder, folder.parent):
        with pytest.raises(RequestError, match="expected a folder for paintings that holds no photos"):
            names(folder, holds_photos)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("missing", "missing: expected a folder, a glob or a manifest .*found nothing of that name"),
        ("photos/b.jpg", "found a file of another kind; single photos are painted by tfstyle stylize"),
        ("photos/notes.txt", "photos/notes.txt: expected photos, found none"),
        ("photos/*.webp", r"\*.webp: expected photos, found none"),
        ("photos/.trash/nothing", "found nothing of that name"),
    ],
)
def test_what_means_no_photos_is_said(folder, monkeypatch, source, sentence):
    monkeypatch.chdir(folder.parent)
    with pytest.raises((PhotoError, RequestError), match=sentence):
        names(source)


@pytest.mark.parametrize(
    ("photo", "format", "output"),
    [
        ("a/b.jpg", None, "a/b.jpg"),
        ("a/b.JPEG", None, "a/b.JPEG"),
        ("b.png", None, "b.png"),
        ("b.webp", None, "b.webp"),
        ("b.gif", None, "b.gif.png"),
        ("b.heic", None, "b.heic.jpg"),
        ("b.png", "jpeg", "b.png.jpg"),
        ("b.jpg", "webp", "b.jpg.webp"),
        ("b.v2.jpg", None, "b.v2.jpg"),
    ],
)
def test_a_stylized_image_is_called_as_its_photo_where_that_says_the_format(photo, format, output):
    assert output_name(photo, format) == output


@pytest.mark.parametrize("format", [None, "jpeg", "png", "webp"])
def test_no_two_stylized_images_share_a_name(format):
    """Whichever photos there are, so a photo that comes later changes no name."""
    suffixes = sorted(PHOTO_SUFFIXES) + [suffix.upper() for suffix in sorted(PHOTO_SUFFIXES)]
    photos = [
        f"a{first}{second}{third}" for first in ["", *suffixes] for second in ["", *suffixes] for third in suffixes
    ]
    photos = list(dict.fromkeys(photos))

    assert len({output_name(photo, format) for photo in photos}) == len(photos)


def test_a_name_without_a_photos_suffix_has_no_image():
    with pytest.raises(PhotoError, match=r"b.pdf: expected a photo, a name that ends in .avif, .*"):
        output_name("b.pdf")
