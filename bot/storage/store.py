"""Store: what must survive a crash. Updates not answered yet, what is to be painted, and what each chat has chosen.

One table of tasks holds updates, albums that are still arriving, and paint jobs, so all are claimed, handed back and
finished by the same few statements, in SQLite and PostgreSQL alike. A task is

    queued ─▶ running ─▶ done | failed | cancelled
       ▲         │
       └─────────┘  handed back, or its owner's lease ran out

It counts its tries, those that the owner did not blame on something else, and apart from them its crashes: owners that
were gone before it ended. So a job that was only there when the bot was killed has all its tries left. As it may have
killed it, it is done after the others, while nothing else of its kind runs beside it in the same process.

A claim cannot be taken twice: `UPDATE ... WHERE id = (SELECT ... FOR UPDATE SKIP LOCKED) RETURNING` in PostgreSQL, and
in SQLite within a transaction that holds the only write lock. What counts before it stores, for limits, does so
alone: under that lock, or an advisory one. An update's job is stored under a key that is made from the update's own, so
what is repeated after a crash changes nothing.

Order is fair across chats: a job's `turn` is one more than its chat's last unfinished job, and no less than the turn
that is being served (start-time fair queueing with all jobs alike).
"""

import asyncio
import contextlib
import importlib
import itertools
import json
import os
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sql
from filelock import FileLock, Timeout
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from bot.storage.schema import StorageError, migrate
from bot.storage.tables import chats, heartbeat, metadata, own_styles, sources, tasks
from bot.storage.tasks import (
    ALBUM,
    PAINT,
    UPDATE,
    Kind,
    NewTask,
    QueuePosition,
    Quota,
    Refusal,
    Stats,
    Task,
    TaskEffects,
)
from bot.storage.transaction import transaction

_THREADS = 4  # connections at once, where the database takes several
_AVERAGED = 20  # finished paintings, for estimates

_PRIVATE = 0o600  # of files that hold what people wrote

NO_CHAT = 0  # stands for a chat that was forgotten
_UNFINISHED = ("queued", "running")
_PHOTOS = sql.func.coalesce(sql.func.sum(tasks.c.photos), 0)
_LOCKS = 7466  # the number under which replicas lock what one of them does at a time; any that nobody else uses
_CREATE, _ADMIT, _CLAIM = 0, 1, {UPDATE: 2, ALBUM: 3, PAINT: 4}


@dataclass(frozen=True, kw_only=True)
class StoreTimings:
    """How long what lasts in the database, in seconds.

    Attributes:
        lease: A task whose owner is silent for so long is anybody's again.
        head_start: After a start, for what was not there at a crash; twice as long after a second one.
        max_ahead: How far any time may lie in the future; further, and the clock has been set back since.
        quota: Over which a user's photos are counted.
        keep_finished: Keys of finished tasks, for Telegram's late repetitions and for /stats.
        connect: For PostgreSQL to answer. One whose machine is gone says nothing, and would be waited for for minutes.
    """

    lease: float = 10.0
    head_start: float = 5.0
    max_ahead: float = 60.0
    quota: float = 3600.0
    keep_finished: float = 24 * 3600.0
    connect: int = 5


class Store:
    """The database.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`.
        owner: Who claims: any text that no other process uses.
        timings: How long what lasts.

    Raises:
        StorageError: If it cannot be opened, or is an SQLite file that another bot has open.
    """

    def __init__(self, url: str, owner: str, timings: StoreTimings = StoreTimings()):
        self.owner = owner
        self.timings = timings
        self._opened = time.monotonic()
        try:
            parsed = make_url(url)
            if "@" in (parsed.host or ""):
                raise ValueError("an @ in the password ends it, and the rest would be taken, and told, as the host")
        except (ArgumentError, ValueError):  # not what it says: it may quote a password
            raise StorageError(
                "TFSTYLE_BOT_DATABASE_URL cannot be read: expected sqlite:///FILE or "
                "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, other characters than letters and digits as %XX."
            ) from None
        self._embedded = parsed.get_backend_name() == "sqlite"
        # SQLite has one writer; waiting for it here is fairer than in its busy handler.
        self.threads = ThreadPoolExecutor(1 if self._embedded else _THREADS, thread_name_prefix="storage")
        dialect = importlib.import_module(f"sqlalchemy.dialects.{parsed.get_backend_name()}")
        self._insert: Any = dialect.insert  # the one with ON CONFLICT
        self._lock: FileLock | None = None
        if self._embedded:
            database = os.path.realpath(str(parsed.database))  # by which path a second bot comes makes no difference
            self._lock = _lock_file(database)
            _make_private(database)
            self.engine = sql.create_engine(parsed, hide_parameters=True)  # they hold what people wrote
            sql.event.listen(self.engine, "connect", _prepare_sqlite)
            sql.event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        else:
            self.engine = sql.create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                connect_args={
                    "connect_timeout": timings.connect,
                    "tcp_user_timeout": 2000 * timings.connect,
                },  # s and ms
                pool_size=_THREADS,
                pool_pre_ping=True,
                hide_parameters=True,
            )
        try:
            with self.engine.begin() as connection:
                self._alone(connection, _CREATE)  # replicas start together; CREATE TABLE IF NOT EXISTS may collide
                migrate(connection)
                if self._embedded:  # nobody else has the file, so whoever owned these is gone
                    crashed = {"attempts": tasks.c.attempts - 1, "crashes": tasks.c.crashes + 1}
                    running = tasks.c.state == "running"
                    connection.execute(sql.update(tasks).where(running).values(_handed_back() | crashed))
        except StorageError:
            self.close()
            raise
        except DBAPIError as error:
            self.close()
            reason = " ".join(str(error.orig).split())
            raise StorageError(f"The database cannot be opened: {reason}; check TFSTYLE_BOT_DATABASE_URL.") from None

    def close(self) -> None:
        """Wait for running transactions and close the database."""
        self.threads.shutdown()
        if hasattr(self, "engine"):
            self.engine.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @transaction
    def check(self, connection: Connection) -> None:
        """See that the database takes what is written, and has what is read.

        Raises:
            StorageAwayError: If it does not.
        """
        for table in metadata.sorted_tables:
            connection.execute(sql.select(table).limit(1))
        connection.execute(sql.update(heartbeat).values(written_at=time.time()))

    @transaction
    def add(self, connection: Connection, new: Iterable[NewTask]) -> int:
        """Store tasks; those whose key is known are left as they are.

        Returns:
            How many are new.
        """
        return sum(self._add(connection, task) for task in new)

    @transaction
    def claim(self, connection: Connection, kind: Kind, *, user_limit: int = 0, no_files: bool = False) -> Task | None:
        """Take the next task of a kind, or None if there is none for now.

        Updates of one chat are taken one after another in Telegram's order, and an album not before them: they may hold
        more of its photos.

        Args:
            kind: `update`, `album` or `paint`.
            user_limit: Tasks of one user that may run at once; 0 for any number.
            no_files: None of files.
        """
        if user_limit:
            self._alone(connection, _CLAIM[kind])  # else two replicas count before either has claimed
        now = time.time()
        other = tasks.alias()
        due = self._available(tasks, now) & self._past(tasks.c.not_before, now)
        ready = [tasks.c.kind == kind, due, self._fit_to_run(tasks, kind, now)]
        of_chat = (other.c.kind == UPDATE) & (other.c.chat_id == tasks.c.chat_id) & other.c.state.in_(_UNFINISHED)
        if no_files:
            ready.append(~tasks.c.of_files)
        if kind == UPDATE:
            ready.append(~sql.exists().where(of_chat & (other.c.turn < tasks.c.turn)))
        elif kind == ALBUM:
            ready.append(~sql.exists().where(of_chat))
        if user_limit:
            running = (other.c.state == "running") & ~self._past(other.c.lease_until, now)
            same = (other.c.kind == kind) & (other.c.user_id == tasks.c.user_id)
            count = sql.select(sql.func.count()).select_from(other).where(running, same).scalar_subquery()
            ready.append(count < user_limit)
        chosen = (
            sql.select(tasks.c.id)
            .where(*ready)
            .order_by(_crashes(tasks), tasks.c.turn, tasks.c.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=tasks)
            .scalar_subquery()
        )
        lapsed = tasks.c.state == "running"
        values = {
            "state": "running",
            "owner": self.owner,
            "lease_until": now + self.timings.lease,
            "attempts": tasks.c.attempts + sql.case((lapsed, 0), else_=1),  # the try that crashed did not fail
            "crashes": _crashes(tasks),
        }
        row = connection.execute(
            sql.update(tasks).where(tasks.c.id == chosen).values(values).returning(*tasks.c)
        ).one_or_none()
        return _task(row) if row else None

    @transaction
    def renew(self, connection: Connection, ids: Collection[int]) -> None:
        """Go on owning these tasks. One that was claimed, but whose end could not be written, is not among them."""
        mine = (tasks.c.owner == self.owner) & (tasks.c.state == "running") & tasks.c.id.in_(ids)
        connection.execute(sql.update(tasks).where(mine).values(lease_until=time.time() + self.timings.lease))

    @transaction
    def note(self, connection: Connection, task_id: int, payload: Mapping[str, Any]) -> None:
        """Change what a claimed task holds, for whoever has to go on with it after a crash."""
        connection.execute(sql.update(tasks).where(self._mine(task_id)).values(payload=json.dumps(payload)))

    @transaction
    def owns(self, connection: Connection, task_id: int) -> bool:
        """Whether a claimed task is still this process's: not cancelled, not taken over."""
        return connection.execute(sql.select(tasks.c.id).where(self._mine(task_id))).first() is not None

    @transaction
    def hand_back(
        self, connection: Connection, task_id: int, *, delay: float = 0.0, count_attempt: bool = False
    ) -> None:
        """Give a task back to be claimed again.

        Args:
            task_id: The task.
            delay: Seconds during which nobody shall.
            count_attempt: Whether this attempt counts; not where it is nobody's fault, as when the server is down.
        """
        values = _handed_back() | {"not_before": time.time() + min(delay, self.timings.max_ahead)}
        if not count_attempt:
            values["attempts"] = tasks.c.attempts - 1
        connection.execute(sql.update(tasks).where(self._mine(task_id)).values(values))

    @transaction
    def finish(
        self,
        connection: Connection,
        task_id: int,
        state: Literal["done", "failed"] = "done",
        *,
        effects: TaskEffects | None = None,
        seconds: float | None = None,
    ) -> bool:
        """End a task and store what it leaves behind; its payload is deleted, but for what the outcome keeps.

        Returns:
            False if the task was not this process's any more; nothing is changed then.
        """
        kept = json.dumps(effects.keeps if effects else {})
        values = {"state": state, "finished_at": time.time(), "payload": kept, "seconds": seconds}
        ended = connection.execute(
            sql.update(tasks).where(self._mine(task_id)).values(values).returning(tasks.c.chat_id)
        ).one_or_none()
        if ended is None:
            return False
        if effects is None:
            return True
        for task in effects.tasks:
            self._add(connection, task)
        if effects.settings is not None:
            self._save_settings(connection, ended.chat_id, effects.settings)
        for message_id, source in effects.sources.items():
            self._save_source(connection, ended.chat_id, message_id, source)
        if effects.forget:
            self._forget(connection, ended.chat_id)
        return True

    async def shred(self) -> None:
        """Remove from SQLite's write-ahead log what was deleted from the database; with PostgreSQL, nothing.

        The log goes on to hold pages as they were until others are written over them.
        """
        if self._embedded:
            await asyncio.get_running_loop().run_in_executor(self.threads, self._checkpoint)

    def _checkpoint(self) -> None:
        connection = self.engine.raw_connection()  # not in a transaction
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()

    @transaction
    def settings(self, connection: Connection, chat_id: int) -> dict[str, Any] | None:
        """What a chat has chosen, None if nothing."""
        found = connection.execute(sql.select(chats.c.settings).where(chats.c.chat_id == chat_id)).scalar()
        return json.loads(found) if found else None

    @transaction
    def source(self, connection: Connection, chat_id: int, message_id: int) -> dict[str, Any] | None:
        """What a message was made from, None if it is not known."""
        where = (sources.c.chat_id == chat_id) & (sources.c.message_id == message_id)
        found = connection.execute(sql.select(sources.c.source).where(where)).scalar()
        return json.loads(found) if found else None

    @transaction
    def known(self, connection: Connection, key: str) -> dict[str, Any] | None:
        """What the task of this key holds, or was kept at its end; None if there never was one."""
        found = connection.execute(sql.select(tasks.c.payload).where(tasks.c.key == key)).scalar()
        return json.loads(found) if found is not None else None

    @transaction
    def waiting_long(self, connection: Connection, *, after: float, again: float) -> Task | None:
        """A queued paint job that nobody was told about for a while, and mark it told.

        Args:
            after: Seconds since it was stored.
            again: Seconds since it was told last.
        """
        now = time.time()
        chosen = (
            sql.select(tasks.c.id)
            .where(
                tasks.c.kind == PAINT,
                tasks.c.state == "queued",
                self._past(tasks.c.created_at, now - after),
                self._past(tasks.c.told_at, now - again),
                self._past(tasks.c.not_before, now),
            )
            .order_by(tasks.c.told_at)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        row = connection.execute(
            sql.update(tasks).where(tasks.c.id == chosen).values(told_at=now).returning(*tasks.c)
        ).one_or_none()
        return _task(row) if row else None

    @transaction
    def queue_position(self, connection: Connection, task: Task) -> QueuePosition | None:
        """Where a paint job stands; None if it is not queued any more."""
        if not _count(connection, tasks.c.id == task.id, tasks.c.state == "queued"):
            return None
        paint = tasks.c.kind == PAINT
        earlier = (tasks.c.turn < task.turn) | ((tasks.c.turn == task.turn) & (tasks.c.id < task.id))
        return QueuePosition(
            before=_count(connection, paint, tasks.c.state == "queued", earlier),
            running=_count(connection, paint, tasks.c.state == "running"),
            seconds=self._mean_seconds(connection),
        )

    @transaction
    def room(self, connection: Connection, user_id: int, photos: int, quota: Quota) -> Refusal | None:
        """Why a user may not send so many more photos now; None if they may."""
        return self._refusal(connection, user_id, photos, quota)

    @transaction
    def admit(self, connection: Connection, job: NewTask, quota: Quota) -> Refusal | None:
        """Store a paint job if there is room for it; one that is known is left as it is.

        Returns:
            Why it was not stored; None if it was, now or before.
        """
        self._alone(connection, _ADMIT)
        if connection.execute(sql.select(tasks.c.id).where(tasks.c.key == job.key)).first():
            return None
        refusal = self._refusal(connection, job.user_id, _photos(job), quota)
        if refusal is None:
            self._add(connection, job)
        return refusal

    @transaction
    def unfinished(self, connection: Connection, chat_id: int) -> list[Task]:
        """A chat's paint jobs that wait or are being painted, in their order."""
        where = (tasks.c.kind == PAINT) & (tasks.c.chat_id == chat_id) & tasks.c.state.in_(_UNFINISHED)
        rows = connection.execute(sql.select(*tasks.c).where(where).order_by(tasks.c.turn, tasks.c.id))
        return [_task(row) for row in rows]

    @transaction
    def cancel(self, connection: Connection, chat_id: int, *, only: int = 0, user_id: int = 0) -> list[Task]:
        """End all unfinished albums and paint jobs of a chat, or only the one of this id, or only those of a user.

        Returns:
            Those that were ended, as they were.
        """
        where = (tasks.c.kind != UPDATE) & (tasks.c.chat_id == chat_id) & tasks.c.state.in_(_UNFINISHED)
        if only:
            where &= tasks.c.id == only
        if user_id:
            where &= tasks.c.user_id == user_id
        rows = connection.execute(sql.select(*tasks.c).where(where).with_for_update()).all()
        connection.execute(
            sql.update(tasks)
            .where(tasks.c.id.in_([row.id for row in rows]))
            .values(state="cancelled", finished_at=time.time(), payload="{}")
        )
        return [_task(row) for row in rows]

    @transaction
    def migrate(self, connection: Connection, old: int, new: int) -> None:
        """A group got a new id: take everything along."""
        for table in (chats, sources):
            known = sql.select(table.c.chat_id).where(table.c.chat_id == old)
            if connection.execute(known).first():  # not when a second task tells of it, after all has moved
                connection.execute(sql.delete(table).where(table.c.chat_id == new))
        for table in (tasks, chats, sources):
            connection.execute(sql.update(table).where(table.c.chat_id == old).values(chat_id=new))

    @transaction
    def stats(self, connection: Connection) -> Stats:
        """Numbers for /stats and for the metrics."""
        paint = tasks.c.kind == PAINT
        return Stats(
            waiting=_photos_of(connection, paint, tasks.c.state == "queued"),
            running=_photos_of(connection, paint, tasks.c.state == "running"),
            done=_photos_of(connection, paint, tasks.c.state == "done"),
            failed=_photos_of(connection, paint, tasks.c.state == "failed"),
            chats=connection.execute(sql.select(sql.func.count()).select_from(chats)).scalar_one(),
            seconds=self._mean_seconds(connection),
        )

    @transaction
    def prune(self, connection: Connection, *, sources_before: float) -> None:
        """Delete what was finished a day ago, forgotten chats' jobs an hour after they came, and old references."""
        now = time.time()
        for column in (tasks.c.created_at, tasks.c.finished_at, sources.c.created_at):  # by a clock that was set back
            ahead = sql.update(column.table).where(column > now + self.timings.max_ahead)
            connection.execute(ahead.values({column.name: now}))
        connection.execute(sql.delete(tasks).where(tasks.c.finished_at < now - self.timings.keep_finished))
        counted = (tasks.c.kind == PAINT) & (tasks.c.chat_id == NO_CHAT)
        connection.execute(sql.delete(tasks).where(counted, tasks.c.created_at < now - self.timings.quota))
        connection.execute(sql.delete(sources).where(sources.c.created_at < sources_before))

    def _alone(self, connection: Connection, what: int) -> None:
        """Wait until no other transaction does this, and keep others from it until this one ends.

        SQLite has one writer anyway.
        """
        if not self._embedded:
            connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_LOCKS, what)))

    def _refusal(self, connection: Connection, user_id: int, photos: int, quota: Quota) -> Refusal | None:
        now = time.time()
        since = now - self.timings.quota
        paint = tasks.c.kind == PAINT
        recent = (tasks.c.created_at > since) & (tasks.c.created_at <= now + self.timings.max_ahead)
        of_user = paint & (tasks.c.user_id == user_id) & recent
        had, first = connection.execute(sql.select(_PHOTOS, sql.func.min(tasks.c.created_at)).where(of_user)).one()
        if had + photos > quota.user_photos:
            return Refusal(kind="user_limit", seconds=(first or now) - since)
        waiting = connection.execute(sql.select(_PHOTOS).where(paint, tasks.c.state.in_(_UNFINISHED))).scalar_one()
        return Refusal(kind="queue_full") if waiting + photos > quota.queue else None

    def _fit_to_run(self, table: sql.FromClause, kind: Kind, now: float) -> sql.ColumnElement[bool]:
        """Whether a task may run beside what this process runs of its kind.

        What was there at a crash may be its cause. So it comes after the others, alone, and nothing is begun beside it;
        jobs that are begun are waited for once it is its turn.
        """
        other = table.alias()
        mine = (other.c.kind == kind) & (other.c.state == "running") & (other.c.owner == self.owner)
        mine &= ~self._past(other.c.lease_until, now)
        suspected = mine & (other.c.crashes > 0)
        uptime = time.monotonic() - self._opened
        in_turn = _crashes(table) * self.timings.head_start <= uptime
        alone = (_crashes(table) == 0) | (in_turn & ~sql.exists().where(mine))
        fit = alone & ~sql.exists().where(suspected)
        if kind == PAINT:  # updates of a chat wait for each other already
            due = self._available(other, now) & self._past(other.c.not_before, now) & (_crashes(other) > 0)
            waiting = (other.c.kind == kind) & due & (_crashes(other) * self.timings.head_start <= uptime)
            fit &= (_crashes(table) > 0) | ~sql.exists().where(waiting)
        return fit

    def _past(self, column: sql.ColumnElement[Any], now: float) -> sql.ColumnElement[bool]:
        """Whether a time has come, or lies so far ahead that the clock must have been set back since."""
        return (column <= now) | (column > now + self.timings.max_ahead)

    def _available(self, table: sql.FromClause, now: float) -> sql.ColumnElement[bool]:
        """Queued, or running under an owner who has gone silent."""
        return (table.c.state == "queued") | ((table.c.state == "running") & self._past(table.c.lease_until, now))

    def _mine(self, task_id: int) -> sql.ColumnElement[bool]:
        return (tasks.c.id == task_id) & (tasks.c.state == "running") & (tasks.c.owner == self.owner)

    def _forget(self, connection: Connection, chat_id: int) -> None:
        connection.execute(sql.delete(chats).where(chats.c.chat_id == chat_id))
        connection.execute(sql.delete(sources).where(sources.c.chat_id == chat_id))
        # A private chat has the id of its user; the styles of a group's members are theirs.
        connection.execute(sql.delete(own_styles).where(own_styles.c.user_id == chat_id))
        # What the chat has sent meanwhile comes after this, so it is still to be answered.
        ended = (tasks.c.chat_id == chat_id) & ~tasks.c.state.in_(_UNFINISHED)
        connection.execute(sql.delete(tasks).where(ended, tasks.c.kind == ALBUM))
        # An update's id keeps Telegram's repetitions away; a job's user and number of photos keep the hourly limit.
        connection.execute(sql.update(tasks).where(ended, tasks.c.kind == UPDATE).values(chat_id=NO_CHAT, user_id=0))
        key = sql.literal("forgotten:") + sql.cast(tasks.c.id, sql.String)
        connection.execute(sql.update(tasks).where(ended, tasks.c.kind == PAINT).values(chat_id=NO_CHAT, key=key))

    def _add(self, connection: Connection, task: NewTask) -> bool:
        now = time.time()
        key = task.key
        if task.grows:
            for late in itertools.count(2):  # once it was claimed, what comes is gathered anew
                if self._grow(connection, key, task):
                    return True
                if not connection.execute(sql.select(tasks.c.id).where(tasks.c.key == key)).first():
                    break
                key = f"{task.key}:{late}"
        turn = task.update_id if task.update_id is not None else self._next_turn(connection, task.chat_id)
        values = {
            "key": key,
            "kind": task.kind,
            "chat_id": task.chat_id,
            "user_id": task.user_id,
            "payload": json.dumps(task.payload),
            "photos": _photos(task),
            "of_files": task.of_files,
            "turn": turn,
            "created_at": now,
            "not_before": task.not_before,
        }
        insert = self._insert(tasks).values(values).on_conflict_do_nothing(index_elements=["key"])
        return connection.execute(insert.returning(tasks.c.id)).first() is not None

    def _grow(self, connection: Connection, key: str, task: NewTask) -> bool:
        where = (tasks.c.key == key) & (tasks.c.state == "queued")
        row = connection.execute(sql.select(tasks.c.id, tasks.c.payload).where(where).with_for_update()).one_or_none()
        if row is None:
            return False
        payload = json.loads(row.payload)
        payload["pictures"] = [*payload["pictures"], *task.payload["pictures"]]
        values = {
            "payload": json.dumps(payload),
            "photos": len(payload["pictures"]),
            "not_before": task.not_before,
        }
        connection.execute(sql.update(tasks).where(tasks.c.id == row.id).values(values))
        return True

    def _next_turn(self, connection: Connection, chat_id: int) -> int:
        unfinished = (tasks.c.kind == PAINT) & tasks.c.state.in_(_UNFINISHED)
        serving = connection.execute(sql.select(sql.func.min(tasks.c.turn)).where(unfinished)).scalar()
        of_chat = sql.select(sql.func.max(tasks.c.turn)).where(unfinished, tasks.c.chat_id == chat_id)
        last = connection.execute(of_chat).scalar()
        return max(serving or 0, last + 1 if last is not None else 0)

    def _save_settings(self, connection: Connection, chat_id: int, settings: Mapping[str, Any]) -> None:
        text = json.dumps(settings)
        insert = self._insert(chats).values(chat_id=chat_id, settings=text)
        connection.execute(insert.on_conflict_do_update(index_elements=["chat_id"], set_={"settings": text}))

    def _save_source(self, connection: Connection, chat_id: int, message_id: int, source: Mapping[str, Any]) -> None:
        values = {"source": json.dumps(source), "created_at": time.time()}
        insert = self._insert(sources).values(chat_id=chat_id, message_id=message_id, **values)
        connection.execute(insert.on_conflict_do_update(index_elements=["chat_id", "message_id"], set_=values))

    def _mean_seconds(self, connection: Connection) -> float:
        last = (
            sql.select(tasks.c.seconds)
            .where(tasks.c.kind == PAINT, tasks.c.seconds.is_not(None))
            .order_by(tasks.c.finished_at.desc())
            .limit(_AVERAGED)
            .subquery()
        )
        return connection.execute(sql.select(sql.func.avg(last.c.seconds))).scalar() or 0.0


def _crashes(table: sql.FromClause) -> sql.ColumnElement[int]:
    """How many crashes an available task was there at; the last one shows by a lease that has ended."""
    return table.c.crashes + sql.case((table.c.state == "running", 1), else_=0)


def _handed_back() -> dict[str, Any]:
    return {"state": "queued", "owner": "", "lease_until": 0.0}


def _count(connection: Connection, *where: sql.ColumnElement[bool]) -> int:
    return connection.execute(sql.select(sql.func.count()).select_from(tasks).where(*where)).scalar_one()


def _photos_of(connection: Connection, *where: sql.ColumnElement[bool]) -> int:
    return int(connection.execute(sql.select(_PHOTOS).where(*where)).scalar_one())


def _photos(task: NewTask) -> int:
    return len(task.payload.get("pictures", ())) + bool(task.payload.get("new_style"))


def _task(row: sql.Row[Any]) -> Task:
    names = ("id", "key", "kind", "chat_id", "user_id", "turn", "created_at", "attempts", "crashes")
    return Task(**{name: getattr(row, name) for name in names}, payload=json.loads(row.payload))


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by the listener above, with the write lock
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _lock_file(database: str) -> FileLock:
    """Hold a file for as long as this process lives: two bots on one SQLite file would take each other's jobs."""
    lock = FileLock(f"{database}.lock", timeout=0, mode=_PRIVATE, thread_local=False)
    try:
        os.stat(os.path.dirname(database))  # which the lock would make
        lock.acquire()
    except Timeout:
        raise StorageError(
            f"Another bot has {database} open; for several at once use postgresql:// in TFSTYLE_BOT_DATABASE_URL."
        ) from None
    except OSError as error:
        raise StorageError(
            f"{database}.lock cannot be written ({error.strerror}); check TFSTYLE_BOT_DATABASE_URL."
        ) from None
    return lock


def _make_private(database: str) -> None:
    """Let nobody but its owner read an SQLite database; files that SQLite puts beside it get the same mode."""
    os.close(os.open(database, os.O_RDWR | os.O_CREAT, _PRIVATE))
    for path in (database, f"{database}-wal", f"{database}-shm"):
        with contextlib.suppress(OSError):  # not there, or somebody else's, who has made it readable for this bot
            os.chmod(path, _PRIVATE)
