"""What people write, and what it means."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.look import Look
from bot.texts import LANGUAGES, load_texts
from bot.words import Vocabulary
from tests.fakes import CATALOG

VOCABULARY = Vocabulary(CATALOG)
ONE = 1.0


@pytest.mark.parametrize(
    ("text", "styles"),
    [
        ("starry_night", [("starry_night", ONE)]),
        ("Starry Night", [("starry_night", ONE)]),
        ("The Great Wave off Kanagawa", [("great_wave", ONE)]),
        ("kanagawa", [("great_wave", ONE)]),
        ("Hokusai", [("great_wave", ONE)]),
        ("starry_night 60 the_scream 40", [("starry_night", 60), ("the_scream", 40)]),
        ("starry_night:60, the_scream:40", [("starry_night", 60), ("the_scream", 40)]),
        ("scream 1.5 + wave 0.5", [("the_scream", 1.5), ("great_wave", 0.5)]),
        ("scream and wave", [("the_scream", ONE), ("great_wave", ONE)]),
        ("scream 0 wave 0", [("the_scream", ONE), ("great_wave", ONE)]),
        (f"scream {'9' * 400} wave", [("the_scream", 1e6), ("great_wave", ONE)]),
        ("scraem", [("the_scream", ONE)]),
        ("stary nigth", [("starry_night", ONE)]),
        ("kanagwa", [("great_wave", ONE)]),
    ],
)
def test_styles_are_known_by_name_title_and_painter_typos_forgiven(text, styles):
    reading = VOCABULARY.read(text)

    assert reading.styles == tuple(styles)
    assert not reading.unknown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("keep colors", {"keep_colors": True}),
        ("keep colours", {"keep_colors": True}),
        ("colors keep", {"keep_colors": True}),
        ("colors style", {"keep_colors": False}),
        ("style colors", {"keep_colors": False}),
        ("Farben behalten", {"keep_colors": True}),
        ("conservar colores", {"keep_colors": True}),
        ("strength 70", {"strength": 70}),
        ("70%", {"strength": 70}),
        ("Stärke 40", {"strength": 40}),
        ("person", {"mask": "person"}),
        ("only the background", {"mask": "background"}),
        ("links", {"mask": "left"}),
        ("everywhere", {"mask": ""}),
        ("size 800", {"size": 800}),
        ("size full", {"size": 0}),
        ("scream 60%", {"styles": (("the_scream", 60.0),), "strength": 60}),
        ("person scream", {"styles": (("the_scream", ONE),), "mask": "person"}),
        (
            "left scream right wave 2 starry 1",
            {"regions": (("left", (("the_scream", ONE),)), ("right", (("great_wave", 2.0), ("starry_night", ONE))))},
        ),
    ],
)
def test_words_in_three_languages(text, expected):
    reading = VOCABULARY.read(text)

    said = {key: value for key, value in vars(reading).items() if value not in (None, ())}
    assert said == expected


@pytest.mark.parametrize("text", ["strength 700", "size 3", "60", "nonsense words here", "strength"])
def test_what_means_nothing_is_told(text):
    assert VOCABULARY.read(text, near=1.0).unknown


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "my cat at the beach",
        "we have fun at the great beach",
        "happy birthday grandma, on the left with the cake",
        "keep smiling",
        "full moon",
        "word " * 60 + "scream",
    ],
)
def test_a_caption_for_people_is_left_alone(caption):
    assert not VOCABULARY.read_caption(caption).says_something


def test_a_caption_with_a_little_more_than_is_understood_is_understood():
    reading = VOCABULARY.read_caption("my dog in scream style, strength 50")

    assert (reading.styles, reading.strength) == ((("the_scream", ONE),), 50)


def test_a_reading_changes_only_what_was_said():
    look = Look(styles=(("starry_night", ONE),), strength=40, mask="left", size=500)

    assert VOCABULARY.read("scream").apply(look) == replace(look, styles=(("the_scream", ONE),))
    assert VOCABULARY.read("keep colors").apply(look) == replace(look, keep_colors=True)


def test_regions_and_a_single_style_or_place_take_each_others_place():
    regions = VOCABULARY.read("left scream right wave").apply(Look(styles=(("starry_night", ONE),), mask="top"))
    assert (regions.styles, regions.mask, len(regions.regions)) == ((), "", 2)

    assert VOCABULARY.read("scream").apply(regions).regions == ()


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_fault(text):
    look = VOCABULARY.read_caption(text).apply(Look())
    VOCABULARY.read(text)

    assert 0 <= look.strength <= 100
    assert Look.from_dict(look.to_dict()) == look


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_place_is_understood_as_it_is_called_on_its_button(language):
    for place, word in load_texts(language).places.items():
        assert VOCABULARY.read(word).mask == place
