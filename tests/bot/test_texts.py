"""Every language says everything."""

import re
from dataclasses import fields
from pathlib import Path
from string import Formatter

import pytest

from bot.conversation.style_settings import PLACES
from bot.texts import LANGUAGES, Texts, choose_language, load_texts

OTHERS = [language for language in LANGUAGES if language != "en"]


def gaps(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_there_are_at_least_three_languages_with_a_file_each():
    folder = Path(__file__).resolve().parents[2] / "bot" / "texts"

    assert len(LANGUAGES) >= 3
    assert {path.stem for path in folder.glob("*.py")} == {*LANGUAGES, "__init__"}


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_the_gaps_of_english_and_says_it_in_words_of_its_own(language):
    english, other = load_texts("en"), load_texts(language)
    same = []
    for name in (field.name for field in fields(Texts) if field.type == "str" or field.type is str):
        assert gaps(getattr(other, name)) == gaps(getattr(english, name)), name
        if getattr(other, name) == getattr(english, name):
            same.append(name)
    assert set(same) <= {"done"}  # "{styles} · {strength} %" is no sentence
    assert other.commands.keys() == english.commands.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_telegrams_limits_are_kept(language):
    texts = load_texts(language)

    assert all(re.fullmatch(r"[a-z_]{1,32}", name) and len(text) <= 256 for name, text in texts.commands.items())
    for name in (
        "painting_toast",
        "strongest",
        "weakest",
        "old_button",
        "photo_gone",
        "not_allowed",
        "no_any_painting",
        "own_styles_full",
        "own_style_gone",
    ):
        assert len(getattr(texts, name)) <= 200, name  # they answer a pressed button
    assert set(texts.places) == set(PLACES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_local_words_stand_for_words_the_bot_knows(language):
    known = {*PLACES, "keep", "colors", "style", "off", "strength", "size", "full"}

    assert set(load_texts(language).words.values()) <= known


@pytest.mark.parametrize(
    ("code", "language"), [("de", "de"), ("de-AT", "de"), ("ES", "es"), ("fi", "en"), ("", "en"), ("english", "en")]
)
def test_people_are_answered_in_their_language_or_in_the_first_one(code, language):
    assert choose_language(code, LANGUAGES) == language


def test_every_text_is_said_somewhere():
    """What nothing says is deleted."""
    folder = Path(__file__).resolve().parents[2] / "bot"
    code = " ".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if path.parent.name != "texts")

    assert {field.name for field in fields(Texts) if f".{field.name}" not in code} == set()
