"""`StylizeOptions` as arguments of a command: the same words wherever photos are stylized."""

import argparse
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tfstyle.errors import RequestError

if TYPE_CHECKING:
    from tfstyle.stylize.options import StylizeOptions
    from tfstyle.stylize.stylizer import Stylizer

_NAMES = ("strength", "preserve_color", "mask", "fade", "max_size", "stroke", "metadata")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --style, --style-image, --strength, --preserve-color, --mask, --regions, --match, --fade, --max-size,
    --stroke and --metadata.

    What is not given is not in the parsed arguments either: defaults are those of `StylizeOptions`.
    """
    add = partial(parser.add_argument, default=argparse.SUPPRESS)
    add(
        "--style",
        metavar="NAME[:WEIGHT],...",
        help="one style, or several that mix in proportion to their weights; a style of your own is a style file, "
        "kiss.style",
    )
    add(
        "--style-image",
        metavar="FILE[:WEIGHT],...",
        help="any paintings, at once: pictures of 64 px or more, which mix with each other and with --style",
    )
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
        help="instead of --style and --mask: a style for each place, places as for --mask; join styles with +; a style "
        "may be a style file or a painting, left=kiss.jpg",
    )
    add(
        "--match",
        choices=("person",),
        help="with one --style-image that shows a person: paint the photo's person as the painting's, and the "
        "background as its background",
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


def options_of(args: argparse.Namespace, stylizer: "Stylizer") -> "StylizeOptions":
    """The options that were given, and the defaults of the others.

    Args:
        args: As parsed.
        stylizer: Whose model makes styles of paintings; it is asked for nothing where there are none.

    Raises:
        RequestError: If one is out of range, or two exclude each other.
        PhotoError, MaskError, StyleVectorError: If a painting or a style file is no good.
        ModelError: If the model makes no styles of paintings.
    """
    from tfstyle.commands.shared.style_sources import StyleSources
    from tfstyle.stylize.options import StylizeOptions

    given = vars(args)
    own = StyleSources(stylizer.encode_style)
    fields = {name: value for name, value in given.items() if name in _NAMES}
    options = StylizeOptions({"style": 1}, **fields)  # what is out of range is said before a painting is looked at
    style, style_image, regions = (given.get(name) for name in ("style", "style_image", "regions"))
    if "match" in given:
        if not style_image or style or regions or options.mask is not None:
            raise RequestError(
                "Expected --match person with one --style-image and without --style, --mask and --regions: it says "
                "itself what is painted where."
            )
        return replace(options, style=None, regions=stylizer.encode_parts(style_image))
    return replace(options, style=own.mix(style, style_image), regions=regions and own.regions(regions))


def files_of(args: argparse.Namespace) -> list[str]:
    """The paintings that were given as files, which no output may replace."""
    from tfstyle.commands.shared.style_sources import files

    given = vars(args).get("style_image")
    return [file for file, _ in files(given)] if given else []
