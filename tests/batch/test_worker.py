"""What one process answers about photos that it paints, and about those that it cannot."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from testing.fake_model import encode
from tfstyle.batch import worker
from tfstyle.batch.output_folder import Attempt, open_output_folder
from tfstyle.batch.worker import BatchWorker, Work
from tfstyle.errors import ModelError, PhotoError
from tfstyle.imaging.decoder import Decoder
from tfstyle.imaging.photo import Photo, read_photo
from tfstyle.stylize.options import StylizeOptions


class FakeStylizer:
    """Paints every photo black, or raises what a test has put into `faults` for its name."""

    faults: dict[str, BaseException] = {}  # noqa: RUF012
    calls: list[tuple[str, StylizeOptions]] = []  # noqa: RUF012

    def __init__(self, engine, model, threads):
        self.given = (engine, model, threads)

    def stylize(self, photo: Photo, options: StylizeOptions) -> Photo:
        path = photo.name
        self.calls.append((path, options))
        if Path(path).name in self.faults:
            raise self.faults[Path(path).name]
        return Photo(np.zeros((20, 30, 3), np.uint8), name=path)


@pytest.fixture
def stylizer(monkeypatch) -> type[FakeStylizer]:
    fake = type("Fake", (FakeStylizer,), {"faults": {}, "calls": []})
    monkeypatch.setattr(worker, "Stylizer", fake)
    photo = Photo(np.zeros((20, 30, 3), np.uint8))
    monkeypatch.setattr(BatchWorker, "_read", lambda _, path: replace(photo, name=path))
    return fake


@pytest.fixture
def work(tmp_path):
    with open_output_folder(tmp_path / "out", {}):
        options = StylizeOptions("wave", strength=0.5)
        yield Work(model=Path("/model"), engine="onnx", folder=tmp_path / "out", options=options, threads=1)


def answers(work: Work, *names: str) -> list[tuple[str, str]]:
    """State and error of each photo, in `/photos`, whose stylized image is called as it is."""
    batch = {
        "path": np.array([os.fsencode(f"/photos/{name}") for name in names], dtype=object),
        "output": np.array([os.fsencode(name) for name in names], dtype=object),
    }
    answer = BatchWorker(work)(batch)
    assert list(answer["path"]) == list(batch["path"])
    return [(state, os.fsdecode(error)) for state, error in zip(answer["state"], answer["error"], strict=True)]


def test_stylized_images_are_written_in_the_format_of_their_name(stylizer, work):
    names = ("a/b.jpg", "c.gif.png", "d.webp", os.fsdecode(b"caf\xe9.jpg"))

    assert answers(work, *names) == [("done", "")] * 4

    formats = [read_photo(work.folder / name).format for name in names]
    assert formats == ["jpeg", "png", "webp", "jpeg"]
    assert [(options.style, options.strength, options.format) for _, options in stylizer.calls] == [
        ("wave", 0.5, format) for format in ("jpeg", "png", "png", "jpeg")
    ]


def test_a_stylized_image_that_is_there_is_not_made_again(stylizer, work):
    (work.folder / "a.jpg").write_bytes(b"painting")

    assert answers(work, "a.jpg") == [("done", "")]

    assert stylizer.calls == []
    assert (work.folder / "a.jpg").read_bytes() == b"painting"


def test_a_photo_that_cannot_be_painted_harms_no_other(stylizer, work):
    stylizer.faults = {
        "bad.jpg": PhotoError("bad.jpg: the picture is truncated."),
        "odd.jpg": ValueError("nobody\nknows"),
        "huge.jpg": MemoryError(),
    }

    states = answers(work, "bad.jpg", "odd.jpg", "huge.jpg", "good.jpg", "good.jpg/b.jpg", "x" * 300 + ".jpg")

    assert [state for state, _ in states] == ["failed"] * 3 + ["done"] + ["failed"] * 2
    assert [error for _, error in states][:3] == [
        "bad.jpg: the picture is truncated.",
        "/photos/odd.jpg: ValueError: nobody knows",
        "/photos/huge.jpg: the photo is too large for the memory of this machine; set a smaller max size.",
    ]
    assert "File exists" in states[4][1]
    assert "File name too long" in states[5][1]


def test_a_photo_that_takes_too_long_to_decode_is_an_error_and_the_next_one_is_done(work, tmp_path, monkeypatch):
    monkeypatch.setattr(FakeStylizer, "stylize", lambda _, photo, options: photo)
    monkeypatch.setattr(worker, "Stylizer", FakeStylizer)
    good = Photo(np.full((3000, 4000, 3), 128, np.uint8)).encode("jpeg")
    slow = encode(Image.fromarray(np.full((3000, 4000, 3), 128, np.uint8)), "jpeg", progressive=True)
    (tmp_path / "good.jpg").write_bytes(good)
    (tmp_path / "slow.jpg").write_bytes(slow[:-2] + 90 * slow[slow.rindex(b"\xff\xda") : -2] + b"\xff\xd9")
    names = ["slow.jpg", "good.jpg", "none.jpg"]
    batch = {
        "path": np.array([os.fsencode(tmp_path / name) for name in names], dtype=object),
        "output": np.array([os.fsencode(name) for name in names], dtype=object),
    }
    one = BatchWorker(work)
    one._decoder = Decoder(memory=2**30, seconds=0.5, seconds_per_megapixel=0.0)

    answer = one(batch)

    assert list(answer["state"]) == ["failed", "done", "failed"]
    assert b"slow.jpg: decoding the picture takes more time or memory" in answer["error"][0]
    assert b"none.jpg: no such file" in answer["error"][2]
    one._decoder.close()


def test_what_would_hit_every_photo_stops_the_job(stylizer, work, monkeypatch):
    stylizer.faults = {"a.jpg": ModelError("the model is gone")}
    assert answers(work, "a.jpg") == [("stop", "the model is gone")]

    def full(attempt, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Attempt, "save", full)
    assert answers(work, "b.jpg") == [("stop", f"{work.folder}/b.jpg: No space left on device.")]
    assert answers(replace(work, folder=Path("/nowhere")), "c.jpg") == [
        ("stop", "/nowhere/c.jpg: No such file or directory.")
    ]


def test_a_photo_at_which_processes_die_is_given_up(stylizer, work):
    for _ in range(2):
        Attempt(work.folder, "deadly.jpg").__enter__()

    assert answers(work, "deadly.jpg", "good.jpg") == [
        ("failed", "/photos/deadly.jpg: 2 processes died painting it; if of its size, set a smaller max size."),
        ("done", ""),
    ]
    assert [Path(path).name for path, _ in stylizer.calls] == ["good.jpg"]
