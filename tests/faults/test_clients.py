"""Clients that stop half way, by accident or on purpose."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import grpc
import pytest

from serving import grpc_service, server
from serving.calls import PREDICT
from serving.client import StyleClient
from serving.errors import ServerBusyError
from tests.fuzz.cases import bounded_memory

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
HEADERS_THAT_CLAIM_MORE = b"\x00\x40\x00\x01\x04\x00\x00\x00\x01" + bytes(10)

THREADS, WAITING = 2, 3


@pytest.fixture
def address(toy_model, tmp_path, monkeypatch) -> Iterator[str]:
    """Of a server with little room, that waits for a message for a second only."""
    monkeypatch.setattr(grpc_service, "ARRIVAL_SECONDS", 1.0)
    shutil.copytree(toy_model, tmp_path / "tfstyle" / "1")
    with server.running(tmp_path, grpc_max_threads=THREADS, max_queued_requests=WAITING) as address:
        yield address


def silent(connection: socket.socket) -> None:
    """Connects, and says nothing."""


def half_a_preface(connection: socket.socket) -> None:
    connection.sendall(PREFACE[:10])


def half_a_frame(connection: socket.socket) -> None:
    connection.sendall(PREFACE + SETTINGS + HEADERS_THAT_CLAIM_MORE)


def half_closed(connection: socket.socket) -> None:
    connection.sendall(PREFACE + SETTINGS)
    connection.shutdown(socket.SHUT_WR)


def http_1(connection: socket.socket) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n{")


@pytest.mark.parametrize("stall", [silent, half_a_preface, half_a_frame, half_closed, http_1])
def test_connections_that_stall_keep_nobody_from_being_answered(address, stall: Callable[[socket.socket], None]):
    host, port = address.split(":")
    with ExitStack() as stack, StyleClient(address, timeout=10) as client:
        client.predict("describe", {})
        with bounded_memory(100):
            for _ in range(100):
                stall(stack.enter_context(socket.create_connection((host, int(port)))))
            for _ in range(5):
                client.predict("describe", {})


def test_clients_that_stall_half_way_keep_nobody_from_being_answered(address):
    """They have called and send no message, and would hold every thread and every place in the queue for ever."""
    ended = threading.Event()

    def nothing() -> Iterator[bytes]:
        ended.wait(60)
        yield from ()

    with grpc.insecure_channel(address) as channel, StyleClient(address, timeout=20) as client:
        client.predict("describe", {})
        stalled = [channel.stream_unary(PREDICT).future(nothing()) for _ in range(THREADS + WAITING)]
        time.sleep(0.5)
        with StyleClient(address, timeout=0.5) as hasty:  # all places are taken
            with pytest.raises(ServerBusyError):
                hasty.predict("describe", {})
            assert hasty.health()
        _until_answered(client)
        codes = [call.exception(timeout=10).code() for call in stalled]
        ended.set()
    assert codes.count(grpc.StatusCode.CANCELLED) >= THREADS + WAITING - 1  # one may have found a place still taken


def _until_answered(client: StyleClient) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            client.predict("describe", {})
            return
        except ServerBusyError:
            if time.monotonic() > deadline:
                raise


def test_a_call_without_a_message_is_refused(address):
    with grpc.insecure_channel(address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(PREDICT)(iter(()), timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
