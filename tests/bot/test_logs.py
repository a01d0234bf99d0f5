"""Secrets do not reach a log, however they come into a message."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from bot.logs import JsonFormatter
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def logged(*secrets: str, message: str = "", error: Exception | None = None, **extra: object) -> dict:
    record = logging.LogRecord("here", logging.INFO, "file", 1, message, (), error and (type(error), error, None))
    vars(record).update(extra)
    return json.loads(JsonFormatter(*secrets).format(record))


@pytest.mark.parametrize("secret", ["s3cret", 'with "quotes" and \\', "\n", "{}", ":", '"'])
def test_a_secret_is_cut_out_of_messages_fields_and_exceptions_and_the_line_stays_json(secret):
    """A secret may be any text, also one that JSON writes otherwise."""
    fields = logged(
        secret,
        message=f"to {secret}.",
        error=ValueError(f"at {secret}"),
        address=f"https://host/{secret}",
        several=[secret, {"inner": (secret, 7)}],
    )

    assert fields["message"] == "to [secret]."
    assert fields["exception"].endswith("at [secret]")
    assert fields["several"] == ["[secret]", {"inner": ["[secret]", 7]}]
    assert fields["address"].endswith("/[secret]")


def test_of_two_secrets_that_overlap_nothing_stays():
    assert logged("abc", "abcdef", message="abcdef abc")["message"] == "[secret] [secret]"


def test_what_ends_the_bot_and_what_python_warns_of_is_logged_without_the_token():
    """`python -m bot`, but for what it runs."""
    token = "123456:ABC-DEF"
    code = f"""
import sys, warnings, bot.app, bot.__main__
async def run(settings):
    warnings.warn("https://api.telegram.org/bot{token}/getMe")
    raise RuntimeError("https://api.telegram.org/bot{token}/getMe")
bot.app.run = run
sys.exit(bot.__main__.main())
"""
    environment = {"TFSTYLE_BOT_TOKEN": token}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)

    warning, error = map(json.loads, done.stderr.splitlines())
    assert (done.returncode, done.stdout) == (1, "")
    assert "https://api.telegram.org/bot[secret]/getMe" in warning["message"]
    assert error["exception"].endswith("RuntimeError: https://api.telegram.org/bot[secret]/getMe")
    assert token.partition(":")[2] not in done.stderr


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://bot:p%40ss@host/db", {"p%40ss", "p@ss"}),
        ("postgresql://host/db?user=bot&password=p%40ss&sslmode=require", {"p%40ss", "p@ss"}),
        ("postgresql://bot@host/db", set()),
        ("sqlite:///bot.db", set()),
    ],
)
def test_the_secrets_of_the_settings_are_known_in_each_form(url, password, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "S4-x")
    settings = Settings(token="1:a-token", webhook_secret="S3-x", database_url=url)

    assert set(settings.secrets) == {"1:a-token", "a-token", "S3-x", "S4-x"} | password
    assert not {secret for secret in settings.secrets if secret in repr(settings)}
