"""Files that are whole or not there: written beside their place, then renamed to it."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that what was there before stays until all of it is on disk.

    Raises:
        OSError: If it cannot be written; its `filename` is `path`, which is as it was.
    """
    with new_file(path) as file:
        file.write(data)


@contextmanager
def new_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """An open file that takes the place of `path` when the block ends, and leaves it alone if the block fails.

    A link is followed, and a file keeps its mode. What is no regular file, such as /dev/stdout, or lies in a folder
    that takes no new files, is written in place.

    Raises:
        OSError: As `write_file`.
    """
    try:
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        if _only_in_place(target):
            with target.open("wb") as file:
                yield file
            return
        with _beside(target) as file:
            yield file
    except OSError as error:
        # Of the temporary file nobody has heard.
        raise type(error)(error.errno, error.strerror or str(error), os.fspath(path)) from error


def _only_in_place(target: Path) -> bool:
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        return True
    return target.exists() and not os.access(target.parent, os.W_OK)


@contextmanager
def _beside(target: Path) -> Iterator[BinaryIO]:
    descriptor, temporary = tempfile.mkstemp(prefix=".tfstyle-", dir=target.parent)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        if target.exists():
            shutil.copymode(target, temporary)
        else:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
