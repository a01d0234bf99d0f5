"""List the styles that a model knows."""

import argparse
import json

from tfstyle.commands.shared import stylizers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the model is, and how to print."""
    stylizers.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON: styles and max_pixels")


def run(args: argparse.Namespace) -> int:
    """Print name, title, artist and year of each style."""
    with stylizers.open_stylizer(args) as stylizer:
        catalog = stylizer.styles()
    if args.json:
        styles = [
            {"name": style.name, "title": style.title, "artist": style.artist, "year": style.year} for style in catalog
        ]
        print(json.dumps({"styles": styles, "max_pixels": catalog.max_pixels}, ensure_ascii=False, indent=2))
        return 0
    rows = [(style.name, style.title, style.artist, style.year) for style in catalog]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0
