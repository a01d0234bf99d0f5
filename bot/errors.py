"""What goes wrong between a photo and its painting, beside what `tfstyle.errors` and the server's client know."""

from tfstyle.errors import MaskError, StyleTransferError


class StorageAwayError(Exception):
    """The database does not answer, or refuses for now; what was asked of it may have been done or not."""


class OwnStyleGoneError(StyleTransferError):
    """A style of somebody's own was deleted while a photo waited for it."""


class OwnStylesFullError(StyleTransferError):
    """Somebody has as many styles of their own as anybody may."""

    def __init__(self, limit: int):
        super().__init__(f"there are {limit} styles already")
        self.limit = limit


class EncoderMissingError(StyleTransferError):
    """The model cannot make a style of a painting."""


class StyleImageUnfitError(StyleTransferError):
    """A painting has too few pixels to be a style, or too few on one side."""


class StyleFileUnfitError(StyleTransferError):
    """A style file is damaged, or something else."""


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
