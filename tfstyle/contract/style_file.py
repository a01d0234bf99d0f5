"""Style files: a style vector with its name and thumbnail, for people to keep and to send each other.

JSON, so that reading one runs nothing and any language can:

    {"format": "tfstyle style", "version": 1, "trunk": FINGERPRINT,
     "name": ..., "title": ..., "artist": ..., "year": ...,
     "thumbnail": base64 of a JPEG,
     "vector": base64 of little-endian float16 numbers, "sha256": of these numbers' bytes}

Half precision changes a painting by less than a gray level, and halves the file: some 10 kB.
"""

import base64
import binascii
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

from tfstyle.contract.style_vector import MAX_STYLE_SIZE, MAX_THUMBNAIL_BYTES, StyleVector
from tfstyle.errors import StyleVectorError

SUFFIX = ".style"
FORMAT, VERSION = "tfstyle style", 1
MAX_BYTES = 2 * MAX_STYLE_SIZE * 2 + 2 * MAX_THUMBNAIL_BYTES  # of a file: base64 and texts leave room
MAX_THUMBNAIL_SIDE = 1024  # px


def to_bytes(style: StyleVector) -> bytes:
    """A style as the bytes of a file.

    Raises:
        StyleVectorError: If one of its numbers is beyond half precision.
    """
    with np.errstate(over="ignore"):
        vector = style.values.astype("<f2")
    if not np.isfinite(vector).all():
        raise StyleVectorError(
            f"Expected numbers below 65504 in the style vector of {style.name!r}, which files hold, got "
            f"{np.abs(style.values).max():.4g}."
        )
    document = {
        "format": FORMAT,
        "version": VERSION,
        "trunk": style.trunk,
        "name": style.name,
        "title": style.title,
        "artist": style.artist,
        "year": style.year,
        "thumbnail": base64.b64encode(style.thumbnail).decode("ascii"),
        "vector": base64.b64encode(vector.tobytes()).decode("ascii"),
        "sha256": hashlib.sha256(vector.tobytes()).hexdigest(),
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def from_bytes(data: bytes, name: str = "the style file") -> StyleVector:
    """Read what `to_bytes` wrote.

    Args:
        data: The file's bytes.
        name: What messages call it.

    Raises:
        StyleVectorError: If it is no style file, of a later version, cut off, changed by hand, or holds what is no
            finite vector.
    """
    if len(data) > MAX_BYTES:
        raise StyleVectorError(f"{name}: expected a style file of at most {MAX_BYTES} bytes, got {len(data)}.")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise StyleVectorError(
            f"{name}: expected a style file as `tfstyle style` writes it, got something else or a part of one; make or "
            "fetch it again."
        ) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise StyleVectorError(f"{name}: expected a style file as `tfstyle style` writes it, got other JSON.")
    if document.get("version") != VERSION:
        raise StyleVectorError(
            f"{name}: expected a style file of version {VERSION}, got {document.get('version')!r}; a later tfstyle may "
            "read it."
        )
    try:
        encoded = base64.b64decode(document["vector"], validate=True)
        if hashlib.sha256(encoded).hexdigest() != document["sha256"]:
            raise StyleVectorError(
                f"{name}: the style vector is damaged or was changed by hand, its SHA-256 is not the file's; make it "
                "again from its painting."
            )
        vector = np.frombuffer(encoded, "<f2").astype(np.float32)
        thumbnail = base64.b64decode(document["thumbnail"], validate=True)
        trunk, name_of, title, artist, year = (document[key] for key in ("trunk", "name", "title", "artist", "year"))
    except (KeyError, ValueError, TypeError, binascii.Error) as error:
        raise StyleVectorError(
            f"{name}: expected a whole style file, got one whose parts cannot be read ({error!r}); make it again from "
            "its painting."
        ) from None
    if thumbnail:
        _check_thumbnail(thumbnail, name)
    try:
        return StyleVector(vector, trunk, name_of, title, artist, year, thumbnail)
    except StyleVectorError as error:
        raise StyleVectorError(f"{name}: {error}") from None


def save_style(style: StyleVector, path: str | os.PathLike[str]) -> None:
    """Write a style file as a whole: a kill leaves the one before.

    Raises:
        StyleVectorError: If the path does not end in `.style`.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise StyleVectorError(f"Expected a style file's name to end in {SUFFIX}, got {path.name!r}.")
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(to_bytes(style))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_style(path: str | os.PathLike[str]) -> StyleVector:
    """Read a style file.

    Raises:
        StyleVectorError: If there is none at `path`, or as `from_bytes`.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise StyleVectorError(f"{os.fspath(path)}: the style file cannot be read ({error.strerror}).") from None
    return from_bytes(data, os.fspath(path))


def _check_thumbnail(thumbnail: bytes, name: str) -> None:
    """Refuses a thumbnail that is no small JPEG: it is shown to people other than who made the file."""
    try:
        with Image.open(io.BytesIO(thumbnail), formats=["JPEG"]) as picture:
            if max(picture.size) > MAX_THUMBNAIL_SIDE:
                raise ValueError(f"{picture.width}x{picture.height} px")
            picture.load()
    except Exception as error:  # decoders raise nearly anything on broken bytes
        raise StyleVectorError(
            f"{name}: expected a small JPEG as thumbnail, got none that can be read ({error})."
        ) from None
