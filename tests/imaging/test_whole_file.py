"""What is written is whole, or what was there before stays."""

import errno
import os
import stat

import pytest

from tfstyle.imaging.whole_file import new_file, write_file


def test_a_write_that_fails_leaves_the_earlier_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.jpg"
    write_file(path, b"before")

    def fill_the_disk():
        with new_file(path) as file:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"No space left on device: '.*a\.jpg'") as failed:
        fill_the_disk()

    assert failed.value.filename == str(path)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["a.jpg"]


def test_what_cannot_be_written_is_named_as_it_was_asked_for(tmp_path):
    for path in (tmp_path / "missing" / "a.jpg", tmp_path / f"{'n' * 300}.jpg", tmp_path):
        with pytest.raises(OSError, match=r".") as failed:
            write_file(path, b"data")
        assert failed.value.filename == str(path)
    assert os.listdir(tmp_path) == []


def test_modes_are_those_of_any_new_file_or_of_the_file_that_was_there(tmp_path):
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "new.jpg", b"data")
    finally:
        os.umask(before)
    (tmp_path / "old.jpg").touch(mode=0o600)
    write_file(tmp_path / "old.jpg", b"data")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"new.jpg": 0o640, "old.jpg": 0o600}


def test_links_are_followed_and_devices_written_in_place(tmp_path):
    (tmp_path / "real.jpg").write_bytes(b"before")
    (tmp_path / "link.jpg").symlink_to("real.jpg")

    write_file(tmp_path / "link.jpg", b"after")
    write_file("/dev/null", b"data")

    assert (tmp_path / "link.jpg").is_symlink()
    assert (tmp_path / "real.jpg").read_bytes() == b"after"
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
