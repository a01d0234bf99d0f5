"""Make a mask from a photo, to look at, to touch up, and to paint with: white is painted, black stays photo.

The same masks go by name wherever a mask is taken: person, background, subject, left, right, top, bottom, radial.

  tfstyle mask photo.jpg --background -o mask.png
  tfstyle mask photo.jpg --subject --box 120,80,300,400
  tfstyle mask photo.jpg --gradient left --fade 0.3
  tfstyle stylize photo.jpg --style starry_night --mask mask.png
"""

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The photo, what is white in its mask, and where the mask goes."""
    parser.add_argument("photo", metavar="PHOTO", help="a photo, or - for stdin")
    what = parser.add_mutually_exclusive_group(required=True)
    for name, help in (
        ("person", "the people"),
        ("background", "everything but the people"),
        ("subject", "the main object, of any kind: what is in the middle, or in the box"),
    ):
        what.add_argument(f"--{name}", dest="what", action="store_const", const=name, help=help)
    what.add_argument(
        "--gradient", dest="what", metavar="SIDE", type=_gradient, help="left, right, top, bottom, radial"
    )
    parser.add_argument(
        "--box", metavar="X,Y,W,H", type=_box, help="with --subject: pixels close around it, from the top left corner"
    )
    parser.add_argument(
        "--fade",
        metavar="F",
        type=float,
        help="with --gradient: how softly it fades, 0 (hard edge) to 1 (across the whole picture) (default: 0.5)",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="PNG file, folder, or - for stdout (default: PHOTO.WHAT.png here)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the mask, at the photo's size, as gray PNG."""
    from dataclasses import replace

    from tfstyle.commands.shared.outputs import STREAM, Outputs, write
    from tfstyle.errors import RequestError
    from tfstyle.imaging.photo import read_photo
    from tfstyle.masks.mask import DEFAULT_FADE, GRADIENTS, Mask, resolve
    from tfstyle.masks.segmentation import subject

    for option, fits, wanted in (
        ("box", args.what == "subject", "--subject"),
        ("fade", args.what in GRADIENTS, "--gradient"),
    ):
        if getattr(args, option) is not None and not fits:
            raise RequestError(f"Expected --{option} together with {wanted} only, got it with {args.what}.")
    outputs = Outputs(args.output, [args.photo], args.what)
    photo = read_photo(sys.stdin.buffer, name="stdin") if args.photo == STREAM else read_photo(args.photo)
    path = outputs.path_for(replace(photo, format="png"))
    if path is not None and path.suffix.lower() != ".png":
        raise RequestError(
            f"Expected a file to write that ends in .png, got {args.output!r}: a mask has to stay exact."
        )
    if args.box is not None:
        mask = Mask(subject(photo.pixels, args.box, name=photo.name))
    else:
        fade = DEFAULT_FADE if args.fade is None else args.fade
        mask = resolve(args.what, photo.height, photo.width, fade=fade, photo=photo)
    write(mask.encode(), path)
    if path is not None:
        share = f"{mask.values.mean():.0%} white"
        print(f"{photo.name} -> {path} ({photo.width}x{photo.height}, {share})", file=sys.stderr)
    return 0


def _gradient(text: str) -> str:
    from tfstyle.masks.mask import GRADIENTS

    if text not in GRADIENTS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(GRADIENTS)}, got {text!r}")
    return text


def _box(text: str) -> tuple[int, int, int, int]:
    try:
        x, y, width, height = (int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected four whole numbers X,Y,W,H, got {text!r}") from None
    return x, y, width, height
