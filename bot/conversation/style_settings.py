"""How a photo is to be painted: what a chat has chosen, what a caption asks for, what a button holds.

A button holds at most 64 bytes, so a look is written short there, with styles as columns of the model, which are
append-only, and places as letters:

    0:60+2:40;70;k;p;1280           styles 0 and 2, strength 70 %, keep colours, on the person, 1280 pixels
    ;100;s;;1280;l0,r2:60+1:40      regions: style 0 on the left, styles 2 and 1 on the right
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tfstyle.masks.mask import GRADIENTS

SEGMENTS = ("person", "background", "subject")
PLACES = (*GRADIENTS, *SEGMENTS)
DEFAULT_SIZE = 1280  # what Telegram shows; more only takes longer
MAX_SIZE = 2560  # the largest that Telegram keeps of a photo
FULL_SIZE = 0
MESSAGE_MARK = "#"  # a mask "#123" is the picture of message 123

_LARGE = 999.5  # from here on three digits of a weight are written with an exponent
_LETTERS = dict(zip(PLACES, "lrtbcpgs", strict=True))
_PLACES_BY_LETTER = {letter: place for place, letter in _LETTERS.items()}

Mix = tuple[tuple[str, float], ...]


class LookError(ValueError):
    """A button's text is not a look of this model."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How to paint.

    Attributes:
        styles: Pairs of style name and weight, in proportion; none is the model's first style.
        strength: Percent of the painting, 0..100.
        keep_colors: Keep the photo's colours.
        mask: Where: a place out of `PLACES`, or `#` and the id of a message with a mask; empty is everywhere.
        regions: Pairs of place and styles, instead of `styles` and `mask`.
        size: Longer side of the painting in pixels at most; 0 is as large as the photo.
    """

    styles: Mix = ()
    strength: int = 100
    keep_colors: bool = False
    mask: str = ""
    regions: tuple[tuple[str, Mix], ...] = ()
    size: int = DEFAULT_SIZE

    @property
    def mask_message(self) -> int | None:
        """The id of the message whose picture is the mask, if one is."""
        return int(self.mask[1:]) if self.mask.startswith(MESSAGE_MARK) else None

    @property
    def style_names(self) -> tuple[str, ...]:
        """The styles that are used, each once."""
        mixes = [mix for _, mix in self.regions] if self.regions else [self.styles]
        return tuple(dict.fromkeys(name for mix in mixes for name, _ in mix))

    def to_dict(self) -> dict[str, Any]:
        """The look for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Look":
        """Read what `to_dict` wrote."""
        regions = tuple((place, _mix(mix)) for place, mix in document["regions"])
        return cls(**{**document, "styles": _mix(document["styles"]), "regions": regions})

    def encode(self, names: Sequence[str]) -> str:
        """The look for a button.

        Args:
            names: The model's styles in the order of its columns; styles that are not among them are left out.
        """
        regions = ",".join(_LETTERS[place] + _encode_mix(mix, names) for place, mix in self.regions)
        colors = "k" if self.keep_colors else "s"
        mask = _LETTERS.get(self.mask, self.mask)
        return f"{_encode_mix(self.styles, names)};{self.strength};{colors};{mask};{self.size};{regions}".rstrip(";")

    @classmethod
    def decode(cls, text: str, names: Sequence[str]) -> "Look":
        """Read what `encode` wrote.

        Raises:
            LookError: If it is something else, or names a column that the model does not have.
        """
        try:
            styles, strength, colors, mask, size, regions = [*text.split(";"), ""][:6]
            return cls(
                styles=_decode_mix(styles, names),
                strength=min(100, max(0, int(strength))),
                keep_colors=colors == "k",
                mask=f"{MESSAGE_MARK}{int(mask[1:])}" if mask[:1] == MESSAGE_MARK else mask and _PLACES_BY_LETTER[mask],
                size=int(size),
                regions=tuple(
                    (_PLACES_BY_LETTER[part[0]], _decode_mix(part[1:], names)) for part in regions.split(",") if part
                ),
            )
        except (ValueError, KeyError, IndexError) as error:
            raise LookError(f"Expected a look such as 0;100;s;;1280, got {text!r}.") from error


def _mix(pairs: Sequence[Sequence[Any]]) -> Mix:
    return tuple((str(name), float(weight)) for name, weight in pairs)


def _encode_mix(mix: Mix, names: Sequence[str]) -> str:
    known = [(names.index(name), weight) for name, weight in mix if name in names]
    if len(known) == 1:
        return str(known[0][0])
    largest = max((weight for _, weight in known), default=1.0)
    scale = 1.0 if largest < _LARGE else 100 / largest  # proportions count, and a large number has a plus of its own
    return "+".join(f"{column}:{scale * weight:.3g}" for column, weight in known)


def _decode_mix(text: str, names: Sequence[str]) -> Mix:
    pairs = [part.partition(":") for part in text.split("+") if part]
    mix = tuple((names[int(column)], float(weight or 1)) for column, _, weight in pairs)
    if mix and not (all(0 <= weight < math.inf for _, weight in mix) and any(weight for _, weight in mix)):
        raise ValueError(f"Expected weights of 0 or more, not all 0, got {text!r}.")
    return mix
