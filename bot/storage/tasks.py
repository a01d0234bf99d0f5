"""Tasks: what the database holds and tells, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["update", "album", "paint"]
UPDATE: Kind = "update"
ALBUM: Kind = "album"  # gathers photos until no more of them come
PAINT: Kind = "paint"


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """A task to be stored; `payload` is what JSON can hold.

    Attributes:
        update_id: Updates keep Telegram's order; paint jobs take turns.
        grows: `payload["pictures"]` goes into the queued task of this key, if there is one, as for albums.
        of_files: Its pictures are files as their senders made them, which may cost any time to decode; Telegram makes
            photos anew.
    """

    key: str
    kind: Kind
    chat_id: int
    user_id: int
    payload: Mapping[str, Any]
    not_before: float = 0.0
    update_id: int | None = None
    grows: bool = False
    of_files: bool = False


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task as claimed.

    Attributes:
        attempts: How often it was tried, this time included.
        crashes: How often its owner was gone before it ended.
    """

    id: int
    key: str
    kind: str
    chat_id: int
    user_id: int
    payload: dict[str, Any]
    turn: int
    created_at: float
    attempts: int
    crashes: int = 0


@dataclass(frozen=True, kw_only=True)
class TaskEffects:
    """What a finished update leaves behind, stored in one transaction with its end.

    Attributes:
        settings: The chat's settings from now on; None leaves them.
        tasks: What is to be painted.
        sources: By the id of a message, the message and the pictures that it was made from.
        forget: Delete what is stored about the chat, the task itself included; only what limits and repetitions need
            stays: ids of updates, and how many photos a user had painted within the hour.
        keeps: What the ended task goes on to hold, instead of its payload.
    """

    settings: Mapping[str, Any] | None = None
    tasks: tuple[NewTask, ...] = ()
    sources: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    forget: bool = False
    keeps: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Quota:
    """How much is taken on: photos of one user within an hour, and photos waiting in all chats."""

    user_photos: int
    queue: int


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why there is no room for more photos.

    Attributes:
        kind: What metrics call it.
        seconds: Until a user whose limit it is has room; 0 if nobody knows.
    """

    kind: Literal["user_limit", "queue_full"]
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class QueuePosition:
    """Where a task stands: how many are before it, how many are painted at once, and the mean seconds of one."""

    before: int
    running: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Stats:
    """How many photos wait, are painted, and were within a day."""

    waiting: int
    running: int
    done: int
    failed: int
    chats: int
    seconds: float
