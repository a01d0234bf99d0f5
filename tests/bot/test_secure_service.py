"""Bot and server as they run in production: mutual TLS, a webhook, PostgreSQL. And what is logged meanwhile."""

import contextlib
import datetime
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest
import trustme

from serving.client import StyleClient
from serving.client.connection import Retries, Tls
from serving.client.errors import CertificateError
from testing.bot_api import TOKEN, BotApi, Fault, Person, photo_bytes
from testing.bot_process import ROOT, BotProcess
from testing.load import server_process
from tests.serving.conftest import free_port
from tfstyle.model_store.versions import models_root

WEBHOOK_SECRET = "hook-SECRET_5f3a"
PASSWORD, PASSWORD_IN_URL = "data base/SECRET@77", "data%20base%2FSECRET%4077"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
LONG_AGO = {"not_before": datetime.datetime(2020, 1, 1), "not_after": datetime.datetime(2021, 1, 1)}


class Files(NamedTuple):
    """PEM files of one side."""

    ca: Path
    cert: Path
    key: Path

    @classmethod
    def write(cls, folder: Path, authority: trustme.CA, issued: trustme.LeafCert) -> "Files":
        folder.mkdir()
        files = cls(*(folder / name for name in ("ca.pem", "cert.pem", "key.pem")))
        authority.cert_pem.write_to_path(files.ca)
        files.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(files.key)
        return files

    @property
    def settings(self) -> dict[str, Path]:
        """For a bot."""
        return {"tls_ca": self.ca, "tls_cert": self.cert, "tls_key": self.key}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secure")


@pytest.fixture(scope="module")
def certificates(folder: Path) -> dict[str, Files]:
    """Of both sides, and of clients that nobody should let in."""
    authority = trustme.CA()
    issued = {
        "server": authority.issue_cert("127.0.0.1"),
        "bot": authority.issue_cert("bot"),
        "expired": authority.issue_cert("bot", **LONG_AGO),
        "stranger": trustme.CA().issue_cert("bot"),
    }
    return {name: Files.write(folder / name, authority, leaf) for name, leaf in issued.items()}


@pytest.fixture(scope="module")
def server(folder, certificates) -> Iterator[str]:
    """The address of the released model's server, which wants to know who asks; it logs to server.log."""
    ca, cert, key = (json.dumps(path.read_text()) for path in certificates["server"])
    config = folder / "ssl.config"
    config.write_text(f"server_key: {key} server_cert: {cert} custom_ca: {ca} client_verify: true")
    flags = (f"--models_dir={models_root()}", "--port=0", f"--ssl_config_file={config}", "--enable_model_warmup=false")
    with (folder / "server.log").open("w") as log, server_process(*flags, log=log) as (_, address):
        yield address


class Run(NamedTuple):
    """The size of the painting that somebody got, and everything that was logged, by who logged it."""

    size: tuple[int, int]
    logs: dict[str, str]


@pytest.fixture(scope="module")
def run(folder, certificates, server, postgres) -> Run:
    """A photo is painted, everybody as talkative as can be, with faults on the way."""
    port = free_port()
    database = postgres.replace("bot@", f"bot:{PASSWORD_IN_URL}@") + "?options=-clog_statement%3Dall"
    settings = {
        "mode": "webhook", "webhook_url": f"http://127.0.0.1:{port}", "webhook_secret": WEBHOOK_SECRET,
        "http_port": port, "database_url": database, "log_level": "DEBUG",
        **certificates["bot"].settings,
    }  # fmt: skip
    with BotApi() as api, BotProcess(api, server, folder, **settings) as bot:
        api.wait_for(lambda: api.webhook)
        api.faults.append(Fault(method="getFile", done_first=True))  # so that a library tells of a URL
        api.faults.append(Fault(method="sendMessage", status=500, description=f"as {api.token} at {WEBHOOK_SECRET}"))
        for headers, body in [({SECRET_HEADER: "guessed"}, b"{}"), ({SECRET_HEADER: WEBHOOK_SECRET}, b"{")]:
            httpx.post(api.webhook["url"], content=body, headers=headers)
        person = Person(api, 1)
        answer = person.wait_for_answer(person.send_photo(photo_bytes(), "scream"), seconds=60)
        size = person.painting(answer).size
        bot.stop()
        lost = BotProcess(
            api, server, folder, **{**settings, "database_url": f"postgresql://b:{PASSWORD_IN_URL}@127.0.0.1:1/bot"}
        )
        lost.log = folder / "lost.log"
        lost.start(wait=False)
        assert lost.process is not None
        assert lost.process.wait(timeout=60) == 2
    logs = {"bot": bot.logs(), "bot without database": lost.logs(), "command": _command(server, certificates["bot"])}
    return Run(size, logs | {"server": (folder / "server.log").read_text(), "database": _log_of(postgres)})


def _log_of(postgres: str) -> str:
    with psycopg.connect(postgres) as connection:
        data = connection.execute("SHOW data_directory").fetchone()
    assert data is not None
    return (Path(data[0]).parent / "log").read_text()


def _command(server: str, files: Files) -> str:
    options = ["--tls-ca", files.ca, "--tls-cert", files.cert, "--tls-key", files.key]
    environment = {**os.environ, "GRPC_VERBOSITY": "DEBUG", "GRPC_TRACE": "http,tsi"}
    done = subprocess.run(
        [sys.executable, "-m", "tfstyle", "styles", "--server", server, *options],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_a_photo_is_painted_over_mutual_tls(run):
    assert run.size == (64, 48)


@pytest.mark.parametrize("client", ["none", "expired", "stranger", "plain text"])
def test_the_server_answers_nobody_whose_certificate_it_does_not_trust(certificates, server, client):
    """Nor somebody who shows none. One sentence tells them."""
    shown = Tls(ca=certificates["bot"].ca)
    if client in certificates:
        shown = Tls(**dict(zip(("ca", "cert", "key"), certificates[client], strict=True)))
    with (
        StyleClient(server, tls=None if client == "plain text" else shown, retries=Retries(attempts=2)) as styles,
        pytest.raises(CertificateError, match=f"{server} answers, but not as expected of TLS"),
    ):
        styles.styles(timeout=20)


def test_a_bot_that_the_server_does_not_trust_says_so_and_keeps_the_photo(certificates, server, tmp_path):
    with BotApi() as api, BotProcess(api, server, tmp_path, **certificates["stranger"].settings) as bot:
        person = Person(api, 1)
        person.send_photo(photo_bytes(), "scream")
        api.wait_for(lambda: "not as expected of TLS" in bot.logs(), seconds=40, what=f"a sentence\n{bot.logs()}")

        assert json.loads(bot.get("/readyz")[1])["server"] is False
        assert '"painted"' not in bot.logs()
    with contextlib.closing(sqlite3.connect(tmp_path / "bot.db")) as database:
        assert database.execute("SELECT state FROM tasks").fetchall() == [("queued",)]


def test_no_secret_is_in_any_log(run, certificates):
    """The faults above did reach the logs, with the secrets cut out."""
    for telling, name in [("[secret]", "bot"), ('"painted"', "bot"), ("Connection refused", "bot without database"),
                          ("starry_night", "command"), ("serving tfstyle", "server"),
                          ("INSERT INTO", "database")]:  # fmt: skip
        assert telling in run.logs[name]
    secrets = {TOKEN, TOKEN.partition(":")[2], WEBHOOK_SECRET, PASSWORD, PASSWORD_IN_URL}
    for files in certificates.values():
        secrets |= {line for line in files.key.read_text().splitlines() if not line.startswith("-")}

    assert {(name, secret) for name, log in run.logs.items() for secret in secrets if secret in log} == set()
