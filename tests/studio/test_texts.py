"""Every language says everything, and the page asks for nothing else."""

import re
from dataclasses import asdict, fields
from pathlib import Path
from string import Formatter

import pytest

from tfstyle.studio.texts import LANGUAGES, StudioTexts, load_texts

PAGE = Path(__file__).resolve().parents[2] / "tfstyle" / "studio" / "page"


def sentences(texts: StudioTexts) -> dict[str, str]:
    found = {}
    for name, value in asdict(texts).items():
        found |= {f"{name}.{key}": text for key, text in value.items()} if isinstance(value, dict) else {name: value}
    return found


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_language_has_the_sentences_and_gaps_of_english(language):
    english, other = sentences(load_texts("en")), sentences(load_texts(language))

    assert other.keys() == english.keys()
    assert [name for name in english if gaps(other[name]) != gaps(english[name])] == []


def test_the_page_asks_for_sentences_that_are_there():
    asked = set(re.findall(r'data-(?:text|label)="([\w.]+)"', (PAGE / "index.html").read_text()))
    for script in (PAGE / "js").glob("*.js"):
        asked |= set(re.findall(r'\btext\("([\w.]+)"', script.read_text()))

    assert asked
    assert asked <= {field.name for field in fields(StudioTexts)} | set(sentences(load_texts("en")))
