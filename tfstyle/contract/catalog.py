"""The styles a model knows: what requests call them, who painted their style images, and what they look like.

A model tells its catalog through the signature `describe`, and as `assets.extra/catalog.json` beside the SavedModel:

    {"styles": [{"name": ..., "title": ..., "artist": ..., "year": ..., "thumbnail": base64 of a JPEG}, ...],
     "max_pixels": ...}
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfstyle.contract.style_mix import check_weight, nearest
from tfstyle.errors import ModelError, UnknownStyleError

CATALOG_FILE = Path("assets.extra") / "catalog.json"  # in a version's folder
MAX_STYLES = 10_000  # far more than a network of this kind has


@dataclass(frozen=True)
class Style:
    """One style: its name in requests, the style image it was learned from, and a small JPEG of what it does."""

    name: str
    title: str
    artist: str
    year: str
    thumbnail: bytes = b""


def title_of(name: str) -> str:
    """What the style image of a style may be called if nobody says."""
    return name.replace("_", " ").title()


@dataclass(frozen=True)
class Catalog:
    """The styles of one model in the order of its columns, and the largest photo it takes, in pixels (H * W)."""

    styles: tuple[Style, ...]
    max_pixels: int

    @property
    def names(self) -> tuple[str, ...]:
        """What requests call the styles, in the order of the model's columns."""
        return tuple(style.name for style in self.styles)

    def __len__(self) -> int:
        return len(self.styles)

    def __iter__(self) -> Iterator[Style]:
        return iter(self.styles)

    def __getitem__(self, name: str) -> Style:
        """The style of that name.

        Raises:
            UnknownStyleError: If there is none; the message suggests the nearest and lists those there are.
        """
        return self.styles[self._column(name)]

    def weights(self, mix: Mapping[str, float]) -> np.ndarray:
        """A mix as one row of the model's columns.

        Args:
            mix: Weight >= 0 by style name.

        Returns:
            float32 `[N]`, the weights as given: the model divides them by their sum.

        Raises:
            UnknownStyleError: If a style is not in the catalog.
            RequestError: If a weight is negative or not finite.
        """
        row = np.zeros(len(self.styles), dtype=np.float32)
        for name, weight in mix.items():
            row[self._column(name)] = check_weight(name, weight)
        return row

    def to_json(self) -> str:
        """The catalog as text for `catalog.json`."""
        styles = [
            {
                "name": style.name,
                "title": style.title,
                "artist": style.artist,
                "year": style.year,
                "thumbnail": base64.b64encode(style.thumbnail).decode("ascii"),
            }
            for style in self.styles
        ]
        return json.dumps({"styles": styles, "max_pixels": self.max_pixels}, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Catalog":
        """Read what `to_json` wrote.

        Raises:
            ModelError: If the text is not a catalog.
        """
        try:
            document = json.loads(text)
            styles = tuple(
                Style(
                    name=str(entry["name"]),
                    title=str(entry["title"]),
                    artist=str(entry["artist"]),
                    year=str(entry["year"]),
                    thumbnail=base64.b64decode(entry["thumbnail"], validate=True),
                )
                for entry in document["styles"]
            )
            return cls(styles, int(document["max_pixels"]))
        except (ValueError, TypeError, KeyError, binascii.Error) as error:
            raise ModelError(
                f"Expected a catalog with styles and max_pixels, got something else ({error!r}); "
                "export the model again."
            ) from None

    @classmethod
    def load(cls, path: Path) -> "Catalog":
        """Read a `catalog.json`.

        Raises:
            ModelError: If it cannot be read or is not a catalog.
        """
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: cannot be read: {error}.") from None
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from None

    @classmethod
    def from_describe(cls, answer: Mapping[str, np.ndarray]) -> "Catalog":
        """Read what the signature `describe` answers.

        Args:
            answer: Arrays by output name; strings are arrays of bytes.

        Raises:
            ModelError: If an output is missing or of another kind, or they differ in length.
        """
        try:
            columns = [
                [value.decode("utf-8") for value in _rows(answer, key)]
                for key in ("style_names", "titles", "artists", "years")
            ]
            thumbnails = _rows(answer, "thumbnails")
            styles = tuple(Style(*row) for row in zip(*columns, thumbnails, strict=True))
            max_pixels = int(answer["max_pixels"].flat[0])
            if max_pixels < 1 or not all(isinstance(style.thumbnail, bytes) for style in styles):
                raise ValueError("no pixels, or thumbnails that are no bytes")
            return cls(styles, max_pixels)
        except (KeyError, ValueError, IndexError, AttributeError, TypeError, OverflowError) as error:
            raise ModelError(
                f"Expected a model that describes its styles, got an answer that does not ({error!r}); "
                f"export it again with this version of tfstyle."
            ) from None

    def _column(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            likely = nearest(name, self.names)
            suggestion = f"; did you mean {likely}?" if likely else "."
            raise UnknownStyleError(
                f"No style named {name!r}{suggestion} Known: {', '.join(self.names)}.", known=self.names
            ) from None


def _rows(answer: Mapping[str, np.ndarray], key: str) -> list[Any]:
    """One value a style. A shape of a few bytes may claim billions, so it is looked at before lists are made of it."""
    values = answer[key]
    if values.ndim != 1 or len(values) > MAX_STYLES:
        raise ValueError(f"{key} in the shape {list(values.shape)}")
    return values.tolist()
