"""Which network? Quality against time for many shapes of it, each trained alike.

    python -m benchmarks.network.frontier --photos COCO --style-images DIR --eval DIR [--steps 300] [--size 128]
    python -m benchmarks.network.frontier --time-only

Every configuration is trained with the same recipe, steps, batches and seed, then measured: content and style distance
as `tfstyle evaluate` defines them on the photos of --eval, which training never sees; parameters; and seconds at 512
and 1024 px, uint8 to uint8, as a plain graph without XLA on two threads, all configurations in turns.

What is trained or measured is kept in --out, a folder a configuration, and a run that was stopped goes on there. Times
are taken at the end, or again with --time-only, when the machine has nothing else to do. Into --results go
frontier.json, frontier.md, frontier.png (the plot), and a sheet of crops for each question: frontier_depth.jpg, ...
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.measuring import MIN_TURNS, RESULTS, STYLE_WEIGHT, BenchmarkError, machine, one_sentence, save
from benchmarks.network.frontier_report import plot, report, sheet

if TYPE_CHECKING:
    from tfstyle.networks.checkpoint import Checkpoint
    from tfstyle.training.recipe import Recipe

# Arguments of `TransformerConfig`.
BASE: dict[str, Any] = {"widths": (32, 64), "blocks": 5, "end_kernel": 3, "space_to_depth": 2}
# What a shape changes of it, by name.
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "base": {},
    "blocks-2": {"blocks": 2},
    "blocks-3": {"blocks": 3},
    "blocks-4": {"blocks": 4},
    "blocks-6": {"blocks": 6},
    "blocks-7": {"blocks": 7},
    "24-48": {"widths": (24, 48)},
    "48-96": {"widths": (48, 96)},
    "32-96": {"widths": (32, 96)},
    "24-48-96": {"widths": (24, 48, 96)},
    "32-64-128": {"widths": (32, 64, 128)},
    "depth4-64": {"space_to_depth": 4, "widths": (64,)},
    "depth4-96": {"space_to_depth": 4, "widths": (96,)},
    "full-16-32-64": {"space_to_depth": 1, "widths": (16, 32, 64)},
    "ends-5": {"end_kernel": 5},
    "ends-9": {"end_kernel": 9},
    "johnson": {"space_to_depth": 1, "widths": (32, 64, 128), "end_kernel": 9},
}
# One question each: what is compared on one sheet.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "depth": ("blocks-2", "blocks-3", "blocks-4", "base", "blocks-6", "blocks-7"),
    "width": ("24-48", "base", "32-96", "48-96"),
    "resolution": ("full-16-32-64", "base", "depth4-64", "depth4-96", "24-48-96", "32-64-128"),
    "ends": ("base", "ends-5", "ends-9", "johnson"),
}
SIZES = (512, 1024)
STYLES = ("starry_night", "great_wave", "rain_princess")
QUICK = {"steps": 2, "size": 64, "batch": 1, "turns": 1, "sizes": [64]}
BUDGET = "budget.json"
CROP = 256  # px


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Train and measure what is missing, write the results; 2 if something they need is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", nargs="+", metavar="SOURCE", help="COCO folder, zip, or any photos")
    parser.add_argument("--style-images", type=Path, metavar="DIR", help="folder with the style images")
    parser.add_argument("--eval", type=Path, metavar="DIR", help="folder of photos to measure on")
    parser.add_argument("--styles", nargs="+", default=STYLES, metavar="NAME", help=f"default: {' '.join(STYLES)}")
    parser.add_argument("--recipe", default="tfstyle_2", help="whose losses and learning rates (default: tfstyle_2)")
    parser.add_argument("--steps", type=int, default=300, metavar="N", help="of each configuration (default: 300)")
    parser.add_argument("--size", type=int, default=128, metavar="N", help="side of the crops, px (default: 128)")
    parser.add_argument("--batch", type=int, default=4, metavar="N", help="crops a step (default: 4)")
    parser.add_argument("--only", nargs="+", choices=CONFIGURATIONS, metavar="NAME", help="only these configurations")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="N", help="timed, px")
    parser.add_argument("--turns", type=int, default=MIN_TURNS, metavar="N", help=f"timings of each ({MIN_TURNS})")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of TensorFlow (default: 2)")
    parser.add_argument("--out", type=Path, default=Path("runs/frontier"), metavar="DIR", help="default: runs/frontier")
    parser.add_argument(
        "--results", type=Path, metavar="DIR", help="default: benchmarks/results; OUT for --quick, --only"
    )
    parser.add_argument("--time-only", action="store_true", help="train nothing, time what is in --out once more")
    parser.add_argument("--quick", action="store_true", help="two steps, one photo, one timing: shows that it works")
    args = parser.parse_args(argv)
    if not (args.time_only or (args.photos and args.style_images and args.eval)):
        parser.error("expected --photos, --style-images and --eval, unless --time-only")
    if args.quick:
        vars(args).update(QUICK)
    args.results = args.results or (args.out if args.quick or args.only else RESULTS)
    try:
        run(args)
    except KeyboardInterrupt:
        print("frontier: stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def run(args: argparse.Namespace) -> None:
    """Everything, in the order of its cost; what is there already is taken as it is."""
    import keras

    with_tensorflow = keras.backend.backend() == "tensorflow"
    if with_tensorflow:
        _set_threads(args.threads)
    names = [name for name in CONFIGURATIONS if name in (args.only or CONFIGURATIONS)]
    if args.time_only:
        vars(args).update(_budget_of(args.out))
        names = [name for name in names if (args.out / name / "distances.json").exists()]
        if not names:
            raise BenchmarkError(f"{args.out} holds no trained configuration; run without --time-only first.")
    else:
        _check_budget(args)
        for name in names:
            train(args, name)
        measure(args, names)
    if not with_tensorflow:
        print(f"{args.out} is trained and measured; run --time-only with Keras' TensorFlow backend.", file=sys.stderr)
        return
    models = {name: _load(args.out / name) for name in names}
    seconds = _times(args, models)
    rows = list(_rows(args, models, seconds))
    budget = {"steps": args.steps, "size": args.size, "batch": args.batch, "styles": list(args.styles)}
    result = {"machine": machine("tensorflow", "keras"), "threads": args.threads, "budget": budget, "rows": rows}
    save(args, "frontier", result, report(rows, args.sizes, budget))
    plot(args.results / "frontier.png", rows, args.sizes[0])
    crops = {name: list(_crops(name, model, args.styles)) for name, model in models.items()}
    for question, names in QUESTIONS.items():
        sheet(args.results / f"frontier_{question}.jpg", [crops[name] for name in names if name in crops])


def _set_threads(threads: int) -> None:
    from tfstyle.quiet import quiet_tensorflow

    with quiet_tensorflow():
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.config.list_physical_devices()


def _budget_of(folder: Path) -> dict[str, Any]:
    """Steps, size, batch and styles of what is in the folder.

    Raises:
        BenchmarkError: If nothing is.
    """
    path = folder / BUDGET
    if not path.exists():
        raise BenchmarkError(f"{folder} holds no trained configuration; run without --time-only first.")
    budget = json.loads(path.read_text())
    return {key: budget[key] for key in ("steps", "size", "batch", "styles")}


def _check_budget(args: argparse.Namespace) -> None:
    """Configurations that were trained in different ways say nothing about each other.

    Raises:
        BenchmarkError: If the folder was begun with another budget.
    """
    from tfstyle.training.recipe import load_recipe

    # By its name alone, a recipe that was changed would go unnoticed; network and stages are not taken from it.
    base = asdict(load_recipe(args.recipe))
    taken = {key: value for key, value in base.items() if key not in ("name", "network", "stages", "ema_momentum")}
    budget = {
        "recipe": args.recipe,
        "training": json.loads(json.dumps(taken)),
        "styles": list(args.styles),
        "steps": args.steps,
        "size": args.size,
        "batch": args.batch,
        "photos": [str(Path(source).resolve()) for source in args.photos],
        "eval": [Path(photo).name for photo in _photos(args)],
    }
    path = args.out / BUDGET
    if not path.exists():
        args.out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(budget, indent=2) + "\n")
    elif (before := json.loads(path.read_text())) != budget:
        changed = ", ".join(f"{key} {before.get(key)} -> {value}" for key, value in budget.items()
                            if before.get(key) != value)  # fmt: skip
        raise BenchmarkError(
            f"Expected the options that {args.out} was begun with, or configurations could not be compared. Changed: "
            f"{changed}. Give another --out."
        )


def recipe(args: argparse.Namespace, name: str) -> "Recipe":
    """The same training for every configuration: losses and learning rates of the base recipe, one stage."""
    from tfstyle.networks.transformer import TransformerConfig
    from tfstyle.training.recipe import Stage, load_recipe

    base = load_recipe(args.recipe)
    known = {style.name: style for style in (*base.with_style_images(tuple(args.styles)).styles, *base.styles)}
    return replace(
        base,
        name=name,
        styles=tuple(known[style] for style in args.styles),
        network=TransformerConfig(**{**BASE, **CONFIGURATIONS[name]}),
        stages=(Stage(size=args.size, batch=args.batch, steps=args.steps),),
        ema_momentum=max(0.5, 1 - 10 / args.steps),  # over the last tenth: a short run has no steps to average over
    )


def train(args: argparse.Namespace, name: str) -> None:
    """Trains one configuration as far as it is not, in a folder of its name."""
    import keras

    from tfstyle.imaging.photo import read_photo
    from tfstyle.imaging.style_images import find_style_images
    from tfstyle.networks.precision import as_keras_policy
    from tfstyle.training.photo_dataset import open_photos
    from tfstyle.training.training_run import CHECKPOINT_FILE, Run

    folder, training = args.out / name, recipe(args, name)
    finished = folder / "trained.json"
    if finished.exists():
        return
    style_images = find_style_images(args.style_images, training.style_images)
    keras.utils.clear_session()
    began, resumed = time.monotonic(), (folder / CHECKPOINT_FILE).exists()
    run = Run(
        folder,
        training,
        open_photos(args.photos),
        {style: read_photo(file).pixels for style, file in style_images.items()},
        precision=as_keras_policy("auto"),
        jit=args.steps > 50,  # compiling takes as long as so many steps
        checkpoint_every=25,
        sheet_every=args.steps,
        report=lambda step, seconds, _: print(f"{name:<14} step {step:4d}  {seconds:.2f} s a step", file=sys.stderr),
    )
    run.train()
    # Of a run that was stopped nobody knows how long it took.
    took = None if resumed else time.monotonic() - began
    finished.write_text(json.dumps({"network": asdict(training.network), "seconds": took}) + "\n")


def measure(args: argparse.Namespace, names: Sequence[str]) -> None:
    """Distances of what has none yet, `distances.json`: style to content and style, means over the photos."""
    from tfstyle.evaluation.distances import Evaluator
    from tfstyle.imaging.photo import read_photo
    from tfstyle.imaging.style_images import find_style_images

    missing = [name for name in names if not (args.out / name / "distances.json").exists()]
    if not missing:
        return
    evaluator = Evaluator()
    style_images = find_style_images(args.style_images, args.styles)
    targets = {style: evaluator.targets(read_photo(file).pixels) for style, file in style_images.items()}
    photos = [read_photo(photo).pixels for photo in _photos(args)]
    for name in missing:
        model = _load(args.out / name)
        paint = lambda photo, style, model=model: _paint(model, photo, args.styles.index(style))  # noqa: E731
        distances = {
            style: {"content": value.content, "style": value.style}
            for style, value in evaluator.evaluate(paint, photos, targets).items()
        }
        (args.out / name / "distances.json").write_text(json.dumps(distances, indent=2) + "\n")
        print(f"{name:<14} measured", file=sys.stderr)


def _photos(args: argparse.Namespace) -> list[str]:
    from tfstyle.commands.shared.outputs import list_photos

    return list_photos([str(args.eval)])[: 1 if args.quick else None]


def _load(folder: Path) -> "Checkpoint":
    from tfstyle.networks.checkpoint import Checkpoint

    return Checkpoint.load(folder)


def _paint(model: "Checkpoint", photo: np.ndarray, row: int) -> np.ndarray:
    return model.paint(photo[None], np.eye(len(model.styles))[row])[0]


def _times(args: argparse.Namespace, models: Mapping[str, "Checkpoint"]) -> dict[str, dict[str, float]]:
    """Medians by size and configuration. Kept: what was timed together is timed together again when one comes new."""
    path = args.out / "seconds.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    wanted = {str(size): models.keys() for size in args.sizes}
    if args.time_only or any(not names <= kept.get(size, {}).keys() for size, names in wanted.items()):
        from benchmarks.network import plain_graph

        kept = plain_graph.seconds(models, args.sizes, args.turns)
        path.write_text(json.dumps(kept, indent=2) + "\n")
    return kept


def _rows(
    args: argparse.Namespace, models: Mapping[str, "Checkpoint"], seconds: Mapping[str, Mapping[str, float]]
) -> Iterator[dict[str, Any]]:
    for name, model in models.items():
        distances = json.loads((args.out / name / "distances.json").read_text())
        content = float(np.mean([value["content"] for value in distances.values()]))
        style = float(np.mean([value["style"] for value in distances.values()]))
        yield {
            "name": name,
            "network": asdict(model.trunk.config),
            "parameters": parameters(model),
            "seconds": {str(size): seconds[str(size)][name] for size in args.sizes},
            "content": content,
            "style": style,
            "total": content + STYLE_WEIGHT * style,
            "styles": distances,
        }


def _crops(name: str, model: "Checkpoint", styles: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """A face and a cup in every style, at 1:1, with labels; painted as whole pictures, whose statistics count."""
    import skimage.data

    for row, style in enumerate(styles):
        for photo, top, left in ((skimage.data.astronaut(), 0, 96), (skimage.data.coffee(), 60, 180)):
            yield f"{name}: {style}", _paint(model, photo, row)[top : top + CROP, left : left + CROP]


def parameters(model: "Checkpoint") -> int:
    """Numbers that are learned for one style: all kernels and biases, and its style vector."""
    return model.trunk.count_params() + model.trunk.style_size


if __name__ == "__main__":
    sys.exit(main())
