"""How answers travel: albums in parts, large ones in turns, notes beside them."""

import time

import grpc
import pytest

import bot.answers
import bot.jobs
import bot.line
import bot.worker
from bot.texts import load_texts
from tests.bot.bot_api import BotApi, Fault, Person, buttons_of, photo_bytes
from tests.bot.in_process import BotThread

EN = load_texts("en")
pytestmark = pytest.mark.filterwarnings("ignore:Please use 'Bot.get_updates'")


@pytest.fixture
def chats(own_api, model, styles, tmp_path, new_person, monkeypatch):
    """Starts a bot and returns it, and people in chats of their own: (bot, person, other person)."""
    monkeypatch.setattr(bot.answers, "ALBUM_SECONDS", 0.3)
    running = []

    def start(**settings):
        running.append(BotThread(own_api, styles[1], tmp_path, **settings))
        return running[0].__enter__(), new_person(own_api), new_person(own_api)

    yield start
    for one in running:
        one.__exit__()


def sent_sizes(api: BotApi, person: Person):
    """How many pictures each message or album to a person had, in order."""
    sizes: dict[str, int] = {}
    for message in person.seen():
        if "photo" in message or "document" in message:
            sizes.setdefault(message.get("media_group_id", str(message["message_id"])), 0)
            sizes[message.get("media_group_id", str(message["message_id"]))] += 1
    return list(sizes.values())


def test_an_album_that_one_request_cannot_hold_comes_in_parts_and_each_photo_once(chats, own_api, model, monkeypatch):
    """Ten full-size PNGs are half a gigabyte. The server fails in between: what was sent is not sent again."""
    monkeypatch.setattr(bot.jobs, "FILE_MAX_BYTES", 0)
    _, person, _ = chats()
    model.faults = [None, None, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL]

    for seed in range(4):
        person.send_photo(photo_bytes(seed=seed), "scream" if seed == 0 else "", album="a")

    after = person.wait_for_text("The Scream: 4 paintings.", seconds=30)
    assert sent_sizes(own_api, person) == [1, 1, 1, 1]
    assert person.texts().count("The Scream · 100 %") == 1
    assert buttons_of(after)
    assert person.seen()[-1]["message_id"] == after["message_id"]


def test_the_parts_of_an_album_are_as_large_as_a_request_may_be(chats, own_api, monkeypatch):
    _, person, _ = chats()
    first = person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))
    size = len(own_api.file_of(own_api.messages[person.chat_id][first["message_id"]]))
    monkeypatch.setattr(bot.jobs, "FILE_MAX_BYTES", int(2.5 * size))

    for _ in range(5):
        person.send_photo(photo_bytes(), "scream", album="b")

    person.wait_for_text("The Scream: 5 paintings.")
    assert sent_sizes(own_api, person) == [1, 2, 2, 1]


@pytest.mark.parametrize(("small", "meanwhile"), [(2**20, True), (0, False)])
def test_only_while_a_small_answer_travels_is_the_next_photo_painted_in_its_place(
    chats, own_api, model, monkeypatch, small, meanwhile
):
    monkeypatch.setattr(bot.worker, "SMALL_DELIVERY", small)
    _, person, other = chats(concurrency=1)
    own_api.faults.append(Fault("editMessageMedia", chat_id=person.chat_id, status=200, seconds=2.0))

    first = person.send_photo(photo_bytes(), "scream")
    own_api.wait_for(lambda: any(call[0] == "encoded" for call in model.predictor.calls))
    model.predictor.calls.clear()
    other.wait_for_answer(other.send_photo(photo_bytes(), "wave"))
    answered_before = bool(person.answers_to(first))

    person.wait_for_answer(first)
    assert answered_before is not meanwhile


def test_notes_of_a_slow_chat_do_not_delay_those_of_others(chats, own_api, model, monkeypatch):
    monkeypatch.setattr(bot.line, "TOLD_AFTER", 0.2)
    _, person, other = chats(concurrency=1)
    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))  # so that there is an estimate
    own_api.faults.append(Fault("editMessageText", chat_id=person.chat_id, status=200, seconds=4.0))
    model.seconds = 3.0

    began = time.monotonic()
    sent = [(one, one.send_photo(photo_bytes(), "scream")) for one in (person, person, other)]

    other.wait_for_text("in line")
    assert time.monotonic() - began < 4.0
    model.seconds = 0.0
    for one, photo in sent:
        one.wait_for_answer(photo)


def test_a_note_never_covers_an_answer(chats, own_api):
    """The note was on its way first, and arrives late."""
    bot_thread, person, _ = chats()
    messenger = bot_thread.messenger
    message = bot_thread.run(messenger.say(person.chat_id, EN.painting))
    own_api.faults.append(Fault("editMessageText", chat_id=person.chat_id, status=200, seconds=0.5))

    async def both():
        import asyncio

        note = asyncio.create_task(messenger.note(person.chat_id, message, "Number 1 in line"))
        await asyncio.sleep(0)
        await messenger.edit_text(person.chat_id, message, EN.photo_gone)
        await note

    bot_thread.run(both())

    assert person.texts() == [EN.photo_gone]


def test_notes_leave_a_groups_messages_to_answers(chats, own_api, new_person):
    bot_thread, *_ = chats()
    group = new_person(own_api, chat_id=-77)
    messenger = bot_thread.messenger
    message = bot_thread.run(messenger.say(group.chat_id, EN.painting))

    for number in range(12):
        bot_thread.run(messenger.note(group.chat_id, message, f"Number {number} in line"))

    assert 1 <= own_api.count("editMessageText", chat_id=-77) < 9
    began = time.monotonic()
    bot_thread.run(messenger.say(group.chat_id, "an answer"))
    assert time.monotonic() - began < 2


def test_where_albums_have_one_photo_the_first_one_is_painted_and_that_is_told(chats):
    _, person, _ = chats(album_limit=1)

    sent = [person.send_photo(photo_bytes(seed=seed), "scream" if seed == 0 else "", album="c") for seed in range(3)]

    person.wait_for_answer(sent[0])
    assert EN.album_too_long.format(limit=1) in person.texts()
    assert sum("photo" in message for message in person.seen()) == 1


def test_an_album_that_goes_over_the_limit_is_refused_once_and_as_a_whole(chats):
    _, person, _ = chats(user_photos_per_hour=4)
    sent = person.send_photo(photo_bytes(), "scream")
    person.wait_for_answer(sent)
    refusal = EN.too_many_photos.format(limit=4, minutes=60)

    for seed in range(4):
        person.send_photo(photo_bytes(seed=seed), "scream", album="d")
    person.wait_for_text(refusal)
    person.say("/forget")  # which gives nobody another hour
    person.wait_for_text(EN.forgotten)
    for seed in range(4):
        person.send_photo(photo_bytes(seed=seed), "scream", album="e")
    person.api.wait_for(lambda: person.texts().count(refusal) == 2)
    for seed in range(3):
        person.send_photo(photo_bytes(seed=seed), "scream", album="f")

    person.wait_for_text("The Scream: 3 paintings.")
    assert person.texts().count(refusal) == 2


def test_a_gallery_of_many_styles_is_turned_page_by_page(chats, own_api, model):
    from dataclasses import replace

    from tests.fakes import thumbnail
    from tfstyle.catalog import Style

    whole = model.predictor.catalog
    more = tuple(Style(f"style_{n}", f"Style {n}", "A", "1900", thumbnail((9 * n, 99, 99))) for n in range(11))
    model.predictor.catalog = replace(whole, styles=(*whole.styles, *more))
    try:
        _, person, _ = chats()
        person.say("/styles")
        gallery = person.wait_for_text(EN.choose_style)
        first = person.painting(gallery).tobytes()
        assert [button["text"] for button in buttons_of(gallery)][-1] == "2/2 ▶"

        person.press(gallery, "2/2")
        own_api.wait_for(lambda: "Style 10" in str(person.seen()))
        assert person.painting(gallery).tobytes() != first
        person.press(gallery, "Style 10")
        person.wait_for_text("Style: Style 10. Now send a photo.")
        own_api.wait_for(lambda: "✓ Style 10" in str(person.seen()))
        person.press(gallery, "1/2")

        own_api.wait_for(lambda: "Kanagawa" in str(buttons_of(person.seen()[0])))
        assert len([one for one in person.seen() if "photo" in one]) == 1
    finally:
        model.predictor.catalog = whole
