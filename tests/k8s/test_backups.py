"""The script of the CronJob and the commands that docs/operations.md has for backups, on databases of the bot."""

import asyncio
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from bot.storage.store import Store
from bot.storage.tasks import PAINT, NewTask
from testing.postgres import binaries, running_postgres
from tests.k8s.cluster import K8S, ROOT, Workload, tool
from tests.k8s.scripts import run_script
from tests.k8s.secured_postgres import PASSWORDS, Server

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## Backups")[2].partition("\n## ")[0]
(DUMP,) = re.findall(r"-- (pg_dump .+) > jobs\.dump$", PAGE, re.MULTILINE)
(RESTORE,) = re.findall(r"-- (pg_restore .+) < jobs\.dump$", PAGE, re.MULTILINE)


@pytest.fixture
def url() -> Iterator[str]:
    """A database with the names and roles of the manifests, where nobody is asked for a password, as within the pod."""

    def set_up(socket: Path, port: int) -> None:
        with psycopg.connect(host=str(socket), port=port, user="postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE tfstyle")
        Server(port, socket, socket).run_roles(K8S / "components" / "postgres")

    with running_postgres(superuser="postgres", prepare=set_up) as server:
        yield f"postgresql://bot@{urlsplit(server).netloc.rpartition('@')[2]}/tfstyle"


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


# The CronJob, by TLS


@pytest.fixture
def volume(tmp_path) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir()
    return folder


def run_job(name: str, production, database: Server, volume: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """With the variables of the manifest, but for where its files lie and who looks names up."""
    container = production.workload(name).main
    told = {
        item["name"]: item["value"].replace("/authority", str(database.certificate))
        for item in container["env"]
        if "value" in item
    }
    here = {
        "PATH": f"{binaries()}:{os.environ['PATH']}",
        "PGPASSWORD": PASSWORDS[told["PGUSER"]],
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": str(database.port),
    }
    return run_script(container, {"/backups": volume}, **(told | here | changes))


def back_up(production, database: Server, volume: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return run_job("backup", production, database, volume, **changes)


def restore(production, database: Server, volume: Path, name: str) -> subprocess.CompletedProcess[str]:
    return run_job("restore", production, database, volume, RESTORE=name)


def rows(database: Server) -> list[tuple]:
    with database.connect("bot") as connection:
        return connection.execute("SELECT number, text FROM kept ORDER BY number").fetchall()


@pytest.fixture
def kept(database) -> list[tuple]:
    """Rows of a table, and nothing else in the database."""
    with database.connect("bot") as connection:
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            connection.execute(f'DROP TABLE "{table}" CASCADE')
        connection.execute("CREATE TABLE kept (number integer PRIMARY KEY, text text NOT NULL)")
        connection.execute("INSERT INTO kept SELECT n, 'photo ' || n FROM generate_series(1, 1000) AS n")
    return rows(database)


@pytest.mark.parametrize("loss", ["DROP TABLE kept", "UPDATE kept SET text = 'spoilt'"])
def test_what_the_job_has_copied_it_puts_back(production, database, volume, kept, loss):
    made = back_up(production, database, volume)
    assert made.returncode == 0, made.stderr
    (copy,) = volume.iterdir()
    assert copy.name in made.stdout
    with database.connect("bot") as connection:
        connection.execute(loss)

    restored = restore(production, database, volume, copy.name)

    assert restored.returncode == 0, restored.stderr
    assert rows(database) == kept
    assert list(volume.iterdir()) == [copy]


def test_a_copy_that_cannot_be_put_back_whole_changes_nothing(production, database, volume, kept):
    """The table's rows are cut off in the middle."""
    assert back_up(production, database, volume).returncode == 0
    (copy,) = volume.iterdir()
    copy.write_bytes(copy.read_bytes()[:-600])
    with database.connect("bot") as connection:
        connection.execute("DELETE FROM kept WHERE number > 10")

    assert restore(production, database, volume, copy.name).returncode != 0
    assert rows(database) == kept[:10]


def test_only_the_newest_copies_are_kept(production, database, volume, kept):
    for day in ("01", "02", "03"):
        (volume / f"2020-01-{day}T03-17-00Z.dump").write_text(day)
    (volume / "lost+found").mkdir()

    assert back_up(production, database, volume, KEEP="2").returncode == 0

    others, (old, new) = ["lost+found"], sorted(path.name for path in volume.glob("*.dump"))
    assert old == "2020-01-03T03-17-00Z.dump"
    assert new > old
    assert sorted(path.name for path in volume.iterdir()) == sorted([old, new, *others])


def test_a_backup_that_fails_deletes_none(production, database, volume, kept):
    old = volume / "2020-01-01T03-17-00Z.dump"
    old.write_text("old")

    assert back_up(production, database, volume, KEEP="1", PGPASSWORD="guessed").returncode != 0
    assert list(volume.glob("*.dump")) == [old]


def test_a_backup_is_not_sent_without_tls_or_to_a_server_of_another_name(production, database, volume, kept):
    plain = back_up(production, database, volume, PGSSLMODE="disable")
    other = back_up(production, database, volume, PGHOST="database")

    assert "no encryption" in plain.stderr
    assert 'does not match host name "database"' in other.stderr
    assert list(volume.glob("*.dump")) == []


def test_a_job_that_was_told_no_copy_puts_none_back(production, database, volume, kept):
    assert back_up(production, database, volume).returncode == 0

    assert restore(production, database, volume, "").returncode != 0
    assert rows(database) == kept


def test_the_page_makes_a_job_that_puts_a_copy_back(production):
    """Of the Job that `kubectl create` would make of the CronJob, which needs a cluster."""
    (command,) = re.findall(r"kubectl (set env --local .+) \|", PAGE)
    spec = production.get("CronJob", "restore")["spec"]["jobTemplate"]["spec"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "restore"}, "spec": spec}

    done = subprocess.run(
        [tool("kubectl"), *shlex.split(command)], input=yaml.safe_dump(job), capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    made, before = (Workload(item).environment for item in (yaml.safe_load(done.stdout), job))
    assert made.keys() == before.keys()
    assert [name for name in made if made[name] != before[name]] == ["RESTORE"]
    assert re.fullmatch(r"\S+\.dump", made["RESTORE"]["value"])
