"""PostgreSQL as the manifests set it answers by TLS and for the password; who asks as they say is sure of it."""

import asyncio
import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import trustme

from bot.storage import Store
from bot.tasks import PAINT, NewTask
from tests.bot.postgres import running_postgres, server_user
from tests.k8s.secrets import write_secret

PASSWORD = "let me in"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the server's user may read."""
    with tempfile.TemporaryDirectory(prefix="tfstyle-tls-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def port(production, authority, folder) -> Iterator[int]:
    """Of a server with the arguments, files and modes of the StatefulSet, its user and its database."""
    stateful = production.workload("postgres")
    volumes = {volume["name"]: volume for volume in stateful.pod["volumes"]}
    names = production.get("Certificate", "postgres")["spec"]["dnsNames"]
    certificate = write_secret(folder / "certificate", authority.issue_cert(*names), authority)
    keep_as_kubernetes(certificate / "tls.key", volumes["certificate"]["secret"]["defaultMode"])
    for name, text in production.get("ConfigMap", volumes["access"]["configMap"]["name"])["data"].items():
        (folder / name).write_text(text)
    arguments = [
        argument.replace("=/certificate/", f"={certificate}/").replace("=/access/", f"={folder}/")
        for argument in stateful.main["args"]
    ]
    with running_postgres(*arguments, password=PASSWORD) as url:
        address = urlsplit(url)
        with psycopg.connect(url, password=PASSWORD, sslmode="require", autocommit=True) as connection:
            connection.execute(f"CREATE ROLE tfstyle SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
            connection.execute("CREATE DATABASE tfstyle OWNER tfstyle")
        yield int(address.port or 0)


def keep_as_kubernetes(file: Path, mode: int) -> None:
    """Root's and the group's by `fsGroup`; who is not root, and so runs the server, can only keep it to themselves."""
    user = server_user()
    if user is None:
        file.chmod(0o600)
    else:
        os.chown(file, 0, pwd.getpwnam(user).pw_gid)
        file.chmod(mode)


@pytest.fixture
def bots_url(production, port, folder) -> str:
    """The bot's address of the database, but for where its files lie and who looks names up."""
    url = production.workload("bot").environment["TFSTYLE_BOT_DATABASE_URL"]["value"]
    return f"{url}&hostaddr=127.0.0.1&port={port}".replace("/certificate", str(folder / "certificate"))


def connect(url: str, **changes: object) -> psycopg.Connection:
    return psycopg.connect(url, **({"password": PASSWORD} | changes))


def test_the_bot_keeps_its_tasks_there_by_tls(bots_url, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)  # as the manifests give it

    async def use() -> object:
        await store.add([NewTask(key="one", kind=PAINT, chat_id=1, user_id=1, payload={"pictures": ["one"]})])
        with connect(bots_url) as connection:
            encrypted = connection.execute(
                "SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                " WHERE usename = 'tfstyle' AND pid <> pg_backend_pid()"
            ).fetchone()
        return encrypted, (await store.claim(PAINT)).payload

    store = Store(bots_url, "test")
    try:
        (connections, encrypted), payload = asyncio.run(use())
    finally:
        store.close()

    assert connections > 0
    assert encrypted is True
    assert payload == {"pictures": ["one"]}


def test_keda_is_answered_by_the_name_that_it_calls(production, port, folder):
    for scaled in production.of("ScaledObject"):
        (trigger,) = scaled["spec"]["triggers"]
        asked = trigger["metadata"]
        with psycopg.connect(
            host=asked["host"],
            hostaddr="127.0.0.1",
            port=port,
            user=asked["userName"],
            dbname=asked["dbName"],
            password=PASSWORD,
            sslmode=asked["sslmode"],
            sslrootcert=str(folder / "certificate" / "ca.crt"),
        ) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_without_tls_nobody_comes_in(bots_url):
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry .* no encryption"):
        connect(bots_url, sslmode="disable")


def test_without_the_password_nobody_comes_in(bots_url):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(bots_url, password="guessed")


def test_a_server_of_another_authority_is_refused(bots_url, tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.crt")

    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect(bots_url, sslrootcert=str(tmp_path / "ca.crt"))


def test_a_server_of_another_name_is_refused(bots_url):
    with pytest.raises(psycopg.OperationalError, match='does not match host name "database"'):
        connect(bots_url, host="database")
