"""Databases of other bots: older ones are carried along, newer ones refused, in SQLite and in PostgreSQL."""

import asyncio
import itertools
import json

import psycopg
import pytest
import sqlalchemy as sql
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.pool import NullPool

from bot.conversation.events import Chat, Order, Picture
from bot.conversation.style_settings import StyleSettings
from bot.errors import StorageAwayError
from bot.storage.schema import StorageError, steps
from bot.storage.store import Store
from bot.storage.tables import chats, heartbeat, metadata, tasks
from bot.storage.tasks import PAINT, NewTask

_numbers = itertools.count()


@pytest.fixture
def engine(url):
    """Past the bot."""
    return sql.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)


@pytest.fixture
def old(engine):
    """A database of before there were versions, with a job in it."""
    with engine.begin() as connection:
        command.upgrade(steps(connection), "0001")
        connection.exec_driver_sql("DROP TABLE alembic_version")
        row = {"key": "old", "kind": PAINT, "chat_id": 1, "user_id": 1, "payload": "{}", "turn": 0, "created_at": 1.0}
        order = Order(pictures=(Picture(file_id="a"),), style_settings=StyleSettings(strength=44)).to_dict()
        row["payload"] = json.dumps({"look": order.pop("style_settings"), **order})
        connection.execute(sql.insert(tasks).values(row))
        settings = json.dumps({"look": StyleSettings(strength=33).to_dict(), "saw_styles": True})
        connection.execute(sql.insert(chats).values(chat_id=1, settings=settings))


def version(engine):
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def test_the_migrations_make_the_tables_that_the_bot_works_with(url, engine):
    Store(url, "me").close()

    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_database_of_before_there_were_versions_is_carried_along_with_what_it_holds(url, engine, old):
    store = Store(url, "me")

    task = asyncio.run(store.claim(PAINT))
    assert task.key == "old"
    assert Order.from_dict(task.payload).style_settings.strength == 44
    assert Chat.from_dict(asyncio.run(store.settings(1))).style_settings.strength == 33
    asyncio.run(store.check())
    store.close()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_database_of_this_version_is_left_as_it_is(url, engine):
    Store(url, "me").close()
    before = version(engine)
    Store(url, "me, again").close()

    assert version(engine) == before


def test_a_database_of_a_newer_version_is_refused_in_a_sentence_and_not_changed(url, engine):
    Store(url, "me").close()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(
        StorageError, match=r"Expected a database of version 000. or older, got version 9999: a newer bot"
    ):
        Store(url, "me")
    assert version(engine) == "9999"


def test_replicas_that_start_together_migrate_once(request):
    server = request.getfixturevalue("postgres")
    name = f"schema_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = server.rpartition("/")[0] + f"/{name}"

    async def start_four():
        return await asyncio.gather(*(asyncio.to_thread(Store, url, str(number)) for number in range(4)))

    stores = asyncio.run(start_four())
    assert asyncio.run(stores[0].add([NewTask(key="k", kind=PAINT, chat_id=1, user_id=1, payload={})])) == 1
    for store in stores:
        store.close()


def test_a_missing_column_is_told_by_its_name(url, engine):
    store = Store(url, "me")
    asyncio.run(store.check())
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE tasks DROP COLUMN seconds")

    with pytest.raises(StorageAwayError, match="seconds"):
        asyncio.run(store.check())
    store.close()


def test_a_database_that_takes_nothing_more_is_told(tmp_path):
    """As with a full or read-only disk."""
    store = Store(f"sqlite:///{tmp_path / 'bot.db'}", "me")

    def fill(connection, _):
        connection.execute("PRAGMA query_only = ON")

    sql.event.listen(store.engine, "connect", fill)
    store.engine.dispose()

    with pytest.raises(StorageAwayError, match="readonly"):
        asyncio.run(store.check())
    store.close()


def test_each_check_writes_a_row(url, engine):
    store = Store(url, "me")
    asyncio.run(store.check())
    store.close()

    with engine.connect() as connection:
        assert connection.execute(sql.select(heartbeat.c.written_at)).scalar() > 0
