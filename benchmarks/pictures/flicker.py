"""How much of a camera's noise shows in the painting, as videos that flicker: each style on photos with and without.

    python -m benchmarks.pictures.flicker [PHOTO ...] [--model PATH] [--quick]

A number is the mean difference of two paintings, one of the photo and one of the photo with normal noise of 2 gray
levels, over the mean difference of the two photos: 1 is what the noise was itself. Photos are `astronaut` and `coffee`
of scikit-image where none are given. Less can be had by painting less, so read it beside the style distances.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.measuring import add_results_option, machine, model_name, one_sentence, save, table

NOISE = 2.0  # gray levels, standard deviation


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, save; 2 if there is no model or a photo cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", metavar="PHOTO", help="default: astronaut and coffee")
    parser.add_argument("--model", metavar="PATH", help="default: the newest tfstyle")
    add_results_option(parser, "one photo, small")
    args = parser.parse_args(argv)
    measure(args)
    return 0


def measure(args: argparse.Namespace) -> None:
    """One row a style, and their mean."""
    from tfstyle.model_store.versions import find_model
    from tfstyle.stylize.stylizer import Stylizer

    model = find_model(args.model)
    stylizer = Stylizer(model=model)
    random = np.random.default_rng(0)
    pairs = [(photo, _noisy(photo, random)) for photo in _photos(args)]
    shown = {}
    for style in stylizer.styles().names:
        ratios = []
        for photo, noisy in pairs:
            painted, again = (stylizer.stylize(picture, style).pixels.astype(float) for picture in (photo, noisy))
            ratios.append(np.abs(again - painted).mean() / np.abs(noisy.astype(float) - photo).mean())
        shown[style] = float(np.mean(ratios))
    mean = float(np.mean(list(shown.values())))
    text = table(("style", "noise in the painting / in the photo"), [*shown.items(), ("mean", mean)])
    result = {"machine": machine("tensorflow", "keras"), "model": model_name(model), "shown": shown, "mean": mean}
    save(args, "flicker", result, text)


def _photos(args: argparse.Namespace) -> list[np.ndarray]:
    from tfstyle.imaging.photo import read_photo

    if args.photos:
        photos = [read_photo(photo).pixels for photo in args.photos]
    else:
        import skimage.data

        photos = [skimage.data.astronaut(), skimage.data.coffee()]
    return [photos[0][::4, ::4]] if args.quick else photos


def _noisy(photo: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.clip(np.rint(photo + random.normal(0, NOISE, photo.shape)), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    sys.exit(main())
