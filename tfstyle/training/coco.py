"""Download COCO's photos: one zip per split, resumed where it stopped, checked by size and by the zip's own CRCs.

The zip is used as it is (see tfstyle.training.photo_dataset); there is no need to unpack it. The photos are Flickr
users' pictures under various Creative Commons licences, see https://cocodataset.org/#termsofuse.
"""

import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import httpx

from tfstyle.errors import TrainingError

URL = "http://images.cocodataset.org/zips"  # no https: the bucket behind it has no certificate for this name
SIZES = {"train2017": 19_336_861_798, "val2017": 815_585_330}  # bytes

ATTEMPTS = 5  # in a row without a new byte, before giving up
_CHUNK = 1 << 20
_TIMEOUT = httpx.Timeout(30.0)  # per connect, read or write, not for the whole download

Stage = Literal["downloading", "checking"]
Report = Callable[[Stage, int, int], None]


def download(
    split: str,
    folder: str | Path,
    *,
    url: str = URL,
    sizes: dict[str, int] = SIZES,
    report: Report = lambda stage, done, total: None,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Download the photos of one split; what an interrupted call left in `<split>.zip.part` is continued.

    Args:
        split: "train2017" (118 287 photos, 19 GB) or "val2017" (5 000 photos, 0.8 GB).
        folder: Where `<split>.zip` goes; made if it is missing. A complete zip there is only checked.
        url: Folder on the server that holds the zips.
        sizes: What each split's zip weighs, in bytes.
        report: Called with the stage, bytes done and bytes in all.
        pause: Sleeps for some seconds between attempts.

    Returns:
        Path of the complete, checked zip.

    Raises:
        TrainingError: Unknown split, no network, a server that answers something else, a full disk, a wrong size or
            CRC. The message says whether another call continues.
    """
    if split not in sizes:
        raise TrainingError(f"Expected one of the splits {', '.join(sizes)}, got {split!r}.")
    folder = Path(folder)
    zip_path = folder / f"{split}.zip"
    if zip_path.exists():
        _check(zip_path, sizes[split], report, f"Delete {zip_path} and download it again.")
        return zip_path
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{split}.zip.part"
    _fetch(f"{url}/{split}.zip", part, sizes[split], report, pause)
    try:
        _check(part, sizes[split], report, "It was deleted; run the same command to download it again.")
    except TrainingError:
        part.unlink()
        raise
    part.rename(zip_path)
    return zip_path


def _fetch(url: str, part: Path, size: int, report: Report, pause: Callable[[float], None]) -> None:
    """Load into `part` until it holds `size` bytes; a connection that breaks is tried again where it broke."""
    have = _size(part)
    if have > size:  # never ours: a download stops at `size`
        part.unlink()
        have = 0
    missing, free = size - have, shutil.disk_usage(part.parent).free
    if missing > free:
        raise TrainingError(f"{url} needs {_gb(missing)} more, but {part.parent} has {_gb(free)} free.")
    failures, most = 0, have
    # Bytes as they are: a zip compressed again for transport could not be resumed by its own offsets.
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True, headers={"Accept-Encoding": "identity"}) as client:
        while _size(part) < size:
            try:
                with _named_errors(url):
                    _append(client, url, part, size, report)
            except _BrokenConnectionError as error:
                have = _size(part)
                failures = 0 if have > most else failures + 1
                most = max(most, have)
                if failures == ATTEMPTS:
                    kept = f"{_gb(have)} of {_gb(size)} are in {part}" if have else "Nothing was loaded yet"
                    raise TrainingError(f"{error} {kept}; run the same command to continue.") from error
                pause(2.0**failures)


def _append(client: httpx.Client, url: str, part: Path, size: int, report: Report) -> None:
    """One request for what is missing, written to `part` as it arrives."""
    have = _size(part)
    headers = {"Range": f"bytes={have}-"} if have else {}
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code not in (200, 206):
            raise _unexpected(url, answer)
        start, total = _extent(answer)
        if total != size or start not in (0, have):
            raise TrainingError(
                f"Expected {size} bytes at {url}, the server has {total}: another file, or a page of a proxy that asks "
                f"for a login."
            )
        have = start  # 0 from a server that knows no ranges: the whole file once more
        with part.open("ab" if have else "wb") as file:
            for data in answer.iter_raw():
                file.write(data)
                have += len(data)
                report("downloading", have, size)


def _extent(answer: httpx.Response) -> tuple[int, int | None]:
    """Where in the file an answer's bytes begin, and the size of the whole file (None if its headers do not say)."""
    if ranges := re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", "")):
        return int(ranges[1]), int(ranges[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


class _BrokenConnectionError(Exception):
    """The network or the server failed in a way that another attempt may mend."""


def _unexpected(url: str, answer: httpx.Response) -> Exception:
    reason = f"{answer.status_code} {answer.reason_phrase}".strip()
    if answer.status_code >= 500 or answer.status_code == 429:
        return _BrokenConnectionError(f"The server of {url} answers {reason}.")
    return TrainingError(f"Expected {url} to be a file, the server answers {reason}.")


@contextmanager
def _named_errors(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.ConnectError as error:
        raise _BrokenConnectionError(f"Cannot reach {httpx.URL(url).host} ({error}); is there a network?") from error
    except httpx.TransportError as error:
        raise _BrokenConnectionError(f"The connection to {httpx.URL(url).host} broke ({error}).") from error


def _check(path: Path, size: int, report: Report, advice: str) -> None:
    """Hold a zip against its size and the CRC of every file inside."""
    actual = _size(path)
    if actual != size:
        raise TrainingError(f"Expected {path} to have {size} bytes, it has {actual}. {advice}")
    try:
        with zipfile.ZipFile(path) as archive:
            done = 0
            for member in archive.infolist():
                with archive.open(member) as file:
                    while file.read(_CHUNK):  # the end of the file raises if the CRC is another
                        pass
                done += member.compress_size
                report("checking", min(done, size), size)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise TrainingError(f"{path} is damaged ({error}). {advice}") from error
    report("checking", size, size)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
