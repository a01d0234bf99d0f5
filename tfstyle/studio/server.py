"""The studio's server: gives out the page, keeps its photos in memory, paints.

    GET    /, /studio.css, /js/..., /texts/..., /styles.json, /thumbnails/...     the page
    POST   /api/photos?name=NAME               a file                  {"id", "width", "height", "notes"}
    GET    /api/photos/ID/view                 the photo as it is shown
    GET    /api/photos/ID/segments/WHAT        person, background or subject: a mask
    POST   /api/photos/ID/painting             settings, masks         the painting as it is shown, whole
    POST   /api/photos/ID/download             settings, masks         the file at full size
    DELETE /api/photos/ID
    POST   /api/styles?name=NAME               a painting, or a style file         {"name", "title", "thumbnail", ...}
    GET    /api/queue                          {"ahead": turns before one's own, "stage"}

All below /api want the page's token. What is refused is answered as `{"error": CODE, "message": SENTENCE}`; the page
says it in its visitor's language by the code.
"""

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from aiohttp import BodyPartReader, web

from tfstyle.contract.style_vector import StyleVector
from tfstyle.errors import (
    MaskError,
    PhotoError,
    PhotoTooLargeError,
    PhotoTooSmallError,
    RequestError,
    StyleTransferError,
    StyleVectorError,
    UnknownStyleError,
)
from tfstyle.imaging.decoder import MEMORY_BYTES, Decoder
from tfstyle.imaging.photo import MAX_FILE_BYTES, MAX_PIXELS, Photo
from tfstyle.masks.segmentation import SEGMENTS
from tfstyle.studio import site_files
from tfstyle.studio.fair_queue import FairQueue, QueueFullError
from tfstyle.studio.guard import TOKEN_HEADER, AddressLimit, Doors, Tokens
from tfstyle.studio.own_styles import OwnStyles
from tfstyle.studio.paint_request import PaintRequest
from tfstyle.studio.photo_shelf import DRAFT_SIDE, PhotoGoneError, PhotoShelf, ShelfPhoto
from tfstyle.stylize.stylizer import Stylizer

T = TypeVar("T")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)

_SETTINGS_BYTES = 64 * 2**10
_CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# The codes that the page has a sentence for, by error; the first that fits.
_CODES: tuple[tuple[type[StyleTransferError], str, int], ...] = (
    (PhotoGoneError, "photo_gone", 410),
    (QueueFullError, "busy", 429),
    (PhotoTooLargeError, "photo_large", 413),
    (PhotoTooSmallError, "photo_small", 422),
    (PhotoError, "photo_unreadable", 422),
    (StyleVectorError, "style_file", 422),
    (MaskError, "mask", 422),
    (UnknownStyleError, "style_unknown", 422),
    (RequestError, "settings", 400),
)


@dataclass(frozen=True, kw_only=True)
class StudioLimits:
    """What one server holds and does, on a laptop by default."""

    file_bytes: int = MAX_FILE_BYTES
    max_pixels: int = MAX_PIXELS
    decoder_bytes: int = 3 * 2**30  # a 100-megapixel photo takes two
    photo_bytes: int = 2 * 2**30  # of all photos that pages have open
    photos_of_session: int = 50
    photo_seconds: float | None = None
    waiting_of_person: int = 8
    requests_a_minute: int | None = None  # from one address


PUBLIC_LIMITS = StudioLimits(
    file_bytes=32 * 2**20,
    max_pixels=25_000_000,
    decoder_bytes=2 * MEMORY_BYTES,
    photo_bytes=512 * 2**20,
    photos_of_session=6,
    photo_seconds=1800,
    waiting_of_person=3,
    requests_a_minute=240,  # a slider that is moved asks for three paintings a second
)


class StudioServer:
    """The page and its interface; `app` is an application of aiohttp.

    Args:
        stylizer: Paints.
        doors: Under which addresses it is asked for.
        public: Whether strangers use it: visitors are told apart by the address that the reverse proxy in front names.
        limits: How much it takes; None: by `public`.
    """

    def __init__(self, stylizer: Stylizer, doors: Doors, *, public: bool = False, limits: StudioLimits | None = None):
        self._limits = limits or (PUBLIC_LIMITS if public else StudioLimits())
        self._stylizer, self._doors, self._public = stylizer, doors, public
        self._tokens = Tokens()
        self._decoder = Decoder(memory=self._limits.decoder_bytes)
        self._shelf = PhotoShelf(
            self._decoder,
            max_pixels=self._limits.max_pixels,
            total=self._limits.photo_bytes,
            of_session=self._limits.photos_of_session,
            seconds=self._limits.photo_seconds,
        )
        self._own_styles = OwnStyles(stylizer, self._decoder, max_pixels=self._limits.max_pixels)
        self._encodes = False
        self._queue = FairQueue(of_person=self._limits.waiting_of_person)
        self._stages: dict[str, str] = {}
        rate = self._limits.requests_a_minute
        self._address_limit = None if rate is None else AddressLimit(rate)
        self._files = site_files.page_files(stylizer.styles())
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="studio")
        self.app = self._application()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._answer_errors, self._check_sender])
        app.add_routes(
            [
                web.get("/", self._index),
                web.post("/api/photos", self._add_photo),
                web.get("/api/photos/{id}/view", self._view),
                web.get("/api/photos/{id}/segments/{name}", self._segment),
                web.post("/api/photos/{id}/painting", self._painting),
                web.post("/api/photos/{id}/download", self._download),
                web.delete("/api/photos/{id}", self._remove_photo),
                web.post("/api/styles", self._add_style),
                web.get("/api/queue", self._position),
                web.get("/{path:.+}", self._file),
            ]
        )
        app.cleanup_ctx.append(self._lifetime)
        return app

    async def _lifetime(self, _: web.Application) -> AsyncIterator[None]:
        await self._on_thread(self._decoder.start)
        self._encodes = await self._on_thread(self._can_encode)
        yield
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._decoder.close()

    def _can_encode(self) -> bool:
        """Whether the model tells the style of any painting; loads it, so that the first photo need not wait."""
        try:
            self._stylizer.encode_style(np.zeros((64, 64, 3), np.uint8))
        except StyleTransferError:
            return False
        return True

    # Who asks

    @web.middleware
    async def _check_sender(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        headers = request.headers
        navigates = headers.get("Sec-Fetch-Mode") == "navigate" and request.path == "/"
        origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
        if self._doors.refuses(host=headers.get("Host", ""), origin=origin, site=site, navigates=navigates):
            return _refusal("elsewhere", "Expected a request of the studio's own page, got one from elsewhere.", 403)
        if self._address_limit and not self._address_limit.takes(_address(request)):
            return _refusal("busy", "Expected fewer requests from one address; try again in a minute.", 429)
        if request.path.startswith("/api/") and not self._session(request):
            return _refusal("stale", "Expected the token of a page of this server; load the page again.", 403)
        return await handler(request)

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except StyleTransferError as error:
            code, status = next((found[1:] for found in _CODES if isinstance(error, found[0])), ("engine", 503))
            if "pip install" in str(error):  # a package that this machine lacks
                code, status = "missing", 501
            response = _refusal(code, str(error), status)
        except web.HTTPRequestEntityTooLarge:
            response = _refusal("photo_large", f"Expected at most {self._limits.file_bytes >> 20} MB a file.", 413)
        except web.HTTPException as error:
            response = _refusal("elsewhere", error.reason, error.status)
        except Exception:
            _log.exception("%s %s", request.method, request.path)
            response = _refusal("engine", "Something went wrong here; its log says what.", 500)
        response.headers.update(_HEADERS)
        return response

    def _session(self, request: web.Request) -> str:
        """The session that a request's token names; empty if it is none of ours."""
        return self._tokens.session_of(request.headers.get(TOKEN_HEADER, "")) or ""

    def _person(self, request: web.Request) -> str:
        """Whose turns are counted together."""
        return _address(request) if self._public else self._session(request)

    # The page

    async def _index(self, _: web.Request) -> web.Response:
        config = {"engine": "server", "token": self._tokens.issue(), "public": self._public, "draft_side": DRAFT_SIDE}
        body = site_files.index(**config, segments=sorted(SEGMENTS), encodes=self._encodes)
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)

    async def _file(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if path not in self._files:  # a mapping, so that no path leads out of it
            raise web.HTTPNotFound
        kind = site_files.content_type(path)
        charset = "utf-8" if kind.startswith("text/") or kind == "application/json" else None
        response = web.Response(body=self._files[path], content_type=kind, charset=charset)
        response.headers["Cache-Control"] = "no-cache"
        if charset:
            response.enable_compression()
        return response

    # Photos

    async def _add_photo(self, request: web.Request) -> web.Response:
        data = await _read(request.content.iter_any(), self._limits.file_bytes)
        name = request.query.get("name", "")[:200] or "photo"
        key, photo = await self._on_thread(self._shelf.add, self._session(request), data, name)
        told = {"id": key, "width": photo.width, "height": photo.height, "notes": photo.view.notes}
        return web.json_response(told)

    async def _view(self, request: web.Request) -> web.Response:
        photo = self._photo(request).view
        if photo.alpha is None:
            return _picture(await self._on_thread(partial(photo.encode, "jpeg", metadata="none")), "jpeg")
        return _picture(await self._on_thread(partial(photo.encode, "png", compress_level=1, metadata="none")), "png")

    async def _remove_photo(self, request: web.Request) -> web.Response:
        self._shelf.remove(self._session(request), request.match_info["id"])
        return web.json_response({})

    async def _segment(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in SEGMENTS:
            raise web.HTTPNotFound
        photo = self._photo(request)
        async with self._turn(request, "finding"):
            values = await self._on_thread(partial(SEGMENTS[name], photo.view.pixels, name=photo.name))
        gray = Photo(np.repeat(np.rint(values * 255).astype(np.uint8)[:, :, None], 3, axis=2))
        return _picture(await self._on_thread(partial(gray.encode, "png", compress_level=1)), "png")

    # Styles

    async def _add_style(self, request: web.Request) -> web.Response:
        data = await _read(request.content.iter_any(), self._limits.file_bytes)
        name = request.query.get("name", "")[:200] or "painting"
        async with self._turn(request, "painting"):
            key, style = await self._on_thread(self._own_styles.add, self._session(request), data, name)
        thumbnail = f"data:image/jpeg;base64,{base64.b64encode(style.thumbnail).decode()}"
        told = {"title": style.title or style.name, "artist": style.artist, "year": style.year}
        return web.json_response(told | {"name": key, "thumbnail": thumbnail})

    def _styles(self, request: web.Request) -> dict[str, str | StyleVector]:
        """What the names of a page stand for."""
        return {name: name for name in self._stylizer.styles().names} | self._own_styles.of(self._session(request))

    # Paintings

    async def _painting(self, request: web.Request) -> web.Response:
        photo = self._photo(request)
        asked, masks = await self._asked(request)
        shown = photo.draft if asked.draft else photo.view
        options = asked.options(masks, self._styles(request), whole=True)
        if shown.alpha is not None:
            options = type(options).of(options, format="png")
        async with self._turn(request, "painting"):
            painted = await self._on_thread(self._stylizer.stylize_encoded, shown, options)
        return _picture(painted.data, painted.format)

    async def _download(self, request: web.Request) -> web.Response:
        photo = self._photo(request)
        asked, masks = await self._asked(request)
        options = asked.options(masks, self._styles(request))
        async with self._turn(request, "opening"):
            full = await self._on_thread(self._shelf.full, photo)
            self._stages[self._person(request)] = "painting"
            painted = await self._on_thread(self._stylizer.stylize_encoded, full, options)
        return _picture(painted.data, painted.format)

    async def _position(self, request: web.Request) -> web.Response:
        person = self._person(request)
        return web.json_response({"ahead": self._queue.ahead(person), "stage": self._stages.get(person)})

    @asynccontextmanager
    async def _turn(self, request: web.Request, stage: str) -> AsyncIterator[None]:
        person = self._person(request)
        async with self._queue.turn(person):
            self._stages[person] = stage
            try:
                yield
            finally:
                self._stages.pop(person, None)

    def _photo(self, request: web.Request) -> ShelfPhoto:
        return self._shelf.get(self._session(request), request.match_info["id"])

    async def _asked(self, request: web.Request) -> tuple[PaintRequest, list[np.ndarray]]:
        """Settings and masks of a form: the part `settings`, and parts `mask`, PNG files in the order of the mixes."""
        if request.content_type != "multipart/form-data":
            raise RequestError(f"Expected multipart/form-data, got {request.content_type}.")
        asked, masks = None, []
        left = self._limits.file_bytes
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise RequestError("Expected a form of settings and masks, got forms within forms.")
            data = await _read(_chunks(part), _SETTINGS_BYTES if part.name == "settings" else left)
            left -= len(data)
            if part.name == "settings":
                asked = PaintRequest.from_json(data.decode("utf-8", "replace"))
            else:
                masks.append(await self._mask(data))
        if asked is None:
            raise RequestError("Expected settings in the form, got none.")
        return asked, masks

    async def _mask(self, data: bytes) -> np.ndarray:
        try:
            return await self._on_thread(partial(self._decoder.read_gray, data, max_pixels=self._limits.max_pixels))
        except PhotoError as error:
            raise MaskError(str(error)) from None

    async def _on_thread(self, work: Callable[..., T], *args: Any) -> T:
        """Run work on a thread; who gives up waits for it all the same, so that turns do not overlap."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await running
            raise


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(2**16):
        yield bytes(chunk)


async def _read(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """A body, as long as it is within its limit."""
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > limit:
            raise web.HTTPRequestEntityTooLarge(limit, len(data))
    return bytes(data)


def _address(request: web.Request) -> str:
    """Where a visitor is: the last address of X-Forwarded-For, which the reverse proxy wrote, or the peer's."""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded or request.remote or ""


def _picture(data: bytes, format: str) -> web.Response:
    return web.Response(body=data, content_type=f"image/{format}", headers={"Cache-Control": "no-store"})


def _refusal(code: str, message: str, status: int) -> web.Response:
    return web.json_response({"error": code, "message": message}, status=status)
