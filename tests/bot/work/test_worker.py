"""What the bot outlives."""

import asyncio
import itertools
from types import SimpleNamespace

import grpc
import pytest
from aiohttp.test_utils import TestClient, TestServer

import bot.app
from bot.conversation.events import Order, Picture
from bot.conversation.failures import RetryPolicy
from bot.conversation.style_settings import StyleSettings
from bot.errors import StorageAwayError
from bot.http_endpoints import make_app
from bot.metrics import ERRORS, PHOTOS
from bot.storage.store import Store, StoreTimings
from bot.storage.tasks import PAINT, NewTask
from bot.texts import load_texts
from bot.work.position_notifier import NotifierTimings, PositionNotifier
from bot.work.style_service import StyleService
from bot.work.worker import Worker, WorkerTimings
from testing.bot_api import photo_bytes
from testing.bot_thread import BotThread

EN = load_texts("en")
pytestmark = pytest.mark.filterwarnings("ignore:Please use 'Bot.get_updates'")


def errors(kind):
    return ERRORS.labels(kind)._value.get()


def test_a_job_that_was_there_at_too_many_crashes_is_given_up_and_one_at_fewer_has_all_its_tries_left(
    own_api, model, styles, tmp_path, new_person
):
    """The database as those crashes left it; the server then fails as often as a job without any may see it fail."""
    poison, unlucky = new_person(own_api), new_person(own_api)
    file_id = own_api.store_file(photo_bytes())
    order = Order(pictures=(Picture(file_id=file_id),), style_settings=StyleSettings())
    store = Store(f"sqlite:///{tmp_path / 'bot.db'}", "before")
    for person, crashes in ((poison, RetryPolicy().crashes), (unlucky, RetryPolicy().crashes - 1)):
        job = NewTask(
            key=f"job:{person.chat_id}", kind=PAINT, chat_id=person.chat_id, user_id=1, payload=order.to_dict()
        )
        asyncio.run(store.add([job]))
        with store.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE tasks SET crashes = {crashes} WHERE key = '{job.key}'")
    store.close()
    model.faults = [grpc.StatusCode.INTERNAL] * (RetryPolicy().tries - 1)
    failed = PHOTOS.labels("failed")._value.get()

    with BotThread(own_api, styles[1], tmp_path, store_timings=StoreTimings(head_start=0.1)):
        poison.wait_for_text(EN.internal_error)
        unlucky.wait_for_text("The Starry Night · 100 %")

    assert poison.texts() == [EN.internal_error]
    assert PHOTOS.labels("failed")._value.get() == failed + 1
    assert model.faults == []


def test_a_job_that_kills_the_bot_is_given_up_after_two_more_tries_alone_and_costs_the_others_no_more(
    tmp_path,
):
    """The bot as a loop: it claims as it does, and is gone once it paints the poison."""
    timings = StoreTimings(head_start=0.05)
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    painted, kills = [], 0

    async def live(store):
        """Paint until there is nothing more; False if it was killed."""
        while True:
            running = []
            while len(running) < 4 and (task := await store.claim(PAINT)) is not None:
                running.append(task)
            if not running:
                if not await store.unfinished(1):
                    return True
                await asyncio.sleep(0.02)
            for task in running:
                if task.crashes >= RetryPolicy().crashes:
                    await store.finish(task.id, "failed")
                elif task.key == "poison":
                    return False
            for task in running:
                if task.crashes < RetryPolicy().crashes:
                    painted.append(task.key)
                    await store.finish(task.id)

    async def send(store):
        keys = ["a", "b", "poison", "c", "d", "e"]
        new = [NewTask(key=key, kind=PAINT, chat_id=1, user_id=1, payload={}) for key in keys]
        await store.add(new)

    store = Store(url, "0", timings)
    asyncio.run(send(store))
    while not asyncio.run(live(store)):
        kills += 1
        store.close()
        store = Store(url, str(kills), timings)
        assert kills < 10
    store.close()

    assert kills == RetryPolicy().crashes
    assert sorted(painted) == ["a", "b", "c", "d", "e"]


def test_a_lease_that_could_not_be_renewed_is_renewed_at_the_next_beat():
    """Until the next renewal is due it would have ended, and another replica would paint the same photo."""
    beats = itertools.count(1)
    renewed = []

    async def renew(_):
        renewed.append(next(beats))
        if len(renewed) < 3:
            raise ConnectionError("the database restarts")

    async def nothing(*_, **__):
        return SimpleNamespace(waiting=0, running=0)

    async def story():
        store = SimpleNamespace(renew=renew, prune=nothing, shred=nothing, stats=nothing)
        worker = Worker(store, timings=WorkerTimings(beat=0.01, renew=3600.0))
        keeping = asyncio.create_task(worker._keep())
        await asyncio.sleep(0.2)
        keeping.cancel()

    asyncio.run(story())

    assert renewed == [1, 2, 3]


def test_without_its_database_the_bot_lives_and_is_not_ready():
    """Restarted, all bots would only wait for the database together, and longer at each restart."""

    async def away(*_, **__):
        raise ConnectionError("the database is away")

    async def story():
        store = SimpleNamespace(renew=away, prune=away, stats=away, check=away)
        worker = Worker(store)
        worker._last_beat -= 2 * WorkerTimings().alive
        app = make_app(store, SimpleNamespace(connected=True), worker, SimpleNamespace(reachable=True))
        async with TestClient(TestServer(app)) as client:
            assert (await client.get("/livez")).status == 503
            keeping = asyncio.create_task(worker._keep())
            async with asyncio.timeout(10):
                while (await client.get("/livez")).status != 200:
                    await asyncio.sleep(0.01)
            ready = await client.get("/readyz")
            assert (ready.status, (await ready.json())["problem"]) == (503, "the database is away")
            keeping.cancel()

    asyncio.run(story())


def test_telling_who_waits_goes_on_after_a_fault():
    before = {kind: errors(kind) for kind in ("position", "storage")}
    faults = [StorageAwayError("the database restarts"), KeyError("nobody foresaw this"), KeyError("nor this")]

    async def story():
        told = asyncio.Event()

        async def waiting_long(**_):
            if faults:
                raise faults.pop()
            told.set()

        store = SimpleNamespace(waiting_long=waiting_long)
        telling = asyncio.create_task(PositionNotifier(store, None, NotifierTimings(pause=0.0)).run())
        async with asyncio.timeout(10):
            await told.wait()
        telling.cancel()

    asyncio.run(story())

    assert {kind: errors(kind) - count for kind, count in before.items()} == {"position": 2, "storage": 1}


def test_asking_for_styles_goes_on_after_a_fault_that_nobody_expected(styles):
    before = errors("styles")
    asked = []

    async def story():
        style_service = StyleService(styles[1], timeout=5, max_pixels=10**6, refresh_seconds=0.01)
        describe = style_service._client.styles

        async def broken_at_first(**options):
            asked.append(1)
            if len(asked) < 3:
                raise ZeroDivisionError
            return await describe(**options)

        style_service._client.styles = broken_at_first
        keeping = asyncio.create_task(bot.app.kept_going("styles", style_service.keep_fresh, again=0.01))
        async with asyncio.timeout(10):
            while not style_service.reachable or len(asked) < 5:
                await asyncio.sleep(0.01)
        assert not keeping.done()
        keeping.cancel()
        await style_service.close()

    asyncio.run(story())

    assert errors("styles") == before + 2


def test_a_part_that_came_to_its_end_is_not_begun_again_and_one_that_failed_is():
    done = []

    async def register():
        done.append(1)
        if len(done) == 1:
            raise KeyError("commands")

    asyncio.run(bot.app.kept_going("commands", register, again=0.0))

    assert len(done) == 2
