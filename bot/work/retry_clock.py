"""Retry clock: how long something has been tried that does not work."""

import time

_KEPT = 10_000


class RetryClock:
    """Remembers since when each task has failed; it may have waited in line before for any time."""

    def __init__(self) -> None:
        self._first: dict[int, float] = {}  # on the monotonic clock

    def waited(self, task_id: int) -> float:
        """Seconds since this was first asked about the task."""
        now = time.monotonic()
        first = self._first.setdefault(task_id, now)
        while len(self._first) > _KEPT:
            del self._first[next(iter(self._first))]
        return now - first
