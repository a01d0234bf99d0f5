"""How a fixed time is shared between getting ready, learning and saving."""

import math
import time

from tfstyle.errors import TrainingError

MIN_LEARNING_SECONDS = 20.0  # seconds; in less, no row gets anywhere


class Budget:
    """Wall-clock time, from when this is made to when everything is saved.

    How long saving takes is not known before it is done. It takes less than getting ready, and what slows one slows the
    other, so as much time is set aside for it as getting ready took.

    Args:
        minutes: All the time there is.
    """

    clock = staticmethod(time.monotonic)  # seconds

    def __init__(self, minutes: float):
        self.seconds = 60 * minutes
        self.began = self.ready = self.clock()
        self.until = self.began + self.seconds

    def start_learning(self) -> None:
        """Call when everything is ready.

        Raises:
            TrainingError: If too little time is left to learn anything; the message says how much it takes.
        """
        self.ready = self.clock()
        took = self.ready - self.began
        self.until = self.began + self.seconds - took
        if self.left < MIN_LEARNING_SECONDS:
            least = math.ceil((2 * took + MIN_LEARNING_SECONDS) / 6) / 10
            raise TrainingError(
                f"Expected at least {least:g} minutes: getting ready took {took:.0f} s here, and saving may take as "
                f"long. Got {self.seconds / 60:g}: give --minutes {math.ceil(least)} or more."
            )

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.began

    @property
    def left(self) -> float:
        """Seconds left to learn; negative when they are over."""
        return self.until - self.clock()

    @property
    def learned(self) -> float:
        """Share of the time for learning that is over, 0 to 1."""
        return min(1.0, (self.clock() - self.ready) / (self.until - self.ready))
