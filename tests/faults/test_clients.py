"""Clients that stop half way or are slow, by accident or on purpose."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import grpc
import httpx
import pytest

from serving.client import StyleClient
from serving.client.calls import PREDICT
from serving.client.errors import ServerBusyError
from serving.config.timings import ServerTimings
from serving.server import model_server
from testing.fuzz_cases import bounded_memory
from testing.load import slow_request
from tests.serving.conftest import free_port

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
HEADERS_THAT_CLAIM_MORE = b"\x00\x40\x00\x01\x04\x00\x00\x00\x01" + bytes(10)

# A call of Predict by hand, one header after the other as a literal that is not indexed.
_HEADERS = {
    ":method": "POST", ":scheme": "http", ":path": PREDICT, ":authority": "here", "te": "trailers",
    "content-type": "application/grpc",
}  # fmt: skip
_BLOCK = b"".join(
    b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    for name, value in _HEADERS.items()
)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Of HTTP/2."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def call_of(stream: int, data: bytes, *, ended: bool) -> bytes:
    """The frames of a call, with the bytes of its message or the first of them."""
    return frame(1, 4, stream, _BLOCK) + frame(0, int(ended), stream, data)


THREADS, WAITING = 2, 3


@pytest.fixture
def address(toy_model, tmp_path) -> Iterator[str]:
    """Of a server with little room, that waits for a message for a second only."""
    timings = ServerTimings(message=1.0, probe_message=0.5)
    shutil.copytree(toy_model, tmp_path / "tfstyle" / "1")
    flags = {"grpc_max_threads": THREADS, "max_queued_requests": WAITING}
    with model_server.running(tmp_path, timings=timings, **flags) as address:
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


@contextmanager
def trickling(connection: socket.socket, piece: bytes) -> Iterator[None]:
    """Sends a piece every 50 ms, for as long as the block runs and somebody takes them."""
    ended = threading.Event()

    def trickle() -> None:
        with suppress(OSError):  # hung up
            while not ended.wait(0.05):
                connection.sendall(piece)

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_message_that_trickles_in_holds_its_place_no_longer_than_one_that_does_not_come(address):
    """Each byte is a sign of life, and a megabyte of them would take for ever."""
    host, port = address.split(":")
    with ExitStack() as stack, StyleClient(address, timeout=20) as client:
        client.predict("describe", {})
        for _ in range(THREADS + WAITING):
            connection = stack.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(PREFACE + SETTINGS + call_of(1, b"\x00\x00\x10\x00\x00", ended=False))
            stack.enter_context(trickling(connection, frame(0, 0, 1, b"\x0a")))
        time.sleep(0.5)
        with StyleClient(address, timeout=0.5) as hasty, pytest.raises(ServerBusyError):  # all places are taken
            hasty.predict("describe", {})
        _until_answered(client)


def test_clients_that_do_not_read_their_answers_keep_nobody_from_being_answered(address):
    """No answer is even begun: these clients leave no room for it, by a window of no bytes."""
    host, port = address.split(":")
    no_window = frame(4, 0, 0, b"\x00\x04\x00\x00\x00\x00")
    message = slow_request(rounds=1).SerializeToString()
    data = b"\x00" + len(message).to_bytes(4) + message
    with ExitStack() as stack, StyleClient(address, timeout=20) as client:
        client.predict("describe", {})
        for _ in range(3 * (THREADS + WAITING)):
            connection = stack.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(PREFACE + no_window + call_of(1, data, ended=True))
            time.sleep(0.02)
        time.sleep(0.5)
        for _ in range(5):
            _until_answered(client)


def test_a_body_that_trickles_in_holds_its_place_until_the_deadline_of_a_rest_request(toy_model, tmp_path):
    shutil.copytree(toy_model, tmp_path / "tfstyle" / "1")
    port = free_port()
    path = "/v1/models/tfstyle:predict"
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n".encode()
    flags = {"rest_api_port": port, "rest_api_num_threads": 2, "rest_api_timeout_in_ms": 5000}
    with model_server.running(tmp_path, **flags), ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(2)]
        for connection in connections:
            connection.settimeout(30)
            connection.sendall(head)
            stack.enter_context(trickling(connection, b"["))
        time.sleep(0.5)
        assert httpx.get(f"http://127.0.0.1:{port}/v1/models/tfstyle", timeout=4).status_code == 200
        for connection in connections:
            assert connection.recv(20).startswith(b"HTTP/1.1 504 ")
        body = json.dumps({"signature_name": "slow", "instances": [1]})
        assert httpx.post(f"http://127.0.0.1:{port}{path}", content=body, timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("path", "probe"),
    [
        ("/grpc.health.v1.Health/Check", lambda client: client.health()),
        ("/tensorflow.serving.ModelService/GetModelStatus", lambda client: client.status()),
    ],
    ids=["health", "status"],
)
def test_probes_whose_messages_do_not_come_keep_no_probe_waiting(address, path, probe):
    """Kubernetes would end a server whose every thread waits for one of these."""
    ended = threading.Event()

    def nothing() -> Iterator[bytes]:
        ended.wait(60)
        yield from ()

    with grpc.insecure_channel(address) as channel, StyleClient(address, timeout=5) as client:
        stalled = [channel.stream_unary(path).future(nothing()) for _ in range(40)]
        time.sleep(0.2)
        assert probe(client)
        codes = {call.exception(timeout=20).code() for call in stalled}
        ended.set()
    assert codes == {grpc.StatusCode.CANCELLED}


def test_a_connection_takes_a_bounded_number_of_calls_at_once(address):
    """Or else one that opens and resets them would make the server begin any number ("rapid reset")."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(PREFACE + SETTINGS)
        said = connection.recv(9, socket.MSG_WAITALL)
        length, kind = int.from_bytes(said[:3]), said[3]
        assert kind == 4
        settings = connection.recv(length, socket.MSG_WAITALL)
    values = {
        int.from_bytes(settings[at : at + 2]): int.from_bytes(settings[at + 2 : at + 6]) for at in range(0, length, 6)
    }
    assert values[3] <= 256  # SETTINGS_MAX_CONCURRENT_STREAMS


def test_bodies_without_end_leave_others_an_answer_within_their_deadline(toy_model, tmp_path):
    """Each holds a place until its own deadline; 50 for 2 places would keep others waiting for 50 s here."""
    shutil.copytree(toy_model, tmp_path / "tfstyle" / "1")
    port = free_port()
    path = "/v1/models/tfstyle:predict"
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    flags = {"rest_api_port": port, "rest_api_num_threads": 2, "rest_api_timeout_in_ms": 2000}
    with model_server.running(tmp_path, **flags), ExitStack() as stack:
        for _ in range(50):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(head)
        time.sleep(0.5)
        began = time.monotonic()
        work = {"signature_name": "slow", "instances": [1]}
        response = httpx.post(f"http://127.0.0.1:{port}{path}", json=work, timeout=20)
        assert response.status_code in {200, 503}
        assert time.monotonic() - began < 5
