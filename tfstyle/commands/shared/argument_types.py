"""Types of arguments: what is out of range, or cannot be written, is refused before anything is loaded."""

import argparse
import importlib.util
import math
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

PLOT_SUFFIXES = (".png", ".svg", ".pdf")


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """An argparse type for whole numbers from `least` to `most`; None: without end."""
    wanted = f"{least} or more" if most is None else f"{least} to {most}"

    def parse(text: str) -> int:
        with suppress(ValueError):
            number = int(text)
            if least <= number and (most is None or number <= most):
                return number
        raise argparse.ArgumentTypeError(f"expected a whole number, {wanted}, got {text!r}")

    return parse


def weight(text: str) -> float:
    """An argparse type for finite numbers of 0 or more."""
    with suppress(ValueError):
        number = float(text)
        if 0 <= number < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"expected a number, 0 or more, got {text!r}")


def fraction(text: str) -> Fraction:
    """An argparse type for exact numbers of 0 or more, also as `30000/1001`, and for times as `H:M:S`."""
    with suppress(ValueError, ZeroDivisionError):
        number = Fraction(0)
        for part in text.split(":"):
            number = number * 60 + Fraction(part)
        if number >= 0 and "-" not in text:
            return number
    raise argparse.ArgumentTypeError(f"expected a number, 0 or more, or H:M:S, got {text!r}")


def plot_file(text: str) -> Path:
    """An argparse type for the file of a plot."""
    if Path(text).suffix.lower() not in PLOT_SUFFIXES:
        raise argparse.ArgumentTypeError(f"expected a file that ends in {', '.join(PLOT_SUFFIXES)}, got {text!r}")
    if importlib.util.find_spec("matplotlib") is None:
        raise argparse.ArgumentTypeError("a plot needs matplotlib, which is not installed; pip install 'tfstyle[plot]'")
    return Path(text)
