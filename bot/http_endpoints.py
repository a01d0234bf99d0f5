"""HTTP endpoints: whether it lives, whether it is ready, its metrics, and Telegram's webhook."""

from collections.abc import Iterable

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.storage.store import Store
from bot.telegram_api.receiver import Receiver
from bot.work.style_service import StyleService
from bot.work.worker import Worker


def make_app(
    store: Store, receiver: Receiver, worker: Worker, style_service: StyleService, routes: Iterable[web.RouteDef] = ()
) -> web.Application:
    """The application.

    `/livez`: 200 while the bot's own work moves; 503 asks to be restarted.
    `/readyz`: 200 while Telegram answers too and the database takes what is written, else what is wrong with it; the
        style server may be away: photos are kept for it.
    `/metrics`: for Prometheus.
    """

    async def livez(_: web.Request) -> web.Response:
        return _answer({"worker": worker.alive})

    async def readyz(_: web.Request) -> web.Response:
        problem = {}
        try:
            await store.check()
        except Exception as error:
            problem = {"problem": str(error)}
        needed = {"telegram": receiver.connected, "database": not problem}
        return _answer(needed, server=style_service.reachable, **problem)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics), *routes])
    return app


def _answer(needed: dict[str, bool], **told: bool | str) -> web.Response:
    return web.json_response(needed | told, status=200 if all(needed.values()) else 503)
