"""Secrets do not reach a log, however they come into a message."""

import json
import logging

import pytest

from bot.logs import JsonFormatter
from bot.settings import Settings


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
