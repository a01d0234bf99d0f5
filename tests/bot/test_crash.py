"""`kill -9` at any moment: every photo is answered, and none twice."""

import contextlib
import json
import random
import sqlite3
import time

import psycopg
import pytest

from bot.texts import load_texts
from testing.bot_api import BotApi, Fault, Person, buttons_of, photo_bytes
from testing.bot_process import BotProcess
from testing.style_server import style_server

EN = load_texts("en")
PHOTOS, CHATS, KILLS = 60, 20, 20
BEFORE_AND_AFTER = pytest.mark.parametrize("done_first", [False, True], ids=["before", "after"])  # Telegram did it


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """Settings for a fresh database of each kind."""
    if request.param == "sqlite":
        return {}
    server = request.getfixturevalue("postgres")
    name = f"crash_{time.time_ns()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return {"database_url": server.rpartition("/")[0] + f"/{name}"}


def test_sixty_photos_survive_twenty_kills_at_random_moments(tmp_path, database):
    """The moments are drawn around the whole life of a photo: arrival, status message, painting, delivery.

    What was there at a kill waits until others had five seconds, which no life before the last one lasts. In PostgreSQL
    nobody knows that an owner is gone until its lease has ended.
    """
    moments = random.Random(7)
    with BotApi() as api, style_server() as (model, address), contextlib.ExitStack() as stack:
        model.seconds = 0.1
        bot = BotProcess(api, address, tmp_path, **database)
        stack.push(bot)  # stops it if this fails
        people = [Person(api, 1 + number) for number in range(CHATS)]
        sent: list[tuple[Person, int]] = []

        def send_some(count):
            for _ in range(min(count, PHOTOS - len(sent))):
                person = people[len(sent) % CHATS]
                sent.append((person, person.send_photo(photo_bytes(seed=len(sent)), "scream")))

        send_some(10)
        for _ in range(KILLS):
            bot.start()
            send_some(2)
            time.sleep(moments.uniform(0, 2.5))
            bot.kill()
        send_some(PHOTOS)
        answered_before = sum(len(person.answers_to(photo)) for person, photo in sent)
        bot.start()
        for person, photo in sent:
            person.wait_for_answer(photo, seconds=60)
        assert bot.stop() == 0

        counts = [len(person.answers_to(photo)) for person, photo in sent]
        assert counts == [1] * PHOTOS
        assert 0 < answered_before < PHOTOS, "the kills should fall among the answers"
        assert api.unconfirmed == 0
        assert api.count("sendPhoto") == 0  # each answer is an edit, which may be made twice


@pytest.fixture
def mortal(tmp_path):
    """A bot that a test kills: (api, bot, a person)."""
    with BotApi() as api, style_server() as (_, address), BotProcess(api, address, tmp_path) as bot:
        yield api, bot, Person(api, 1)


def die_at(api, bot, method, done_first, *, times_before=0):
    """Let the bot be killed as Telegram gets or has done its next call of a method, or one after that."""
    if times_before:
        api.faults.append(Fault(method, status=200, times=times_before))
    api.faults.append(Fault(method, done_first=done_first, hook=bot.kill))


def start_again(api, bot):
    api.wait_for(lambda: bot.process.poll() is not None, what="the kill")
    bot.start()


def settled(api, bot, person):
    """Wait until what the person says next is answered and nothing is left to do, so that nothing older is to come."""
    person.say("/privacy")
    person.wait_for_text("/forget deletes all of it")

    def unfinished():
        with sqlite3.connect(bot.log.parent / "bot.db") as database:
            return database.execute("SELECT count(*) FROM tasks WHERE state IN ('queued', 'running')").fetchone()[0]

    api.wait_for(lambda: unfinished() == 0, seconds=60, what="an end of all tasks")


@BEFORE_AND_AFTER
@pytest.mark.parametrize("method", ["sendMessage", "getFile", "editMessageMedia"])
def test_a_photo_whose_bot_is_killed_during_any_call_is_answered_once(mortal, method, done_first):
    """Only a status message can be left over: Telegram cannot tell that it was sent before."""
    api, bot, person = mortal
    die_at(api, bot, method, done_first)

    sent = person.send_photo(photo_bytes(), "scream")
    start_again(api, bot)
    person.wait_for_answer(sent)

    settled(api, bot, person)
    assert len(person.answers_to(sent)) == 1
    assert person.texts().count(EN.painting) == (method == "sendMessage" and done_first)


@BEFORE_AND_AFTER
def test_a_gallery_whose_bot_is_killed_keeps_no_photo_and_asks_for_no_second_painting(mortal, done_first):
    api, bot, person = mortal
    die_at(api, bot, "sendPhoto", done_first)

    sent = person.send_photo(photo_bytes())
    start_again(api, bot)
    person.wait_for_answer(sent)
    person.wait_for_text(EN.choose_style)

    settled(api, bot, person)
    assert len(person.answers_to(sent)) == 1
    assert EN.painting not in person.texts()
    assert person.texts().count(EN.choose_style) == 1 + done_first


@BEFORE_AND_AFTER
@pytest.mark.parametrize(
    ("method", "earlier"),
    [("sendMessage", 0), ("getFile", 1), ("sendMediaGroup", 0), ("deleteMessage", 0), ("sendMessage", 1)],
)
def test_an_album_whose_bot_is_killed_during_any_call_comes_back_whole(mortal, method, earlier, done_first):
    """What is sent and not noted yet is sent again; what was noted is not."""
    api, bot, person = mortal
    die_at(api, bot, method, done_first, times_before=earlier)

    for seed in range(3):
        person.send_photo(photo_bytes(seed=seed), "scream" if seed == 0 else "", album="a")
    start_again(api, bot)
    person.wait_for_text("The Scream: 3 paintings.")

    settled(api, bot, person)
    albums = [message["media_group_id"] for message in person.seen() if "media_group_id" in message]
    repeated = done_first and method == "sendMediaGroup"
    assert [albums.count(album) for album in dict.fromkeys(albums)] == [3] * (1 + repeated)
    ends = [message for message in person.seen() if message.get("text") == "The Scream: 3 paintings."]
    assert len(ends) == 1 + (done_first and (method, earlier) == ("sendMessage", 1))
    assert all(map(buttons_of, ends))
    assert person.texts().count(EN.painting) == (done_first and (method, earlier) == ("sendMessage", 0))


@BEFORE_AND_AFTER
@pytest.mark.parametrize(
    ("button", "method"),
    [
        (EN.button_compare, "answerCallbackQuery"),
        (EN.button_compare, "sendMessage"),
        (EN.button_compare, "getFile"),
        (EN.button_compare, "editMessageMedia"),
        (EN.button_weaker, "answerCallbackQuery"),
        (EN.button_weaker, "getFile"),
        (EN.button_weaker, "editMessageMedia"),
    ],
)
def test_a_press_whose_bot_is_killed_during_any_call_is_done_once(mortal, button, method, done_first):
    api, bot, person = mortal
    sent = person.send_photo(photo_bytes(), "scream")
    answer = person.wait_for_answer(sent)
    die_at(api, bot, method, done_first)

    person.press(answer, button)
    start_again(api, bot)
    compares = button == EN.button_compare
    person.wait_for_answer(sent, count=2) if compares else person.wait_for_text("The Scream · 80 %")

    settled(api, bot, person)
    assert len(person.answers_to(sent)) == 1 + compares
    assert person.texts().count(EN.painting) == (method == "sendMessage" and done_first)


def test_albums_and_presses_survive_kills_at_random_moments(tmp_path, database):
    """None missing; repeated is only an album whose sending a kill fell into."""
    moments, albums, kills = random.Random(11), 6, 8
    with BotApi() as api, style_server() as (model, address), contextlib.ExitStack() as stack:
        model.seconds = 0.1
        bot = BotProcess(api, address, tmp_path, **database)
        stack.push(bot)
        bot.start()
        pressing = [Person(api, 101 + number) for number in range(kills)]
        paintings = [(one, one.send_photo(photo_bytes(seed=seed), "scream")) for seed, one in enumerate(pressing)]
        paintings = [(one, sent, one.wait_for_answer(sent)) for one, sent in paintings]
        people = [Person(api, 1 + number) for number in range(albums)]
        for number in range(kills):
            if number < albums:
                for seed in range(3):
                    people[number].send_photo(photo_bytes(seed=seed), "scream" if seed == 0 else "", album=f"a{number}")
            one, _, answer = paintings[number]
            one.press(answer, EN.button_compare)
            time.sleep(moments.uniform(0, 2.5))  # an album is gathered for longer than a second
            bot.kill()
            bot.start()

        for person in people:
            person.wait_for_text("The Scream: 3 paintings.", seconds=60)
        for person, sent, _ in paintings:
            person.wait_for_answer(sent, count=2, seconds=60)
        assert bot.stop() == 0

        assert [len(person.answers_to(sent)) for person, sent, _ in paintings] == [2] * kills
        for person in people:
            pictures = [message for message in person.seen() if "media_group_id" in message]
            assert len(pictures) % 3 == 0
        assert sum("media_group_id" in message for person in people for message in person.seen()) < 3 * (albums + kills)
        assert api.unconfirmed == 0


def test_a_graceful_stop_finishes_what_is_painted_and_hands_back_what_waits(tmp_path):
    with BotApi() as api, style_server() as (model, address):
        model.seconds = 1.0
        person = Person(api, 1)
        with BotProcess(api, address, tmp_path, concurrency=1) as bot:
            sent = [person.send_photo(photo_bytes(seed=seed), "scream") for seed in range(3)]
            api.wait_for(lambda: model.painting == 1)
            assert bot.stop() == 0
            assert sum(len(person.answers_to(one)) for one in sent) == 1
            logged = [json.loads(line)["message"] for line in bot.logs().splitlines()]
            assert logged.index("stopping") < logged.index("painted") < logged.index("stopped")
            model.seconds = 0.0
            bot.start()
            for one in sent:
                person.wait_for_answer(one)
            assert [len(person.answers_to(one)) for one in sent] == [1, 1, 1]
