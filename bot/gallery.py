"""One picture of all styles, from the model's own thumbnails."""

import numpy as np
from PIL import Image, ImageOps

from tfstyle.catalog import Catalog
from tfstyle.errors import PhotoError
from tfstyle.images import Photo, read_photo
from tfstyle.sheets import contact_sheet

_TILE = 256  # pixels


def gallery(catalog: Catalog) -> bytes:
    """The styles side by side with their titles and painters, as JPEG."""
    tiles = [(f"{style.title}\n{style.artist}, {style.year}".rstrip(", "), _tile(style.thumbnail)) for style in catalog]
    return Photo(contact_sheet(tiles)).encode("jpeg")


def _tile(thumbnail: bytes) -> np.ndarray:
    try:
        picture = read_photo(thumbnail).to_pil()
    except PhotoError:  # a model without thumbnails has names, still
        picture = Image.new("RGB", (_TILE, _TILE), "#dddddd")
    return np.asarray(ImageOps.contain(picture, (_TILE, _TILE)))
