"""`tfstyle export`: from trained weights to what TensorFlow Serving serves."""

import argparse
from pathlib import Path

from tfstyle.commands.numbers import whole

HELP = "write trained weights as a model that can be served"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("weights", metavar="RUN", help="a training run's folder, or any with model.weights.h5")
    parser.add_argument(
        "--to", metavar="DIR", help="version folder to write (default: the next version of saved_models/tfstyle)"
    )
    parser.add_argument(
        "--paintings",
        metavar="DIR",
        help="folder with <name>.jpg or .png for every style: their Gram matrices go with the model, so that `tfstyle "
        "evaluate` and `tfstyle add-style` need no paintings of its styles (default: those that lie with the weights)",
    )
    parser.add_argument(
        "--max-pixels",
        type=whole(1),
        metavar="N",
        help="largest height x width the model accepts (default: 12 megapixels)",
    )


def run(args: argparse.Namespace) -> int:
    from tfstyle.quiet import quiet_tensorflow

    with quiet_tensorflow():
        from tfstyle import evaluate, export, images, models, weights
        from tfstyle.paintings import find_paintings

    transformer, styles = weights.load(Path(args.weights))
    target = Path(args.to) if args.to else models.next_version(models.models_root() / models.DEFAULT_MODEL)
    known = next(Path(args.weights).glob(f"**/{evaluate.TARGETS_FILE}"), None)
    targets = evaluate.load_targets(known) if known else {}
    if args.paintings:
        found = find_paintings(Path(args.paintings), [style.name for style in styles])
        evaluator = evaluate.Evaluator()
        targets = {name: evaluator.targets(images.read_photo(file).pixels) for name, file in found.items()}
    export.export(transformer, styles, target, args.max_pixels or export.MAX_PIXELS, targets)
    print(target)
    return 0
