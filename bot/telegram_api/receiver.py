"""Receiver: each update is stored before Telegram is told that it arrived.

By polling, asking for what follows an update confirms it, so the next question waits for the database. By webhook, the
answer 200 confirms, so it waits too. Either way a crash in between makes Telegram send the update again, and its key in
the database makes that harmless.
"""

import asyncio
import contextlib
import hmac
import json
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from telegram import Bot
from telegram.error import Conflict, RetryAfter, TelegramError
from telegram.warnings import PTBUserWarning

from bot.metrics import UPDATES, count_fault
from bot.settings import Settings
from bot.storage.store import Store
from bot.telegram_api.messenger import seconds_of
from bot.telegram_api.updates import ALLOWED, update_task

_log = logging.getLogger(__name__)

warnings.filterwarnings("ignore", "Please use 'Bot.get_updates'", PTBUserWarning)  # `_ask` says why not

WEBHOOK_PATH = "/telegram"
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
_CONNECTIONS = 40


@dataclass(frozen=True, kw_only=True)
class ReceiverTimings:
    """How long the receiver waits, in seconds.

    Attributes:
        poll: For which Telegram holds a question open.
        answer: For Telegram's answer, beyond that.
        webhook: Between two looks whether the webhook is still ours.
        first_wait: Before the second try.
        longest_wait: Between two tries.
    """

    poll: int = 25
    answer: float = 10.0
    webhook: float = 15.0
    first_wait: float = 0.5
    longest_wait: float = 30.0


class Receiver:
    """Stores updates as they come.

    Args:
        bot: A connection that is initialized already.
        store: Where updates go.
        stored: Called after some were.
        timings: How long it waits.

    Attributes:
        connected: Telegram answered the last question, or knows the webhook.
        caught_up: What had waited for the bot was stored; by webhook nobody can tell.
    """

    def __init__(
        self, bot: Bot, store: Store, stored: Callable[[], None], timings: ReceiverTimings = ReceiverTimings()
    ):
        self._timings = timings
        self._bot = bot
        self._store = store
        self._stored = stored
        self.connected = False
        self.caught_up = asyncio.Event()

    async def poll(self) -> None:
        """Ask for updates until cancelled."""
        offset: int | None = None
        wait = self._timings.first_wait
        while True:
            try:
                hold = (
                    self._timings.poll if self.connected else 0
                )  # the first answer shall not wait for somebody to write
                updates = await self._ask(offset, hold)
                self.connected = True
                if updates:
                    await self._save(updates)
                    offset = updates[-1]["update_id"] + 1
                self.caught_up.set()
                wait = self._timings.first_wait
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error.retry_after))
            except TelegramError as error:
                self.connected = False
                count_fault("conflict" if isinstance(error, Conflict) else "poll")
                _log.warning("no updates", extra={"error": str(error), "seconds": wait})
                if isinstance(error, Conflict):  # another poller, or a webhook of earlier days
                    await self._remove_webhook()
                await asyncio.sleep(wait)
                wait = min(2 * wait, self._timings.longest_wait)
            except Exception:  # the database: what was not stored is not confirmed, and comes again
                count_fault("storage")
                _log.exception("updates were not stored")
                await asyncio.sleep(wait)
                wait = min(2 * wait, self._timings.longest_wait)

    async def keep_webhook(self, settings: Settings) -> None:
        """Tell Telegram where to post, and again whenever somebody else has told it otherwise, until cancelled."""
        url = settings.webhook_url.rstrip("/") + WEBHOOK_PATH
        wait = self._timings.first_wait
        self.caught_up.set()
        told = False
        while True:
            try:
                if told and not await self._posts_to(url):
                    told = self.connected = False
                    count_fault("webhook_changed")
                    _log.warning("the webhook was changed by somebody else")
                if not told:
                    await self._bot.set_webhook(
                        url,
                        allowed_updates=ALLOWED,
                        secret_token=settings.webhook_secret.get_secret_value(),
                        max_connections=_CONNECTIONS,
                    )
                told = self.connected = True
                wait = self._timings.first_wait
                await asyncio.sleep(self._timings.webhook)
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error.retry_after))
            except TelegramError as error:
                self.connected = False
                count_fault("webhook_refused")
                _log.warning("the webhook is not set", extra={"error": str(error), "seconds": wait})
                await asyncio.sleep(wait)
                wait = min(2 * wait, self._timings.longest_wait)

    async def _posts_to(self, url: str) -> bool:
        """Whether Telegram still knows this webhook; its secret it does not tell."""
        info = await self._bot.get_webhook_info()
        return info.url == url and set(info.allowed_updates or ()) == set(ALLOWED)

    def webhook(self, settings: Settings) -> web.RouteDef:
        """The route that Telegram posts to."""
        secret = settings.webhook_secret.get_secret_value()

        async def receive(request: web.Request) -> web.Response:
            told = request.headers.get(_SECRET_HEADER, "").encode(errors="surrogateescape")  # bytes as they came
            if not hmac.compare_digest(told, secret.encode()):
                count_fault("webhook_secret")
                return web.Response(status=403)
            try:
                payload = json.loads(await request.read())
                task = update_task(payload)
            except (ValueError, RecursionError):  # the latter by brackets within brackets
                count_fault("webhook_body")
                return web.Response(status=400)
            if task is not None:
                await self._store.add([task])  # if this fails, 500 makes Telegram send it again
                UPDATES.inc()
                self._stored()
            return web.Response()

        return web.post(WEBHOOK_PATH, receive)

    async def _ask(self, offset: int | None, hold: int) -> list[dict[str, Any]]:
        """The updates as Telegram sent them: `Bot.get_updates` reads them, and fails for all if it cannot read one."""
        wanted = {"timeout": hold, "allowed_updates": ALLOWED} | ({"offset": offset} if offset else {})
        updates: list[dict[str, Any]] = await self._bot.do_api_request(
            "get_updates", wanted, read_timeout=hold + self._timings.answer
        )
        return updates

    async def _save(self, updates: list[dict[str, Any]]) -> None:
        tasks = []
        for update in updates:
            try:
                if (task := update_task(update)) is not None:
                    tasks.append(task)
            except ValueError as error:
                count_fault("update")
                _log.warning("an update cannot be read", extra={"error": str(error)})
        UPDATES.inc(await self._store.add(tasks))
        self._stored()

    async def _remove_webhook(self) -> None:
        with contextlib.suppress(TelegramError):
            await self._bot.delete_webhook(drop_pending_updates=False)
