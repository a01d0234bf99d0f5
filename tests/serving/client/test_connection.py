"""How addresses are written, and what happens to calls when servers come, go and say no for a while."""

import io
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager

import grpc
import numpy as np
import pytest
from PIL import Image

from serving.client.calls import PREDICT
from serving.client.connection import Connection, Keepalive, Retries
from serving.client.errors import (
    ConnectionSettingsError,
    DeadlineError,
    InvalidRequestError,
    MessageTooLargeError,
    ServerBusyError,
    ServerDownError,
    ServerFaultError,
)
from serving.protos import wire_pb2
from testing.fake_model import CATALOG, photo_array
from testing.fake_server import FakeModel, answering
from testing.fuzz_cases import bounded_memory
from tfstyle.contract.catalog import Catalog
from tfstyle.errors import ModelError

QUICKLY = Retries(initial_backoff=0.01)
IMPATIENT = Keepalive(ping_after=0.3, answer_within=0.3)
QUEUE_FULL = "The batch scheduling queue to which this task was submitted is full"


# Addresses


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("localhost:8500", "localhost:8500"),
        ("localhost", "localhost:8500"),
        ("models.example:9000", "models.example:9000"),
        ("[::1]:8500", "[::1]:8500"),
        ("dns:///models.example", "dns:///models.example:8500"),
        ("dns:///models.example:9000", "dns:///models.example:9000"),
        ("dns://10.0.0.53/models.example:9000", "dns://10.0.0.53/models.example:9000"),
        ("dns:models.example", "dns:models.example:8500"),
        ("10.0.0.1,10.0.0.2:9000", "ipv4:10.0.0.1:8500,10.0.0.2:9000"),
        (["10.0.0.1:8500", "10.0.0.2:8500"], "ipv4:10.0.0.1:8500,10.0.0.2:8500"),
        ("localhost:8500, localhost:8501", "ipv4:127.0.0.1:8500,127.0.0.1:8501"),
        ("ipv4:10.0.0.1:8500,10.0.0.2:8500", "ipv4:10.0.0.1:8500,10.0.0.2:8500"),
        ("ipv6:[::1]:8500", "ipv6:[::1]:8500"),
        ("[::1]:8500,[::2]:8500", "ipv6:[::1]:8500,[::2]:8500"),
        ("unix:/run/models.sock", "unix:/run/models.sock"),
    ],
)
def test_addresses_become_grpcs_targets(address, target):
    assert Connection(address).target == target


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "Expected HOST:PORT"),
        ([], "Expected HOST:PORT"),
        ("http://localhost:8501", "gRPC addresses have no http://"),
        ("localhost:http", "Expected HOST:PORT"),
        ("localhost:0", "Expected HOST:PORT"),
        ("localhost:70000", "Expected HOST:PORT"),
        ("localhost:8500,", "Expected HOST:PORT"),
        ("a:8500,b:8500", r"write dns:///NAME:PORT"),
        ("10.0.0.1:8500,[::1]:8500", "IP addresses of one kind"),
        ("ipv6:10.0.0.1:8500", "IP addresses of one kind"),
        ("ipv4:localhost.example:8500", "IP addresses of one kind"),
    ],
)
def test_an_address_that_is_none_is_refused_at_once(open_client, address, message):
    with pytest.raises(ConnectionSettingsError, match=message):
        open_client(address)


def test_a_version_and_a_label_at_once_are_refused(open_client):
    with pytest.raises(ConnectionSettingsError, match=r"a version or a label.*version 2 and label 'stable'"):
        open_client("localhost:8500", version=2, label="stable")


@pytest.mark.parametrize(
    "settings",
    [{"attempts": 0}, {"attempts": 6}, {"initial_backoff": 0}, {"max_backoff": -1}, {"multiplier": float("nan")}],
)
def test_retries_that_grpc_would_not_take_are_refused(settings):
    """It would ignore the policy and say so only in its log."""
    with pytest.raises(ConnectionSettingsError, match="Expected"):
        Retries(**settings)


def test_a_message_limit_that_is_none_is_refused():
    for limit in (0, -1, 2**31):
        with pytest.raises(ConnectionSettingsError, match="message limit"):
            Connection("localhost", max_message_bytes=limit)


# Retries


class Failing:
    """A model that fails its first calls."""

    def __init__(self, times: float, code: grpc.StatusCode, details: str = "gone for a while"):
        self.model = FakeModel()
        self.times, self.code, self.details = times, code, details
        self.calls = 0

    def __call__(self, request, context):
        self.calls += 1
        if self.calls <= self.times:
            context.abort(self.code, self.details)
        return self.model(request, context)


@pytest.mark.parametrize(
    ("code", "details"),
    [
        (grpc.StatusCode.UNAVAILABLE, "Socket closed"),
        (grpc.StatusCode.UNAVAILABLE, QUEUE_FULL),
        (grpc.StatusCode.UNKNOWN, "Stream removed"),
    ],
)
def test_a_failure_that_passes_is_not_seen(open_client, code, details):
    model = Failing(4, code, details)
    with answering({PREDICT: model}) as address, open_client(address, retries=QUICKLY) as client:
        assert len(client.styles()) == 3
    assert model.calls == 5


def test_a_failure_that_stays_is_told_after_five_attempts(open_client):
    model = Failing(99, grpc.StatusCode.UNAVAILABLE, QUEUE_FULL)
    with (
        answering({PREDICT: model}) as address,
        open_client(address, retries=QUICKLY) as client,
        pytest.raises(ServerBusyError, match=f"{address} is busy"),
    ):
        client.styles()
    assert model.calls == 5


def test_retries_can_be_turned_off(open_client):
    model = Failing(1, grpc.StatusCode.UNAVAILABLE, QUEUE_FULL)
    with (
        answering({PREDICT: model}) as address,
        open_client(address, retries=Retries(attempts=1)) as client,
        pytest.raises(ServerBusyError),
    ):
        client.styles()
    assert model.calls == 1


@pytest.mark.parametrize("code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL])
def test_what_would_fail_again_is_not_repeated(open_client, code):
    model = Failing(1, code)
    with (
        answering({PREDICT: model}) as address,
        open_client(address, retries=QUICKLY) as client,
        pytest.raises((InvalidRequestError, ServerFaultError)),
    ):
        client.styles()
    assert model.calls == 1


def test_a_photo_of_megabytes_is_sent_again_too(open_client):
    """By itself gRPC keeps 256 KiB of a call, and never repeats a larger one."""
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    model = Failing(2, grpc.StatusCode.UNAVAILABLE)
    with answering({PREDICT: model}) as address, open_client(address, retries=QUICKLY) as client:
        client.styles()
        model.calls = 0
        assert client.stylize_encoded(noise, "the_scream").width == 900
    assert model.calls == 3
    assert len(model.model.predictor.last["image_bytes"][0]) > 2**21


def test_retries_end_at_the_deadline(open_client):
    model = Failing(99, grpc.StatusCode.UNAVAILABLE)
    with (
        answering({PREDICT: model}) as address,
        open_client(address, retries=Retries(initial_backoff=5)) as client,
        pytest.raises((DeadlineError, ServerDownError)),
    ):
        client.styles(timeout=0.3)
    assert model.calls == 1


# Servers that are not there


def test_a_server_that_is_down_is_named(open_client, free_port):
    address = f"127.0.0.1:{free_port}"
    with (
        open_client(address, retries=QUICKLY) as client,
        pytest.raises(ServerDownError, match=rf"No server answers at {address} \(Connection refused\).*tfstyle serve"),
    ):
        client.styles()


def test_a_name_that_nobody_knows_is_named(open_client):
    with (
        open_client("nobody.invalid:8500", retries=QUICKLY) as client,
        pytest.raises(ServerDownError, match=r"No server answers at nobody\.invalid:8500"),
    ):
        client.styles()


def test_a_server_that_is_waited_for_in_vain_is_down_not_slow(open_client, free_port):
    with open_client(f"127.0.0.1:{free_port}", wait_for_ready=True) as client:
        with pytest.raises(ServerDownError, match="Connection refused"):
            client.styles(timeout=0.3)
        with pytest.raises(ServerDownError):
            client.health(wait=0.3)


def test_a_server_that_comes_later_is_waited_for(open_client, free_port):
    with ExitStack() as servers, open_client(f"127.0.0.1:{free_port}", wait_for_ready=True) as client:
        server = answering(FakeModel().methods, port=free_port)
        starter = threading.Timer(0.5, servers.enter_context, [server])
        starter.start()
        assert len(client.styles(timeout=30)) == 3
        starter.join()


# Several servers


def test_several_servers_take_turns(open_client):
    models = [FakeModel(), FakeModel(), FakeModel()]
    with (
        answering(models[0].methods) as first,
        answering(models[1].methods) as second,
        answering(models[2].methods) as third,
        open_client([first, second, third]) as client,
    ):
        calls = [model.predictor.calls for model in models]
        while not all(calls):  # the first go to whoever is connected first
            client.predict("describe", {}, timeout=20)
        before = [len(made) for made in calls]
        for _ in range(30):
            client.predict("describe", {})
        assert [len(made) - count for made, count in zip(calls, before, strict=True)] == [10, 10, 10]


def test_one_of_several_may_be_down(open_client, free_port):
    model = FakeModel()
    with (
        answering(model.methods) as address,
        open_client(f"127.0.0.1:{free_port},{address}", retries=QUICKLY) as client,
    ):
        for _ in range(10):
            assert len(client.styles()) == 3


FROZEN = """
import time
from testing.fake_server import FakeModel, answering
with answering(FakeModel().methods) as address:
    print(address, flush=True)
    time.sleep(60)
"""


@contextmanager
def server_process():
    process = subprocess.Popen([sys.executable, "-c", FROZEN], stdout=subprocess.PIPE, text=True)
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_a_server_that_falls_silent_is_noticed_and_another_one_asked(open_client):
    """Its machine is gone: no answer, no end of the connection. Keepalive finds out while a call waits."""
    model = FakeModel()
    with (
        server_process() as (process, silent),
        answering(model.methods) as address,
        open_client(f"{silent},{address}", retries=QUICKLY, keepalive=IMPATIENT) as client,
    ):
        for _ in range(4):
            client.predict("describe", {})
        os.kill(process.pid, signal.SIGSTOP)
        for _ in range(4):
            client.predict("describe", {}, timeout=20)


@pytest.mark.parametrize(("longest_wait", "seconds"), [(1, 60), (120, 60), (600, 150), (9999, 310), (None, 310)])
def test_calls_that_may_take_long_have_rarer_pings(longest_wait, seconds):
    """At the fifth ping in less than 300 s each, servers take a client for an attacker and hang up."""
    options = dict(Connection("localhost", longest_wait=longest_wait)._options)
    assert options["grpc.keepalive_time_ms"] == 1000 * seconds


def test_a_call_that_the_server_resets_is_sent_again(open_client):
    """CANCELLED that nobody here asked for: a server that stops, or a proxy before it."""
    model, resets = FakeModel(), [True, True]

    def resetting(request, context):
        if resets:
            resets.pop()
            context.abort(grpc.StatusCode.CANCELLED, "reset")
        return model(request, context)

    with answering({PREDICT: resetting}) as address, open_client(address, retries=QUICKLY) as client:
        assert client.styles()
    assert not resets


# Messages


@pytest.mark.parametrize(
    ("dtype", "shape"), [(wire_pb2.DT_UINT8, (2_000_000_000,)), (wire_pb2.DT_STRING, (100_000_000,))]
)
def test_an_answer_that_claims_more_than_it_holds_is_refused_and_takes_no_memory(open_client, dtype, shape):
    """A shape of a few bytes may stand for gigabytes of one value."""
    answer = wire_pb2.PredictResponse()
    for name in ("a", "b"):
        answer.outputs[name].dtype = dtype
        for size in shape:
            answer.outputs[name].tensor_shape.dim.add().size = size
    with (
        answering({PREDICT: lambda *_: answer.SerializeToString()}) as address,
        open_client(address) as client,
        bounded_memory(100),
        pytest.raises(ServerFaultError, match="cannot be read: Expected a tensor of at most"),
    ):
        client.predict("describe", {})


@pytest.mark.parametrize("kind", ["gif", "tiff", "webp", "bmp"])
def test_an_answer_that_is_neither_jpeg_nor_png_is_refused(open_client, kind):
    """Other decoders have other faults, and a server that is not ours would choose among them."""
    model = FakeModel()
    predict = model.predictor.predict

    def other(signature, inputs):
        if signature == "describe":
            return predict(signature, inputs)
        buffer = io.BytesIO()
        Image.fromarray(photo_array()).save(buffer, kind)
        return {"image_bytes": np.array([buffer.getvalue()], object)}

    model.predictor.predict = other
    with (
        answering(model.methods) as address,
        open_client(address) as client,
        pytest.raises(ModelError, match="neither JPEG nor PNG"),
    ):
        client.stylize(photo_array(), "the_scream")


def test_a_request_above_the_limit_is_not_sent(open_client):
    model = FakeModel()
    with answering(model.methods) as address, open_client(address, max_message_bytes=20_000) as client:
        client.styles()
        with pytest.raises(MessageTooLargeError, match=address):
            client.stylize(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8), "the_scream")
    assert [signature for signature, _ in model.predictor.calls] == ["describe"]


def test_an_answer_above_the_limit_is_refused(open_client):
    with (
        answering({PREDICT: lambda *_: bytes(30_000)}) as address,
        open_client(address, max_message_bytes=20_000) as client,
        pytest.raises(MessageTooLargeError, match=rf"{address}.*30000 vs\. 20000"),
    ):
        client.styles()


def test_a_request_above_the_servers_limit_is_told(open_client):
    model = FakeModel()
    with (
        answering(model.methods, max_message_bytes=1000) as address,
        open_client(address) as client,
        pytest.raises(MessageTooLargeError, match=address),
    ):
        client.stylize(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8), "the_scream")


def test_messages_far_above_grpcs_four_megabytes_pass(open_client):
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), dtype=np.uint8)
    model = FakeModel()
    model.predictor.catalog = Catalog(CATALOG.styles, max_pixels=noise.size)
    with answering(model.methods) as address, open_client(address) as client:
        photo = client.stylize(
            noise, "the_scream", strength=0, stroke="native"
        )  # at strength 0 there is no stylized image
    np.testing.assert_array_equal(photo.pixels, noise)
