"""List the styles that a model knows, or the style files in folders.

tfstyle styles
tfstyle styles my_styles/
"""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from tfstyle.commands.shared import stylizers

if TYPE_CHECKING:
    from collections.abc import Sequence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the model is or the files are, and how to print."""
    parser.add_argument(
        "files", metavar="PATH", nargs="*", help="style files, or folders of them (default: the model's styles)"
    )
    stylizers.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON: styles and max_pixels")


def run(args: argparse.Namespace) -> int:
    """Print name, title, artist and year of each style."""
    if args.files:
        return _list_files(args)
    with stylizers.open_stylizer(args) as stylizer:
        catalog = stylizer.styles()
    if args.json:
        styles = [
            {"name": style.name, "title": style.title, "artist": style.artist, "year": style.year} for style in catalog
        ]
        print(json.dumps({"styles": styles, "max_pixels": catalog.max_pixels}, ensure_ascii=False, indent=2))
        return 0
    _print_table([(style.name, style.title, style.artist, style.year) for style in catalog])
    return 0


def _list_files(args: argparse.Namespace) -> int:
    """Print file, title, artist, year and network of each style file; a damaged one is said on stderr."""
    from tfstyle.commands.shared.style_sources import style_files
    from tfstyle.contract.style_file import SUFFIX, load_style
    from tfstyle.errors import RequestError, StyleVectorError

    found = [file for path in args.files for file in style_files(path) if file.endswith(SUFFIX)]
    if not found:
        raise RequestError(f"Expected style files, which end in {SUFFIX}, in {', '.join(args.files)}, found none.")
    styles, damaged = {}, 0
    for file in found:
        try:
            styles[file] = load_style(file)
        except StyleVectorError as error:
            damaged += 1
            print(f"tfstyle: {error}", file=sys.stderr)
    if args.json:
        keys = ("name", "title", "artist", "year", "trunk")
        listed = [{"file": file, **{key: getattr(style, key) for key in keys}} for file, style in styles.items()]
        print(json.dumps({"styles": listed}, ensure_ascii=False, indent=2))
    elif styles:
        _print_table([(file, s.title, s.artist, s.year, f"network {s.trunk}") for file, s in styles.items()])
    return 2 if damaged else 0


def _print_table(rows: "Sequence[Sequence[str]]") -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
