"""`kill -9` at any moment: every photo is answered, and none twice."""

import contextlib
import json
import random
import time

from tests.bot.bot_api import BotApi, Person, photo_bytes
from tests.bot.process import BotProcess
from tests.bot.style_server import style_server

PHOTOS, CHATS, KILLS = 60, 20, 20


def test_sixty_photos_survive_twenty_kills_at_random_moments(tmp_path):
    """The moments are drawn around the whole life of a photo: arrival, status message, painting, delivery."""
    moments = random.Random(7)
    with BotApi() as api, style_server() as (model, address), contextlib.ExitStack() as stack:
        model.seconds = 0.1
        bot = BotProcess(api, address, tmp_path)
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
            time.sleep(moments.uniform(0, 0.8))
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
