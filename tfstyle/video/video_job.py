"""A long run in pieces on disk: killed at any time, the same call goes on, and the result is the same.

Beside the output lies a folder, .OUTPUT.tfstyle, until the output is whole:

    job.json       what decides the result; another call begins anew
    00000.mkv ...  segments of painted frames
    00000.npz ...  when their frames are shown, and with the newest what the next frame depends on
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from tfstyle.errors import RequestError, VideoError
from tfstyle.video.files.joining import Segment
from tfstyle.video.pipeline import State

SEGMENT_FRAMES = 120  # what is lost at most; ten seconds of work on two cores


class VideoJob:
    """The folder of one run; held by one process at a time.

        with VideoJob(output, identity) as job: ...

    Args:
        output: What comes out in the end.
        identity: All that decides the result, as JSON knows it.

    Attributes:
        segments: Those that are whole, in order.
        state: What the next frame depends on, after the last of them.

    Raises:
        RequestError: If the output is there already and not of this run, another process is at it, or nothing can be
            written beside it.
    """

    def __init__(self, output: Path, identity: Mapping[str, Any], *, overwrite: bool = False):
        self.output = output
        self.folder = output.parent / f".{output.name}.tfstyle"
        self._identity = json.loads(json.dumps(identity, sort_keys=True, default=str))
        self._lock = FileLock(output.parent / f".{output.name}.tfstyle.lock")
        self._overwrite = overwrite
        self.segments: list[Segment] = []
        self.state: State | None = None

    def __enter__(self) -> "VideoJob":
        try:
            self.output.parent.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.output.parent).close()  # or the lock would seem to be another's
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RequestError(f"{self.output}: another process is painting into it; wait for it or end it.") from None
        except OSError as error:
            raise RequestError(
                f"{self.output}: expected an output that can be written, got: {error.strerror}."
            ) from None
        try:
            self._open()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._release()

    @property
    def frames(self) -> int:
        """How many are painted and on disk."""
        return sum(len(segment.ticks) for segment in self.segments)

    def next_path(self) -> Path:
        """Where the next segment is written until it is whole."""
        return self.folder / f"{len(self.segments):05}.part"

    def add(self, ticks: list[int], end: int, state: State | None) -> None:
        """Keep the segment at `next_path`, with what the next frame depends on."""
        number = len(self.segments)
        arrays = {f"state.{name}": value for name, value in (state or {}).items()}
        times, part = self.folder / f"{number:05}.npz", self.folder / "times.part"
        with open(part, "wb") as file:
            np.savez(file, ticks=np.array(ticks, np.int64), end=np.array(end, np.int64), **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, times)
        path = self.folder / f"{number:05}.mkv"
        os.replace(self.next_path(), path)  # from here on it counts
        self.segments.append(Segment(path, ticks, end))
        if number:
            self._forget_state(number - 1)

    def part(self) -> Path:
        """Where the output is put together, on the same disk as it."""
        return self.folder / "output.part"

    def publish(self, *, whole: bool) -> None:
        """Put what lies at `part` under the output's name; once it is whole, nothing else is kept."""
        if not whole:
            self._mark_partial(self.part())
        os.replace(self.part(), self.output)
        if whole:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _open(self) -> None:
        identity = self.folder / "job.json"
        known = _read_json(identity)
        if self.output.exists() and not self._overwrite and not self._is_own(known):
            raise RequestError(f"{self.output}: expected a new output, but it exists; remove it, or add --overwrite.")
        if self.output.is_dir():
            raise RequestError(f"{self.output}: expected a file as output, got a folder.")
        if known is None or known.get("identity") != self._identity:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            part = self.folder / "job.part"
            part.write_text(json.dumps({"identity": self._identity}, indent=1))
            os.replace(part, identity)
        while (path := self.folder / f"{len(self.segments):05}.mkv").exists():
            with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
                self.segments.append(Segment(path, [int(tick) for tick in stored["ticks"]], int(stored["end"])))
                self.state = {name[6:]: stored[name] for name in stored.files if name.startswith("state.")} or None

    def _is_own(self, known: dict[str, Any] | None) -> bool:
        """Whether the output is what this run had done when it was interrupted."""
        if known is None or known.get("identity") != self._identity:
            return False
        stat = self.output.stat()
        return bool(known.get("partial") == [stat.st_size, stat.st_mtime_ns])

    def _mark_partial(self, path: Path) -> None:
        stat = path.stat()
        part = self.folder / "job.part"
        part.write_text(json.dumps({"identity": self._identity, "partial": [stat.st_size, stat.st_mtime_ns]}, indent=1))
        os.replace(part, self.folder / "job.json")

    def _forget_state(self, number: int) -> None:
        segment = self.segments[number]
        part = self.folder / "times.part"
        with open(part, "wb") as file:
            np.savez(file, ticks=np.array(segment.ticks, np.int64), end=np.array(segment.end, np.int64))
        os.replace(part, segment.path.with_suffix(".npz"))

    def _release(self) -> None:
        self._lock.release()
        with contextlib.suppress(OSError):
            os.remove(self._lock.lock_file)


def fingerprint(path: Path) -> dict[str, Any]:
    """What tells a file from others without reading all of it: size, time, and the SHA-256 of its first megabyte."""
    try:
        stat = path.stat()
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read(2**20)).hexdigest()
    except IsADirectoryError:
        raise VideoError(f"{path}: expected a video, got a folder.") from None
    return {"name": path.name, "size": stat.st_size, "time": stat.st_mtime_ns, "sha256": digest}


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
