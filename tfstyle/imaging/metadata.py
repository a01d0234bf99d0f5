"""What travels with a photo besides its pixels and colours: density, and what its EXIF says of author and date.

keep   everything but orientation, which is applied, and thumbnails, which show the photo
safe   artist, copyright and dates: no place, no serial number, no camera
none   nothing
"""

from typing import Literal

from PIL import Image

Metadata = Literal["keep", "safe", "none"]
KINDS: tuple[Metadata, ...] = ("keep", "safe", "none")

Density = tuple[float, float]  # pixels an inch, across and down

_SAFE = (0x0132, 0x013B, 0x8298)  # date of change, artist, copyright
_SAFE_IN_EXIF = (0x9003, 0x9004, 0x9010, 0x9011, 0x9012)  # dates of taking and digitizing, time zones
_EXIF, _GPS = 0x8769, 0x8825
# Orientation, which is applied, density, which stands elsewhere, and how a TIFF keeps its pixels.
_OF_THE_FILE = {0x0112, 0x011A, 0x011B, 0x0128, *range(254, 280), 284, 317, *range(320, 326), 330, 338, 339, 347, 34675}
_OF_THE_FILE -= {0x010E, 0x010F, 0x0110}  # description, make and model
_MAX_BYTES = 65_000  # of one segment of a JPEG


def read_exif(image: Image.Image) -> bytes | None:
    """All EXIF of an opened image, as a file has it; None if there is none, or it is broken."""
    try:
        found, exif = image.getexif(), Image.Exif()
        exif.update({tag: found[tag] for tag in found if tag not in _OF_THE_FILE})
        for tag in (_EXIF, _GPS):
            if inner := dict(found.get_ifd(tag)):
                exif[tag] = inner
        data = exif.tobytes() if exif else b""
    except Exception:  # broken EXIF comes in many shapes, and is nobody's loss
        return None
    return data if data and len(data) <= _MAX_BYTES else None


def read_density(image: Image.Image) -> Density | None:
    """Pixels an inch; None where a file says none, or only in which proportion."""
    dpi = image.info.get("dpi")
    if image.info.get("jfif_unit") == 0 or not isinstance(dpi, tuple) or len(dpi) != 2:
        return None
    across, down = float(dpi[0]), float(dpi[1])
    return (across, down) if 2 <= across <= 30_000 and 2 <= down <= 30_000 else None


def chosen_exif(exif: bytes | None, metadata: Metadata) -> bytes | None:
    """What is written of a photo's EXIF; None if nothing."""
    if exif is None or metadata == "none":
        return None
    if metadata == "keep":
        return exif
    found, safe = Image.Exif(), Image.Exif()
    found.load(exif)
    safe.update({tag: found[tag] for tag in _SAFE if tag in found})
    inner = found.get_ifd(_EXIF)
    if kept := {tag: inner[tag] for tag in _SAFE_IN_EXIF if tag in inner}:
        safe[_EXIF] = kept
    return safe.tobytes() if safe else None
