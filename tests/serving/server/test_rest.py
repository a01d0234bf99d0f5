"""Clients of the REST port that speak no HTTP, hang up, say nothing or send what no model could take."""

import gzip
import logging
import socket
import time
import zlib
from collections.abc import Callable

import httpx
import pytest

from serving.config.timings import ServerTimings
from serving.server import model_server
from testing.fuzz_cases import bounded_memory
from tests.serving.conftest import free_port

PATH = "/v1/models/tfstyle:predict"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: here\r\n".encode()


@pytest.fixture(scope="module")
def port(models_dir):
    """Of a server that waits for a request for a second only."""
    port = free_port()
    with model_server.running(models_dir, rest_api_port=port, timings=ServerTimings(http_idle=1.0)):
        yield port


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(60)
    return connection


def eventually(check: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def of_one_line(records: list[logging.LogRecord]) -> bool:
    return all("\n" not in record.getMessage() and record.exc_info is None for record in records)


@pytest.mark.parametrize(
    "begun", [b"Content-Length: 1000\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\n{    \r\n"]
)
def test_a_client_that_hangs_up_within_a_body_is_worth_a_line_at_most(port, caplog, begun):
    caplog.set_level(logging.DEBUG, logger="serving.server.rest")
    with connect(port) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\n" + begun)
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it is read now
    eventually(lambda: caplog.records)
    (record,) = caplog.records
    assert record.levelno <= logging.INFO
    assert of_one_line([record])


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /v1/models/\xff HTTP/1.1\r\n\r\n",
    ],
    ids=["a negative length", "two lengths", "no size of a chunk", "a long header", "a path that is no text"],
)
def test_what_is_no_http_is_refused_and_takes_a_line_of_the_log(port, caplog, said):
    caplog.set_level(logging.INFO)
    with connect(port) as connection:
        connection.sendall(said)
        assert connection.recv(12).endswith(b" 400")
    lines = [record for record in caplog.records if "127.0.0.1" in record.getMessage()]
    assert [record.levelno for record in lines] == [logging.INFO]
    assert of_one_line(caplog.records)


def test_a_body_that_is_not_what_its_headers_say_is_refused(port, caplog):
    with connect(port) as connection:
        connection.sendall(HEAD + b"Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\ngarbage!")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b'{"error": "The body is not encoded as its headers say."}')
    assert of_one_line(caplog.records)


@pytest.mark.parametrize("said", [b"", HEAD], ids=["nothing", "half a head"])
def test_a_connection_that_says_nothing_is_closed(port, said):
    with connect(port) as connection:
        connection.sendall(said)
        assert connection.recv(1) == b""


def nested(depth: int, begin: str, end: str) -> str:
    return f'{{"signature_name": "slow", "inputs": [{begin * depth}1{end * depth}]}}'


def test_nesting_that_no_tensor_has_is_refused(port):
    """Also where the parser just takes it, and whoever looks at what it made does not."""
    documents = [nested(depth, "[", "]") for depth in (64, 100, 900)]
    documents += [nested(depth, '{"a":', "}") for depth in range(950, 1000)]
    with httpx.Client(timeout=60) as http:
        answers = [http.post(f"http://127.0.0.1:{port}{PATH}", content=document) for document in documents]
    assert {answer.status_code for answer in answers} == {400}
    assert answers[0].json()["error"] == "Expecting at most 63 levels of lists but got: 65"


def test_a_body_packed_with_gzip_is_read(port):
    packed = gzip.compress(b'{"signature_name": "slow", "instances": [1]}')
    response = httpx.post(
        f"http://127.0.0.1:{port}{PATH}", content=packed, headers={"Content-Encoding": "gzip"}, timeout=30
    )
    assert response.status_code == 200


def test_a_small_body_that_unpacks_to_gigabytes_is_refused_before_it_does(port):
    packing = zlib.compressobj(wbits=31)
    packed = b"".join(packing.compress(bytes(2**24)) for _ in range(64)) + packing.flush()
    with bounded_memory(300):
        response = httpx.post(
            f"http://127.0.0.1:{port}{PATH}", content=packed, headers={"Content-Encoding": "gzip"}, timeout=60
        )
    assert response.status_code == 413


def test_a_body_of_another_encoding_is_refused(port):
    response = httpx.post(
        f"http://127.0.0.1:{port}{PATH}", content=b"{}", headers={"Content-Encoding": "br"}, timeout=30
    )
    assert (response.status_code, "gzip" in response.json()["error"]) == (400, True)
