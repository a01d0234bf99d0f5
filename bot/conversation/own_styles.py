"""Own styles: those that somebody made of paintings of their own, as settings, buttons and captions name them."""

import base64
import re
import secrets
from dataclasses import dataclass, replace

from tfstyle.contract import style_file
from tfstyle.contract.catalog import Style
from tfstyle.contract.style_vector import name_from

MAX_OWN_STYLES = 12  # of one person: as many as fit one picture, and the buttons under it
MAX_TITLE = 40  # characters

_MARK = "own."  # before the key, where names of styles stand
_KEY = re.compile(r"[a-z2-7]{10}")


@dataclass(frozen=True, kw_only=True)
class OwnStyle:
    """One of them.

    Attributes:
        key: What stands for it, as hard to guess as a password: buttons hold it, and anybody may forge those.
        title: What its owner calls it.
    """

    key: str
    title: str

    @property
    def name(self) -> str:
        """What stands for it among the names of a model's styles."""
        return f"{_MARK}{self.key}"

    def as_style(self, thumbnail: bytes = b"") -> Style:
        """The style as a catalog has them."""
        return Style(self.name, self.title, "", "", thumbnail)


def shared(title: str, file: bytes) -> tuple[str, bytes]:
    """A style as somebody else gets it: the name of a style file, and its bytes with what the style is called now."""
    name = name_from(title)
    return f"{name}{style_file.SUFFIX}", style_file.to_bytes(
        replace(style_file.from_bytes(file), name=name, title=title)
    )


def new_key() -> str:
    """A key that no other style has."""
    return base64.b32encode(secrets.token_bytes(10)).decode("ascii")[:10].lower()


def own_name(key: str) -> str:
    """The name of the style of this key.

    Raises:
        ValueError: If it is none.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"Expected the key of a style, got {key!r}.")
    return f"{_MARK}{key}"


def own_key(name: str) -> str:
    """The key of the style of this name; empty for those of the model."""
    return name.removeprefix(_MARK) if name.startswith(_MARK) else ""
