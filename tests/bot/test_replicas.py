"""Webhook mode: several bots behind one address, on PostgreSQL."""

import socket

import httpx
import psycopg
import pytest

from bot.telegram_api.receiver import WEBHOOK_PATH
from bot.telegram_api.updates import ALLOWED
from testing.bot_api import BotApi, Person, photo_bytes
from testing.bot_process import BotProcess
from testing.style_server import style_server

SECRET = "a-Secret_1"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def database(postgres):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE replicas")
    return postgres.rpartition("/")[0] + "/replicas"


@pytest.fixture(scope="module")
def replicas(database, tmp_path_factory):
    """Two bots; Telegram's double posts to the first one, the painting is done by either."""
    port = free_port()
    with BotApi() as api, style_server() as (model, address):
        settings = {
            "mode": "webhook",
            "webhook_url": f"http://127.0.0.1:{port}",
            "webhook_secret": SECRET,
            "database_url": database,
            "concurrency": 1,
            "user_concurrency": 5,
        }
        folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
        with (
            BotProcess(api, address, folders[0], http_port=port, **settings) as first,
            BotProcess(api, address, folders[1], http_port=free_port(), **settings) as second,
        ):
            yield api, model, first, second


def test_the_webhook_is_registered_with_its_secret(replicas):
    api, _, first, _ = replicas

    url = first.environment["TFSTYLE_BOT_WEBHOOK_URL"] + WEBHOOK_PATH
    assert api.webhook == {"url": url, "secret_token": SECRET, "allowed_updates": ALLOWED}
    assert api.count("getUpdates") == 0


def test_both_replicas_paint_what_one_receives_and_nothing_is_painted_twice(replicas):
    api, model, first, second = replicas
    model.seconds = 0.5
    person = Person(api, 1)

    sent = [person.send_photo(photo_bytes(seed=seed), "scream") for seed in range(6)]

    for photo in sent:
        person.wait_for_answer(photo)
    assert [len(person.answers_to(photo)) for photo in sent] == [1] * 6
    assert model.most == 2
    assert '"painted"' in first.logs()
    assert '"painted"' in second.logs()


def test_an_update_posted_twice_is_answered_once(replicas):
    api, _, first, _ = replicas
    person = Person(api, 2)
    sent = person.send_photo(photo_bytes(), "scream")
    person.wait_for_answer(sent)
    update = {"update_id": 77, "message": api.messages[2][sent]}
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}

    statuses = [httpx.post(api.webhook["url"], json=update, headers=headers).status_code for _ in range(3)]
    person.wait_for_answer(sent, count=2)
    person.wait_for_answer(person.send_photo(photo_bytes(), "wave"))

    assert statuses == [200] * 3
    assert len(person.answers_to(sent)) == 2
    assert first.process.poll() is None


@pytest.mark.parametrize("headers", [{}, {"X-Telegram-Bot-Api-Secret-Token": "guessed"}])
def test_a_post_without_the_secret_is_refused(replicas, headers):
    api, *_ = replicas

    answer = httpx.post(api.webhook["url"], json={"update_id": 1, "message": {}}, headers=headers)

    assert answer.status_code == 403


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"update_id": "x"}', b'{"update_id": 5, "message": {"chat": 3}}'])
def test_a_post_that_is_no_update_is_refused(replicas, body):
    api, *_ = replicas

    answer = httpx.post(api.webhook["url"], content=body, headers={"X-Telegram-Bot-Api-Secret-Token": SECRET})

    assert answer.status_code == 400


def test_what_a_killed_replica_was_painting_is_painted_by_the_other_one(replicas):
    api, model, first, second = replicas
    model.seconds = 2.0
    person = Person(api, 3)
    sent = [person.send_photo(photo_bytes(seed=seed), "scream") for seed in range(2)]
    api.wait_for(lambda: model.painting == 2)
    second.kill()
    model.seconds = 0.0

    for photo in sent:
        person.wait_for_answer(photo, seconds=40)  # a lease has to end

    assert [len(person.answers_to(photo)) for photo in sent] == [1, 1]
    assert first.process.poll() is None
