"""Paints single frames in two steps: strokes everywhere, which are then kept steady, and what of them is shown."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tfstyle.imaging.compositing import compose
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.stylizer import Stylizer


class FramePainter:
    """Paints frames as options say; may be asked from several threads.

    Args:
        stylizer: Who paints.
        options: How; `max_size` is the reader's.
    """

    def __init__(self, stylizer: Stylizer, options: StylizeOptions):
        self._stylizer = stylizer
        self._options = options
        self._whole = replace(options, strength=1.0, preserve_color=False, mask=None, max_size=None, format="png")

    def paint(self, pixels: np.ndarray, masks: Sequence[np.ndarray | None]) -> np.ndarray:
        """The frame painted everywhere, uint8 `[H,W,3]`; regions meet where their masks do.

        Args:
            pixels: The frame, uint8 `[H,W,3]`.
            masks: One for each place of the options, float32 `[H,W]`, 0..1; None is everywhere.

        Raises:
            StyleTransferError: If the engine cannot paint it.
        """
        if not self._is_shown:
            return pixels
        if len(masks) == 1:
            return self._stylizer.stylize_pixels(pixels, self._whole)
        known = [np.ones(pixels.shape[:2], np.float32) if mask is None else mask for mask in masks]
        nowhere = np.sum(known, axis=0) == 0
        known[0] = np.where(nowhere, np.float32(1), known[0])  # where none reaches, strokes are there for when one does
        regions = [(mask, mix) for mask, (_, mix) in zip(known, self._options.places, strict=True)]
        return self._stylizer.stylize_pixels(pixels, replace(self._whole, regions=regions))

    def shown(self, painted: np.ndarray, pixels: np.ndarray, masks: Sequence[np.ndarray | None]) -> np.ndarray:
        """What is seen of a painted frame: by strength, masks and kept colours, uint8 `[H,W,3]`."""
        options = self._options
        if not self._is_shown:
            return pixels
        if options.strength == 1 and not options.preserve_color and masks[0] is None and len(masks) == 1:
            return painted
        styled = [
            1 if mask is None else mask
            for mask, (_, mix) in zip(masks, options.places, strict=True)
            if any(mix.values())
        ]
        share = options.strength * np.minimum(sum(styled), 1)
        return compose(pixels, painted, share, preserve_color=options.preserve_color)

    @property
    def _is_shown(self) -> bool:
        return self._options.strength > 0 and any(any(mix.values()) for _, mix in self._options.places)
