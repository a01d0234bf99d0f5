"""Galleries: pictures of all styles, from the model's own thumbnails: one for each page of buttons."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageOps

from bot.conversation.own_styles import OwnStyle
from tfstyle.contract import style_file
from tfstyle.contract.catalog import Style
from tfstyle.errors import PhotoError
from tfstyle.imaging.contact_sheet import contact_sheet
from tfstyle.imaging.photo import Photo, read_photo

_TILE = 256  # pixels
_COLUMNS = 3  # as many as can still be read on a phone
_FONT_SIZE = 18


def gallery(styles: Sequence[Style]) -> bytes:
    """The styles side by side with their titles and painters, as JPEG."""
    tiles = [(f"{style.title}\n{style.artist}, {style.year}".rstrip(", "), _tile(style.thumbnail)) for style in styles]
    columns = 2 if len(tiles) in (2, 4) else _COLUMNS
    return Photo(contact_sheet(tiles, columns=columns, font_size=_FONT_SIZE)).encode("jpeg")


def own_gallery(styles: Sequence[OwnStyle], files: Mapping[str, bytes]) -> bytes:
    """The styles of somebody's own, with the thumbnails of their style files by key, as JPEG."""
    known = [style for style in styles if style.key in files]
    return gallery([style.as_style(style_file.from_bytes(files[style.key]).thumbnail) for style in known])


def _tile(thumbnail: bytes) -> np.ndarray:
    try:
        picture = read_photo(thumbnail).to_pil()
    except PhotoError:  # a model without thumbnails has names, still
        picture = Image.new("RGB", (_TILE, _TILE), "#dddddd")
    return np.asarray(ImageOps.contain(picture, (_TILE, _TILE)))
