"""The command line, run in this process against a model in NumPy."""

import errno
import importlib.util
import io
import json
import os
import sys
import types
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.client import connection
from serving.client.connection import Retries
from serving.client.errors import ServerBusyError
from testing.fake_model import COLOURS, FakePredictor, encode, photo_array
from tfstyle import Stylizer
from tfstyle.cli import COMMANDS, main
from tfstyle.errors import ModelError, StyleTransferError

PHOTO = photo_array()


@pytest.fixture
def quick_retries(monkeypatch):
    """Waits between two sendings are tested where they are made."""
    monkeypatch.setattr(connection, "Retries", lambda: Retries(initial_backoff=0.01))


@pytest.fixture
def model(monkeypatch):
    """The model that every command gets."""
    predictor = FakePredictor()
    monkeypatch.setattr(
        "tfstyle.commands.shared.stylizers.open_stylizer", lambda args: nullcontext(Stylizer(predictor))
    )
    return predictor


@pytest.fixture
def folder(tmp_path, monkeypatch, model):
    """The current folder, with two photos in it."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PHOTO).save("photo.png")
    Image.fromarray(PHOTO).save("other.jpg", quality=95)
    return tmp_path


@pytest.fixture
def streams(monkeypatch):
    """Binary stdin and stdout, which capsys does not have."""

    class Stream(io.TextIOWrapper):
        def isatty(self):
            return False

    def feed(data=b""):
        monkeypatch.setattr(sys, "stdin", Stream(io.BytesIO(data)))
        out = Stream(io.BytesIO())
        monkeypatch.setattr(sys, "stdout", out)
        return out.buffer

    return feed


def one_line(capsys) -> str:
    """What was said on stderr, which has to be one line and no traceback, with nothing on stdout."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1, captured.err
    assert captured.err.startswith("tfstyle: ")
    assert "Traceback" not in captured.err
    return captured.err


# stylize: what comes out


def test_a_painting_lands_in_the_current_folder(folder, capsys):
    assert main(["stylize", "photo.png", "--style", "the_scream"]) == 0
    assert (np.asarray(Image.open("photo.the_scream.png")) == COLOURS["the_scream"]).all()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("photo.png -> photo.the_scream.png (64x48, ")


def test_the_format_is_that_of_the_photo(folder):
    Image.fromarray(PHOTO).save("web.webp")
    Image.fromarray(PHOTO).save("old.gif")
    assert main(["stylize", "photo.png", "other.jpg", "web.webp", "old.gif", "--style", "great_wave"]) == 0
    for name, format in [("photo.great_wave.png", "PNG"), ("other.great_wave.jpg", "JPEG"),
                         ("web.great_wave.webp", "WEBP"), ("old.great_wave.png", "PNG")]:  # fmt: skip
        assert Image.open(name).format == format


def test_the_output_says_its_format(folder):
    for name, format in [("a.jpg", "JPEG"), ("new/b.png", "PNG"), ("c.webp", "WEBP")]:
        assert main(["stylize", "photo.png", "--style", "the_scream", "-o", name]) == 0
        assert Image.open(name).format == format


def test_a_mix_is_named_after_its_styles(folder):
    assert main(["stylize", "photo.png", "--style", "starry_night:60,the_scream:40"]) == 0
    expected = 0.6 * np.array(COLOURS["starry_night"]) + 0.4 * np.array(COLOURS["the_scream"])
    np.testing.assert_allclose(np.asarray(Image.open("photo.starry_night+the_scream.png"))[0, 0], expected, atol=0.51)


def test_every_option_reaches_the_model(folder, model):
    arguments = ["--strength", "0.5", "--preserve-color", "--mask", "right", "--fade", "0", "--max-size", "32"]
    assert main(["stylize", "photo.png", "--style", "the_scream", *arguments]) == 0
    assert model.last["strength"][0] == np.float32(0.5)
    assert model.last["preserve_color"][0]
    mask = np.asarray(Image.open(io.BytesIO(model.last["region_masks"][0, 0])))
    assert mask.shape == (24, 32)
    assert (mask[:, :16] == 0).all()
    assert (mask[:, 16:] == 255).all()


def test_broader_strokes_are_painted_smaller_and_come_back_at_full_size(folder, model):
    assert main(["stylize", "photo.png", "--style", "the_scream", "--stroke", "2", "-o", "broad.png"]) == 0
    assert Image.open(io.BytesIO(model.last["image_bytes"][0])).size == (32, 24)
    assert Image.open("broad.png").size == (64, 48)


def test_regions_paint_each_side_in_its_style(folder):
    assert main(["stylize", "photo.png", "--regions", "left=the_scream,right=great_wave", "--fade", "0"]) == 0
    painting = np.asarray(Image.open("photo.the_scream+great_wave.png"))
    assert (painting[:, :32] == COLOURS["the_scream"]).all()
    assert (painting[:, 32:] == COLOURS["great_wave"]).all()


def test_a_folder_is_painted_into_another(folder):
    (folder / "in" / "deeper").mkdir(parents=True)
    for name in ("b.jpg", "a.PNG", ".hidden.png"):
        Image.fromarray(PHOTO).save(folder / "in" / name)
    (folder / "in" / "notes.txt").write_text("no photo")
    assert main(["stylize", "in", "--style", "the_scream", "-o", "out"]) == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.the_scream.png", "b.the_scream.jpg"]


def test_photos_of_the_same_name_get_paintings_of_their_own(folder):
    (folder / "in").mkdir()
    Image.fromarray(PHOTO).save(folder / "in" / "photo.png")
    assert main(["stylize", "photo.png", "in/photo.png", "--style", "the_scream", "-o", "out"]) == 0
    assert len(list((folder / "out").iterdir())) == 2


def test_a_photo_that_was_given_is_never_overwritten(folder, capsys):
    Image.fromarray(PHOTO).save("photo.the_scream.png")
    assert main(["stylize", "photo.png", "photo.the_scream.png", "--style", "the_scream"]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open("photo.the_scream.png")), PHOTO)
    assert (np.asarray(Image.open("photo.the_scream-2.png")) == COLOURS["the_scream"]).all()
    capsys.readouterr()

    assert main(["stylize", "photo.png", "--style", "the_scream", "-o", "./photo.png"]) == 2
    assert "this is the photo itself" in one_line(capsys)


def test_a_mask_that_was_given_is_never_overwritten(folder, capsys):
    mask = Image.new("L", Image.open("photo.png").size, 255)
    mask.save("mask.png")
    before = Path("mask.png").read_bytes()
    for where in (["--style", "the_scream", "--mask", "mask.png"], ["--regions", "mask.png=the_scream"]):
        assert main(["stylize", "photo.png", *where, "-o", "./mask.png"]) == 2
        assert "./mask.png: this is read as well; choose another name for the painting." in one_line(capsys)
    assert Path("mask.png").read_bytes() == before


@pytest.mark.parametrize("command", ["stylize", "sheet", "mask"])
@pytest.mark.parametrize("link", ["hard", "symbolic"])
def test_a_photo_is_never_overwritten_through_another_of_its_names(folder, capsys, command, link):
    before = Path("photo.png").read_bytes()
    (os.link if link == "hard" else os.symlink)("photo.png", "same.png")
    how = {"stylize": ["--style", "the_scream"], "sheet": ["--max-size", "64"], "mask": ["--gradient", "left"]}[command]

    assert main([command, "photo.png", *how, "-o", "same.png"]) == 2

    assert one_line(capsys) == "tfstyle: same.png: this is the photo itself; choose another name for the painting.\n"
    assert Path("photo.png").read_bytes() == Path("same.png").read_bytes() == before


def test_an_output_never_falls_on_a_name_of_a_photo_that_comes_later(folder):
    Image.fromarray(PHOTO).save("late.png")
    os.link("late.png", "photo.the_scream.png")

    assert main(["stylize", "photo.png", "late.png", "--style", "the_scream"]) == 0

    np.testing.assert_array_equal(np.asarray(Image.open("photo.the_scream.png")), PHOTO)
    assert (np.asarray(Image.open("photo.the_scream-2.png")) == COLOURS["the_scream"]).all()


def test_a_painting_that_cannot_be_written_is_reported_and_the_rest_go_on(folder, capsys):
    long = f"{'n' * 248}.png"
    Image.fromarray(PHOTO).save(long)

    assert main(["stylize", long, "photo.png", "--style", "the_scream", "-o", "out"]) == 1

    first, second, last = capsys.readouterr().err.splitlines()
    assert first == f"tfstyle: out/{'n' * 248}.the_scream.png: File name too long."
    assert second.startswith("photo.png -> out/photo.the_scream.png (64x48, ")
    assert last == "tfstyle: 1 of 2 photos were not painted."


def test_a_full_disk_costs_no_earlier_painting(folder, capsys, monkeypatch):
    assert main(["stylize", "photo.png", "--style", "the_scream", "-o", "x.png"]) == 0
    before = Path("x.png").read_bytes()
    capsys.readouterr()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["stylize", "photo.png", "--style", "great_wave", "-o", "x.png"]) == 1

    assert one_line(capsys) == "tfstyle: x.png: No space left on device.\n"
    assert Path("x.png").read_bytes() == before
    assert sorted(os.listdir()) == ["other.jpg", "photo.png", "x.png"]


def test_names_that_are_no_unicode_are_json_and_cost_nobody_else_anything(folder, model):
    """Whatever stdout can write: the names come back byte for byte."""
    name = os.fsdecode(b"lat\xe9in.png")
    Image.fromarray(PHOTO).save("plain.png")
    os.rename("plain.png", name)
    for encoding in ("utf-8", "ascii"):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            assert main(["stylize", name, "photo.png", "--style", "the_scream", "-o", f"ö-{encoding}", "--json"]) == 0
        first, second = (json.loads(line) for line in out.buffer.getvalue().decode(encoding).splitlines())
        assert os.fsencode(first["photo"]) == b"lat\xe9in.png"
        assert Path(first["output"]).exists()
        assert second["output"] == f"ö-{encoding}/photo.the_scream.png"


def test_upright_with_its_profile_and_without_gps(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 3.0)}
    profile = b"\0" * 16 + b"RGB " + b"\0" * 16 + b"acsp" + b"\0" * 200
    Image.fromarray(PHOTO).save("phone.jpg", exif=exif, icc_profile=profile)
    for output in ("out.jpg", "out.png", "out.webp"):
        assert main(["stylize", "phone.jpg", "--style", "the_scream", "-o", output]) == 0
        painting = Image.open(output)
        assert painting.size == (48, 64)
        assert painting.info["icc_profile"] == profile
        assert dict(painting.getexif()) == {}


def test_stdin_goes_to_stdout(folder, streams):
    out = streams(encode(Image.fromarray(PHOTO)))
    assert main(["stylize", "-", "--style", "the_scream"]) == 0
    painting = Image.open(io.BytesIO(out.getvalue()))
    assert painting.format == "PNG"
    assert (np.asarray(painting) == COLOURS["the_scream"]).all()


def test_stdin_into_a_file_and_a_file_to_stdout(folder, streams):
    out = streams(encode(Image.fromarray(PHOTO), "jpeg"))
    assert main(["stylize", "-", "--style", "the_scream", "-o", "painting.png"]) == 0
    assert Image.open("painting.png").size == (64, 48)
    assert main(["stylize", "other.jpg", "--style", "the_scream", "-o", "-"]) == 0
    assert Image.open(io.BytesIO(out.getvalue())).format == "JPEG"


def test_json_has_a_line_per_photo(folder, capsys):
    (folder / "bad.png").write_bytes(b"no picture")
    Image.new("L", (32, 24), 255).save("mask.png")
    arguments = ["photo.png", "bad.png", "other.jpg", "--style", "the_scream", "--mask", "mask.png", "--json"]
    assert main(["stylize", *arguments]) == 2
    captured = capsys.readouterr()
    first, second, third = (json.loads(line) for line in captured.out.splitlines())
    assert captured.err == ""
    assert first["output"] == "photo.the_scream.png"
    assert (first["width"], first["height"]) == (64, 48)
    assert first["seconds"] >= 0
    assert first["notes"] == ["mask mask.png resized from 32x24 to 64x48"]
    assert second["kind"] == "PhotoError"
    assert second["error"].startswith("bad.png: expected a picture")
    assert third["output"] == "other.the_scream.jpg"


def test_notes_are_said(folder, capsys):
    Image.new("L", (32, 24), 255).save("mask.png")
    assert main(["stylize", "photo.png", "--style", "the_scream", "--mask", "mask.png"]) == 0
    assert "photo.png: mask mask.png resized from 32x24 to 64x48\n" in capsys.readouterr().err


# stylize: what is refused


def test_one_bad_photo_does_not_stop_the_rest(folder, capsys):
    (folder / "empty.jpg").touch()
    assert main(["stylize", "empty.jpg", "none.jpg", "photo.png", "--style", "the_scream"]) == 2
    assert (folder / "photo.the_scream.png").exists()
    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == "tfstyle: empty.jpg: expected a picture, got an empty file (0 bytes); was it copied completely?"
    assert errors[1] == "tfstyle: none.jpg: no such file."
    assert errors[-1] == "tfstyle: 2 of 3 photos were not painted."


def bad_files():
    whole = encode(Image.effect_noise((99, 99), 90).convert("RGB"), "jpeg")
    bomb = bytearray(encode(Image.fromarray(PHOTO), "bmp"))
    bomb[18:26] = (30_000).to_bytes(4, "little") * 2
    return {
        "not an image": (b"hello", "expected a picture"),
        "truncated": (whole[: len(whole) // 2], "the picture is truncated"),
        "zero bytes": (b"", "got an empty file"),
        "1x1": (encode(Image.new("RGB", (1, 1))), "expected at least 16x16 pixels, got 1x1"),
        "30000x30000": (bytes(bomb), "expected at most 120 megapixels"),
    }


@pytest.mark.parametrize("case", bad_files())
def test_bad_photos_get_one_sentence(case, folder, capsys):
    data, sentence = bad_files()[case]
    (folder / "bad.jpg").write_bytes(data)
    assert main(["stylize", "bad.jpg", "--style", "the_scream"]) == 2
    line = one_line(capsys)
    assert line.startswith("tfstyle: bad.jpg: ")
    assert sentence in line


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        (Image.new("CMYK", (40, 30)), "jpg"),
        (Image.new("L", (40, 30)), "jpg"),
        (Image.new("I;16", (40, 30)), "png"),
        (Image.new("RGBA", (40, 30)), "png"),
        (Image.new("RGB", (40, 30)), "webp"),
    ],
    ids=["cmyk", "gray", "16 bit", "alpha", "webp"],
)
def test_odd_photos_are_painted(image, suffix, folder):
    image.save(f"odd.{suffix}")
    assert main(["stylize", f"odd.{suffix}", "--style", "the_scream", "-o", "out.png"]) == 0
    assert Image.open("out.png").size == (40, 30)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--style", "stary_night"], "No style named 'stary_night'; did you mean starry_night? Known: starry_night, "),
        (["--style", "the_scream:-1"], "Expected a weight of 0 or more for style 'the_scream', got -1."),
        (["--style", "the_scream:nan"], "Expected a weight of 0 or more for style 'the_scream', got nan."),
        (["--style", "the_scream", "--strength", "2"], "Expected a strength from 0 (the photo) to 1 (the painting)"),
        (["--style", "the_scream", "--strength", "nan"], "Expected a strength from 0"),
        (["--style", "the_scream", "--fade", "-1"], "Expected a fade from 0"),
        (["--style", "the_scream", "--max-size", "3"], "Expected a max size of at least 16 pixels, got 3."),
        (["--style", "the_scream", "--stroke", "3"], "Expected a stroke from 0.5 (finer) to 2 (broader), or native"),
        (["--style", "the_scream", "--stroke", "nan"], "Expected a stroke from 0.5"),
        (["--style", "the_scream", "--stroke", "broad"], "Expected a stroke from 0.5"),
        (["--style", "the_scream", "--mask", "lft"], "lft: no such file. A mask is a picture file or one of person, "),
        (["--style", "the_scream", "--mask", "tall.png"], "expected a mask shaped like the photo, 64x48, got 48x64"),
        (["--regions", "left"], "Expected regions as PLACE=STYLE"),
        (["--regions", "left=scream"], "did you mean the_scream?"),
        (
            ["--regions", "left=the_scream", "--style", "the_scream"],
            "either a style, with or without a mask, or regions",
        ),
        ([], "Expected a style or regions, got neither"),
        (["--style", "the_scream", "-o", "out.gif"], "ends in .jpg, .png or .webp, got 'out.gif'"),
    ],
)
def test_bad_options_get_one_sentence(arguments, sentence, folder, capsys):
    Image.new("L", (48, 64)).save("tall.png")
    before = sorted(folder.iterdir())
    assert main(["stylize", "photo.png", *arguments]) == 2
    assert sentence in one_line(capsys)
    assert sorted(folder.iterdir()) == before


def test_an_empty_folder_is_refused(folder, capsys):
    (folder / "nothing").mkdir()
    assert main(["stylize", "nothing", "--style", "the_scream"]) == 2
    assert "nothing: expected a folder with photos in it, found none." in one_line(capsys)


def test_several_photos_do_not_fit_one_file_or_stdout(folder, capsys, streams):
    assert main(["stylize", "photo.png", "other.jpg", "--style", "the_scream", "-o", "out.jpg"]) == 2
    assert "Expected a folder for 2 photos, got the file 'out.jpg'" in one_line(capsys)
    assert main(["stylize", "photo.png", "other.jpg", "--style", "the_scream", "-o", "-"]) == 2
    assert "Expected one photo for stdout, got 2" in one_line(capsys)
    assert main(["stylize", "-", "-", "--style", "the_scream"]) == 2
    assert "Expected - (stdin) once" in one_line(capsys)


def test_a_picture_is_not_written_to_a_terminal(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["stylize", "photo.png", "--style", "the_scream", "-o", "-"]) == 2
    assert "got the terminal; use -o FILE" in one_line(capsys)


def test_json_and_a_painting_do_not_share_stdout(folder, capsys):
    assert main(["stylize", "photo.png", "--style", "the_scream", "-o", "-", "--json"]) == 2
    assert "either JSON or the painting" in one_line(capsys)


def test_a_server_that_goes_away_stops_the_batch(folder, model, capsys):
    """Every other photo would wait for it too."""

    def down(signature, inputs):
        raise StyleTransferError("No server answers at localhost:1.")

    model.predict = down
    assert main(["stylize", "photo.png", "other.jpg", "--style", "the_scream"]) == 2
    assert one_line(capsys) == "tfstyle: No server answers at localhost:1.\n"


def test_a_busy_server_costs_one_photo(folder, model, capsys):
    """A deadline or a full queue says nothing about the next request."""
    answer, answers = model.predict, iter([ServerBusyError("The server at localhost:1 is busy; try again.")])

    def busy_once(signature, inputs):
        if signature == "encoded" and (error := next(answers, None)):
            raise error
        return answer(signature, inputs)

    model.predict = busy_once
    arguments = ["--style", "the_scream", "--server", "localhost:1"]
    assert main(["stylize", "photo.png", "other.jpg", *arguments]) == 2
    assert (folder / "other.the_scream.jpg").exists()
    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == "tfstyle: The server at localhost:1 is busy; try again."
    assert errors[-1] == "tfstyle: 1 of 2 photos were not painted."


def test_a_folder_that_cannot_be_written_gets_one_sentence(folder, capsys):
    (folder / "file").write_text("")
    assert main(["stylize", "photo.png", "--style", "the_scream", "-o", "file/out.png"]) == 1
    assert "file: " in one_line(capsys)


# Without a fake: where stylizers come from


@pytest.mark.usefixtures("quick_retries")
def test_a_server_that_is_not_there_gets_one_sentence(tmp_path, capsys):
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    arguments = ["--style", "the_scream", "--server", "127.0.0.1:1"]
    assert main(["stylize", str(tmp_path / "photo.png"), *arguments]) == 2
    assert "127.0.0.1:1" in one_line(capsys)


def test_a_label_without_a_server_that_has_labels_is_refused(tmp_path, capsys):
    Image.fromarray(PHOTO).save(tmp_path / "a.png")

    assert main(["stylize", str(tmp_path / "a.png"), "--style", "the_scream", "--label", "canary"]) == 2
    assert (
        one_line(capsys) == "tfstyle: Expected --server together with --label, got no --server to ask for 'canary'.\n"
    )


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--engine", "torch"], "expected onnx, tensorflow or HOST:PORT, got 'torch'"),
        (["--engine", "onnx", "--server", "a:1"], "Expected --engine onnx or --server, got both."),
        (["--engine", "a:1", "--model", "x"], "Expected --model or a server as --engine, got both."),
        (["--engine", "a:1", "--server", "b:1"], "Expected --server or a server as --engine, got both."),
        (["--engine", "127.0.0.1:1"], "No server answers at 127.0.0.1:1"),
    ],
)
def test_engines_that_exclude_each_other_or_are_none_are_refused(capsys, options, sentence):
    try:
        code = main(["styles", *options])
    except SystemExit as ended:  # what argparse refuses
        code = ended.code
    assert code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("quick_retries")
def test_the_connection_to_a_server_is_closed(tmp_path, monkeypatch):
    closed = []
    monkeypatch.setattr("serving.client.StyleClient.close", lambda self: closed.append(self.address))
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    for command in (["styles"], ["sheet", str(tmp_path / "photo.png")]):
        assert main([*command, "--server", "127.0.0.1:1"]) == 2
    assert closed == ["127.0.0.1:1", "127.0.0.1:1"]


def test_a_model_that_is_not_there_gets_one_sentence(tmp_path, capsys):
    for command in (["styles"], ["info"], ["stylize", "x.jpg", "--style", "a"]):
        assert main([*command, "--model", str(tmp_path / "none")]) == 2
        assert "there is no such folder" in one_line(capsys)


def test_a_half_written_model_gets_one_sentence(tmp_path, capsys):
    (tmp_path / "model" / "1").mkdir(parents=True)
    assert main(["styles", "--model", str(tmp_path / "model")]) == 2
    assert "empty or half written" in one_line(capsys)


def test_server_and_model_exclude_each_other(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["styles", "--server", "localhost:1", "--model", "x"])
    assert caught.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


# styles, sheet, info, serve


def test_styles_are_listed(model, capsys):
    assert main(["styles"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "starry_night"
    assert lines[1].startswith("the_scream    The Scream")
    assert lines[2].endswith("1831")


def test_styles_are_listed_as_json(model, capsys):
    assert main(["styles", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["max_pixels"] == 1_000_000
    assert listed["styles"][1] == {
        "name": "the_scream", "title": "The Scream", "artist": "Edvard Munch", "year": "1893"
    }  # fmt: skip


def test_a_sheet_shows_the_photo_and_every_style(folder):
    assert main(["sheet", "photo.png", "-o", "sheet.png"]) == 0
    sheet = np.asarray(Image.open("sheet.png"))
    for colour in COLOURS.values():
        assert (sheet == colour).all(axis=-1).sum() >= 64 * 48
    assert main(["sheet", "photo.png"]) == 0
    assert Image.open("photo.sheet.jpg").size == sheet.shape[1::-1]


def test_a_sheet_of_some_styles(folder, capsys):
    assert main(["sheet", "photo.png", "--style", "the_scream,great_wave", "--columns", "3", "-o", "sheet.png"]) == 0
    sheet = np.asarray(Image.open("sheet.png"))
    assert not (sheet == COLOURS["starry_night"]).all(axis=-1).any()
    assert sheet.shape[1] > 3 * 64
    capsys.readouterr()
    assert main(["sheet", "photo.png", "--style", "screm"]) == 2
    assert "did you mean the_scream?" in one_line(capsys)


def test_info_tells_the_model_and_the_libraries(tmp_path, capsys, monkeypatch):
    from tests.model_store.test_versions import write_model

    folder = write_model(tmp_path / "tfstyle" / "3")
    signature = {"inputs": {"image": "uint8[?,?,?,3]"}, "outputs": {"stylized": "uint8[?,?,?,3]"}}
    monkeypatch.setattr("tfstyle.commands.info._signatures", lambda folder: {"serving_default": signature})
    assert main(["info", "--model", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"]["name"] == "tfstyle"
    assert told["model"]["version"] == "3"
    assert told["model"]["styles"] == ["starry_night", "the_scream", "great_wave"]
    assert told["libraries"]["numpy"] == np.__version__

    assert main(["info", "--model", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "tfstyle, version 3" in text
    assert "serving_default: image uint8[?,?,?,3] -> stylized uint8[?,?,?,3]" in text


def test_serve_passes_everything_on_to_the_server(monkeypatch):
    received = []
    server = types.ModuleType("serving.server.model_server")
    server.main = lambda argv: received.append(argv) or 7
    monkeypatch.setitem(sys.modules, "serving.server.model_server", server)
    assert main(["serve", "--port", "8500", "--help", "models", "-x=1"]) == 7
    assert received == [["--port", "8500", "--help", "models", "-x=1"]]


# train, export, data: arguments out of range

TRAIN = ["train", "johnson", "--photos", "photos", "--out", "out", "--style-images", "paintings"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([*TRAIN, "--sheet-every", "0"], "argument --sheet-every: expected a whole number, 1 or more, got '0'"),
        ([*TRAIN, "--checkpoint-every", "0"], "argument --checkpoint-every: expected a whole number, 1 or more, got"),
        ([*TRAIN, "--seed", "-1"], "argument --seed: expected a whole number, 0 to 4294967295, got '-1'"),
        ([*TRAIN, "--seed", "4294967296"], "argument --seed: expected a whole number, 0 to 4294967295, got"),
        ([*TRAIN, "--style-weight", "nan"], "argument --style-weight: expected a number, 0 or more, got 'nan'"),
        ([*TRAIN, "--style-weight", "inf"], "argument --style-weight: expected a number, 0 or more, got 'inf'"),
        ([*TRAIN, "--style-weight", "bold"], "argument --style-weight: expected a number, 0 or more, got 'bold'"),
        (["export", "run", "--max-pixels", "0"], "argument --max-pixels: expected a whole number, 1 or more, got '0'"),
        (["export", "run", "--max-pixels", "-5"], "argument --max-pixels: expected a whole number, 1 or more, got"),
        (["export", "run", "--max-pixels", "12MP"], "argument --max-pixels: expected a whole number, 1 or more, got"),
        (["styles", "--threads", "0"], "argument --threads: expected a whole number, 1 or more, got '0'"),
        (["data", "check", "x", "--min-side", "0"], "argument --min-side: expected a whole number, 1 or more, got"),
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_loaded(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err.splitlines()[-1]


# The frame around the commands


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "serve"])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"tfstyle {command}" in capsys.readouterr().out


def test_every_option_has_a_help_line():
    import argparse
    import importlib

    def options(parser):
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for subparser in action.choices.values():
                    yield from options(subparser)
            else:
                yield action

    for name in COMMANDS:
        module = importlib.import_module(f"tfstyle.commands.{name.replace('-', '_')}")
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        assert [action.dest for action in options(parser) if not action.help] == []


def test_unknown_arguments_are_refused(capsys):
    for arguments in (["styles", "--port", "1"], ["paint"], []):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_extra_is_named(model, monkeypatch, capsys):
    def run(args):
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr("tfstyle.commands.styles.run", run)
    assert main(["styles"]) == 2
    assert one_line(capsys) == (
        "tfstyle: styles needs tensorflow, which is not installed; pip install 'tfstyle[model]'.\n"
    )


def test_an_error_of_several_lines_is_said_in_one(model, monkeypatch, capsys):
    def run(args):
        raise ModelError("first\n  second")

    monkeypatch.setattr("tfstyle.commands.styles.run", run)
    assert main(["styles"]) == 2
    assert one_line(capsys) == "tfstyle: first second\n"


def test_interrupting_is_no_error_message(model, monkeypatch, capsys):
    def run(args):
        raise KeyboardInterrupt

    monkeypatch.setattr("tfstyle.commands.styles.run", run)
    assert main(["styles"]) == 130
    assert capsys.readouterr().err == ""


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("tfstyle 0.")


def test_what_is_seen_through_stays_so_and_is_white_in_a_jpeg(folder, capsys):
    cutout = Image.new("RGBA", (64, 48), (200, 30, 30, 0))
    cutout.paste((30, 90, 200, 255), (0, 0, 32, 48))
    cutout.save("cutout.png")

    for arguments in ([], ["--stroke", "2"], ["--max-size", "32"]):
        for output in ("out.png", "out.webp"):
            assert main(["stylize", "cutout.png", "--style", "the_scream", *arguments, "-o", output]) == 0
            painting = Image.open(output)
            assert painting.mode == "RGBA"
            seen = cutout.resize(painting.size, Image.Resampling.LANCZOS).getchannel("A")
            np.testing.assert_allclose(np.asarray(painting.getchannel("A"), int), np.asarray(seen, int), atol=1)
            np.testing.assert_allclose(np.asarray(painting)[10, 5, :3], COLOURS["the_scream"], atol=3)
    capsys.readouterr()

    assert main(["stylize", "cutout.png", "--style", "the_scream", "-o", "out.jpg"]) == 0
    assert "cutout.png: transparency laid over white: JPEG has none\n" in capsys.readouterr().err
    painting = np.asarray(Image.open("out.jpg"), int)
    np.testing.assert_allclose(painting[24, 60], [255, 255, 255], atol=2)
    np.testing.assert_allclose(painting[24, 5], COLOURS["the_scream"], atol=4)

    assert main(["sheet", "cutout.png", "--style", "the_scream", "-o", "sheet.png"]) == 0
    assert Image.open("sheet.png").mode == "RGB"


@pytest.mark.parametrize("name", ["p.pdf", "p.JXL", "dir/p.tiff"])
def test_a_name_of_a_file_that_cannot_be_written_makes_no_folder(folder, capsys, name):
    assert main(["stylize", "photo.png", "--style", "the_scream", "-o", name]) == 2

    assert one_line(capsys) == (
        f"tfstyle: Expected a file to write that ends in .jpg, .png or .webp, got {name!r}. "
        f"A folder of that name is {name}/\n"
    )
    assert not (folder / name).exists()


@pytest.mark.parametrize("name", ["p.pdf/", "trip.2026", "holiday"])
def test_other_names_are_folders(folder, name):
    assert main(["stylize", "photo.png", "--style", "the_scream", "-o", name]) == 0

    assert (folder / name / "photo.the_scream.png").exists()


@pytest.mark.parametrize("option", [["--style", "udnie"], ["--strength", "0.5"], ["-o", "b.png"]])
def test_an_option_that_is_given_twice_is_refused(folder, capsys, option):
    with pytest.raises(SystemExit) as caught:
        main(["stylize", "photo.png", "--style", "the_scream", "--strength", "1", "-o", "a.png", *option])

    assert caught.value.code == 2
    assert "expected once, got it several times" in capsys.readouterr().err


def test_paintings_of_earlier_runs_are_not_painted_again(folder, capsys):
    """In the folder of their photos; a photo that is called so stays a photo where it is asked for."""
    os.remove("other.jpg")
    Image.fromarray(PHOTO).save("photo.udnie.png")  # no style of this model
    for style in ("the_scream", "great_wave:2,the_scream", "the_scream"):
        assert main(["stylize", ".", "--style", style, "-o", "."]) == 0

    assert sorted(os.listdir()) == [
        "photo.great_wave+the_scream.png", "photo.png", "photo.the_scream.png", "photo.udnie.great_wave+the_scream.png",
        "photo.udnie.png", "photo.udnie.the_scream.png",
    ]  # fmt: skip
    assert "tfstyle: 4 paintings of earlier runs were passed over.\n" in capsys.readouterr().err
    assert main(["stylize", "photo.the_scream.png", "--style", "great_wave"]) == 0
    assert Path("photo.the_scream.great_wave.png").exists()


def test_photos_in_sub_folders_are_painted_on_request_into_the_same_ones(folder, capsys):
    for name in ("album/a/x.png", "album/b/x.png", "album/b/.hidden/y.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PHOTO).save(name)

    assert main(["stylize", "album", "--style", "the_scream", "-o", "out"]) == 2
    assert one_line(capsys) == (
        "tfstyle: album: expected a folder with photos in it, found none; for those in its sub-folders give "
        "--recursive.\n"
    )
    assert main(["stylize", "album", "--recursive", "--style", "the_scream", "-o", "out"]) == 0
    written = sorted(str(path.relative_to("out")) for path in Path("out").rglob("*.png"))
    assert written == ["a/x.the_scream.png", "b/x.the_scream.png"]


def test_what_a_format_cannot_hold_is_said_before_anything_is_painted(folder, model, capsys):
    Image.new("RGB", (16_400, 16)).save("long.png")
    before = len(model.calls)

    assert main(["stylize", "long.png", "--style", "the_scream", "-o", "long.webp"]) == 2

    assert "long.png: webp holds at most 16383 pixels a side, this is 16400x16" in one_line(capsys)
    assert [name for name, _ in model.calls[before:]] == ["describe"]


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [
        (["add-style", "none.jpg", "--name", "x"], "tensorflow", "model"),
        (["optimize", "none.jpg", "--style", "none.jpg"], "scipy", "optimize"),
        (["export", "none"], "tensorflow_serving", "serve"),
        (["evaluate", "none.jpg"], "keras", "model"),
    ],
)
def test_a_command_asks_for_its_extra_before_it_reads_anything(folder, monkeypatch, capsys, arguments, package, extra):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else find(name))

    assert main(arguments) == 2

    assert one_line(capsys) == (
        f"tfstyle: {arguments[0]} needs {package}, which is not installed; pip install 'tfstyle[{extra}]'.\n"
    )
