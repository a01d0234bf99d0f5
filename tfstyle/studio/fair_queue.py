"""Turns at the network, one at a time and in fair order between people."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tfstyle.errors import StyleTransferError


class QueueFullError(StyleTransferError):
    """More is waiting than is taken on, of this person or of all."""


@dataclass(order=True)
class _Waiter:
    round: int
    arrival: int
    person: str = field(compare=False)
    turn: "asyncio.Future[None]" = field(compare=False)


class FairQueue:
    """Gives turns so that everyone gets a first one before anyone gets a second one.

    A request belongs to the round after its person's last one; rounds are served in order, and within a round who came
    first. To be used in one event loop.

    Args:
        of_person: Requests that one person may have waiting.
        in_all: Requests that may wait together.
    """

    def __init__(self, *, of_person: int = 8, in_all: int = 200):
        self._of_person, self._in_all = of_person, in_all
        self._waiting: list[_Waiter] = []
        self._running = ""
        self._busy = False
        self._round = 0
        self._last_rounds: dict[str, int] = {}
        self._arrivals = 0

    @asynccontextmanager
    async def turn(self, person: str) -> AsyncIterator[None]:
        """Wait until it is this person's turn, and keep it until the block ends; cancelling gives up the place.

        Raises:
            QueueFullError: If too much is waiting already.
        """
        await self._enter(person)
        try:
            yield
        finally:
            self._next()

    def ahead(self, person: str) -> int | None:
        """How many turns come before this person's next one; 0 while it has its turn, None if it waits for none."""
        if self._busy and self._running == person:
            return 0
        order = [waiter.person for waiter in sorted(self._waiting)]
        return order.index(person) + int(self._busy) if person in order else None

    async def _enter(self, person: str) -> None:
        counts = Counter(waiter.person for waiter in self._waiting)
        if counts[person] >= self._of_person or len(self._waiting) >= self._in_all:
            raise QueueFullError("Expected room in the queue, but too much is waiting already; try again in a minute.")
        if not self._busy:
            self._busy, self._running = True, person
            self._last_rounds[person] = self._round
            return
        self._arrivals += 1
        round = max(self._round, self._last_rounds.get(person, -1) + 1)
        self._last_rounds[person] = round
        waiter = _Waiter(round, self._arrivals, person, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:  # it had just been given its turn
                self._next()
            raise

    def _next(self) -> None:
        self._busy, self._running = False, ""
        while self._waiting and not self._busy:
            waiter = min(self._waiting)
            self._waiting.remove(waiter)
            if not waiter.turn.done():
                self._busy, self._running, self._round = True, waiter.person, waiter.round
                waiter.turn.set_result(None)
        if not self._waiting:  # nobody is to be remembered
            self._last_rounds = {self._running: self._round} if self._busy else {}
