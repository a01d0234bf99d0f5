"""The client against a real server, and against none."""

import socket
import subprocess
import sys
from concurrent import futures
from contextlib import contextmanager

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2

from serving import codec
from serving.client import StyleClient, VersionStatus
from serving.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    RefusedPhotoError,
    ServerBusyError,
    ServerDownError,
    ServerFaultError,
    ServingError,
)
from serving.protos import wire_pb2
from tests.serving.conftest import STYLES
from tfstyle.catalog import Catalog
from tfstyle.errors import ModelError, PhotoError, RequestError, StyleTransferError, UnknownStyleError
from tfstyle.painter import Painter

BLACK = np.array([[0, 1, 0]], np.float32)


@contextmanager
def answering(method: str, behavior):
    """A server of one method that answers whatever `behavior(request_bytes, context)` returns."""
    service, name = method.rsplit("/", 1)
    handler = grpc.method_handlers_generic_handler(
        service.lstrip("/"), {name: grpc.unary_unary_rpc_method_handler(behavior)}
    )
    fake = grpc.server(futures.ThreadPoolExecutor(1), handlers=[handler])
    port = fake.add_insecure_port("127.0.0.1:0")
    fake.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        fake.stop(0).wait()


def test_arrays_come_back(client, photo):
    answer = client.predict("serving_default", {"image": photo[None], "style_weights": np.eye(3, dtype=np.float32)[:1]})

    assert answer["stylized"].dtype == np.uint8
    np.testing.assert_array_equal(answer["stylized"][0], 255 - photo)


def test_styles_are_described(client):
    catalog = client.styles()

    assert catalog.names == STYLES
    assert catalog["black"].artist == "Malevich"
    assert catalog["invert"].thumbnail == b"\xff\xd8\x00"
    assert catalog.max_pixels == 1_000_000


def test_a_photo_becomes_a_painting(client, photo):
    np.testing.assert_array_equal(client.stylize(photo, "invert").pixels, 255 - photo)
    np.testing.assert_array_equal(client.stylize(photo, "white", strength=0).pixels, photo)


def test_a_painter_paints_through_the_client(client, photo):
    np.testing.assert_array_equal(Painter(client).stylize(photo, {"invert": 1}).pixels, 255 - photo)


def test_signatures_are_told(client):
    signatures = client.signatures()

    assert set(signatures) == {"serving_default", "encoded", "describe", "slow"}
    assert signatures["serving_default"].inputs["image"].dtype == "uint8"
    assert signatures["serving_default"].inputs["image"].shape == (None, None, None, 3)
    assert signatures["encoded"].outputs["image_bytes"].dtype == "string"
    assert signatures["describe"].inputs == {}


def test_status_and_health_are_told(address):
    with StyleClient(address, model="other") as client:
        assert client.status() == [VersionStatus(7, "AVAILABLE")]
        assert client.health()


def test_health_asks_for_the_model_where_there_is_no_health_service():
    """TensorFlow Serving has it only with a flag."""
    response = wire_pb2.GetModelStatusResponse()
    response.model_version_status.add(version=1, state=wire_pb2.ModelVersionStatus.LOADING)
    with (
        answering(
            "/tensorflow.serving.ModelService/GetModelStatus", lambda *_: response.SerializeToString()
        ) as address,
        StyleClient(address) as client,
    ):
        assert not client.health()
        response.model_version_status[0].state = wire_pb2.ModelVersionStatus.AVAILABLE
        assert client.health()


class ChangingModel:
    """A Predict method whose version may change; it knows as many styles as its version says."""

    def __init__(self):
        self.version = 1
        self.described = []

    def __call__(self, request, context):
        response = wire_pb2.PredictResponse()
        response.model_spec.version.value = self.version
        if wire_pb2.PredictRequest.FromString(request).model_spec.signature_name == "describe":
            self.described.append(self.version)
            for name in ("style_names", "titles", "artists", "years", "thumbnails"):
                response.outputs[name].CopyFrom(codec.encode(np.array([b"x"] * self.version, object)))
            response.outputs["max_pixels"].CopyFrom(codec.encode(np.array([10], np.int64)))
        return response.SerializeToString()


def test_styles_are_described_again_when_the_version_changes():
    """Another version may know more styles."""
    model = ChangingModel()
    with (
        answering("/tensorflow.serving.PredictionService/Predict", model) as address,
        StyleClient(address) as client,
    ):
        assert len(client.styles()) == 1
        client.predict("serving_default", {})
        assert len(client.styles()) == 1
        assert model.described == [1]

        model.version = 2
        client.predict("serving_default", {})
        assert len(client.styles()) == 2
        assert len(client.styles()) == 2
        assert model.described == [1, 2]


def test_a_newer_answer_to_another_thread_does_not_vouch_for_an_older_description(monkeypatch):
    """The version changes after `describe` was answered and before its catalog is kept."""
    model = ChangingModel()
    read = Catalog.from_describe
    with (
        answering("/tensorflow.serving.PredictionService/Predict", model) as address,
        StyleClient(address) as client,
        futures.ThreadPoolExecutor(1) as other_thread,
    ):

        def read_slowly(answer):
            if model.version == 1:
                model.version = 2
                other_thread.submit(client.predict, "serving_default", {}).result(timeout=30)
            return read(answer)

        monkeypatch.setattr(Catalog, "from_describe", read_slowly)
        assert len(client.styles()) == 1
        assert len(client.styles()) == 2
        assert len(client.styles()) == 2
        assert model.described == [1, 2]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_server_that_is_down_is_named(free_port):
    address = f"127.0.0.1:{free_port}"
    with (
        StyleClient(address) as client,
        pytest.raises(ServerDownError, match=f"No server answers at {address}") as info,
    ):
        client.styles()
    assert "tfstyle serve" in str(info.value)
    assert isinstance(info.value, StyleTransferError)


def test_a_call_beyond_its_deadline_is_worth_another_try(address):
    with StyleClient(address, timeout=0.3) as client, pytest.raises(ServerBusyError, match=r"within 0\.3 s") as info:
        client.predict("slow", {"rounds": np.array([1_000_000], np.int32)})
    assert address in str(info.value)


def test_waiting_for_a_server_ends(free_port):
    with StyleClient(f"127.0.0.1:{free_port}") as client, pytest.raises(ServingError):
        client.health(wait=0.3)


@pytest.mark.parametrize(
    ("options", "signature"), [({"model": "nobody"}, "describe"), ({"version": 9}, "describe"), ({}, "paint")]
)
def test_an_unknown_model_version_or_signature_is_a_model_error(address, options, signature):
    with StyleClient(address, **options) as client, pytest.raises(ModelNotFoundError, match=address) as info:
        client.predict(signature, {})
    assert isinstance(info.value, ModelError)


def test_a_refused_request_says_why_in_one_sentence(client, photo):
    with pytest.raises(InvalidRequestError, match="Expected at most 3 style columns, got") as info:
        client.predict("serving_default", {"image": photo[None], "style_weights": np.ones((1, 4), np.float32)})
    assert isinstance(info.value, RequestError)
    assert "{{" not in str(info.value)
    assert "\n" not in str(info.value)


def test_a_refused_photo_is_a_photo_error_as_in_process(client):
    """So that whoever catches PhotoError needs not know where the model runs."""
    with pytest.raises(RefusedPhotoError) as info:
        client.predict(
            "encoded",
            {
                "image_bytes": np.array([b"not a picture"], object),
                "region_weights": BLACK[None],
                "region_masks": np.array([[b""]], object),
                "strength": np.ones(1, np.float32),
                "preserve_color": np.array([False]),
                "format": np.array([b"png"], object),
            },
        )
    assert isinstance(info.value, PhotoError)


def test_an_unknown_style_lists_those_there_are(client, photo):
    with pytest.raises(UnknownStyleError) as info:
        client.stylize(photo, "blak")
    assert info.value.known == STYLES


def test_an_input_that_cannot_be_sent_is_refused_here(client):
    with pytest.raises(InvalidRequestError, match="'image'"):
        client.predict("serving_default", {"image": np.array([1j])})


def test_an_answer_that_cannot_be_read_is_the_servers_fault():
    response = wire_pb2.PredictResponse()
    response.outputs["stylized"].dtype = 99
    for data in (response.SerializeToString(), b"\xff\xff"):
        with (
            answering("/tensorflow.serving.PredictionService/Predict", lambda *_, data=data: data) as address,
            StyleClient(address) as client,
            pytest.raises(ServerFaultError, match=address),
        ):
            client.predict("serving_default", {})


@pytest.mark.parametrize(
    ("code", "details", "error"),
    [
        (
            grpc.StatusCode.UNAVAILABLE,
            "The batch scheduling queue to which this task was submitted is full",
            ServerBusyError,
        ),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 4)", InvalidRequestError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OOM when allocating tensor", RefusedPhotoError),
        (grpc.StatusCode.INTERNAL, "out of luck", ServerFaultError),
        (grpc.StatusCode.UNIMPLEMENTED, "Method not implemented!", ServerFaultError),
    ],
)
def test_a_failed_call_keeps_its_code_and_names_the_server(code, details, error):
    with (
        answering(
            "/tensorflow.serving.PredictionService/Predict", lambda _, call: call.abort(code, details)
        ) as address,
        StyleClient(address) as client,
        pytest.raises(error, match=address) as info,
    ):
        client.predict("describe", {})
    assert info.value.code is code


def test_a_closed_client_says_so(address):
    client = StyleClient(address)
    client.close()
    with pytest.raises(ServingError, match="closed"):
        client.styles()


def test_light_requests_are_read_with_the_official_messages():
    light = wire_pb2.PredictRequest(output_filter=["stylized"])
    light.model_spec.name = "tfstyle"
    light.model_spec.signature_name = "encoded"
    light.model_spec.version.value = 3
    light.inputs["strength"].dtype = wire_pb2.DT_FLOAT

    request = predict_pb2.PredictRequest.FromString(light.SerializeToString())
    assert request.model_spec.name == "tfstyle"
    assert request.model_spec.signature_name == "encoded"
    assert request.model_spec.version.value == 3
    assert list(request.output_filter) == ["stylized"]
    assert request.inputs["strength"].dtype == 1
    assert wire_pb2.PredictRequest.FromString(request.SerializeToString()) == light


def test_the_client_imports_no_tensorflow():
    """That import costs seconds and half a gigabyte."""
    code = (
        "import sys, serving.client; print([name for name in sys.modules if name.startswith(('tensorflow', 'keras'))])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
