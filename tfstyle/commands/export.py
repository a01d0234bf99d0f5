"""`tfstyle export`: from trained weights to what TensorFlow Serving serves."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.commands.shared.argument_types import whole
from tfstyle.errors import ModelError, RequestError

if TYPE_CHECKING:
    from tfstyle.networks.checkpoint import Checkpoint

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
        "--add-onnx",
        action="store_true",
        help="write nothing but the network for ONNX Runtime, into the version RUN, which was exported without it",
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
    if args.add_onnx:
        _add_onnx(model, Path(args.weights), args)
        return 0
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


def _add_onnx(model: "Checkpoint", version: Path, args: argparse.Namespace) -> None:
    """Writes the network for ONNX Runtime into a version, and holds it to the version's golden image."""
    from tfstyle.contract.catalog import CATALOG_FILE, Catalog
    from tfstyle.engines.onnx_files import ONNX_FOLDER
    from tfstyle.export import onnx
    from tfstyle.model_store.publish import check_onnx

    if args.to or args.style_images or args.max_pixels:
        raise RequestError("Expected --add-onnx with a version alone: what else is in it stays as it is.")
    if not (version / CATALOG_FILE).is_file() or Catalog.load(version / CATALOG_FILE).names != model.names:
        raise ModelError(f"Expected the folder of an exported version for --add-onnx, got {version}.")
    onnx.write(model, version)
    check_onnx(version)
    print(version / ONNX_FOLDER)
