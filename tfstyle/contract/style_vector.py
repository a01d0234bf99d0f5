"""Style vectors: all that a style is to a network, as a value that requests carry and people keep.

A vector means something to the trunk that it was learned or predicted with, and to no other; the trunk's fingerprint
goes with it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfstyle.errors import ModelError, StyleVectorError

MAX_STYLE_SIZE = 100_000  # numbers; a network of this kind has some thousands
MAX_TEXT = 200  # characters of a name, title, artist or year
MAX_THUMBNAIL_BYTES = 100_000

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")  # of `tfstyle.networks.transformer.Transformer.fingerprint`
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, eq=False)
class StyleVector:
    """One style of one's own: what the network takes, and what people call it.

        kiss = stylizer.encode_style("kiss.jpg", title="The Kiss", artist="Gustav Klimt", year="1908")
        stylizer.stylize("photo.jpg", {kiss: 60, "starry_night": 40})

    Attributes:
        values: Gammas and betas of the normalizations, finite, float32 `[V]`, read-only.
        trunk: Fingerprint of the network that they are for, 16 hexadecimal digits.
        name: What files and messages call the style; letters, digits, `_`, `.` and `-`.
        title: Title of the style image.
        artist: Who painted it.
        year: When, as text.
        thumbnail: A small JPEG of the style image; may be empty.

    Raises:
        StyleVectorError: If one of them is not what it has to be.
    """

    values: np.ndarray = field(repr=False)
    trunk: str
    name: str = "style"
    title: str = ""
    artist: str = ""
    year: str = ""
    thumbnail: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float32)
        if values.ndim != 1 or not 0 < values.size <= MAX_STYLE_SIZE:
            raise StyleVectorError(f"Expected a style vector of shape [V], got one of shape {list(values.shape)}.")
        if not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            raise StyleVectorError(
                f"Expected a style vector of finite numbers for {self.name!r}, got {count} that are not; make it again "
                "from its painting."
            )
        if not isinstance(self.trunk, str) or not _FINGERPRINT.fullmatch(self.trunk):
            raise StyleVectorError(
                f"Expected the fingerprint of a trunk, 16 hexadecimal digits, with a style vector, got {self.trunk!r}."
            )
        texts = (self.name, self.title, self.artist, self.year)
        if not all(isinstance(text, str) and len(text) <= MAX_TEXT for text in texts):
            raise StyleVectorError(
                f"Expected name, title, artist and year of a style of at most {MAX_TEXT} characters each."
            )
        check_name(self.name)
        if not isinstance(self.thumbnail, bytes) or len(self.thumbnail) > MAX_THUMBNAIL_BYTES:
            raise StyleVectorError(f"Expected a thumbnail of at most {MAX_THUMBNAIL_BYTES} bytes.")
        values.setflags(write=False)
        object.__setattr__(self, "values", values)


@dataclass(frozen=True, eq=False)
class StyleTable:
    """The style vectors of a model's named styles, and the trunk that they and all others are for.

    Attributes:
        names: The styles.
        vectors: Their vectors, float32 `[N,V]`.
        trunk: The trunk's fingerprint.
    """

    names: tuple[str, ...]
    vectors: np.ndarray
    trunk: str

    def mixed(self, mix: "Mapping[str | StyleVector, float]") -> np.ndarray:
        """A mix as one vector, float32 `[V]`.

        Args:
            mix: Weights >= 0 by a name of the table or a style vector; at least one of them is not 0.

        Raises:
            StyleVectorError: If a style vector is of another trunk.
            KeyError: If the table has no such name.
        """
        rows = np.stack([self._vector(style) for style in mix]).astype(np.float64)
        weights = np.array(list(mix.values()), np.float64)
        weights = weights / weights.max()
        mixed: np.ndarray = (weights / weights.sum()) @ rows
        return mixed.astype(np.float32)

    def check(self, style: StyleVector) -> None:
        """See that a style vector is for this trunk.

        Raises:
            StyleVectorError: If it is not.
        """
        if style.trunk != self.trunk or style.values.shape != self.vectors.shape[1:]:
            raise StyleVectorError(
                f"Expected styles of the network {self.trunk}, which is the model's, but {style.name!r} is of "
                f"{style.trunk}; make it again from its painting with this model: tfstyle style PAINTING -o "
                f"{style.name}.style, or encode_style in Python."
            )

    def _vector(self, style: str | StyleVector) -> np.ndarray:
        if isinstance(style, StyleVector):
            self.check(style)
            return style.values
        try:
            row: np.ndarray = self.vectors[self.names.index(style)]
        except ValueError:
            raise KeyError(style) from None
        return row

    @classmethod
    def from_describe(cls, answer: Mapping[str, np.ndarray]) -> "StyleTable | None":
        """What the signature `describe` answers; None where a model tells no vectors.

        Raises:
            ModelError: If what it tells is no table of its styles' vectors.
        """
        if "style_vectors" not in answer or "trunk" not in answer:
            return None
        try:
            names = tuple(name.decode("utf-8") for name in answer["style_names"].tolist())
            vectors, (trunk,) = answer["style_vectors"], answer["trunk"].tolist()
            fine: Any = vectors.ndim == 2 and len(vectors) == len(names) and 0 < vectors.shape[1] <= MAX_STYLE_SIZE
            if not (fine and vectors.dtype == np.float32 and np.isfinite(vectors).all()):
                raise ValueError(f"style_vectors of {vectors.dtype} in the shape {list(vectors.shape)}")
            if not _FINGERPRINT.fullmatch(trunk.decode()):
                raise ValueError(f"trunk {trunk!r}")
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelError(
                f"Expected a model that describes its style vectors, got an answer that does not ({error!r}); export "
                "it again with this version of tfstyle."
            ) from None
        return cls(names, vectors, trunk.decode())


def check_name(name: str) -> None:
    """See that a name can stand in a mix.

    Raises:
        StyleVectorError: If it cannot.
    """
    if not name or _NOT_IN_NAMES.search(name):
        raise StyleVectorError(
            f"Expected a style's name of letters, digits, '_', '.' and '-', got {name!r}, since others stand between "
            "the names of a mix."
        )


def name_from(text: str) -> str:
    """A style's name out of a title or a file's name: `The Kiss (1908)` is `the_kiss_1908`."""
    return _NOT_IN_NAMES.sub("_", text.lower()).strip("_.-")[:MAX_TEXT] or "style"
