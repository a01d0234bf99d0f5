"""One test for both clients: the asyncio one behind methods that wait."""

import asyncio
import inspect
import threading
from typing import Any

from serving.client import AsyncStyleClient


class WaitingClient:
    """`AsyncStyleClient` on an event loop in a thread of its own, used like `StyleClient`."""

    def __init__(self, address: str, **options: Any):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        try:
            self._client = self._wait(_create(address, **options))
        except BaseException:
            self._stop()
            raise

    def __enter__(self) -> "WaitingClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._stop()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute
        return lambda *args, **options: self._wait(attribute(*args, **options))

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


async def _create(address: str, **options: Any) -> AsyncStyleClient:
    return AsyncStyleClient(address, **options)
