"""Paint one photo by optimizing the picture itself: minutes instead of a fraction of a second, in any style.

A style is IMAGE[:WEIGHT[:LAYERS]]: a painting's file, its weight in proportion to the other paintings with the same
mask (default: 1), and the layers of VGG19 it acts through, each with a weight in proportion to the others if it is
given one. With several styles and several masks, the first mask is for the first style, the second for the second.

  tfstyle optimize photo.jpg --style wave.jpg
  tfstyle optimize photo.jpg --style wave.jpg:60 --style scream.jpg:40:block1_conv1=2,block3_conv1 --plot losses.png
  tfstyle optimize photo.jpg --style wave.jpg --style scream.jpg --mask left --mask right --guided
  tfstyle optimize summer.jpg --style winter.jpg --photorealistic --max-size 1024 -o winter_here.jpg
"""

import argparse
import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.commands.shared.argument_types import plot_file, weight, whole
from tfstyle.errors import MaskError, RequestError

if TYPE_CHECKING:
    from tfstyle.imaging.photo import Photo
    from tfstyle.optimization.objective import StyleTarget

# With the matting Laplacian, strokes have no place to go, and more style brings nothing but wrong colours.
PHOTOREALISTIC_MATTING = 1e4

NEEDS = ("tensorflow", "keras", "scipy", "psutil")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The photo, the paintings and where they go, how hard each term pulls, and what is written."""
    parser.add_argument("photo", metavar="PHOTO", help="a photo")
    parser.add_argument(
        "--style",
        action="append",
        required=True,
        metavar="IMAGE[:WEIGHT[:LAYERS]]",
        help="a painting; repeat it to mix several. LAYERS: block1_conv1=2,block3_conv1 and so on",
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="file or folder (default: PHOTO.STYLE.jpg here)")
    parser.add_argument(
        "--iterations", type=whole(1), default=300, metavar="N", help="over all sizes together (default: 300)"
    )
    parser.add_argument(
        "--max-size", type=whole(16), default=512, metavar="N", help="longer side of the painting, px (default: 512)"
    )
    parser.add_argument(
        "--optimizer",
        choices=("lbfgs", "adam"),
        default="lbfgs",
        help="lbfgs gets further in as many iterations, adam is the paper's (default: lbfgs)",
    )
    parser.add_argument(
        "--init", default="photo", metavar="START", help="photo, noise or a picture's file (default: photo)"
    )
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="of the noise (default: 0)")
    parser.add_argument(
        "--style-size",
        type=whole(16),
        metavar="N",
        help="short side that paintings are seen at, px: larger paints broader strokes (default: as many pixels as "
        "the photo)",
    )
    _add_places(parser)
    _add_weights(parser)
    parser.add_argument("--preserve-color", action="store_true", help="keep the photo's colours, paint its brightness")
    parser.add_argument(
        "--match-luminance",
        action="store_true",
        help="give paintings the photo's mean and deviation of brightness first",
    )
    parser.add_argument("--history", metavar="FILE", help="write every loss term at every iteration, as CSV")
    parser.add_argument("--plot", type=plot_file, metavar="FILE", help="plot every loss term, as PNG, SVG or PDF")
    parser.add_argument("--previews", metavar="DIR", help="write the picture so far into this folder")
    parser.add_argument(
        "--preview-every", type=whole(1), default=25, metavar="N", help="iterations between previews (default: 25)"
    )
    parser.add_argument("--vgg19", default="embedded", metavar="WEIGHTS", help="embedded, imagenet or a file")


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mask",
        action="append",
        default=[],
        metavar="WHERE",
        help="where to paint: person, background, subject, left, right, top, bottom, radial, or a gray picture (white: "
        "paint); once for all styles, or once for each",
    )
    parser.add_argument(
        "--fade",
        metavar="F",
        type=float,
        default=0.5,
        help="how softly gradients fade, 0 (hard edge) to 1 (across the whole picture) (default: 0.5)",
    )
    parser.add_argument(
        "--guided",
        action="store_true",
        help="count the statistics of a style under its mask only; without it a mask acts on the gradient alone",
    )
    parser.add_argument(
        "--style-mask",
        action="append",
        default=[],
        metavar="WHERE",
        help="with --guided, which part of the painting to take; once for all styles, or once for each",
    )


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--content-weight", type=weight, metavar="W", help="raise for a clearer subject (default: 1)")
    parser.add_argument("--style-weight", type=weight, metavar="W", help="raise for bolder strokes (default: 8)")
    parser.add_argument("--tv-weight", type=weight, metavar="W", help="raise for flatter areas (default: 2)")
    parser.add_argument("--pixel-weight", type=weight, metavar="W", help="raise for the photo's colours (default: 0)")
    parser.add_argument("--content-layer", default="block4_conv2", metavar="LAYER", help="default: block4_conv2")
    parser.add_argument(
        "--photorealistic",
        type=weight,
        nargs="?",
        const=PHOTOREALISTIC_MATTING,
        default=0.0,
        metavar="W",
        help=f"keep a photograph photographic, by the matting Laplacian (weight: {PHOTOREALISTIC_MATTING:g})",
    )


def run(args: argparse.Namespace) -> int:
    """Paint the photo; Ctrl-C writes the picture so far."""
    from tfstyle.quiet import quiet_tensorflow

    with quiet_tensorflow():
        from tfstyle.commands.shared.outputs import Outputs, prepare, write
        from tfstyle.commands.shared.progress import OptimizationProgress
        from tfstyle.imaging.photo import Photo, format_for, read_photo
        from tfstyle.optimization.objective import ObjectiveWeights
        from tfstyle.optimization.optimize import optimize, plan

    original = read_photo(args.photo)
    photo = original.resize_to(args.max_size)
    parsed = [parse_style(text) for text in args.style]
    inputs = [*(file for file, _, _ in parsed), *args.mask, *args.style_mask, args.init]
    path = Outputs(args.output, [args.photo], _label(parsed), inputs).path_for(photo)
    preview = Path(args.previews) / "000000.jpg" if args.previews else None
    prepare([path, args.history, args.plot, preview], [args.photo, *inputs])
    styles, notes = _styles(args, parsed, photo, original)
    given = {
        "content": args.content_weight, "style": args.style_weight, "total_variation": args.tv_weight,
        "pixel": args.pixel_weight, "matting": args.photorealistic,
    }  # fmt: skip
    with OptimizationProgress(plan(photo.height, photo.width, args.iterations)) as progress:

        def report(picture, history) -> None:
            progress.report(history.rows[-1])
            number = len(history.rows)
            if args.previews and number % args.preview_every == 0:
                write(Photo(picture).encode("jpeg"), Path(args.previews) / f"{number:06d}.jpg")

        result = optimize(
            photo,
            styles,
            iterations=args.iterations,
            optimizer=args.optimizer,
            weights=replace(ObjectiveWeights(), **{name: value for name, value in given.items() if value is not None}),
            init=args.init if args.init in ("photo", "noise") else read_photo(args.init),
            style_size=args.style_size,
            guided=args.guided,
            preserve_color=args.preserve_color,
            matched_luminance=args.match_luminance,
            content_layer=args.content_layer,
            vgg19=args.vgg19,
            seed=args.seed,
            report=report,
        )
        write(result.picture.encode(format_for(path) if path else photo.writable_format()), path)
        if result.history.rows and args.history:
            result.history.write_csv(Path(args.history))
        if result.history.rows and args.plot:
            result.history.plot(args.plot)
        for note in (*notes, *result.picture.notes):
            progress.say(f"{args.photo}: {note}")
        stopped = f", stopped after {len(result.history.rows)} iterations" if result.interrupted else ""
        progress.say(f"{args.photo} -> {path or '-'} ({photo.width}x{photo.height}{stopped})")
    return 130 if result.interrupted else 0


def parse_style(text: str) -> tuple[str, float, dict[str, float] | None]:
    """`IMAGE[:WEIGHT[:LAYERS]]` as a file, a weight, and layers with their weights (None: the usual ones).

    Raises:
        RequestError: If weight or layers are written wrongly; which layers there are is not looked at.
    """
    if Path(text).exists():  # a file name may hold colons
        return text, 1.0, None
    match = re.fullmatch(r"(?P<image>.+?)(:(?P<weight>[^:/]*)(:(?P<layers>[^:/]*))?)?", text, re.DOTALL)
    assert match  # an empty text is a path that exists, the current folder
    layers = match["layers"]
    return match["image"], _number(match["weight"] or "1", text), _layers(layers, text) if layers is not None else None


def _layers(layers: str, text: str) -> dict[str, float]:
    parts = [part.strip().partition("=") for part in layers.split(",")]
    return {name.strip(): _number(value if equals else "1", text) for name, equals, value in parts}


def _number(number: str, text: str) -> float:
    try:
        return weight(number)
    except argparse.ArgumentTypeError:
        raise RequestError(
            f"Expected a style as IMAGE[:WEIGHT[:LAYERS]] with weights of 0 or more, got {text!r}."
        ) from None


def _label(parsed: list[tuple[str, float, dict[str, float] | None]]) -> str:
    return "+".join(dict.fromkeys(Path(file).stem for file, _, _ in parsed))


def _styles(
    args: argparse.Namespace,
    parsed: list[tuple[str, float, dict[str, float] | None]],
    photo: "Photo",
    original: "Photo",
) -> "tuple[list[StyleTarget], list[str]]":
    """The paintings with their masks, and what is to be said about the masks."""
    from tfstyle.imaging.photo import read_photo
    from tfstyle.masks.mask import is_black, resolve
    from tfstyle.networks.vgg19 import STYLE_LAYERS
    from tfstyle.optimization.objective import StyleTarget

    if args.style_mask and not args.guided:
        raise RequestError("Expected --guided with --style-mask; without it only the gradient has a mask.")
    size = original.height, original.width
    masks = {
        where: resolve(where, photo.height, photo.width, fade=args.fade, photo=photo, photo_size=size)
        for where in dict.fromkeys(args.mask)
    }
    places = _one_each(args.mask, "--mask", len(parsed))
    parts = _one_each(args.style_mask, "--style-mask", len(parsed))
    names = _names([Path(file).stem for file, _, _ in parsed])
    # Of a black mask `optimize` has the note.
    notes = [note for mask in masks.values() if not is_black(mask.values) for note in mask.notes]
    styles = []
    for (file, share, layers), name, place, part in zip(parsed, names, places, parts, strict=True):
        painting = read_photo(file)
        style_mask = (
            resolve(part, painting.height, painting.width, fade=args.fade, photo=painting, of="painting")
            if part
            else None
        )
        if style_mask and is_black(style_mask.values):
            raise MaskError(f"{part}: expected a mask that is white somewhere, or nothing of {file} counts.")
        notes += style_mask.notes if style_mask else ()
        styles.append(
            StyleTarget(
                name=name,
                pixels=painting.pixels,
                weight=share,
                layers=dict.fromkeys(STYLE_LAYERS, 1.0) if layers is None else layers,
                mask=masks[place].values if place else None,
                style_mask=style_mask.values if style_mask else None,
            )
        )
    return styles, notes


def _one_each(values: list[str], option: str, count: int) -> list[str | None]:
    """One value for each style: none, the only one, or as many as there are styles."""
    if len(values) < 2:
        return [values[0] if values else None] * count
    if len(values) != count:
        raise RequestError(f"Expected {option} once, or once for each of {count} styles, got it {len(values)} times.")
    return list(values)


def _names(stems: list[str]) -> list[str]:
    """Names that differ: a painting that is given twice, as for two places, gets a number that no other has."""
    names: list[str] = []
    for stem in stems:
        numbered = (f"{stem} {number}" for number in itertools.count(1))
        free = (name for name in numbered if name not in stems and name not in names)
        names.append(stem if stems.count(stem) == 1 else next(free))
    return names
