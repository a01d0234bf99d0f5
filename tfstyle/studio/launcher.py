"""Starts the studio's server at an address and runs it until it is interrupted."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from tfstyle.studio.guard import Doors
from tfstyle.studio.server import StudioLimits, StudioServer
from tfstyle.stylize.stylizer import Stylizer

_GRACE = 2.0  # seconds for what is being answered when it ends


def serve(
    stylizer: Stylizer,
    *,
    host: str,
    port: int | None,
    default_port: int,
    public: str | None = None,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        stylizer: Paints.
        host: Address to listen on.
        port: To listen on; None: `default_port`, or any other if that is taken.
        default_port: See above.
        public: Where strangers reach the page; None for this machine alone.
        ready: Called with the page's URL once it answers.

    Raises:
        RequestError: If `public` is no URL.
        OSError: If the port cannot be had.
    """
    asyncio.run(_serve(stylizer, _listen(host, port, default_port), public, ready))


@asynccontextmanager
async def running(
    stylizer: Stylizer, listener: socket.socket, *, public: str | None = None, limits: StudioLimits | None = None
) -> AsyncIterator[str]:
    """The studio, answering on a socket; gives its URL."""
    host, port = listener.getsockname()[:2]
    server = StudioServer(stylizer, Doors(port, public), public=public is not None, limits=limits)
    # A page that gave up its request is not kept a place in the queue.
    runner = web.AppRunner(server.app, handler_cancellation=True, access_log=None, shutdown_timeout=_GRACE)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        shown = f"[{host}]" if ":" in host else host
        yield public or f"http://{'127.0.0.1' if host == '0.0.0.0' else shown}:{port}/"
    finally:
        await runner.cleanup()


async def _serve(stylizer: Stylizer, listener: socket.socket, public: str | None, ready: Callable[[str], None]) -> None:
    ended = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows, where Ctrl-C ends asyncio.run
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with running(stylizer, listener, public=public) as url:
        ready(url)
        await ended.wait()


def _listen(host: str, port: int | None, default_port: int) -> socket.socket:
    try:
        return socket.create_server((host, default_port if port is None else port), family=_family(host))
    except OSError:
        if port is not None:
            raise
        return socket.create_server((host, 0), family=_family(host))


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
