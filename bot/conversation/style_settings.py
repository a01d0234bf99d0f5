"""Style settings: how a photo is to be stylized, as a chat has chosen, what a caption asks for, what a button holds.

A button holds at most 64 bytes, so they are short there, with styles as columns of the model, which are
append-only, and places as letters:

    0:60+2:40;70;k;p;1280           styles 0 and 2, strength 70 %, keep colours, on the person, 1280 pixels
    ;100;s;;1280;l0,r2:60+1:40      regions: style 0 on the left, styles 2 and 1 on the right
    ~k3j9x2m4qa                     a style of somebody's own, by its key
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from bot.conversation.own_styles import own_key, own_name
from tfstyle.masks.mask import GRADIENTS

SEGMENTS = ("person", "background", "subject")
PLACES = (*GRADIENTS, *SEGMENTS)
DEFAULT_SIZE = 1280  # what Telegram shows; more only takes longer
MAX_SIZE = 2560  # the largest that Telegram keeps of a photo
FULL_SIZE = 0
MAX_STORED_SIZE = 99_999  # of a size in a button; more than any picture has
MAX_ID = 2**63 - 1  # of Telegram's messages, chats and users, and of a database's integers
_OWN_MARK = "~"  # before the key of a style that is not the model's
MESSAGE_MARK = "#"  # a mask "#123" is the picture of message 123

_LARGE = 999.5  # from here on three digits of a weight are written with an exponent
_LETTERS = dict(zip(PLACES, "lrtbcpgs", strict=True))
_PLACES_BY_LETTER = {letter: place for place, letter in _LETTERS.items()}

Mix = tuple[tuple[str, float], ...]


class StyleSettingsError(ValueError):
    """A button's text is not style settings of this model."""


@dataclass(frozen=True, kw_only=True)
class StyleSettings:
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

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The keys of those of them that are somebody's own."""
        return tuple(filter(None, map(own_key, self.style_names)))

    def to_dict(self) -> dict[str, Any]:
        """The style settings for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "StyleSettings":
        """Read what `to_dict` wrote, here or in a bot of another version: what is not known here is left out.

        Raises:
            ValueError: If it is something else.
        """
        try:
            known = known_fields(cls, document)
            regions = tuple((str(place), _mix(mix)) for place, mix in known.pop("regions", ()))
            style_settings = cls(**{**known, "styles": _mix(known.pop("styles", ())), "regions": regions})
            style_settings.encode(())  # finds places that there are not
            if style_settings.mask not in ("", *PLACES) and style_settings.mask_message is None:
                raise ValueError("a mask of no place")
            if {type(style_settings.strength), type(style_settings.size)} != {int}:  # True passes for 1
                raise ValueError("a number that is none")
            if not (0 <= style_settings.strength <= 100 and 0 <= style_settings.size <= MAX_STORED_SIZE):
                raise ValueError("a number out of range")
            return style_settings
        except (TypeError, AttributeError, KeyError, ValueError, OverflowError) as error:
            raise ValueError(f"Expected settings as they are stored, got something else ({error!r}).") from error

    def encode(self, names: Sequence[str]) -> str:
        """The style settings for a button.

        Args:
            names: The model's styles in the order of its columns; styles that are not among them are left out.
        """
        regions = ",".join(_LETTERS[place] + _encode_mix(mix, names) for place, mix in self.regions)
        colors = "k" if self.keep_colors else "s"
        mask = _LETTERS.get(self.mask, self.mask)
        return f"{_encode_mix(self.styles, names)};{self.strength};{colors};{mask};{self.size};{regions}".rstrip(";")

    @classmethod
    def decode(cls, text: str, names: Sequence[str]) -> "StyleSettings":
        """Read what `encode` wrote.

        Raises:
            LookError: If it is something else, or names a column that the model does not have.
        """
        try:
            styles, strength, colors, mask, size, regions = [*text.split(";"), ""][:6]
            return cls(
                styles=_decode_mix(styles, names),
                strength=_number(strength, 100),
                keep_colors=colors == "k",
                mask=_decode_mask(mask),
                size=_number(size, MAX_STORED_SIZE),
                regions=tuple(
                    (_PLACES_BY_LETTER[part[0]], _decode_mix(part[1:], names)) for part in regions.split(",") if part
                ),
            )
        except (ValueError, KeyError, IndexError) as error:
            raise StyleSettingsError(f"Expected style settings such as 0;100;s;;1280, got {text!r}.") from error


def known_fields(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """Of a stored document, what a dataclass of now has."""
    return {field.name: document[field.name] for field in fields(kind) if field.name in document}


def _mix(pairs: Sequence[Sequence[Any]]) -> Mix:
    return tuple((str(name), float(weight)) for name, weight in pairs)


def _decode_mask(text: str) -> str:
    if text.startswith(MESSAGE_MARK):
        return f"{MESSAGE_MARK}{_number(text[1:], MAX_ID)}"
    return text and _PLACES_BY_LETTER[text]


def _number(text: str, most: int) -> int:
    """A number of a button, which anybody may have forged.

    Raises:
        ValueError: If it is none, or larger than what the bot writes there.
    """
    if not (text.isascii() and text.isdecimal() and int(text) <= most):
        raise ValueError(f"Expected a number up to {most}, got {text!r}.")
    return int(text)


def _encode_mix(mix: Mix, names: Sequence[str]) -> str:
    known = [(_column(name, names), weight) for name, weight in mix if name in names or own_key(name)]
    if len(known) == 1:
        return known[0][0]
    largest = max((weight for _, weight in known), default=1.0)
    scale = 1.0 if largest < _LARGE else 100 / largest  # proportions count, and a large number has a plus of its own
    return "+".join(f"{column}:{scale * weight:.3g}" for column, weight in known)


def _decode_mix(text: str, names: Sequence[str]) -> Mix:
    pairs = [part.partition(":") for part in text.split("+") if part]
    mix = tuple((_name(column, names), float(weight or 1)) for column, _, weight in pairs)
    if mix and not (all(0 <= weight < math.inf for _, weight in mix) and any(weight for _, weight in mix)):
        raise ValueError(f"Expected weights of 0 or more, not all 0, got {text!r}.")
    return mix


def _column(name: str, names: Sequence[str]) -> str:
    return f"{_OWN_MARK}{own_key(name)}" if own_key(name) else str(names.index(name))


def _name(column: str, names: Sequence[str]) -> str:
    if column.startswith(_OWN_MARK):
        return own_name(column.removeprefix(_OWN_MARK))
    return names[_number(column, len(names))]
