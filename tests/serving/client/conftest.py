"""Both clients, for tests that hold for either."""

import socket
from typing import Any

import pytest

from serving.client import StyleClient
from tests.serving.client.both_clients import WaitingClient


@pytest.fixture(params=[StyleClient, WaitingClient], ids=["threads", "asyncio"])
def open_client(request: pytest.FixtureRequest) -> Any:
    """Makes one of both clients: what holds for one holds for the other."""
    return request.param


@pytest.fixture
def free_port() -> int:
    """A local port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
