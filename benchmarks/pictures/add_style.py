"""How good is a style that `tfstyle add-style` learned in ten minutes, beside those the model was trained with?

    python -m benchmarks.pictures.add_style IMAGE ... --train-photos SOURCE ... --photos FILE|DIR ... [--minutes 10]

Each style image is added to a copy of the model by the command itself, in a process of its own, and the wall-clock time
of the whole command is taken. Then all styles are measured by the definition of `tfstyle evaluate`, on photos that were
not learned on, against the Gram matrices that came with the model and every size of the new one. The ratio is the new
style's distance over the mean of the model's own. Versions and previews are kept in --work, to look at.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import one_sentence
from tfstyle.errors import TrainingError

QUICK_MINUTES, QUICK_PHOTOS = 2.0, 2


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Add, measure, print; 2 if something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("style_images", nargs="+", metavar="IMAGE", help="files; their names become the styles'")
    parser.add_argument("--train-photos", nargs="+", required=True, metavar="SOURCE", help="photos to learn on")
    parser.add_argument("--photos", nargs="+", required=True, metavar="PHOTO", help="photos to measure on, or folders")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="M", help="for each image (default: 10)")
    parser.add_argument("--model", metavar="PATH", help="default: the newest tfstyle")
    parser.add_argument("--work", type=Path, default=Path("runs/add_style"), metavar="DIR", help="emptied first")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_MINUTES:g} minutes each and {QUICK_PHOTOS} photos: does it work?"
    )
    args = parser.parse_args(argv)
    print(_report(*measure(args), args))
    return 0


def measure(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Distances of the model's own styles by name, and of each new one with the `seconds` it took."""
    from tfstyle.commands.shared.outputs import list_photos
    from tfstyle.evaluation import distances as evaluate
    from tfstyle.imaging import photo as images
    from tfstyle.model_store.versions import find_model

    model = find_model(args.model)
    files = list_photos(args.photos)[: QUICK_PHOTOS if args.quick else None]
    photos = [images.read_photo(file).pixels for file in files]
    evaluator = evaluate.Evaluator()
    targets = evaluate.load_targets(model / "assets.extra" / evaluate.TARGETS_FILE)
    own = evaluator.evaluate(_stylize_with(model), photos, targets)
    added = {}
    shutil.rmtree(args.work, ignore_errors=True)
    for style_image in map(Path, args.style_images):
        version, seconds = _add(style_image, model, args)
        targets = {style_image.stem: evaluator.targets(images.read_photo(style_image).pixels)}
        distances = evaluator.evaluate(_stylize_with(version), photos, targets)[style_image.stem]
        added[style_image.stem] = {"seconds": seconds, "style": distances.style, "content": distances.content}
    return {name: {"style": value.style, "content": value.content} for name, value in own.items()}, added


def _stylize_with(model: Path) -> Callable[[Any, str], Any]:
    from tfstyle.stylize.stylizer import Stylizer

    stylizer = Stylizer(model=model)
    return lambda photo, name: stylizer.stylize(photo, name).pixels


def _add(style_image: Path, model: Path, args: argparse.Namespace) -> tuple[Path, float]:
    folder = args.work / style_image.stem
    shutil.copytree(model, folder / model.name)
    command = [sys.executable, "-m", "tfstyle", "add-style", str(style_image), "--name", style_image.stem]
    command += ["--photos", *args.train_photos, "--model", str(folder), "--preview", f"{folder}.jpg"]
    command += ["--minutes", str(QUICK_MINUTES if args.quick else args.minutes)]
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise TrainingError(f"{style_image}: the command ended with {done.returncode}; its message is above.")
    return Path(done.stdout.strip()), time.monotonic() - began


def _report(own: dict[str, Any], added: dict[str, Any], args: argparse.Namespace) -> str:
    means = {key: statistics.fmean(value[key] for value in own.values()) for key in ("style", "content")}
    mean = "mean of the model's own"
    width = max(map(len, (*own, *added, mean)))
    lines = [f"{'':{width}}  style  ratio  content  ratio  seconds"]
    lines += [f"{name:{width}}  {value['style']:.3f}         {value['content']:.3f}" for name, value in own.items()]
    lines.append(f"{mean:{width}}  {means['style']:.3f}         {means['content']:.3f}")
    for name, value in added.items():
        style, content = value["style"] / means["style"], value["content"] / means["content"]
        lines.append(
            f"{name:{width}}  {value['style']:.3f}  {style:.2f}   {value['content']:.3f}    {content:.2f}   "
            f"{value['seconds']:.0f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
