"""How to paint, as options of a command: the same words wherever photos are painted."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --style, --strength, --preserve-color, --mask, --regions, --fade, --max-size and --stroke."""
    parser.add_argument(
        "--style", metavar="NAME[:WEIGHT],...", help="one style, or several that mix in proportion to their weights"
    )
    parser.add_argument(
        "--strength", metavar="S", type=float, default=1.0, help="how much of the painting, 0..1 (default: 1)"
    )
    parser.add_argument("--preserve-color", action="store_true", help="keep the photo's colours, paint its brightness")
    parser.add_argument(
        "--mask",
        metavar="WHERE",
        help="where to paint: person, background, subject, left, right, top, bottom, radial, or a gray picture (white: "
        "paint)",
    )
    parser.add_argument(
        "--regions",
        metavar="PLACE=STYLE,...",
        help="instead of --style and --mask: a style for each place, places as for --mask; join styles with +",
    )
    parser.add_argument(
        "--fade",
        metavar="F",
        type=float,
        default=0.5,
        help="how softly gradients fade, 0 (hard edge) to 1 (across the whole picture) (default: 0.5)",
    )
    parser.add_argument(
        "--max-size", metavar="N", type=int, help="shrink photos whose longer side has more pixels (default: full size)"
    )
    parser.add_argument(
        "--stroke",
        metavar="S",
        default=1.0,
        help="how broad strokes are, 0.5 (finer) to 2 (broader), whatever size the photo has; native: as fine as the "
        "photo is large, which takes long for a large one (default: 1)",
    )
