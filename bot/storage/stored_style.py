"""A style of somebody's own as it is kept."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StoredStyle:
    """One style of somebody's own.

    Attributes:
        key: What stands for it in settings and buttons, as hard to guess as a password: whoever knows it may paint.
        title: What its owner calls it.
        file: A style file's bytes.
    """

    key: str
    title: str
    file: bytes
