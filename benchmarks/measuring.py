"""What the benchmarks share: turns, medians, processes that are asked for one timing at a time, results on disk."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from tfstyle.errors import StyleTransferError

RESULTS = Path(__file__).with_name("results")
MIN_TURNS = 9
STYLE_WEIGHT = 2.0  # total = content + 2 * style, both relative to their targets


class BenchmarkError(Exception):
    """Nothing can be measured; the message says what is missing."""


def one_sentence(main: Callable[..., int]) -> Callable[..., int]:
    """Let a benchmark that cannot measure, for whatever it says, end with that sentence and 2."""

    @wraps(main)
    def guarded(*args: Any) -> int:
        try:
            return main(*args)
        except (StyleTransferError, BenchmarkError) as error:
            print(f"{Path(main.__code__.co_filename).stem}: {error}", file=sys.stderr)
            return 2

    return guarded


def in_turns(sides: Mapping[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """Ask every side for one number a turn, forwards and backwards, so that a machine that slows down harms all alike.

    Args:
        sides: Name to what is asked, such as the seconds of one call.
        turns: Numbers of each side.

    Returns:
        Name to its numbers, the n-th of every side from the same turn.
    """
    asked: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(turns):
        for name in sides if turn % 2 == 0 else reversed(sides):
            asked[name].append(sides[name]())
    return asked


def medians(asked: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Median of each side."""
    return {name: statistics.median(numbers) for name, numbers in asked.items()}


def median_ratio(asked: Mapping[str, Sequence[float]], over: str, under: str) -> float:
    """Median of `over` divided by `under`, turn by turn."""
    return statistics.median(a / b for a, b in zip(asked[over], asked[under], strict=True))


def percentiles(seconds: Sequence[float], wanted: Iterable[int] = (50, 95, 99)) -> dict[str, float]:
    """Latencies by name, `p50` and so on, interpolated linearly."""
    return {f"p{percent}": float(np.percentile(seconds, percent)) for percent in wanted}


def cpu_seconds(pid: int) -> float:
    """Seconds that CPUs have worked for a process so far."""
    import psutil

    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def peak_bytes() -> int:
    """The most memory that this process has had resident (Linux, macOS)."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Worker:
    """A process that answers every line of JSON with one, and so can take turns with others.

    Args:
        name: What messages call it.
        command: What to run.
        environment: Variables besides those of this process.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None):
        self._name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request, wait for its answer.

        Raises:
            BenchmarkError: If the process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise BenchmarkError(f"The process of {self._name} ended early; its message is above.")
        return json.loads(answer)

    def timing(self, **request: Any) -> Callable[[], float]:
        """What sends the request and gives back the `seconds` of the answer, for `in_turns`."""
        return lambda: self.ask(**request)["seconds"]


def machine(*packages: str) -> dict[str, Any]:
    """Where numbers are from: processor, cores, Python, versions of packages."""
    model = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        model = next(
            (line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line), model
        )
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages},
    }


def model_name(version: Path) -> str:
    """What a version's folder holds, such as `tfstyle/1`."""
    return "/".join(version.resolve().parts[-2:])


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; numbers are right-aligned, and floats have three significant digits."""
    cells = [[f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    ruler = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ruler, *cells)) + "\n"


def add_results_option(parser: argparse.ArgumentParser, quick: str) -> None:
    """`--results`, where `save` writes, and `--quick`, with what it does; of a quick run nothing is kept by default."""
    parser.add_argument("--results", type=Path, metavar="DIR", help="default: benchmarks/results; none with --quick")
    parser.add_argument("--quick", action="store_true", help=f"{quick}: shows that it works")


def save(args: argparse.Namespace, name: str, result: Mapping[str, Any], text: str) -> None:
    """Prints the text and, where results are kept, writes it as `name.md` and the result as `name.json`."""
    print(text, end="")
    folder = args.results or (None if args.quick else RESULTS)
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    (folder / f"{name}.md").write_text(text)
    print(f"{folder / name}.json and .md written.", file=sys.stderr)
