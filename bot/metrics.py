"""What Prometheus may know: counts and times, nothing about anybody."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)

UPDATES = Counter("tfstyle_bot_updates", "Updates stored.")
PHOTOS = Counter("tfstyle_bot_photos", "Photos by what became of them.", ["outcome"])
STYLES = Counter("tfstyle_bot_styles", "Paintings a style was used in.", ["style"])
ERRORS = Counter("tfstyle_bot_errors", "Faults by kind.", ["kind"])
TELEGRAM_RETRIES = Counter("tfstyle_bot_telegram_retries", "Calls of the Bot API that were tried again.", ["reason"])
STAGE_SECONDS = Histogram(
    "tfstyle_bot_stage_seconds", "Seconds of each part of a job.", ["stage"], buckets=_SECONDS
)  # wait, fetch, paint, deliver
ANSWER_SECONDS = Histogram("tfstyle_bot_answer_seconds", "Seconds from a stored job to its answer.", buckets=_SECONDS)
QUEUE = Gauge("tfstyle_bot_queue_length", "Paint jobs by state.", ["state"])
