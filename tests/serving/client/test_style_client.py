"""Both clients against a real server, and against fakes of one."""

import asyncio
import io
import json
import subprocess
import sys
import threading
import time
from concurrent import futures

import numpy as np
import pytest
from PIL import Image

from serving import codec
from serving.client import AsyncStyleClient, StyleClient, VersionStatus
from serving.client.calls import PREDICT, STATUS
from serving.client.errors import (
    ClientClosedError,
    DeadlineError,
    InvalidRequestError,
    ModelNotFoundError,
    RefusedPhotoError,
    ServerFaultError,
)
from serving.protos import wire_pb2
from testing.fake_model import COLOURS, photo_array
from testing.fake_server import FakeModel, answering
from tests.serving.conftest import STYLES
from tfstyle.contract.catalog import Catalog
from tfstyle.errors import ModelError, PhotoError, RequestError, UnknownStyleError
from tfstyle.imaging.photo import read_photo
from tfstyle.stylize.stylizer import Stylizer

BLACK = np.array([[0, 1, 0]], np.float32)


@pytest.fixture
def client(open_client, address):
    with open_client(address) as client:
        yield client


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


def test_a_photo_becomes_a_stylized_image(client, photo):
    np.testing.assert_array_equal(client.stylize(photo, "invert").pixels, 255 - photo)
    np.testing.assert_array_equal(client.stylize(photo, "white", strength=0).pixels, photo)


def test_a_stylizer_stylizes_through_the_client(client, photo):
    np.testing.assert_array_equal(Stylizer(client).stylize(photo, {"invert": 1}).pixels, 255 - photo)


def test_signatures_are_told(client):
    signatures = client.signatures()

    assert set(signatures) == {
        "serving_default", "encoded", "encode_style", "stylize_vectors", "describe", "slow",
    }  # fmt: skip
    assert signatures["serving_default"].inputs["image"].dtype == "uint8"
    assert signatures["serving_default"].inputs["image"].shape == (None, None, None, 3)
    assert signatures["encoded"].outputs["image_bytes"].dtype == "string"
    assert signatures["describe"].inputs == {}


def test_status_and_health_are_told(open_client, address):
    with open_client(address, model="other") as client:
        assert client.status() == [VersionStatus(7, "AVAILABLE")]
        assert client.health()


def test_health_asks_for_the_model_where_there_is_no_health_service(open_client):
    """TensorFlow Serving has it only with a flag."""
    response = wire_pb2.GetModelStatusResponse()
    response.model_version_status.add(version=1, state=wire_pb2.ModelVersionStatus.LOADING)
    with (
        answering({STATUS: lambda *_: response.SerializeToString()}) as address,
        open_client(address) as client,
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


def test_styles_are_described_again_when_the_version_changes(open_client):
    """Another version may know more styles."""
    model = ChangingModel()
    with (
        answering({PREDICT: model}) as address,
        open_client(address) as client,
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


def test_a_newer_answer_to_another_thread_does_not_vouch_for_an_older_description(open_client, monkeypatch):
    """The version changes after `describe` was answered and before its catalog is kept."""
    model = ChangingModel()
    read = Catalog.from_describe
    with (
        answering({PREDICT: model}) as address,
        open_client(address) as client,
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


@pytest.mark.parametrize(
    ("options", "signature"), [({"model": "nobody"}, "describe"), ({"version": 9}, "describe"), ({}, "paint")]
)
def test_an_unknown_model_version_or_signature_is_a_model_error(open_client, address, options, signature):
    with open_client(address, **options) as client, pytest.raises(ModelNotFoundError, match=address) as info:
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


def test_an_answer_that_cannot_be_read_is_the_servers_fault(open_client):
    response = wire_pb2.PredictResponse()
    response.outputs["stylized"].dtype = 99
    for data in (response.SerializeToString(), b"\xff\xff"):
        with (
            answering({PREDICT: lambda *_, data=data: data}) as address,
            open_client(address) as client,
            pytest.raises(ServerFaultError, match=address),
        ):
            client.predict("serving_default", {})


@pytest.fixture
def fake(open_client):
    """A client of a server that paints flat colours, and that server's model."""
    model = FakeModel()
    with answering(model.methods) as address, open_client(address) as client:
        yield client, model


def test_an_encoded_stylized_image_is_what_the_server_sent(fake):
    client, model = fake
    sent = []
    paint = model.predictor.predict
    model.predictor.predict = lambda *call: sent.append(paint(*call)) or sent[-1]
    for format in ("jpeg", "png"):
        stylized = client.stylize_encoded(photo_array(), "the_scream", format=format)
        assert stylized.data == sent[-1]["image_bytes"][0]
        assert (stylized.format, stylized.width, stylized.height) == (format, 64, 48)
        assert abs(read_photo(stylized.data).pixels.astype(int) - COLOURS["the_scream"]).max() <= 3


def test_pixels_of_3840_by_2160_pass(address):
    """25 MB each way, six times gRPC's own limit."""
    pixels = np.full((1, 2160, 3840, 3), 10, np.uint8)
    with StyleClient(address) as client:
        answer = client.predict("serving_default", {"image": pixels, "style_weights": np.eye(1, 3, dtype=np.float32)})
    assert answer["stylized"].shape == pixels.shape
    assert (answer["stylized"] == 245).all()


def test_a_jpeg_travels_as_it_was_compressed(fake):
    client, model = fake
    data = read_photo(photo_array()).encode("jpeg")
    client.stylize_encoded(data, "the_scream")
    assert model.predictor.last["image_bytes"][0] == data


def test_every_option_of_a_stylizer_is_an_option_here(fake):
    client, model = fake
    stylized = client.stylize(
        photo_array(60, 80),
        regions="left=the_scream,right=great_wave",
        fade=0,
        strength=0.5,
        max_size=40,
        format="jpeg",
    )
    assert stylized.pixels.shape == (30, 40, 3)
    assert model.predictor.last["region_weights"].tolist() == [[[0, 1, 0], [0, 0, 1]]]
    assert model.predictor.last["strength"].tolist() == [0.5]
    client.stylize(photo_array(), "the_scream", mask="left", preserve_color=True)
    assert model.predictor.last["preserve_color"].tolist() == [True]
    with pytest.raises(RequestError, match="strength"):
        client.stylize(photo_array(), "the_scream", strength=2)
    client.stylize(photo_array(), "the_scream", stroke=2)
    assert Image.open(io.BytesIO(model.predictor.last["image_bytes"][0])).size == (32, 24)


def test_the_version_that_answered_is_told(fake):
    client, model = fake
    assert client.answering_version is None
    client.styles()
    assert client.answering_version == 1
    model.version = 2
    client.stylize(photo_array(), "the_scream")
    assert client.answering_version == 2


def test_versions_that_answer_in_turns_describe_themselves_once_each(fake):
    """As servers do while they change to a new version one after the other."""
    client, model = fake
    for _ in range(3):
        for model.version in (1, 2):
            client.stylize(photo_array(), "the_scream")
            client.styles()
    assert [signature for signature, _ in model.predictor.calls].count("describe") == 2


def test_styles_are_asked_for_again_on_request(fake):
    """By whoever shows them and stylizes nothing meanwhile, and so hears of no other version."""
    client, model = fake
    client.styles()
    whole = model.predictor.catalog
    model.predictor.catalog, model.version = Catalog(whole.styles[:2], whole.max_pixels), 2
    assert len(client.styles()) == 3
    assert len(client.styles(refresh=True)) == 2
    assert len(client.styles()) == 2


def test_a_style_of_a_newer_version_is_found_before_any_answer_told_of_it(fake):
    """A caller who asks only for the new style would never hear of the version that has it."""
    client, model = fake
    whole = model.predictor.catalog
    model.predictor.catalog = Catalog(whole.styles[:1], whole.max_pixels)
    assert client.styles().names == ("starry_night",)
    model.predictor.catalog, model.version = whole, 2
    stylized = client.stylize(photo_array(), "great_wave")
    assert tuple(stylized.pixels[0, 0]) == COLOURS["great_wave"]


class Silence:
    """A method that never answers.

    Attributes:
        begun: Set when the first call arrives.
        given_up: Set when a caller gives up.
    """

    def __init__(self):
        self.begun, self.given_up = threading.Event(), threading.Event()

    def __call__(self, request, context):
        context.add_callback(self.given_up.set)
        self.begun.set()
        while context.is_active():
            time.sleep(0.02)
        return b""


@pytest.fixture
def silent():
    """The address of a server that never answers, and its only method."""
    silence = Silence()
    with answering({PREDICT: silence}) as address:
        yield address, silence


def test_an_operation_ends_at_its_deadline(open_client, silent):
    """Its own, or else the client's; the server hears that nobody listens any more."""
    address, silence = silent
    with open_client(address) as client:
        with pytest.raises(DeadlineError, match=r"did not answer within 1 s") as info:
            client.predict("describe", {}, timeout=1)
        assert address in str(info.value)
        assert silence.given_up.wait(20)
    with open_client(address, timeout=0.3) as client, pytest.raises(DeadlineError, match=r"within 0\.3 s"):
        client.stylize(photo_array(), "the_scream")


def test_all_calls_of_an_operation_share_one_deadline(open_client):
    """`stylize` may ask for the styles first; that must not double the time it takes."""
    model = FakeModel()

    def slowly(request, context):
        time.sleep(0.4)
        return model(request, context)

    with answering({PREDICT: slowly}) as address, open_client(address) as client:
        with pytest.raises(DeadlineError, match=r"within 0\.6 s"):
            client.stylize(photo_array(), "the_scream", timeout=0.6)
        assert client.stylize(photo_array(), "the_scream", timeout=30).width == 64


def test_a_closed_client_says_so(open_client, address):
    client = open_client(address)
    with client:
        client.close()
        with pytest.raises(ClientClosedError, match=f"client of {address} is closed"):
            client.styles()


def test_closing_a_client_ends_its_calls(open_client, silent):
    address, silence = silent
    with open_client(address) as client, futures.ThreadPoolExecutor(1) as thread:
        call = thread.submit(client.predict, "describe", {})
        assert silence.begun.wait(20)
        client.close()
        with pytest.raises(ClientClosedError, match=address):
            call.result(10)


def test_an_asyncio_client_may_be_made_before_its_event_loop():
    """As bots do that are set up first and run later; channels of gRPC may not."""
    with answering(FakeModel().methods) as address:
        client = AsyncStyleClient(address)

        async def ask():
            async with client:
                return await client.styles()

        assert len(asyncio.run(ask())) == 3


def test_cancelling_a_task_cancels_its_call_on_the_server(silent):
    address, silence = silent

    async def cancel():
        async with AsyncStyleClient(address) as client:
            task = asyncio.create_task(client.styles())
            assert await asyncio.to_thread(silence.begun.wait, 20)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await asyncio.to_thread(silence.given_up.wait, 20)

    assert asyncio.run(cancel())


def test_many_tasks_share_a_client_and_no_photo_is_read_in_the_event_loop(monkeypatch):
    """Decoding takes long enough to stop a chat meanwhile."""
    model = FakeModel()
    readers = set()
    loop_thread = threading.get_ident()

    def reading(photo):
        readers.add(threading.get_ident())
        return read_photo(photo)

    monkeypatch.setattr("tfstyle.stylize.request.read_photo", reading)

    async def paint():
        with answering(model.methods) as address:
            async with AsyncStyleClient(address) as client:
                return await asyncio.gather(
                    *(client.stylize_encoded(photo_array(20 + i, 30), "the_scream") for i in range(20))
                )

    assert [stylized.height for stylized in asyncio.run(paint())] == list(range(20, 40))
    assert readers
    assert loop_thread not in readers


def test_the_client_is_light():
    """TensorFlow would cost seconds and half a gigabyte."""
    code = """
import json, re, sys
import serving.client
heavy = [name for name in sys.modules if name.startswith(("tensorflow", "keras", "scipy", "skimage"))]
kilobytes = re.search(r"VmHWM:\\s+([0-9]+) kB", open("/proc/self/status").read())[1]
print(json.dumps([heavy, int(kilobytes) / 1024]))
"""  # getrusage would tell of the process that this one was forked from
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, megabytes = json.loads(done.stdout)
    assert heavy == []
    assert megabytes < 100
