"""How many hostile inputs there are, and what each may cost."""

import faulthandler
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings

SCALE = int(os.environ.get("TFSTYLE_FUZZ_SCALE", "1"))
HANG_SECONDS = 60

T = TypeVar("T")


def cases(count: int) -> settings:
    """So many cases, the same ones each time, unless there is time for more."""
    return settings(
        max_examples=count * SCALE,
        deadline=None,
        derandomize=SCALE == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def no_hang() -> Iterator[None]:
    """Ends this process, and shows where it was, if the block does not end; C code that hangs hears nothing else."""
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def outcome(
    call: Callable[[], T], refusal: type[BaseException] | tuple[type[BaseException], ...]
) -> tuple[T | None, str]:
    """What a call gives, or the sentence that it is refused with. Anything else that is raised is a defect."""
    with no_hang():
        try:
            return call(), ""
        except refusal as error:
            return None, str(error) or "nothing said"


@contextmanager
def bounded_memory(megabytes: float) -> Iterator[None]:
    """Fails if this process, at any moment of the block, had so much more memory than before (Linux)."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        yield
        return
    reset.write_text("5")  # the peak so far is forgotten
    before = _megabytes(status, "VmRSS")
    yield
    grown = _megabytes(status, "VmHWM") - before
    assert grown < megabytes, f"{grown:.0f} MB more, expected less than {megabytes}"


def _megabytes(status: Path, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", status.read_text())
    assert found is not None
    return int(found[1]) / 1024
