"""Styles of people's own, in SQLite and in PostgreSQL alike."""

import asyncio

import pytest

from bot.storage.store import Store
from bot.storage.stored_style import StoredStyle
from bot.storage.style_shelf import StyleShelf
from bot.storage.tasks import UPDATE, NewTask, TaskEffects

KISS = StoredStyle(key="a" * 10, title="The Kiss", file=b"\x00\xff vector")
WAVE = StoredStyle(key="b" * 10, title="Die Große Welle", file=b"another")


@pytest.fixture
def store(url):
    store = Store(url, "me")
    yield store
    store.close()


def test_they_are_kept_by_their_owner_in_the_order_they_came_and_got_by_whoever_knows_the_key(store):
    async def story():
        shelf = StyleShelf(store, 5)
        assert await shelf.put(1, KISS)
        assert await shelf.put(1, WAVE)
        assert await shelf.titles(1) == {KISS.key: "The Kiss", WAVE.key: "Die Große Welle"}
        assert await shelf.titles(2) == {}
        assert await shelf.get((WAVE.key, "c" * 10)) == {WAVE.key: WAVE}
        assert await shelf.get(()) == {}

    asyncio.run(story())


def test_only_the_owner_renames_and_deletes(store):
    async def story():
        shelf = StyleShelf(store, 5)
        await shelf.put(1, KISS)
        await shelf.rename(2, KISS.key, "Mine")
        await shelf.delete(2, KISS.key)
        assert await shelf.titles(1) == {KISS.key: "The Kiss"}
        await shelf.rename(1, KISS.key, "Klimt")
        assert await shelf.titles(1) == {KISS.key: "Klimt"}
        await shelf.delete(1, KISS.key)
        assert await shelf.titles(1) == {}

    asyncio.run(story())


def test_there_are_no_more_than_the_limit_and_one_that_is_put_again_is_one(store):
    async def story():
        shelf = StyleShelf(store, 1)
        assert await shelf.put(1, KISS)
        assert await shelf.put(1, KISS)
        assert not await shelf.put(1, WAVE)
        assert await shelf.put(2, WAVE)

    asyncio.run(story())


def test_they_are_deleted_when_the_chat_with_their_owner_is_forgotten_and_not_with_a_group(store):
    async def forget(chat_id):
        await store.add([NewTask(key=f"u{chat_id}", kind=UPDATE, chat_id=chat_id, user_id=1, payload={}, update_id=1)])
        task = await store.claim(UPDATE)
        await store.finish(task.id, effects=TaskEffects(forget=True))

    async def story():
        shelf = StyleShelf(store, 5)
        await shelf.put(1, KISS)
        await shelf.put(2, WAVE)
        await forget(-100)
        assert await shelf.titles(1)
        await forget(1)
        assert await shelf.titles(1) == {}
        assert await shelf.titles(2)

    asyncio.run(story())
