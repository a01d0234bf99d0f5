"""Styles of somebody's own: how settings, buttons and captions name them, without a bot around it."""

import re

import pytest

from bot.conversation import keyboards
from bot.conversation.captions import Vocabulary, style_of_album
from bot.conversation.conversation import Conversation
from bot.conversation.events import Chat, Message, Order, Paint, Picture, Press, RenameStyle, Replied, Say, StyleOrder
from bot.conversation.own_styles import MAX_OWN_STYLES, OwnStyle, new_key
from bot.conversation.style_settings import StyleSettings, StyleSettingsError
from bot.texts import load_texts
from testing.fake_model import CATALOG

EN = load_texts("en")
KISS = OwnStyle(key="k3j7x2m4qa", title="The Kiss")
TALK = Conversation(CATALOG, own_styles=[KISS], any_painting=True)
OF_KISS = StyleSettings(styles=((KISS.name, 1.0),))


def message(text="", **options):
    return Message(chat_id=1, user_id=1, message_id=10, text=text, **options)


def test_keys_are_many_and_different():
    assert all(re.fullmatch(r"[a-z2-7]{10}", key) for key in {new_key() for _ in range(100)})
    assert len({new_key() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "style_settings",
    [
        OF_KISS,
        StyleSettings(styles=((KISS.name, 60.0), ("the_scream", 40.0)), strength=70),
        StyleSettings(regions=(("left", ((KISS.name, 1.0),)), ("right", (("the_scream", 1.0),)))),
    ],
)
def test_buttons_hold_them_by_their_keys(style_settings):
    text = style_settings.encode(CATALOG.names)

    assert len(text) < keyboards.MAX_DATA_BYTES
    assert StyleSettings.decode(text, CATALOG.names) == style_settings
    assert style_settings.own_keys == (KISS.key,)


@pytest.mark.parametrize("text", ["~", "~K3J7X2M4QA", "~k3j7x2m4q", "~k3j7x2m4qa0", "~../../etc"])
def test_a_forged_key_is_no_key(text):
    with pytest.raises(StyleSettingsError):
        StyleSettings.decode(text, CATALOG.names)


def test_captions_know_them_by_their_titles_and_not_by_their_keys():
    vocabulary = Vocabulary([*CATALOG, KISS.as_style()])

    assert vocabulary.read_caption("kiss 60 scream 40").styles == ((KISS.name, 60.0), ("the_scream", 40.0))
    assert vocabulary.read("own k j").styles is None


@pytest.mark.parametrize(
    ("caption", "style"),
    [
        ("1 in the style of 2", 2),
        ("2 in the style of 1, please", 1),
        ("1 im Stil von 2", 2),
        ("La 2 en el estilo de la 1", 1),
        ("1 in the style of 1", 0),
        ("12 in the style of 2", 0),
        ("style 1 2", 0),
        ("my style 2", 0),
        ("the scream", 0),
        ("", 0),
    ],
)
def test_the_caption_of_an_album_says_which_photo_is_the_style(caption, style):
    assert style_of_album(caption) == style


def test_a_new_title_is_what_is_written_next_unless_that_is_a_command():
    press = Press(press_id="1", chat_id=1, user_id=1, message_id=5, data=f"e:{OF_KISS.encode(())}")
    chat, _ = TALK.press(press, Chat())
    assert chat.renaming == KISS.key

    renamed, actions = TALK.hear(message("  Klimt's  best "), chat)
    kept, others = TALK.hear(message(command="settings"), chat)

    assert actions[0] == RenameStyle(key=KISS.key, title="Klimt's best")
    assert renamed.renaming == kept.renaming == ""
    assert not [action for action in others if isinstance(action, RenameStyle)]


def test_somebody_elses_style_has_a_title_of_its_own_and_no_menu():
    nobody = Conversation(CATALOG, any_painting=True)
    press = Press(press_id="1", chat_id=1, user_id=2, message_id=5, data=f"d:{OF_KISS.encode(())}")

    assert nobody.style_text(OF_KISS, EN) == EN.somebodys_style
    assert [action.text for action in nobody.press(press, Chat())[1]] == [EN.own_style_gone]


def test_they_are_shown_in_the_chat_with_the_bot_only():
    assert TALK.hear(message(command="mystyles", group=True), Chat())[1] == [Say(text=EN.own_in_private, reply_to=10)]


def test_full_is_told_before_anything_is_fetched():
    full = TALK.with_own_styles([OwnStyle(key=new_key(), title=str(number)) for number in range(MAX_OWN_STYLES)])
    painting = Replied(message_id=3, pictures=(Picture(file_id="p"),))

    _, (said,) = full.hear(message(command="style", reply_to=painting), Chat())

    assert said == Say(text=EN.own_styles_full.format(limit=MAX_OWN_STYLES), reply_to=10)


def test_two_presses_for_one_photo_are_the_same_order_and_orders_travel_as_json():
    photo = Replied(message_id=3, pictures=(Picture(file_id="p", width=9, height=9),))
    press = Press(press_id="1", chat_id=1, user_id=1, message_id=5, data="t:0;100;s;;1280", reply_to=photo)

    orders = [action.order for _ in range(2) for action in TALK.press(press, Chat())[1] if isinstance(action, Paint)]

    assert orders[0] != orders[1]
    assert orders[0].dedup_key == orders[1].dedup_key
    assert Order.from_dict(orders[0].to_dict()) == orders[0]
    assert isinstance(orders[0].new_style, StyleOrder)
    assert orders[0].photos == 1
