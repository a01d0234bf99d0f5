"""How large a painting comes back, and as what."""

import asyncio
from dataclasses import replace

import pytest

from bot.conversation.events import Result
from bot.conversation.style_settings import FULL_SIZE, StyleSettings
from bot.work import style_service
from bot.work.style_service import StyleService
from testing.bot_api import photo_bytes
from testing.fake_model import CATALOG
from testing.style_server import style_server
from tfstyle.imaging.photo import read_photo


@pytest.fixture
def paint():
    """Paints a photo at its full size as a file, on a server whose model takes 0.4 megapixels."""
    with style_server() as (model, address):
        model.predictor.catalog = replace(CATALOG, max_pixels=400_000)

        async def painted(data, **options):
            painter = StyleService(address, timeout=60, max_pixels=25_000_000, **options)
            try:
                return await painter.stylize(data, StyleSettings(size=FULL_SIZE), Result.FILE)
            finally:
                await painter.close()

        yield lambda data, **options: asyncio.run(painted(data, **options))


def test_a_file_is_no_larger_than_the_model_takes(paint):
    painting = paint(photo_bytes(900, 600))

    assert painting.suffix == ".png"
    assert read_photo(painting.data).pixels.shape == (painting.height, painting.width, 3)
    assert 399_000 < painting.width * painting.height <= 400_000
    assert painting.width / painting.height == pytest.approx(1.5, abs=0.004)


def test_a_png_too_large_for_telegram_comes_as_jpeg(paint):
    png = paint(photo_bytes(300, 200))
    jpeg = paint(photo_bytes(300, 200), file_max_bytes=len(png.data) - 1)

    assert (png.suffix, jpeg.suffix) == (".png", ".jpg")
    photo = read_photo(jpeg.data)
    assert photo.format == "jpeg"
    assert (photo.width, photo.height) == (jpeg.width, jpeg.height) == (300, 200)


@pytest.mark.parametrize(("size", "at_once"), [((400, 300), 1), ((300, 200), 3)])
def test_large_paintings_are_made_one_at_a_time(size, at_once, monkeypatch):
    """Each is composed here, and takes memory as large as itself many times over; here large is what fits a stamp."""
    monkeypatch.setattr(style_service, "_LARGE", 100_000)
    with style_server() as (model, address):
        model.seconds = 0.5

        async def paint_three():
            painter = StyleService(address, timeout=60, max_pixels=25_000_000)
            try:
                photos = [photo_bytes(*size, seed=seed) for seed in range(3)]
                await asyncio.gather(
                    *(painter.stylize(one, StyleSettings(size=FULL_SIZE), Result.FILE) for one in photos)
                )
            finally:
                await painter.close()

        asyncio.run(paint_three())

    assert model.most == at_once
