"""Training photos come out of folders, zips and tars alike, and bad files are counted, not fatal."""

import io
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfstyle.errors import TrainingError
from tfstyle.training.photo_dataset import CorruptPhotoError, open_photos


def encoded(size=(96, 80), mode="RGB", kind="JPEG", seed=0, **options) -> bytes:
    """A picture of smooth random colours, as bytes of a file."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


PHOTOS = {
    "train2017/000000000009.jpg": encoded(seed=9),
    "train2017/000000000025.jpg": encoded(size=(640, 480), seed=25),
    "val2017/000000000139.jpg": encoded(seed=139),
}


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def write_zip(path: Path, files: dict[str, bytes], compression=zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in reversed(files.items()):
            archive.writestr(name, data)
    return path


def write_tar(path: Path, files: dict[str, bytes], mode="w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in reversed(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture(params=["folder", "zip", "deflated zip", "tar"])
def make_source(request, tmp_path):
    """A function that puts files into one kind of source."""
    return {
        "folder": lambda files: write_folder(tmp_path / "coco", files),
        "zip": lambda files: write_zip(tmp_path / "coco.zip", files),
        "deflated zip": lambda files: write_zip(tmp_path / "coco.zip", files, zipfile.ZIP_DEFLATED),
        "tar": lambda files: write_tar(tmp_path / "coco.tar", files),
    }[request.param]


def test_photos_are_listed_in_the_order_of_their_names(make_source):
    """The order may not depend on the file system, or two machines would train differently."""
    photos = open_photos(make_source(PHOTOS))
    assert [name.split("/", 1)[1] for name in photos.names] == sorted(PHOTOS)
    assert len(photos) == 3
    assert photos.skipped == {}


def test_every_source_decodes_to_the_same_pixels(make_source):
    photos = open_photos(make_source(PHOTOS))
    for index, data in enumerate(PHOTOS.values()):
        expected = np.asarray(Image.open(io.BytesIO(data)))
        assert np.array_equal(np.asarray(photos.decode(index, min_side=10_000)), expected)


def test_files_that_cannot_teach_are_skipped_and_counted(make_source):
    bad = {
        "gray.jpg": encoded(mode="L"),
        "gray16.png": encoded(mode="I;16", kind="PNG"),
        "small.jpg": encoded(size=(200, 63)),
        "text.jpg": b"not a photo",
        "empty.jpg": b"",
    }
    photos = open_photos(make_source(PHOTOS | bad))
    assert len(photos) == 3
    assert photos.skipped == {"corrupt": 2, "gray-scale": 2, "too small": 1}
    assert photos.summary == "8 files: 3 photos, skipped 2 corrupt, skipped 2 gray-scale, skipped 1 too small"


def test_the_smallest_usable_side_can_be_chosen(make_source):
    photos = open_photos(make_source(PHOTOS), min_side=256)
    assert [name.rsplit("/", 1)[1] for name in photos.names] == ["000000000025.jpg"]
    assert photos.skipped == {"too small": 2}


def test_files_beside_the_photos_are_ignored(make_source):
    """Annotations, thumbnails databases and the shadow files of macOS are no failures to report."""
    others = {
        "annotations/instances.json": b"{}",
        "__MACOSX/train2017/._000000000009.jpg": b"x",
        ".thumbnails/a.jpg": b"x",
        "train2017/._000000000009.jpg": b"x",
    }
    photos = open_photos(make_source(PHOTOS | others))
    assert len(photos) == 3
    assert photos.skipped == {}


def test_a_truncated_photo_fails_when_decoded_and_is_counted_once(make_source):
    """Its header is fine, so only decoding can tell; the same index must fail the same way every time."""
    damaged = {"a.jpg": PHOTOS["train2017/000000000025.jpg"][:1500]}
    photos = open_photos(make_source(PHOTOS | damaged))
    assert photos.skipped == {}
    index = next(i for i, name in enumerate(photos.names) if name.endswith("a.jpg"))
    for _ in range(2):
        with pytest.raises(CorruptPhotoError, match=r"a\.jpg is damaged and cannot be decoded"):
            photos.decode(index, min_side=128)
    assert photos.skipped == {"corrupt": 1}
    assert photos.summary == "4 files: 3 photos, skipped 1 corrupt"


def test_a_zip_member_with_a_wrong_crc_is_a_corrupt_photo(tmp_path):
    """Flipped bits inside JPEG data often still decode, to garbage; the zip knows better."""
    photo = encoded(size=(640, 480), quality=100)
    path = write_zip(tmp_path / "coco.zip", {"photo.jpg": photo})
    data = bytearray(path.read_bytes())
    data[data.index(photo) + len(photo) // 2] ^= 0x10
    path.write_bytes(data)
    photos = open_photos(path)
    with pytest.raises(CorruptPhotoError, match="Bad CRC-32"):
        photos.decode(0, min_side=64)


def test_a_decompression_bomb_is_left_out(make_source, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)  # Pillow refuses more than twice this
    photos = open_photos(make_source(PHOTOS))
    assert photos.skipped == {"too large": 1}


def test_large_jpegs_are_decoded_small_but_not_below_the_side_asked_for(make_source):
    photos = open_photos(make_source(PHOTOS))
    assert photos.decode(1, min_side=128).size == (320, 240)
    assert photos.decode(1, min_side=240).size == (320, 240)
    assert photos.decode(1, min_side=241).size == (640, 480)
    assert photos.decode(0, min_side=512).size == (96, 80)


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("P", "PNG"), ("RGBA", "PNG"), ("RGB", "WEBP")])
def test_every_colour_mode_comes_back_as_rgb(tmp_path, mode, kind):
    write_folder(tmp_path, {f"photo.{kind.lower().replace('jpeg', 'jpg')}": encoded(mode=mode, kind=kind)})
    assert open_photos(tmp_path).decode(0, min_side=64).mode == "RGB"


def test_photos_come_back_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees to view
    write_folder(tmp_path, {"phone.jpg": encoded(size=(120, 80), exif=exif)})
    assert open_photos(tmp_path).decode(0, min_side=64).size == (80, 120)


def test_several_sources_follow_each_other(tmp_path):
    folder = write_folder(tmp_path / "b", {"one.jpg": encoded()})
    archive = write_zip(tmp_path / "a.zip", {"two.jpg": encoded()})
    assert open_photos([folder, archive]).names == ("b/one.jpg", "a.zip/two.jpg")


def test_sources_of_the_same_name_count_apart(tmp_path):
    damaged = {"gray.jpg": encoded(mode="L"), "cut.jpg": encoded(size=(640, 480))[:1500]}
    folders = [write_folder(tmp_path / parent / "photos", damaged) for parent in "ab"]
    photos = open_photos(folders)
    assert photos.summary == "4 files: 2 photos, skipped 2 gray-scale"
    for index in (0, 1):
        with pytest.raises(CorruptPhotoError):
            photos.decode(index, min_side=64)
    assert photos.usable == 0
    assert photos.skipped == {"corrupt": 2, "gray-scale": 2}
    assert sorted(photos.rejected) == [("photos/cut.jpg", "corrupt")] * 2 + [("photos/gray.jpg", "gray-scale")] * 2


def test_many_threads_may_decode_at_once(make_source):
    files = {f"{number:03}.jpg": encoded(seed=number) for number in range(32)}
    photos = open_photos(make_source(files))
    alone = [np.asarray(photos.decode(index, min_side=64)) for index in range(32)]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda index: np.asarray(photos.decode(index % 32, min_side=64)), range(320)))
    assert all(np.array_equal(picture, alone[index % 32]) for index, picture in enumerate(together))


def test_a_photo_that_vanishes_stops_training(tmp_path):
    """A disk that went away is no corrupt photo: replacing it would train on whatever is left."""
    photos = open_photos(write_folder(tmp_path, PHOTOS))
    (tmp_path / "train2017/000000000009.jpg").unlink()
    with pytest.raises(TrainingError, match="which was there when training began") as raised:
        photos.decode(0, min_side=64)
    assert not isinstance(raised.value, CorruptPhotoError)
    assert photos.skipped == {}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, r"No photos in .*: expected files ending in .*\.jpg"),
        ({"notes.txt": b"x"}, r"No photos in .*: expected files ending in .*\.jpg"),
        ({"a.jpg": encoded(mode="L"), "b.jpg": b"x"}, r"No usable photos .* at least 64 px, got 1 corrupt, 1 gray"),
    ],
)
def test_a_source_without_usable_photos_is_refused(tmp_path, files, sentence):
    with pytest.raises(TrainingError, match=sentence):
        open_photos(write_folder(tmp_path, files))


def test_a_folder_that_holds_only_the_zip_says_to_pass_the_zip(tmp_path):
    write_zip(tmp_path / "val2017.zip", PHOTOS)
    with pytest.raises(TrainingError, match=r"val2017\.zip is read in place if you pass it"):
        open_photos(tmp_path)


def test_a_missing_source_says_how_to_get_one(tmp_path):
    with pytest.raises(TrainingError, match=r"expected a folder of photos, a COCO zip or a \.tar\. To download COCO"):
        open_photos(tmp_path / "nowhere")


def test_no_source_at_all_is_refused():
    with pytest.raises(TrainingError, match=r"at least one folder, \.zip or \.tar of photos, got none"):
        open_photos([])


def test_a_single_photo_is_no_source(tmp_path):
    write_folder(tmp_path, {"photo.jpg": encoded()})
    with pytest.raises(TrainingError, match=r"Expected a folder of photos, .* got the file .*photo\.jpg"):
        open_photos(tmp_path / "photo.jpg")


def test_half_a_zip_says_how_to_finish_the_download(tmp_path):
    path = write_zip(tmp_path / "train2017.zip", PHOTOS)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TrainingError, match=r"not a complete zip file .*tfstyle data coco --split train2017"):
        open_photos(path)


def test_a_compressed_tar_is_refused(tmp_path):
    path = write_tar(tmp_path / "photos.tar", PHOTOS, mode="w:gz")
    with pytest.raises(TrainingError, match=r"not an uncompressed \.tar"):
        open_photos(path)
