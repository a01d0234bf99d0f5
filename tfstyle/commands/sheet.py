"""Paint one photo in every style and lay the paintings out on one labelled picture, the photo first.

tfstyle sheet photo.jpg
tfstyle sheet photo.jpg --style-image paintings/ -o paintings.jpg
"""

import argparse
from dataclasses import replace
from pathlib import Path

from tfstyle.commands.shared import stylizers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The photo, how to paint it, where the sheet goes, and who paints."""
    parser.add_argument("photo", metavar="PHOTO", help="a photo, or - for stdin")
    parser.add_argument("--style", metavar="NAME,...", help="only these styles (default: every style)")
    parser.add_argument(
        "--style-image",
        metavar="PATH",
        nargs="+",
        help="paintings, style files, or folders of them, beside the styles of --style, if that is given, too",
    )
    parser.add_argument(
        "--strength", metavar="S", type=float, default=1.0, help="how much of the paintings, 0..1 (default: 1)"
    )
    parser.add_argument("--preserve-color", action="store_true", help="keep the photo's colours, paint its brightness")
    parser.add_argument(
        "--max-size", metavar="N", type=int, default=512, help="longer side of each picture, in pixels (default: 512)"
    )
    parser.add_argument(
        "--stroke", metavar="S", default=1.0, help="how broad strokes are, 0.5 (finer) to 2 (broader) (default: 1)"
    )
    parser.add_argument("--columns", metavar="N", type=int, help="pictures in a row (default: about a square)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="file, folder, or - for stdout (default: PHOTO.sheet.jpg here)"
    )
    stylizers.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Paint the photo in each style, then write the sheet."""
    import sys

    from tfstyle.commands.shared.outputs import STREAM, Outputs, write
    from tfstyle.commands.shared.style_sources import StyleSources, style_files
    from tfstyle.contract.catalog import Style
    from tfstyle.contract.style_vector import StyleVector
    from tfstyle.errors import RequestError
    from tfstyle.imaging.contact_sheet import contact_sheet
    from tfstyle.imaging.photo import format_for, read_photo
    from tfstyle.stylize.options import StylizeOptions

    if args.columns is not None and args.columns < 1:
        raise RequestError(f"Expected at least one column, got {args.columns}.")
    outputs = Outputs(args.output, [args.photo], "sheet")
    photo = read_photo(sys.stdin.buffer, name="stdin") if args.photo == STREAM else read_photo(args.photo)
    photo = photo.resize_to(args.max_size)
    tiles = [("Photo", photo.on_white().pixels)]
    with stylizers.open_stylizer(args) as stylizer, stylizers.progress_bar() as progress:
        catalog = stylizer.styles()
        own = StyleSources(stylizer.encode_style)
        files = [file for path in args.style_image or () for file in style_files(path)]
        names = StylizeOptions(args.style).names if args.style else () if files else catalog.names
        styles: list[Style | StyleVector] = [catalog[name] for name in names]
        for style in progress.track([*styles, *map(own.read, files)], description="painting"):
            painting = stylizer.stylize(
                photo,
                style if isinstance(style, StyleVector) else style.name,
                strength=args.strength,
                preserve_color=args.preserve_color,
                stroke=args.stroke,
            )
            by = ", ".join(filter(None, (style.artist, style.year)))
            tiles.append((f"{style.title}\n{by}", painting.on_white().pixels))
    path = outputs.path_for(replace(photo, format="jpeg"))
    sheet = replace(photo, pixels=contact_sheet(tiles, columns=args.columns), jpeg=None, alpha=None)
    write(sheet.encode(format_for(path) if path else "jpeg"), path)
    if path:
        print(f"{Path(args.photo).name} -> {path} ({sheet.width}x{sheet.height})", file=sys.stderr)
    return 0
