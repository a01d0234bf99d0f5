"""A painting as Telegram takes it: as a photo, or as a file."""

from dataclasses import dataclass

FILE_MAX_BYTES = 49 * 2**20  # of the 50 MB that a request may have
_PHOTO_MAX_BYTES = 10 * 2**20
_PHOTO_MAX_RATIO = 20
_PHOTO_MAX_SIDES = 10_000  # pixels, width and height together


@dataclass(frozen=True, kw_only=True)
class StylizedImage:
    """A painting as a file: what Telegram shows as a photo, or what it must carry as a file."""

    data: bytes
    suffix: str
    width: int
    height: int

    @property
    def fits_photo(self) -> bool:
        """Whether Telegram takes it as a photo."""
        shorter, longer = sorted((self.width, self.height))
        return (
            len(self.data) <= _PHOTO_MAX_BYTES
            and longer <= _PHOTO_MAX_RATIO * shorter
            and shorter + longer <= _PHOTO_MAX_SIDES
        )
