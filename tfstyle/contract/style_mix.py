"""How styles and regions are written: on the command line, in a chat, in Python.

    mix      starry_night                              one style
             starry_night:60,the_scream:40             several, in proportion; no weight is 1
             starry_night:60+the_scream:40             the same: + does what , does
    regions  left=the_scream,right=starry_night        places, each with a mix of its own
             background=starry_night                   what is around the people in the photo
             left=the_scream:2+great_wave,sky.png=rain_princess

In Python a style may also be a style vector, or the path of a style file, alone or as a key: `{kiss: 60, "udnie": 40}`.

A place is what the photo shows (person, background, subject), a gradient (left, right, top, bottom, radial) or a mask
file; within a region styles are joined by `+`, since the comma is taken. File names with a comma fit only into Python's
form, a list of pairs.
"""

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfstyle.contract.signatures import MAX_REGIONS
from tfstyle.contract.style_file import load_style
from tfstyle.contract.style_vector import StyleVector
from tfstyle.errors import RequestError
from tfstyle.masks.mask import MaskSource

NamedStyle = str | StyleVector  # a style by its name in the catalog, or one of one's own
StyleMix = str | StyleVector | os.PathLike[str] | Mapping[Any, float]  # keys: names, vectors, paths of style files
STYLE_NAME = re.compile(r"[\w.-]+")  # without the colons, commas, plus and equals signs that names stand between

Regions = str | Mapping[str, StyleMix] | Sequence[tuple[MaskSource, StyleMix]]


def parse_style_mix(mix: StyleMix) -> dict[NamedStyle, float]:
    """Read a mix of styles, in the order written.

    Args:
        mix: As text; a style vector or the path of a style file; or a mapping of names, style vectors and such paths to
            weights. Whether the styles named exist is the catalog's to say.

    Returns:
        Weight >= 0 by name or style vector; proportions, not divided by their sum.

    Raises:
        RequestError: If there is no style, one is named twice, or a weight is no number, negative or not finite.
        StyleVectorError: If a style file cannot be read.
    """
    if isinstance(mix, Mapping):
        pairs: Iterable[tuple[Any, object]] = mix.items()
    elif isinstance(mix, str):
        pairs = [_split_weight(part.strip(), mix) for part in mix.replace("+", ",").split(",")]
    else:
        pairs = [(mix, 1)]
    weights: dict[NamedStyle, float] = {}
    for key, weight in pairs:
        style = _style(key)
        if style in weights:
            raise RequestError(f"Expected each style once, got {name_of(style)!r} twice in {mix!r}.")
        weights[style] = check_weight(name_of(style), weight)
    if not weights:
        raise RequestError("Expected at least one style, got none.")
    return weights


def parse_regions(regions: Regions) -> list[tuple[MaskSource, dict[NamedStyle, float]]]:
    """Read regions, in the order written.

    Args:
        regions: As text; or a mapping of place to mix; or pairs of a mask, in any form that `masks.resolve` takes, and
            a mix.

    Returns:
        Pairs of a mask, not read yet, and the weights of its styles.

    Raises:
        RequestError: If there is no region or more than `MAX_REGIONS`, a part is not `PLACE=STYLE`, or a mix is wrong.
    """
    if isinstance(regions, str):
        pairs: Iterable[tuple[MaskSource, StyleMix]] = [
            _split_place(part.strip(), regions) for part in regions.split(",")
        ]
    elif isinstance(regions, Mapping):
        pairs = regions.items()
    else:
        pairs = regions
    parsed = [(place, parse_style_mix(mix)) for place, mix in pairs]
    if not parsed:
        raise RequestError("Expected at least one region, such as left=the_scream, got none.")
    if len(parsed) > MAX_REGIONS:
        raise RequestError(f"Expected at most {MAX_REGIONS} regions, got {len(parsed)}; join those of one style.")
    return parsed


def name_of(style: NamedStyle) -> str:
    """What people call a style."""
    return style if isinstance(style, str) else style.name


def check_weight(name: str, weight: object) -> float:
    """A style's weight as a number.

    Raises:
        RequestError: If it is no number, negative, or not finite as float32.
    """
    try:
        value = float(weight)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= 3.4e38:
        raise RequestError(f"Expected a weight of 0 or more for style {name!r}, got {weight}.")
    return value


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that `name` was most likely meant to be, or None if nothing comes near."""
    wanted = os.fspath(name).strip().lower().replace(" ", "_").replace("-", "_")
    close = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
    contained = [candidate for candidate in known if len(wanted) > 2 and wanted in candidate]
    return next(iter(close + contained), None)


def _style(key: object) -> NamedStyle:
    if isinstance(key, os.PathLike):
        return load_style(key)
    if not isinstance(key, str | StyleVector):
        raise RequestError(
            "Expected a style as its name, a StyleVector or the path of a style file, or a dict of these to weights, "
            f"got {type(key).__name__}."
        )
    return key


def _split_weight(part: str, mix: str) -> tuple[str, str]:
    name, colon, weight = part.partition(":")
    name = name.strip()
    if not name:
        raise RequestError(f"Expected styles as NAME[:WEIGHT],NAME[:WEIGHT]..., got {mix!r}.")
    if "=" in name:
        raise RequestError(f"Expected styles as NAME[:WEIGHT],..., got {mix!r}; PLACE=STYLE belongs into regions.")
    return name, weight.strip() if colon else "1"


def _split_place(part: str, regions: str) -> tuple[str, str]:
    place, equals, mix = part.rpartition("=")
    if not (equals and place.strip() and mix.strip()):
        raise RequestError(
            f"Expected regions as PLACE=STYLE,PLACE=STYLE..., got {part!r} in {regions!r}; "
            f"to mix styles within a region join them with +, as in left=the_scream:1+great_wave:2."
        )
    return place.strip(), mix.strip()
