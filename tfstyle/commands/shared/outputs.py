"""Which photos a command line means, and where each painting goes."""

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from tfstyle.errors import PhotoError, RequestError
from tfstyle.imaging.photo import PHOTO_SUFFIXES, SUFFIX_BY_FORMAT, Photo, format_for
from tfstyle.imaging.whole_file import write_file

STREAM = "-"  # stdin as a photo, stdout as an output
_FILE_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}")  # and no folder's, such as trip.2026


def list_photos(arguments: Sequence[str], *, recursive: bool = False) -> list[str]:
    """Files as they are given, folders as the photos in them by name; `-` stays `-`.

    Args:
        arguments: Files, folders or `-`.
        recursive: Look into sub-folders, too; those whose name starts with a dot are passed over.

    Raises:
        PhotoError: If a folder holds no photos.
        RequestError: If stdin is asked for twice.
    """
    photos: list[str] = []
    for argument in arguments:
        if argument == STREAM or not os.path.isdir(argument):
            photos.append(argument)
            continue
        found = _below(Path(argument)) if recursive else _within(Path(argument))
        if not found:
            hint = "" if recursive or not _below(Path(argument)) else "; for those in its sub-folders give --recursive"
            raise PhotoError(f"{argument}: expected a folder with photos in it, found none{hint}.")
        photos += found
    if photos.count(STREAM) > 1:
        raise RequestError("Expected - (stdin) once among the photos, got it several times.")
    return photos


def _within(folder: Path) -> list[str]:
    files = sorted(entry for entry in folder.iterdir() if entry.suffix.lower() in PHOTO_SUFFIXES)
    return [str(file) for file in files if file.is_file() and not file.name.startswith(".")]


def _below(folder: Path) -> list[str]:
    found = []
    for parent, folders, _ in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += _within(Path(parent))
    return found


class KnownFiles:
    """Files by what they are: a second name, a link, and other letters where the file system folds them are the same.

    Args:
        files: Those that are known; they need not be there.
    """

    def __init__(self, files: Iterable[str | os.PathLike[str]] = ()):
        self._identities: set[Path | tuple[int, int]] = set()
        self._absent: list[Path] = []  # a file that is written meanwhile gets its identity then
        for file in files:
            self.add(file)

    def __contains__(self, file: str | os.PathLike[str]) -> bool:
        absent, self._absent = self._absent, []
        for path in absent:
            self.add(path)
        return not self._identities.isdisjoint(_identities(file))

    def add(self, file: str | os.PathLike[str]) -> None:
        """Know one more."""
        identities = _identities(file)
        self._identities |= identities
        if len(identities) == 1:
            self._absent.append(Path(file))

    def update(self, others: "KnownFiles") -> None:
        """Know what others know."""
        self._identities |= others._identities
        self._absent += others._absent


def _identities(file: str | os.PathLike[str]) -> set[Path | tuple[int, int]]:
    """The resolved path, and device and number of the file there, if there is one."""
    identities: set[Path | tuple[int, int]] = {Path(os.path.realpath(file))}
    with suppress(OSError, ValueError):
        found = os.stat(file)
        identities.add((found.st_dev, found.st_ino))
    return identities


class Outputs:
    """Names for paintings that never fall on a photo that was given, nor on another painting of the same call.

    Args:
        output: What -o says: a file, a folder (made if missing), `-` for stdout, or None: the current folder, and
            stdout for the photo from stdin. A name with a picture's suffix is a file unless such a folder exists.
        photos: Every photo of this call, as `list_photos` has them.
        label: What goes between the photo's name and the suffix: photo.LABEL.jpg.
        inputs: What else the call may read: files, such as masks, or words that are none.
        roots: Folders whose photos keep their sub-folders where outputs go.

    Raises:
        RequestError: If `output` is one file or stdout for several photos, is a photo itself or another input, or names
            no format that can be written.
    """

    def __init__(
        self,
        output: str | None,
        photos: Sequence[str],
        label: str,
        inputs: Sequence[str | None] = (),
        roots: Sequence[str] = (),
    ):
        self._label = label
        self._roots = [Path(root) for root in roots if os.path.isdir(root)]
        others = KnownFiles(file for file in inputs if file and Path(file).is_file())  # and not words such as `left`
        self._taken = KnownFiles(photo for photo in photos if photo != STREAM)
        self._stdout = output == STREAM or (output is None and list(photos) == [STREAM])
        self._file: Path | None = None
        self._folder = Path()
        if self._stdout:
            if len(photos) > 1:
                raise RequestError(f"Expected one photo for stdout, got {len(photos)}; use -o FOLDER.")
            if sys.stdout.isatty():
                raise RequestError("Expected stdout to be a file or a pipe, got the terminal; use -o FILE.")
        elif output is not None and self._is_file(output):
            if len(photos) > 1:
                raise RequestError(
                    f"Expected a folder for {len(photos)} photos, got the file {output!r}; use -o FOLDER."
                )
            try:
                format_for(output)
            except RequestError as error:
                raise RequestError(f"{error} A folder of that name is {output}{os.sep}") from None
            self._file = Path(output)
            if self._file in others:
                raise RequestError(f"{output}: this is read as well; choose another name for the painting.")
            if self._file in self._taken:
                raise RequestError(f"{output}: this is the photo itself; choose another name for the painting.")
        elif output is not None:
            self._folder = Path(output)
        self._taken.update(others)

    @property
    def to_stdout(self) -> bool:
        """Whether the painting goes to stdout."""
        return self._stdout

    def path_for(self, photo: Photo) -> Path | None:
        """Where the painting of this photo goes; its suffix says in which format. None is stdout."""
        if self._stdout:
            return None
        if self._file is not None:
            return self._file
        suffix = SUFFIX_BY_FORMAT[photo.writable_format()]
        stem = f"{Path(photo.name).stem}.{self._label}"
        parent = Path(photo.name).parent
        inside = next((parent.relative_to(root) for root in self._roots if parent.is_relative_to(root)), Path())
        path, number = self._folder / inside / f"{stem}{suffix}", 1
        while path in self._taken:
            number += 1
            path = self._folder / inside / f"{stem}-{number}{suffix}"
        self._taken.add(path)
        return path

    def of_earlier_runs(self, photos: Sequence[str], given: Sequence[str], styles: Sequence[str]) -> set[str]:
        """Photos that are outputs of this command for others beside them, in the folder that outputs go to again.

        Args:
            photos: As `list_photos` has them.
            given: As they were asked for; what was asked for by its own name is a photo, whatever it is called.
            styles: Of the model: what outputs may be called after.
        """
        if self._file is not None or self._stdout:
            return set()
        here = os.path.realpath(self._folder)
        mine = [Path(photo) for photo in photos if photo not in given and os.path.realpath(Path(photo).parent) == here]
        stems = {path.stem for path in mine}
        found = set()
        for path in mine:
            stem, _, label = path.stem.rpartition(".")
            names = re.sub(r"-\d+$", "", label).split("+")
            if stem in stems and all(name in styles for name in names):
                found.add(str(path))
        return found

    @staticmethod
    def _is_file(output: str) -> bool:
        if os.path.isdir(output) or output.endswith(("/", os.sep)):
            return False
        # .gif, .pdf and others cannot be written: better said so than made a folder of that name
        return os.path.exists(output) or _FILE_SUFFIX.fullmatch(Path(output).suffix) is not None


def write(data: bytes, path: Path | None) -> None:
    """Write a painting to its file, making its folder, or to stdout."""
    if path is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, data)


def as_json(value: object) -> str:
    """A line of JSON that stdout can write: names of files may be no Unicode, and stdout may know less than Unicode."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def prepare(files: Sequence[str | os.PathLike[str] | None], inputs: Sequence[str | None]) -> None:
    """Make the folders of files that take long to come to, and see that they can be written.

    Args:
        files: What will be written; None is passed over.
        inputs: What the call reads: files, or words that are none.

    Raises:
        RequestError: If one cannot be written, or is an input.
    """
    read = KnownFiles(file for file in inputs if file and Path(file).is_file())
    for path in (Path(file) for file in files if file is not None):
        if path in read:
            raise RequestError(f"{path}: this is read or written as well; choose another name.")
        read.add(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                path.open("ab").close()
            else:
                tempfile.TemporaryFile(dir=path.parent).close()
        except OSError as error:
            raise RequestError(
                f"Expected a file that can be written at {path}, but that fails ({error.strerror}); choose another."
            ) from None
