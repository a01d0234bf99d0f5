"""Style service: from a photo's bytes and style settings to a stylized image's bytes, on the style server.

What people send is decoded in processes of its own. Pixels are touched on a few threads only, and large paintings
composed one at a time, so memory stays bounded and the event loop free.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from PIL import Image

from bot.conversation.events import Result
from bot.conversation.own_styles import own_key
from bot.conversation.style_settings import MAX_SIZE, Mix, StyleSettings
from bot.errors import (
    EncoderMissingError,
    NothingFoundError,
    OwnStyleGoneError,
    SegmenterMissingError,
    StyleFileUnfitError,
    StyleImageUnfitError,
)
from bot.telegram_api.stylized_image import FILE_MAX_BYTES, StylizedImage
from serving.client import AsyncStyleClient, Tls
from serving.client.errors import ServingError
from tfstyle.contract import style_file
from tfstyle.contract.catalog import Catalog
from tfstyle.contract.signatures import Signature
from tfstyle.contract.style_mix import NamedStyle
from tfstyle.contract.style_vector import StyleTable, StyleVector, name_from
from tfstyle.errors import MaskError, PhotoError, StyleTransferError, StyleVectorError
from tfstyle.imaging.decoder import MEMORY_BYTES, Decoder
from tfstyle.imaging.photo import MIN_SIDE, SUFFIX_BY_FORMAT, Photo, check_size, read_photo
from tfstyle.imaging.style_images import check_style_image
from tfstyle.masks.mask import resolve
from tfstyle.masks.segmentation import SEGMENTS
from tfstyle.stylize.options import StylizeKeywords, StylizeOptions
from tfstyle.stylize.request import EncodedImage
from tfstyle.stylize.stroke_size import PAINTED_SIDE
from tfstyle.stylize.style_request import THUMBNAIL_SIDE

_DESCRIBE_TIMEOUT = 10.0  # seconds
_LARGE = PAINTED_SIDE**2  # pixels; paintings of more are composed here, in memory many times their size
_GAP = 8  # pixels between photo and painting in a comparison

T = TypeVar("T")


class Client(Protocol):
    """What is asked of a style server's client, or of what stands for one."""

    @property
    def answering_version(self) -> int | None:
        """Version of the model in the last answer."""
        ...

    async def styles(self, *, refresh: bool = False, timeout: float | None = None) -> Catalog:
        """The styles there are."""
        ...

    async def stylize_encoded(self, photo: Photo, options: StylizeOptions, /) -> EncodedImage:
        """One photo, stylized."""
        ...

    async def signatures(self, *, timeout: float | None = None) -> dict[str, Signature]:
        """What the model does."""
        ...

    async def style_table(self, *, timeout: float | None = None) -> StyleTable | None:
        """The vectors of its styles, and which network they are for."""
        ...

    async def encode_style(self, style_image: Photo, *, name: str | None = None, title: str = "") -> StyleVector:
        """The style of a painting."""
        ...

    async def close(self) -> None:
        """End calls that are under way."""
        ...


class StyleService:
    """A connection to the style server; to be made where the event loop runs.

    Args:
        address: `host:port`, or `dns:///host:port` for all addresses of a name in turns; or a client that has its own.
        timeout: Seconds that one painting may take.
        max_pixels: Largest H * W that is decoded.
        label: Of the model's version to paint with; empty is the newest.
        tls: Encrypt; None is plain text.
        threads: Photos whose pixels are worked on at once.
        decoders: Photos that are decoded at once.
        decoder_bytes: Memory that they may take together.
        refresh_seconds: After so long a new style is in the picker.
        file_max_bytes: Of a stylized image as PNG; larger ones come as JPEG.

    Attributes:
        reachable: The server answered when it was asked last.
    """

    def __init__(
        self,
        address: str | Client,
        *,
        timeout: float,
        max_pixels: int,
        label: str = "",
        tls: Tls | None = None,
        threads: int = 2,
        decoders: int = 4,
        decoder_bytes: int = MEMORY_BYTES,
        refresh_seconds: float = 3.0,
        file_max_bytes: int = FILE_MAX_BYTES,
    ):
        self._refresh_seconds = refresh_seconds
        self._file_max_bytes = file_max_bytes
        self._client: Client = (
            AsyncStyleClient(address, label=label, timeout=timeout, tls=tls) if isinstance(address, str) else address
        )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pixels")
        # Threads of their own: who waits for a decoder that hangs holds up nobody whose photo is decoded.
        self._decoding = ThreadPoolExecutor(decoders, thread_name_prefix="decoding")
        self._decoder = Decoder(memory=decoder_bytes)
        self._large = asyncio.Semaphore(1)
        self._max_pixels = max_pixels
        self._catalog: Catalog | None = None
        self._has_encoder = False
        self._encoder_of: tuple[int | None] | None = None  # the version that this was told of
        self.reachable = False

    async def close(self) -> None:
        """End calls that are under way."""
        await self._client.close()
        for threads in (self._threads, self._decoding):
            threads.shutdown(wait=False, cancel_futures=True)
        self._decoder.close()

    async def start(self) -> None:
        """Make ready what the first photo would have to wait for."""
        await self._decoded(self._decoder.start)

    async def catalog(self) -> Catalog:
        """The styles, as they were heard last.

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
            catalog = await self._client.styles(refresh=True, timeout=_DESCRIBE_TIMEOUT)
        except ServingError:
            self.reachable = False
            raise
        self.reachable = True
        if self._encoder_of != (version := (self._client.answering_version,)):
            with contextlib.suppress(ServingError):  # asked again the next time
                self._has_encoder = "encode_style" in await self._client.signatures(timeout=_DESCRIBE_TIMEOUT)
                self._encoder_of = version
        if catalog != self._catalog:  # else the same object, which others may have built on
            self._catalog = catalog
        return self._catalog or catalog

    @property
    def any_painting(self) -> bool:
        """Whether the model can make a style of any painting."""
        return self._has_encoder

    async def make_style(self, data: bytes, title: str) -> bytes:
        """The style of a painting, as a style file.

        Args:
            data: The painting as a file.
            title: What it is called.

        Raises:
            EncoderMissingError: If the model cannot make styles.
            StyleImageUnfitError: If the painting is too small or too narrow.
            PhotoError: If it cannot be read.
            ServingError: If the server does not answer or refuses.
        """
        if not self.any_painting:
            raise EncoderMissingError("the model has no style encoder")
        painting = await self._decoded(self._decoder.read_photo, data, max_pixels=self._max_pixels, longest=MAX_SIZE)
        try:
            check_style_image(painting.pixels, "the painting")
        except PhotoError as error:
            raise StyleImageUnfitError(str(error)) from None
        style = await self._client.encode_style(painting, name=name_from(title), title=title)
        return style_file.to_bytes(style)

    async def take_style_file(self, data: bytes) -> tuple[str, bytes]:
        """A style file that somebody sent, as its title and a file with a thumbnail that was made here.

        Raises:
            StyleFileUnfitError: If it cannot be read.
            EncoderMissingError: If the model takes no styles but its own.
            StyleVectorError: If it is for another network than the model's.
            ServingError: If the server does not answer.
        """
        try:
            style = await self._on_thread(style_file.from_bytes, data)
        except StyleVectorError as error:
            raise StyleFileUnfitError(str(error)) from None
        table = await self._client.style_table(timeout=_DESCRIBE_TIMEOUT)
        if table is None:
            raise EncoderMissingError("the model tells no style vectors")
        table.check(style)
        thumbnail = b""
        with contextlib.suppress(PhotoError):
            read = await self._decoded(self._decoder.read_photo, style.thumbnail, longest=THUMBNAIL_SIDE)
            thumbnail = replace(read, icc_profile=None).encode("jpeg", metadata="none")
        return style.title, style_file.to_bytes(replace(style, thumbnail=thumbnail))

    async def keep_fresh(self) -> None:
        """Ask for the styles again and again, so that a new model's are offered without a restart."""
        while True:
            with contextlib.suppress(ServingError):
                await self.refresh()
            await asyncio.sleep(self._refresh_seconds)

    async def stylize(
        self,
        data: bytes,
        style_settings: StyleSettings,
        result: Result,
        *,
        mask: bytes | None = None,
        own_styles: Mapping[str, bytes] | None = None,
    ) -> StylizedImage:
        """Stylize a photo.

        Args:
            data: The photo as a file.
            style_settings: How; a mask that is a message's picture comes as `mask`.
            result: In which form.
            mask: A picture, white where to paint.
            own_styles: Style files, by the names of those of the settings' styles that are not the model's.

        Raises:
            OwnStyleGoneError: If one of those is not among them.
            StyleVectorError: If one of them is for another network than the model's.
            PhotoTooLargeError: If it has too many pixels.
            PhotoTooSmallError: If it has too few.
            PhotoError: If it cannot be read.
            MaskError: If the mask cannot be read or has another shape.
            NothingFoundError: If what is to be painted is not in the photo.
            UnknownStyleError: If the model has no such style (any more).
            SegmenterMissingError: If people are to be found without the package that does it.
            ServingError: If the server does not answer or refuses.
        """
        catalog = await self.catalog()
        vectors = {name: style_file.from_bytes(file) for name, file in (own_styles or {}).items()}
        header = await self._decoded(self._decoder.read_header, data)
        check_size(header.width, header.height, "photo", max_pixels=self._max_pixels)
        longest = _longer_side(header.width, header.height, style_settings.size, result, catalog.max_pixels)
        scale = min(1.0, longest / max(header.width, header.height))
        async with self._large if scale**2 * header.width * header.height > _LARGE else contextlib.nullcontext():
            photo = await self._decoded(
                self._decoder.read_photo, data, header=header, longest=longest, fit=min(longest, MAX_SIZE)
            )
            del data
            values = None if mask is None else await self._mask(mask, longest)
            size = header.height, header.width
            return await self._stylize(photo, style_settings, result, values, size, catalog, vectors)

    async def _mask(self, mask: bytes, longest: int) -> np.ndarray:
        try:
            return await self._decoded(
                self._decoder.read_gray, mask, max_pixels=self._max_pixels, longest=longest, fit=MIN_SIDE
            )
        except PhotoError as error:
            raise MaskError(str(error)) from None

    async def _stylize(
        self,
        photo: Photo,
        style_settings: StyleSettings,
        result: Result,
        mask: np.ndarray | None,
        photo_size: tuple[int, int],
        catalog: Catalog,
        vectors: Mapping[str, StyleVector],
    ) -> StylizedImage:
        photo, options = await self._on_thread(
            self._prepare, photo, style_settings, result, mask, photo_size, catalog, vectors
        )
        painted = await self._client.stylize_encoded(photo, options)
        if result is Result.COMPARISON:
            return await self._on_thread(_side_by_side, photo, painted.data)
        if len(painted.data) > self._file_max_bytes:  # a PNG of a large painting may be
            return await self._on_thread(_as_jpeg, painted.data)
        suffix = SUFFIX_BY_FORMAT["png" if painted.format == "png" else "jpeg"]
        return StylizedImage(data=painted.data, suffix=suffix, width=painted.width, height=painted.height)

    def _prepare(
        self,
        photo: Photo,
        style_settings: StyleSettings,
        result: Result,
        mask: np.ndarray | None,
        photo_size: tuple[int, int],
        catalog: Catalog,
        vectors: Mapping[str, StyleVector],
    ) -> tuple[Photo, StylizeOptions]:
        if max(photo.height, photo.width) < max(photo_size):
            # It travels as JPEG: as PNG it would take ten times as long to pack, for differences nobody sees.
            photo = replace(photo, jpeg=replace(photo, icc_profile=None).encode("jpeg"))
        options: StylizeKeywords = {
            "strength": style_settings.strength / 100,
            "preserve_color": style_settings.keep_colors,
            "format": "png" if result is Result.FILE else "jpeg",
            "metadata": "none",
        }
        style: dict[NamedStyle, float] | None = None
        if style_settings.regions:
            options["regions"] = [(_place(place, photo), _mix(mix, vectors)) for place, mix in style_settings.regions]
        else:
            style = _mix(style_settings.styles, vectors) or {catalog.names[0]: 1.0}
            if mask is not None:
                options["mask"] = resolve(mask, photo.height, photo.width).values
            elif style_settings.mask:
                options["mask"] = _place(style_settings.mask, photo)
        return photo, StylizeOptions(style, **options)

    async def _on_thread(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    async def _decoded(self, work: Callable[..., T], *args: Any, **options: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._decoding, partial(work, *args, **options))


def _longer_side(width: int, height: int, size: int, result: Result, max_pixels: int) -> int:
    """Of the painting: as large as wanted, as Telegram takes it, and of no more pixels than the model takes.

    The server sees fewer, since large photos are painted smaller; but the painting is composed here at full size, and
    what that takes must be bounded.
    """
    longer, shorter = max(width, height), min(width, height)
    limit = longer if result is Result.FILE else min(size or longer, MAX_SIZE)
    limit = min(limit, math.floor(longer * math.sqrt(max_pixels / (width * height))))
    return max(limit, min(longer, math.ceil(longer * MIN_SIDE / shorter)))  # the model needs so many on both sides


def _mix(mix: Mix, vectors: Mapping[str, StyleVector]) -> dict[NamedStyle, float]:
    """Weights by style, those of people's own as vectors."""
    if any(own_key(name) and name not in vectors for name, _ in mix):
        raise OwnStyleGoneError("it was deleted meanwhile")
    return {vectors.get(name, name): weight for name, weight in mix}


def _place(place: str, photo: Photo) -> Any:
    """The mask for `StylizeOptions`: a gradient's name, or an array for what must be found in the photo."""
    if place not in SEGMENTS:
        return place
    try:
        return SEGMENTS[place](photo.pixels)
    except MaskError:
        raise NothingFoundError(place) from None
    except StyleTransferError as error:
        raise SegmenterMissingError(f"Finding a {place} needs the extra masks ({error}).") from None


def _side_by_side(photo: Photo, painting: bytes) -> StylizedImage:
    """One picture of both, next to each other or, where they are wide, one above the other."""
    painted = read_photo(painting)
    wide = photo.width > photo.height
    size = (photo.width, 2 * photo.height + _GAP) if wide else (2 * photo.width + _GAP, photo.height)
    sheet = Image.new("RGB", size, "white")
    sheet.paste(Image.fromarray(photo.pixels), (0, 0))
    sheet.paste(Image.fromarray(painted.pixels), (0, photo.height + _GAP) if wide else (photo.width + _GAP, 0))
    return _encoded(Photo(np.asarray(sheet), icc_profile=photo.icc_profile).resize_to(MAX_SIZE))


def _as_jpeg(painting: bytes) -> StylizedImage:
    return _encoded(read_photo(painting))


def _encoded(photo: Photo) -> StylizedImage:
    return StylizedImage(data=photo.encode("jpeg"), suffix=".jpg", width=photo.width, height=photo.height)
