"""Styles of one's own on the command line: style files and pictures of paintings, wherever a style's name may stand.

kiss.style             a style file, as `tfstyle style` writes it
kiss.jpg               any picture that is read here: its style, at once
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from tfstyle.contract.style_file import SUFFIX, load_style
from tfstyle.contract.style_mix import (
    NamedStyle,
    Regions,
    StyleMix,
    check_weight,
    name_of,
    parse_regions,
    parse_style_mix,
)
from tfstyle.contract.style_vector import StyleVector
from tfstyle.errors import RequestError
from tfstyle.imaging.photo import PHOTO_SUFFIXES


class StyleSources:
    """Reads mixes and regions, and each file of a style once.

    Args:
        encode: From a picture's path to its style, such as `tfstyle.Stylizer.encode_style`.
    """

    def __init__(self, encode: Callable[[str], StyleVector]):
        self._encode = encode
        self._read: dict[str, StyleVector] = {}

    def mix(self, style: str | None, style_images: str | None) -> StyleMix | None:
        """What `--style` and `--style-image` ask for together; a mix of names alone stays as it is written."""
        if style_images is None:
            return style and self._in_place(style)
        weights = parse_style_mix(self._in_place(style)) if style else {}
        for file, weight in files(style_images):
            own = self.read(file)
            if own in weights:
                raise RequestError(f"Expected each style once, got {file} twice.")
            weights[own] = weight
        return weights

    def regions(self, regions: str) -> Regions:
        """What `--regions` asks for."""
        parsed = parse_regions(regions)
        if not any(_is_file(name_of(style)) for _, mix in parsed for style in mix):
            return regions
        return [(place, self._replaced(mix.items())) for place, mix in parsed]

    def read(self, file: str) -> StyleVector:
        """The style of a style file or of a picture."""
        if file not in self._read:
            self._read[file] = load_style(file) if Path(file).suffix == SUFFIX else self._encode(file)
        return self._read[file]

    def _in_place(self, style: str) -> StyleMix:
        mix = parse_style_mix(style)
        return self._replaced(mix.items()) if any(_is_file(name_of(name)) for name in mix) else style

    def _replaced(self, mix: Iterable[tuple[NamedStyle, float]]) -> dict[NamedStyle, float]:
        return {self.read(name) if isinstance(name, str) and _is_file(name) else name: weight for name, weight in mix}


def files(text: str) -> list[tuple[str, float]]:
    """`FILE[:WEIGHT],FILE[:WEIGHT]...` in the order written; a file's name may have a plus, which a mix may not."""
    found = []
    for part in text.split(","):
        file, colon, weight = part.strip().rpartition(":")
        if not colon or _is_file(part.strip()):
            file, weight = part.strip(), "1"
        if not file:
            raise RequestError(f"Expected paintings as FILE[:WEIGHT],FILE[:WEIGHT]..., got {text!r}.")
        found.append((file, check_weight(file, weight)))
    return found


def style_files(path: str) -> list[str]:
    """A file as it is given; a folder as the paintings and style files in it, by name.

    Raises:
        RequestError: If a folder has none.
    """
    if not os.path.isdir(path):
        return [path]
    found = sorted(str(file) for file in Path(path).iterdir() if _is_file(file.name) and file.name[0] != ".")
    if not found:
        raise RequestError(f"{path}: expected a folder with paintings or style files in it, found none.")
    return found


def _is_file(name: str) -> bool:
    """Whether a style is given by a file; names of styles do not end like one."""
    suffix = Path(name).suffix
    return suffix == SUFFIX or suffix.lower() in PHOTO_SUFFIXES
