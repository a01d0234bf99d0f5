"""The folder that stylized images go into.

A file in it is whole, wherever a process was killed; that it is there says that it is done.

<folder>/<photo's name>     the stylized images
<folder>/errors.csv         a row for each photo that could not be painted: path, error
<folder>/bulk.json          the settings that all of them were made with
<folder>/.tfstyle/          files that are being written, and the lock of the job that writes
"""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tfstyle.errors import RequestError

ERRORS_FILE = "errors.csv"
SETTINGS_FILE = "bulk.json"
_HIDDEN = ".tfstyle"
_PARTIAL = Path(_HIDDEN) / "partial"
_HEADER = ("path", "error")

Settings = Mapping[str, str | float | bool | None]


class OutputFolder:
    """A folder of stylized images while one job writes into it; see `open_output_folder`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.errors = 0  # rows in the table
        self._table = folder / ERRORS_FILE
        self._append([_HEADER], "w")

    def done(self) -> set[str]:
        """Names of the stylized images that are there."""
        names = set()
        for parent, folders, files in os.walk(self.folder):
            if parent == str(self.folder):
                folders[:] = [name for name in folders if name != _HIDDEN]
            names |= {os.path.relpath(os.path.join(parent, name), self.folder) for name in files}
        return names

    def add_error(self, path: str, sentence: str) -> None:
        """Write a row of the table of errors; it is on its way to the disk when this returns."""
        self.errors += 1
        self._append([(path, sentence)], "a")

    def sort_errors(self) -> None:
        """Put the table in the order of paths, so that it does not tell who was faster."""
        with self._table.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            _, *rows = csv.reader(file)
        sorted_table = self.folder / _PARTIAL / ERRORS_FILE
        self._append([_HEADER, *sorted(map(tuple, rows))], "w", sorted_table)
        sorted_table.replace(self._table)

    def _append(self, rows: list[tuple[str, ...]], mode: str, table: Path | None = None) -> None:
        with (table or self._table).open(mode, encoding="utf-8", errors="surrogateescape", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)


@contextmanager
def open_output_folder(folder: Path, settings: Settings) -> Iterator[OutputFolder]:
    """Take a folder for one job: a new one, or one that was painted into with the same settings.

    What a killed job was writing is removed.

    Args:
        folder: Made if missing.
        settings: Everything that decides how stylized images look, by the option's name.

    Raises:
        RequestError: If other settings or other files are there, or another job writes into it.
    """
    if folder.is_dir() and not (folder / SETTINGS_FILE).exists() and (found := _others(folder)):
        raise RequestError(
            f"{folder}: expected an empty folder, or one that tfstyle bulk has painted into, found {found}; choose "
            "another with -o."
        )
    (folder / _HIDDEN).mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _HIDDEN / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RequestError(f"{folder}: another tfstyle bulk paints into it; wait until it has ended.") from None
    try:
        shutil.rmtree(folder / _PARTIAL, ignore_errors=True)
        (folder / _PARTIAL).mkdir()
        _keep_settings(folder, settings)
        outputs = OutputFolder(folder)
        yield outputs
        outputs.sort_errors()
        shutil.rmtree(folder / _PARTIAL)
    finally:
        lock.release()


class Attempt:
    """One stylized image on its way into a folder that `open_output_folder` has taken, perhaps on another machine.

    Within it, a file says that somebody is at it; a process that dies leaves that file, and the next one counts.

    Args:
        folder: The folder.
        name: The stylized image's, from there.
    """

    def __init__(self, folder: Path, name: str):
        self.target = folder / name
        self._trace = folder / _PARTIAL / hashlib.sha256(os.fsencode(name)).hexdigest()

    def __enter__(self) -> "Attempt":
        with self._trace.open("ab") as file:
            self.deaths = file.tell()  # processes that died at this stylized image
            file.write(b".")
        return self

    def __exit__(self, *exception) -> None:
        self._trace.unlink(missing_ok=True)

    def save(self, data: bytes) -> None:
        """Write the stylized image, or nothing of it.

        Raises:
            OSError: As the file system has it.
        """
        partial = self._trace.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave a name without a content
            self.target.parent.mkdir(parents=True, exist_ok=True)
            partial.replace(self.target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _keep_settings(folder: Path, settings: Settings) -> None:
    path = folder / SETTINGS_FILE
    if not path.exists():
        partial = folder / _PARTIAL / SETTINGS_FILE
        partial.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path)
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        different = [key for key in settings if before.get(key) != settings[key]]
    except (ValueError, AttributeError):
        raise RequestError(
            f"{path}: expected the settings of the paintings beside it, got something else; choose another folder with "
            "-o."
        ) from None
    if different:
        key = different[0]
        raise RequestError(
            f"{folder} was painted with {key} {_shown(before.get(key))}, and this is {key} {_shown(settings[key])}; go "
            "on with the same options, or choose another folder with -o."
        )


def _others(folder: Path) -> str | None:
    return next((name for name in sorted(os.listdir(folder)) if name != _HIDDEN), None)


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
