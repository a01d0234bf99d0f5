"""Ctrl-C that waits for a good moment: a frame is finished first."""

import signal
import threading
from types import FrameType
from typing import Self


class Interruption:
    """Notes Ctrl-C instead of raising KeyboardInterrupt in the middle of something; a second one raises it.

    with Interruption() as interruption:
        while not interruption.wanted: ...

    Attributes:
        wanted: Whether somebody pressed it.
    """

    def __init__(self) -> None:
        self.wanted = False

    def __enter__(self) -> Self:
        self._installed = threading.current_thread() is threading.main_thread()  # signals come there alone
        if self._installed:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
