"""How answers travel: albums in parts, large ones in turns, notes beside them."""

import sqlite3
import time
from dataclasses import replace

import grpc
import pytest

import bot.work.answers
from bot.app import BotTimings
from bot.conversation.failures import RetryPolicy
from bot.telegram_api.messenger import MessengerTimings
from bot.texts import load_texts
from bot.work.position_notifier import NotifierTimings
from testing.bot_api import BotApi, Fault, Person, buttons_of, photo_bytes
from testing.bot_thread import BotThread

EN = load_texts("en")
pytestmark = pytest.mark.filterwarnings("ignore:Please use 'Bot.get_updates'")

QUICK = BotTimings(album_seconds=0.3)
IMPATIENT = replace(QUICK, messenger=MessengerTimings(give_up=0.2, longest_wait=0.5), policy=RetryPolicy(give_up=1.0))
PAINTED_BYTES = 714  # of photo_bytes() as the double stylizes it


@pytest.fixture
def chats(own_api, model, styles, tmp_path, new_person):
    """Starts a bot and returns it, and people in chats of their own: (bot, person, other person)."""
    running = []

    def start(*, timings=QUICK, **settings):
        running.append(BotThread(own_api, styles[1], tmp_path, timings=timings, **settings))
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


def painted(model):
    """How many pictures were painted since the list was cleared."""
    return sum(call[0] == "encoded" for call in model.predictor.calls)


def test_an_album_that_one_request_cannot_hold_comes_in_parts_and_each_photo_once(chats, own_api, model):
    """Ten full-size PNGs are half a gigabyte. The server fails in between: what was sent is not sent again."""
    _, person, _ = chats(timings=replace(QUICK, part_max_bytes=0))
    model.faults = [None, None, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL]

    for seed in range(4):
        person.send_photo(photo_bytes(seed=seed), "scream" if seed == 0 else "", album="a")

    after = person.wait_for_text("The Scream: 4 paintings.", seconds=30)
    assert sent_sizes(own_api, person) == [1, 1, 1, 1]
    assert person.texts().count("The Scream · 100 %") == 1
    assert buttons_of(after)
    assert person.seen()[-1]["message_id"] == after["message_id"]


def test_the_parts_of_an_album_are_as_large_as_a_request_may_be(chats, own_api):
    _, person, _ = chats(timings=replace(QUICK, part_max_bytes=int(2.5 * PAINTED_BYTES)))
    first = person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))
    size = len(own_api.file_of(own_api.messages[person.chat_id][first["message_id"]]))
    assert 2 * size <= 2.5 * PAINTED_BYTES < 3 * size

    for _ in range(5):
        person.send_photo(photo_bytes(), "scream", album="b")

    person.wait_for_text("The Scream: 5 paintings.")
    assert sent_sizes(own_api, person) == [1, 2, 2, 1]


@pytest.mark.parametrize(("small", "meanwhile"), [(2**20, True), (0, False)])
def test_only_while_a_small_answer_travels_is_the_next_photo_painted_in_its_place(
    chats, own_api, model, small, meanwhile
):
    _, person, other = chats(timings=replace(QUICK, small_delivery=small), concurrency=1)
    own_api.faults.append(Fault("editMessageMedia", chat_id=person.chat_id, status=200, seconds=2.0))

    first = person.send_photo(photo_bytes(), "scream")
    own_api.wait_for(lambda: any(call[0] == "encoded" for call in model.predictor.calls))
    model.predictor.calls.clear()
    other.wait_for_answer(other.send_photo(photo_bytes(), "wave"))
    answered_before = bool(person.answers_to(first))

    person.wait_for_answer(first)
    assert answered_before is not meanwhile


def test_notes_of_a_slow_chat_do_not_delay_those_of_others(chats, own_api, model):
    _, person, other = chats(timings=replace(QUICK, notifier=NotifierTimings(after=0.2)), concurrency=1)
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

    from testing.fake_model import thumbnail
    from tfstyle.contract.catalog import Style

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


def test_a_chat_that_telegram_wants_to_hear_nothing_about_does_not_hold_up_the_others(chats, own_api):
    _, person, other = chats(concurrency=1, user_concurrency=1)
    asks = {"status": 429, "description": "Too Many Requests: retry after 6", "parameters": {"retry_after": 6}}
    own_api.faults.append(Fault("sendMessage", chat_id=person.chat_id, **asks))
    sent = [person.send_photo(photo_bytes(seed=seed), "scream") for seed in range(2)]
    own_api.wait_for(lambda: own_api.count("sendMessage", chat_id=person.chat_id, error=429))
    began = time.monotonic()

    other.wait_for_answer(other.send_photo(photo_bytes(), "wave"))

    assert time.monotonic() - began < 5
    assert not person.seen()
    for photo in sent:
        person.wait_for_answer(photo)
    calls = [call for call in own_api.calls if call.chat_id == person.chat_id]
    assert calls[1].at - calls[0].at >= 6


def test_photos_of_a_chat_that_has_to_wait_are_not_painted_meanwhile(chats, own_api, model):
    """They would keep their places among those that paint until they can be delivered."""
    thread, person, other = chats(concurrency=1)
    model.predictor.calls.clear()
    model.seconds = 1.0
    sent = [person.send_photo(photo_bytes(seed=seed), "scream") for seed in range(2)]
    own_api.wait_for(lambda: model.painting == 1 and person.texts() == [EN.painting] * 2)
    thread.messenger._flood_control.pause(8, person.chat_id)
    model.seconds = 0.0

    other.wait_for_answer(other.send_photo(photo_bytes(), "wave"))

    assert painted(model) == 2  # the first, and this one
    for photo in sent:
        person.wait_for_answer(photo)


def test_what_telegram_does_not_take_for_long_is_handed_back_and_does_not_hold_up_others(chats, own_api):
    patient = MessengerTimings(give_up=1.0, longest_wait=5.0)
    # Nothing is small, so that it keeps its place among those that are stylized.
    _, person, other = chats(timings=replace(QUICK, small_delivery=0, messenger=patient), concurrency=1)
    own_api.faults.append(Fault("editMessageMedia", chat_id=person.chat_id, times=5, status=500))

    sent = person.send_photo(photo_bytes(), "scream")
    own_api.wait_for(lambda: own_api.count("editMessageMedia", chat_id=person.chat_id) == 2)
    other.wait_for_answer(other.send_photo(photo_bytes(), "wave"))

    assert not person.answers_to(sent)
    person.wait_for_answer(sent)
    assert len(person.seen()) == 1


def test_what_telegram_never_takes_is_given_up_with_a_reason_in_the_log(chats, own_api, caplog):
    thread, person, _ = chats(timings=IMPATIENT)
    own_api.faults.append(Fault("editMessageMedia", chat_id=person.chat_id, times=10**6, status=500))

    person.send_photo(photo_bytes(), "scream")

    person.wait_for_text(EN.internal_error)
    assert thread.run(thread.store.unfinished(person.chat_id)) == []
    given_up = next(record for record in caplog.records if record.message == "a task is given up")
    assert "Telegram did not take its answer: " in given_up.reason


def test_an_answer_that_telegram_never_takes_does_not_keep_the_chats_next_ones(chats, own_api, caplog):
    _, person, _ = chats(timings=IMPATIENT)
    fault = Fault("sendMessage", chat_id=person.chat_id, times=10**6, status=500)
    own_api.faults.append(fault)

    person.say("/help")
    own_api.wait_for(lambda: "a task is given up" in caplog.text)
    fault.times = 0
    person.say("/settings")

    person.wait_for_text("Strength")


def test_a_photo_is_painted_while_its_gallery_still_travels(chats, own_api):
    _, person, _ = chats()
    own_api.faults.append(Fault("sendPhoto", chat_id=person.chat_id, status=200, seconds=3.0))

    began = time.monotonic()
    answer = person.wait_for_answer(person.send_photo(photo_bytes()))

    assert time.monotonic() - began < 3.0
    gallery = person.wait_for_text(EN.choose_style)
    assert gallery["message_id"] > answer["message_id"]  # below the painting, however late it comes


def test_photos_of_an_album_that_come_late_are_painted_as_the_others(chats):
    _, person, _ = chats()
    for seed in range(2):
        person.send_photo(photo_bytes(seed=seed), "scream 60%" if seed == 0 else "", album="late")
    person.wait_for_text("The Scream: 2 paintings.")

    for seed in range(3):
        person.send_photo(photo_bytes(seed=seed), album="late")

    person.wait_for_text("The Scream: 3 paintings.")
    assert person.texts().count("The Scream · 60 %") == 2


def test_an_album_whose_rest_comes_after_a_restart_is_one_album(chats, own_api, styles, tmp_path):
    """Its time is over when the bot starts again, and its other photos are still at Telegram."""
    timings = BotTimings(album_seconds=2.0)
    person = Person(own_api, 1)
    with BotThread(own_api, styles[1], tmp_path, timings=timings):
        for seed in range(2):
            person.send_photo(photo_bytes(seed=seed), "scream" if seed == 0 else "", album="cut")

        def gathered():
            with sqlite3.connect(tmp_path / "bot.db") as database:
                return database.execute("SELECT photos FROM tasks WHERE kind = 'album'").fetchall()

        own_api.wait_for(lambda: gathered() == [(2,)])
    for seed in range(2, 4):
        person.send_photo(photo_bytes(seed=seed), album="cut")
    time.sleep(2.0)

    own_api.faults.append(Fault("getUpdates", status=200, seconds=1.0))  # Telegram takes its time
    with BotThread(own_api, styles[1], tmp_path, timings=timings):
        person.wait_for_text("The Scream: 4 paintings.")

    assert len([message for message in person.seen() if "media_group_id" in message]) == 4


def test_in_a_forum_everything_is_answered_in_its_topic(chats, own_api, new_person):
    own_api.limits = False
    fast = MessengerTimings(group=(100, 1.0))  # more than a group may get in a minute
    chats(timings=replace(QUICK, messenger=fast))
    person = new_person(own_api, chat_id=-1000000000077, thread=5)
    person.say("/styles@paint_test_bot")
    gallery = person.wait_for_text(EN.choose_style)
    person.press(gallery, "The Scream")
    person.wait_for_text("Style: The Scream. Now send a photo.")
    sent = person.send_photo(photo_bytes(), "@paint_test_bot")
    answer = person.wait_for_answer(sent)
    person.press(answer, EN.button_compare)
    person.wait_for_answer(sent, count=2)
    for seed in range(2):
        person.send_photo(photo_bytes(seed=seed), "@paint_test_bot wave" if seed == 0 else "", album="t")
    person.wait_for_text("2 paintings.")
    person.say("/cancel@paint_test_bot")
    person.wait_for_text(EN.nothing_to_cancel)
    person.say("@paint_test_bot wave")  # "answers" the message that opened the topic, which is no photo
    person.wait_for_text("Style: The Great Wave off Kanagawa. Now send a photo.")

    assert {message.get("message_thread_id") for message in person.seen()} == {5}
    actions = [call for call in own_api.calls if call.method == "sendChatAction" and call.chat_id == person.chat_id]
    assert {call.params.get("message_thread_id") for call in actions} <= {"5", 5}


def test_what_goes_wrong_in_a_topic_is_told_there(chats, own_api, new_person, monkeypatch):
    monkeypatch.setattr(bot.work.answers, "read_event", lambda *_: 1 / 0)
    chats(timings=replace(QUICK, policy=RetryPolicy(tries=1)))
    person = new_person(own_api, chat_id=-1000000000080, thread=8)

    person.say("/help@paint_test_bot")

    assert person.wait_for_text(EN.internal_error)["message_thread_id"] == 8


def test_a_photo_whose_topic_was_deleted_meanwhile_is_dropped(chats, own_api, new_person):
    chats()
    person = new_person(own_api, chat_id=-1000000000078, thread=6)
    own_api.faults.append(
        Fault("sendMessage", chat_id=person.chat_id, status=400, description="Bad Request: message thread not found")
    )

    person.send_photo(photo_bytes(), "@paint_test_bot")
    own_api.wait_for(lambda: own_api.count("sendMessage", chat_id=person.chat_id, error=400))
    person.wait_for_answer(person.send_photo(photo_bytes(), "@paint_test_bot wave"))

    assert len(person.seen()) == 1


def test_a_reply_that_is_no_topic_is_answered_without_a_thread(chats, own_api, new_person):
    """Telegram gives threads to other replies in groups as well, and takes no messages for them."""
    chats()
    person = new_person(own_api, chat_id=-1000000000079)
    message = {"message_id": own_api.new_id(), "date": 1, "chat": {"id": person.chat_id, "type": "supergroup"}}
    own_api.add_update(message={**message, "from": person.user, "text": "/settings", "message_thread_id": 3})

    assert "message_thread_id" not in person.wait_for_text("Strength")


# Buttons that are pressed faster than they are answered.


@pytest.mark.parametrize("button", [EN.button_weaker, EN.button_compare, EN.button_file])
def test_a_button_pressed_twice_is_done_once(chats, own_api, model, button):
    _, person, _ = chats()
    sent = person.send_photo(photo_bytes(), "scream")
    answer = person.wait_for_answer(sent)
    model.seconds = 2.0
    model.predictor.calls.clear()

    presses = [person.press(answer, button) for _ in range(3)]

    own_api.wait_for(lambda: own_api.count("answerCallbackQuery") == 3)
    model.seconds = 0.0
    other = person.send_photo(photo_bytes(seed=1), "wave")
    person.wait_for_answer(other)
    own_api.wait_for(lambda: painted(model) >= 2)
    assert painted(model) == 2  # the button, and the other photo
    assert len(set(presses)) == 3
    assert len(person.answers_to(sent)) == (1 if button == EN.button_weaker else 2)


def test_a_style_pressed_twice_is_painted_once_and_again_when_it_is_pressed_later(chats, own_api, model):
    _, person, _ = chats()
    sent = person.send_photo(photo_bytes())
    person.wait_for_answer(sent)
    gallery = person.wait_for_text(EN.choose_style)
    model.seconds = 2.0

    for _ in range(2):
        person.press(gallery, "The Scream")
    person.say("/settings")
    person.wait_for_text("Strength")  # both presses were dealt with
    model.seconds = 0.0
    person.wait_for_answer(sent, count=2)
    own_api.wait_for(lambda: EN.painting not in person.texts())
    assert len(person.answers_to(sent)) == 2

    person.press(gallery, "The Scream")
    person.wait_for_answer(sent, count=3)


def test_of_two_buttons_that_change_one_painting_the_last_pressed_counts(chats, own_api):
    """The first one's photo takes longer to fetch, so it would be done last."""
    thread, person, _ = chats()
    answer = person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))
    own_api.faults.append(Fault("getFile", status=200, seconds=2.0))

    person.press(answer, EN.button_weaker)
    own_api.wait_for(lambda: not own_api.faults[-1].times)
    person.press(answer, EN.button_keep_colors)

    person.wait_for_text("The Scream · 100 % · own colours")
    own_api.wait_for(lambda: own_api.count("getFile") == 3)
    own_api.wait_for(lambda: thread.run(thread.store.unfinished(person.chat_id)) == [])
    assert person.texts() == ["The Scream · 100 % · own colours"]


def test_a_press_that_telegram_sends_twice_is_done_once(chats, own_api, model):
    _, person, _ = chats()
    sent = person.send_photo(photo_bytes(), "scream")
    person.press(person.wait_for_answer(sent), EN.button_compare)
    update = own_api._updates[-1]
    person.wait_for_answer(sent, count=2)

    own_api.redeliver(update)
    person.wait_for_answer(person.send_photo(photo_bytes(), "wave"))

    assert len(person.answers_to(sent)) == 2


def test_a_style_chosen_twice_is_told_once(chats, own_api):
    _, person, _ = chats()
    person.say("/styles")
    gallery = person.wait_for_text(EN.choose_style)

    presses = [person.press(gallery, "The Scream") for _ in range(2)]

    told = "Style: The Scream. Now send a photo."
    call = own_api.wait_for(
        lambda: next((one for one in own_api.calls if one.params.get("callback_query_id") == presses[1]), None)
    )
    assert call.params["text"] == told
    assert person.texts().count(told) == 1
