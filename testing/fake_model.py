"""A model in NumPy that answers the wire contract: three flat colours instead of stylized images, no TensorFlow."""

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from tfstyle.contract.catalog import Catalog, Style
from tfstyle.contract.signatures import MAX_REGIONS
from tfstyle.imaging.color import luminance_only

COLOURS = {"starry_night": (20, 40, 160), "the_scream": (220, 120, 40), "great_wave": (200, 220, 230)}
_PALETTE = np.array(list(COLOURS.values()), dtype=np.float32)


def thumbnail(colour: tuple[int, int, int] = (128, 128, 128)) -> bytes:
    """A small JPEG of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(buffer, "jpeg")
    return buffer.getvalue()


CATALOG = Catalog(
    styles=(
        Style("starry_night", "The Starry Night", "Vincent van Gogh", "1889", thumbnail(COLOURS["starry_night"])),
        Style("the_scream", "The Scream", "Edvard Munch", "1893", thumbnail(COLOURS["the_scream"])),
        Style("great_wave", "The Great Wave off Kanagawa", "Hokusai", "1831", thumbnail(COLOURS["great_wave"])),
    ),
    max_pixels=1_000_000,
)


class FakePredictor:
    """Paints every style as its flat colour, with strength, masks and preserved colours as the contract has them.

    Style vectors are colours, and the encoder takes the mean colour of a style image.

    Attributes:
        any_painting: Whether it has a style encoder, and tells style vectors.
        trunk: What they are for.
        calls: Every request, as pairs of signature and inputs.
    """

    def __init__(self, catalog: Catalog = CATALOG, *, any_painting: bool = False):
        self.catalog = catalog
        self.any_painting = any_painting
        self.trunk = "0123456789abcdef"
        self.calls: list[tuple[str, dict[str, np.ndarray]]] = []

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Answer `describe`, `encoded`, `stylize_vectors` or `encode_style`."""
        self.calls.append((signature, dict(inputs)))
        match signature:
            case "describe":
                return self._describe()
            case "encode_style":
                pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in inputs["image_bytes"]]
                return {"style_vectors": np.stack([np.asarray(one, np.float32).mean((0, 1)) for one in pictures])}
            case "stylize_vectors":
                weights = np.eye(inputs["style_vectors"].shape[1], dtype=np.float32)
                return self._encoded({**inputs, "region_weights": weights[None]}, palette=inputs["style_vectors"][0])
        return self._encoded(inputs)

    @property
    def last(self) -> dict[str, np.ndarray]:
        """The inputs of the last request."""
        return self.calls[-1][1]

    def _describe(self) -> dict[str, np.ndarray]:
        def strings(values: list[str]) -> np.ndarray:
            return np.array([value.encode() for value in values], dtype=object)

        return {
            "style_names": strings([style.name for style in self.catalog]),
            "titles": strings([style.title for style in self.catalog]),
            "artists": strings([style.artist for style in self.catalog]),
            "years": strings([style.year for style in self.catalog]),
            "thumbnails": np.array([style.thumbnail for style in self.catalog], dtype=object),
            "max_pixels": np.array([self.catalog.max_pixels], dtype=np.int64),
            "max_regions": np.array([MAX_REGIONS], dtype=np.int64),
            **({"style_vectors": _PALETTE, "trunk": strings([self.trunk])} if self.any_painting else {}),
        }

    def _encoded(self, inputs: Mapping[str, np.ndarray], palette: np.ndarray = _PALETTE) -> dict[str, np.ndarray]:
        answers = np.empty(len(inputs["image_bytes"]), dtype=object)
        for index in range(len(answers)):
            answers[index] = _paint(*(inputs[key][index] for key in (
                "image_bytes", "region_weights", "region_masks", "strength", "preserve_color", "format",
            )), palette)  # fmt: skip
        return {"image_bytes": answers}


def _paint(
    data: bytes,
    weights: np.ndarray,
    masks: np.ndarray,
    strength: float,
    preserve: bool,
    kind: bytes,
    palette: np.ndarray,
) -> bytes:
    photo = np.asarray(Image.open(io.BytesIO(data)), dtype=np.float32)
    style_map = np.zeros((*photo.shape[:2], len(palette)), dtype=np.float32)
    cover = np.zeros(photo.shape[:2], dtype=np.float32)
    for row, mask in zip(weights, masks, strict=True):
        values = np.asarray(Image.open(io.BytesIO(mask)), dtype=np.float32) / 255 if mask else np.ones_like(cover)
        style_map[..., : len(row)] += values[..., None] * row
        cover += values * (row.sum() > 0)
    total = style_map.sum(axis=-1, keepdims=True)
    stylized = (style_map / np.where(total > 0, total, 1)) @ palette
    if preserve:
        stylized = luminance_only(stylized, photo)
    share = (strength * np.minimum(cover, 1) * (total[..., 0] > 0))[..., None]
    result = Image.fromarray(np.rint(photo + share * (stylized - photo)).astype(np.uint8))
    buffer = io.BytesIO()
    result.save(buffer, kind.decode(), quality=95, subsampling=0)
    return buffer.getvalue()


def photo_array(height: int = 48, width: int = 64) -> np.ndarray:
    """A colourful picture, uint8 `[height,width,3]`, different in every corner."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / (width - 1), 255 * y / (height - 1)
    return np.stack([red, green, 255 - (red + green) / 2], axis=-1).round().astype(np.uint8)


def encode(image: Image.Image, format: str = "png", **options: object) -> bytes:
    """The image as a file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
