"""Types of numbers for arguments: what is out of range is refused before anything is loaded."""

import argparse
import math
from collections.abc import Callable


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """An argparse type for whole numbers from `least` to `most`; None: without end."""
    wanted = f"{least} or more" if most is None else f"{least} to {most}"

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"expected a whole number, {wanted}, got {text!r}")
        return number

    return parse


def weight(text: str) -> float:
    """An argparse type for finite numbers of 0 or more."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise argparse.ArgumentTypeError(f"expected a number, 0 or more, got {text!r}")
    return number
