"""What is in a folder of stylized images is whole and was made with one set of settings."""

import os
from pathlib import Path

import pytest

from tfstyle.batch.output_folder import Attempt, open_output_folder
from tfstyle.errors import RequestError

SETTINGS = {"photos": "/photos", "--style": "wave", "--strength": 1.0, "--mask": None}


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_stylized_image_is_there_once_it_is_whole(tmp_path, monkeypatch):
    flushed: list[os.stat_result] = []
    with open_output_folder(tmp_path / "out", SETTINGS) as outputs:
        monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.fstat(descriptor)))
        with Attempt(outputs.folder, "a/b.jpg") as attempt:
            attempt.save(b"painting")
        output = (outputs.folder / "a" / "b.jpg").stat()
        assert [(file.st_ino, file.st_size) for file in flushed] == [(output.st_ino, 8)], "this file, whole on disk"
        monkeypatch.setattr(os, "fsync", lambda descriptor: 1 / 0)
        with pytest.raises(ZeroDivisionError), Attempt(outputs.folder, "c.jpg") as attempt:
            attempt.save(b"half a painting")

        assert outputs.done() >= {"a/b.jpg"}
        assert "c.jpg" not in outputs.done()
        assert not any("partial" in name for name in files(outputs.folder))
    assert (tmp_path / "out" / "a" / "b.jpg").read_bytes() == b"painting"
    assert files(tmp_path / "out") == {"a/b.jpg", "bulk.json", "errors.csv", ".tfstyle/lock"}


def test_what_a_killed_job_was_writing_is_removed(tmp_path):
    partial = tmp_path / ".tfstyle" / "partial"
    with open_output_folder(tmp_path, SETTINGS):
        (partial / "half.partial").write_bytes(b"half a painting")
        Attempt(tmp_path, "a.jpg").__enter__()
        os.rename(partial, tmp_path / "kept")  # as if this had been killed
        partial.mkdir()
    os.rename(tmp_path / "kept", partial)

    with open_output_folder(tmp_path, SETTINGS), Attempt(tmp_path, "a.jpg") as attempt:
        assert attempt.deaths == 0
        assert len(list(partial.iterdir())) == 1


def test_processes_that_die_at_a_stylized_image_are_counted(tmp_path):
    with open_output_folder(tmp_path, SETTINGS):
        for deaths in range(3):
            attempt = Attempt(tmp_path, "a.jpg")
            attempt.__enter__()
            assert attempt.deaths == deaths
        with Attempt(tmp_path, "b.jpg") as other:
            assert other.deaths == 0
        attempt.__exit__(None, None, None)
        with Attempt(tmp_path, "a.jpg") as ended:
            assert ended.deaths == 0


def test_errors_are_a_table_in_the_order_of_paths(tmp_path):
    odd = os.fsdecode(b"caf\xe9.jpg")
    with open_output_folder(tmp_path, SETTINGS) as outputs:
        outputs.add_error("z.jpg", 'z.jpg: "broken", twice')
        outputs.add_error(odd, "no such file")
        assert (tmp_path / "errors.csv").read_bytes().startswith(b'path,error\nz.jpg,"z.jpg: ""broken"", twice"\n')
    expected = b'path,error\ncaf\xe9.jpg,no such file\nz.jpg,"z.jpg: ""broken"", twice"\n'
    assert (tmp_path / "errors.csv").read_bytes() == expected

    with open_output_folder(tmp_path, SETTINGS):
        pass
    assert (tmp_path / "errors.csv").read_text() == "path,error\n", "what cannot be painted is tried again"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"--style": "scream"},
            "was painted with --style wave, and this is --style scream; go on with the same options",
        ),
        ({"--strength": 0.5}, "was painted with --strength 1.0, and this is --strength 0.5"),
        ({"--mask": "person"}, "was painted with --mask none, and this is --mask person"),
        ({"photos": "/others"}, "was painted with photos /photos, and this is photos /others"),
    ],
)
def test_other_settings_need_another_folder(tmp_path, changed, sentence):
    with open_output_folder(tmp_path, SETTINGS):
        pass
    before = files(tmp_path)
    with pytest.raises(RequestError, match=sentence), open_output_folder(tmp_path, SETTINGS | changed):
        pass
    with open_output_folder(tmp_path, SETTINGS):
        assert files(tmp_path) == before


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"a photo")
    with pytest.raises(
        RequestError, match=r"expected an empty folder, or one that tfstyle bulk has .* found holiday.jpg"
    ):
        open_output_folder(tmp_path, SETTINGS).__enter__()
    assert files(tmp_path) == {"holiday.jpg"}


@pytest.mark.parametrize("text", ["{", "[]"])
def test_settings_that_cannot_be_read_are_said(tmp_path, text):
    (tmp_path / "bulk.json").write_text(text)
    with pytest.raises(RequestError, match=r"bulk.json: expected the settings of the paintings beside it"):
        open_output_folder(tmp_path, SETTINGS).__enter__()


def test_one_job_at_a_time_paints_into_a_folder(tmp_path):
    with open_output_folder(tmp_path, SETTINGS), Attempt(tmp_path, "a.jpg") as attempt:
        with pytest.raises(RequestError, match="another tfstyle bulk paints into it"):
            open_output_folder(tmp_path, SETTINGS).__enter__()
        attempt.save(b"painting")  # the other has taken nothing away
    with open_output_folder(tmp_path, SETTINGS) as outputs:
        assert "a.jpg" in outputs.done()
