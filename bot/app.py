"""Application: the parts put together, from start to graceful stop."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from aiohttp import web
from telegram import Bot
from telegram.error import InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot.conversation.failures import kind_of
from bot.http_endpoints import make_app
from bot.metrics import Fault, count_fault
from bot.settings import PREFIX, Settings, SettingsError
from bot.storage.store import Store
from bot.telegram_api.messenger import Messenger, seconds_of
from bot.telegram_api.receiver import Receiver
from bot.work.style_service import StyleService
from bot.work.worker import Worker

_log = logging.getLogger(__name__)

T = TypeVar("T")

AGAIN_SECONDS = 10.0  # after an unexpected fault
_CONNECTIONS = 64
_SECONDS = 10.0  # for Telegram to answer; pictures take longer
_UPLOAD_SECONDS = 60.0


async def run(settings: Settings) -> None:
    """Run the bot until SIGTERM or Ctrl-C.

    Raises:
        SettingsError: If Telegram does not know the token, or the port is taken.
        StorageError: If the database cannot be opened.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    async with contextlib.AsyncExitStack() as stack:
        store = Store(settings.database_url, owner)
        stack.callback(store.close)
        style_service = StyleService(
            settings.server,
            timeout=settings.timeout,
            max_pixels=settings.max_pixels,
            label=settings.label,
            tls=settings.tls,
            decoders=settings.concurrency,
            decoder_bytes=settings.decoder_bytes,
        )
        stack.push_async_callback(style_service.close)
        await style_service.start()
        bot = await _until(stop, stack.enter_async_context(_connected(settings)))
        if bot is None:
            return
        messenger = Messenger(bot)
        worker = Worker(store, messenger, style_service, settings, bot.bot)
        receiver = Receiver(bot, store, worker.wake)
        webhook = settings.mode == "webhook"
        routes = [receiver.webhook(settings)] if webhook else []
        await _serve(make_app(store, receiver, worker, style_service, routes), settings, stack)
        parts: dict[Fault, Callable[[], Awaitable[None]]] = {
            "updates": partial(receiver.keep_webhook, settings) if webhook else receiver.poll,
            "styles": style_service.keep_fresh,
            "commands": partial(messenger.register_commands, settings.languages),
        }
        others = [asyncio.create_task(kept_going(name, part)) for name, part in parts.items()]
        working = asyncio.create_task(worker.run(receiver.caught_up))
        _log.info("started", extra={"mode": settings.mode, "bot": bot.bot.username})
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()  # a fault that nobody expected: end, to be started again
        finally:
            _log.info("stopping")
            for task in (stopping, *others):
                task.cancel()
            working.cancel()
            await asyncio.gather(working, stopping, *others, return_exceptions=True)
    _log.info("stopped")


async def kept_going(name: Fault, part: Callable[[], Awaitable[None]]) -> None:
    """Do something beside the work; what nobody expected there is logged and counted, and it begins again."""
    while True:
        try:
            await part()
            return
        except Exception as error:
            count_fault(kind_of(error, name))
            _log.exception("a part of the bot failed", extra={"part": name})
            await asyncio.sleep(AGAIN_SECONDS)


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of `work`, or None if the bot is to stop before."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return None
    return working.result()


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Bot]:
    """A connection to Telegram that knows who the bot is, however long Telegram takes to tell."""
    request = HTTPXRequest(
        connection_pool_size=_CONNECTIONS,
        read_timeout=_SECONDS,
        write_timeout=_SECONDS,
        connect_timeout=_SECONDS,
        pool_timeout=_UPLOAD_SECONDS,
        media_write_timeout=_UPLOAD_SECONDS,
    )
    bot = Bot(
        settings.token.get_secret_value(),
        base_url=settings.base_url,
        base_file_url=settings.base_file_url,
        request=request,
        get_updates_request=HTTPXRequest(connection_pool_size=2, read_timeout=_SECONDS, connect_timeout=_SECONDS),
    )
    wait = 0.5
    while True:
        try:
            await bot.initialize()
            break
        except InvalidToken:
            raise SettingsError(
                f"{PREFIX}TOKEN: {settings.base_url.removesuffix('/bot')} does not know this token; "
                f"ask @BotFather for the right one."
            ) from None
        except RetryAfter as error:
            await asyncio.sleep(seconds_of(error.retry_after))
        except (NetworkError, TelegramError) as error:
            _log.warning("Telegram cannot be reached", extra={"error": str(error), "seconds": wait})
            await asyncio.sleep(wait)
            wait = min(30.0, 2 * wait)
    try:
        yield bot
    finally:
        await bot.shutdown()


async def _serve(app: web.Application, settings: Settings, stack: contextlib.AsyncExitStack) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    except OSError as error:
        raise SettingsError(f"{error.strerror}; check {PREFIX}HTTP_HOST and {PREFIX}HTTP_PORT.") from None
    addresses = [address[:2] for address in runner.addresses]
    _log.info("listening", extra={"addresses": [f"{host}:{port}" for host, port in addresses]})
