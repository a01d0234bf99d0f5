"""`tfstyle export`: from trained weights to what TensorFlow Serving serves."""

import argparse
from pathlib import Path

from tfstyle.commands.shared.argument_types import whole

NEEDS = ("tensorflow", "keras", "tensorflow_serving")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("weights", metavar="RUN", help="a training run's folder, or any with model.npz")
    parser.add_argument(
        "--to",
        metavar="DIR",
        help="version folder to write (default: the next version of saved_models/tfstyle); a file ending in .npz gets "
        "the weights alone, in half precision, from which a training can go on",
    )
    parser.add_argument(
        "--style-images",
        metavar="DIR",
        help="folder with <name>.jpg or .png for every style: their Gram matrices go with the model, so that `tfstyle "
        "evaluate` and `tfstyle add-style` need no paintings of its styles",
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
        from tfstyle.evaluation import distances
        from tfstyle.export import saved_model
        from tfstyle.imaging import photo
        from tfstyle.imaging.style_images import find_style_images
        from tfstyle.model_store import versions
        from tfstyle.networks.checkpoint import Checkpoint

    model = Checkpoint.load(Path(args.weights))
    if args.to and args.to.endswith(".npz"):
        model.save(Path(args.to), "float16")
        print(f"{args.to}: step {model.step}")
        return 0
    target = Path(args.to) if args.to else versions.next_version(versions.models_root() / versions.DEFAULT_MODEL)
    known = next(Path(args.weights).glob(f"**/{distances.TARGETS_FILE}"), None)
    targets = distances.load_targets(known) if known else {}
    if args.style_images:
        found = find_style_images(Path(args.style_images), list(model.names))
        evaluator = distances.Evaluator()
        targets = {name: evaluator.targets(photo.read_photo(file).pixels) for name, file in found.items()}
    saved_model.export(model, target, args.max_pixels or saved_model.MAX_PIXELS, targets)
    print(target)
    return 0
