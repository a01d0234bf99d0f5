"""The exported page from a plain static server: it paints in the browser, and as the local engine does."""

import functools
import http.server
import io
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from tests.studio.conftest import encoded, gray_photo
from tfstyle.errors import RequestError
from tfstyle.model_store.versions import find_model
from tfstyle.studio.static_site import export_site
from tfstyle.stylize.stylizer import Stylizer


@pytest.fixture(scope="module")
def site_url(tmp_path_factory, node_modules) -> Iterator[str]:
    """The released model's page, served by nothing but files."""
    folder = tmp_path_factory.mktemp("site")
    export_site(find_model(None), folder, node_modules / "onnxruntime-web")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def photo(coffee) -> np.ndarray:
    return np.asarray(Image.fromarray(coffee).resize((240, 160), Image.Resampling.LANCZOS))


@pytest.fixture
def device(page_in, site_url, photo):
    """The exported page with the photo open, whose host is asked for its own files alone."""
    page = page_in(site_url)
    page.page.set_default_timeout(60_000)  # one thread, and no headers that would allow more
    page.page.route(lambda url: not url.startswith((site_url, "blob:", "data:")), lambda route: route.abort())
    page.open(encoded(Image.fromarray(photo)), size=(240, 160))
    yield page
    assert page.complaints == []


def difference(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other).max())


def test_it_paints_what_the_local_engine_paints(device, photo):
    stylizer = Stylizer()
    device.style("the_scream")
    assert difference(device.painting(), stylizer.stylize(photo, "the_scream").pixels) <= 2

    device.slide("strength", 60)
    device.page.check("#keep-colors")
    device.settle()
    expected = stylizer.stylize(photo, "the_scream", strength=0.6, preserve_color=True).pixels
    assert difference(device.painting(), expected) <= 2


def test_256_pixels_are_painted_within_a_second(device):
    device.page.set_input_files(
        "#file", {"name": "a.png", "mimeType": "image/png", "buffer": encoded(gray_photo(256, 256))}
    )
    device.expect(device.page.locator("#strip canvas")).to_have_count(2)
    device.settle()
    began = time.perf_counter()
    device.page.select_option("#format", "png")
    _, data = device.download()
    seconds = time.perf_counter() - began

    assert Image.open(io.BytesIO(data)).size == (256, 256)
    assert seconds < 3  # one on a quiet machine


def test_nothing_is_said_to_leave_the_device(device):
    assert device.page.locator("#promise").inner_text() == "Your photos stay on this device: it paints them itself."
    assert device.page.locator("#segment-person").count() == 0


def test_a_folder_without_the_runtime_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(RequestError, match="npm pack onnxruntime-web"):
        export_site(find_model(None), tmp_path / "site", tmp_path)
    assert not (tmp_path / "site").exists()
