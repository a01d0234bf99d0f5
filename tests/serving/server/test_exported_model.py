"""A real exported model behind a real server: what it refuses, in which words, and that it lives on."""

import base64
import struct
from io import BytesIO

import grpc
import httpx
import numpy as np
import pytest
from PIL import Image

from serving.client import StyleClient
from serving.client.errors import InvalidRequestError, RefusedMaskError, RefusedPhotoError
from serving.server import model_server
from testing.fake_model import encode, photo_array
from tests.serving.conftest import free_port
from tfstyle.stylize.stylizer import Stylizer

PHOTO = photo_array()
PNG = encode(Image.fromarray(PHOTO))
JPEG = encode(Image.fromarray(PHOTO), "jpeg")
REST_PORT = free_port()


@pytest.fixture(scope="module")
def tiny(tiny_models):
    """A client of the tiny model's server."""
    with (
        model_server.running(tiny_models, rest_api_port=REST_PORT) as address,
        StyleClient(address, model="tiny") as client,
    ):
        yield client


def inputs(image_bytes: bytes = PNG, weights=(1, 0), mask: bytes = b"") -> dict[str, np.ndarray]:
    """One picture and one region for the signature `encoded`."""
    return {
        "image_bytes": np.array([image_bytes], object),
        "region_weights": np.array([[weights]], np.float32),
        "region_masks": np.array([[mask]], object),
        "strength": np.ones(1, np.float32),
        "preserve_color": np.array([False]),
        "format": np.array([b"png"], object),
    }


def gray(height: int, width: int) -> bytes:
    return encode(Image.new("L", (width, height), 200))


def png_header(height: int, width: int) -> bytes:
    """A small PNG whose header claims another size."""
    return PNG[:16] + struct.pack(">II", width, height) + PNG[24:]


WEIGHTS = "Expected region_weights that are finite and not negative. Got a smallest of "


@pytest.mark.parametrize(
    ("request_", "kind", "code", "sentence"),
    [
        pytest.param(inputs(weights=(np.nan, 1)), InvalidRequestError, "weights.range", WEIGHTS, id="NaN weight"),
        pytest.param(
            inputs(weights=(-1, 2)),
            InvalidRequestError,
            "weights.range",
            WEIGHTS + "-1, a largest of 2.",
            id="negative",
        ),
        pytest.param(
            inputs(weights=(1, 0, 0)),
            InvalidRequestError,
            "weights.columns",
            "Expected at most 2 style columns in region_weights, one per style of this model. Got: 3.",
            id="too many columns",
        ),
        pytest.param(
            inputs(mask=gray(48, 32)),
            RefusedMaskError,
            "mask.size",
            "Expected a mask as large as the picture, [48 64] (height, width). Got: [48 32].",
            id="mask of another size",
        ),
        pytest.param(
            inputs(png_header(30_000, 30_000)),
            RefusedPhotoError,
            "photo.large",
            "Expected image_bytes of at most 4000000 pixels. Got 30000 x 30000 (height x width): send it no larger "
            "than 2000 x 2000.",
            id="too large",
        ),
        pytest.param(
            inputs(encode(Image.new("RGB", (1, 1)))),
            RefusedPhotoError,
            "photo.small",
            "Expected image_bytes of at least 16 x 16 pixels. Got 1 x 1 (height x width).",
            id="1x1",
        ),
        pytest.param(
            inputs(JPEG[: len(JPEG) // 2]), RefusedPhotoError, "photo.damaged", "Invalid JPEG data", id="truncated JPEG"
        ),
    ],
)
def test_a_refusal_is_one_sentence_and_the_next_request_succeeds(tiny, request_, kind, code, sentence):
    with pytest.raises(InvalidRequestError) as caught:
        tiny.predict("encoded", request_)
    assert type(caught.value) is kind
    assert caught.value.graph_code == code
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert str(caught.value).startswith(f"The server at {tiny.address} refused the request: {sentence}")
    assert "\n" not in str(caught.value)
    assert "{{" not in str(caught.value)

    (painted,) = tiny.predict("encoded", inputs())["image_bytes"]
    assert Image.open(BytesIO(painted)).size == (64, 48)


def test_rest_names_the_size_that_fits_too(tiny):
    request = {
        "image_bytes": [{"b64": base64.b64encode(png_header(3000, 4000)).decode()}],
        "region_weights": [[[1, 0]]],
        "region_masks": [[{"b64": ""}]],
        "strength": [1],
        "preserve_color": [False],
        "format": ["png"],
    }
    url = f"http://127.0.0.1:{REST_PORT}/v1/models/tiny:predict"
    response = httpx.post(url, json={"signature_name": "encoded", "inputs": request}, timeout=30)

    assert response.status_code == 400
    assert (
        "at most 4000000 pixels. Got 3000 x 4000 (height x width): send it no larger than 1732 x 2309."
        in (response.json()["error"])
    )


@pytest.mark.parametrize(
    "options",
    [
        {"style": "first"},
        {"style": "first:60,second:40", "strength": 0.7, "preserve_color": True, "mask": "left"},
        {"regions": "left=first,right=second"},
    ],
)
def test_the_client_paints_what_the_same_model_paints_in_this_process(tiny, tiny_models, options):
    stylized = tiny.stylize(PHOTO, **options).pixels

    assert not np.array_equal(stylized, PHOTO)
    here = Stylizer(model=tiny_models / "tiny", engine="tensorflow").stylize(PHOTO, **options).pixels
    np.testing.assert_array_equal(stylized, here)
