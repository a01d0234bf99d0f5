"""Paintings and style files on the command line, on a network whose styles are colours: a painting's is its mean."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from testing.fake_model import photo_array
from tests.engines import toy_onnx
from tests.engines.toy_onnx import COLORS
from tfstyle import StyleVector, load_style, save_style
from tfstyle.cli import main
from tfstyle.stylize import stylizer as stylizer_module

GOLD, SILVER = (200, 160, 40), (120, 130, 140)


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return toy_onnx.write(tmp_path_factory.mktemp("models") / "toy" / "1", encodes=True, max_pixels=512 * 512)


@pytest.fixture
def folder(tmp_path, monkeypatch, version):
    """The current folder, with a photo and two paintings; every command takes the toy model."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo_array()).save("photo.png")
    Image.new("RGB", (80, 70), GOLD).save("kiss.png")
    Image.new("RGB", (70, 200), SILVER).save("sea+sky.png")
    monkeypatch.setattr(stylizer_module, "find_model", lambda model: version)
    return tmp_path


def run(*arguments):
    return main([*arguments, "--threads", "1"])


def color(file):
    return np.asarray(Image.open(file).convert("RGB"))[0, 0]


def refused(capsys, *arguments):
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("tfstyle: ")
    assert "Traceback" not in error
    return error


def test_a_photo_is_painted_in_the_style_of_a_painting_at_once(folder):
    assert run("stylize", "photo.png", "--style-image", "kiss.png") == 0
    np.testing.assert_array_equal(color("photo.kiss.png"), GOLD)


def test_paintings_mix_with_each_other_and_with_styles_by_name(folder):
    assert (
        run("stylize", "photo.png", "--style-image", "kiss.png:2,sea+sky.png", "--style", "red:1", "-o", "a.png") == 0
    )
    expected = (2 * np.array(GOLD) + SILVER + COLORS["red"]) / 4
    assert np.abs(color("a.png") - expected).max() <= 0.51


def test_regions_take_paintings_and_style_files(folder):
    assert run("style", "kiss.png", "-o", "kiss.style") == 0
    assert run("stylize", "photo.png", "--regions", "left=kiss.style,right=blue", "--fade", "0", "-o", "a.png") == 0
    assert run("stylize", "photo.png", "--regions", "left=kiss.png:1+red:0", "--fade", "0", "-o", "b.png") == 0
    np.testing.assert_array_equal(color("a.png"), GOLD)
    np.testing.assert_array_equal(np.asarray(Image.open("a.png"))[0, -1], COLORS["blue"])
    np.testing.assert_array_equal(color("b.png"), GOLD)
    np.testing.assert_array_equal(np.asarray(Image.open("b.png"))[0, -1], photo_array()[0, -1])


def test_a_style_file_stands_for_a_style(folder, capsys):
    told = ("--title", "Der Kuß", "--artist", "Gustav Klimt", "--year", "1908")
    assert run("style", "kiss.png", "-o", "gold.style", *told) == 0
    style = load_style("gold.style")
    assert (style.name, style.title, style.artist, style.year) == ("gold", "Der Kuß", "Gustav Klimt", "1908")
    assert run("stylize", "photo.png", "--style", "gold.style:3,green:1") == 0
    assert np.abs(color("photo.gold+green.png") - (np.array(GOLD) * 3 + COLORS["green"]) / 4).max() <= 0.51


def test_style_files_are_listed_and_damaged_ones_told(folder, capsys):
    run("style", "kiss.png", "-o", "mine/kiss.style", "--artist", "Klimt")
    capsys.readouterr()
    assert run("styles", "mine") == 0
    assert capsys.readouterr().out == f"mine/kiss.style  Kiss  Klimt    network {toy_onnx.TRUNK}\n"

    (folder / "mine" / "cut.style").write_bytes((folder / "mine" / "kiss.style").read_bytes()[:-50])
    assert run("styles", "mine", "--json") == 2
    captured = capsys.readouterr()
    assert "mine/cut.style: expected a style file" in captured.err
    assert [style["name"] for style in json.loads(captured.out)["styles"]] == ["kiss"]
    assert "found none" in refused(capsys, "styles", "kiss.png")


def test_a_sheet_shows_a_folder_of_paintings(folder, capsys):
    (folder / "paintings").mkdir()
    for name in ("kiss.png", "sea+sky.png"):
        (folder / name).rename(folder / "paintings" / name)
    assert run("sheet", "photo.png", "--style-image", "paintings", "--columns", "3", "-o", "sheet.png") == 0
    sheet = np.asarray(Image.open("sheet.png").convert("RGB")).reshape(-1, 3)
    for wanted in (GOLD, SILVER):
        assert (sheet == wanted).all(axis=1).sum() > 1000
    assert not (sheet == COLORS["red"]).all(axis=1).any()


def test_a_style_of_another_network_is_refused_with_what_to_do(folder, capsys):
    run("style", "kiss.png", "-o", "kiss.style")
    style = load_style("kiss.style")
    save_style(replace(style, trunk="f" * 16), "other.style")
    capsys.readouterr()
    error = refused(capsys, "stylize", "photo.png", "--style", "other.style")
    assert "make it again from its painting with this model: tfstyle style PAINTING -o kiss.style" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--style-image", "photo.png"), "at least 64x64 pixels, got 64x48"),
        (("--style-image", "absent.jpg"), "absent.jpg"),
        (("--style-image", "text.jpg"), "text.jpg"),
        (("--style-image", "kiss.png,kiss.png"), "each style once"),
        (("--style-image", "kiss.png:-1"), "weight of 0 or more"),
        (("--style-image", "kiss.png,"), "FILE[:WEIGHT]"),
        (("--style", "absent.style"), "cannot be read"),
        (("--style", "kiss.png", "--strength", "2"), "strength from 0"),
        (("--style-image", "kiss.png", "--regions", "left=red"), "got both"),
        (("--style", "red", "--match", "person"), "--match person with one --style-image"),
        (("--style-image", "kiss.png", "--style", "ret"), "did you mean red?"),
    ],
)
def test_bad_paintings_and_combinations_are_a_sentence(folder, capsys, arguments, said):
    (folder / "text.jpg").write_text("%PDF-1.7 no picture")
    assert said in refused(capsys, "stylize", "photo.png", *arguments)
    assert not list(folder.glob("photo.*.png"))


def test_a_painting_is_never_written_over(folder, capsys):
    assert "kiss.png" in refused(capsys, "stylize", "photo.png", "--style-image", "kiss.png", "-o", "kiss.png")
    np.testing.assert_array_equal(color("kiss.png"), GOLD)


def test_a_model_without_an_encoder_says_so_in_a_sentence(folder, tmp_path, monkeypatch, capsys):
    plain = toy_onnx.write(tmp_path / "plain" / "1")
    monkeypatch.setattr(stylizer_module, "find_model", lambda model: plain)
    assert "the model has no style encoder" in refused(capsys, "stylize", "photo.png", "--style-image", "kiss.png")
    save_style(StyleVector(np.array(GOLD), toy_onnx.TRUNK, "gold"), "gold.style")
    assert run("stylize", "photo.png", "--style", "gold.style") == 0
    np.testing.assert_array_equal(color("photo.gold.png"), GOLD)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "kiss.jpg"), "end in .style"),
        (("--tune", "60s"), "--tune and --photos together"),
        (("--name", "the kiss"), "letters, digits"),
    ],
)
def test_style_files_of_other_names_and_tuning_without_photos_are_refused(folder, capsys, arguments, said):
    assert said in refused(capsys, "style", "kiss.png", *arguments)
    assert not list(folder.glob("*.style"))
