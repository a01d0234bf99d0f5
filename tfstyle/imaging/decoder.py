"""Decoding photos in processes of their own, with limits on memory and seconds.

A photo from outside may crash its decoder, swell to gigabytes or keep it busy for minutes. `Decoder` therefore reads it
in a process that does nothing else and is gone afterwards: what kills or hangs it costs that photo and no other.

    this process ─ socket ─▶ template, with everything imported ─ fork ─▶ one process a photo
                 └───────────── bytes, size, then pixels ────────────────┘

The first process tells the picture's size. With it the memory is known that decoding will take; once as much is free,
another one decodes, shrinks and sends the pixels, and gets no byte more than that. So the memory of all photos at once
is bounded. What comes back is plain numbers and bytes, nothing that is executed.

Forking needs a Unix. Elsewhere photos are read in this process, without limits but those of `read_photo`.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tfstyle.errors import PhotoError, PhotoTooLargeError, PhotoTooSmallError
from tfstyle.imaging import photo as images
from tfstyle.imaging.photo import (
    MAX_PIXELS,
    MIN_SIDE,
    Photo,
    PictureHeader,
    check_size,
    read_gray,
    read_header,
    read_photo,
)

MEMORY_BYTES = 224 * 2**20  # a 12-megapixel WebP fits, and 25 megapixels of JPEG or PNG
SECONDS = 2.0  # of a processor, for any picture; those of phones and cameras take a tenth of all this
SECONDS_PER_MEGAPIXEL = 0.25
_WALL = 15.0  # so many times longer on a clock, for machines with much to do

_SLACK = 16 * 2**20
_HEADER_BYTES = 64 * 2**20  # for imports, metadata and profiles
# Bytes a pixel that libraries take beside Pillow's own, as `test_decoder` measures.
_OF_LIBRARIES = {"webp": 12.0, "avif": 6.0, "heif": 13.5, "jpeg2000": 15.5}
_SHRINKABLE = {"1", "L", "P", "RGB", "RGBA", "LA", "CMYK"}
_WITH_ALPHA = {"RGBA", "LA", "PA", "La", "RGBa"}

_KEPT_VARIABLES = {"PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT"}
_FORKS = hasattr(os, "fork")
_LENGTH = struct.Struct(">I")
_MAX_TEXT = 2**20  # bytes of a message beside what it carries
_REFUSALS = {kind.__name__: kind for kind in (PhotoError, PhotoTooSmallError, PhotoTooLargeError)}

_Kind = Literal["header", "photo", "gray"]


@dataclass(frozen=True, kw_only=True)
class _Assignment:
    """What a process is told: which bytes, called what, read as what, with how much memory and time."""

    kind: _Kind
    name: str
    memory: int
    seconds: float
    max_pixels: int = MAX_PIXELS
    longest: int | None = None


class Decoder:
    """Reads photos and masks in processes of their own; safe to use from several threads at once.

        with Decoder() as decoder:
            client.stylize(decoder.read_photo(upload, longest=2048), "starry_night")

    Args:
        memory: Bytes that all pictures which are decoded at once may take together; a sixth more is there for small
            ones alone, which therefore wait for no large one.
        seconds: Of a processor, that any picture may take.
        seconds_per_megapixel: And so many more by its size.
    """

    def __init__(
        self,
        *,
        memory: int = MEMORY_BYTES,
        seconds: float = SECONDS,
        seconds_per_megapixel: float = SECONDS_PER_MEGAPIXEL,
    ):
        self._memory = _Memory(memory, for_small=memory // 6)
        self._seconds = seconds
        self._seconds_per_megapixel = seconds_per_megapixel
        self._template: _Template | None = None
        self._starting = threading.Lock()

    def close(self) -> None:
        """End the template process; pictures that are being decoded end by themselves."""
        with self._starting:
            if self._template is not None:
                self._template.close()
                self._template = None

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the template process now, so that the first photo does not wait for its imports."""
        if _FORKS:
            self._connected().close()

    def read_header(self, data: bytes, *, name: str = "photo") -> PictureHeader:
        """What a picture's header says.

        Raises:
            PhotoError: If it cannot be read, or reading it crashes or takes too long.
        """
        if not _FORKS:
            return read_header(data, name)
        memory = _HEADER_BYTES + 2 * len(data)
        told, _ = self._ask(_Assignment(kind="header", name=name, memory=memory, seconds=self._seconds), data, limit=0)
        return PictureHeader(**told["header"])

    def read_photo(
        self,
        data: bytes,
        *,
        name: str = "photo",
        header: PictureHeader | None = None,
        max_pixels: int = MAX_PIXELS,
        longest: int | None = None,
        fit: int = 0,
    ) -> Photo:
        """Read a photo, as `tfstyle.imaging.photo.read_photo` does.

        Args:
            data: A file's bytes.
            name: What messages call it.
            header: What `read_header` told, where it was asked before.
            max_pixels: Largest H * W that is decoded.
            longest: Shrink to so many pixels on the longer side.
            fit: Rather than be refused for want of memory, be shrunk further, to no less than this on the longer side;
                0 for never.

        Raises:
            PhotoTooLargeError: If it has too many pixels, or decoding it would take more memory than there is.
            PhotoError: If it cannot be read, or its decoder crashes or takes too long.
        """
        photo = self._read("photo", data, name, header, max_pixels, longest, fit)
        assert isinstance(photo, Photo)
        return photo

    def read_gray(
        self,
        data: bytes,
        *,
        name: str = "the mask",
        header: PictureHeader | None = None,
        max_pixels: int = MAX_PIXELS,
        longest: int | None = None,
        fit: int = 0,
    ) -> np.ndarray:
        """Read a picture as gray values, float32 `[H,W]`, 0..1; arguments and errors as for `read_photo`."""
        values = self._read("gray", data, name, header, max_pixels, longest, fit)
        assert isinstance(values, np.ndarray)
        return values

    def _read(
        self,
        kind: Literal["photo", "gray"],
        data: bytes,
        name: str,
        header: PictureHeader | None,
        max_pixels: int,
        longest: int | None,
        fit: int,
    ) -> Photo | np.ndarray:
        header = header or self.read_header(data, name=name)
        width, height = header.width, header.height
        check_size(width, height, name, min_side=MIN_SIDE if kind == "photo" else 1, max_pixels=max_pixels)
        if not _FORKS:
            return _decode(kind, data, name, max_pixels, longest)

        def needed() -> int:
            return 2 * len(data) + memory_needed(header, longest)

        while fit and needed() > self._memory.total and (longest or max(width, height)) > fit:
            longest = max(fit, int(0.9 * (longest or max(width, height))))
        memory = needed()
        if memory > self._memory.total:
            raise PhotoTooLargeError(
                f"{name}: decoding {width}x{height} pixels of {header.format} takes {memory / 2**20:.0f} MiB, expected "
                f"at most {self._memory.total / 2**20:.0f}; make it smaller first, or save it as JPEG.",
                pixels=width * height,
                limit=int(self._memory.total / memory * width * height),
            )
        seconds = self._seconds + self._seconds_per_megapixel * width * height / 1e6
        assignment = _Assignment(
            kind=kind, name=name, memory=memory, seconds=seconds, max_pixels=max_pixels, longest=longest
        )
        with self._memory.lent(memory):
            return _unpacked(*self._ask(assignment, data, limit=memory))

    def _ask(self, assignment: _Assignment, data: bytes, *, limit: int) -> tuple[dict[str, Any], list[bytearray]]:
        """What a process of its own answers, and so many bytes with it at most."""
        deadline = time.monotonic() + _WALL * assignment.seconds
        with self._connected() as connection:
            connection.settimeout(_WALL * assignment.seconds)
            try:
                _send(connection, vars(assignment), data)
                told, blobs = _receive(connection, deadline, limit=limit)
            except (ConnectionError, EOFError, TimeoutError):
                raise PhotoError(
                    f"{assignment.name}: decoding the picture takes more time or memory than one of its size should, "
                    f"or crashes the decoder; save it anew."
                ) from None
        if "error" in told:
            raise _REFUSALS.get(told["error"], PhotoError)(told["message"], **told["sizes"])
        return told, blobs

    def _connected(self) -> socket.socket:
        """A connection to a fresh process."""
        with self._starting:
            for last in (False, True):
                if self._template is None:
                    self._template = _Template()
                try:
                    return self._template.fork()
                except OSError:  # somebody ended it, as for want of memory
                    self._template.close()
                    self._template = None
                    if last:
                        raise
        raise AssertionError("unreachable")


def memory_needed(header: PictureHeader, longest: int | None = None) -> int:
    """Bytes that decoding a picture takes which is shrunk to `longest` pixels, without its file.

    A JPEG is decoded at a half, a quarter or an eighth of its size where that is enough, but the coefficients of a
    progressive one are all kept.
    """
    pixels = decoded = header.width * header.height
    scale = min(1.0, longest / max(header.width, header.height)) if longest else 1.0
    if header.format == "tiff" or header.mode not in _SHRINKABLE:
        return _SLACK + 21 * pixels
    if header.format in ("jpeg", "mpo"):
        decoded = int(min(1.0, (2 * scale) ** 2) * pixels)
    libraries = (6.0 if header.progressive else _OF_LIBRARIES.get(header.format, 0.0)) * pixels
    alpha = header.mode in _WITH_ALPHA
    image = (9.0 if alpha else 5.5 if header.mode == "P" else 4.5) * decoded
    if scale == 1:
        return _SLACK + int(libraries + (21 if alpha else 15) * pixels)
    shrinking = (4 * scale + 4 * scale**2) * pixels  # one side after the other
    as_array = (21 if alpha else 11) * scale**2 * pixels
    return _SLACK + int(max(libraries + image, libraries * 2 / 3 + max(image + shrinking, as_array)))


class _Memory:
    """Bytes that are lent to those who decode, `for_small` more to those who need no more than that."""

    def __init__(self, total: int, *, for_small: int = 0):
        self.total = total
        self._for_small = for_small
        self._free = total
        self._wanted: list[int] = []
        self._changed = threading.Condition()

    @contextmanager
    def lent(self, amount: int) -> Iterator[None]:
        """Wait until so much is free; of those who wait, whoever wants least comes first."""
        more = self._for_small if amount <= self._for_small else 0
        with self._changed:
            self._wanted.append(amount)
            self._changed.wait_for(lambda: self._free + more >= amount == min(self._wanted))
            self._wanted.remove(amount)
            self._free -= amount
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()


class _Template:
    """A process that has imported all that decoding needs, and makes copies of itself."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for this process, which ends the other
        )
        theirs.close()

    def fork(self) -> socket.socket:
        """A connection to a new copy.

        Raises:
            OSError: If the template is gone.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"f"], [theirs.fileno()])
        return ours

    def close(self) -> None:
        """End it."""
        self._control.close()
        self._process.wait()


def _environment() -> dict[str, str]:
    """What Python and its libraries need; secrets that others keep there are nothing for a decoder."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT_VARIABLES}
    # Threads of libraries take memory each, which glibc reserves by the 64 MB, and do not survive a fork.
    single = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    return kept | single | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _serve(control: socket.socket) -> None:
    """Make copies until the other side is gone. Runs in the template process."""
    read_photo(Photo(np.zeros((16, 16, 3), np.uint8)).encode("jpeg"))  # what reading imports
    with contextlib.suppress(ImportError):  # more than the memory of a small picture, if its own process imported it
        importlib.import_module("pillow_heif").register_heif_opener()
    images.Image.MAX_IMAGE_PIXELS = None  # sizes are told, and refused where they can be explained
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how copies ended
    for number in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)  # ends the process that took too long
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _decode_one(socket.socket(fileno=descriptors[0]))
            os._exit(0)
        os.close(descriptors[0])


def _decode_one(connection: socket.socket) -> None:
    """Do one assignment. Runs in a process of its own."""
    with contextlib.suppress(OSError):  # where the machine lacks memory, the kernel ends this process first
        Path("/proc/self/oom_score_adj").write_text("1000")
    os.nice(5)  # the event loop of whoever waits comes first
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries tell there what they think of broken files
    told, blobs = _receive(connection, time.monotonic() + _WALL, limit=images.MAX_FILE_BYTES)
    assignment, data = _Assignment(**told), bytes(blobs.pop())
    try:
        with _limits(assignment.memory, assignment.seconds):
            if assignment.kind == "header":
                answer: tuple[Any, ...] = ({"header": vars(read_header(data, assignment.name))},)
            else:
                answer = _packed(
                    _decode(assignment.kind, data, assignment.name, assignment.max_pixels, assignment.longest)
                )
    except PhotoError as error:
        answer = ({"error": type(error).__name__, "message": str(error), "sizes": vars(error)},)
    with contextlib.suppress(ConnectionError):  # nobody may want it any more
        _send(connection, *answer)


def _decode(
    kind: Literal["photo", "gray"], data: bytes, name: str, max_pixels: int, longest: int | None
) -> Photo | np.ndarray:
    if kind == "gray":
        return read_gray(data, name=name, max_pixels=max_pixels, longest=longest)
    return read_photo(data, name=name, max_pixels=max_pixels, longest=longest)


@contextmanager
def _limits(memory: int, seconds: float) -> Iterator[None]:
    """Take no more than so much memory beyond what there is; who takes longer is ended by the kernel."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    if statm.exists():  # Linux; elsewhere such limits are not kept
        size = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + memory, most))
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of the processor
    signal.setitimer(signal.ITIMER_REAL, _WALL * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _packed(read: Photo | np.ndarray) -> tuple[Any, ...]:
    """What was read, as what JSON can hold, and the bytes and arrays of it."""
    if isinstance(read, np.ndarray):
        return {"array": [str(read.dtype), read.shape]}, np.ascontiguousarray(read)
    told: dict[str, Any] = {}
    blobs: list[bytes | np.ndarray] = []
    for field in fields(read):
        value = getattr(read, field.name)
        if isinstance(value, np.ndarray):
            told[field.name] = {"array": [str(value.dtype), value.shape]}
            blobs.append(np.ascontiguousarray(value))
        elif isinstance(value, bytes):
            told[field.name] = {"bytes": True}
            blobs.append(value)
        else:
            told[field.name] = value
    return {"photo": told}, *blobs


def _unpacked(told: dict[str, Any], blobs: list[bytearray]) -> Photo | np.ndarray:
    """What was read, as `_packed` wrote it."""
    if "photo" not in told:
        return _array(told, blobs[0])
    left = iter(blobs)
    values: dict[str, Any] = {}
    for name, value in told["photo"].items():
        if isinstance(value, dict):
            values[name] = _array(value, next(left)) if "array" in value else bytes(next(left))
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return Photo(**values)


def _array(told: dict[str, Any], data: bytearray) -> np.ndarray:
    dtype, shape = told["array"]
    return np.frombuffer(data, np.dtype(dtype)).reshape(shape)


def _send(connection: socket.socket, told: dict[str, Any], *blobs: bytes | np.ndarray) -> None:
    """One message: what JSON can hold, and bytes."""
    views = [_view(blob) for blob in blobs]
    text = json.dumps({**told, "blobs": [view.nbytes for view in views]}).encode()
    connection.sendall(_LENGTH.pack(len(text)) + text)
    for view in views:
        connection.sendall(view)


def _view(blob: Any) -> memoryview:
    return blob.data.cast("B") if isinstance(blob, np.ndarray) else memoryview(blob)


def _receive(connection: socket.socket, deadline: float, *, limit: int) -> tuple[dict[str, Any], list[bytearray]]:
    """The next message, whose bytes are no more than `limit`.

    Raises:
        EOFError: If the other side is gone, or says what it should not.
        TimeoutError: At the deadline, on the monotonic clock.
    """
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size, deadline))
    if length > _MAX_TEXT:
        raise EOFError
    told = json.loads(bytes(_exactly(connection, length, deadline)))
    sizes = told.pop("blobs")
    if sum(sizes) > limit:
        raise EOFError
    return told, [_exactly(connection, size, deadline) for size in sizes]


def _exactly(connection: socket.socket, count: int, deadline: float) -> bytearray:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        received = connection.recv_into(view)
        if not received:
            raise EOFError
        view = view[received:]
    return data


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
