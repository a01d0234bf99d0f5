"""What goes wrong between a photo and its painting, beside what `tfstyle.errors` and the server's client know."""

from tfstyle.errors import MaskError, StyleTransferError


class StorageAwayError(Exception):
    """The database does not answer, or refuses for now; what was asked of it may have been done or not."""


class PictureGoneError(Exception):
    """Telegram has the file no more."""


class FileTooLargeError(Exception):
    """A file has more bytes than may be fetched, perhaps so many that Telegram does not tell how many."""

    def __init__(self, size: int | None, limit: int):
        super().__init__(f"the file has {size or 'too many'} bytes, and {limit} are the most")
        self.size = size
        self.limit = limit


class MaskGoneError(Exception):
    """The picture that was to be the mask is not known or not there any more."""


class SegmenterMissingError(StyleTransferError):
    """Finding people needs the extra `masks`, which is not installed."""


class NothingFoundError(MaskError):
    """Nobody is in the photo, or nothing stands out; `place` is what was looked for."""

    def __init__(self, place: str):
        super().__init__(f"There is no {place} in the photo.")
        self.place = place
