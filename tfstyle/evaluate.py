"""How good a model is, as two numbers per style: how far the content moved, and how far the texture still is.

    content(y, c) = |F(y) - F(c)|^2 / |F(c)|^2                  F: block4_conv2 of VGG19
    style(y, s)   = mean over layers of |G(y) - G(s)|^2 / |G(s)|^2   block1_conv1 ... block5_conv1

with the smallest style distance over several sizes of the painting, photos at their own size, means over photos.
Distances alone can be had by recolouring: look at the pictures as well (`tfstyle sheet`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from keras import ops
from PIL import Image

from tfstyle import losses
from tfstyle.vgg19 import VGG19

CONTENT_LAYER = "block4_conv2"
STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))
PAINTING_SIZES = (256, 384, 512, 768)  # short sides, px: texture is matched at the scale it was learned at

Pixels = np.ndarray  # uint8 [H, W, 3]


@dataclass(frozen=True)
class Distances:
    """Means over photos for one style; lower is better, and only together: the photo itself has content 0."""

    content: float
    style: float


class Evaluator:
    """Measures paintings against photos and the paintings they imitate.

    Args:
        vgg19: Weights of the loss network, see `tfstyle.vgg19.VGG19`.
    """

    def __init__(self, vgg19: str = "embedded"):
        self.network = VGG19((CONTENT_LAYER, *STYLE_LAYERS), weights=vgg19)

    def features(self, picture: Pixels) -> dict[str, np.ndarray]:
        """Content activations under their layer's name and Gram matrices under theirs, of one uint8 [H, W, 3]."""
        activations = self.network(ops.convert_to_tensor(picture[None].astype("float32")))
        measured = {name: losses.gram_matrix(activations[name]) for name in STYLE_LAYERS}
        measured[CONTENT_LAYER] = activations[CONTENT_LAYER]
        return {name: ops.convert_to_numpy(value) for name, value in measured.items()}

    def painting(self, painting: Pixels) -> list[dict[str, np.ndarray]]:
        """What `style_distance` compares with: the features of a painting at each of `PAINTING_SIZES`."""
        return [self.features(resize_short_side(painting, size)) for size in PAINTING_SIZES]

    def content_distance(self, stylized: dict[str, np.ndarray], photo: dict[str, np.ndarray]) -> float:
        """Relative squared distance of the content activations of two pictures of the same size."""
        return float(losses.relative_feature_loss(stylized[CONTENT_LAYER], photo[CONTENT_LAYER])[0])

    def style_distance(self, stylized: dict[str, np.ndarray], painting: list[dict[str, np.ndarray]]) -> float:
        """Mean relative squared Gram distance over the style layers, smallest over the sizes of the painting."""

        def distance(target):
            return np.mean([float(losses.relative_gram_loss(stylized[n], target[n])[0]) for n in STYLE_LAYERS])

        return float(min(distance(target) for target in painting))

    def evaluate(
        self,
        stylize: Callable[[Pixels, str], Pixels],
        photos: Iterable[Pixels],
        paintings: Mapping[str, Pixels],
    ) -> dict[str, Distances]:
        """Distances of each style, means over photos.

        Args:
            stylize: Takes a photo, uint8 [H, W, 3], and a style's name; returns the painting, same shape.
            photos: uint8 [H, W, 3] each, measured at their own size.
            paintings: Style name to the painting it was learned from, uint8 [H, W, 3].
        """
        targets = {name: self.painting(painting) for name, painting in paintings.items()}
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in paintings}
        for photo in photos:
            content = self.features(photo)
            for name, target in targets.items():
                stylized = self.features(stylize(photo, name))
                measured[name].append((self.content_distance(stylized, content), self.style_distance(stylized, target)))
        return {name: Distances(*map(float, np.mean(values, axis=0))) for name, values in measured.items()}


def resize_short_side(picture: Pixels, size: int) -> Pixels:
    """The picture with its short side at `size` px, antialiased; uint8 [H, W, 3] in and out."""
    height, width = picture.shape[:2]
    scale = size / min(height, width)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(picture).resize(target, Image.Resampling.LANCZOS))
