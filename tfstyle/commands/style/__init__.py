"""Make a style file of a painting, at once; or learn it better in a minute or more.

The file holds the style's vector and a thumbnail, some kilobytes, and is used wherever a style's name may stand:
tfstyle stylize photo.jpg --style kiss.style. It is for the network that made it, and says so to others.

  tfstyle style kiss.jpg -o kiss.style --title "The Kiss" --artist "Gustav Klimt" --year 1908
  tfstyle style kiss.jpg -o kiss.style --tune 60s --photos holiday/
"""

import argparse
import math
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.commands.shared import stylizers
from tfstyle.errors import RequestError

if TYPE_CHECKING:
    from tfstyle.contract.style_vector import StyleVector
    from tfstyle.stylize.stylizer import Stylizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The painting, what it is, how long to learn it, where the file goes, and who makes it."""
    parser.add_argument("painting", metavar="PAINTING", help="a picture of the painting, 64 px or more")
    parser.add_argument("-o", "--output", metavar="FILE", help="the style file (default: PAINTING.style here)")
    parser.add_argument("--name", metavar="NAME", help="what the style is called (default: as the output)")
    parser.add_argument("--title", default="", metavar="TEXT", help="the painting's title (default: from the name)")
    parser.add_argument("--artist", default="", metavar="TEXT", help="who painted it")
    parser.add_argument("--year", default="", metavar="TEXT", help="when")
    parser.add_argument(
        "--tune",
        type=_seconds,
        metavar="TIME",
        help="learn the style further for so long, such as 60s or 5m, starting from what it is at once; needs --photos "
        "and a model in this process",
    )
    parser.add_argument(
        "--photos", nargs="+", metavar="SOURCE", help="photos to learn on: a folder, COCO folder or zip"
    )
    stylizers.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Encode, tune if asked to, write the file."""
    from tfstyle.contract.style_file import SUFFIX, save_style
    from tfstyle.contract.style_vector import name_from

    output = Path(args.output or f"{name_from(Path(args.painting).stem)}{SUFFIX}")
    if output.suffix != SUFFIX:
        raise RequestError(f"Expected a style file's name to end in {SUFFIX}, got {output.name!r}.")
    if (args.tune is None) != (args.photos is None):
        raise RequestError("Expected --tune and --photos together: a style is learned on photos, for some time.")
    with stylizers.open_stylizer(args) as stylizer:
        style = stylizer.encode_style(
            args.painting,
            name=args.name or name_from(output.stem),
            title=args.title,
            artist=args.artist,
            year=args.year,
        )
        if args.tune is not None:
            style = _tuned(args, stylizer, style)
    output.parent.mkdir(parents=True, exist_ok=True)
    save_style(style, output)
    print(f"{args.painting} -> {output} ({output.stat().st_size / 1000:.0f} kB)", file=sys.stderr)
    return 0


def _tuned(args: argparse.Namespace, stylizer: "Stylizer", style: "StyleVector") -> "StyleVector":
    """The style, learned further."""
    from tfstyle.commands.shared.progress import LearningProgress
    from tfstyle.imaging.photo import read_photo
    from tfstyle.model_store.versions import find_model
    from tfstyle.quiet import quiet_tensorflow
    from tfstyle.training.photo_dataset import open_photos

    if stylizers.server_of(args):
        raise RequestError("Expected a model in this process for --tune, got a server; leave --server out.")
    photos = open_photos(args.photos)
    with quiet_tensorflow():
        from tfstyle.training.tuning import tune
    with LearningProgress(style.name, args.tune) as progress:
        progress.say(photos.summary)
        began = time.monotonic()
        values, steps = tune(
            find_model(args.model),
            read_photo(args.painting).on_white().pixels,
            style.values,
            photos,
            args.tune,
            lambda step, terms: progress.report(time.monotonic() - began, step, terms),
        )
        progress.say(f"Learned for {steps} steps.")
    return replace(style, values=values)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min)?", text.strip())
    seconds = float(found[1]) * (1 if found[2] in ("s", None) else 60) if found else math.nan
    if not 1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"expected a time such as 60s or 5m, got {text!r}")
    return seconds
