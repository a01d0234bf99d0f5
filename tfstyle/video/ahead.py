"""Work that goes on while what it made before is still being used."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

_POLL = 0.2  # seconds after which a producer looks whether it is still wanted


def ahead(items: Iterable[T], count: int) -> Iterator[T]:
    """The items, made in a thread of their own, at most `count` more than were taken.

    An error of the maker's is raised here, after the items before it. When the iterator is closed, the thread ends.
    """
    waiting: queue.Queue[tuple[bool, Any]] = queue.Queue(count)
    stopped = threading.Event()

    def put(entry: tuple[bool, Any]) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(entry, timeout=_POLL)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        iterator = iter(items)
        try:
            for item in iterator:
                if not put((True, item)):
                    break
            else:
                put((False, None))
        except BaseException as error:
            put((False, error))
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            is_item, value = waiting.get()
            if is_item:
                yield value
            elif value is None:
                return
            else:
                raise value
    finally:
        stopped.set()
        thread.join()
