"""The commands that docs/operations.md has for backups, on a database of the bot."""

import asyncio
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.storage import Store
from bot.tasks import PAINT, NewTask
from tests.bot.postgres import binaries, running_postgres
from tests.k8s.cluster import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## Backups")[2].partition("\n## ")[0]
(DUMP,) = re.findall(r"-- (pg_dump .+) > jobs\.dump$", PAGE, re.MULTILINE)
(RESTORE,) = re.findall(r"-- (pg_restore .+) < jobs\.dump$", PAGE, re.MULTILINE)


@pytest.fixture
def url() -> Iterator[str]:
    """A database with the names of the manifests, whose owner is its server's first user, as in the image."""
    with running_postgres() as server:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE ROLE tfstyle SUPERUSER LOGIN")
            connection.execute("CREATE DATABASE tfstyle OWNER tfstyle")
        yield f"postgresql://tfstyle@{urlsplit(server).netloc.rpartition('@')[2]}/tfstyle"


def run(command: str, url: str, given: bytes = b"") -> bytes:
    """What a command of the page writes, run beside the server as in its pod."""
    program, *arguments = shlex.split(command)
    address = urlsplit(url)
    environment = os.environ | {"PGHOST": str(address.hostname), "PGPORT": str(address.port)}
    done = subprocess.run([binaries() / program, *arguments], input=given, capture_output=True, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def test_what_was_dumped_is_there_again_and_what_came_later_is_not(url):
    def paint(key: str) -> NewTask:
        return NewTask(key=key, kind=PAINT, chat_id=1, user_id=1, payload={"pictures": [key]})

    async def before(store: Store) -> bytes:
        await store.add([paint("kept")])
        copy = run(DUMP, url)
        task = await store.claim(PAINT)
        assert await store.finish(task.id)
        await store.add([paint("later")])
        return copy

    async def after(store: Store) -> list[object]:
        return [task and task.payload for task in (await store.claim(PAINT), await store.claim(PAINT))]

    store = Store(url, "before")
    copy = asyncio.run(before(store))
    store.close()

    run(RESTORE, url, copy)

    store = Store(url, "after")
    try:
        assert asyncio.run(after(store)) == [{"pictures": ["kept"]}, None]
    finally:
        store.close()
