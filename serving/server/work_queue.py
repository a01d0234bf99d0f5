"""How much the server takes on at once: threads that hold a request, a bounded queue before them, and runs.

A call that waits in the queue costs next to nothing, because its message is read only when a thread takes it. A thread
then holds one message, and of these only so many are parsed and run at a time. So memory has a bound whatever arrives.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from serving.server.status import StatusError, cancelled, deadline_exceeded

# The largest picture of the contract's costliest signature, `regions`, takes 300 MB. Also what a request's tensors may
# take once they are written out: a TensorProto may claim any shape and give a single value for all of it.
MAX_MESSAGE_BYTES = 512 * 2**20

QUEUE_FULL = "The batch scheduling queue to which this task was submitted is full"


class WorkQueue(ThreadPoolExecutor):
    """Threads for what takes long, with a bounded queue.

    Args:
        threads: Requests that are held at once.
        waiting: Requests that may wait for a thread.
        runs: Requests that are worked on at once.
    """

    def __init__(self, *, threads: int, waiting: int, runs: int):
        super().__init__(threads, thread_name_prefix="predict")
        self._limit = threads + waiting
        self._runs = threading.Semaphore(runs)
        self._lock = threading.Lock()
        self._pending = 0

    @property
    def pending(self) -> int:
        """Requests that wait or are worked on."""
        return self._pending

    @property
    def is_full(self) -> bool:
        """Whether another request would find no place to wait."""
        return self._pending >= self._limit

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As a ThreadPoolExecutor. Whoever submits looks at `is_full` first: gRPC itself does not take a no."""
        with self._lock:
            self._pending += 1
        try:
            future = super().submit(fn, *args, **kwargs)
        except RuntimeError:  # shut down
            self._done(None)
            raise
        future.add_done_callback(self._done)
        return future

    @contextmanager
    def run(
        self, timeout: float | None, wanted: Callable[[], bool] = lambda: True, look: float = 0.2
    ) -> Iterator[None]:
        """A turn to work, for as long as the block runs.

        Args:
            timeout: Seconds until nobody waits for the answer any more; None is never.
            wanted: Whether somebody still does, however much time there is.
            look: Seconds between two looks at that.

        Raises:
            StatusError: DEADLINE_EXCEEDED or CANCELLED if there was none in time. Then the work was not begun.
        """
        end = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise deadline_exceeded()
            if not wanted():
                raise cancelled()
            if self._runs.acquire(timeout=min(left, look)):
                break
        try:
            yield
        finally:
            self._runs.release()

    def _done(self, _: Future[Any] | None) -> None:
        with self._lock:
            self._pending -= 1


def queue_full() -> StatusError:
    """TensorFlow Serving's answer where its queue is full."""
    return StatusError(grpc.StatusCode.UNAVAILABLE, QUEUE_FULL)
