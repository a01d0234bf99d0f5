"""Captions: from what people write there and after commands to style settings.

    scream 50 wave 50 keep colors person        two styles, the photo's colours, only on people
    starry nihgt 70%                            a typo; one style at 70 %
    left scream right great wave size full      a style for each place

A style is understood by its name, by its title, or by a word that only one style has; other words of that style may
stand beside it, as in "van Gogh". Every language's words are understood in every chat. What is not known exactly is
taken as its nearest match. A caption is often not meant for the bot: there everyday words and first names stand for no
style, and what is only near is taken if nothing unknown remains.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.conversation.own_styles import own_key
from bot.conversation.style_settings import FULL_SIZE, MAX_SIZE, PLACES, Mix, StyleSettings
from bot.texts import LANGUAGES, load_texts
from tfstyle.contract.catalog import Style
from tfstyle.imaging.photo import MIN_SIDE

MAX_WORDS = 40  # a caption may have 1024 characters, and none that long is meant for the bot

_KEYWORDS = ("keep", "colors", "style", "off", "strength", "size", "full")
_FILLERS = frozenset(
    (
        "a",
        "an",
        "and",
        "as",
        "at",
        "by",
        "con",
        "das",
        "de",
        "der",
        "die",
        "el",
        "en",
        "fur",
        "in",
        "it",
        "la",
        "los",
        "make",
        "me",
        "mit",
        "my",
        "of",
        "on",
        "only",
        "paint",
        "please",
        "por",
        "the",
        "to",
        "und",
        "use",
        "with",
        "y",
    )
)
# In a caption they do not mean a style by themselves.
_TOO_COMMON = frozenset(
    ("blue", "from", "grande", "great", "jean", "little", "portrait", "self", "sunday", "water", "with")
)
_NEAR_PHRASE = 0.8  # as difflib counts
_NEAR_PART = 0.6  # each word of a phrase
_NEAR_WORD = 0.65  # after a command, which is meant for the bot
NEAR_WORD_IN_CAPTION = 0.75
_SHORTEST_TYPO = _SHORTEST_WORD = 4
_MAX_WEIGHT = 1e6  # of a weight: hundreds of digits would be infinity, which has no share
_IN_STYLE_OF = re.compile(r"\D*([12])\D*\b(?:style|stil|estilo)\b\D*([12])\D*")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(%?)")


@dataclass(frozen=True, kw_only=True)
class ParsedCaption:
    """What was understood; None where nothing was said.

    Attributes:
        styles: Pairs of style and weight.
        strength: Percent.
        keep_colors: Whether to keep the photo's colours.
        mask: A place; empty for everywhere.
        regions: Pairs of place and styles.
        size: Pixels; 0 for full size.
        unknown: Words that mean nothing here.
    """

    styles: Mix | None = None
    strength: int | None = None
    keep_colors: bool | None = None
    mask: str | None = None
    regions: tuple[tuple[str, Mix], ...] | None = None
    size: int | None = None
    unknown: tuple[str, ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether anything was understood."""
        return self != ParsedCaption(unknown=self.unknown)

    def apply(self, style_settings: StyleSettings) -> StyleSettings:
        """The style settings with everything changed that was said."""
        if self.regions is not None:
            style_settings = replace(style_settings, regions=self.regions, styles=(), mask="")
        if self.styles is not None:
            style_settings = replace(style_settings, styles=self.styles, regions=())
        if self.mask is not None:
            style_settings = replace(style_settings, mask=self.mask, regions=())
        if self.strength is not None:
            style_settings = replace(style_settings, strength=self.strength)
        if self.keep_colors is not None:
            style_settings = replace(style_settings, keep_colors=self.keep_colors)
        if self.size is not None:
            style_settings = replace(style_settings, size=self.size)
        return style_settings


@dataclass(frozen=True)
class _Token:
    """A word with its meaning: `kind` is style, place, keyword, number or unknown."""

    kind: str
    value: str
    percent: bool = False


class Vocabulary:
    """The words that mean something for one model's styles, and those of somebody's own.

    Args:
        styles: All of them.
    """

    def __init__(self, styles: Iterable[Style]):
        styles = tuple(styles)
        self._phrases = {
            key: style.name for style in styles for key in (_slug(_name(style)), _slug(style.title)) if key
        }
        self._longest = max((phrase.count("_") + 1 for phrase in self._phrases), default=1)  # words
        self._owners = _owners(styles)
        self._words = {phrase.replace("_", ""): _Token("style", name) for phrase, name in self._phrases.items()}
        for word, name in _telling_words(styles):
            self._words[word] = _Token("style", name)
        for canonical in (*_KEYWORDS, *PLACES):
            self._words[canonical] = _token(canonical)
        for language in LANGUAGES:
            self._words |= {_plain(word): _token(canonical) for word, canonical in load_texts(language).words.items()}

    def read(self, text: str, *, near: float = _NEAR_WORD) -> ParsedCaption:
        """Read what follows a command.

        Args:
            text: Words, numbers and separators in any case.
            near: How alike a word must be to one that is known, 0..1; 1 forgives no typos.
        """
        return _understand(self._tokens(_split(text), near, any_word=True))

    def read_caption(self, text: str) -> ParsedCaption:
        """Read a caption, which may be meant for people instead: then nothing is understood."""
        words = _split(text)
        if len(words) > MAX_WORDS:
            return ParsedCaption()
        parsed = _understand(self._tokens(words, NEAR_WORD_IN_CAPTION))
        if not parsed.unknown:
            return parsed
        tokens = self._tokens(words, 1.0)
        unknown = sum(token.kind == "unknown" for token in tokens)
        return replace(_understand(tokens), unknown=()) if 2 * unknown < len(tokens) else ParsedCaption()

    def likely(self, word: str) -> tuple[str, ...]:
        """The styles that an unknown word may have been meant to be: all that share it, else the one most alike."""
        if shared := self._owners.get(_slug(word)):
            return tuple(shared)
        near = difflib.get_close_matches(_slug(word), [*self._phrases, *self._words], n=3, cutoff=0.5)
        for match in near:
            if match in self._phrases:
                return (self._phrases[match],)
            if self._words[match].kind == "style":
                return (self._words[match].value,)
        return ()

    def _tokens(self, words: list[str], near: float, *, any_word: bool = False) -> list[_Token]:
        """The words' meanings, without those that only go with a style named beside them.

        Args:
            words: In lower case.
            near: As for `read`.
            any_word: Every word that only one style has means it.
        """
        tokens = list(self._meanings(words, near))
        if any_word:
            tokens = [self._owner(token) or token for token in tokens]
        named = {token.value for token in tokens if token.kind == "style"}
        return [
            token for token in tokens if token.kind != "unknown" or named.isdisjoint(self._owners.get(token.value, ()))
        ]

    def _meanings(self, words: list[str], near: float) -> Iterator[_Token]:
        start = 0
        while start < len(words):
            for length in range(min(self._longest, len(words) - start), 0, -1):
                name = self._phrase("_".join(words[start : start + length]), length, near)
                if name:
                    yield _Token("style", name)
                    start += length
                    break
            else:
                word = words[start]
                start += 1
                if word not in _FILLERS:
                    yield self._word(word, near)

    def _owner(self, token: _Token) -> _Token | None:
        owners = self._owners.get(token.value, [])
        known = token.kind == "unknown" and len(owners) == 1 and len(token.value) >= _SHORTEST_WORD
        return _Token("style", owners[0]) if known else None

    def _phrase(self, phrase: str, length: int, near: float) -> str | None:
        if phrase in self._phrases:
            return self._phrases[phrase]
        if near == 1 or (length == 1 and "_" not in phrase) or any(char.isdigit() for char in phrase):
            return None
        # As long as the name itself, so that "scream person" is not taken for a misspelt "the scream".
        fitting = [key for key in self._phrases if key.count("_") == phrase.count("_")]
        for alike in difflib.get_close_matches(phrase, fitting, cutoff=_NEAR_PHRASE):
            # And word by word, so that "left starry night" is not taken for a misspelt "the starry night".
            if all(map(_near_part, phrase.split("_"), alike.split("_"))):
                return self._phrases[alike]
        return None

    def _word(self, word: str, near: float) -> _Token:
        if number := _NUMBER.fullmatch(word):
            return _Token("number", number[1], bool(number[2]))
        if word in self._words:
            return self._words[word]
        if near < 1 and len(word) >= _SHORTEST_TYPO and word not in self._owners:
            alike = difflib.get_close_matches(word, self._words, n=1, cutoff=near)
            if alike:
                return self._words[alike[0]]
        return _Token("unknown", word)


def style_of_album(text: str) -> int:
    """Which photo of an album of two the other is to look like, as in `1 in the style of 2`; 0 if nothing is said."""
    numbers = _IN_STYLE_OF.fullmatch(_plain(text))
    return int(numbers[2]) if numbers and numbers[1] != numbers[2] else 0


def _understand(tokens: list[_Token]) -> ParsedCaption:
    groups: list[tuple[str | None, list[tuple[str, float]]]] = [(None, [])]  # place and the styles after it
    found: dict[str, object] = {}
    unknown: list[str] = []
    percent = None
    index = 0
    while index < len(tokens):
        token, after = tokens[index], tokens[index + 1] if index + 1 < len(tokens) else _Token("end", "")
        index += 1
        match token.kind, token.value:
            case "style", name:
                weight = 1.0
                if after.kind == "number":
                    weight, percent = (
                        min(float(after.value), _MAX_WEIGHT),
                        float(after.value) if after.percent else percent,
                    )
                    index += 1
                groups[-1][1].append((name, weight))
            case "place", place:
                groups.append((place, []))
            case "keyword", "strength" if after.kind == "number" and float(after.value) <= 100:
                found["strength"] = round(float(after.value))
                index += 1
            case "keyword", "size" if after.value == "full":
                found["size"] = FULL_SIZE
                index += 1
            case "keyword", "size" if after.kind == "number" and MIN_SIDE <= float(after.value) <= MAX_SIZE:
                found["size"] = round(float(after.value))
                index += 1
            case "keyword", "keep":
                found["keep_colors"] = True
                index += after.value == "colors"
            case "keyword", "colors":
                found["keep_colors"] = after.value not in ("style", "off")
                index += after.value in ("style", "off", "keep")
            case "keyword", "style":
                if after.value == "colors":
                    found["keep_colors"] = False
                    index += 1
            case "keyword", "off":
                found["mask"] = ""
            case "keyword", "full":
                found["size"] = FULL_SIZE
            case "number", number if token.percent and float(number) <= 100:
                found["strength"] = round(float(number))
            case _:
                unknown.append(token.value)
    places = [(place, _merged(styles)) for place, styles in groups if place]
    styles = _merged(style for _, styles in groups for style in styles)
    if not groups[0][1] and len(places) > 1 and all(mix for _, mix in places):
        found["regions"] = tuple(places)
    else:
        if places:
            found["mask"] = places[-1][0]
        if styles:
            found["styles"] = styles
            if len(styles) == 1 and percent is not None and percent <= 100:  # a share of one style says nothing
                found.setdefault("strength", round(percent))
    return ParsedCaption(**found, unknown=tuple(unknown))  # type: ignore[arg-type]


def _merged(styles: Iterable[tuple[str, float]]) -> Mix:
    """Each style once, its last weight; only zeros would be no mix at all."""
    mix = dict(styles)
    return tuple(mix.items()) if any(mix.values()) else tuple((name, 1.0) for name in mix)


def _name(style: Style) -> str:
    """What people may call a style beside its title; the names of their own are keys."""
    return "" if own_key(style.name) else style.name.replace("_", " ")


def _owners(styles: Sequence[Style]) -> dict[str, list[str]]:
    """The styles by the words of their names, titles and painters."""
    owners: dict[str, list[str]] = {}
    for style in styles:
        for word in dict.fromkeys(_split(f"{_name(style)} {style.title} {style.artist}")):
            owners.setdefault(word, []).append(style.name)
    return owners


def _telling_words(styles: Sequence[Style]) -> Iterator[tuple[str, str]]:
    """Words that mean one style; first names are left out, for whoever is in the photo may have them."""
    owners = _owners(styles)
    for style in styles:
        for word in _split(f"{_name(style)} {style.title} {' '.join(style.artist.split()[-1:])}"):
            if len(word) >= _SHORTEST_WORD and word not in _FILLERS | _TOO_COMMON and owners[word] == [style.name]:
                yield word, style.name


def _near_part(word: str, part: str) -> bool:
    return difflib.SequenceMatcher(None, word, part).ratio() >= _NEAR_PART


def _token(canonical: str) -> _Token:
    return _Token("place" if canonical in PLACES else "keyword", canonical)


def _split(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?%?|[^\W\d_][\w']*", _plain(text).replace("\u2019", "'"))


def _slug(text: str) -> str:
    return "_".join(_split(text.replace("_", " ")))


def _plain(text: str) -> str:
    """Lower case without accents: é is e, Ä is a."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
