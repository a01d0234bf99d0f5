"""Updates in: each is stored before Telegram is told that it arrived.

By polling, asking for what follows an update confirms it, so the next question waits for the database. By webhook, the
answer 200 confirms, so it waits too. Either way a crash in between makes Telegram send the update again, and its key in
the database makes that harmless.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import Callable

from aiohttp import web
from telegram import Bot, Update
from telegram.error import Conflict, NetworkError, RetryAfter, TelegramError

from bot.messenger import seconds_of
from bot.metrics import ERRORS, UPDATES
from bot.settings import Settings
from bot.storage import Store
from bot.updates import ALLOWED, update_task

_log = logging.getLogger(__name__)

POLL_SECONDS = 25  # how long Telegram holds a question open
WEBHOOK_PATH = "/telegram"
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
_CONNECTIONS = 40


class Receiver:
    """Stores updates as they come.

    Args:
        bot: A connection that is initialized already.
        store: Where updates go.
        stored: Called after some were.

    Attributes:
        connected: Telegram answered the last question, or knows the webhook.
    """

    def __init__(self, bot: Bot, store: Store, stored: Callable[[], None]):
        self._bot = bot
        self._store = store
        self._stored = stored
        self.connected = False

    async def poll(self) -> None:
        """Ask for updates until cancelled."""
        offset: int | None = None
        wait = _FIRST_WAIT
        await self._remove_webhook()
        while True:
            try:
                hold = POLL_SECONDS if self.connected else 0  # the first answer shall not wait for somebody to write
                updates = await self._bot.get_updates(offset, timeout=hold, allowed_updates=ALLOWED)
                self.connected = True
                if updates:
                    await self._save(updates)
                    offset = updates[-1].update_id + 1
                wait = _FIRST_WAIT
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error.retry_after))
            except TelegramError as error:
                self.connected = False
                kind = "conflict" if isinstance(error, Conflict) else "poll"
                ERRORS.labels(kind).inc()
                _log.warning("no updates", extra={"error": str(error), "seconds": wait})
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            except Exception:  # the database: what was not stored is not confirmed, and comes again
                ERRORS.labels("storage").inc()
                _log.exception("updates were not stored")
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)

    async def register_webhook(self, settings: Settings) -> None:
        """Tell Telegram where to post, until it has understood."""
        wait = _FIRST_WAIT
        while not self.connected:
            try:
                await self._bot.set_webhook(
                    settings.webhook_url.rstrip("/") + WEBHOOK_PATH,
                    allowed_updates=ALLOWED,
                    secret_token=settings.webhook_secret.get_secret_value(),
                    max_connections=_CONNECTIONS,
                )
                self.connected = True
            except TelegramError as error:
                ERRORS.labels("webhook").inc()
                _log.warning("the webhook is not set", extra={"error": str(error), "seconds": wait})
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)

    def webhook(self, settings: Settings) -> web.RouteDef:
        """The route that Telegram posts to."""
        secret = settings.webhook_secret.get_secret_value()

        async def receive(request: web.Request) -> web.Response:
            if not hmac.compare_digest(request.headers.get(_SECRET_HEADER, "").encode(), secret.encode()):
                ERRORS.labels("webhook_secret").inc()
                return web.Response(status=403)
            try:
                payload = json.loads(await request.read())
                task = update_task(payload)
            except ValueError:
                ERRORS.labels("webhook_body").inc()
                return web.Response(status=400)
            if task is not None:
                await self._store.add([task])  # if this fails, 500 makes Telegram send it again
                UPDATES.inc()
                self._stored()
            return web.Response()

        return web.post(WEBHOOK_PATH, receive)

    async def _save(self, updates: tuple[Update, ...]) -> None:
        tasks = [task for update in updates if (task := update_task(json.loads(update.to_json()))) is not None]
        UPDATES.inc(await self._store.add(tasks))
        self._stored()

    async def _remove_webhook(self) -> None:
        """Telegram answers no questions while it has a webhook."""
        while True:
            try:
                await self._bot.delete_webhook(drop_pending_updates=False)
                return
            except NetworkError as error:
                _log.warning("Telegram cannot be reached", extra={"error": str(error)})
                await asyncio.sleep(_FIRST_WAIT)
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error.retry_after))
