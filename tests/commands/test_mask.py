"""`tfstyle mask`, and masks by name in `tfstyle stylize`."""

import io
import sys
import types
from contextlib import nullcontext

import numpy as np
import pytest
from PIL import Image

from testing.fake_model import COLOURS, FakePredictor
from tfstyle import Stylizer
from tfstyle.cli import main
from tfstyle.masks import segmentation
from tfstyle.masks.mask import gradient


@pytest.fixture
def folder(tmp_path, monkeypatch, astronaut, coffee):
    """The current folder, with a person, a cup and nothing in it."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut[:256, 100:356]).save("photo.png")
    Image.fromarray(coffee).resize((150, 100)).save("cup.png")
    Image.linear_gradient("L").convert("RGB").save("sky.png")
    return tmp_path


def mask(name: str) -> np.ndarray:
    image = Image.open(name)
    assert (image.format, image.mode) == ("PNG", "L")
    return np.asarray(image)


def test_people_become_white_and_the_rest_black(folder, capsys, astronaut):
    assert main(["mask", "photo.png", "--person", "-o", "mask.png"]) == 0
    expected = np.rint(segmentation.person(np.ascontiguousarray(astronaut[:256, 100:356])) * 255)
    np.testing.assert_array_equal(mask("mask.png"), expected)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"photo.png -> mask.png (256x256, {expected.mean() / 255:.0%} white)\n"


def test_the_background_is_the_rest(folder):
    assert main(["mask", "photo.png", "--person"]) == 0
    assert main(["mask", "photo.png", "--background"]) == 0
    np.testing.assert_array_equal(mask("photo.background.png"), 255 - mask("photo.person.png"))


def test_a_box_says_which_subject(folder):
    assert main(["mask", "cup.png", "--subject", "--box", "20,2,120,96", "-o", "masks/cup.png"]) == 0
    assert mask("masks/cup.png")[45, 80] == 255
    assert mask("masks/cup.png")[:, :8].max() == 0


def test_gradients_fade_as_told(folder):
    assert main(["mask", "photo.png", "--gradient", "right", "--fade", "0.2"]) == 0
    np.testing.assert_array_equal(mask("photo.right.png"), np.rint(gradient("right", 256, 256, 0.2) * 255))
    assert main(["mask", "photo.png", "--gradient", "radial", "-o", "default.png"]) == 0
    np.testing.assert_array_equal(mask("default.png"), np.rint(gradient("radial", 256, 256) * 255))


def test_stdin_goes_to_stdout(folder, monkeypatch):
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO((folder / "photo.png").read_bytes())))
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", types.SimpleNamespace(buffer=out, isatty=lambda: False))
    assert main(["mask", "-", "--gradient", "left"]) == 0
    assert Image.open(out).size == (256, 256)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sky.png", "--person"], "sky.png: no person was found"),
        (["sky.png", "--subject"], "sky.png: no subject stands out from its surroundings; give a box around it"),
        (["none.png", "--person"], "none.png: no such file."),
        (["photo.png", "--person", "-o", "mask.jpg"], "ends in .png, got 'mask.jpg': a mask has to stay exact."),
        (["photo.png", "--person", "-o", "photo.png"], "photo.png: this is the photo itself"),
        (["photo.png", "--person", "--box", "1,2,3,4"], "--box together with --subject only, got it with person."),
        (["photo.png", "--subject", "--fade", "1"], "--fade together with --gradient only, got it with subject."),
        (["photo.png", "--subject", "--box", "250,0,50,50"], "within the photo of 256x256 pixels"),
        (["photo.png", "--gradient", "left", "--fade", "2"], "Expected a fade from 0 (hard edge) to 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments, sentence, folder, capsys):
    before = sorted(folder.iterdir())
    assert main(["mask", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("tfstyle: ")
    assert captured.err.count("\n") == 1
    assert sentence in captured.err
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--gradient", "middle"], "expected one of left, right, top, bottom, radial, got 'middle'"),
        (["--subject", "--box", "1,2,3"], "expected four whole numbers X,Y,W,H, got '1,2,3'"),
        (["--person", "--subject"], "not allowed with"),
        ([], "one of the arguments --person --background --subject --gradient is required"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments, sentence, folder, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["mask", "photo.png", *arguments])
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


def test_stylize_paints_around_people_and_goes_on_where_there_are_none(folder, capsys, monkeypatch):
    stylizer = Stylizer(FakePredictor())
    monkeypatch.setattr("tfstyle.commands.shared.stylizers.open_stylizer", lambda args: nullcontext(stylizer))
    assert main(["stylize", "sky.png", "photo.png", "--style", "the_scream", "--mask", "background"]) == 2
    assert "tfstyle: sky.png: no person was found" in capsys.readouterr().err
    painting, photo = (np.asarray(Image.open(name)) for name in ("photo.the_scream.png", "photo.png"))
    assert (painting[:20, -20:] == COLOURS["the_scream"]).all()
    np.testing.assert_array_equal(painting[80:110, 110:130], photo[80:110, 110:130])  # the face


def test_a_black_mask_gives_the_photo_back_with_a_warning(folder, capsys, monkeypatch):
    stylizer = Stylizer(FakePredictor())
    monkeypatch.setattr("tfstyle.commands.shared.stylizers.open_stylizer", lambda args: nullcontext(stylizer))
    Image.new("L", (256, 256), 0).save("black.png")
    assert main(["stylize", "photo.png", "--style", "the_scream", "--mask", "black.png"]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open("photo.the_scream.png")), np.asarray(Image.open("photo.png")))
    said = capsys.readouterr().err
    assert "photo.png: mask black.png is black everywhere: it paints nothing\n" in said


def test_a_missing_extra_is_one_sentence(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert main(["mask", "photo.png", "--subject"]) == 2
    assert capsys.readouterr().err == (
        "tfstyle: Masks of a subject need opencv-python-headless, which is not installed; "
        "pip install 'tfstyle[masks]'.\n"
    )
