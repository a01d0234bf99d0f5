"""The bot as a process between two doubles, shared by most tests: each has a chat of its own."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testing.bot_api import BotApi, Person
from testing.bot_process import BotProcess
from testing.postgres import running_postgres
from testing.style_server import StyleModel, style_server

_ids = itertools.count(100_001)


@pytest.fixture(scope="session")
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture(scope="session")
def styles() -> Iterator[tuple[StyleModel, str]]:
    with style_server() as running:
        yield running


@pytest.fixture
def model(styles: tuple[StyleModel, str]) -> Iterator[StyleModel]:
    """The style server's model, for tests that slow it down or let it fail, with no calls yet."""
    styles[0].predictor.calls.clear()
    yield styles[0]
    styles[0].seconds = 0.0
    styles[0].faults.clear()


@pytest.fixture(scope="session")
def running_bot(
    api: BotApi, styles: tuple[StyleModel, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BotProcess]:
    with BotProcess(api, styles[1], tmp_path_factory.mktemp("bot"), admins="100000") as bot:
        yield bot


@pytest.fixture
def bot(running_bot: BotProcess) -> BotProcess:
    """The shared bot, alive."""
    assert running_bot.process is not None
    assert running_bot.process.poll() is None, running_bot.logs()
    return running_bot


@pytest.fixture
def person(api: BotApi, bot: BotProcess) -> Person:
    """Somebody in a chat that nobody used before."""
    return Person(api, next(_ids))


@pytest.fixture
def new_person(api: BotApi) -> Callable[..., Person]:
    """Makes more of them."""
    return lambda api=api, **options: Person(api, next(_ids), **options)


@pytest.fixture
def own_api() -> Iterator[BotApi]:
    """A Bot API for one test that starts bots of its own."""
    with BotApi() as api:
        yield api


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server's address."""
    with running_postgres() as url:
        yield url
