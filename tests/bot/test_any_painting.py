"""Any painting in the chat: it becomes a style of whoever sent it, whose photos are painted so, and to be shared.

The fake model's style of a painting is its mean colour.
"""

import io

import numpy as np
import pytest
from PIL import Image

from bot.conversation.own_styles import MAX_OWN_STYLES, new_key
from bot.storage.stored_style import StoredStyle
from bot.texts import LANGUAGES, load_texts
from testing.bot_api import BotApi, Person, buttons_of, photo_bytes
from testing.bot_thread import BotThread
from testing.fake_model import COLOURS
from testing.style_server import style_server
from tfstyle.contract import style_file
from tfstyle.contract.style_vector import StyleVector

EN = load_texts("en")
RED, GREEN = (200, 40, 40), (30, 160, 60)


def painting(colour=RED, size=(96, 80)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def any_styles():
    with style_server(any_painting=True) as running:
        yield running


@pytest.fixture(scope="module")
def any_bot(any_styles, tmp_path_factory):
    with BotApi() as api, BotThread(api, any_styles[1], tmp_path_factory.mktemp("any")) as bot:
        api.limits = False
        yield api, bot


@pytest.fixture
def friend(any_bot, new_person) -> Person:
    """Somebody who talks to a bot whose model takes any painting."""
    return new_person(any_bot[0])


def mean(person, message):
    return np.asarray(person.painting(message).convert("RGB"), float).mean((0, 1))


def made(person, colour=RED, number=1):
    """A style made of a painting of one colour."""
    person.say("/style", reply_to=person.send_file(painting(colour)))
    return person.wait_for_text(EN.style_made.format(title=EN.own_style.format(number=number)))


def chosen(person, title="My style 1"):
    """The menu of one's own style."""
    person.say("/mystyles")
    menu = person.wait_for_text(EN.your_styles)
    person.press(menu, title)
    person.api.wait_for(lambda: EN.button_delete in texts_of(person, menu))
    return menu


def texts_of(person, message):
    now = person.api.messages[person.chat_id][message["message_id"]]
    return [button["text"] for button in buttons_of(now)]


def test_a_painting_replied_to_with_style_is_the_style_of_the_photos_to_come(friend):
    made(friend)

    answer = friend.wait_for_answer(friend.send_photo(photo_bytes()))

    np.testing.assert_allclose(mean(friend, answer), RED, atol=6)
    assert answer["caption"] == "My style 1 · 100 %"


def test_a_photo_that_answers_a_painting_with_style_is_painted_at_once(friend):
    sent = friend.send_photo(photo_bytes(), "/style", reply_to=friend.send_file(painting(GREEN)))

    np.testing.assert_allclose(mean(friend, friend.wait_for_answer(sent)), GREEN, atol=6)


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("1 in the style of 2", GREEN),
        ("2 in the style of 1", RED),
        ("1 im Stil von 2", GREEN),
        ("1 en el estilo de 2", GREEN),
    ],
)
def test_an_album_of_two_is_one_in_the_style_of_the_other(friend, caption, expected):
    first = friend.send_photo(painting(RED), caption, album=f"two {caption}")
    friend.send_photo(painting(GREEN), album=f"two {caption}")

    np.testing.assert_allclose(mean(friend, friend.wait_for_answer(first)), expected, atol=6)


def test_an_album_of_three_is_told_that_two_are_needed(friend):
    for number in range(3):
        friend.send_photo(painting(), "1 in the style of 2" if number == 0 else "", album="three")

    friend.wait_for_text(EN.album_of_two)


def test_the_button_under_a_painting_makes_a_style_of_its_photo(friend):
    answer = friend.wait_for_answer(friend.send_photo(painting(GREEN), "scream"))

    friend.press(answer, EN.button_take)
    friend.wait_for_text(EN.style_made.format(title="My style 1"))
    answer = friend.wait_for_answer(friend.send_photo(photo_bytes()))

    np.testing.assert_allclose(mean(friend, answer), GREEN, atol=6)


def test_buttons_and_captions_work_with_styles_of_ones_own(friend):
    made(friend, RED)
    answer = friend.wait_for_answer(friend.send_photo(photo_bytes()))

    friend.press(answer, EN.button_weaker)
    friend.api.wait_for(lambda: any("My style 1 · 80 %" in text for text in friend.texts()))
    sent = friend.send_photo(photo_bytes(), "my style 1 and scream")
    answer = friend.wait_for_answer(sent)

    assert answer["caption"].startswith("My style 1 50 % + The Scream 50 %")
    expected = (np.array(RED) + np.array(COLOURS["the_scream"])) / 2
    np.testing.assert_allclose(mean(friend, answer), expected, atol=6)


def test_mystyles_shows_them_with_thumbnails_and_renames_and_deletes(friend):
    friend.say("/mystyles")
    friend.wait_for_text(EN.no_own_styles)
    made(friend, RED)
    menu = chosen(friend)
    assert "photo" in menu

    friend.press(menu, EN.button_rename)
    friend.wait_for_text(EN.new_title.format(title="My style 1"))
    friend.say("The  Kiss")
    friend.wait_for_text(EN.style_renamed.format(title="The Kiss"))
    answer = friend.wait_for_answer(friend.send_photo(photo_bytes(), "kiss"))
    assert answer["caption"] == "The Kiss · 100 %"

    friend.press(menu, EN.button_delete)
    friend.api.wait_for(lambda: not texts_of(friend, menu))
    answer = friend.wait_for_answer(friend.send_photo(photo_bytes()))
    assert answer["caption"] == "The Starry Night · 100 %"


def test_a_shared_style_is_a_file_that_gives_whoever_sends_it_the_style(friend, any_bot, new_person):
    made(friend, GREEN)
    friend.press(chosen(friend), EN.button_share)
    shared = friend.wait_for_text(EN.shared_style.format(title="My style 1"))
    data = any_bot[0].file_of(shared)
    assert style_file.from_bytes(data).title == "My style 1"

    other = new_person(any_bot[0])
    other.send_file(data, mime_type="application/octet-stream", file_name="kiss.style")
    other.wait_for_text(EN.style_made.format(title="My style 1"))

    answer = other.wait_for_answer(other.send_photo(photo_bytes()))
    np.testing.assert_allclose(mean(other, answer), GREEN, atol=6)


def test_a_style_is_its_owners_to_change_whatever_a_button_says(friend, any_bot, new_person):
    made(friend, RED)
    menu = chosen(friend)
    delete = next(
        button["callback_data"]
        for button in buttons_of(friend.api.messages[friend.chat_id][menu["message_id"]])
        if button["text"] == EN.button_delete
    )
    stranger = new_person(any_bot[0])
    stranger.say("/settings")

    stranger.press_data(stranger.wait_for_text("Strength:"), delete)

    stranger.api.wait_for(lambda: stranger.api.count("answerCallbackQuery", error=0))
    friend.say("/mystyles")
    assert friend.wait_for_answer(friend.send_photo(photo_bytes()))["caption"] == "My style 1 · 100 %"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"{", EN.style_file_unfit),
        (b'{"format": "tfstyle style", "version": 1, "vector": "AAA"}', EN.style_file_unfit),
        (b"", EN.style_file_unfit),
    ],
)
def test_what_is_no_style_file_is_refused_in_a_sentence(friend, data, sentence):
    friend.send_file(data, mime_type="application/octet-stream", file_name="a.style")

    friend.wait_for_text(sentence)


def test_a_style_file_of_another_model_is_refused_in_a_sentence(friend):
    other = StyleVector(np.ones(3), "fedcba9876543210")

    friend.send_file(style_file.to_bytes(other), mime_type="application/octet-stream", file_name="a.style")

    friend.wait_for_text(EN.style_of_other_model)


def test_a_style_of_before_a_new_model_is_told_to_be_made_anew(friend, any_styles):
    made(friend, RED)
    model = any_styles[0]
    model.version, model.predictor.trunk = 2, "fedcba9876543210"
    try:
        friend.send_photo(photo_bytes())
        friend.wait_for_text(EN.style_of_other_model)
    finally:
        model.version, model.predictor.trunk = 3, "0123456789abcdef"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (painting(size=(30, 90)), EN.style_image_unfit),
        (painting(size=(1000, 70)), EN.style_image_unfit),
        (b"%PDF-1.7", EN.photo_unreadable),
    ],
)
def test_what_is_no_painting_is_refused_in_a_sentence(friend, data, sentence):
    friend.say("/style", reply_to=friend.send_file(data, mime_type="application/octet-stream", file_name="a"))

    friend.wait_for_text(sentence)


def test_there_are_no_more_styles_than_fit_one_picture(friend, any_bot):
    file = style_file.to_bytes(StyleVector(np.ones(3), "0123456789abcdef"))
    shelf, user_id = any_bot[1].shelf, friend.user["id"]
    for number in range(MAX_OWN_STYLES):
        style = StoredStyle(key=new_key(), title=f"Style {number}", file=file)
        assert any_bot[1].run(shelf.put(user_id, style))

    friend.say("/style", reply_to=friend.send_file(painting()))

    friend.wait_for_text(EN.own_styles_full.format(limit=MAX_OWN_STYLES))
    assert not any_bot[1].run(shelf.put(user_id, StoredStyle(key=new_key(), title="One more", file=file)))


def test_a_style_that_is_deleted_while_its_photo_waits_is_told_in_a_sentence(friend, any_bot, any_styles):
    made(friend, RED)
    menu = chosen(friend)
    _, bot = any_bot
    key = next(iter(bot.run(bot.shelf.titles(friend.user["id"]))))
    any_styles[0].seconds = 1.0
    try:
        for _ in range(3):  # no more than two of one user's are painted at once
            friend.send_photo(photo_bytes())
        bot.run(bot.shelf.delete(friend.user["id"], key))
        friend.wait_for_text(EN.own_style_gone)
    finally:
        any_styles[0].seconds = 0.0
    assert menu


def test_what_is_kept_is_a_vector_and_a_thumbnail_and_not_the_painting(friend, any_bot):
    made(friend)
    user_id, bot = friend.user["id"], any_bot[1]
    (stored,) = bot.run(bot.shelf.get(tuple(bot.run(bot.shelf.titles(user_id))))).values()
    style = style_file.from_bytes(stored.file)

    assert (style.name, style.title, style.artist) == ("my_style_1", "My style 1", "")
    assert max(Image.open(io.BytesIO(style.thumbnail)).size) <= 160
    assert len(stored.file) < 10_000


def test_forget_deletes_them(friend, any_bot):
    made(friend)
    friend.say("/forget")
    friend.wait_for_text("Forgotten")
    _, bot = any_bot

    any_bot[0].wait_for(lambda: not bot.run(bot.shelf.titles(friend.user["id"])))


def test_a_model_without_an_encoder_says_so_in_a_sentence_and_has_no_button(person):
    person.say("/style", reply_to=person.send_file(painting()))
    person.wait_for_text(EN.no_any_painting)

    answer = person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))
    assert EN.button_take not in texts_of(person, answer)


@pytest.mark.parametrize("language", LANGUAGES)
def test_privacy_tells_of_styles(language):
    assert any(word in load_texts(language).privacy for word in ("styles", "Stile", "estilos"))
