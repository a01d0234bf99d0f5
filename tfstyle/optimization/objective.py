"""What a picture is optimized towards: the photo's content and the style images' texture, as a number and its gradient.

    total = content * l_content + style * sum_i w_i l_style,i + total_variation * l_TV + pixel * l_pixel
            + matting * l_matting

Content and style are relative to their targets, as in training, so the same weights serve every photo and style image.
l_style,i is the mean over the layers J_i of style image i. Where style images share a place, their squared Gram
distances at a layer are divided by one number, the mean of the targets' squared norms: divided by its own, the style
image with the smaller Gram matrices would win every blend. A style with a mask sees the picture through
`losses.masked_gradient`: its gradient is multiplied by the mask, the content's is not.

Reference: Makow and Hernandez, sections 3.2 to 3.6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from keras import ops

from tfstyle.errors import RequestError
from tfstyle.networks import losses
from tfstyle.networks.vgg19 import CONTENT_LAYER, LAYERS, STYLE_LAYERS, VGG19
from tfstyle.optimization import matting

TINY = 1e-12  # a guide so thin that pooling drops all of it has Gram matrices of 0


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleTarget:
    """One style image y_i with its layers J_i and its weight w_i (section 3.4), and where it goes (section 3.6).

    Attributes:
        name: What the history calls it.
        pixels: uint8 `[h,w,3]`.
        weight: In proportion to the other style images that have the same mask.
        layers: Layer of the loss network to its weight, in proportion to one another.
        mask: Where in the picture its gradient acts, float32 `[H,W]`, 0..1; None is everywhere.
        style_mask: Which part of the style image counts, float32 `[h,w]`, 0..1; None is all of it.

    Raises:
        RequestError: If a layer is unknown, or the weights of all layers are 0.
    """

    name: str
    pixels: np.ndarray
    weight: float = 1.0
    layers: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(STYLE_LAYERS, 1.0))
    mask: np.ndarray | None = None
    style_mask: np.ndarray | None = None

    def __post_init__(self):
        if unknown := [layer for layer in self.layers if layer not in LAYERS]:
            raise RequestError(
                f"{self.name}: expected layers out of {', '.join(LAYERS)}, got {', '.join(map(repr, unknown))}."
            )
        if not sum(self.layers.values()) > 0:
            raise RequestError(f"{self.name}: expected a layer with a weight above 0, got none.")


@dataclass(frozen=True, kw_only=True)
class ObjectiveWeights:
    """How hard each term pulls. Raise `style` for bolder strokes, `content` for a clearer subject."""

    content: float = 1.0
    style: float = 8.0  # times the mean over layers
    total_variation: float = 2.0  # of pixels in 0..1; keeps flat areas free of dots
    pixel: float = 0.0  # of pixels in 0..1; keeps the photo's colours where it is raised
    matting: float = 0.0  # of pixels in 0..1; keeps a photograph photographic


class Objective:
    """Loss and gradient of a picture of one fixed size, compiled once.

    Args:
        photo: float32 `[H,W,3]`, 0..255.
        styles: At least one with a weight above 0; masks and style images at the size they are to be seen at.
        weights: How hard each term pulls.
        guided: Count the statistics of each style under its mask only, in the picture and in the style image. Without
            it a mask acts on the gradient alone, and `style_mask` is not looked at.
        content_layer: Layer of the loss network that says what a picture shows.
        vgg19: Weights of the loss network, see `tfstyle.networks.vgg19.VGG19`.
    """

    def __init__(
        self,
        photo: np.ndarray,
        styles: Sequence[StyleTarget],
        weights: ObjectiveWeights,
        *,
        guided: bool = False,
        content_layer: str = CONTENT_LAYER,
        vgg19: str = "embedded",
    ):
        styles = [style for style in styles if style.weight > 0]
        if not styles:
            raise RequestError("Expected a style with a weight above 0, got none.")
        names = [style.name for style in styles]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise RequestError(f"Expected styles of different names, got several named {', '.join(twice)}.")
        self.styles, self.weights, self.content_layer = styles, weights, content_layer
        self.network = VGG19((content_layer, *dict.fromkeys(layer for s in styles for layer in s.layers)), vgg19)
        self.photo = tf.constant(photo[None], tf.float32)
        self.content_target = self.network(self.photo)[content_layer]
        self.masks = _distinct([style.mask for style in styles])
        self.guides = [guided and style.mask is not None for style in styles]
        self.gram_targets = [self._gram_targets(style, guided) for style in styles]
        self.shares = _shares(styles, self.masks)
        self.norms = [self._norms(style) for style in styles]
        self.laplacian = matting.matting_laplacian(photo) if weights.matting else None
        shape = tf.TensorSpec(self.photo.shape, tf.float32)
        self._compiled = tf.function(self._value_and_gradient, input_signature=(shape, shape))

    @property
    def masked(self) -> bool:
        """Whether some style's gradient is multiplied by a mask, so that `held` matters."""
        return any(mask is not None for mask in self.masks)

    def __call__(self, picture: np.ndarray, held: np.ndarray) -> tuple[float, dict[str, float], np.ndarray]:
        """Value and gradient.

        Args:
            picture: float32 `[H,W,3]`.
            held: What stands where masks are 0, see `losses.masked_gradient`: the picture itself, or, for a line
                search, one that stays the same over it.

        Returns:
            The total, each term before its weight (styles as `style NAME`), and the gradient, float32 `[H,W,3]`.
        """
        total, terms, gradient = self._compiled(tf.constant(picture[None]), tf.constant(held[None]))
        return float(total), {name: float(value) for name, value in terms.items()}, gradient.numpy()[0]

    def _value_and_gradient(self, picture, held):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            terms, weights = self._terms(picture, held)
            total = tf.add_n([weights[name] * value for name, value in terms.items()])
        return total, terms, tape.gradient(total, picture)

    def _terms(self, picture, held) -> tuple[dict[str, tf.Tensor], dict[str, float]]:
        weights, unmasked = self.weights, self.network(picture)
        terms = {"content": losses.relative_feature_loss(unmasked[self.content_layer], self.content_target)[0]}
        factors = {"content": weights.content}
        for mask in self.masks:
            features = unmasked
            if mask is not None:
                features = self.network(losses.masked_gradient(picture, tf.constant(mask[None, :, :, None]), held))
            for number, style in enumerate(self.styles):
                if style.mask is mask:
                    terms[f"style {style.name}"] = self._style_loss(number, features)
                    factors[f"style {style.name}"] = weights.style * self.shares[number]
        if weights.total_variation:
            terms["total variation"] = losses.total_variation(picture / 255)[0]
            factors["total variation"] = weights.total_variation
        if weights.pixel:
            terms["pixel"] = losses.pixel_loss(picture / 255, self.photo / 255)[0]
            factors["pixel"] = weights.pixel
        if self.laplacian is not None:
            terms["matting"] = matting.matting_loss(picture[0] / 255, self.laplacian)
            factors["matting"] = weights.matting
        return terms, factors

    def _style_loss(self, number: int, features) -> tf.Tensor:
        """Mean over the layers of one style, in proportion to their weights."""
        style, total = self.styles[number], 0.0
        for layer, weight in style.layers.items():
            gram = _gram(features[layer], layer, style.mask if self.guides[number] else None)
            target, norm = self.gram_targets[number][layer], self.norms[number][layer]
            total += weight * losses.relative_gram_loss(gram, target, norm)[0]
        return total / sum(style.layers.values())

    def _gram_targets(self, style: StyleTarget, guided: bool) -> dict[str, tf.Tensor]:
        features = self.network(tf.constant(style.pixels[None], tf.float32))
        guide = style.style_mask if guided else None
        return {layer: _gram(features[layer], layer, guide) for layer in style.layers}

    def _norms(self, style: StyleTarget) -> dict[str, float]:
        """By layer, the mean squared norm of the targets of all styles in the place of this one, by their weights."""
        norms = {}
        for layer in style.layers:
            there = [n for n, other in enumerate(self.styles) if other.mask is style.mask and layer in other.layers]
            squares = [float(tf.reduce_sum(tf.square(self.gram_targets[n][layer]))) for n in there]
            norms[layer] = max(float(np.average(squares, weights=[self.shares[n] for n in there])), TINY)
        return norms


def _gram(features, layer: str, guide: np.ndarray | None):
    if guide is None:
        return losses.gram_matrix(features)
    block = int(layer.removeprefix("block").partition("_")[0])
    pooled = losses.pool_guide(ops.convert_to_tensor(guide[None, :, :, None].astype("float32")), block - 1)
    return losses.guided_gram_matrix(features, pooled)


def _distinct(masks: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
    """Each mask once: styles that share one, as the same object, share a pass through the network."""
    return list({id(mask): mask for mask in masks}.values())


def _shares(styles: Sequence[StyleTarget], masks: Sequence[np.ndarray | None]) -> list[float]:
    """The weight of each style divided by the sum over those with its mask."""
    sums = {id(mask): sum(style.weight for style in styles if style.mask is mask) for mask in masks}
    return [style.weight / sums[id(style.mask)] for style in styles]
