"""Which photos there are, and how their stylized images are called.

Photos come from a folder with its sub-folders, a glob, or a manifest: a text file with a path a line, or a CSV file
with the paths in the column `path`, or the first where no column is called that. All have a base, and a photo's name is
its path from there: the folder itself, what stands before the first wildcard, or the folder of the manifest.

A stylized image keeps its photo's name where that says the format: `a/b.jpg`. Otherwise the suffix comes behind it:
`a/b.gif.png`. So no two stylized images share a name, whatever the photos are called and whichever are added later.
"""

import csv
import glob
import os
from dataclasses import dataclass
from pathlib import Path

from tfstyle.errors import PhotoError, RequestError
from tfstyle.imaging.photo import FORMAT_BY_SUFFIX, PHOTO_SUFFIXES, SUFFIX_BY_FORMAT, Format

MANIFEST_SUFFIXES = (".csv", ".txt")
_LOSSLESS_SUFFIXES = frozenset({".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff"})


@dataclass(frozen=True)
class Photos:
    """The photos of a job.

    Attributes:
        base: The folder from which they are named, absolute.
        files: Absolute path by name, in the order they are painted in; at least one.
    """

    base: Path
    files: dict[str, str]


def find_photos(source: str, outputs: Path) -> Photos:
    """List photos without opening one; names that start with a dot are passed over, except in a manifest.

    Args:
        source: A folder, a glob such as `photos/**/*.jpg`, or a manifest that ends in .txt or .csv.
        outputs: The folder for stylized images, absolute; it may be within that of the photos, and is passed over.

    Raises:
        PhotoError: If there are none.
        RequestError: If `source` is nothing of that, or stylized images would fall on photos.
    """
    if os.path.isdir(source):
        base = Path(os.path.abspath(source))
        paths = _below(base)
    elif os.path.isfile(source) and source.lower().endswith(MANIFEST_SUFFIXES):
        base = Path(os.path.abspath(source)).parent
        paths = [os.path.normpath(base / line) for line in _lines(source)]
    elif glob.has_magic(source) and not os.path.exists(source):
        base = _before_wildcards(source)
        found = map(os.path.abspath, glob.iglob(source, recursive=True))
        paths = sorted(path for path in found if _is_photo(path) and os.path.isfile(path))
    else:
        what = "a file of another kind" if os.path.exists(source) else "nothing of that name"
        raise RequestError(
            f"{source}: expected a folder, a glob or a manifest (.txt, .csv), found {what}; single photos are painted "
            "by tfstyle stylize."
        )
    if base.is_relative_to(outputs):
        raise RequestError(f"{outputs}: expected a folder for paintings that holds no photos; choose another with -o.")
    within = os.path.join(outputs, "")
    paths = [path for path in paths if not path.startswith(within)]
    if not paths:
        raise PhotoError(f"{source}: expected photos, found none; they end in {', '.join(sorted(PHOTO_SUFFIXES))}.")
    return Photos(base, {_name(path, base): path for path in paths})


def output_name(name: str, format: Format | None = None) -> str:
    """What the stylized image of a photo is called.

    Args:
        name: The photo's.
        format: What is written; None is what the photo's suffix says, PNG for those of other lossless formats and JPEG
            for the rest.

    Raises:
        PhotoError: If the name has no suffix of a photo.
    """
    stem, suffix = os.path.splitext(name)
    kind = suffix.lower()
    if kind not in PHOTO_SUFFIXES:
        raise PhotoError(f"{name}: expected a photo, a name that ends in {', '.join(sorted(PHOTO_SUFFIXES))}.")
    format = format or FORMAT_BY_SUFFIX.get(kind) or ("png" if kind in _LOSSLESS_SUFFIXES else "jpeg")
    # A photo that is called like the stylized image of another, with a suffix behind a suffix, gets a third.
    if FORMAT_BY_SUFFIX.get(kind) == format and not _is_photo(stem):
        return name
    return name + SUFFIX_BY_FORMAT[format]


def _below(folder: Path) -> list[str]:
    paths = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths += [os.path.join(parent, name) for name in sorted(files) if _is_photo(name) and not name.startswith(".")]
    return paths


def _lines(manifest: str) -> list[str]:
    """Paths may be any bytes, and come back from here as the file system's functions take them."""
    with open(manifest, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        if manifest.lower().endswith(".txt"):
            return [line for line in file.read().splitlines() if line.strip()]
        try:
            rows = [row for row in csv.reader(file, strict=True) if any(row)]
        except csv.Error as error:
            raise RequestError(f"{manifest}: expected a CSV file, got something else ({error}).") from None
    column = rows[0].index("path") if rows and "path" in rows[0] else None
    if column is None:
        return [row[0] for row in rows if row[0]]
    return [row[column] for row in rows[1:] if len(row) > column and row[column]]


def _before_wildcards(pattern: str) -> Path:
    parts = Path(os.path.abspath(pattern)).parts
    first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


def _is_photo(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in PHOTO_SUFFIXES


def _name(path: str, base: Path) -> str:
    """Photos outside of the base, which only a manifest has, are named by their whole path."""
    prefix = os.path.join(base, "")
    return path.removeprefix(prefix) if path.startswith(prefix) else path.lstrip(os.sep)
