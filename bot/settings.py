"""Settings of the bot, from environment variables that start with `TFSTYLE_BOT_`.

`docs/bot.md` has the same table for people; a test holds the two together.
"""

import os
import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.texts import LANGUAGES
from serving import DEFAULT_PORT
from serving.client import Tls
from tfstyle.errors import StyleTransferError

PREFIX = "TFSTYLE_BOT_"

_PASSWORD = re.compile(r"//[^:/]*:([^@]*)@|[?&]password=([^&]*)")  # in a database's URL

Ids = Annotated[frozenset[int], NoDecode]
Languages = Annotated[tuple[str, ...], NoDecode]


class SettingsError(StyleTransferError):
    """A setting is missing or wrong."""


class Settings(BaseSettings):
    """What an operator may choose; each field is the variable of its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    token: SecretStr = Field(description="what @BotFather gave you")
    server: str = Field(
        f"localhost:{DEFAULT_PORT}",
        description="host:port of the style server (gRPC); dns:///host:port takes all addresses of the name in turns",
    )
    label: str = Field("", description="label of the model's version to paint with, such as stable; none: its newest")
    tls_ca: str = Field("", description="PEM file of the authority that vouches for that server; none: no encryption")
    tls_cert: str = Field("", description="PEM file of the bot's own certificate, for mutual TLS")
    tls_key: str = Field("", description="PEM file of its private key")
    base_url: str = Field("https://api.telegram.org/bot", description="Bot API server; ends in /bot")
    base_file_url: str = Field("https://api.telegram.org/file/bot", description="its files; ends in /file/bot")
    database_url: str = Field("sqlite:///tfstyle-bot.db", repr=False, description="sqlite:///FILE or postgresql://...")
    mode: Literal["polling", "webhook"] = Field("polling", description="how updates arrive: polling or webhook")
    webhook_url: str = Field("", description="public https address that Telegram posts to; webhook mode only")
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="1 to 256 of A-Z a-z 0-9 _ -, sent along by Telegram; webhook mode only"
    )
    http_host: str = Field("0.0.0.0", description="where health, metrics and the webhook listen")
    http_port: int = Field(8080, ge=0, le=65535, description="their port; 0 picks a free one")
    concurrency: int = Field(4, ge=1, le=64, description="photos painted at once by this process")
    user_concurrency: int = Field(2, ge=1, description="photos of one user painted at once")
    user_photos_per_hour: int = Field(300, ge=1, description="photos of one user in any hour")
    queue_limit: int = Field(1000, ge=1, description="photos waiting in all chats; more are turned away")
    album_limit: int = Field(10, ge=1, le=10, description="photos of one album; the rest is left out")
    max_file_mb: int = Field(20, ge=1, le=20, description="largest file, in MB; Telegram lets bots fetch 20")
    max_megapixels: float = Field(25.0, gt=0, le=120, description="largest photo")
    decoder_mb: int = Field(224, ge=64, description="memory that photos may take while they are decoded, in MB")
    timeout: float = Field(120.0, gt=0, description="seconds that one painting may take on the server")
    languages: Languages = Field(LANGUAGES, description="languages to speak; the first one is for everybody else")
    admins: Ids = Field(frozenset(), description="user ids that may ask for /stats")
    allowed_users: Ids = Field(frozenset(), description="user ids that are served; empty: everybody")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="how much is logged")

    @field_validator("admins", "allowed_users", mode="before")
    @classmethod
    def _split_ids(cls, value: Any) -> Any:
        return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("languages", mode="before")
    @classmethod
    def _split_languages(cls, value: Any) -> Any:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not set(value) <= set(LANGUAGES):
            raise ValueError(f"expected some of {', '.join(LANGUAGES)}, got {', '.join(value) or 'none'}")
        return value

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        number, colon, secret = value.get_secret_value().partition(":")
        if not (colon and number.isdecimal() and secret and not secret.isspace()):
            raise ValueError("expected a token such as 123456:ABC-DEF, got something else")
        return value

    @field_validator("server")
    @classmethod
    def _server(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError(f"expected host:port, got {value!r}")
        return value

    @field_validator("base_url", "base_file_url")
    @classmethod
    def _base_url(cls, value: str, info: Any) -> str:
        ending = "/bot" if info.field_name == "base_url" else "/file/bot"
        if not (value.startswith(("http://", "https://")) and value.endswith(ending)):
            raise ValueError(f"expected http(s)://... that ends in {ending}, got {value!r}")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: str) -> str:
        if not (value.startswith("sqlite:///") and value != "sqlite:///") and not value.startswith("postgresql://"):
            kind = value.partition(":")[0]  # not the rest: it may hold a password
            raise ValueError(f"expected sqlite:///FILE or postgresql://..., got one that starts with {kind!r}")
        return value

    @model_validator(mode="after")
    def _webhook(self) -> Self:
        if self.mode == "webhook":
            secret = self.webhook_secret.get_secret_value()
            if not self.webhook_url.startswith(("https://", "http://127.0.0.1")):
                raise ValueError(f"webhook mode needs {PREFIX}WEBHOOK_URL, an https:// address")
            if not (
                1 <= len(secret) <= 256 and secret.replace("_", "").replace("-", "").isalnum() and secret.isascii()
            ):
                raise ValueError(f"webhook mode needs {PREFIX}WEBHOOK_SECRET, 1 to 256 of A-Z a-z 0-9 _ -")
        return self

    @model_validator(mode="after")
    def _tls(self) -> Self:
        if not (bool(self.tls_cert) == bool(self.tls_key) and (self.tls_ca or not self.tls_cert)):
            raise ValueError(
                f"expected {PREFIX}TLS_CERT and {PREFIX}TLS_KEY together, and {PREFIX}TLS_CA with them, got only a part"
            )
        return self

    @property
    def tls(self) -> Tls | None:
        """How to reach the style server; None is plain text."""
        return Tls(ca=self.tls_ca, cert=self.tls_cert or None, key=self.tls_key or None) if self.tls_ca else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may show, each as it may appear there: Telegram's token also without the bot's number."""
        token = self.token.get_secret_value()
        passwords = [before or after for before, after in _PASSWORD.findall(self.database_url)]
        own = (token, token.partition(":")[2], self.webhook_secret.get_secret_value())
        return (*own, *passwords, *map(unquote, passwords), os.environ.get("PGPASSWORD", ""))  # as libpq takes it

    @property
    def max_file_bytes(self) -> int:
        """`max_file_mb` in bytes."""
        return self.max_file_mb * 2**20

    @property
    def decoder_bytes(self) -> int:
        """`decoder_mb` in bytes."""
        return self.decoder_mb * 2**20

    @property
    def max_pixels(self) -> int:
        """`max_megapixels` in pixels."""
        return int(self.max_megapixels * 1e6)


def load_settings(**overrides: Any) -> Settings:
    """Read the environment.

    Raises:
        SettingsError: With one sentence about the first setting that is missing or wrong.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]  # an input may be a secret
    name = "".join(f"{PREFIX}{part}".upper() for part in first["loc"][:1])
    if first["type"] == "missing":
        return f"{name} is not set; it is {Settings.model_fields[str(first['loc'][0])].description}."
    message = first["msg"].removeprefix("Value error, ")
    return f"{name}: {message}." if name else f"{message}."
