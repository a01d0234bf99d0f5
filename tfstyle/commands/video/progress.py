"""What a person sees of a video that is painted."""

import sys
import time

from tfstyle.commands.shared.progress import LOG_SECONDS


class VideoProgress:
    """Frames painted, frames a second and time left, on stderr; lines in a log."""

    def __init__(self, video: str, *, quiet: bool):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._log = not quiet and not console.is_terminal
        self._video = video
        self._began = self._told = time.monotonic()
        self._first: int | None = None

    def __enter__(self) -> "VideoProgress":
        self._bar.start()
        self._task = self._bar.add_task(self._video, total=None, rate="")
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def report(self, done: int, total: int | None) -> None:
        """Frames painted, and how many there will be, if anybody knows."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = done, now
            if done and self._log:
                print(f"{self._video}: going on after {done} frames", file=sys.stderr)
        rate = f"{(done - self._first) / max(now - self._began, 1e-6):.1f} frames/s"
        total = None if total is None else max(total, done)
        self._bar.update(self._task, completed=done, total=total, rate=rate)
        if self._log and now > self._told + LOG_SECONDS:
            self._told = now
            print(f"{self._video}: {done} of {total or 'unknown'} frames, {rate}", file=sys.stderr)
