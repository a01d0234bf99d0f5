"""`StylizeOptions` as arguments of a command: the same words wherever photos are stylized."""

import argparse
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfstyle.stylize.options import StylizeOptions

_NAMES = ("style", "strength", "preserve_color", "mask", "regions", "fade", "max_size", "stroke", "metadata")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --style, --strength, --preserve-color, --mask, --regions, --fade, --max-size, --stroke and --metadata.

    What is not given is not in the parsed arguments either: defaults are those of `StylizeOptions`.
    """
    add = partial(parser.add_argument, default=argparse.SUPPRESS)
    add("--style", metavar="NAME[:WEIGHT],...", help="one style, or several that mix in proportion to their weights")
    add("--strength", metavar="S", type=float, help="how much of the painting, 0..1 (default: 1)")
    add("--preserve-color", action="store_true", help="keep the photo's colours, paint its brightness")
    add(
        "--mask",
        metavar="WHERE",
        help="where to paint: person, background, subject, left, right, top, bottom, radial, or a gray picture (white: "
        "paint)",
    )
    add(
        "--regions",
        metavar="PLACE=STYLE,...",
        help="instead of --style and --mask: a style for each place, places as for --mask; join styles with +",
    )
    add(
        "--fade",
        metavar="F",
        type=float,
        help="how softly gradients fade, 0 (hard edge) to 1 (across the whole picture) (default: 0.5)",
    )
    add(
        "--max-size", metavar="N", type=int, help="shrink photos whose longer side has more pixels (default: full size)"
    )
    add(
        "--stroke",
        metavar="S",
        help="how broad strokes are, 0.5 (finer) to 2 (broader), whatever size the photo has; native: as fine as the "
        "photo is large, which takes long for a large one (default: 1)",
    )
    add(
        "--metadata",
        choices=("keep", "safe", "none"),
        help="what is kept of a photo's EXIF: safe: artist, copyright, dates; keep: all, places too (default: safe)",
    )


def options_of(args: argparse.Namespace) -> "StylizeOptions":
    """The options that were given, and the defaults of the others.

    Raises:
        RequestError: If one is out of range, or two exclude each other.
    """
    from tfstyle.stylize.options import StylizeOptions

    return StylizeOptions(**{name: value for name, value in vars(args).items() if name in _NAMES})
