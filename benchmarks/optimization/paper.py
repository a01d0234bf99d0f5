"""The figures of Makow and Hernandez' paper, made again with tfstyle.

    python -m benchmarks.optimization.paper --style-images DIR [--size 512] [--iterations 500] [--out docs/paper]

DIR holds starry_night.jpg, the_scream.jpg and great_wave.jpg. The photos are astronaut (NASA, public domain) and coffee
(CC0) of scikit-image. Each picture is optimized once and kept in --work, so a run that was stopped goes on where it
was; another size, other iterations or another optimizer start anew. docs/paper.md says what each figure shows.
"""

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measuring import one_sentence
from tfstyle.imaging.color import luminance_only
from tfstyle.imaging.contact_sheet import contact_sheet
from tfstyle.imaging.photo import Photo, read_photo
from tfstyle.imaging.style_images import find_style_images
from tfstyle.masks import segmentation
from tfstyle.masks.mask import gradient

STYLE_IMAGES = ("starry_night", "the_scream", "great_wave")
TITLES = {"starry_night": "The Starry Night", "the_scream": "The Scream", "great_wave": "The Great Wave"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One optimization: which photo, which style images, where."""

    photo: str
    styles: tuple[str, ...]  # style images, or a photo for photorealistic transfer
    masks: tuple[str | None, ...] = (None,)  # names in `Paper.masks`, one for all styles or one each
    style_masks: tuple[str | None, ...] = (None,)  # gradients, likewise
    options: dict[str, Any] = field(default_factory=dict)  # of tfstyle.optimization.optimize.optimize
    matting: float = 0.0


PICTURES = {
    "astronaut_starry": Picture(photo="astronaut", styles=("starry_night",)),
    "astronaut_blend": Picture(photo="astronaut", styles=("starry_night", "the_scream")),
    "astronaut_scream": Picture(photo="astronaut", styles=("the_scream",)),
    "astronaut_background": Picture(photo="astronaut", styles=("starry_night",), masks=("background",)),
    "coffee_blend": Picture(photo="coffee", styles=("great_wave", "the_scream")),
    "astronaut_wave": Picture(photo="astronaut", styles=("great_wave",)),
    "coffee_middle": Picture(photo="coffee", styles=("the_scream",), masks=("middle",)),
    "astronaut_person": Picture(photo="astronaut", styles=("great_wave",), masks=("person",)),
    "astronaut_guided": Picture(
        photo="astronaut", styles=("starry_night",), masks=("background",), options={"guided": True}
    ),
    "astronaut_aware": Picture(
        photo="astronaut",
        styles=("the_scream", "the_scream"),
        masks=("background", "person"),
        style_masks=("top", "bottom"),
        options={"guided": True},
    ),
    "astronaut_sides": Picture(photo="astronaut", styles=("the_scream", "great_wave"), masks=("left", "right")),
    "coffee_photorealistic": Picture(photo="coffee", styles=("astronaut",), matting=1e4),
}


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Make every figure; 2 if a style image is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--style-images", required=True, type=Path, metavar="DIR", help="folder with the style images")
    parser.add_argument("--size", type=int, default=512, metavar="N", help="longer side, px (default: 512)")
    parser.add_argument("--iterations", type=int, default=500, metavar="N", help="of each picture (default: 500)")
    parser.add_argument("--optimizer", choices=("lbfgs", "adam"), default="lbfgs", help="default: lbfgs")
    parser.add_argument("--work", type=Path, default=Path("runs/paper"), metavar="DIR", help="where pictures are kept")
    parser.add_argument("--out", type=Path, default=Path("docs/paper"), metavar="DIR", help="where figures go")
    args = parser.parse_args(argv)
    paper = Paper(args)
    for name in PICTURES:
        paper.make(name)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, figure in FIGURES.items():
        figure(paper, args.out / name)
        print(args.out / name, flush=True)
    return 0


class Paper:
    """The photos, the masks, and every picture that was optimized."""

    def __init__(self, args: argparse.Namespace):
        import skimage.data

        self.args = args
        self.work = args.work / f"{args.size}px_{args.iterations}_{args.optimizer}"
        self.work.mkdir(parents=True, exist_ok=True)
        self.style_images = find_style_images(args.style_images, STYLE_IMAGES)
        self.photos = {
            name: Photo(getattr(skimage.data, name)(), name=name).resize_to(args.size)
            for name in ("astronaut", "coffee")
        }
        astronaut, coffee = self.photos["astronaut"], self.photos["coffee"]
        self.masks = {
            "background": segmentation.background(astronaut.pixels),
            "person": segmentation.person(astronaut.pixels),
            "middle": gradient("radial", coffee.height, coffee.width, 0.2),
            "left": gradient("left", astronaut.height, astronaut.width, 1.0),
            "right": gradient("right", astronaut.height, astronaut.width, 1.0),
        }

    def make(self, name: str) -> None:
        """Optimize one picture, unless it is there."""
        if (self.work / f"{name}.csv").exists():
            return
        from tfstyle.optimization.objective import ObjectiveWeights, StyleTarget
        from tfstyle.optimization.optimize import optimize

        picture = PICTURES[name]
        count = len(picture.styles)
        masks, parts = (given * count if len(given) == 1 else given for given in (picture.masks, picture.style_masks))
        styles = [
            StyleTarget(
                name=f"{style} {part}" if part else style,
                pixels=(pixels := self._style(style)),
                mask=self.masks[mask] if mask else None,
                style_mask=gradient(part, *pixels.shape[:2]) if part else None,
            )
            for style, mask, part in zip(picture.styles, masks, parts, strict=True)
        ]
        began = time.monotonic()
        result = optimize(
            self.photos[picture.photo],
            styles,
            iterations=self.args.iterations,
            optimizer=self.args.optimizer,
            weights=ObjectiveWeights(matting=picture.matting),
            **picture.options,
        )
        if result.interrupted:
            raise KeyboardInterrupt
        result.picture.save(self.work / f"{name}.png")
        part = self.work / f"{name}.part"
        result.history.write_csv(part)
        part.replace(self.work / f"{name}.csv")  # last: it says that the picture is complete
        print(f"{time.monotonic() - began:7.0f} s  {name}", flush=True)

    def pixels(self, name: str) -> np.ndarray:
        """A picture that was optimized."""
        return read_photo(self.work / f"{name}.png").pixels

    def history(self, name: str) -> dict[str, list[float]]:
        """Its loss terms by name, one value an iteration."""
        with (self.work / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        return {key: [float(row[key]) for row in rows] for key in rows[0] if key != "size"}

    def mask(self, name: str) -> np.ndarray:
        """A mask as a picture."""
        return np.repeat(np.rint(self.masks[name] * 255).astype(np.uint8)[..., None], 3, axis=-1)

    def photo(self, name: str) -> np.ndarray:
        """A photo at the size of the figures."""
        return self.photos[name].pixels

    def _style(self, name: str) -> np.ndarray:
        return self.photo(name) if name in self.photos else read_photo(self.style_images[name]).pixels


def _sheet(path: Path, tiles: list[tuple[str, np.ndarray]], columns: int) -> None:
    """A figure of pictures, none of them higher or wider than 320 px, as JPEG."""
    shrunk = [(label, Photo(pixels).resize_to(320).pixels) for label, pixels in tiles]
    Image.fromarray(contact_sheet(shrunk, columns=columns)).save(path, quality=85)


def figure_1(paper: Paper, path: Path) -> None:
    """Masks."""
    tiles = [("background", "background"), ("person", "person"), ("left, fade 1", "left"), ("radial", "middle")]
    _sheet(path, [(label, paper.mask(name)) for label, name in tiles], 4)


def figure_2(paper: Paper, path: Path) -> None:
    """The photos."""
    _sheet(path, [(name, paper.photo(name)) for name in paper.photos], 2)


def figure_4(paper: Paper, path: Path) -> None:
    """Two blends, each between the pictures in one style."""
    _sheet(
        path,
        [
            ("The Starry Night", paper.pixels("astronaut_starry")),
            ("both, 50 % each", paper.pixels("astronaut_blend")),
            ("The Scream", paper.pixels("astronaut_scream")),
            ("photo", paper.photo("coffee")),
            ("The Great Wave and The Scream", paper.pixels("coffee_blend")),
        ],
        3,
    )


def figure_5(paper: Paper, path: Path) -> None:
    """Each style's loss against iterations in the blend, and alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    blend = paper.history("astronaut_blend")
    for style, alone, colour in (
        ("starry_night", "astronaut_starry", "tab:blue"),
        ("the_scream", "astronaut_scream", "tab:orange"),
    ):
        column = f"style {style}"
        axes.plot(blend["iteration"], blend[column], color=colour, label=f"{TITLES[style]}, blended 50/50")
        single = paper.history(alone)
        axes.plot(single["iteration"], single[column], color=colour, ls=":", label=f"{TITLES[style]}, alone")
    axes.set(xlabel="iteration", ylabel="style loss, relative to the style images", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


def figure_6(paper: Paper, path: Path) -> None:
    """Normal transfer, and with the photo's colours."""
    names = {"astronaut_starry": "starry_night", "astronaut_scream": "the_scream", "astronaut_wave": "great_wave"}
    normal = [(TITLES[style], paper.pixels(name)) for name, style in names.items()]
    photo = paper.photo("astronaut")
    kept = [
        (f"{title}, colours kept", np.rint(luminance_only(pixels, photo)).astype(np.uint8)) for title, pixels in normal
    ]
    _sheet(path, [*normal, *kept], 3)


def figure_7(paper: Paper, path: Path) -> None:
    """From photo and mask to the segmented picture."""
    _sheet(
        path,
        [
            ("photo", paper.photo("astronaut")),
            ("mask", paper.mask("background")),
            ("The Starry Night, masked", paper.pixels("astronaut_background")),
        ],
        3,
    )


def figure_8(paper: Paper, path: Path) -> None:
    """Photo, mask, result: foreground and background."""
    rows = (
        ("astronaut", "background", "astronaut_background", "The Starry Night behind her"),
        ("astronaut", "person", "astronaut_person", "The Great Wave on her"),
        ("coffee", "middle", "coffee_middle", "The Scream in the middle"),
    )
    tiles = []
    for photo, mask, name, label in rows:
        tiles += [(photo, paper.photo(photo)), (mask, paper.mask(mask)), (label, paper.pixels(name))]
    _sheet(path, tiles, 3)


def guided(paper: Paper, path: Path) -> None:
    """The mask on the gradient alone, and statistics counted under the mask."""
    _sheet(
        path,
        [
            ("mask on the gradient", paper.pixels("astronaut_background")),
            ("guided", paper.pixels("astronaut_guided")),
        ],
        2,
    )


def aware(paper: Paper, path: Path) -> None:
    """A style image as a whole, and its parts where they belong."""
    _sheet(
        path,
        [
            ("The Scream", paper.pixels("astronaut_scream")),
            ("its top behind her, its bottom on her", paper.pixels("astronaut_aware")),
        ],
        2,
    )


def sides(paper: Paper, path: Path) -> None:
    """Two styles with gradient masks."""
    _sheet(
        path,
        [
            ("left", paper.mask("left")),
            ("right", paper.mask("right")),
            ("The Scream, The Great Wave", paper.pixels("astronaut_sides")),
        ],
        3,
    )


def photorealistic(paper: Paper, path: Path) -> None:
    """A photo in the colours of another."""
    _sheet(
        path,
        [
            ("photo", paper.photo("coffee")),
            ("the photo that is its style", paper.photo("astronaut")),
            ("photorealistic transfer", paper.pixels("coffee_photorealistic")),
        ],
        3,
    )


def made_with(paper: Paper, path: Path) -> None:
    """What the pictures were made with, and the losses they ended at."""
    path.write_text("\n".join(_table(paper)) + "\n")


def _table(paper: Paper) -> Iterator[str]:
    args = paper.args
    yield f"Longer side {args.size} px, {args.iterations} iterations of {args.optimizer}, everything else by default."
    yield "Losses are relative to their targets: style first and last, content last.\n"
    yield "| picture | style | content |"
    yield "|---|---|---|"
    for name in PICTURES:
        history = paper.history(name)
        styles = [
            f"{column.removeprefix('style ')} {values[0]:.3f} -> {values[-1]:.3f}"
            for column, values in history.items()
            if column.startswith("style ")
        ]
        yield f"| {name} | {'; '.join(styles)} | {history['content'][-1]:.3f} |"


FIGURES: dict[str, Callable[[Paper, Path], None]] = {
    "figure_1.jpg": figure_1,
    "figure_2.jpg": figure_2,
    "figure_4.jpg": figure_4,
    "figure_5.png": figure_5,
    "figure_6.jpg": figure_6,
    "figure_7.jpg": figure_7,
    "figure_8.jpg": figure_8,
    "guided.jpg": guided,
    "aware.jpg": aware,
    "sides.jpg": sides,
    "photorealistic.jpg": photorealistic,
    "made_with.md": made_with,
}

if __name__ == "__main__":
    sys.exit(main())
