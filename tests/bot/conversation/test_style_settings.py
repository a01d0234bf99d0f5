"""A look survives a button and a database."""

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.conversation import keyboards
from bot.conversation.events import Chat, Order, Picture
from bot.conversation.style_settings import PLACES, StyleSettings, StyleSettingsError
from bot.texts import LANGUAGES, load_texts
from testing.fake_model import CATALOG

NAMES = CATALOG.names

mixes = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 999).map(float), max_size=3).map(
    lambda mix: tuple(mix.items()) if len(mix) > 1 else tuple((name, 1.0) for name in mix)
)
looks = st.builds(
    StyleSettings,
    styles=mixes,
    strength=st.integers(0, 100),
    keep_colors=st.booleans(),
    mask=st.sampled_from(["", *PLACES, "#123456"]),
    size=st.sampled_from([0, 16, 1280, 99999]),
    regions=st.lists(st.tuples(st.sampled_from(PLACES), mixes.filter(bool)), max_size=3).map(tuple),
)


@given(looks)
def test_a_button_gives_back_what_it_was_given(style_settings):
    assert StyleSettings.decode(style_settings.encode(NAMES), NAMES) == style_settings


def test_a_button_keeps_the_proportions_of_large_weights():
    style_settings = replace(StyleSettings(), styles=((NAMES[0], 1893.0), (NAMES[1], 946.5)))

    (_, first), (_, second) = StyleSettings.decode(style_settings.encode(NAMES), NAMES).styles

    assert first / second == pytest.approx(2, rel=0.01)


@given(looks)
def test_a_look_gives_itself_back_from_json(style_settings):
    assert StyleSettings.from_dict(json.loads(json.dumps(style_settings.to_dict()))) == style_settings


@given(looks, st.sampled_from(LANGUAGES), st.booleans())
def test_no_button_holds_more_than_64_bytes_and_every_keyboard_has_some(style_settings, language, album):
    texts = load_texts(language)
    made = [
        keyboards.painting_keyboard(style_settings, CATALOG, texts, album=album),
        keyboards.style_keyboard(style_settings, CATALOG, keyboards.CHOOSER),
        keyboards.style_keyboard(style_settings, CATALOG, keyboards.BLEND, back="back"),
        keyboards.place_keyboard(style_settings, CATALOG, texts),
    ]

    for keyboard in made:
        for button in (button for row in keyboard for button in row):
            assert len(button.data.encode()) <= 64
            assert button.text


@given(st.text(max_size=64))
def test_any_text_is_a_look_or_a_look_error(text):
    with contextlib.suppress(StyleSettingsError):
        assert 0 <= StyleSettings.decode(text, NAMES).strength <= 100


def test_columns_are_append_only_so_an_old_button_means_the_same_styles():
    button = StyleSettings(styles=(("the_scream", 1.0),)).encode(NAMES)

    assert StyleSettings.decode(button, (*NAMES, "new_style")).styles == (("the_scream", 1.0),)


def test_a_button_of_a_model_with_more_styles_is_told():
    with pytest.raises(StyleSettingsError, match="Expected style settings such as"):
        StyleSettings.decode("7;100;s;;1280", NAMES)


def test_what_a_look_uses():
    style_settings = StyleSettings(styles=(("a", 1.0), ("b", 2.0)))

    assert style_settings.style_names == ("a", "b")
    assert replace(style_settings, regions=(("left", (("c", 1.0),)), ("right", (("c", 1.0),)))).style_names == ("c",)
    assert (StyleSettings(mask="#12").mask_message, StyleSettings(mask="left").mask_message) == (12, None)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(looks, st.dictionaries(st.text(max_size=8), documents, max_size=3))
def test_what_another_version_has_stored_beside_it_is_left_out(style_settings, more):
    document = json.loads(json.dumps({**more, **style_settings.to_dict()}))

    assert StyleSettings.from_dict(document) == style_settings
    assert Chat.from_dict({**more, "style_settings": document, "saw_styles": True}) == Chat(
        style_settings=style_settings, saw_styles=True
    )


@given(
    st.dictionaries(st.sampled_from(["style_settings", "saw_styles", "x"]), documents, max_size=3)
    | st.fixed_dictionaries(
        {"style_settings": st.dictionaries(st.sampled_from(list(StyleSettings().to_dict())), documents)}
    )
)
@example({"style_settings": {"strength": False}})
def test_no_chat_is_stuck_with_settings_that_cannot_be_read(document):
    chat = Chat.from_dict(document)

    assert chat.to_dict()
    assert StyleSettings.decode(chat.style_settings.encode(NAMES), NAMES).strength == chat.style_settings.strength


def test_an_order_of_another_version_is_read():
    order = Order(pictures=(Picture(file_id="a"),), style_settings=StyleSettings(strength=50))
    document = {**order.to_dict(), "new": 1, "pictures": [{"file_id": "a", "new": 2}]}

    assert Order.from_dict(document) == order
