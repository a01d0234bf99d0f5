"""What the page asks for: its JSON as `StylizeOptions`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from tfstyle.contract.style_vector import StyleVector
from tfstyle.errors import RequestError, UnknownStyleError
from tfstyle.stylize.options import StylizeOptions, WireFormat


@dataclass(frozen=True, kw_only=True)
class PaintRequest:
    """How the page wants its photo.

    Attributes:
        mixes: Weight by style name, one mix a region.
        strength: 0..1.
        stroke: 0.5..2, or `native`.
        keep_colors: Whether colours stay the photo's.
        format: `jpeg` or `png`.
        draft: Whether a small painting will do, since a slider is still moving.
    """

    mixes: tuple[dict[str, float], ...]
    strength: float = 1.0
    stroke: float | str = 1.0
    keep_colors: bool = False
    format: WireFormat = "jpeg"
    draft: bool = False

    @classmethod
    def from_json(cls, text: str) -> "PaintRequest":
        """Read what the page sent.

        Raises:
            RequestError: If it is no such request.
        """
        try:
            told: dict[str, Any] = json.loads(text)
            mixes = tuple({str(name): float(weight) for name, weight in mix.items()} for mix in told["mixes"])
            stroke = told.get("stroke", 1.0)
            if not mixes:
                raise ValueError("no mixes")
            return cls(
                mixes=mixes,
                strength=float(told.get("strength", 1.0)),
                stroke=stroke if isinstance(stroke, str) else float(stroke),
                keep_colors=bool(told.get("keep_colors", False)),
                format=cast("WireFormat", str(told.get("format", "jpeg"))),
                draft=bool(told.get("draft", False)),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise RequestError(f"Expected a painting's settings as JSON, got something else ({error}).") from None

    def options(
        self, masks: Sequence[np.ndarray], styles: Mapping[str, str | StyleVector], *, whole: bool = False
    ) -> StylizeOptions:
        """The options that say the same.

        Args:
            masks: One for each mix, float32 `[H,W]`, 0..1; or none for one mix everywhere.
            styles: What the page's names stand for. Others are refused here: elsewhere a name may be that of a file.
            whole: Paint at full strength, and as JPEG: the page lays the painting over its photo itself.

        Raises:
            UnknownStyleError: If it names another style.
            RequestError: If something is out of range, or masks and mixes do not go together.
        """
        unknown = {name for mix in self.mixes for name in mix} - set(styles)
        if unknown:
            raise UnknownStyleError(f"No style named {min(unknown)!r} here.", known=tuple(styles))
        if len(masks) != len(self.mixes) and (masks or len(self.mixes) > 1):
            raise RequestError(f"Expected a mask for each of {len(self.mixes)} mixes, got {len(masks)}.")
        fields: dict[str, Any] = {"stroke": self.stroke, "preserve_color": self.keep_colors}
        fields |= {"format": self.format, "strength": 1.0 if whole else self.strength}
        mixes = [{styles[name]: weight for name, weight in mix.items()} for mix in self.mixes]
        if len(mixes) > 1:
            return StylizeOptions(regions=list(zip(masks, mixes, strict=True)), **fields)
        return StylizeOptions(mixes[0], mask=masks[0] if masks else None, **fields)
