"""Activations of a picture that is too large for memory, in a temporary file."""

import os
import tempfile

import numpy as np


class RowFile:
    """A tensor, float32 `[C,H,W]`, in a temporary file, read and written by rows; gone when it is closed.

    It is not mapped into memory: what the operating system keeps of it is cache, given up where memory is short.
    """

    def __init__(self, channels: int, height: int, width: int):
        self.shape = channels, height, width
        self._row_bytes = 4 * channels * width
        self._file = tempfile.TemporaryFile(prefix="tfstyle-", dir=row_file_folder())  # noqa: SIM115

    def close(self) -> None:
        """Frees the disk."""
        self._file.close()

    def read(self, start: int, stop: int) -> np.ndarray:
        """Rows `start` to `stop`, float32 `[1,C,rows,W]`."""
        channels, _, width = self.shape
        rows = np.empty((stop - start, channels, width), np.float32)
        self._file.seek(start * self._row_bytes)
        self._file.readinto(rows.data.cast("B"))
        return np.ascontiguousarray(rows.transpose(1, 0, 2))[None]

    def write(self, start: int, values: np.ndarray) -> None:
        """Writes `[1,C,rows,W]` from row `start` on.

        Raises:
            OSError: If the disk is full.
        """
        self._file.seek(start * self._row_bytes)
        self._file.write(np.ascontiguousarray(values[0].transpose(1, 0, 2)).data.cast("B"))


def row_file_folder() -> str:
    """Where the files are: where `TMPDIR` says, else /var/tmp, because /tmp is in memory on many systems."""
    if "TMPDIR" not in os.environ and os.access("/var/tmp", os.W_OK):
        return "/var/tmp"
    return tempfile.gettempdir()
