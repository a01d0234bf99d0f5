"""Where training photos come from: the official COCO folder or zip, a tar, or any folder of photos.

Opening reads headers only, so the 118 287 photos of train2017 are listed without decoding one, and an
archive is never unpacked. Gray-scale photos teach a colour transformation nothing and are left out, as are photos
too small to crop, and files that are no photo at all; `PhotoSet.skipped` counts them.

A file whose header is fine can still be damaged further in. That shows when it is decoded:
`PhotoSet.decode` raises `CorruptPhotoError`, every time for the same file, so a caller that replaces it by a
photo chosen from (seed, step) stays deterministic.
"""

import os
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import IO, Protocol

from PIL import Image, ImageOps

from tfstyle.errors import TrainingError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
MIN_SIDE = 64  # below this a training crop would be mostly interpolation
GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "F"})  # and every "I;16..."

_THREADS = 4  # hides the latency of slow disks; more only wait for each other, header parsing holds the GIL
_CHUNK = 256  # files per task

# What Pillow, zipfile and zlib raise on damaged bytes. An OSError that carries an errno is the disk's, not the photo's.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    Image.DecompressionBombError,
)


class CorruptPhotoError(TrainingError):
    """A photo whose header is fine cannot be decoded; it is counted in `PhotoSet.skipped`."""


class PhotoSet:
    """Photos in a fixed order, decoded one at a time. Safe to use from several threads.

    Attributes:
        names: One name per photo: its source's name and its path inside, such as `train2017/000000000009.jpg`.
    """

    def __init__(self, sources: Sequence["_Source"], min_side: int = MIN_SIDE):
        entries = [(source, name) for source in sources for name in source.names]
        reasons = _reasons_to_skip(entries, min_side)
        self._entries = [entry for entry, reason in zip(entries, reasons, strict=True) if reason is None]
        self.names = tuple(f"{source.label}/{name}" for source, name in self._entries)
        self._left_out = [
            (f"{source.label}/{name}", reason)
            for (source, name), reason in zip(entries, reasons, strict=True)
            if reason is not None
        ]
        self._damaged: set[int] = set()  # indices, since folders of the same name may hold files of the same name

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def usable(self) -> int:
        """Number of photos without those found corrupt while decoding."""
        return len(self) - len(self._damaged)

    @property
    def rejected(self) -> list[tuple[str, str]]:
        """Name and reason of every file left out: "gray-scale", "too small", "too large" or "corrupt"."""
        return self._left_out + [(self.names[index], "corrupt") for index in sorted(self._damaged)]

    @property
    def skipped(self) -> dict[str, int]:
        """Reason to number of files left out, those found corrupt while decoding included."""
        return dict(sorted(Counter(reason for _, reason in self.rejected).items()))

    @property
    def summary(self) -> str:
        """One line for logs, such as `118287 files: 117266 photos, skipped 1021 gray-scale`."""
        skipped = self.skipped
        parts = [f"{self.usable} photos"] + [f"skipped {count} {reason}" for reason, count in skipped.items()]
        return f"{self.usable + sum(skipped.values())} files: {', '.join(parts)}"

    def decode(self, index: int, min_side: int) -> Image.Image:
        """Decode one photo, upright, as RGB.

        A JPEG much larger than needed is decoded at 1/2, 1/4 or 1/8 of its size, which is faster.

        Args:
            index: Which photo, 0 to len - 1.
            min_side: Pixels the short side must keep. The photo comes back at its own size or the smallest of the
                JPEG scales that keeps this; a smaller photo is never enlarged.

        Returns:
            A Pillow image of mode RGB, short side >= min(min_side, the photo's own short side).

        Raises:
            CorruptPhotoError: The file is damaged; the same index fails the same way every time.
            TrainingError: The file is gone or the disk failed.
        """
        source, name = self._entries[index]
        try:
            with source.open(name) as stream:
                encoded = BytesIO(stream.read())  # read to its end, so that a zip checks its CRC
            with Image.open(encoded) as image:
                image.draft("RGB", (min_side, min_side))
                return ImageOps.exif_transpose(image).convert("RGB")
        except _DAMAGED as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise TrainingError(
                    f"Cannot read {self.names[index]}, which was there when training began: {error}."
                ) from error
            self._damaged.add(index)
            raise CorruptPhotoError(f"{self.names[index]} is damaged and cannot be decoded: {error}.") from error


def open_photos(source: str | Path | Iterable[str | Path], min_side: int = MIN_SIDE) -> PhotoSet:
    """List the usable photos of one or several sources, in an order that depends on the names only.

    Args:
        source: A folder (searched with its sub-folders; the COCO folder is one), a .zip such as train2017.zip, an
            uncompressed .tar, or several of these. Their photos follow each other, sorted by path within each.
        min_side: Photos with a shorter short side, in pixels, are left out.

    Returns:
        The photos, at least one.

    Raises:
        TrainingError: A source is missing, is of no known kind, or nothing in the sources is usable.
    """
    paths = [Path(source)] if isinstance(source, str | Path) else [Path(path) for path in source]
    if not paths:
        raise TrainingError("Expected at least one folder, .zip or .tar of photos, got none.")
    photos = PhotoSet([_open_source(path) for path in paths], min_side)
    if not len(photos):
        where = ", ".join(str(path) for path in paths)
        raise TrainingError(_nothing_usable(where, paths, photos.skipped, min_side))
    return photos


class _Source(Protocol):
    """Somewhere photos are kept: sorted names and a stream of each, from any thread."""

    label: str
    names: list[str]

    def open(self, name: str) -> IO[bytes]: ...


class _Folder:
    """Photos in a folder and its sub-folders."""

    def __init__(self, path: Path):
        self.label = path.resolve().name
        self._path = path
        found = (
            Path(folder, file).relative_to(path).as_posix() for folder, _, files in os.walk(path) for file in files
        )
        self.names = sorted(name for name in found if _is_photo_name(name))

    def open(self, name: str) -> IO[bytes]:
        return open(self._path / name, "rb")


class _Zip:
    """Photos inside a zip, read in place."""

    def __init__(self, path: Path):
        self.label = path.name
        try:
            # Handed a file object, ZipFile guards reads with a lock and never closes it behind another thread's back,
            # which it may do (a reference count without lock) when it opened the file itself.
            self._zip = zipfile.ZipFile(path.open("rb"))
        except zipfile.BadZipFile as error:
            raise TrainingError(
                f"{path} is not a complete zip file ({error}). To finish a COCO download: "
                f"tfstyle data coco --split {path.stem}"
            ) from error
        self.names = sorted(name for name in self._zip.namelist() if _is_photo_name(name))

    def open(self, name: str) -> IO[bytes]:
        return self._zip.open(name)


class _Tar:
    """Photos inside an uncompressed tar, read in place."""

    def __init__(self, path: Path):
        self.label = path.name
        self._path = path
        try:
            with tarfile.open(path, "r:") as tar:
                self._where = {
                    member.name: (member.offset_data, member.size)
                    for member in tar
                    if member.isreg() and _is_photo_name(member.name)
                }
        except tarfile.TarError as error:
            raise TrainingError(
                f"{path} is not an uncompressed .tar ({error}); photos cannot be read in place from a compressed one. "
                f"Unpack it and pass the folder."
            ) from error
        self.names = sorted(self._where)

    def open(self, name: str) -> IO[bytes]:
        offset, size = self._where[name]
        with open(self._path, "rb") as file:
            file.seek(offset)
            return BytesIO(file.read(size))


def _open_source(path: Path) -> _Source:
    if path.is_dir():
        return _Folder(path)
    if not path.exists():
        raise TrainingError(
            f"No photos at {path}: expected a folder of photos, a COCO zip or a .tar. "
            f"To download COCO: tfstyle data coco --split val2017"
        )
    match path.suffix.lower():
        case ".zip":
            return _Zip(path)
        case ".tar":
            return _Tar(path)
    raise TrainingError(f"Expected a folder of photos, a .zip or an uncompressed .tar, got the file {path}.")


def _is_photo_name(name: str) -> bool:
    """Whether a path looks like a photo; hidden files and the shadows macOS puts into zips do not."""
    parts = name.split("/")
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts if part not in (".", ".."))
    return not hidden and os.path.splitext(name)[1].lower() in SUFFIXES


def _reasons_to_skip(entries: list[tuple[_Source, str]], min_side: int) -> list[str | None]:
    """For each file, why it cannot be used, from its header alone; None if it can."""
    chunks = [entries[start : start + _CHUNK] for start in range(0, len(entries), _CHUNK)]
    with ThreadPoolExecutor(_THREADS) as threads:
        found = threads.map(lambda chunk: [_reason_to_skip(source, name, min_side) for source, name in chunk], chunks)
        return [reason for reasons in found for reason in reasons]


def _reason_to_skip(source: _Source, name: str, min_side: int) -> str | None:
    try:
        with source.open(name) as stream, Image.open(stream) as image:
            if image.mode in GRAY_MODES or image.mode.startswith("I;16"):
                return "gray-scale"
            return "too small" if min(image.size) < min_side else None
    except Image.DecompressionBombError:
        return "too large"
    except _DAMAGED:
        return "corrupt"


def _nothing_usable(where: str, paths: list[Path], skipped: dict[str, int], min_side: int) -> str:
    if skipped:
        counts = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
        return f"No usable photos in {where}: expected colour photos of at least {min_side} px, got {counts}."
    archives = [archive for path in paths if path.is_dir() for archive in sorted(path.glob("*.zip"))]
    advice = f"; {archives[0]} is read in place if you pass it" if archives else ""
    return f"No photos in {where}: expected files ending in {', '.join(sorted(SUFFIXES))}{advice}."
