"""Nothing is lost and nothing is done twice, in SQLite and in PostgreSQL alike."""

import asyncio
import os
import socket
import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sql

from bot.errors import StorageAwayError
from bot.storage.schema import StorageError
from bot.storage.store import Store, StoreTimings
from bot.storage.tasks import ALBUM, PAINT, UPDATE, NewTask, Quota, TaskEffects


@pytest.fixture
def store(url):
    store = Store(url, "me")
    yield store
    store.close()


@pytest.fixture
def other(store, url):
    """A second process on the same database; with SQLite, another owner in the same one."""
    if url.startswith("sqlite"):
        second = Store.__new__(Store)
        second.__dict__ = {**store.__dict__, "owner": "other"}
        yield second
    else:
        second = Store(url, "other")
        yield second
        second.close()


def update(number, chat_id=1, user_id=None):
    return NewTask(
        key=f"update:{number}",
        kind=UPDATE,
        chat_id=chat_id,
        user_id=user_id or chat_id,
        payload={"update_id": number},
        update_id=number,
    )


def job(key, chat_id=1, user_id=None, kind=PAINT, photos=1, **options):
    payload = {"pictures": [{"file_id": key}] * photos, "reply_to": 7}
    return NewTask(key=key, kind=kind, chat_id=chat_id, user_id=user_id or chat_id, payload=payload, **options)


def hurry(*stores, **timings):
    for one in stores:
        one.timings = replace(one.timings, **timings)


def run(coroutine):
    return asyncio.run(coroutine)


async def claim_all(store, kind=PAINT, **options):
    found = []
    while (task := await store.claim(kind, **options)) is not None:
        found.append(task)
    return found


def test_photos_pass_files_where_asked_for(store):
    async def scenario():
        await store.add([job("a file", of_files=True), job("a photo", chat_id=2)])
        first = await store.claim(PAINT, no_files=True)
        assert first.key == "a photo"
        assert await store.claim(PAINT, no_files=True) is None
        assert (await store.claim(PAINT)).key == "a file"

    asyncio.run(scenario())


def test_an_update_is_stored_once_however_often_it_comes(store):
    async def story():
        assert await store.add([update(1), update(2)]) == 2
        assert await store.add([update(2), update(3)]) == 1
        task = await store.claim(UPDATE)
        await store.finish(task.id)
        assert await store.add([update(1)]) == 0

    run(story())


def test_updates_of_a_chat_are_taken_in_telegrams_order_one_after_another(store):
    async def story():
        await store.add([update(12), update(11), update(13, chat_id=2)])
        first = await store.claim(UPDATE)
        second = await store.claim(UPDATE)
        assert (first.payload["update_id"], second.payload["update_id"]) == (11, 13)
        assert await store.claim(UPDATE) is None
        await store.finish(first.id)
        assert (await store.claim(UPDATE)).payload["update_id"] == 12

    run(story())


def test_no_task_is_claimed_twice_by_many_at_once(store, other):
    hurry(store, other, lease=50.0)  # however slow this machine's disk is

    async def story():
        await store.add([job(f"j{number}", chat_id=number % 5) for number in range(40)])
        claimed = await asyncio.gather(*(claim_all(one) for one in (store, other, store, other)))
        ids = [task.id for tasks in claimed for task in tasks]
        assert len(ids) == len(set(ids)) == 40

    run(story())


def test_chats_take_turns_and_a_chat_that_comes_later_is_not_last(store):
    async def story():
        await store.add([job(f"a{number}", chat_id=1) for number in range(4)])
        assert (await store.claim(PAINT)).key == "a0"
        assert (await store.claim(PAINT)).key == "a1"
        await store.add([job("b0", chat_id=2), job("b1", chat_id=2), job("c0", chat_id=3)])
        order = [task.key for task in await claim_all(store)]
        assert order.index("b0") < order.index("a2")
        assert order.index("c0") < order.index("a2")
        assert order.index("b1") < order.index("a3")

    run(story())


def test_one_user_does_not_occupy_every_painter(store):
    async def story():
        await store.add([job(f"a{number}", user_id=1) for number in range(3)] + [job("b", chat_id=2)])
        assert [task.key for task in await claim_all(store, user_limit=2)] == ["a0", "b", "a1"]

    run(story())


def test_a_task_whose_owner_went_silent_is_claimed_by_another(store, other):
    hurry(store, other, head_start=0.0)

    async def story():
        await store.add([job("j")])
        hurry(store, other, lease=2.0)
        lost = await store.claim(PAINT)
        assert await other.claim(PAINT) is None
        await asyncio.sleep(2.1)
        found = await other.claim(PAINT)
        assert (found.id, found.attempts, found.crashes) == (lost.id, 1, 1)  # nobody failed at it
        assert not await store.owns(lost.id)
        assert not await store.finish(lost.id)  # what it did meanwhile does not count
        assert await other.finish(found.id)

    run(story())


def crash(store, *keys, crashes=1):
    """As after a restart: what ran is queued again, and has been there at a crash."""
    with store.engine.begin() as connection:
        for key in keys:
            connection.exec_driver_sql(f"UPDATE tasks SET crashes = {crashes} WHERE key = '{key}'")


def test_what_was_there_at_a_crash_comes_after_everything_else(store):
    async def story():
        await store.add([job("suspect"), job("fresh", chat_id=2)])
        crash(store, "suspect")
        await store.add([job("late", chat_id=3)])
        assert [task.key for task in await claim_all(store)] == ["fresh", "late"]

    run(story())


def test_what_was_there_at_a_crash_is_tried_alone_once_the_others_had_a_head_start(store):
    async def story():
        await store.add([job("a", chat_id=1), job("b", chat_id=2), job("fresh", chat_id=3), job("other", chat_id=4)])
        crash(store, "a", crashes=2)
        crash(store, "b")
        first = await store.claim(PAINT)
        assert first.key == "fresh"
        hurry(store, head_start=0.0)
        assert await store.claim(PAINT) is None  # what was begun is waited for, and nothing is begun meanwhile
        await store.finish(first.id)
        alone = await store.claim(PAINT)
        assert (alone.key, alone.crashes) == ("b", 1)
        assert await store.claim(PAINT) is None
        await store.finish(alone.id)
        alone = await store.claim(PAINT)
        assert (alone.key, alone.crashes) == ("a", 2)
        assert await store.claim(PAINT) is None
        await store.finish(alone.id)
        assert [task.key for task in await claim_all(store)] == ["other"]

    run(story())


def test_a_second_process_paints_on_while_one_tries_what_was_there_at_a_crash(store, other):
    hurry(store, other, head_start=0.0)

    async def story():
        await store.add([job("suspect")])
        crash(store, "suspect")
        assert (await store.claim(PAINT)).key == "suspect"
        await store.add([job("fresh", chat_id=2)])
        assert await store.claim(PAINT) is None
        assert (await other.claim(PAINT)).key == "fresh"

    run(story())


def test_a_suspected_update_holds_up_its_own_chat_only(store):
    async def story():
        await store.add([update(1), update(2), update(3, chat_id=2)])
        crash(store, "update:1")
        fresh = await store.claim(UPDATE)
        assert fresh.key == "update:3"
        assert await store.claim(UPDATE) is None
        hurry(store, head_start=0.0)
        assert await store.claim(UPDATE) is None
        await store.finish(fresh.id)
        for key in ("update:1", "update:2"):
            task = await store.claim(UPDATE)
            assert task.key == key
            await store.finish(task.id)

    run(story())


def test_a_task_that_nobody_works_on_is_free_again_although_its_owner_lives(store, other):
    """Its end could not be written, as while the database restarts: the owner renews only what it still runs."""
    hurry(store, other, head_start=0.0)

    async def story():
        await store.add([job("j")])
        hurry(store, other, lease=0.2)
        task = await store.claim(PAINT)
        for _ in range(3):
            await asyncio.sleep(0.15)
            await store.renew([])
        found = await other.claim(PAINT)
        assert (found.id, found.attempts, found.crashes) == (task.id, 1, 1)

    run(story())


def test_a_renewed_lease_keeps_a_task(store, other):
    async def story():
        await store.add([job("j")])
        hurry(store, other, lease=0.3)
        task = await store.claim(PAINT)
        for _ in range(3):
            await asyncio.sleep(0.15)
            await store.renew([task.id])
        assert await other.claim(PAINT) is None
        assert await store.owns(task.id)

    run(story())


def test_a_task_handed_back_waits_and_an_attempt_without_blame_is_not_counted(store):
    async def story():
        await store.add([job("j")])
        task = await store.claim(PAINT)
        await store.hand_back(task.id, delay=0.2)
        assert await store.claim(PAINT) is None
        await asyncio.sleep(0.25)
        task = await store.claim(PAINT)
        assert task.attempts == 1
        await store.hand_back(task.id, count_attempt=True)
        assert (await store.claim(PAINT)).attempts == 2

    run(story())


def test_the_end_of_an_update_and_what_it_leaves_are_stored_together_or_not_at_all(store):
    async def story():
        await store.add([update(1)])
        task = await store.claim(UPDATE)
        effects = TaskEffects(settings={"a": 1}, tasks=(job("j"),), sources={5: {"message_id": 4, "pictures": []}})
        bad = TaskEffects(settings={"a": object()}, tasks=(job("k"),))
        with pytest.raises(TypeError):
            await store.finish(task.id, effects=bad)
        assert await store.known("k") is None
        assert await store.owns(task.id)

        assert await store.finish(task.id, effects=effects)
        assert not await store.finish(task.id, effects=effects)
        assert await store.settings(1) == {"a": 1}
        assert await store.source(1, 5) == {"message_id": 4, "pictures": []}
        assert [task.key for task in await claim_all(store)] == ["j"]

    run(story())


def test_an_album_grows_while_it_waits_and_late_photos_are_an_album_of_their_own(store):
    async def story():
        later = time.time() + 1.5  # more than three statements take on a slow machine
        await store.add([job("album", kind=ALBUM, grows=True, not_before=later)])
        await store.add([job("album", kind=ALBUM, grows=True, not_before=later)])
        assert await store.claim(ALBUM) is None
        await asyncio.sleep(later + 0.05 - time.time())
        task = await store.claim(ALBUM)
        assert len(task.payload["pictures"]) == 2
        for late in (2, 3):
            for _ in range(late):
                await store.add([job("album", kind=ALBUM, grows=True)])
            task = await store.claim(ALBUM)
            assert (task.key, len(task.payload["pictures"])) == (f"album:{late}", late)

    run(story())


def test_an_album_waits_for_what_its_chat_has_sent_since(store):
    """After a restart its time is over, while the rest of it is still unread."""

    async def story():
        await store.add([job("album", kind=ALBUM, grows=True), update(1), update(2, chat_id=2)])
        assert await store.claim(ALBUM) is None
        first = await store.claim(UPDATE)
        assert await store.claim(ALBUM) is None
        await store.finish(first.id)
        assert (await store.claim(ALBUM)).key == "album"

    run(story())


def test_what_an_ended_task_keeps_is_told_by_its_key(store):
    async def story():
        await store.add([job("album", kind=ALBUM)])
        task = await store.claim(ALBUM)
        assert (await store.known("album"))["reply_to"] == 7
        await store.finish(task.id, effects=TaskEffects(keeps={"style_settings": 1}))
        assert await store.known("album") == {"style_settings": 1}

    run(story())


@pytest.mark.parametrize("limit", [{"user_photos": 3}, {"queue": 3}])
def test_however_many_come_at_once_to_however_many_replicas_no_limit_is_passed(store, other, limit):
    async def story():
        quota = Quota(**{"user_photos": 99, "queue": 99} | limit)
        jobs = [store.admit(job(f"a{n}"), quota) for n in range(10)] + [
            other.admit(job(f"b{n}"), quota) for n in range(10)
        ]
        answers = await asyncio.gather(*jobs)
        assert answers.count(None) == 3
        assert len(await store.unfinished(1)) == 3

    run(story())


def test_a_job_that_was_admitted_before_is_neither_stored_again_nor_refused(store):
    async def story():
        quota = Quota(user_photos=1, queue=1)
        assert await store.admit(job("a"), quota) is None
        assert await store.admit(job("a"), quota) is None
        assert (await store.admit(job("b"), quota)).kind == "user_limit"
        assert [task.key for task in await claim_all(store)] == ["a"]

    run(story())


def test_one_users_photos_are_not_painted_on_every_replica_at_once(store, other):
    async def story():
        for user in range(1, 6):
            await store.add([job(f"{user}:{number}", user, user) for number in range(20)])
            claims = [one.claim(PAINT, user_limit=2) for _ in range(8) for one in (store, other)]
            assert sum(task is not None for task in await asyncio.gather(*claims)) == 2

    run(story())


def test_one_job_can_be_cancelled_alone(store):
    async def story():
        await store.add([job("a"), job("b")])
        first, second = await store.unfinished(1)
        assert [task.key for task in await store.cancel(1, only=first.id)] == ["a"]
        assert [task.key for task in await store.unfinished(1)] == ["b"]
        assert await store.cancel(2, only=second.id) == []

    run(story())


async def has_room(store, user_id, photos, *, user_photos=10**6, queue=10**6):
    return await store.room(user_id, photos, Quota(user_photos=user_photos, queue=queue)) is None


def test_photos_are_counted_not_jobs(store):
    async def story():
        await store.add([job("three", photos=3), job("one"), job("gathering", kind=ALBUM, photos=5)])
        for waiting in (4, 1):
            assert await has_room(store, 1, 2, user_photos=6)
            assert not await has_room(store, 1, 3, user_photos=6)
            assert await has_room(store, 2, 6, user_photos=6)
            assert await has_room(store, 2, 1, queue=waiting + 1)
            assert not await has_room(store, 2, 2, queue=waiting + 1)
            await store.finish((await store.claim(PAINT)).id)

    run(story())


def test_who_has_sent_too_many_photos_is_told_when_there_is_room_again(store):
    async def story():
        await store.add([job("a")])
        refusal = await store.room(1, 1, Quota(user_photos=1, queue=9))
        assert (refusal.kind, refusal.seconds) == ("user_limit", pytest.approx(3600, abs=60))
        assert (await store.room(2, 9, Quota(user_photos=9, queue=9))).kind == "queue_full"

    run(story())


def test_a_place_in_line_counts_those_before(store):
    async def story():
        await store.add([job("done")])
        await store.finish((await store.claim(PAINT)).id, seconds=4.0)
        await store.add([job(f"j{number}", chat_id=number) for number in range(1, 4)])
        await store.claim(PAINT)
        told = [await store.waiting_long(after=0, again=60) for _ in range(3)]
        assert [task.key for task in told[:2]] == ["j2", "j3"]
        assert told[2] is None
        place = await store.queue_position(told[1])
        assert (place.before, place.running, place.seconds) == (1, 1, 4.0)
        await store.claim(PAINT)
        assert await store.queue_position(told[0]) is None  # out of the line

    run(story())


def test_cancelled_jobs_are_nobodys(store):
    async def story():
        await store.add([job("a"), job("b"), job("album", kind=ALBUM), job("c", chat_id=2)])
        running = await store.claim(PAINT)
        assert {task.key for task in await store.cancel(1)} == {"a", "b", "album"}
        assert not await store.owns(running.id)
        assert not await store.finish(running.id)
        assert [task.key for task in await claim_all(store)] == ["c"]

    run(story())


def test_what_is_finished_holds_no_payload_and_is_deleted_after_a_day(store):
    async def story():
        await store.add([update(1)])
        await store.finish((await store.claim(UPDATE)).id)
        with store.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT payload FROM tasks").scalars().all() == ["{}"]
        await store.prune(sources_before=0)
        assert await store.known("update:1") == {}
        hurry(store, keep_finished=-1.0)
        await store.prune(sources_before=0)
        assert await store.known("update:1") is None

    run(story())


def test_forgetting_a_chat_deletes_all_of_it_but_what_limits_and_repetitions_need(store):
    """A chat that could be forgotten to paint on without limit, or to be answered twice, would be no chat to forget."""

    async def story():
        await store.add([job("done", user_id=8), job("album", kind=ALBUM)])
        await store.finish((await store.claim(ALBUM)).id, effects=TaskEffects(keeps={"style_settings": 1}))
        await store.add([update(1), update(2, chat_id=2), update(3)])
        await store.finish(
            (await store.claim(PAINT)).id, effects=TaskEffects(sources={9: {"message_id": 1, "pictures": []}})
        )
        task = await store.claim(UPDATE)
        await store.finish(task.id, effects=TaskEffects(forget=True))
        with store.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT key FROM tasks WHERE chat_id = 1 OR user_id = 1").scalars().all()
            kept = connection.exec_driver_sql("SELECT key, payload FROM tasks WHERE chat_id = 0 ORDER BY key").all()
        assert rows == ["update:3"]  # came after, and is still to be answered
        assert [payload for _, payload in kept] == ["{}", "{}"]
        assert [key.partition(":")[0] for key, _ in kept] == ["forgotten", "update"]
        assert await store.settings(1) is None
        assert await store.source(1, 9) is None
        assert (await store.stats()).waiting == 0
        assert not await has_room(store, 8, 1, user_photos=1)
        assert await store.add([update(1)]) == 0

        await store.prune(sources_before=0)
        assert not await has_room(store, 8, 1, user_photos=1)
        hurry(store, quota=-1.0)
        await store.prune(sources_before=0)
        hurry(store, quota=3600.0)
        assert await has_room(store, 8, 1, user_photos=1)
        assert await store.known("update:1") == {}

    run(story())


def test_a_group_that_moves_takes_everything_along(store):
    async def story():
        await store.add([update(1, chat_id=-5)])
        effects = TaskEffects(settings={"a": 1}, tasks=(job("j", chat_id=-5),), sources={9: {"message_id": 1}})
        await store.finish((await store.claim(UPDATE)).id, effects=effects)
        await store.migrate(-5, -1005)
        assert await store.settings(-1005) == {"a": 1}
        assert await store.source(-1005, 9) == {"message_id": 1}
        assert (await store.claim(PAINT)).chat_id == -1005

        await store.migrate(-5, -1005)  # as a second task would that was on its way to the old id
        assert await store.settings(-1005) == {"a": 1}

    run(story())


def test_stats_count_photos_as_the_limits_do(store):
    """Of an album each: a hundred albums of ten fill a line of 1000."""

    async def story():
        await store.add([job("a"), job("b", photos=2), job("c", photos=3), job("d", photos=10), job("e", photos=10)])
        await store.finish((await store.claim(PAINT)).id, seconds=2.0)
        await store.finish((await store.claim(PAINT)).id, "failed")
        await store.claim(PAINT)
        stats = await store.stats()
        assert (stats.waiting, stats.running, stats.done, stats.failed, stats.seconds) == (20, 3, 1, 2, 2.0)

    run(story())


def test_a_database_that_is_away_is_told_from_a_fault(store):
    """Metrics and alerts are others; what it holds and what was asked are not told."""

    def no_connection(*_):
        raise store.engine.dialect.dbapi.OperationalError("connection refused\nwhile the database restarts")

    sql.event.listen(store.engine, "checkout", no_connection)
    try:
        with pytest.raises(StorageAwayError, match="connection refused while the database restarts"):
            run(store.add([job("secret")]))
    finally:
        sql.event.remove(store.engine, "checkout", no_connection)
    run(store.add([job("a")]))


def test_everything_is_there_after_a_restart_and_sqlite_hands_back_what_was_running(store, url):
    hurry(store, head_start=0.0)

    async def begin(store):
        await store.add([job("a"), job("b")])
        await store.claim(PAINT)

    async def go_on(store):
        claimed = []
        while (task := await store.claim(PAINT)) is not None:
            claimed.append(task)
            await store.finish(task.id)
        return claimed

    run(begin(store))
    store.close()
    again = Store(url, "me, again", StoreTimings(head_start=0.0))
    claimed = run(go_on(again))
    again.close()

    # In PostgreSQL the owner might be another replica that lives: its lease has to end first.
    expected = [("a", 1, 1), ("b", 1, 0)] if url.startswith("sqlite") else [("b", 1, 0)]
    assert [(task.key, task.attempts, task.crashes) for task in claimed] == expected


@pytest.mark.parametrize("seconds", [86_400, 365 * 86_400])
def test_a_clock_that_is_set_back_holds_no_job_no_lease_and_no_quota(store, other, monkeypatch, seconds):
    hurry(store, other, head_start=0.0)
    quota = Quota(user_photos=1, queue=99)

    async def story():
        await store.add([job("waits", not_before=time.time() + 1), job("runs", chat_id=2)])
        running = await store.claim(PAINT)
        assert running.key == "runs"
        assert await store.admit(job("first", user_id=9), quota) is None
        assert (await store.admit(job("second", user_id=9), quota)).kind == "user_limit"
        await store.waiting_long(after=-1, again=-1)

        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() - seconds)
        assert await store.admit(job("third", user_id=9), quota) is None
        assert await store.waiting_long(after=-1, again=0) is not None
        assert {task.key for task in [await other.claim(PAINT) for _ in range(2)] if task} & {"waits", "runs", "first"}
        await store.prune(sources_before=0)
        with store.engine.connect() as connection:
            ahead = f"SELECT count(*) FROM tasks WHERE created_at > {time.time() + 1}"
            assert connection.exec_driver_sql(ahead).scalar() == 0

    run(story())


def test_nothing_is_handed_back_for_longer_than_a_minute(store):
    """Telegram may ask for a day; who is asked again after a minute hands it back once more."""

    async def story():
        await store.add([job("j")])
        task = await store.claim(PAINT)
        await store.hand_back(task.id, delay=86_400)
        with store.engine.connect() as connection:
            not_before = connection.exec_driver_sql("SELECT not_before FROM tasks").scalar()
        assert not_before - time.time() <= store.timings.max_ahead

    run(story())


def test_two_bots_on_one_sqlite_file_are_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    store = Store(url, "one")

    with pytest.raises(StorageError, match=r"Another bot has .*bot\.db open; for several at once use postgresql://"):
        Store(url, "two")
    store.close()
    Store(url, "three").close()


@pytest.mark.parametrize("alias", ["link.db", "folder/bot.db"], ids=["file", "folder"])
def test_a_second_bot_that_comes_by_a_symlink_is_refused(tmp_path, alias):
    store = Store(f"sqlite:///{tmp_path / 'bot.db'}", "one")
    (tmp_path / "link.db").symlink_to(tmp_path / "bot.db")
    (tmp_path / "folder").symlink_to(tmp_path)

    with pytest.raises(StorageError, match="Another bot has"):
        Store(f"sqlite:///{tmp_path / alias}", "two")
    store.close()


def test_nobody_else_reads_the_files_of_an_sqlite_database(tmp_path):
    """Also those that were there before, from a bot that left them to be read."""
    for number, umask in enumerate((0o000, 0o022)):
        folder = tmp_path / str(number)
        folder.mkdir()
        before = os.umask(umask)
        try:
            if number:
                (folder / "bot.db").touch(mode=0o644)
            store = Store(f"sqlite:///{folder / 'bot.db'}", "me")
            run(store.add([job("a")]))
            modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
            store.close()
        finally:
            os.umask(before)
        assert set(modes) == {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock"}
        assert set(modes.values()) == {0o600}


def test_what_is_deleted_is_in_no_file_of_the_database_once_it_was_shredded(tmp_path):
    async def story(store):
        await store.add(
            [NewTask(key="k", kind=UPDATE, chat_id=1, user_id=1, payload={"text": "a secret"}, update_id=1)]
        )
        await store.finish((await store.claim(UPDATE)).id, effects=TaskEffects(forget=True))
        assert b"a secret" in (tmp_path / "bot.db-wal").read_bytes()
        await store.shred()

    store = Store(f"sqlite:///{tmp_path / 'bot.db'}", "me")
    run(story(store))

    assert [file.name for file in tmp_path.iterdir() if b"a secret" in file.read_bytes()] == []
    store.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:////nowhere/bot.db", "cannot be written .No such file or directory.; check TFSTYLE_BOT_DATABASE_URL"),
        ("postgresql://bot@127.0.0.1:1/bot", "The database cannot be opened: .*; check TFSTYLE_BOT_DATABASE_URL"),
        ("postgresql://bot:PASS@127.0.0.1:1/bot?sslmod=x", "The database cannot be opened: invalid connection option"),
        (
            "postgresql://bot:PASS@host:port/bot",
            "cannot be read: expected sqlite:///FILE or postgresql://USER:PASSWORD",
        ),
        ("postgresql://bot:a@PASS@host/bot", "cannot be read: .* other characters than letters and digits as %XX"),
    ],
)
def test_a_database_that_cannot_be_opened_is_one_sentence_without_its_password(url, sentence):
    with pytest.raises(StorageError, match=sentence) as caught:
        Store(url, "me")
    assert "PASS@" not in str(caught.value)


def test_a_database_that_says_nothing_is_not_waited_for_for_ever():
    """Else a bot would hang in it, and be restarted for that; two seconds are the least that libpq takes."""
    opened = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://bot@127.0.0.1:{silent.getsockname()[1]}/bot"

        def open_store() -> None:
            with pytest.raises(StorageError, match="timeout"):
                Store(url, "me", StoreTimings(connect=2))
            opened.append(False)

        opening = threading.Thread(target=open_store, daemon=True)
        opening.start()
        opening.join(30)

    assert opened == [False]


def test_sqlite_is_in_wal_mode_and_syncs_every_commit(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'bot.db'}", "me")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()
