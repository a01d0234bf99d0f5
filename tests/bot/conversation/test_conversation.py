"""Events in, actions out, without anything around them."""

from dataclasses import replace

import pytest

from bot.conversation import keyboards
from bot.conversation.conversation import Conversation, Limits
from bot.conversation.events import (
    AnswerPress,
    CancelAll,
    ChangeKeyboard,
    Chat,
    ForgetChat,
    Message,
    Order,
    Paint,
    Picture,
    Press,
    Remember,
    Replied,
    Result,
    Say,
    ShowStats,
    ShowStyles,
)
from bot.conversation.style_settings import StyleSettings
from bot.texts import load_texts
from testing.fake_model import CATALOG
from tfstyle.contract.catalog import Catalog, Style

EN = load_texts("en")
PHOTO = Picture(file_id="photo", width=640, height=480, file_size=1000)
TALK = Conversation(CATALOG, limits=Limits(max_file_bytes=10**6, max_pixels=10**6), languages=("en", "de"))


def message(text="", **options):
    return Message(chat_id=1, user_id=1, message_id=10, text=text, **options)


def press(data, *, pictures=(PHOTO,)):
    replied = Replied(message_id=10, pictures=pictures) if pictures is not None else None
    return Press(press_id="p", chat_id=1, user_id=1, message_id=20, data=data, reply_to=replied)


def kinds(actions):
    return [type(action) for action in actions]


def test_a_first_photo_is_painted_and_the_gallery_follows_once():
    chat, actions = TALK.hear(message(picture=PHOTO), Chat())
    again, later = TALK.hear(message(picture=PHOTO), chat)

    assert kinds(actions) == [Paint, ShowStyles]
    assert kinds(later) == [Paint]
    assert chat == again == Chat(saw_styles=True)
    assert actions[0].order == Order(pictures=(PHOTO,), style_settings=StyleSettings(), reply_to=10)


def test_an_album_brings_no_gallery_whose_buttons_would_paint_one_of_its_photos():
    assert kinds(TALK.hear(message(picture=PHOTO, album="a"), Chat())[1]) == [Paint]


def test_a_caption_is_for_its_photo_only():
    chat, actions = TALK.hear(message("scream strength 50", picture=PHOTO), Chat())

    assert actions[0].order.style_settings == StyleSettings(styles=(("the_scream", 1.0),), strength=50)
    assert chat == Chat()


@pytest.mark.parametrize("picture", [replace(PHOTO, file_size=10**6 + 1), replace(PHOTO, width=1001, height=1000)])
@pytest.mark.parametrize("options", [{}, {"reply_to": Replied(message_id=5, pictures=(PHOTO,))}])
def test_what_is_too_large_is_never_painted(picture, options):
    _, actions = TALK.hear(message(picture=picture, **options), Chat())

    assert kinds(actions) == [Say]


def test_a_picture_in_reply_to_a_photo_becomes_its_mask():
    photo = replace(PHOTO, file_id="older")
    _, actions = TALK.hear(message(picture=PHOTO, reply_to=Replied(message_id=5, pictures=(photo,))), Chat())

    assert actions[0] == Remember(message=Replied(message_id=10, pictures=(PHOTO,)))
    assert (actions[1].order.pictures, actions[1].order.style_settings.mask_message, actions[1].order.reply_to) == (
        (photo,), 10, 5,
    )  # fmt: skip


def test_what_is_not_addressed_to_the_bot_is_not_answered():
    for heard in (message("hello"), message(picture=PHOTO), message(command="nothing")):
        assert TALK.hear(replace(heard, addressed=False, group=True), Chat()) == (Chat(), [])


@pytest.mark.parametrize(
    ("command", "action"), [("cancel", CancelAll), ("forget", ForgetChat), ("styles", ShowStyles), ("start", Say)]
)
def test_commands_become_actions(command, action):
    assert kinds(TALK.hear(message(command=command), Chat())[1]) == [action]


def test_stats_are_for_admins():
    conversation = Conversation(CATALOG, admins=frozenset({1}))

    assert kinds(conversation.hear(message(command="stats"), Chat())[1]) == [ShowStats]
    assert kinds(TALK.hear(message(command="stats"), Chat())[1]) == [Say]


@pytest.mark.parametrize(
    ("action", "result", "size", "repaints"),
    [
        (keyboards.REPAINT, Result.PHOTO, 1280, True),
        (keyboards.PAINT, Result.PHOTO, 1280, False),
        (keyboards.COMPARE, Result.COMPARISON, 1280, False),
        (keyboards.FILE, Result.FILE, 0, False),
    ],
)
def test_buttons_become_orders(action, result, size, repaints):
    _, actions = TALK.press(press(f"{action}:1;80;k;l;1280"), Chat())

    order = actions[1].order
    assert kinds(actions) == [AnswerPress, Paint]
    assert (order.result, order.style_settings.size, order.repaints, order.target) == (
        result,
        size,
        repaints,
        20 * repaints,
    )
    assert order.style_settings == StyleSettings(
        styles=(("the_scream", 1.0),), strength=80, keep_colors=True, mask="left", size=size
    )


def test_only_a_style_chosen_by_button_is_kept_for_the_next_photo():
    repainted, _ = TALK.press(press("r:1;80;k;l;1280"), Chat())
    chosen, _ = TALK.press(press("p:1;80;k;l;1280"), Chat())

    assert repainted == Chat()
    assert chosen == Chat(style_settings=StyleSettings(styles=(("the_scream", 1.0),)))


def test_style_alone_in_reply_to_words_shows_the_styles():
    """In a topic of a forum, every message is a reply to the one that opened it."""
    _, actions = TALK.hear(message(command="style", addressed=True, reply_to=Replied(message_id=3)), Chat())

    assert kinds(actions) == [ShowStyles]


def test_a_style_of_a_gallery_without_a_photo_is_chosen_and_marked():
    chosen, actions = TALK.press(
        press("g:1;80;k;l;1280", pictures=None), Chat(style_settings=StyleSettings(strength=40))
    )

    assert chosen == Chat(style_settings=StyleSettings(styles=(("the_scream", 1.0),), strength=40))
    assert kinds(actions) == [AnswerPress, Say, ChangeKeyboard]
    assert "✓ The Scream" in str(actions[2].keyboard)


@pytest.mark.parametrize("action", [keyboards.PAINT, keyboards.REPAINT, keyboards.COMPARE, keyboards.FILE])
@pytest.mark.parametrize("pictures", [None, ()])
def test_a_button_whose_photo_is_not_known_says_so_and_chooses_nothing(action, pictures):
    chat, actions = TALK.press(press(f"{action}:1;80;k;l;1280", pictures=pictures), Chat())

    assert (chat, actions) == (Chat(), [AnswerPress(press_id="p", text=EN.photo_gone)])


MANY = Conversation(
    Catalog(tuple(Style(f"style_{n}", f"Style {n}", "A", "1900") for n in range(25)), 10**6), languages=("en",)
)


@pytest.mark.parametrize("menu", [keyboards.STYLES, keyboards.BLEND])
def test_many_styles_under_a_painting_are_on_pages(menu):
    _, actions = MANY.press(press(f"{menu}1:0;100;s;;1280"), Chat())

    labels = [[button.text for button in row] for row in actions[1].keyboard]
    assert [text for row in labels[:-2] for text in row] == [f"Style {n}" for n in range(9, 18)]
    assert labels[-2:] == [["◀ 1/3", "3/3 ▶"], [EN.button_back]]


def test_a_gallery_is_turned_in_its_message_and_its_buttons_stay_for_what_they_were():
    for menu, action in ((keyboards.PICKER, "p:"), (keyboards.CHOOSER, "g:")):
        _, actions = MANY.press(press(f"{menu}2:0;100;s;;1280"), Chat())
        shown = actions[1]
        assert (len(shown.styles), shown.turns) == (7, 20)
        assert [button.text for row in shown.keyboard[:-1] for button in row] == [f"Style {n}" for n in range(18, 25)]
        assert all(button.data.startswith(action) for row in shown.keyboard[:-1] for button in row)


def test_a_page_that_a_smaller_model_no_longer_has_is_its_last_one():
    _, actions = TALK.press(press("s7:0;100;s;;1280"), Chat())

    assert "✓ The Starry Night" in str(actions[1].keyboard)


@pytest.mark.parametrize("action", [keyboards.STYLES, keyboards.BLEND, keyboards.PLACE_MENU, keyboards.BACK])
def test_menus_change_the_keyboard(action):
    _, actions = TALK.press(press(f"{action}:1;80;k;l;1280"), Chat())

    assert kinds(actions) == [AnswerPress, ChangeKeyboard]
    assert actions[1].keyboard


def test_an_albums_buttons_paint_all_of_it_as_a_new_album():
    pictures = (PHOTO, replace(PHOTO, file_id="second"))
    _, actions = TALK.press(press("r:1;80;s;;1280", pictures=pictures), Chat())

    assert actions[1].order.pictures == pictures
    assert not actions[1].order.repaints


@pytest.mark.parametrize(
    "data", ["", "q:0;100;s;;1280", "sx:0;100;s;;1280", "s-1:0;100;s;;1280", "r:99;100;s;;1280", "r:", "nonsense"]
)
def test_a_button_that_is_not_understood_says_so(data):
    assert TALK.press(press(data), Chat())[1] == [AnswerPress(press_id="p", text=EN.old_button)]


def test_an_order_survives_the_database():
    order = Order(
        pictures=(PHOTO,), style_settings=StyleSettings(styles=(("a", 2.0),)), result=Result.FILE, target=7, album="x"
    )

    assert Order.from_dict(order.to_dict()) == order
    assert Chat.from_dict(Chat(style_settings=StyleSettings(mask="left")).to_dict()) == Chat(
        style_settings=StyleSettings(mask="left")
    )
