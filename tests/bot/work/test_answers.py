"""How long an update waits for a server that does not come."""

import asyncio
from types import SimpleNamespace

from bot.conversation.failures import RetryPolicy
from bot.settings import Settings
from bot.storage.store import Store
from bot.storage.style_shelf import StyleShelf
from bot.storage.tasks import UPDATE
from bot.telegram_api.updates import update_task
from bot.texts import load_texts
from bot.work.answers import Answers
from serving.client.errors import ServerDownError
from testing.bot_api import BOT


def test_an_update_waits_for_the_styles_as_long_as_it_takes_and_its_sender_is_told_once(tmp_path):
    said = []

    async def say(chat_id, text, **_):
        said.append((chat_id, text))

    async def away():
        raise ServerDownError("nobody there")

    message = {
        "message_id": 1,
        "date": 0,
        "chat": {"id": 5, "type": "private"},
        "from": {"id": 5, "is_bot": False, "first_name": "A"},
        "text": "scream",
    }

    async def story():
        store = Store(f"sqlite:///{tmp_path / 'bot.db'}", "me")
        await store.add([update_task({"update_id": 1, "message": message})])
        answers = Answers(
            store,
            StyleShelf(store, 1),
            SimpleNamespace(say=say),
            SimpleNamespace(current=away),
            Settings(token="1:a"),
            SimpleNamespace(**BOT),
            None,
            None,
        )
        for _ in range(2 * RetryPolicy().tries):
            task = await store.claim(UPDATE)
            assert task.attempts < 3
            await answers.handle(task)
            with store.engine.begin() as connection:
                connection.exec_driver_sql("UPDATE tasks SET not_before = 0")
        store.close()

    asyncio.run(story())

    assert said == [(5, load_texts("en").waiting_for_server)]
