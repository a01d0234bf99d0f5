"""What people write, and what it means."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.captions import Vocabulary
from bot.conversation.style_settings import StyleSettings
from bot.texts import LANGUAGES, load_texts
from testing.fake_model import CATALOG
from tfstyle.contract.catalog import Catalog, Style

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
        ("scream starry night", [("the_scream", ONE), ("starry_night", ONE)]),
        ("teh starry nigth", [("starry_night", ONE)]),
        ("scream 0 wave 0", [("the_scream", ONE), ("great_wave", ONE)]),
        (f"scream {'9' * 400} wave", [("the_scream", 1e6), ("great_wave", ONE)]),
        ("scraem", [("the_scream", ONE)]),
        ("stary nigth", [("starry_night", ONE)]),
        ("kanagwa", [("great_wave", ONE)]),
    ],
)
def test_styles_are_known_by_name_title_and_painter_typos_forgiven(text, styles):
    parsed = VOCABULARY.read(text)

    assert parsed.styles == tuple(styles)
    assert not parsed.unknown


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
        ("left starry_night", {"styles": (("starry_night", ONE),), "mask": "left"}),
        (
            "left starry_night right the_scream",
            {"regions": (("left", (("starry_night", ONE),)), ("right", (("the_scream", ONE),)))},
        ),
        (
            "left scream right wave 2 starry 1",
            {"regions": (("left", (("the_scream", ONE),)), ("right", (("great_wave", 2.0), ("starry_night", ONE))))},
        ),
    ],
)
def test_words_in_three_languages(text, expected):
    parsed = VOCABULARY.read(text)

    said = {key: value for key, value in vars(parsed).items() if value not in (None, ())}
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
    parsed = VOCABULARY.read_caption("my dog in scream style, strength 50")

    assert (parsed.styles, parsed.strength) == ((("the_scream", ONE),), 50)


def test_a_reading_changes_only_what_was_said():
    style_settings = StyleSettings(styles=(("starry_night", ONE),), strength=40, mask="left", size=500)

    assert VOCABULARY.read("scream").apply(style_settings) == replace(style_settings, styles=(("the_scream", ONE),))
    assert VOCABULARY.read("keep colors").apply(style_settings) == replace(style_settings, keep_colors=True)


def test_regions_and_a_single_style_or_place_take_each_others_place():
    regions = VOCABULARY.read("left scream right wave").apply(
        StyleSettings(styles=(("starry_night", ONE),), mask="top")
    )
    assert (regions.styles, regions.mask, len(regions.regions)) == ((), "", 2)

    assert VOCABULARY.read("scream").apply(regions).regions == ()


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_fault(text):
    style_settings = VOCABULARY.read_caption(text).apply(StyleSettings())
    VOCABULARY.read(text)

    assert 0 <= style_settings.strength <= 100
    assert StyleSettings.from_dict(style_settings.to_dict()) == style_settings


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_place_is_understood_as_it_is_called_on_its_button(language):
    for place, word in load_texts(language).places.items():
        assert VOCABULARY.read(word).mask == place


STYLES = Catalog(
    (
        Style("starry_night", "The Starry Night", "Vincent van Gogh", "1889"),
        Style("the_scream", "The Scream", "Edvard Munch", "1893"),
        Style("great_wave", "The Great Wave off Kanagawa", "Katsushika Hokusai", "c. 1831"),
        Style("picasso_self_portrait", "Self-Portrait", "Pablo Picasso", "1907"),
        Style("rain_princess", "Rain Princess", "Leonid Afremov", "2000s"),
        Style("udnie", "Udnie", "Francis Picabia", "1913"),
        Style("composition_vii", "Composition VII", "Wassily Kandinsky", "1913"),
        Style("edtaonisl", "Edtaonisl", "Francis Picabia", "1913"),
        Style("la_grande_jatte", "A Sunday on La Grande Jatte", "Georges Seurat", "1884-86"),
        Style("portrait_of_metzinger", "Portrait of Jean Metzinger", "Robert Delaunay", "1906"),
        Style("red_and_blue_horse", "Red and Blue Horse", "Franz Marc", "1912"),
        Style("water_lilies", "Water Lilies", "Claude Monet", "1919"),
    ),
    10**6,
)
TWELVE = Vocabulary(STYLES)


@pytest.mark.parametrize("style", STYLES.styles, ids=lambda style: style.name)
def test_every_name_and_every_title_is_its_style_and_nothing_else(style):
    for text in (style.name, style.title, style.title.upper(), f"{style.name} 100", f"{style.title}, 100"):
        for parsed in (TWELVE.read(text), TWELVE.read_caption(text)):
            assert [name for name, _ in parsed.styles] == [style.name]
            assert (parsed.mask, parsed.unknown) == (None, ())


@pytest.mark.parametrize("style", STYLES.styles, ids=lambda style: style.name)
@pytest.mark.parametrize("place", ["left", "person", "background"])
def test_a_place_before_or_after_any_style_is_a_place(style, place):
    for text in (f"{place} {style.name}", f"{style.title} {place}"):
        parsed = TWELVE.read_caption(text)
        assert (parsed.styles, parsed.mask) == (((style.name, ONE),), place)


def test_any_two_styles_one_after_another_are_a_blend():
    for one in STYLES:
        for other in STYLES:
            if one is not other:
                parsed = TWELVE.read_caption(f"{one.name} 60 {other.name} 40")
                assert parsed.styles == ((one.name, 60.0), (other.name, 40.0))
                assert TWELVE.read_caption(f"{one.title} {other.title}").styles == (
                    (one.name, ONE),
                    (other.name, ONE),
                )


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("van Gogh", "starry_night"),
        ("StarryNight", "starry_night"),
        ("Hokusai", "great_wave"),
        ("picasso", "picasso_self_portrait"),
        ("Picasso portrait", "picasso_self_portrait"),
        ("self-portrait", "picasso_self_portrait"),
        ("princess", "rain_princess"),
        ("undie", "udnie"),
        ("Composition VII", "composition_vii"),
        ("kandinski", "composition_vii"),
        ("grande jatte", "la_grande_jatte"),
        ("seurat", "la_grande_jatte"),
        ("suerat", "la_grande_jatte"),
        ("metzinger", "portrait_of_metzinger"),
        ("Robert Delaunay", "portrait_of_metzinger"),
        ("horse", "red_and_blue_horse"),
        ("red horse", "red_and_blue_horse"),
        ("blue hrose", "red_and_blue_horse"),
        ("lilies", "water_lilies"),
        ("waterlilies", "water_lilies"),
        ("water lily", "water_lilies"),
        ("Claude Monet", "water_lilies"),
    ],
)
def test_with_twelve_styles_each_is_still_found_by_what_people_call_it(text, style):
    for parsed in (TWELVE.read(text), TWELVE.read_caption(text)):
        assert parsed.styles == ((style, ONE),)
        assert not parsed.unknown


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("vincent", "starry_night"),
        ("franz", "red_and_blue_horse"),
        ("water", "water_lilies"),
        ("red and blue", "red_and_blue_horse"),
    ],
)
def test_everyday_words_and_first_names_mean_a_style_after_a_command_only(text, style):
    assert TWELVE.read(text).styles == ((style, ONE),)
    assert not TWELVE.read_caption(text).says_something


@pytest.mark.parametrize(
    "caption",
    ["Robert", "Claude and Jean", "blue sky", "happy sunday", "water fun", "qué grande", "portrait of my cat"],
)
def test_with_twelve_styles_a_caption_for_people_is_left_alone(caption):
    assert not TWELVE.read_caption(caption).says_something


@pytest.mark.parametrize(
    ("word", "styles"),
    [("picabia", ("udnie", "edtaonisl")), ("portrait", ("picasso_self_portrait", "portrait_of_metzinger"))],
)
def test_a_word_that_several_styles_share_means_none_of_them_and_all_are_named(word, styles):
    assert TWELVE.read(word).unknown == (word,)
    assert TWELVE.likely(word) == styles


def test_a_word_of_a_style_is_never_taken_for_a_misspelt_word_of_another():
    """Water is near wave."""
    assert TWELVE.read("left rain right water").regions == (
        ("left", (("rain_princess", ONE),)),
        ("right", (("water_lilies", ONE),)),
    )
