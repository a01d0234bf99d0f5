"""How good a model is, as two numbers per style: how far the content moved, and how far the texture still is.

    content(y, c) = |F(y) - F(c)|^2 / |F(c)|^2                       F: block4_conv2 of VGG19
    style(y, s)   = mean over layers of |G(y) - G(s)|^2 / |G(s)|^2   block1_conv1 ... block5_conv1

with the smallest style distance over several sizes of the style image, photos at their own size, means over photos.
Distances alone can be had by recolouring: look at the pictures as well (`tfstyle sheet`).
"""

import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops
from PIL import Image

from tfstyle.errors import ModelError
from tfstyle.imaging.whole_file import new_file
from tfstyle.networks import losses
from tfstyle.networks.vgg19 import CONTENT_LAYER, STYLE_LAYERS, VGG19

STYLE_IMAGE_SIZES = (256, 384, 512, 768)  # short sides, px: texture is matched at the scale it was learned at
TARGETS_FILE = "gram_targets.npz"

Pixels = np.ndarray  # uint8 [H, W, 3]
Grams = dict[str, np.ndarray]  # style layer -> float32 [1, C, C]
Targets = dict[int, Grams]  # short side of the style image, px -> its Gram matrices


@dataclass(frozen=True)
class Distances:
    """Means over photos for one style; lower is better, and only together: the photo itself has content 0."""

    content: float
    style: float
    sizes: tuple[int, ...]  # short sides of the style image that were nearest for some photo, px


class Evaluator:
    """Measures stylized images against photos and the style images they imitate.

    Args:
        vgg19: Weights of the loss network, see `tfstyle.networks.vgg19.VGG19`.
    """

    def __init__(self, vgg19: str = "embedded"):
        self.network = VGG19((CONTENT_LAYER, *STYLE_LAYERS), weights=vgg19)

    def features(self, picture: Pixels) -> tuple[np.ndarray, Grams]:
        """Content activations, float32 [1, h, w, C], and Gram matrices of one picture."""
        activations = self.network(ops.convert_to_tensor(picture[None].astype("float32")))
        grams = {name: ops.convert_to_numpy(losses.gram_matrix(activations[name])) for name in STYLE_LAYERS}
        return ops.convert_to_numpy(activations[CONTENT_LAYER]), grams

    def targets(self, style_image: Pixels) -> Targets:
        """The Gram matrices of a style image at each of `STYLE_IMAGE_SIZES`."""
        return {size: self.features(resize_short_side(style_image, size))[1] for size in STYLE_IMAGE_SIZES}

    def evaluate(
        self,
        stylize: Callable[[Pixels, str], Pixels],
        photos: Iterable[Pixels],
        targets: Mapping[str, Targets],
    ) -> dict[str, Distances]:
        """Distances of each style, means over photos.

        Args:
            stylize: Takes a photo, uint8 [H, W, 3], and a style's name; returns the stylized image, same shape.
            photos: uint8 [H, W, 3] each, measured at their own size.
            targets: Style name to what `targets` gave for the style image it was learned from.
        """
        measured: dict[str, list[tuple[float, float, int]]] = {name: [] for name in targets}
        for photo in photos:
            content, _ = self.features(photo)
            for name, target in targets.items():
                stylized, grams = self.features(stylize(photo, name))
                style, size = style_distance(grams, target)
                measured[name].append((content_distance(stylized, content), style, size))
        return {
            name: Distances(
                content=float(np.mean([content for content, _, _ in values])),
                style=float(np.mean([style for _, style, _ in values])),
                sizes=tuple(sorted({size for _, _, size in values})),
            )
            for name, values in measured.items()
        }


def mean(distances: Sequence[Distances]) -> Distances:
    """Means over photos of what was measured photo by photo."""
    return Distances(
        content=float(np.mean([d.content for d in distances])),
        style=float(np.mean([d.style for d in distances])),
        sizes=tuple(sorted({size for d in distances for size in d.sizes})),
    )


def plot(path: Path, measured: Mapping[str, Mapping[str, Distances]]) -> None:
    """Content against style distance: a colour each style, a mark each method, nearer to the corner is better.

    Args:
        path: A file to write: PNG, SVG or PDF.
        measured: Method to style to distances.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(7.5, 5), layout="constrained")
    axes = figure.subplots()
    styles = list(dict.fromkeys(style for distances in measured.values() for style in distances))
    colours = dict(zip(styles, _colours(len(styles)), strict=True))
    markers = dict(zip(measured, "osD^v*", strict=False))
    for method, distances in measured.items():
        for style, value in distances.items():
            axes.scatter(
                value.content, value.style, marker=markers[method], color=colours[style], clip_on=False, zorder=3
            )
    axes.set(xlabel="content distance", ylabel="style distance", xlim=(0, None), ylim=(0, None))
    axes.grid(alpha=0.3)
    marks = {style: Line2D([], [], color=colour, marker="o", ls="") for style, colour in colours.items()}
    columns = 1 + (len(styles) - 1) // 20
    figure.legend(marks.values(), marks, loc="outside right upper", ncols=columns, fontsize="small")
    if len(measured) > 1:
        marks = {method: Line2D([], [], color="gray", marker=marker, ls="") for method, marker in markers.items()}
        figure.legend(marks.values(), marks, loc="outside lower center", ncols=len(marks), fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as file:
        figure.savefig(file, dpi=120, format=path.suffix.removeprefix(".").lower())


def _colours(count: int) -> list[str]:
    """As many colours, none twice: the usual ten, then their lighter twins; a spectrum where there are more."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if count > 20:
        return [to_hex(colour) for colour in colormaps["turbo"](np.linspace(0, 1, count))]
    return [to_hex(colormaps["tab20"](2 * number % 20 + number // 10)) for number in range(count)]


def content_distance(stylized: np.ndarray, photo: np.ndarray) -> float:
    """Relative squared distance of the content activations of two pictures of the same size."""
    return float(losses.relative_feature_loss(stylized, photo)[0])


def style_distance(grams: Grams, targets: Targets) -> tuple[float, int]:
    """Mean relative squared Gram distance over the style layers at the style image's nearest size, and that size."""

    def distance(target: Grams) -> float:
        return float(np.mean([losses.relative_gram_loss(grams[name], target[name])[0] for name in STYLE_LAYERS]))

    return min((distance(target), size) for size, target in targets.items())


def save_targets(path: Path, targets: Mapping[str, Targets]) -> None:
    """Writes Gram matrices to a compressed file: who has it can evaluate without the style images.

    Half of each symmetric matrix, as 8-bit square roots of the shares of its largest value, since few values are large.
    """
    arrays: dict[str, Any] = {}
    for style, sizes in targets.items():
        for size, grams in sizes.items():
            for layer, gram in grams.items():
                largest = gram.max()  # activations are >= 0, and so are their products
                half = np.sqrt(gram[0][np.triu_indices(gram.shape[-1])] / largest)
                codes = np.rint(half * 255).astype("uint8")
                arrays |= {f"{style}/{size}/{layer}": codes, f"{style}/{size}/{layer}/largest": largest}
    np.savez_compressed(path, **arrays)


def load_targets(path: Path) -> dict[str, Targets]:
    """Style name to its targets, from a file that `save_targets` wrote.

    Raises:
        ModelError: If it is not there or is none.
    """
    targets: dict[str, Targets] = {}
    try:
        with np.load(path) as arrays:
            for key in (key for key in arrays.files if not key.endswith("/largest")):
                style, size, layer = key.split("/")
                half = np.square(arrays[key].astype("float32") / 255) * arrays[f"{key}/largest"]
                channels = int((np.sqrt(8 * half.size + 1) - 1) / 2)
                gram = np.zeros((channels, channels), "float32")
                gram[np.triu_indices(channels)] = half
                gram = np.maximum(gram, gram.T)
                targets.setdefault(style, {}).setdefault(int(size), {})[layer] = gram[None]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"Expected Gram matrices of paintings in {path} ({error}); give --style-images DIR."
        ) from error
    return targets


def resize_short_side(picture: Pixels, size: int) -> Pixels:
    """The picture with its short side at `size` px, antialiased; uint8 [H, W, 3] in and out."""
    height, width = picture.shape[:2]
    scale = size / min(height, width)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(picture).resize(target, Image.Resampling.LANCZOS))
