"""PostgreSQL as the manifests set it answers by TLS and for the password; who asks as they say is sure of it."""

import asyncio

import psycopg
import pytest
import trustme

from bot.storage.store import Store
from bot.storage.tasks import PAINT, NewTask
from tests.k8s.secured_postgres import PASSWORDS


@pytest.fixture
def bots_url(production, database) -> str:
    """The bot's address of the database, but for where its files lie and who looks names up."""
    url = production.workload("bot").environment["TFSTYLE_BOT_DATABASE_URL"]["value"]
    return f"{url}&hostaddr=127.0.0.1&port={database.port}".replace("/certificate", str(database.certificate))


def connect(url: str, **changes: object) -> psycopg.Connection:
    return psycopg.connect(url, **({"password": PASSWORDS["bot"]} | changes))


def test_the_bot_keeps_its_tasks_there_by_tls(bots_url, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORDS["bot"])  # as the manifests give it

    async def use() -> object:
        await store.add([NewTask(key="one", kind=PAINT, chat_id=1, user_id=1, payload={"pictures": ["one"]})])
        with connect(bots_url) as connection:
            encrypted = connection.execute(
                "SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                " WHERE usename = 'bot' AND pid <> pg_backend_pid()"
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


def test_keda_is_answered_by_the_name_that_it_calls(production, database):
    for scaled in production.of("ScaledObject"):
        (trigger,) = scaled["spec"]["triggers"]
        asked = trigger["metadata"]
        with psycopg.connect(
            host=asked["host"],
            hostaddr="127.0.0.1",
            port=database.port,
            user=asked["userName"],
            dbname=asked["dbName"],
            password=PASSWORDS[asked["userName"]],
            sslmode=asked["sslmode"],
            sslrootcert=str(database.certificate / "ca.crt"),
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
