"""Benchmarks that need no rival, from end to end in their quick form: commands that nobody runs would rot."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("bot.overhead --quick", "CPU seconds for a photo"),
        ("stylize.cost --quick", "| seconds |"),
        ("pictures.flicker --quick", "| mean |"),
        ("serving.server_memory --quick", "| 512 x 512 |"),
    ],
)
def test_the_quick_form_of_a_benchmark_measures_something(command, said, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", *f"benchmarks.{command}".split()], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
