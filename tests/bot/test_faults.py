"""Everything that goes wrong around the bot; docs/bot.md has a row for each test here."""

import struct
import sys
import time
import zlib
from pathlib import Path
from typing import get_args

import grpc
import numpy as np
import pytest

import bot.metrics
import bot.work.style_service
from bot.conversation.failures import RetryPolicy
from bot.texts import load_texts
from serving.client.errors import ServerDownError
from testing.bot_api import BotApi, Fault, Person, buttons_of, photo_bytes
from testing.bot_process import BotProcess
from testing.bot_thread import BotThread
from testing.style_server import style_server
from tests.bot.conversation.test_failures import explained
from tfstyle.contract.catalog import Catalog, Style
from tfstyle.errors import MaskError

EN = load_texts("en")
ROOT = Path(__file__).resolve().parents[2]

ignored = pytest.mark.filterwarnings("ignore:Please use 'Bot.get_updates'")  # pytest forgets the bot's own filter


def test_the_table_in_the_docs_names_every_test_here_and_every_kind_of_fault():
    section = (ROOT / "docs" / "bot.md").read_text(encoding="utf-8").partition("## Faults")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ][2:]
    named = {name.strip("`") for *_, name in rows}
    here = {name for name in vars(sys.modules[__name__]) if name.startswith("test_")} - {
        "test_the_table_in_the_docs_names_every_test_here_and_every_kind_of_fault"
    }
    elsewhere = {name for name in named if "::" in name}

    assert all(len(row) == 4 and all(row) for row in rows)
    assert named - elsewhere == here
    for name in elsewhere:
        file, _, test = name.partition("::")
        assert f"def {test}(" in (ROOT / "tests" / "bot" / file).read_text(encoding="utf-8"), name
    faults = " ".join(row[0] for row in rows)
    assert [kind for kind in get_args(bot.metrics.Fault) if f"`{kind}`" not in faults] == []


# The style server.


class Away:
    """A style server that tests stop and start again on the same port."""

    def __init__(self):
        self._running = None
        self.port = 0
        self.start()

    def start(self):
        """Start it unless it runs, and return its model."""
        if self._running is None:
            context = style_server(self.port)
            self._running = context, *context.__enter__()
            self.port = int(self._running[2].rpartition(":")[2])
        return self._running[1]

    def stop(self):
        """Stop it if it runs."""
        if self._running is not None:
            self._running[0].__exit__(None, None, None)
            self._running = None


@pytest.fixture(scope="module")
def fragile(tmp_path_factory):
    """A Bot API and a style server whose bot was started before the server was."""
    server = Away()
    server.stop()
    with BotApi() as api, BotProcess(api, f"127.0.0.1:{server.port}", tmp_path_factory.mktemp("fragile")) as process:
        person = Person(api, 1)
        sent = person.send_photo(photo_bytes(), "scream")
        told = person.wait_for_text(EN.waiting_for_server)
        server.start()
        yield api, server, (person, sent, told), process
    server.stop()


def test_a_bot_that_starts_before_its_server_keeps_what_it_is_sent(fragile):
    _, _, (person, sent, told), _ = fragile

    assert told["text"] == EN.waiting_for_server
    assert person.wait_for_answer(sent)["caption"] == "The Scream · 100 %"


def test_photos_sent_while_the_server_is_down_are_painted_when_it_is_back(fragile):
    api, server, *_ = fragile
    person = Person(api, 2)
    server.stop()
    sent = person.send_photo(photo_bytes(), "scream")
    person.wait_for_text(EN.waiting_for_server)

    server.start()

    person.wait_for_answer(sent, seconds=30)
    assert len(person.seen()) == 1


def test_a_photo_that_is_being_painted_when_the_server_goes_is_painted_when_it_is_back(fragile):
    """Nothing waits in the call: the job goes back to the database, where it outlives the bot as well."""
    api, server, *_ = fragile
    person = Person(api, 4)
    model = server.start()
    model.seconds = 5.0
    sent = person.send_photo(photo_bytes(), "scream")
    api.wait_for(lambda: model.painting == 1)

    server.stop()
    person.wait_for_text(EN.waiting_for_server)
    server.start()

    person.wait_for_answer(sent, seconds=30)
    assert len(person.seen()) == 1


def wait_for_picker(api, person, condition):
    def offered():
        person.say("/styles")
        time.sleep(1)
        return condition(str([buttons_of(message) for message in person.seen()[-1:]]))

    api.wait_for(offered, seconds=30)


def test_a_style_of_a_new_model_version_is_in_the_picker_without_a_restart(fragile):
    api, server, *_ = fragile
    person = Person(api, 3)
    model = server.start()
    more = Style("new_wave", "The New Wave", "Somebody", "2026")

    model.version += 1
    model.predictor.catalog = Catalog((*model.predictor.catalog.styles, more), model.predictor.catalog.max_pixels)

    wait_for_picker(api, person, lambda buttons: "The New Wave" in buttons)


def test_one_missed_deadline_is_tried_again_in_silence(person, model):
    model.faults = [grpc.StatusCode.DEADLINE_EXCEEDED]

    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))

    assert len(person.seen()) == 1


def test_a_photo_that_takes_too_long_again_and_again_is_given_up(person, model):
    model.faults = [grpc.StatusCode.DEADLINE_EXCEEDED] * 2

    person.send_photo(photo_bytes(), "scream")

    person.wait_for_text(EN.server_too_slow)
    assert len(person.seen()) == 1


def test_a_fault_of_the_server_is_tried_again(person, model):
    model.faults = [grpc.StatusCode.INTERNAL]

    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))


def test_a_server_that_fails_every_time_is_given_up(person, model):
    model.faults = [grpc.StatusCode.INTERNAL] * RetryPolicy().tries

    person.send_photo(photo_bytes(), "scream")

    person.wait_for_text(EN.gave_up, seconds=30)


def test_a_request_that_the_server_refuses_is_told_with_its_reason_but_without_its_address(person, model, styles):
    model.faults = [grpc.StatusCode.INVALID_ARGUMENT]

    person.send_photo(photo_bytes(), "scream")

    person.wait_for_text("The painter refused this: as the test wants it")
    assert styles[1] not in str(person.texts())


def test_a_server_that_stays_away_for_an_hour_is_given_up():
    """Too long for a test with a clock of its own; the rule is a function."""
    patient = explained(ServerDownError("away"), waited=60)
    impatient = explained(ServerDownError("away"), waited=RetryPolicy().give_up + 1)

    assert (patient.text, patient.count_attempt) == (EN.waiting_for_server, False)
    assert patient.again is not None
    assert (impatient.text, impatient.again) == (EN.server_gave_up, None)


# Telegram.


@pytest.fixture
def faulty(person, api):
    """Lets calls about this person's chat fail."""

    def fail(method, **fault):
        api.faults.append(Fault(method=method, chat_id=person.chat_id, **fault))

    return fail


@pytest.mark.parametrize("method", ["sendMessage", "editMessageMedia"])
def test_telegram_asks_to_wait_and_is_obeyed(person, api, faulty, method):
    faulty(method, status=429, description="Too Many Requests: retry after 2", parameters={"retry_after": 2})
    began = time.monotonic()

    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))

    calls = [call.at for call in api.calls if call.chat_id == person.chat_id and call.method == method]
    assert calls[1] - calls[0] >= 2
    assert time.monotonic() - began < 10
    assert len(person.seen()) == 1


@pytest.mark.parametrize("method", ["sendMessage", "editMessageMedia", "sendChatAction"])
def test_telegram_fails_with_500_and_the_call_is_made_again(person, faulty, method):
    faulty(method, status=500, times=2)

    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))

    assert len(person.seen()) == 1


@pytest.mark.parametrize("method", ["sendMessage", "editMessageMedia"])
def test_a_dropped_connection_is_made_again(person, faulty, method):
    faulty(method)

    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))

    assert len(person.seen()) == 1


def test_a_painting_whose_delivery_was_not_confirmed_is_not_sent_twice(person, api, faulty):
    faulty("editMessageMedia", done_first=True)

    sent = person.send_photo(photo_bytes(), "scream")

    api.wait_for(lambda: api.count("editMessageMedia", chat_id=person.chat_id) == 2)
    assert len(person.answers_to(sent)) == 1


def test_a_status_message_whose_sending_was_not_confirmed_may_stay_but_the_painting_is_one(person, api, faulty):
    """The Bot API cannot tell whether a message was sent before; this is the one place where it shows."""
    faulty("sendMessage", done_first=True)

    sent = person.send_photo(photo_bytes(), "scream")
    person.wait_for_answer(sent)

    assert len(person.answers_to(sent)) == 1
    assert person.texts().count(EN.painting) == 1


def test_a_download_that_breaks_is_made_again(person, api):
    api.faults.append(Fault(method="getFile", status=502, description="Bad Gateway"))

    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))


def test_no_updates_for_a_while_are_waited_for(person, api):
    api.faults.append(Fault(method="getUpdates", status=502, times=2, description="Bad Gateway"))
    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))

    person.wait_for_answer(person.send_photo(photo_bytes(), "wave"))


def test_an_update_that_cannot_be_read_does_not_keep_the_others(person, api, bot):
    api.add_update(message={"chat": {"id": "?"}, "from": {}})
    api.add_update(message={"message_id": 1, "chat": {"id": person.chat_id, "type": "private"}, "from": {"id": 1}})

    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))

    assert "an update cannot be read" in bot.logs()


def test_a_second_poller_is_told_about_in_the_log_and_outlived(person, api, bot):
    import httpx

    httpx.get(f"{api.base_url}{api.token}/getUpdates", params={"timeout": 0})

    api.wait_for(lambda: "Conflict: terminated by other getUpdates request" in bot.logs())
    person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))


def test_somebody_who_blocked_the_bot_is_left_alone_and_served_again_later(person, api, new_person):
    api.blocked.add(person.chat_id)
    person.send_photo(photo_bytes(), "scream")
    other = new_person()
    other.wait_for_answer(other.send_photo(photo_bytes(), "scream"))
    api.wait_for(lambda: api.count("sendMessage", chat_id=person.chat_id, error=403) == 1)
    api.blocked.clear()

    person.wait_for_answer(person.send_photo(photo_bytes(), "wave"))

    assert len(person.seen()) == 1


def test_a_status_message_deleted_meanwhile_does_not_keep_the_painting(person, model):
    model.seconds = 1.0
    sent = person.send_photo(photo_bytes(), "scream")
    person.delete(person.wait_for_text(EN.painting)["message_id"])

    assert buttons_of(person.wait_for_answer(sent))


def test_a_bot_api_server_that_cannot_add_pictures_to_texts_gets_messages_instead(person, faulty):
    faulty("editMessageMedia", status=400, description="Bad Request: there is no media in the message to edit")

    sent = person.send_photo(photo_bytes(), "scream")

    assert buttons_of(person.wait_for_answer(sent))
    assert EN.painting not in person.texts()


def test_a_photo_message_deleted_meanwhile_is_answered_without_a_reply(person, api):
    api.faults.append(Fault(method="sendMessage", chat_id=person.chat_id, status=500))
    person.delete(person.send_photo(photo_bytes(), "scream"))

    assert "reply_to_message" not in person.wait_for_text("The Scream · 100 %")


def test_a_press_that_is_too_old_to_be_answered_is_still_done(person):
    answer = person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))

    person.press(answer, EN.button_weaker, age=3600)

    person.wait_for_text("The Scream · 80 %")


def test_a_file_that_telegram_has_no_more_is_told(person, api):
    sent = person.send_photo(photo_bytes(), "scream")
    answer = person.wait_for_answer(sent)
    del api.files[api.messages[person.chat_id][sent]["photo"][-1]["file_id"]]

    person.press(answer, EN.button_weaker)

    person.wait_for_text(EN.photo_gone)
    assert len(person.answers_to(sent)) == 1  # the painting that is there stays


def test_a_button_whose_photo_was_deleted_in_the_chat_still_finds_it(person):
    sent = person.send_photo(photo_bytes(), "scream")
    answer = person.wait_for_answer(sent)
    person.delete(sent)

    person.press(answer, EN.button_weaker)

    person.wait_for_text("The Scream · 80 %")


@pytest.mark.parametrize("button", [EN.button_weaker, "Kanagawa"])
def test_a_button_whose_photo_was_deleted_and_forgotten_says_so(person, api, button):
    sent = person.send_photo(photo_bytes(), "scream")
    answer = person.wait_for_answer(sent)
    if button == "Kanagawa":
        person.press(answer, EN.button_style)
        api.wait_for(lambda: "Kanagawa" in str(buttons_of(person.answers_to(sent)[0])))
    person.delete(sent)
    person.say("/forget")
    person.wait_for_text(EN.forgotten)

    press = person.press(answer, button)

    call = api.wait_for(lambda: next((one for one in api.calls if one.params.get("callback_query_id") == press), None))
    assert call.params["text"] == EN.photo_gone


def test_a_button_of_an_older_version_says_so(person, api):
    answer = person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))

    press = person.press_data(answer, "style=scream")

    call = api.wait_for(lambda: next((one for one in api.calls if one.params.get("callback_query_id") == press), None))
    assert call.params["text"] == EN.old_button


def test_a_group_that_became_a_supergroup_is_answered_there(api, new_person):
    old, new = -51, -1000000000051
    person = new_person(chat_id=old)
    person.say("/style@paint_test_bot scream")
    person.wait_for_text("Style: The Scream")
    api.migrated[old] = new

    person.send_photo(photo_bytes(), "@paint_test_bot")

    moved = Person(api, person.user["id"], chat_id=new)
    moved.wait_for_text("The Scream · 100 %")  # with the group's settings


def test_an_update_that_telegram_sends_again_is_answered_once(person, api):
    sent = person.send_photo(photo_bytes(), "scream")
    person.wait_for_answer(sent)
    update = {"update_id": 400_000, "message": api.messages[person.chat_id][sent]}
    api.redeliver(update)
    person.wait_for_answer(sent, count=2)

    api.redeliver(update)
    person.wait_for_answer(person.send_photo(photo_bytes(), "wave"))

    assert len(person.answers_to(sent)) == 2


# What people send.


def test_a_file_too_large_is_refused_before_it_is_fetched(person, api):
    before = api.count("getFile")
    person.send_file(photo_bytes(), size=21 * 2**20)

    person.wait_for_text("This file has 21 MB; the most I can take is 20 MB.")
    assert api.count("getFile") == before


def test_a_file_that_is_just_too_large_is_not_told_to_have_what_is_allowed(person):
    person.send_file(photo_bytes(), size=20 * 2**20 + 1)

    person.wait_for_text("This file has 20.1 MB; the most I can take is 20 MB.")


def test_a_file_whose_size_only_telegram_knows_is_told_to_be_too_large(person, api):
    """Its message told less, so Telegram refuses to let the bot fetch it."""
    sent = person.send_file(photo_bytes() + bytes(20 * 2**20), size=0)

    person.wait_for_text("This file has >20 MB; the most I can take is 20 MB. Send it smaller, or as a photo.")
    del api.files[api.messages[person.chat_id][sent]["document"]["file_id"]]  # 20 MB


def test_a_photo_of_too_many_pixels_is_refused_before_it_is_fetched(person, api):
    before = api.count("getFile")
    person.send_photo(photo_bytes(), size=(9000, 6000))

    person.wait_for_text("This picture has 54 megapixels; the most I can take is 25.")
    assert api.count("getFile") == before


def test_a_decompression_bomb_is_refused_on_its_header(person, bot):
    data = bytearray(photo_bytes(format="png"))
    data[16:24] = struct.pack(">II", 20_000, 20_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    before = bot.resident_mb()

    person.send_file(bytes(data))

    person.wait_for_text("This picture has 400 megapixels; the most I can take is 25.")
    assert bot.resident_mb() < before + 20


def test_a_picture_of_too_few_pixels_is_told(person):
    person.send_file(photo_bytes(15, 15, format="png"))

    person.wait_for_text("This picture is too small: it needs at least 16 pixels on each side.")


def test_what_is_no_picture_is_told(person):
    person.send_file(b"not a picture")

    person.wait_for_text(EN.photo_unreadable)


def test_a_mask_of_another_shape_is_told(person):
    sent = person.send_photo(photo_bytes(200, 100), "scream")
    person.wait_for_answer(sent)

    person.send_photo(photo_bytes(100, 200), reply_to=sent)

    person.wait_for_text(EN.mask_unfit)


def test_a_mask_that_is_forgotten_is_told(person):
    sent = person.send_photo(photo_bytes(), "scream")
    person.wait_for_answer(sent)
    person.send_photo(photo_bytes(), reply_to=sent)
    masked = person.wait_for_answer(sent, count=2)
    person.say("/forget")
    person.wait_for_text(EN.forgotten)

    person.press(masked, EN.button_weaker)

    person.wait_for_text(EN.mask_gone)


def test_a_style_that_the_model_has_no_more_is_told(fragile):
    api, server, *_ = fragile
    person = Person(api, 7)
    model = server.start()
    person.say("/style great wave")
    person.wait_for_text("Style: The Great Wave")
    model.version += 1
    model.predictor.catalog = Catalog(model.predictor.catalog.styles[:2], model.predictor.catalog.max_pixels)
    wait_for_picker(api, person, lambda buttons: "Scream" in buttons and "Kanagawa" not in buttons)

    person.send_photo(photo_bytes())

    person.wait_for_text("No style named 'great_wave'")


# Limits.


@pytest.fixture(scope="module")
def strict(styles, tmp_path_factory):
    """A bot with tight limits, for listed people: (api, style model)."""
    with BotApi() as api:
        limits = {"user_photos_per_hour": 3, "queue_limit": 4, "album_limit": 2, "concurrency": 1}
        allowed = {"allowed_users": "11, 12,13,14,15"}
        with BotProcess(api, styles[1], tmp_path_factory.mktemp("strict"), **limits, **allowed):
            yield api


def test_people_who_are_not_listed_are_told_their_number(strict):
    person = Person(strict, 99)

    person.send_photo(photo_bytes())

    person.wait_for_text("Your id is 99.")


def test_too_many_photos_within_an_hour_are_refused_with_the_time_to_wait(strict):
    person = Person(strict, 11)
    for _ in range(3):
        person.wait_for_answer(person.send_photo(photo_bytes(), "scream"))

    person.send_photo(photo_bytes(), "scream")

    person.wait_for_text("You have sent 3 photos within an hour. In 60 min there is room for more.")


def test_a_full_queue_is_told(strict, model):
    model.seconds = 6.0  # until the fifth photo is refused, on a slow machine too
    busy = [Person(strict, 12), Person(strict, 13)]
    sent = [(person, person.send_photo(photo_bytes(), "scream")) for person in busy for _ in range(2)]
    strict.wait_for(lambda: sum(person.texts().count(EN.painting) for person in busy) == 4)

    person = Person(strict, 14)
    person.send_photo(photo_bytes(), "scream")

    person.wait_for_text(EN.queue_full)
    model.seconds = 0.0
    for person, photo in sent:
        person.wait_for_answer(photo)


def test_of_an_album_that_is_too_long_the_first_photos_are_painted(strict):
    person = Person(strict, 15)
    for seed in range(3):
        person.send_photo(photo_bytes(seed=seed), "scream", album="long")

    person.wait_for_text(EN.album_too_long.format(limit=2))
    person.wait_for_text("The Scream: 2 paintings.")


# Within the bot.


def test_without_the_extra_masks_people_are_not_found_and_that_is_told(styles, tmp_path):
    """A bot whose Python has no LiteRT."""
    with BotApi() as api:
        process = BotProcess(api, styles[1], tmp_path)
        process.environment["PYTHONPATH"] = str(tmp_path)
        (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ai_edge_litert'] = None\n")
        with process:
            person = Person(api, 1)
            person.send_photo(photo_bytes(), "scream person")

            person.wait_for_text(EN.masks_missing)


@ignored
def test_people_who_are_not_in_the_photo_are_told(own_api, styles, tmp_path, monkeypatch):
    """A segmenter that finds a person on the left and no subject, in place of the real one."""

    def find_person(pixels):
        return np.repeat(np.eye(1, pixels.shape[1], dtype="float32"), pixels.shape[0], 0)

    def find_subject(pixels):
        raise MaskError("the photo: no subject stands out")

    monkeypatch.setattr(bot.work.style_service, "SEGMENTS", {"person": find_person, "subject": find_subject})
    person = Person(own_api, 1)
    with BotThread(own_api, styles[1], tmp_path):
        person.wait_for_answer(person.send_photo(photo_bytes(), "scream person"))
        person.send_photo(photo_bytes(), "scream subject")

        person.wait_for_text("I find no subject in this photo")


@ignored
def test_an_unexpected_fault_is_tried_again_and_then_told(own_api, styles, tmp_path, monkeypatch, caplog):
    """A defect of ours, put in from outside: painting raises what nobody expects."""

    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(bot.work.style_service, "_longer_side", fail)
    person = Person(own_api, 1)
    with BotThread(own_api, styles[1], tmp_path):
        person.send_photo(photo_bytes(), "scream")
        person.wait_for_text(EN.internal_error, seconds=40)
        person.say("/help")
        person.wait_for_text("/regions")

    assert caplog.text.count("ZeroDivisionError") >= RetryPolicy().tries
