"""A hundred photos at once from fifty chats."""

import threading
import time

from testing.bot_api import BotApi, Person, photo_bytes
from testing.bot_process import BotProcess
from testing.style_server import style_server


def test_a_hundred_photos_from_fifty_chats_are_answered_fairly_within_memory_and_telegrams_limits(tmp_path):
    with BotApi() as api, style_server() as (model, address), BotProcess(api, address, tmp_path) as bot:
        model.seconds = 0.05
        people = [Person(api, 1 + number) for number in range(49)]
        greedy = Person(api, 1000)
        most = 0.0
        done = threading.Event()

        def watch():
            nonlocal most
            while not done.wait(0.1):
                most = max(most, bot.resident_mb())

        watcher = threading.Thread(target=watch)
        watcher.start()
        data = photo_bytes(640, 480)
        sent = [(greedy, greedy.send_photo(data, "scream")) for _ in range(12)]
        sent += [(person, person.send_photo(data, "scream")) for person in [*people, *people[:39]]]
        order = []

        def look():
            for person, photo in sent:
                if (person, photo) not in seen and person.answers_to(photo):
                    seen.add((person, photo))
                    order.append(person)
            return len(order) == len(sent)

        seen: set[tuple[Person, int]] = set()
        api.wait_for(look, seconds=120, what="a hundred answers")
        done.set()
        watcher.join()

        assert [len(person.answers_to(photo)) for person, photo in sent] == [1] * 100
        assert not [call for call in api.calls if call.error == 429]
        firsts = [order.index(person) for person in people]
        assert order[: max(firsts)].count(greedy) < 12, "everybody has one painting before one chat has all of its own"
        assert most < 250
        assert model.most <= 4


def test_whoever_waits_longer_than_three_seconds_reads_where_they_stand(tmp_path):
    with (
        BotApi() as api,
        style_server() as (model, address),
        BotProcess(api, address, tmp_path, concurrency=1) as bot,
    ):
        warm = Person(api, 1)
        model.seconds = 1.5
        warm.wait_for_answer(warm.send_photo(photo_bytes(), "scream"))
        people = [Person(api, 2 + number) for number in range(4)]
        began = time.monotonic()
        sent = [(person, person.send_photo(photo_bytes(), "scream")) for person in people]

        def noted():
            return next(((one, photo, text) for one, photo in sent for text in one.texts() if "in line" in text), None)

        last, photo, note = api.wait_for(noted)  # whoever it is: they came at the same time
        told = time.monotonic() - began
        position, seconds = (int(word) for word in note.replace(",", " ").split() if word.isdigit())
        last.wait_for_answer(photo)
        waited = time.monotonic() - began

        assert 2.5 < told < 5.5
        assert 1 <= position <= 3
        assert abs((waited - told) - seconds) < 3, "an honest estimate"
        assert "in line" not in str(last.texts())
        assert bot.stop() == 0
