"""The same conversation, typed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot import terminal
from bot.texts import load_texts
from testing.bot_api import photo_bytes
from testing.fake_model import COLOURS
from testing.style_server import style_server

ROOT = Path(__file__).resolve().parents[2]
EN = load_texts("en")


@pytest.fixture
def chat(styles, tmp_path, monkeypatch, capsys):
    """Types lines and returns what was printed."""
    (tmp_path / "my photo.jpg").write_bytes(photo_bytes(200, 100))
    (tmp_path / "b.jpg").write_bytes(photo_bytes(seed=3))
    Image.linear_gradient("L").resize((200, 100)).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)

    def talk(*lines, options=(), server=styles[1]):
        typed = iter(lines)

        def read(_):
            try:
                return next(typed)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr("builtins.input", read)
        assert terminal.main(["--server", server, *options]) == 0
        return capsys.readouterr().out

    return talk


def colour(path):
    return np.asarray(Image.open(path), dtype=float).mean(axis=(0, 1))


def test_a_photo_with_words_is_painted_and_its_buttons_are_numbered(chat):
    out = chat("photo 'my photo.jpg' the_scream")

    assert "The Scream · 100 %  chat/my photo." in out
    assert f"[1] {EN.button_style}" in out
    (painting,) = Path("chat").glob("my photo*")
    np.testing.assert_allclose(colour(painting), COLOURS["the_scream"], atol=6)


def test_numbers_press_buttons(chat):
    out = chat("photo b.jpg scream", "3", "1", "3", "4")

    assert "The Scream · 80 %" in out
    assert "[2] ✓ The Scream" in out
    assert "The Great Wave off Kanagawa · 80 %" in out
    assert len(list(Path("chat").glob("b.*"))) == 4


def test_a_painting_becomes_a_style_that_can_be_shared_and_an_album_of_two_is_painted(chat):
    Image.new("RGB", (96, 80), (200, 40, 40)).save("red.png")
    with style_server(any_painting=True) as (_, server):
        share = ("/mystyles", "1", "3")
        album = "photo b.jpg red.png 1 in the style of 2"
        out = chat("style red.png", "photo b.jpg", *share, "chat/my_style_1.style", album, server=server)

    assert out.count(EN.style_made.format(title="My style 1")) == 2
    assert "My style 1 · 100 %" in out
    assert "My style 2 · 100 %" in out
    for painting in Path("chat").glob("b.*"):
        np.testing.assert_allclose(colour(painting), (200, 40, 40), atol=6)
    assert len(list(Path("chat").glob("b.*"))) == 2


def test_a_painting_is_refused_by_a_model_that_cannot_take_it(chat):
    assert EN.no_any_painting in chat("style b.jpg")


def test_commands_and_settings_are_the_same_as_in_telegram(chat):
    out = chat("/style starry 60 scream 40", "/strength 50", "/settings", "/style mars", "/stats", "/cancel", "/forget")

    assert "Style: The Starry Night 60 % + The Scream 40 %. Now send a photo." in out
    assert "Strength: 50 %\n" in out
    assert "I do not know “mars”." in out
    for text in (EN.admins_only, EN.nothing_to_cancel, EN.forgotten):
        assert text in out


def test_styles_saves_the_gallery_and_its_buttons_choose(chat):
    out = chat("/styles", "2")

    assert f"{EN.choose_style}  chat/styles.jpg" in out
    assert Image.open("chat/styles.jpg").width > 300
    assert "Style: The Scream. Now send a photo." in out


def test_a_mask_and_several_photos(chat):
    out = chat("mask mask.png", "photo 'my photo.jpg' b.jpg scream", "photo 'my photo.jpg'", "mask mask.png")

    assert "Send a photo first" in out
    assert out.count("The Scream · 100 %  chat/") == 2
    assert EN.own_mask in out


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("photo nothing.jpg", "Expected photo FILE, got 'nothing.jpg', and there is no such file."),
        ("photo 'b.jpg scream", "quotes come in pairs"),
        ("photo mask.txt", EN.photo_unreadable),
        ("7", "There are no buttons."),
        ("hello", EN.no_photo),
    ],
)
def test_what_is_not_understood_gets_advice(chat, line, advice):
    Path("mask.txt").write_text("no picture")

    assert advice in chat(line)


def test_a_file_dropped_into_the_terminal_is_a_photo(chat, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))

    out = chat(str(tmp_path / "my photo.jpg"), "b.jpg scream", "photo my photo.jpg", "photo ~/b.jpg wave")

    assert [line.partition(" ·")[0] for line in out.splitlines() if "100 %" in line] == [
        "The Starry Night", "The Scream", "The Starry Night", "The Great Wave off Kanagawa",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["quit", "exit"])
def test_quit_ends_it(chat, word):
    assert EN.no_photo not in chat(word, "hello")


def test_it_speaks_other_languages(chat):
    assert load_texts("de").no_photo in chat("hallo", options=("--language", "de"))


def test_without_a_server_this_process_paints(tmp_path, astronaut):
    """And soon: no TensorFlow, no server that starts."""
    Image.fromarray(astronaut).resize((96, 96)).save(tmp_path / "photo.jpg")
    code = (
        "import sys; from bot import terminal; code = terminal.main([]); "
        "assert 'onnxruntime' in sys.modules and 'tensorflow' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        input="photo photo.jpg scream\n",
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == 0, done.stderr
    assert "The Scream · 100 %  chat/photo." in done.stdout
    (stylized,) = (tmp_path / "chat").glob("photo*")
    assert Image.open(stylized).size == (96, 96)


def test_a_server_that_is_not_there_is_one_sentence():
    command = [sys.executable, "-m", "bot.terminal", "--server", "127.0.0.1:1"]
    done = subprocess.run(command, cwd=ROOT, input="", capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.startswith("bot: No server answers at 127.0.0.1:1")
    assert done.stderr.count("\n") == 1
