"""How one photo is to be stylized: every option with its range and its default, checked once, passed on whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypedDict, Unpack

from tfstyle.contract.style_mix import NamedStyle, Regions, StyleMix, parse_regions, parse_style_mix
from tfstyle.contract.style_vector import StyleVector
from tfstyle.errors import RequestError
from tfstyle.imaging.metadata import KINDS, Metadata
from tfstyle.imaging.photo import MIN_SIDE
from tfstyle.masks.mask import DEFAULT_FADE, MaskSource, check_fade
from tfstyle.stylize.stroke_size import Stroke, parse_stroke

WireFormat = Literal["png", "jpeg"]


class StylizeKeywords(TypedDict, total=False):
    """The fields of `StylizeOptions` but for the style, as calls take them by keyword."""

    strength: float
    preserve_color: bool
    mask: MaskSource | None
    regions: Regions | None
    fade: float
    max_size: int | None
    stroke: Stroke
    format: WireFormat
    metadata: Metadata


@dataclass(frozen=True, kw_only=True, eq=False)
class StylizeOptions:
    """How to stylize a photo.

        StylizeOptions("starry_night:60,the_scream:40", strength=0.8, mask="background")

    Attributes:
        style: One style, or several in proportion: `"a"`, `"a:60,b:40"` or `{"a": 60, "b": 40}`. A style of one's own
            is a `StyleVector` or the path of a style file: `kiss`, `Path("kiss.style")` or `{kiss: 60, "a": 40}`.
        strength: 0..1, how much of the stylized image; 0 is the photo.
        preserve_color: Keep the photo's colours and take only brightness from the stylized image.
        mask: Where to stylize: `person`, `background`, `subject`, `left`, `right`, `top`, `bottom`, `radial`, or any
            picture or array of gray values.
        regions: Several places with a mix each, instead of `style` and `mask`: `"left=a,right=b:2+c"`, a mapping, or
            pairs of mask and mix. Each region's weights count in proportion among themselves. Where regions overlap,
            they mix in proportion to their masks; where none reaches, the photo stays.
        fade: 0..1, how softly gradients fade.
        max_size: Shrink the photo first so that its longer side has at most so many pixels, 16 or more.
        stroke: How broad strokes are, 0.5 (finer) to 2 (broader), at the same size of stylized image. How large the
            photo is makes no difference above 1280 x 1280 pixels, unless this is `native`: then every pixel is painted.
        format: How the stylized image travels; `jpeg` is smaller, `png` exact.
        metadata: What files keep of the photo's EXIF: `safe` is artist, copyright and dates, else `keep` or `none`.

    Raises:
        RequestError: If one of them is out of range, or two of them exclude each other.
        StyleVectorError: If a style file cannot be read.
    """

    style: StyleMix | None = field(default=None, kw_only=False)
    strength: float = 1.0
    preserve_color: bool = False
    mask: MaskSource | None = None
    regions: Regions | None = None
    fade: float = DEFAULT_FADE
    max_size: int | None = None
    stroke: Stroke = 1.0
    format: WireFormat = "png"
    metadata: Metadata = "safe"

    def __post_init__(self) -> None:
        _ = self.places
        if not 0 <= self.strength <= 1:
            raise RequestError(f"Expected a strength from 0 (the photo) to 1 (the painting), got {self.strength}.")
        check_fade(self.fade)
        if self.max_size is not None and self.max_size < MIN_SIDE:
            raise RequestError(f"Expected a max size of at least {MIN_SIDE} pixels, got {self.max_size}.")
        parse_stroke(self.stroke)
        if self.format not in ("png", "jpeg"):
            raise RequestError(f"Expected png or jpeg as format, got {self.format!r}.")
        if self.metadata not in KINDS:
            raise RequestError(f"Expected keep, safe or none as metadata, got {self.metadata!r}.")

    @classmethod
    def of(
        cls, style: "StyleMix | StylizeOptions | None" = None, **fields: Unpack[StylizeKeywords]
    ) -> "StylizeOptions":
        """Options as calls take them: whole, or a style with the other fields as keywords.

        Raises:
            RequestError: As `StylizeOptions`.
        """
        return replace(style, **fields) if isinstance(style, StylizeOptions) else cls(style, **fields)

    @cached_property
    def places(self) -> tuple[tuple[MaskSource | None, Mapping[NamedStyle, float]], ...]:
        """Style, mask and regions as one: pairs of a mask (None: everywhere) and the weights of its styles."""
        if self.regions is not None:
            if self.style is not None or self.mask is not None:
                raise RequestError(
                    "Expected either a style, with or without a mask, or regions, got both; each region names its own "
                    "style and place."
                )
            return tuple(parse_regions(self.regions))
        if self.style is None:
            raise RequestError("Expected a style or regions, got neither; tfstyle styles lists the styles.")
        return ((self.mask, parse_style_mix(self.style)),)

    @cached_property
    def styles(self) -> tuple[NamedStyle, ...]:
        """Every style asked for, once, in the order written."""
        return tuple(dict.fromkeys(style for _, mix in self.places for style in mix))

    @property
    def names(self) -> tuple[str, ...]:
        """Those of them that are the model's own."""
        return tuple(style for style in self.styles if isinstance(style, str))

    @property
    def vectors(self) -> tuple[StyleVector, ...]:
        """Those of them that are not."""
        return tuple(style for style in self.styles if isinstance(style, StyleVector))
