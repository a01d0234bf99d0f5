"""Silence for C++, not for Python."""

import os
import subprocess
import sys

SCRIPT = """
import os, sys
from tfstyle.quiet import quiet_tensorflow
print("before", file=sys.stderr)
with quiet_tensorflow():
    os.write(2, b"I0000 noise from C++\\n")
    print("progress", file=sys.stderr)
os.write(2, b"after\\n")
print("the end", file=sys.stderr)
"""


def said(**environment):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    return done.stderr.splitlines()


def test_only_what_does_not_come_from_python_is_dropped(monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    assert said(PYTHONPATH=os.getcwd()) == ["before", "progress", "after", "the end"]


def test_nothing_is_dropped_when_asked_for():
    assert "I0000 noise from C++" in said(PYTHONPATH=os.getcwd(), TF_CPP_MIN_LOG_LEVEL="0")
