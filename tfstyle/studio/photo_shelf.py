"""Photos that pages have open, in memory and nowhere else."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from tfstyle.errors import StyleTransferError
from tfstyle.imaging.decoder import Decoder
from tfstyle.imaging.photo import MIN_SIDE, Photo, check_size
from tfstyle.stylize.stroke_size import painted_size

DRAFT_SIDE = 512  # pixels of the longer side; what two cores paint while a slider moves


class PhotoGoneError(StyleTransferError):
    """The page's photo is no longer here; it has to be sent again."""


@dataclass(frozen=True)
class ShelfPhoto:
    """One photo of a page.

    Attributes:
        data: The file as it came.
        name: Of the file.
        width, height: Of the photo, upright.
        view: The photo as large as it is painted: what the page shows.
        draft: The photo as it is painted while a slider moves.
    """

    data: bytes
    name: str
    width: int
    height: int
    view: Photo
    draft: Photo

    @property
    def size(self) -> int:
        """Bytes that it takes here."""
        pictures = (self.view, self.draft)
        return len(self.data) + sum(
            4 * picture.width * picture.height + len(picture.jpeg or b"") for picture in pictures
        )


class PhotoShelf:
    """The photos of all sessions; the oldest go when there is no more room. Safe to use from several threads.

    Args:
        decoder: Reads what pages send.
        max_pixels: Largest H * W of a photo.
        total: Bytes of all photos.
        of_session: Photos of one session.
        seconds: After which an unused photo goes; None: never.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        decoder: Decoder,
        *,
        max_pixels: int,
        total: int,
        of_session: int,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._decoder, self._max_pixels = decoder, max_pixels
        self._total, self._of_session, self._seconds, self._clock = total, of_session, seconds, clock
        self._photos: OrderedDict[tuple[str, str], tuple[ShelfPhoto, float]] = OrderedDict()  # used last comes last
        self._lock = threading.Lock()

    def add(self, session: str, data: bytes, name: str) -> tuple[str, ShelfPhoto]:
        """Read a photo and keep it.

        Returns:
            Its name here, and the photo.

        Raises:
            PhotoError: If it cannot be read, or is too small or too large.
        """
        header = self._decoder.read_header(data, name=name)
        check_size(header.width, header.height, name, max_pixels=self._max_pixels)
        longest = max(painted_size(header.height, header.width, 1.0))
        read = self._decoder.read_photo(data, name=name, header=header, max_pixels=self._max_pixels, longest=longest)
        width, height = header.width, header.height
        if (read.width > read.height) != (width > height):  # turned upright by its EXIF
            width, height = height, width
        view = _as_sent(read)
        shorter = min(read.width, read.height)
        draft = _as_sent(read.resize_to(max(DRAFT_SIDE, -(-MIN_SIDE * max(read.width, read.height) // shorter))))
        photo = ShelfPhoto(data, name, width, height, view, draft)
        key = secrets.token_hex(8)
        with self._lock:
            self._photos[session, key] = (photo, self._clock())
            self._make_room(session)
        return key, photo

    def get(self, session: str, key: str) -> ShelfPhoto:
        """A photo of a session.

        Raises:
            PhotoGoneError: If it has none of that name, or it had to go.
        """
        with self._lock:
            self._drop_old()
            found = self._photos.pop((session, key), None)
            if found is None:
                raise PhotoGoneError("Expected a photo that is open here, but it is gone; send it again.")
            self._photos[session, key] = (found[0], self._clock())
            return found[0]

    def full(self, photo: ShelfPhoto) -> Photo:
        """The photo at its own size.

        Raises:
            PhotoError: As `add`.
        """
        return self._decoder.read_photo(photo.data, name=photo.name, max_pixels=self._max_pixels)

    def remove(self, session: str, key: str) -> None:
        """Forget a photo, if it is there."""
        with self._lock:
            self._photos.pop((session, key), None)

    def __len__(self) -> int:
        return len(self._photos)

    def _make_room(self, session: str) -> None:
        self._drop_old()
        own = [key for key in self._photos if key[0] == session]
        for key in own[: max(0, len(own) - self._of_session)]:
            del self._photos[key]
        while len(self._photos) > 1 and sum(photo.size for photo, _ in self._photos.values()) > self._total:
            self._photos.popitem(last=False)

    def _drop_old(self) -> None:
        if self._seconds is None:
            return
        while self._photos:
            key, (_, used) = next(iter(self._photos.items()))
            if self._clock() - used < self._seconds:
                return
            del self._photos[key]


def _as_sent(photo: Photo) -> Photo:
    """With a JPEG of its pixels, so that it is not compressed anew for every painting; as it is if seen through."""
    if photo.alpha is not None:
        return photo
    bare = replace(photo, icc_profile=None, density=None, exif=None)
    return replace(photo, jpeg=bare.encode("jpeg", metadata="none"))
