"""A face in every style at 1:1, to see by eye what no distance tells: are eyes and mouth where they were?

    python -m benchmarks.pictures.faces [--photo FILE --box LEFT TOP RIGHT BOTTOM] [--model PATH] [-o FILE]

The photo is painted whole, as its statistics count, and the box is cut out of photo and paintings without resizing.
Without --photo it is scikit-image's `astronaut`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from benchmarks.measuring import one_sentence

FACE = (150, 20, 302, 212)  # of `astronaut`: left, top, right, bottom, px


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Paint, cut out, write; 2 if photo or model cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", metavar="FILE", help="default: astronaut")
    parser.add_argument("--box", type=int, nargs=4, default=FACE, metavar="PX", help="left, top, right, bottom")
    parser.add_argument("--model", metavar="PATH", help="default: the newest tfstyle")
    parser.add_argument("--columns", type=int, default=7, metavar="N", help="faces in a row (default: 7)")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/faces.jpg"), metavar="FILE")
    args = parser.parse_args(argv)
    paint(args)
    return 0


def paint(args: argparse.Namespace) -> None:
    """The sheet, the photo's own face first."""
    import skimage.data

    from tfstyle.imaging.contact_sheet import contact_sheet
    from tfstyle.imaging.photo import read_photo
    from tfstyle.stylize.stylizer import Stylizer

    photo = read_photo(args.photo).pixels if args.photo else skimage.data.astronaut()
    left, top, right, bottom = args.box
    stylizer = Stylizer(model=args.model)
    pictures = {"photo": photo}
    pictures |= {name: stylizer.stylize(photo, name).pixels for name in stylizer.styles().names}
    tiles = [(name, picture[top:bottom, left:right]) for name, picture in pictures.items()]
    args.output.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(tiles, columns=args.columns, font_size=12)).save(args.output, quality=92)


if __name__ == "__main__":
    sys.exit(main())
