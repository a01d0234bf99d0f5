"""What may be counted is there from the start, and is counted somewhere; test_faults.py looks for it in the docs."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import bot.metrics
from bot.metrics import Fault, Outcome, Retry

ROOT = Path(__file__).resolve().parents[2]
SERIES = [
    ("tfstyle_bot_errors_total", "kind", Fault),
    ("tfstyle_bot_photos_total", "outcome", Outcome),
    ("tfstyle_bot_telegram_retries_total", "reason", Retry),
]


def test_every_series_is_exported_at_zero_before_anything_is_counted():
    """Of a process of its own: in this one others may have counted already."""
    code = "import bot.metrics, prometheus_client; print(prometheus_client.generate_latest().decode())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    told = set(done.stdout.splitlines())
    for metric, label, values in SERIES:
        assert {f'{metric}{{{label}="{value}"}} 0.0' for value in get_args(values)} <= told


def test_every_value_is_counted_somewhere():
    """That nothing else is counted is for the type checker to see."""
    others = [path for path in (ROOT / "bot").rglob("*.py") if path != Path(bot.metrics.__file__)]
    code = "".join(path.read_text(encoding="utf-8") for path in others)

    assert [value for _, _, values in SERIES for value in get_args(values) if f'"{value}"' not in code] == []
