"""`tfstyle train`: learn styles from paintings and photos."""

import argparse
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.commands.shared.argument_types import weight, whole
from tfstyle.errors import TrainingError

if TYPE_CHECKING:
    from tfstyle.training.recipe import Recipe

NEEDS = ("tensorflow", "keras")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="name of a recipe that comes with tfstyle, or a Python file that defines RECIPE")
    parser.add_argument(
        "--photos", nargs="+", required=True, metavar="SOURCE", help="COCO folder or zip, or any folder of photos"
    )
    parser.add_argument(
        "--style-images", metavar="DIR", help="folder with <name>.jpg or .png for every style of the recipe"
    )
    parser.add_argument(
        "--style",
        action="append",
        default=[],
        metavar="FILE",
        help="a painting of your own instead of the recipe's; repeat it for more; the file's name is the style's",
    )
    parser.add_argument(
        "--style-corpus",
        nargs="+",
        default=[],
        metavar="DIR[:SHARE]",
        help="folders of style images that the recipe's style encoder learns from, and of all draws the share of one",
    )
    parser.add_argument(
        "--exclude",
        type=Path,
        metavar="FILE",
        help="lines NAME<tab>PATTERN: images are left out whose path, or row in the folder's sources.tsv, matches",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "tfstyle" / "style_images",
        metavar="DIR",
        help="where measurements of style images are kept (default: ~/.cache/tfstyle/style_images)",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the run's folder; a run in it is resumed")
    parser.add_argument(
        "--init-from", metavar="DIR", help="start from these weights: a run or saved_models/NAME/VERSION"
    )
    parser.add_argument(
        "--vgg19", default="embedded", metavar="WEIGHTS", help="embedded, imagenet or a file (default: embedded)"
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="arithmetic of the convolutions (default: bfloat16 on GPUs and CPUs that have it, float32 elsewhere)",
    )
    parser.add_argument("--no-jit", action="store_true", help="do not compile the step with XLA; starts sooner")
    parser.add_argument(
        "--style-weight", type=weight, metavar="W", help="replaces the recipe's; raise for bolder strokes"
    )
    parser.add_argument("--tv-weight", type=weight, metavar="W", help="replaces the recipe's; raise for flatter areas")
    parser.add_argument(
        "--pixel-weight", type=weight, metavar="W", help="replaces the recipe's; raise to keep the photo's colours"
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**32 - 1),
        metavar="N",
        help="replaces the recipe's; other crops, other initial weights",
    )
    parser.add_argument(
        "--finish",
        type=whole(1),
        metavar="N",
        help="end early: from the step of --init-from on the learning rate falls to the last within N steps",
    )
    parser.add_argument("--samples", nargs="+", default=[], metavar="PHOTO", help="photos painted on the sample sheets")
    parser.add_argument(
        "--sheet-every", type=whole(1), default=200, metavar="N", help="steps between sheets (default: 200)"
    )
    parser.add_argument(
        "--checkpoint-every", type=whole(1), default=50, metavar="N", help="steps between checkpoints (default: 50)"
    )


def run(args: argparse.Namespace) -> int:
    from tfstyle.quiet import quiet_tensorflow

    with quiet_tensorflow():
        from tfstyle.commands.shared.progress import TrainingProgress
        from tfstyle.imaging.photo import read_photo
        from tfstyle.imaging.style_images import check_style_image
        from tfstyle.networks import precision
        from tfstyle.networks.checkpoint import Checkpoint
        from tfstyle.training.photo_dataset import open_photos
        from tfstyle.training.recipe import load_recipe
        from tfstyle.training.style_corpus import StyleCorpus
        from tfstyle.training.training_run import Run

    recipe, files = _choose_style_images(load_recipe(args.recipe), args)
    given = {"style": args.style_weight, "total_variation": args.tv_weight, "pixel": args.pixel_weight}
    changes = {name: value for name, value in given.items() if value is not None}
    recipe = replace(recipe, weights=replace(recipe.weights, **changes))
    if args.seed is not None:
        recipe = replace(recipe, seed=args.seed)
    if args.finish:
        if not args.init_from:
            raise TrainingError("Expected --init-from RUN together with --finish: the weights to finish.")
        recipe = recipe.finishing(Checkpoint.load(Path(args.init_from)).step, args.finish)
    style_images = {name: read_photo(file).pixels for name, file in files.items()}
    for name, style_image in style_images.items():
        check_style_image(style_image, str(files[name]))
    samples = [read_photo(file).resize_to(384).pixels for file in args.samples]
    photos = open_photos(args.photos)
    keras_policy = precision.as_keras_policy(args.precision)
    corpus = None
    if recipe.encoder and args.style_corpus:
        with precision.policy(keras_policy):
            corpus = StyleCorpus.open(
                args.style_corpus, args.cache, recipe.predicted_layers, args.exclude, args.vgg19,
                report=lambda done, count: print(f"\rMeasuring style images: {done} of {count}", end="", flush=True),
            )  # fmt: skip
            print(f"\r{len(corpus)} style images to learn any style from.")
    with TrainingProgress(recipe, photos) as progress:
        training = Run(
            Path(args.out),
            recipe,
            photos,
            style_images,
            samples=samples,
            init_from=Path(args.init_from) if args.init_from else None,
            vgg19=args.vgg19,
            corpus=corpus,
            precision=keras_policy,
            jit=not args.no_jit,
            checkpoint_every=args.checkpoint_every,
            sheet_every=args.sheet_every,
            report=progress.report,
        )
        progress.begin(training.step)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill saves like Ctrl-C
        try:
            training.train()
        except KeyboardInterrupt:
            progress.say(f"Stopped at step {training.step} of {recipe.steps}; the same command goes on from there.")
            return 130
        progress.say(f"Done: {args.out} has the weights. Next: tfstyle export {args.out}")
    return 0


def _choose_style_images(recipe: "Recipe", args: argparse.Namespace) -> "tuple[Recipe, dict[str, Path]]":
    """The recipe for the paintings that the arguments name, and the file of each by name."""
    from tfstyle.imaging.style_images import find_style_images

    if bool(args.style) == bool(args.style_images):
        got = "both" if args.style else "neither"
        raise TrainingError(f"Expected paintings to learn from, either --style-images DIR or --style FILE, got {got}.")
    if args.style_images:
        return recipe, find_style_images(Path(args.style_images), recipe.style_images)
    files = [Path(file) for file in args.style]
    return recipe.with_style_images(tuple(file.stem for file in files)), {file.stem: file for file in files}
