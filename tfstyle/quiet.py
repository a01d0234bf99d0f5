"""TensorFlow, and Ray, without their greetings.

Importing TensorFlow and touching its devices for the first time logs several lines about missing GPUs to stderr, from
C++ and before `TF_CPP_MIN_LOG_LEVEL` has any effect. A command whose stderr is for people cannot have that.
"""

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_lock = threading.RLock()  # the file descriptor belongs to the whole process


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Drop what C++ writes to stderr meanwhile; Python's `sys.stderr` goes on, and a progress bar with it.

    Sets `TF_CPP_MIN_LOG_LEVEL` to 3 where nothing else is set; with 0 nothing is dropped, to look for faults.
    """
    os.environ.setdefault(_LEVEL, "3")
    if os.environ[_LEVEL] == "0":
        yield
        return
    with quiet_libraries():
        yield


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drop what anything but Python writes to stderr meanwhile."""
    with _lock:
        python_stderr = sys.stderr
        try:
            saved = os.dup(2)
        except OSError:  # a daemon without stderr: nothing to be quiet about
            yield
            return
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            if _is_descriptor_2(python_stderr):
                python_stderr.flush()
                sys.stderr = open(  # noqa: SIM115 - closed below, after sys.stderr is put back
                    os.dup(saved), "w", buffering=1, encoding=python_stderr.encoding, errors="backslashreplace"
                )
            os.dup2(null, 2)
            yield
        finally:
            os.dup2(saved, 2)
            if sys.stderr is not python_stderr:
                sys.stderr.close()
                sys.stderr = python_stderr
            os.close(saved)
            os.close(null)


def _is_descriptor_2(stream: object) -> bool:
    try:
        return stream.fileno() == 2  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError, io.UnsupportedOperation):
        return False
