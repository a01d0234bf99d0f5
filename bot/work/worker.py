"""Worker: claims what is stored and has it done; what cannot be ended is handed back."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.conversation import failures
from bot.conversation.conversation import KEPT_DAYS
from bot.conversation.failures import RetryPolicy
from bot.metrics import QUEUE, count_fault
from bot.storage.store import Store
from bot.storage.tasks import Kind, Task
from bot.telegram_api.messenger import BlockedError, MigratedError, TelegramAwayError
from bot.work.retry_clock import RetryClock

_log = logging.getLogger(__name__)

_DAY = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class WorkerTimings:
    """How often the worker does what, in seconds.

    Attributes:
        grace: For running tasks when the bot stops.
        alive: Without a sign of life of its keeper for so long, the bot counts as stuck.
        idle: Between two looks for what other replicas stored, or what has become due.
        beat: Between two rounds of the keeper.
        renew: Between two renewals of leases.
        prune: Between two deletions of what has had its time.
    """

    grace: float = 20.0
    alive: float = 60.0
    idle: float = 0.5
    beat: float = 1.0
    renew: float = 4.0
    prune: float = 600.0


class Slot:
    """A place among those that work at once; given back once, by whoever comes first."""

    def __init__(self, places: asyncio.Semaphore):
        self._places = places
        self._held = True

    def give_back(self) -> None:
        """Let another task begin."""
        if self._held:
            self._held = False
            self._places.release()


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """Who does the tasks of a kind.

    Attributes:
        kind: Which.
        work: Does one and ends it; the slot may be given back before.
        tell_given_up: Tells the sender of one that was given up.
        places: Tasks at once.
        user_places: Of them, for one user.
        after: Begin only once this has happened.
        no_files: None that are of files.
    """

    kind: Kind
    work: Callable[[Task, Slot], Awaitable[None]]
    tell_given_up: Callable[[Task], Awaitable[None]]
    places: int
    user_places: int
    after: asyncio.Event | None = None
    no_files: bool = False


class Worker:
    """Works on what is stored.

    Args:
        store: The database.
        policy: How often a task is tried.
        timings: How often it does what.
    """

    def __init__(self, store: Store, policy: RetryPolicy = RetryPolicy(), timings: WorkerTimings = WorkerTimings()):
        self._store = store
        self._policy = policy
        self._timings = timings
        self._wakers: list[asyncio.Event] = []
        self._retry_clock = RetryClock()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._last_beat = time.monotonic()

    def wake(self) -> None:
        """Look for tasks now."""
        for waker in self._wakers:
            waker.set()

    def stop(self, task_id: int) -> None:
        """End the work on a task, if it is done here."""
        if running := self._running.get(task_id):
            running.cancel()

    @property
    def alive(self) -> bool:
        """Whether the keeper still gets around, whatever the database answers."""
        return time.monotonic() - self._last_beat < self._timings.alive

    async def run(self, consumers: Sequence[Consumer], beside: Sequence[Callable[[], Awaitable[None]]] = ()) -> None:
        """Work until cancelled, then end what is running or, after a while, hand it back.

        Args:
            consumers: Who does which tasks.
            beside: What else goes on for as long as tasks are claimed.
        """
        claiming = [asyncio.create_task(self._dispatch(consumer)) for consumer in consumers]
        claiming += [asyncio.ensure_future(part()) for part in beside]
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
                await asyncio.wait(self._running.values(), timeout=self._timings.grace)
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            keeping.cancel()

    async def _dispatch(self, consumer: Consumer) -> None:
        if consumer.after is not None:
            await consumer.after.wait()
        places = asyncio.Semaphore(consumer.places)
        waker = asyncio.Event()
        self._wakers.append(waker)
        while True:
            await places.acquire()
            while (task := await self._claim(consumer)) is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(waker.wait(), self._timings.idle)
                waker.clear()
            if task.id in self._running:  # its lease lapsed while the process was paused; claimed, it is renewed
                places.release()
                continue
            slot = Slot(places)
            self._running[task.id] = running = asyncio.create_task(self._run(task, slot, consumer))
            running.add_done_callback(partial(self._ended, task.id, slot))

    def _ended(self, task_id: int, slot: Slot, ended: object) -> None:
        if self._running.get(task_id) is ended:  # else its lease had lapsed, and it was claimed again
            del self._running[task_id]
        slot.give_back()
        self.wake()

    async def _claim(self, consumer: Consumer) -> Task | None:
        try:
            return await self._store.claim(consumer.kind, user_limit=consumer.user_places, no_files=consumer.no_files)
        except Exception:
            count_fault("storage")
            _log.exception("the database does not answer")
            return None

    async def _run(self, task: Task, slot: Slot, consumer: Consumer) -> None:
        """Do a task; whatever goes wrong, the bot goes on."""
        try:
            if task.crashes >= self._policy.crashes:
                await self._give_up(task, consumer, "it was there at too many crashes")
                return
            await consumer.work(task, slot)
        except asyncio.CancelledError:
            await self._store.hand_back(task.id)
        except BlockedError:
            count_fault("blocked")
            await self._store.finish(task.id, "failed")
        except TelegramAwayError as error:
            await self._wait_for_telegram(task, consumer, error)
        except MigratedError as error:
            await self._store.hand_back(task.id)
            await self._store.migrate(task.chat_id, error.chat_id)
        except Exception as error:
            count_fault(failures.kind_of(error, "internal"))
            _log.exception("a task failed", extra={"task": task.id, "attempts": task.attempts})
            with contextlib.suppress(Exception):
                if task.attempts < self._policy.tries:
                    await self._store.hand_back(task.id, delay=task.attempts / 2, count_attempt=True)
                else:
                    await self._give_up(task, consumer, "it failed too often")

    async def _wait_for_telegram(self, task: Task, consumer: Consumer, error: TelegramAwayError) -> None:
        """Try again later, in a place among those that work that others have meanwhile; not for ever."""
        count_fault("telegram_away")
        if self._retry_clock.waited(task.id) <= self._policy.give_up:
            await self._store.hand_back(task.id, delay=error.again)
            return
        with contextlib.suppress(TelegramAwayError):
            await self._give_up(task, consumer, f"Telegram did not take its answer: {error}")

    async def _give_up(self, task: Task, consumer: Consumer, reason: str) -> None:
        _log.error(
            "a task is given up",
            extra={"task": task.id, "reason": reason, "attempts": task.attempts, "crashes": task.crashes},
        )
        if await self._store.finish(task.id, "failed"):
            await consumer.tell_given_up(task)

    async def _keep(self) -> None:
        """Renew leases, count, prune; what fails is done again at the next beat."""
        renewed = pruned = -math.inf
        while True:
            self._last_beat = time.monotonic()  # before the database: a restart of every bot would not bring it back
            try:
                now = time.monotonic()
                if now >= renewed + self._timings.renew:
                    await self._store.renew(list(self._running))
                    renewed = now
                if now >= pruned + self._timings.prune:
                    await self._store.prune(sources_before=time.time() - KEPT_DAYS * _DAY)
                    await self._store.shred()
                    pruned = now
                stats = await self._store.stats()
                QUEUE.labels("waiting").set(stats.waiting)
                QUEUE.labels("running").set(stats.running)
            except Exception:
                count_fault("storage")
                _log.exception("the database does not answer")
            await asyncio.sleep(self._timings.beat)
