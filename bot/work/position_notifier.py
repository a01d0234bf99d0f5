"""Position notifier: tells those in line where they stand."""

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation import failures
from bot.conversation.events import Order
from bot.metrics import count_fault
from bot.storage.store import Store
from bot.storage.tasks import Task
from bot.telegram_api.messenger import Messenger
from bot.texts import load_texts

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class NotifierTimings:
    """When those in line are told: after so many seconds, again after so many, and between two rounds."""

    after: float = 3.0
    again: float = 5.0
    pause: float = 1.0


class PositionNotifier:
    """Edits each waiting job's message every few seconds, in all chats at once and in each one after another.

    Args:
        store: The database.
        messenger: The way to Telegram.
        timings: When they are told.
    """

    def __init__(self, store: Store, messenger: Messenger, timings: NotifierTimings = NotifierTimings()):
        self._timings = timings
        self._store = store
        self._messenger = messenger
        self._telling: dict[int, asyncio.Task[None]] = {}  # by chat

    async def run(self) -> None:
        """Tell until cancelled."""
        try:
            while True:
                try:
                    await self._tell()
                except Exception as error:
                    _count_fault(error)
                await asyncio.sleep(self._timings.pause)
        finally:
            for notes in self._telling.values():
                notes.cancel()

    async def _tell(self) -> None:
        due: dict[int, list[Task]] = defaultdict(list)
        while (
            task := await self._store.waiting_long(after=self._timings.after, again=self._timings.again)
        ) is not None:
            due[task.chat_id].append(task)
        for chat_id, tasks in due.items():
            if chat_id not in self._telling:  # else Telegram is slow there: the next round is soon
                self._telling[chat_id] = asyncio.create_task(self._tell_chat(chat_id, tasks))

    async def _tell_chat(self, chat_id: int, tasks: Sequence[Task]) -> None:
        try:
            for task in tasks:
                await self._tell_one(task)
        except Exception as error:
            _count_fault(error)
        finally:
            del self._telling[chat_id]

    async def _tell_one(self, task: Task) -> None:
        order = Order.from_dict(task.payload)
        if not order.target or order.repaints:
            return
        # Asked for last, so that what is answered meanwhile is not told any more; `note` keeps that order.
        position = await self._store.queue_position(task)
        if position is not None and position.seconds:
            seconds = math.ceil((position.before + 1) * position.seconds / max(1, position.running))
            text = load_texts(order.language).in_line.format(position=position.before + 1, seconds=seconds)
            await self._messenger.note(task.chat_id, order.target, text)


def _count_fault(error: Exception) -> None:
    count_fault(failures.kind_of(error, "position"))
    _log.exception("nobody was told where they stand")
