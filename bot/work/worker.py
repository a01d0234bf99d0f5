"""Claims what is stored and has it done; what cannot be ended is handed back."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial

import telegram

from bot.conversation import failures
from bot.conversation.conversation import KEPT_DAYS
from bot.conversation.events import Order
from bot.metrics import QUEUE, count_fault, count_photos
from bot.settings import Settings
from bot.storage.store import Store
from bot.storage.tasks import ALBUM, PAINT, UPDATE, Kind, Task
from bot.telegram_api.messenger import BlockedError, Messenger, MigratedError, TelegramAwayError
from bot.telegram_api.updates import topic
from bot.texts import load_texts
from bot.work.answers import Answers
from bot.work.conversation_provider import Talks
from bot.work.jobs import Jobs
from bot.work.position_notifier import Line
from bot.work.retry_clock import Patience
from bot.work.style_service import Painter

_log = logging.getLogger(__name__)

HANDLERS = 16  # updates handled at once; they mostly wait for Telegram
USER_HANDLERS = 2  # of them, for one user: who writes in many groups at once does not hold them all
# Paintings that wait for Telegram while others are painted in their place: at most so many, of at most so many bytes.
DELIVERIES, SMALL_DELIVERY = 32, 2 * 2**20
GRACE_SECONDS = 20.0  # for running tasks when the bot stops
ALIVE_SECONDS = 60.0  # without a sign of life of its keeper, the bot counts as stuck
_IDLE = 0.5  # seconds between two looks for what other replicas stored, or what has become due
_BEAT = 1.0
_RENEW_EVERY, _PRUNE_EVERY = 4.0, 600.0  # seconds
_DAY = 24 * 3600.0

Work = Callable[[Task, "_Slot"], Awaitable[None]]


class _Slot:
    """A place among those that work at once; given back once, by whoever comes first."""

    def __init__(self, places: asyncio.Semaphore):
        self._places = places
        self._held = True

    def give_back(self) -> None:
        if self._held:
            self._held = False
            self._places.release()


class Worker:
    """Works on what is stored.

    Args:
        store: The database.
        messenger: The way to Telegram.
        painter: The way to the style server.
        settings: The operator's choices.
        me: The bot's own user.
    """

    def __init__(self, store: Store, messenger: Messenger, painter: Painter, settings: Settings, me: telegram.User):
        self._store = store
        self._messenger = messenger
        self._settings = settings
        talks = Talks(painter, settings)
        self._answers = Answers(store, messenger, talks, settings, me, self.wake, self._stop)
        self._jobs = Jobs(store, messenger, painter, talks, settings)
        self._line = Line(store, messenger)
        self._wakers = {kind: asyncio.Event() for kind in (UPDATE, ALBUM, PAINT)}
        self._patience = Patience()
        self._deliveries = asyncio.Semaphore(DELIVERIES)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._last_beat = time.monotonic()

    def wake(self) -> None:
        """Look for tasks now."""
        for waker in self._wakers.values():
            waker.set()

    @property
    def alive(self) -> bool:
        """Whether the keeper still gets around, whatever the database answers."""
        return time.monotonic() - self._last_beat < ALIVE_SECONDS

    async def run(self, caught_up: asyncio.Event) -> None:
        """Work until cancelled, then end what is running or, after a while, hand it back.

        Args:
            caught_up: Set once everything has arrived that waited for the bot to start: albums may end among it.
        """
        claiming = [
            asyncio.create_task(self._dispatch(UPDATE, HANDLERS, self._answer, user_limit=USER_HANDLERS)),
            # One user's albums one after another, so that two of them do not both take the last places of the hour.
            asyncio.create_task(self._dispatch(ALBUM, HANDLERS, self._admit, user_limit=1, after=caught_up)),
            asyncio.create_task(
                self._dispatch(
                    PAINT, self._settings.concurrency, self._paint, user_limit=self._settings.user_concurrency
                )
            ),
            asyncio.create_task(self._line.keep_telling()),
        ]
        keeping = asyncio.create_task(self._keep())
        try:
            # Not gather(): that would cancel the keeper too, who renews the leases until the last task has ended.
            done, _ = await asyncio.wait([*claiming, keeping], return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            for loop in claiming:
                loop.cancel()
            if self._running:
                await asyncio.wait(self._running.values(), timeout=GRACE_SECONDS)
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            keeping.cancel()

    async def _dispatch(
        self, kind: Kind, limit: int, work: Work, *, user_limit: int, after: asyncio.Event | None = None
    ) -> None:
        if after is not None:
            await after.wait()
        places = asyncio.Semaphore(limit)
        waker = self._wakers[kind]
        while True:
            await places.acquire()
            while (task := await self._claim(kind, user_limit)) is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(waker.wait(), _IDLE)
                waker.clear()
            if task.id in self._running:  # its lease lapsed while the process was paused; claimed, it is renewed
                places.release()
                continue
            slot = _Slot(places)
            self._running[task.id] = running = asyncio.create_task(self._run(task, slot, work))
            running.add_done_callback(partial(self._ended, task.id, slot))

    def _ended(self, task_id: int, slot: _Slot, ended: object) -> None:
        if self._running.get(task_id) is ended:  # else its lease had lapsed, and it was claimed again
            del self._running[task_id]
        slot.give_back()
        self.wake()

    def _stop(self, task_id: int) -> None:
        if running := self._running.get(task_id):
            running.cancel()

    async def _claim(self, kind: Kind, user_limit: int) -> Task | None:
        try:
            return await self._store.claim(kind, user_limit=user_limit)
        except Exception:
            count_fault("storage")
            _log.exception("the database does not answer")
            return None

    async def _answer(self, task: Task, _: _Slot) -> None:
        await self._answers.handle(task)

    async def _admit(self, task: Task, _: _Slot) -> None:
        await self._answers.admit_album(task)

    async def _paint(self, task: Task, slot: _Slot) -> None:
        """A painting that waits for its chat's turn at Telegram must not keep the next photo from being painted.

        A large one does, so that no more of them are in memory than are painted at once.
        """
        async with contextlib.AsyncExitStack() as stack:

            async def painted(size: int) -> None:
                if size <= SMALL_DELIVERY:
                    await stack.enter_async_context(self._deliveries)
                    slot.give_back()

            await self._jobs.paint(task, painted)

    async def _run(self, task: Task, slot: _Slot, work: Work) -> None:
        """Do a task; whatever goes wrong, the bot goes on."""
        try:
            if task.crashes >= failures.MAX_CRASHES:
                await self._give_up(task, "it was there at too many crashes")
                return
            await work(task, slot)
        except asyncio.CancelledError:
            await self._store.hand_back(task.id)
        except BlockedError:
            count_fault("blocked")
            await self._store.finish(task.id, "failed")
        except TelegramAwayError as error:
            await self._wait_for_telegram(task, error)
        except MigratedError as error:
            await self._store.hand_back(task.id)
            await self._store.migrate(task.chat_id, error.chat_id)
        except Exception as error:
            count_fault(failures.kind_of(error, "internal"))
            _log.exception("a task failed", extra={"task": task.id, "attempts": task.attempts})
            with contextlib.suppress(Exception):
                if task.attempts < failures.MAX_TRIES:
                    await self._store.hand_back(task.id, delay=task.attempts / 2, blameless=False)
                else:
                    await self._give_up(task, "it failed too often")

    async def _wait_for_telegram(self, task: Task, error: TelegramAwayError) -> None:
        """Try again later, in a place among those that work that others have meanwhile; not for ever."""
        count_fault("telegram_away")
        if self._patience.waited(task.id) <= failures.PATIENCE_SECONDS:
            await self._store.hand_back(task.id, delay=error.again)
            return
        with contextlib.suppress(TelegramAwayError):
            await self._give_up(task, f"Telegram did not take its answer: {error}")

    async def _give_up(self, task: Task, reason: str) -> None:
        _log.error(
            "a task is given up",
            extra={"task": task.id, "reason": reason, "attempts": task.attempts, "crashes": task.crashes},
        )
        if await self._store.finish(task.id, "failed"):
            if task.kind == UPDATE:
                text = load_texts(self._settings.languages[0]).internal_error
                await self._messenger.say(task.chat_id, text, thread=topic(task.payload))
            else:
                order = Order.from_dict(task.payload)
                count_photos("failed", len(order.pictures))
                await self._jobs.say_failed(task, order, load_texts(order.language).internal_error)

    async def _keep(self) -> None:
        """Renew leases, count, prune; what fails is done again at the next beat."""
        renewed = pruned = -math.inf
        while True:
            self._last_beat = time.monotonic()  # before the database: a restart of every bot would not bring it back
            try:
                now = time.monotonic()
                if now >= renewed + _RENEW_EVERY:
                    await self._store.renew(list(self._running))
                    renewed = now
                if now >= pruned + _PRUNE_EVERY:
                    await self._store.prune(sources_before=time.time() - KEPT_DAYS * _DAY)
                    await self._store.shred()
                    pruned = now
                stats = await self._store.stats()
                QUEUE.labels("waiting").set(stats.waiting)
                QUEUE.labels("running").set(stats.running)
            except Exception:
                count_fault("storage")
                _log.exception("the database does not answer")
            await asyncio.sleep(_BEAT)
