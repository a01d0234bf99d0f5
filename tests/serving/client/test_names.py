"""Several servers behind one name, as in Kubernetes: a headless Service names every pod that is ready."""

import time
from collections import Counter
from contextlib import ExitStack

import pytest

from serving.client import StyleClient
from serving.client.calls import PREDICT
from testing.fake_model import photo_array
from testing.fake_server import FakeModel, answering
from testing.name_server import naming

PODS = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]


class CountedModel(FakeModel):
    """Counts its calls by the address of the server that got them."""

    def __init__(self, host, calls):
        super().__init__()
        self.host = host
        self.calls = calls

    def __call__(self, request, context):
        self.calls[self.host] += 1
        return super().__call__(request, context)


@pytest.fixture
def calls():
    return Counter()


@pytest.fixture
def pod(free_port, calls):
    """Starts a server at an address, all at one port."""

    def start(host, **options):
        return answering({PREDICT: CountedModel(host, calls)}, host=host, port=free_port, **options)

    return start


def test_calls_spread_evenly_over_the_addresses_of_a_name(open_client, pod, free_port, calls):
    with ExitStack() as stack:
        names = stack.enter_context(naming("model-server", PODS))
        for host in PODS:
            stack.enter_context(pod(host))
        client = stack.enter_context(open_client(f"dns://127.0.0.1:{names.port}/model-server:{free_port}"))
        client.stylize(photo_array(), "the_scream")
        _wait_for_all(client, calls, PODS)
        calls.clear()

        for _ in range(30):
            client.stylize(photo_array(), "the_scream")

    assert calls == dict.fromkeys(PODS, 10)


def test_a_new_pod_is_found_when_connections_end_and_one_that_is_gone_costs_no_call(pod, free_port, calls):
    """`grpc.max_connection_age_ms` of the servers makes the client look the name up again."""
    with ExitStack() as stack:
        names = stack.enter_context(naming("model-server", PODS[:2]))
        old = stack.enter_context(ExitStack())
        old.enter_context(pod(PODS[0], max_connection_age=0.5))
        stack.enter_context(pod(PODS[1], max_connection_age=0.5))
        client = stack.enter_context(StyleClient(f"dns://127.0.0.1:{names.port}/model-server:{free_port}"))
        _wait_for_all(client, calls, PODS[:2])
        stack.enter_context(pod(PODS[2], max_connection_age=0.5))

        names.addresses = PODS[1:]
        _wait_for_all(client, calls, PODS[2:])
        old.close()
        calls.clear()
        for _ in range(10):
            client.stylize(photo_array(), "the_scream")

    assert set(calls) == set(PODS[1:])


def _wait_for_all(client, calls, hosts):
    """Connections are made one by one; no call fails meanwhile."""
    end = time.monotonic() + 30
    while not set(hosts) <= set(calls):
        assert time.monotonic() < end, calls
        client.stylize(photo_array(), "the_scream")
        time.sleep(0.05)
