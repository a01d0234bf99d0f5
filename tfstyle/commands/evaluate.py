"""Measure how far paintings are from the photos and from the paintings they imitate.

A model's own paintings are measured, beside them with --optimize what optimization reaches, and with --pictures what
anything else made: pictures named PHOTO.STYLE.jpg (.png, .webp), as `tfstyle stylize` names its own.
What is printed are means over the photos; --csv has every photo and style. --stability says how steady a style is when
the photo moves or is noisy, and --video how steady painted videos are. With --weights a training is measured before it
is exported, and with --style-corpus what its style encoder makes of style images it may never have seen.

  tfstyle evaluate holiday/ --style-images paintings/ --style starry_night --optimize 300 --plot distances.png
  tfstyle evaluate clip.mp4 --video --style udnie
  tfstyle evaluate photo.jpg --pictures made_by_others/ --csv distances.csv --json
"""

import argparse
import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.commands.shared.argument_types import plot_file, whole
from tfstyle.errors import ModelError, PhotoError, RequestError

if TYPE_CHECKING:
    import numpy as np

    from tfstyle.evaluation.distances import Distances, Evaluator, Targets
    from tfstyle.evaluation.stability import Stability
    from tfstyle.imaging.photo import Photo
    from tfstyle.stylize.stylizer import Stylizer

# In gray levels, times the noise that went in, times the frames' own difference, and 1 for equal.
STABILITY_COLUMNS = "  shift error  noise gain  motion ratio  SSIM"

NEEDS = ("tensorflow", "keras")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photos to paint, or folders of them")
    parser.add_argument(
        "--style-images",
        metavar="DIR",
        help="folder with the paintings, <name>.jpg or .png (default: the Gram matrices that came with the model)",
    )
    parser.add_argument("--style", action="append", metavar="NAME", help="only this style; repeat it for more")
    parser.add_argument("--model", metavar="PATH", help="model to measure (default: the newest tfstyle)")
    parser.add_argument(
        "--weights", metavar="RUN", help="measure a training's weights, a run's folder or a model.npz, not a model"
    )
    parser.add_argument(
        "--style-corpus",
        metavar="DIR",
        help="measure predicted styles: each picture in DIR, its style vector predicted by the model's style encoder",
    )
    parser.add_argument(
        "--stability",
        action="store_true",
        help="also measure shift error, noise gain, flicker on synthetic motion, and similarity to the photo",
    )
    parser.add_argument(
        "--video",
        action="store_true",
        help="measure videos, not photos: flicker of frames painted alone and kept steady, and what that costs",
    )
    parser.add_argument(
        "--max-size",
        type=whole(16),
        metavar="N",
        help="shrink photos and --pictures first, longer side in px (default: their own size)",
    )
    parser.add_argument("--vgg19", default="embedded", metavar="WEIGHTS", help="embedded, imagenet or a file")
    parser.add_argument(
        "--optimize", type=whole(1), metavar="N", help="also measure N iterations of optimization; needs --style-images"
    )
    parser.add_argument(
        "--pictures", metavar="DIR", help="also measure pictures of another making, DIR/PHOTO.STYLE.jpg or .png"
    )
    parser.add_argument(
        "--csv",
        metavar="FILE",
        help="write the table of photos x styles: method, photo, style and both distances in a row each",
    )
    parser.add_argument(
        "--plot", type=plot_file, metavar="FILE", help="plot content against style distance, as PNG, SVG or PDF"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--save-targets",
        metavar="FILE",
        help="write the Gram matrices that were nearest, to measure without paintings",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, then print a table or JSON."""
    from tfstyle.quiet import quiet_tensorflow

    with quiet_tensorflow():
        from tfstyle.commands.shared.outputs import list_photos, prepare
        from tfstyle.commands.shared.stylizers import progress_bar
        from tfstyle.evaluation import stability
        from tfstyle.evaluation.distances import TARGETS_FILE, Evaluator, load_targets, mean, plot, save_targets
        from tfstyle.imaging.photo import read_photo
        from tfstyle.imaging.style_images import find_style_images
        from tfstyle.model_store import versions
        from tfstyle.stylize.stylizer import Stylizer

    if args.video and (args.weights or args.style_corpus):
        raise RequestError("Expected a model to paint videos with, got a training's weights; export them first.")
    if args.optimize and not args.style_images:
        raise RequestError("Expected --style-images with --optimize: Gram matrices of one size are not enough for it.")
    files = args.photos if args.video else list_photos(args.photos)
    inputs, outputs = list(files), [args.csv, args.plot, args.save_targets]
    prepare(outputs, inputs)
    evaluator = Evaluator(args.vgg19)
    paintings: dict[str, np.ndarray] = {}
    if args.weights or args.style_corpus:
        trained = _TrainedStylizer(args)
        names, stylize_photo = trained.names, trained.stylize
    else:
        stylizer = Stylizer(model=args.model)
        catalog = stylizer.styles()
        names = tuple(catalog[name].name for name in args.style or catalog.names)
        stylize_photo = lambda photo, style: stylizer.stylize(photo, style).pixels  # noqa: E731
    if args.style_corpus:
        targets = {name: evaluator.targets(pixels) for name, pixels in trained.style_images.items()}
        inputs += map(str, trained.files)
    elif args.style_images:
        found = find_style_images(Path(args.style_images), names)
        paintings = {name: read_photo(file).pixels for name, file in found.items()}
        targets = {name: evaluator.targets(painting) for name, painting in paintings.items()}
        inputs += map(str, found.values())
    else:
        saved = versions.find_model(args.model) / "assets.extra" / TARGETS_FILE
        known = load_targets(saved)
        if missing := [name for name in names if name not in known]:
            raise ModelError(f"No Gram matrices for {', '.join(missing)} in {saved}; give --style-images DIR.")
        targets = {name: known[name] for name in names}
    if args.video:
        return _measure_videos(args, names, stylizer, evaluator, targets)
    methods: dict[str, Callable[[Photo, str], np.ndarray]] = {"network": stylize_photo}
    if args.optimize:
        methods["optimization"] = lambda photo, style: _optimized(photo, style, paintings[style], args)
    if args.pictures:
        pictures = _pictures(Path(args.pictures), files, names)
        methods["pictures"] = lambda photo, style: _picture(photo, pictures[photo.name, style], args.max_size)
        inputs += map(str, pictures.values())
    prepare(outputs, inputs)  # again, now that all that is read is known
    by_photo: dict[str, list[dict[str, Distances]]] = {method: [] for method in methods}
    steadiness: dict[str, list[stability.Stability]] = {name: [] for name in names}
    with progress_bar(quiet=args.json) as bar:
        for file in bar.track(files, description="measuring"):
            photo = _read(file, args.max_size)
            for method, stylize in methods.items():
                paint = lambda _, style, stylize=stylize, photo=photo: stylize(photo, style)  # noqa: E731
                by_photo[method].append(evaluator.evaluate(paint, [photo.pixels], targets))
            for name in names if args.stability else ():
                paint_pixels = lambda pixels, name=name, photo=photo: stylize_photo(  # noqa: E731
                    replace(photo, pixels=pixels, jpeg=None), name
                )
                steadiness[name].append(stability.measure(paint_pixels, photo.pixels))
    measured = {
        method: {name: mean([one[name] for one in each]) for name in names} for method, each in by_photo.items()
    }
    steady = {name: stability.mean(each) for name, each in steadiness.items() if each}
    _print(measured, steady, len(files), as_json=args.json)  # first, in case a file fails
    if args.save_targets:
        nearest = {
            name: {size: targets[name][size] for size in value.sizes} for name, value in measured["network"].items()
        }
        save_targets(Path(args.save_targets), nearest)
    if args.csv:
        _write_csv(Path(args.csv), files, by_photo)
    if args.plot:
        plot(args.plot, measured)
    return 0


class _TrainedStylizer:
    """Paints with the weights of a training or of a model, in its named styles or in those of style images.

    Raises:
        RequestError: If the options exclude each other.
        ModelError: If there is no style image, no style encoder, or no such style.
    """

    def __init__(self, args: argparse.Namespace):
        from tfstyle.imaging.photo import read_photo
        from tfstyle.imaging.style_images import SUFFIXES, check_style_image
        from tfstyle.model_store.versions import find_model
        from tfstyle.networks.checkpoint import Checkpoint
        from tfstyle.networks.style_encoder import StylePredictor

        if args.style_corpus and (args.style_images or args.style):
            raise RequestError("Expected --style-corpus alone: its pictures are the styles and what they are held to.")
        if args.weights and args.model:
            raise RequestError("Expected --weights or --model, got both.")
        self.checkpoint = Checkpoint.load(Path(args.weights) if args.weights else find_model(args.model))
        self.style_images: dict[str, np.ndarray] = {}
        self.files: list[Path] = []
        if not args.style_corpus:
            self.vectors = dict(zip(self.checkpoint.names, self.checkpoint.table, strict=True))
            if unknown := [name for name in args.style or () if name not in self.vectors]:
                raise ModelError(f"No style named {unknown[0]!r} in {args.weights}. Known: {', '.join(self.vectors)}.")
            self.vectors = {name: self.vectors[name] for name in args.style or self.vectors}
            return
        if self.checkpoint.encoder is None:
            raise ModelError(
                "These weights have no style encoder, so they know named styles only: drop --style-corpus."
            )
        folder = Path(args.style_corpus)
        self.files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
        if not self.files:
            raise ModelError(f"Expected style images in {folder}, ending in {', '.join(SUFFIXES)}. There are none.")
        for file in self.files:
            pixels = read_photo(file, name=str(file)).pixels
            check_style_image(pixels, str(file))
            self.style_images[file.stem] = pixels
        predict = StylePredictor(self.checkpoint.encoder, args.vgg19)
        self.vectors = {name: predict(pixels) for name, pixels in self.style_images.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The styles that it paints in."""
        return tuple(self.vectors)

    def stylize(self, photo: "Photo", style: str) -> "np.ndarray":
        """A photo in one style, uint8 [H, W, 3]."""
        from tfstyle.networks.checkpoint import stylize

        return stylize(self.checkpoint.trunk, photo.pixels[None], self.vectors[style])[0]


def _measure_videos(
    args: argparse.Namespace,
    names: tuple[str, ...],
    stylizer: "Stylizer",
    evaluator: "Evaluator",
    targets: "Mapping[str, Targets]",
) -> int:
    from tfstyle.commands.shared import evaluate_video

    measured = evaluate_video.measure_videos(args.photos, names, stylizer, evaluator, targets, max_size=args.max_size)
    print(json.dumps(evaluate_video.rows(measured)) if args.json else evaluate_video.table(measured))
    return 0


def _optimized(photo: "Photo", style: str, painting: "np.ndarray", args: argparse.Namespace) -> "np.ndarray":
    from tfstyle.optimization.objective import StyleTarget
    from tfstyle.optimization.optimize import optimize

    image = StyleTarget(name=style, pixels=painting)
    result = optimize(photo, [image], iterations=args.optimize, vgg19=args.vgg19)
    if result.interrupted:
        raise KeyboardInterrupt
    return result.picture.pixels


def _pictures(folder: Path, files: list[str], names: tuple[str, ...]) -> dict[tuple[str, str], Path]:
    """The picture of each photo and style.

    Raises:
        PhotoError: If one is missing.
    """
    from tfstyle.imaging.style_images import SUFFIXES

    found, missing = {}, []
    for file in files:
        for name in names:
            stem = f"{Path(file).stem}.{name}"
            candidates = [folder / f"{stem}{suffix}" for suffix in SUFFIXES]
            there = [path for path in candidates if path.is_file()]
            if there:
                found[file, name] = there[0]
            else:
                missing.append(f"{stem}.jpg")
    if missing:
        raise PhotoError(f"Expected a picture of each photo and style in {folder}. Missing: {', '.join(missing)}.")
    return found


def _read(file: str | Path, max_size: int | None) -> "Photo":
    from tfstyle.imaging.photo import read_photo

    picture = read_photo(file, name=str(file))
    return picture.resize_to(max_size) if max_size else picture


def _picture(photo: "Photo", path: Path, max_size: int | None) -> "np.ndarray":
    picture = _read(path, max_size)
    if picture.pixels.shape != photo.pixels.shape:
        raise PhotoError(
            f"{path}: expected a picture of its photo's size, {photo.width}x{photo.height}, got "
            f"{picture.width}x{picture.height}; give the photo at that size."
        )
    return picture.pixels


def _write_csv(path: Path, files: list[str], by_photo: "Mapping[str, list[dict[str, Distances]]]") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    from tfstyle.imaging.whole_file import write_file

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("method", "photo", "style", "style_distance", "content_distance"))
    for method, each in by_photo.items():
        for photo, distances in zip(files, each, strict=True):
            for style, value in distances.items():
                writer.writerow((method, photo, style, f"{value.style:.6g}", f"{value.content:.6g}"))
    write_file(path, text.getvalue().encode(errors="surrogateescape"))


def _print(
    measured: "Mapping[str, Mapping[str, Distances]]", steady: "Mapping[str, Stability]", photos: int, *, as_json: bool
) -> None:
    """One method alone is not named; a mean of all styles comes last where there are several."""
    if as_json:
        plain = {
            method: {name: asdict(value) for name, value in distances.items()} for method, distances in measured.items()
        }
        for name, value in steady.items():
            plain["network"][name]["stability"] = asdict(value)
        print(json.dumps(plain if len(plain) > 1 else plain["network"], indent=2))
        return
    rows = [
        (name if len(measured) == 1 else f"{name}, {method}", distances[name], steady.get(name))
        for name in measured["network"]
        for method, distances in measured.items()
    ]
    width = max(len(label) for label, _, _ in rows)
    columns = f"{'style':{width}}  style distance  content distance"
    print(f"{columns}{STABILITY_COLUMNS if steady else ''}   ({photos} photos)")
    for label, distance, steadiness in rows:
        line = f"{label:{width}}  {distance.style:14.3f}  {distance.content:16.3f}"
        if steadiness:
            line += (
                f"  {steadiness.shift_error:11.2f}  {steadiness.noise_gain:10.2f}  {steadiness.motion_ratio:12.2f}"
                f"  {steadiness.luminance_ssim:4.2f}"
            )
        print(line)
