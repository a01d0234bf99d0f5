"""The studio's server as a program meets it that is not our page."""

import asyncio
import io
import json
import re
import socket
from dataclasses import replace

import aiohttp
import numpy as np
import pytest
from PIL import Image

from testing.fake_model import FakePredictor
from tests.studio.conftest import CATALOG_OF_ANY_SIZE, STARRY, encoded, gray_photo
from tfstyle.studio.guard import TOKEN_HEADER
from tfstyle.studio.launcher import running
from tfstyle.studio.server import PUBLIC_LIMITS, StudioLimits
from tfstyle.stylize.stylizer import Stylizer

PHOTO = encoded(gray_photo(64, 48))
SETTINGS = {"mixes": [{"starry_night": 1}], "format": "png"}


class Caller:
    """Asks a studio that runs in this event loop."""

    def __init__(self, session: aiohttp.ClientSession, url: str):
        self._session, self.url, self.token = session, url, ""

    async def load(self) -> str:
        """The page; its token is used from now on."""
        async with self._session.get(self.url) as response:
            text = await response.text()
        self.token = re.search(r"token&quot;: &quot;([\w.]+)", text)[1]
        return text

    async def ask(self, path: str, method: str = "GET", *, token: str | None = None, headers=(), **options):
        """Status, and JSON or bytes."""
        headers = {TOKEN_HEADER: self.token if token is None else token, **dict(headers)}
        async with self._session.request(method, self.url + path, headers=headers, **options) as response:
            data = await response.read()
            return response.status, json.loads(data) if "json" in response.content_type else data

    async def open(self, data: bytes = PHOTO, **options) -> str:
        status, told = await self.ask("api/photos?name=photo.png", "POST", data=data, **options)
        assert status == 200, told
        return told["id"]

    async def download(self, key: str, masks=(), **changes):
        form = aiohttp.FormData({"settings": json.dumps(SETTINGS | changes)}, default_to_multipart=True)
        for mask in masks:
            form.add_field("mask", mask, filename="mask.png", content_type="image/png")
        return await self.ask(f"api/photos/{key}/download", "POST", data=form)


def with_studio(work, **options):
    """Runs `work(caller)` beside a studio."""

    async def run():
        listener = socket.create_server(("127.0.0.1", 0))
        stylizer = Stylizer(FakePredictor(CATALOG_OF_ANY_SIZE))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        async with running(stylizer, listener, **options), aiohttp.ClientSession() as session:
            caller = Caller(session, url)
            if "public" not in options:
                await caller.load()
            return await work(caller)

    return asyncio.run(run())


def test_a_photo_is_opened_painted_and_forgotten():
    async def work(caller):
        key = await caller.open()
        status, data = await caller.download(key)
        assert status == 200
        assert (np.asarray(Image.open(io.BytesIO(data)))[:, :, :3] == STARRY).all()
        await caller.ask(f"api/photos/{key}", "DELETE")
        return await caller.download(key)

    status, told = with_studio(work)
    assert (status, told["error"]) == (410, "photo_gone")


def test_another_site_neither_reads_nor_changes_anything():
    async def work(caller):
        key = await caller.open()
        elsewhere = [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Host": "evil.example"},  # whose name it let point to 127.0.0.1
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ]
        asked = [("", "GET"), ("styles.json", "GET"), (f"api/photos/{key}/view", "GET"), ("api/photos", "POST")]
        return [await caller.ask(path, method, headers=headers) for headers in elsewhere for path, method in asked]

    answers = with_studio(work)
    assert {status for status, _ in answers} == {403}
    assert {told["error"] for _, told in answers} == {"elsewhere"}


def test_a_link_on_another_site_may_lead_to_the_page():
    async def work(caller):
        return await caller.ask("", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})

    assert with_studio(work)[0] == 200


@pytest.mark.parametrize("token", ["", "x", ".", "ä.ö", "0" * 32 + "." + "0" * 64])
def test_only_a_page_of_this_server_is_answered(token):
    async def work(caller):
        return await caller.ask("api/queue", token=token.encode("utf-8").decode("latin-1"))

    status, told = with_studio(work)
    assert (status, told["error"]) == (403, "stale")


def test_one_page_does_not_see_the_photos_of_another():
    async def work(caller):
        key = await caller.open()
        await caller.load()
        return await caller.ask(f"api/photos/{key}/view")

    assert with_studio(work)[0] == 410


@pytest.mark.parametrize(
    "path",
    [
        "..%2fpyproject.toml",
        "js/..%2f..%2fserver.py",
        "%2fetc%2fpasswd",
        "thumbnails/..%2f..%2fx.jpg",
        "js/",
        "js",
        "a\0b",
    ],
)
def test_no_path_leads_out_of_the_page(path):
    async def work(caller):
        return await caller.ask(path.replace("\0", "%00"))

    assert with_studio(work)[0] == 404


@pytest.mark.parametrize("name", ["/etc/passwd", "kiss.style", "../kiss.style", "no_such", "own.12345678"])
def test_a_style_is_one_of_the_page_and_no_file(name, tmp_path):
    async def work(caller):
        return await caller.download(await caller.open(), mixes=[{name: 1}])

    status, told = with_studio(work)
    assert (status, told["error"]) == (422, "style_unknown")


def test_sizes_and_pixels_are_bounded():
    limits = StudioLimits(file_bytes=20_000, max_pixels=100_000)

    async def work(caller):
        noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
        heavy = await caller.ask("api/photos", "POST", data=encoded(Image.fromarray(noise)))
        many = await caller.ask("api/photos", "POST", data=encoded(gray_photo(1000, 900)))
        small = await caller.ask("api/photos", "POST", data=encoded(gray_photo(4, 4)))
        text = await caller.ask("api/photos", "POST", data=b"Dear Sir")
        key = await caller.open()
        mask = await caller.download(key, [encoded(Image.new("L", (1000, 900)))])
        return heavy, many, small, text, mask

    answers = with_studio(work, limits=limits)
    assert [(status, told["error"]) for status, told in answers] == [
        (413, "photo_large"),
        (413, "photo_large"),
        (422, "photo_small"),
        (422, "photo_unreadable"),
        (422, "mask"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"mixes": []},
        {"mixes": 3},
        {"mixes": [{"starry_night": "much"}]},
        {"mixes": [{"starry_night": -1}]},
        {"mixes": [{"starry_night": 1}, {"the_scream": 1}]},  # without masks
        {"strength": 2},
        {"strength": None},
        {"stroke": 9},
        {"stroke": "broad"},
        {"format": "exe"},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused_in_a_sentence(changes):
    async def work(caller):
        return await caller.download(await caller.open(), **changes)

    status, told = with_studio(work)
    assert (status, told["error"]) == (400, "settings")
    assert "xpected" in told["message"]


def test_photos_of_a_session_and_of_all_are_bounded():
    async def work(caller):
        keys = [await caller.open() for _ in range(4)]
        return [(await caller.ask(f"api/photos/{key}/view"))[0] for key in keys]

    assert with_studio(work, limits=StudioLimits(photos_of_session=2)) == [410, 410, 200, 200]
    assert with_studio(work, limits=StudioLimits(photo_bytes=1)) == [410, 410, 410, 200]


def test_in_public_an_address_asks_so_often_a_minute_and_others_are_answered():
    limits = replace(PUBLIC_LIMITS, requests_a_minute=10)
    public = "https://paint.example.org"

    async def work(caller):
        def ask(address: str):
            return caller.ask("", headers={"Host": "paint.example.org", "X-Forwarded-For": f"6.6.6.6, {address}"})

        eager = [(await ask("1.2.3.4"))[0] for _ in range(12)]
        return eager, (await ask("4.3.2.1"))[0]

    eager, other = with_studio(work, public=public, limits=limits)
    assert eager == [200] * 10 + [429] * 2
    assert other == 200


def test_in_public_twenty_people_at_once_are_all_answered():
    async def work(caller):
        async def person(number: int) -> int:
            visitor = {"Host": "paint.example.org", "X-Forwarded-For": f"10.0.0.{number}"}
            _, page = await caller.ask("", headers=visitor)
            token = re.search(rb"token&quot;: &quot;([\w.]+)", page)[1].decode()
            _, told = await caller.ask("api/photos?name=a.png", "POST", token=token, headers=visitor, data=PHOTO)
            form = aiohttp.FormData({"settings": json.dumps(SETTINGS)}, default_to_multipart=True)
            path = f"api/photos/{told['id']}/painting"
            return (await caller.ask(path, "POST", token=token, headers=visitor, data=form))[0]

        return await asyncio.gather(*map(person, range(20)))

    assert with_studio(work, public="https://paint.example.org") == [200] * 20
