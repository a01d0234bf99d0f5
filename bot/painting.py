"""From a photo's bytes and a look to a painting's bytes, on the style server.

Pixels are touched on threads only, and no more than `concurrency` photos at once, so memory stays bounded and the event
loop free.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
from PIL import Image

from bot.events import Result
from bot.look import SEGMENTS, Look
from serving.client import StyleClient
from serving.errors import ServingError
from tfstyle.catalog import Catalog
from tfstyle.errors import StyleTransferError
from tfstyle.images import MIN_SIDE, Photo, read_photo
from tfstyle.masks import resolve

PHOTO_MAX_SIDE = 2560  # the largest that Telegram keeps of a photo
PHOTO_MAX_BYTES = 10 * 2**20
PHOTO_MAX_RATIO = 20
FILE_MAX_BYTES = 50 * 2**20
REFRESH_SECONDS = 10.0  # after so long a new style is in the picker
_GAP = 8  # pixels between photo and painting in a comparison

T = TypeVar("T")


class SegmenterMissingError(StyleTransferError):
    """Finding people needs the extra `masks`, which is not installed."""


@dataclass(frozen=True, kw_only=True)
class Painting:
    """A painting as a file: what Telegram shows as a photo, or what it must carry as a file."""

    data: bytes
    suffix: str
    width: int
    height: int

    @property
    def fits_photo(self) -> bool:
        """Whether Telegram takes it as a photo."""
        sides = sorted((self.width, self.height))
        return len(self.data) <= PHOTO_MAX_BYTES and sides[1] <= PHOTO_MAX_RATIO * sides[0] and sum(sides) <= 10_000


class Painter:
    """A connection to the style server.

    Args:
        address: `host:port`.
        timeout: Seconds that one call may take.
        concurrency: Photos at once.
        max_pixels: Largest H * W that is decoded.
    """

    def __init__(self, address: str, *, timeout: float, concurrency: int, max_pixels: int):
        self._client = StyleClient(address, timeout=timeout)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="painting")
        self._max_pixels = max_pixels
        self._catalog: Catalog | None = None
        self.reachable = False

    async def close(self) -> None:
        """End calls that are under way."""
        self._client.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def catalog(self) -> Catalog:
        """The styles, asked for once and then as `keep_fresh` last heard them.

        Raises:
            ServingError: If they were never heard and the server does not answer.
        """
        return self._catalog or await self.refresh()

    async def refresh(self) -> Catalog:
        """Ask for the styles.

        Raises:
            ServingError: If the server does not answer.
        """
        try:
            answer = await asyncio.to_thread(self._client.predict, "describe", {})
        except ServingError:
            self.reachable = False
            raise
        self.reachable = True
        catalog = Catalog.from_describe(answer)
        if catalog != self._catalog:
            self._catalog = catalog
        return self._catalog

    async def keep_fresh(self) -> None:
        """Ask for the styles again and again, so that a new model's are offered without a restart."""
        while True:
            with contextlib.suppress(StyleTransferError):
                await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def paint(self, data: bytes, look: Look, result: Result, *, mask: bytes | None = None) -> Painting:
        """Paint a photo.

        Args:
            data: The photo as a file.
            look: How; a mask that is a message's picture comes as `mask`.
            result: In which form.
            mask: A picture, white where to paint.

        Raises:
            PhotoError: If the photo cannot be read or is too large.
            MaskError: If the mask cannot be read or has another shape.
            UnknownStyleError: If the model has no such style (any more).
            SegmenterMissingError: If people are to be found without the package that does it.
            ServingError: If the server does not answer or refuses.
        """
        catalog = await self.catalog()
        return await self._on_thread(lambda: self._paint(data, look, result, mask, catalog))

    def _paint(self, data: bytes, look: Look, result: Result, mask: bytes | None, catalog: Catalog) -> Painting:
        original = read_photo(data, max_pixels=self._max_pixels)
        photo = _sized(original, look.size if result is not Result.FILE else 0, result, catalog.max_pixels)
        format: Literal["png", "jpeg"] = "png" if result is Result.FILE else "jpeg"
        options: dict[str, Any] = {"strength": look.strength / 100, "preserve_color": look.keep_colors, "format": format}
        if look.regions:
            options["regions"] = [(_place(place, photo), dict(mix)) for place, mix in look.regions]
        else:
            options["style"] = dict(look.styles) or {catalog.names[0]: 1.0}
            if mask is not None:
                size = (original.height, original.width)
                options["mask"] = resolve(mask, photo.height, photo.width, photo_size=size).values
            elif look.mask:
                options["mask"] = _place(look.mask, photo)
        painted = self._client.stylize(photo, **options)
        if result is Result.COMPARISON:
            painted = _side_by_side(photo, painted)
        return _as_file(painted, format)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _sized(photo: Photo, size: int, result: Result, max_pixels: int) -> Photo:
    """The photo as large as wanted, as Telegram takes it, and as the model takes it."""
    longer, shorter = max(photo.width, photo.height), min(photo.width, photo.height)
    limit = size or longer
    if result is not Result.FILE:
        limit = min(limit, PHOTO_MAX_SIDE)
    limit = min(limit, math.floor(longer * math.sqrt(max_pixels / (photo.width * photo.height))))
    limit = max(limit, min(longer, math.ceil(longer * MIN_SIDE / shorter)))  # the model needs so many on both sides
    smaller = photo.resize_to(limit)
    if smaller is photo:
        return photo
    # It travels as JPEG: as PNG it would take ten times as long to pack, for differences nobody sees.
    return replace(smaller, jpeg=replace(smaller, icc_profile=None).encode("jpeg"))


def _place(place: str, photo: Photo) -> Any:
    """What `Painter.stylize` takes as a mask: a gradient's name, or an array for what must be found in the photo."""
    if place not in SEGMENTS:
        return place
    try:
        from tfstyle import segment
    except ImportError as error:
        raise SegmenterMissingError(f"Finding a {place} needs {error.name}; pip install 'tfstyle[masks]'.") from None
    return segment.mask(photo.pixels, place)


def _side_by_side(photo: Photo, painting: Photo) -> Photo:
    """One picture of both, next to each other or, where they are wide, one above the other."""
    wide = photo.width > photo.height
    size = (photo.width, 2 * photo.height + _GAP) if wide else (2 * photo.width + _GAP, photo.height)
    sheet = Image.new("RGB", size, "white")
    sheet.paste(photo.to_pil(), (0, 0))
    sheet.paste(painting.to_pil(), (0, photo.height + _GAP) if wide else (photo.width + _GAP, 0))
    pixels = np.asarray(sheet)
    return Photo(pixels, icc_profile=painting.icc_profile).resize_to(PHOTO_MAX_SIDE)


def _as_file(painting: Photo, format: Literal["png", "jpeg"]) -> Painting:
    data = painting.encode(format, compress_level=1)
    if len(data) > FILE_MAX_BYTES:  # a PNG of a large painting may be
        format, data = "jpeg", painting.encode("jpeg")
    suffix = ".png" if format == "png" else ".jpg"
    return Painting(data=data, suffix=suffix, width=painting.width, height=painting.height)

