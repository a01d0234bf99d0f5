"""One style image's way through the signature `encode_style`: the tensors sent, the style vector that comes back.

Nothing here talks to a model, so `Stylizer` and every client of a server share it, as `tfstyle.stylize.request`.
"""

import io
from collections.abc import Mapping
from pathlib import PurePath

import numpy as np
from PIL import Image, ImageOps

from tfstyle.contract.style_vector import StyleTable, StyleVector, check_name, name_from
from tfstyle.errors import ModelError
from tfstyle.imaging.photo import Photo, PhotoSource, read_photo
from tfstyle.imaging.style_images import check_style_image, measured_size

THUMBNAIL_SIDE = 160  # px, square, as those of catalogs


class StyleRequest:
    """A style image, read, and what its style shall be called.

    It is sent in the size at which the encoder looks at it, so that a large one travels as fast as a small one. What is
    transparent is white; gray is taken as it is.

    Args:
        style_image: A path, the bytes of a file, an open file, a Pillow image, a uint8 array `[H,W,3]` or a `Photo`.
        name: What the style is called; None is made of the file's name.
        title, artist, year: Of the painting; an empty title is made of the name.

    Raises:
        PhotoError: If it cannot be read, has a side of less than 64 pixels, or one ten times as long as the other.
        StyleVectorError: If the name is none.
    """

    def __init__(
        self, style_image: PhotoSource, *, name: str | None = None, title: str = "", artist: str = "", year: str = ""
    ):
        photo = read_photo(style_image).on_white()
        check_style_image(photo.pixels, photo.name)
        self._name = name or style_name(photo)
        check_name(self._name)
        self._texts = (title or self._name.replace("_", " ").title(), artist, year)
        image = Image.fromarray(photo.pixels)
        self._image = image.resize(measured_size(*image.size), Image.Resampling.BILINEAR)
        self._thumbnail = ImageOps.fit(image, (THUMBNAIL_SIDE, THUMBNAIL_SIDE))

    def inputs(self) -> dict[str, np.ndarray]:
        """The tensors of the signature `encode_style`."""
        image_bytes = np.empty(1, dtype=object)
        image_bytes[0] = _encoded(self._image, "png")
        return {"image_bytes": image_bytes}

    def style_vector(self, answer: Mapping[str, np.ndarray], table: StyleTable | None) -> StyleVector:
        """The style vector in a model's answer.

        Args:
            answer: Of `encode_style`.
            table: What the same version of the model describes.

        Raises:
            ModelError: If the answer or the description has no vector, or not of the same length.
        """
        vectors = answer.get("style_vectors")
        if table is None or vectors is None or vectors.shape != (1, table.vectors.shape[1]):
            raise ModelError("Expected one style vector from the model, of the length of its own; export it again.")
        return StyleVector(vectors[0], table.trunk, self._name, *self._texts, _encoded(self._thumbnail, "jpeg"))


def style_name(style_image: Photo) -> str:
    """What a style is called after the file of its style image."""
    return "style" if style_image.name == "photo" else name_from(PurePath(style_image.name).stem)


def _encoded(image: Image.Image, format: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, quality=85)
    return buffer.getvalue()
