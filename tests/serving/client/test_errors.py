"""What a failed call is called, and that its message says where and why."""

import grpc
import pytest

from serving.client import errors
from serving.client.calls import PREDICT
from serving.client.connection import Retries
from testing.fake_server import answering
from tfstyle.errors import MaskError, ModelError, PhotoError, RequestError, StyleTransferError

QUEUE_FULL = "The batch scheduling queue to which this task was submitted is full"


@pytest.mark.parametrize(
    ("code", "details", "error", "also", "says"),
    [
        ("UNAVAILABLE", QUEUE_FULL, errors.ServerBusyError, StyleTransferError, "is busy"),
        ("UNAVAILABLE", "Connection reset by peer", errors.ServerDownError, StyleTransferError, "No server answers"),
        ("UNAVAILABLE", "Tls handshake failed", errors.CertificateError, errors.ServingError, "not as expected of TLS"),
        (
            "DEADLINE_EXCEEDED",
            "Timed out waiting for notification",
            errors.DeadlineError,
            errors.ServerBusyError,
            "did not answer within 120 s",
        ),
        (
            "RESOURCE_EXHAUSTED",
            "Received message larger than max (9 vs. 4)",
            errors.MessageTooLargeError,
            RequestError,
            "9 vs. 4",
        ),
        (
            "RESOURCE_EXHAUSTED",
            "OOM when allocating tensor",
            errors.RefusedPhotoError,
            PhotoError,
            "too large for the memory",
        ),
        (
            "NOT_FOUND",
            "Servable not found for request: Latest(x)",
            errors.ModelNotFoundError,
            ModelError,
            "no such model: Servable",
        ),
        (
            "FAILED_PRECONDITION",
            'Serving signature key "x" not found.',
            errors.ModelNotFoundError,
            ModelError,
            "no such model: Serving",
        ),
        (
            "INVALID_ARGUMENT",
            "[weights.range] Expected weights >= 0. Got -1",
            errors.InvalidRequestError,
            RequestError,
            "refused the request: Expected",
        ),
        (
            "INVALID_ARGUMENT",
            "[photo.small] Expected image of 16x16. Got 3x3",
            errors.RefusedPhotoError,
            PhotoError,
            "refused the request: Expected",
        ),
        (
            "INVALID_ARGUMENT",
            "[mask.size] Expected mask of 4x4. Got 3x3",
            errors.RefusedMaskError,
            MaskError,
            "refused the request: Expected",
        ),
        (
            "UNAUTHENTICATED",
            "who are you",
            errors.AccessDeniedError,
            errors.ServingError,
            "does not let this client in",
        ),
        ("PERMISSION_DENIED", "not you", errors.AccessDeniedError, errors.ServingError, "does not let this client in"),
        (
            "UNIMPLEMENTED",
            "Method not implemented!",
            errors.ServerFaultError,
            errors.ServingError,
            "is it TensorFlow Serving",
        ),
        (
            "UNKNOWN",
            "Stream removed",
            errors.ServerFaultError,
            errors.ServingError,
            "failed with UNKNOWN: Stream removed",
        ),
        ("INTERNAL", "out of luck", errors.ServerFaultError, errors.ServingError, "failed with INTERNAL: out of luck"),
        ("DATA_LOSS", "", errors.ServerFaultError, errors.ServingError, "failed with DATA_LOSS: no details"),
        (
            "CANCELLED",
            "by the server",
            errors.ServerFaultError,
            errors.ServingError,
            "failed with CANCELLED: by the server",
        ),
    ],
)
def test_a_failed_call_keeps_its_code_and_names_the_server(open_client, code, details, error, also, says):
    status = grpc.StatusCode[code]
    with (
        answering({PREDICT: lambda _, call: call.abort(status, details)}) as address,
        open_client(address, retries=Retries(initial_backoff=0.01)) as client,
        pytest.raises(error, match=address) as info,
    ):
        client.predict("describe", {})
    assert type(info.value) is error
    assert info.value.code is status
    assert isinstance(info.value, also)
    assert "\n" not in str(info.value)
    assert says in str(info.value)


def test_the_tree_in_the_documentation_is_the_one_in_the_code():
    """Names in the order of the tree, each indented below its parent."""
    tree = errors.__doc__.split("\n\n")[1].splitlines()
    parents: list[type] = []
    listed = set()
    for line in tree:
        name = line.lstrip("├└─│ ").split()[0]
        depth = (len(line) - len(line.lstrip("├└─│ "))) // 4
        kind = getattr(errors, name)
        parents[depth:] = [kind]
        listed.add(kind)
        if depth:
            assert kind.__bases__[0] is parents[depth - 1], name
    defined = {kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__}
    assert listed == defined
