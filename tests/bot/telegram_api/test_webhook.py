"""A webhook stays the bot's own, and open to Telegram whoever else is there."""

import asyncio
import contextlib

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from telegram import Bot

from bot.metrics import ERRORS
from bot.settings import Settings
from bot.telegram_api.receiver import WEBHOOK_PATH, Receiver, ReceiverTimings
from bot.telegram_api.updates import ALLOWED
from testing.bot_api import Fault

SECRET = "a-Secret_1"
OURS = {"url": "https://paint.example.org" + WEBHOOK_PATH, "secret_token": SECRET, "allowed_updates": ALLOWED}


QUICK = ReceiverTimings(webhook=0.05, first_wait=0.05)


@contextlib.asynccontextmanager
async def keeping(api):
    """A receiver that keeps its webhook at this server."""
    settings = Settings(
        token=api.token, mode="webhook", webhook_url="https://paint.example.org/", webhook_secret=SECRET
    )
    async with Bot(api.token, api.base_url, api.base_file_url) as connection:
        receiver = Receiver(connection, None, lambda: None, QUICK)
        task = asyncio.create_task(receiver.keep_webhook(settings))
        yield receiver
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def counted(kind):
    return ERRORS.labels(kind)._value.get()


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def call(api, method, **params):
    httpx.get(f"{api.base_url}{api.token}/{method}", params=params).raise_for_status()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("deleteWebhook", {}),
        ("setWebhook", {"url": "https://elsewhere.example.org/telegram"}),
        ("setWebhook", {"url": OURS["url"], "allowed_updates": '["message"]'}),
    ],
)
def test_a_webhook_that_somebody_else_changed_is_set_again_and_that_is_logged(own_api, caplog, method, params):
    changed, refused = counted("webhook_changed"), counted("webhook_refused")

    async def story():
        async with keeping(own_api) as receiver:
            await until(lambda: receiver.connected)
            assert own_api.webhook == OURS
            await asyncio.to_thread(call, own_api, method, **params)
            await until(lambda: own_api.webhook == OURS)

    asyncio.run(story())

    assert "the webhook was changed by somebody else" in caplog.text
    assert (counted("webhook_changed"), counted("webhook_refused")) == (changed + 1, refused)


@pytest.mark.filterwarnings("ignore:Please use 'Bot.get_updates'")  # pytest forgets the bot's own filter
def test_another_bot_that_polls_with_the_token_is_counted_as_changing_the_webhook_again_and_again(own_api):
    """It deletes the webhook to get its updates, so the bot that has the webhook meets no conflict."""
    changed, refused = counted("webhook_changed"), counted("webhook_refused")

    async def story():
        async with keeping(own_api) as receiver, Bot(own_api.token, own_api.base_url, own_api.base_file_url) as other:
            await until(lambda: receiver.connected)
            polling = asyncio.create_task(Receiver(other, Kept(), lambda: None, QUICK).poll())
            await until(lambda: counted("webhook_changed") >= changed + 2)
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            await until(lambda: own_api.webhook == OURS)

    asyncio.run(story())

    assert counted("webhook_refused") == refused


def test_a_webhook_that_nobody_changed_is_set_once(own_api):
    async def story():
        async with keeping(own_api):
            await until(lambda: own_api.count("getWebhookInfo") >= 3)

    asyncio.run(story())

    assert own_api.count("setWebhook") == 1


def test_the_bot_is_not_ready_while_its_webhook_is_lost_or_telegram_does_not_tell(own_api):
    refused = counted("webhook_refused")

    async def story():
        async with keeping(own_api) as receiver:
            await until(lambda: receiver.connected)
            lost = Fault("setWebhook", times=10**6, status=500)
            own_api.faults.append(lost)
            own_api.webhook = {}
            await until(lambda: not receiver.connected)
            lost.times = 0
            await until(lambda: receiver.connected)

            silent = Fault("getWebhookInfo", times=10**6, status=500)
            own_api.faults.append(silent)
            await until(lambda: not receiver.connected)
            silent.times = 0
            await until(lambda: receiver.connected)

    asyncio.run(story())

    assert own_api.webhook == OURS
    assert counted("webhook_refused") > refused


class Kept:
    """In place of a store."""

    def __init__(self):
        self.tasks = []

    async def add(self, tasks):
        self.tasks += tasks
        return len(tasks)


def receiving(store):
    """An app with nothing but the webhook."""
    settings = Settings(token="1:a", mode="webhook", webhook_url="https://x", webhook_secret=SECRET)
    app = web.Application()
    app.add_routes([Receiver(None, store, lambda: None).webhook(settings)])
    return app


HEAD = f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: here\r\nX-Telegram-Bot-Api-Secret-Token: {SECRET}\r\n"
MESSAGE = {
    "message_id": 1, "date": 1_700_000_000, "chat": {"id": 7, "type": "private"}, "text": "/start",
    "from": {"id": 7, "is_bot": False, "first_name": "Somebody"},
}  # fmt: skip


@pytest.mark.parametrize("secret", [b"\xff", b"\xc3\xa4", b"", SECRET.encode() + b"\xfe"])
def test_a_secret_of_any_bytes_is_refused_and_counted(secret):
    """A header need not be text."""

    async def story():
        store = Kept()
        async with TestServer(receiving(store)) as server:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(HEAD.encode().replace(SECRET.encode(), secret) + b"Content-Length: 2\r\n\r\n{}")
            async with asyncio.timeout(10):
                status = await reader.readline()
            writer.close()
        assert status.split()[1] == b"403"
        assert store.tasks == []

    before = counted("webhook_secret")
    asyncio.run(story())
    assert counted("webhook_secret") == before + 1


@pytest.mark.parametrize("begun", [HEAD + "X-Slow: ", HEAD + 'Content-Length: 1000000\r\n\r\n{"update_id":'])
def test_posts_that_trickle_in_keep_no_other_from_being_stored(begun):
    """In the midst of a header, or of a body."""

    async def story():
        store = Kept()
        async with TestServer(receiving(store)) as server, httpx.AsyncClient(timeout=20) as client:
            slow = [(await asyncio.open_connection(server.host, server.port))[1] for _ in range(100)]
            for writer in slow:
                writer.write(begun.encode())
            for number in range(5):
                for writer in slow:
                    writer.write(b" ")
                answer = await client.post(
                    f"http://{server.host}:{server.port}{WEBHOOK_PATH}",
                    json={"update_id": number, "message": MESSAGE},
                    headers={"X-Telegram-Bot-Api-Secret-Token": SECRET},
                )
                assert answer.status_code == 200
            for writer in slow:
                writer.close()
        assert len(store.tasks) == 5

    asyncio.run(story())
