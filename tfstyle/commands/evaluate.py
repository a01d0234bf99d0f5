"""`tfstyle evaluate`: how far a model's paintings are from the photos and from the paintings they imitate."""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

HELP = "measure a model: content and style distances per style"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photos to paint, or folders of them")
    parser.add_argument(
        "--paintings", required=True, metavar="DIR", help="folder with <name>.jpg or .png, the paintings learned from"
    )
    parser.add_argument("--style", action="append", metavar="NAME", help="only this style; repeat it for more")
    parser.add_argument(
        "--model", metavar="PATH", help="model to measure (default: the newest of saved_models/tfstyle)"
    )
    parser.add_argument("--vgg19", default="embedded", metavar="WEIGHTS", help="embedded, imagenet or a file")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from tfstyle import images
    from tfstyle.evaluate import Evaluator
    from tfstyle.painter import Painter
    from tfstyle.paintings import find_paintings

    painter = Painter(model=args.model)
    names = tuple(args.style or painter.styles().names)
    for name in names:
        painter.styles()[name]  # an unknown one is refused before anything is computed
    files = [file for path in args.photos for file in _photo_files(Path(path))]
    distances = Evaluator(args.vgg19).evaluate(
        lambda photo, style: painter.stylize(photo, style).pixels,
        (images.read_photo(file).pixels for file in files),
        {name: images.read_photo(file).pixels for name, file in find_paintings(Path(args.paintings), names).items()},
    )
    if args.json:
        print(json.dumps({name: asdict(value) for name, value in distances.items()}, indent=2))
        return 0
    width = max(map(len, distances))
    print(f"{'style':{width}}  style distance  content distance   ({len(files)} photos)")
    for name, value in distances.items():
        print(f"{name:{width}}  {value.style:14.3f}  {value.content:16.3f}")
    return 0


def _photo_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    from tfstyle.photos import SUFFIXES

    return sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
