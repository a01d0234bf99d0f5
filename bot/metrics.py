"""Metrics for Prometheus: counts and times, nothing about anybody.

Counters with known labels are there from the start, at 0: Prometheus sees an increase only between two values, so what
begins at 1 would hide the first fault of each process from the alerts.
"""

from typing import Literal, get_args

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)

Fault = Literal[
    "blocked",
    "commands",
    "conflict",
    "deadline",
    "file_too_large",
    "internal",
    "mask_gone",
    "mask_unfit",
    "masks_missing",
    "nothing_found",
    "own_style",
    "photo_gone",
    "photo_too_large",
    "photo_too_small",
    "photo_unreadable",
    "poll",
    "position",
    "refused",
    "server",
    "server_down",
    "server_fault",
    "storage",
    "style_gone",
    "styles",
    "telegram_away",
    "update",
    "updates",
    "webhook_body",
    "webhook_changed",
    "webhook_refused",
    "webhook_secret",
]  # what each means: docs/bot.md
Outcome = Literal["painted", "failed", "cancelled", "user_limit", "queue_full"]
Retry = Literal["network", "retry_after"]

UPDATES = Counter("tfstyle_bot_updates", "Updates stored.")
PHOTOS = Counter("tfstyle_bot_photos", "Photos by what became of them.", ["outcome"])
STYLES = Counter("tfstyle_bot_styles", "Paintings a style was used in.", ["style"])
ERRORS = Counter("tfstyle_bot_errors", "Faults by kind.", ["kind"])
TELEGRAM_RETRIES = Counter("tfstyle_bot_telegram_retries", "Calls of the Bot API that were tried again.", ["reason"])
STAGE_SECONDS = Histogram(
    "tfstyle_bot_stage_seconds", "Seconds of each part of a job.", ["stage"], buckets=_SECONDS
)  # wait, fetch, paint, deliver
ANSWER_SECONDS = Histogram("tfstyle_bot_answer_seconds", "Seconds from a stored job to its answer.", buckets=_SECONDS)
QUEUE = Gauge("tfstyle_bot_queue_length", "Photos in line by state.", ["state"])

for _counter, _values in ((ERRORS, Fault), (PHOTOS, Outcome), (TELEGRAM_RETRIES, Retry)):
    for _value in get_args(_values):
        _counter.labels(_value)


def count_fault(kind: Fault) -> None:
    """One more fault of a kind."""
    ERRORS.labels(kind).inc()


def count_photos(outcome: Outcome, photos: int) -> None:
    """So many photos more that this became of."""
    PHOTOS.labels(outcome).inc(photos)


def count_retry(reason: Retry) -> None:
    """One more call of the Bot API that is made again."""
    TELEGRAM_RETRIES.labels(reason).inc()
