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
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from aiohttp import web
from telegram import Bot
from telegram.error import InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot.conversation.failures import RetryPolicy, kind_of
from bot.conversation.own_styles import MAX_OWN_STYLES
from bot.http_endpoints import make_app
from bot.metrics import Fault, count_fault
from bot.settings import PREFIX, Settings, SettingsError
from bot.storage.store import Store
from bot.storage.style_shelf import StyleShelf
from bot.storage.tasks import ALBUM, PAINT, UPDATE
from bot.telegram_api.messenger import Messenger, MessengerTimings, seconds_of
from bot.telegram_api.receiver import Receiver, ReceiverTimings
from bot.telegram_api.stylized_image import FILE_MAX_BYTES
from bot.work.answers import Answers
from bot.work.conversation_provider import ConversationProvider
from bot.work.jobs import Jobs
from bot.work.position_notifier import NotifierTimings, PositionNotifier
from bot.work.style_service import StyleService
from bot.work.worker import Consumer, Worker, WorkerTimings

_log = logging.getLogger(__name__)

T = TypeVar("T")

HANDLERS = 16  # updates handled at once; they mostly wait for Telegram
USER_HANDLERS = 2  # of them, for one user: who writes in many groups at once does not hold them all
_CONNECTIONS = 64
_SECONDS = 10.0  # for Telegram to answer; pictures take longer
_UPLOAD_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class BotTimings:
    """How fast the bot does what; operators leave it alone, tests are in a hurry.

    Attributes:
        messenger: How fast and how long Telegram is tried.
        receiver: How often updates are asked for.
        worker: How often tasks are looked for.
        notifier: When those in line are told.
        policy: How often and how long what failed is tried again.
        album_seconds: Without another photo an album is complete.
        part_max_bytes: Of an album's part.
        small_delivery: Bytes of what waits for Telegram while others are stylized in its place.
    """

    messenger: MessengerTimings = MessengerTimings()
    receiver: ReceiverTimings = ReceiverTimings()
    worker: WorkerTimings = WorkerTimings()
    notifier: NotifierTimings = NotifierTimings()
    policy: RetryPolicy = RetryPolicy()
    album_seconds: float = 1.5
    part_max_bytes: int = FILE_MAX_BYTES
    small_delivery: int = 2 * 2**20


@dataclass(frozen=True, kw_only=True)
class BotParts:
    """The parts of a bot that know each other."""

    messenger: Messenger
    receiver: Receiver
    worker: Worker
    consumers: tuple[Consumer, ...]
    notifier: PositionNotifier

    async def work(self) -> None:
        """Do what is stored until cancelled."""
        await self.worker.run(self.consumers, [self.notifier.run])


def wire(
    settings: Settings, store: Store, style_service: StyleService, bot: Bot, timings: BotTimings = BotTimings()
) -> BotParts:
    """Put the parts together.

    Args:
        settings: The operator's choices.
        store: The database.
        style_service: The way to the style server.
        bot: A connection to Telegram that knows who the bot is.
        timings: How fast it does what.
    """
    messenger = Messenger(bot, timings.messenger)
    worker = Worker(store, timings.policy, timings.worker)
    receiver = Receiver(bot, store, worker.wake, timings.receiver)
    conversations = ConversationProvider(style_service, settings)
    shelf = StyleShelf(store, MAX_OWN_STYLES)
    answers = Answers(
        store,
        shelf,
        messenger,
        conversations,
        settings,
        bot.bot,
        accepted=worker.wake,
        stop=worker.stop,
        album_seconds=timings.album_seconds,
    )
    jobs = Jobs(
        store,
        shelf,
        messenger,
        style_service,
        conversations,
        settings,
        policy=timings.policy,
        part_max_bytes=timings.part_max_bytes,
        small_delivery=timings.small_delivery,
    )
    consumers = (
        Consumer(
            kind=UPDATE,
            work=answers.handle,
            tell_given_up=answers.tell_given_up,
            places=HANDLERS,
            user_places=USER_HANDLERS,
        ),
        Consumer(
            kind=ALBUM,
            work=answers.admit_album,
            tell_given_up=jobs.tell_given_up,
            places=HANDLERS,
            user_places=1,  # one after another, so that two albums do not both take the last places of the hour
            after=receiver.caught_up,  # albums may end among what waited for the bot to start
        ),
        *_painters(jobs, settings),
    )
    notifier = PositionNotifier(store, messenger, timings.notifier)
    return BotParts(messenger=messenger, receiver=receiver, worker=worker, consumers=consumers, notifier=notifier)


def _painters(jobs: Jobs, settings: Settings) -> list[Consumer]:
    """Who does what is to be painted.

    A file may be built to take all the time and memory that decoding is allowed, a photo that Telegram made is not:
    half of the places are for those alone, so that they never wait for files.
    """
    painter = Consumer(
        kind=PAINT,
        work=jobs.paint,
        tell_given_up=jobs.tell_given_up,
        places=1,
        user_places=settings.user_concurrency,
    )
    places = settings.concurrency // 2
    return [
        replace(painter, places=settings.concurrency - places),
        *([replace(painter, places=places, no_files=True)] if places else []),
    ]


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
        parts = wire(settings, store, style_service, bot)
        receiver, messenger = parts.receiver, parts.messenger
        webhook = settings.mode == "webhook"
        routes = [receiver.webhook(settings)] if webhook else []
        await _serve(make_app(store, receiver, parts.worker, style_service, routes), settings, stack)
        beside: dict[Fault, Callable[[], Awaitable[None]]] = {
            "updates": partial(receiver.keep_webhook, settings) if webhook else receiver.poll,
            "styles": style_service.keep_fresh,
            "commands": partial(messenger.register_commands, settings.languages),
        }
        others = [asyncio.create_task(kept_going(name, part)) for name, part in beside.items()]
        working = asyncio.create_task(parts.work())
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


async def kept_going(name: Fault, part: Callable[[], Awaitable[None]], *, again: float = 10.0) -> None:
    """Do something beside the work; what nobody expected there is logged and counted, and it begins again.

    Args:
        name: What metrics call its faults.
        part: What to do.
        again: Seconds after an unexpected fault.
    """
    while True:
        try:
            await part()
            return
        except Exception as error:
            count_fault(kind_of(error, name))
            _log.exception("a part of the bot failed", extra={"part": name})
            await asyncio.sleep(again)


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
