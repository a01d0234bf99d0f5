"""`tfstyle evaluate`: how far a model's paintings are from the photos and from the paintings they imitate."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from tfstyle.errors import ModelError

HELP = "measure a model: content and style distances per style"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photos to paint, or folders of them")
    parser.add_argument(
        "--paintings",
        metavar="DIR",
        help="folder with the paintings, <name>.jpg or .png (default: the Gram matrices that came with the model)",
    )
    parser.add_argument("--style", action="append", metavar="NAME", help="only this style; repeat it for more")
    parser.add_argument("--model", metavar="PATH", help="model to measure (default: the newest tfstyle)")
    parser.add_argument("--vgg19", default="embedded", metavar="WEIGHTS", help="embedded, imagenet or a file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--save-targets",
        metavar="FILE",
        help="write the Gram matrices that were nearest, to measure without paintings",
    )


def run(args: argparse.Namespace) -> int:
    from tfstyle.quiet import quiet_tensorflow

    with quiet_tensorflow():
        from tfstyle import evaluate, images, models
        from tfstyle.commands.outputs import list_photos
        from tfstyle.painter import Painter
        from tfstyle.paintings import find_paintings

    files = list_photos(args.photos)
    painter = Painter(model=args.model)
    catalog = painter.styles()
    names = tuple(catalog[name].name for name in args.style or catalog.names)
    evaluator = evaluate.Evaluator(args.vgg19)
    if args.paintings:
        paintings = find_paintings(Path(args.paintings), names)
        targets = {name: evaluator.targets(images.read_photo(file).pixels) for name, file in paintings.items()}
    else:
        saved = models.find_model(args.model) / "assets.extra" / evaluate.TARGETS_FILE
        known = evaluate.load_targets(saved)
        if missing := [name for name in names if name not in known]:
            raise ModelError(f"No Gram matrices for {', '.join(missing)} in {saved}; give --paintings DIR.")
        targets = {name: known[name] for name in names}
    distances = evaluator.evaluate(
        lambda photo, style: painter.stylize(photo, style).pixels,
        (images.read_photo(file).pixels for file in files),
        targets,
    )
    if args.save_targets:
        nearest = {name: {size: targets[name][size] for size in value.sizes} for name, value in distances.items()}
        evaluate.save_targets(Path(args.save_targets), nearest)
    if args.json:
        print(json.dumps({name: asdict(value) for name, value in distances.items()}, indent=2))
        return 0
    width = max(map(len, distances))
    print(f"{'style':{width}}  style distance  content distance   ({len(files)} photos)")
    for name, value in distances.items():
        print(f"{name:{width}}  {value.style:14.3f}  {value.content:16.3f}")
    return 0
