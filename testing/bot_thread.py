"""The bot without its process, on a thread of the test: for what a test must reach into, or shorten."""

import asyncio
import threading
from pathlib import Path
from typing import Any, Self

from telegram import Bot

from bot.app import BotTimings, wire
from bot.conversation.own_styles import MAX_OWN_STYLES
from bot.settings import Settings
from bot.storage.store import Store, StoreTimings
from bot.storage.style_shelf import StyleShelf
from bot.telegram_api.messenger import Messenger
from bot.work.style_service import StyleService
from testing.bot_api import BotApi


class BotThread:
    """Polling, storing, painting and answering as `bot.app` has it; use it as a context manager.

    Args:
        api: The Bot API.
        server: Address of the style server.
        folder: Where its database goes.
        timings: How fast it does what.
        store_timings: How long what lasts in its database.
        **settings: As `Settings` takes them.

    Attributes:
        store: Its database, for coroutines run by `run`.
        shelf: The styles of people's own in there.
        messenger: What it sends with.
    """

    store: Store
    shelf: StyleShelf
    messenger: Messenger

    def __init__(
        self,
        api: BotApi,
        server: str,
        folder: Path,
        *,
        timings: BotTimings = BotTimings(),
        store_timings: StoreTimings = StoreTimings(),
        **settings: Any,
    ):
        self._timings = timings
        self._store_timings = store_timings
        self._settings = Settings(
            token=api.token,
            server=server,
            base_url=api.base_url,
            base_file_url=api.base_file_url,
            database_url=f"sqlite:///{folder / 'bot.db'}",
            **settings,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine beside the bot, and return what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def _start(self) -> None:
        settings = self._settings
        self.store = Store(settings.database_url, "me", self._store_timings)
        self.shelf = StyleShelf(self.store, MAX_OWN_STYLES)
        self._bot = Bot(settings.token.get_secret_value(), settings.base_url, settings.base_file_url)
        await self._bot.initialize()
        self._style_service = StyleService(settings.server, timeout=settings.timeout, max_pixels=settings.max_pixels)
        parts = wire(settings, self.store, self._style_service, self._bot, self._timings)
        self.messenger = parts.messenger
        self._tasks = [asyncio.create_task(part) for part in (parts.receiver.poll(), parts.work())]

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._style_service.close()
        await self._bot.shutdown()
        self.store.close()
