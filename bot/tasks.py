"""What the database holds and tells, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["update", "paint"]
UPDATE: Kind = "update"
PAINT: Kind = "paint"


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """A task to be stored; `payload` is what JSON can hold."""

    key: str
    kind: Kind
    chat_id: int
    user_id: int
    payload: Mapping[str, Any]
    not_before: float = 0.0
    update_id: int | None = None  # updates keep Telegram's order; paint jobs take turns
    grows: bool = False  # `payload["pictures"]` goes into the queued task of this key, if there is one, as for albums


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task as claimed."""

    id: int
    key: str
    kind: str
    chat_id: int
    user_id: int
    payload: dict[str, Any]
    turn: int
    created_at: float
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a finished update leaves behind, stored in one transaction with its end.

    Attributes:
        settings: The chat's settings from now on; None leaves them.
        tasks: What is to be painted.
        sources: By the id of a message, the message and the pictures that it was made from.
        forget: Delete everything else about the chat, and the chat's and the user's id from the task itself.
    """

    settings: Mapping[str, Any] | None = None
    tasks: tuple[NewTask, ...] = ()
    sources: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    forget: bool = False


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a task stands: how many are before it, how many are painted at once, and the mean seconds of one."""

    before: int
    running: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Stats:
    """How much there is to do and was done within a day."""

    waiting: int
    running: int
    done: int
    failed: int
    chats: int
    seconds: float
