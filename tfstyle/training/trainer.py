"""Teaches a transformer to paint: perceptual losses against VGG19, through Keras' own `fit`, on any Keras backend."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from tfstyle.errors import TrainingError
from tfstyle.evaluation.distances import resize_short_side
from tfstyle.networks import losses
from tfstyle.networks.transformer import Transformer
from tfstyle.networks.vgg19 import VGG19
from tfstyle.training.recipe import Recipe

TERMS = ("content", "style", "total_variation", "lattice", "frame", "pixel", "consistency", "flip")
MARGIN = 16  # a mirrored margin is the short side divided by this
NOISE = 4.0  # gray levels, standard deviation: about what a phone's camera adds in a dim room


class StyleTrainer(keras.Model):
    """A transformer together with what it is trained against.

    Args:
        transformer: The network to train; one row of styles per style of the recipe.
        recipe: Styles, loss weights and layers.
        paintings: Style name to painting, uint8 [H, W, 3].
        vgg19: Weights of the loss network, see `tfstyle.networks.vgg19.VGG19`.

    Call arguments:
        inputs: `image` uint8 `(B, S, S, 3)` and `style` int32 `(B,)`, as `tfstyle.training.batches.Batches` gives them.

    Returns:
        Paintings, float32 `(B, S, S, 3)`, 0..255.

    Raises:
        TrainingError: If a painting is missing.
    """

    def __init__(
        self,
        transformer: Transformer,
        recipe: Recipe,
        paintings: Mapping[str, np.ndarray],
        vgg19: str = "embedded",
        **kwargs,
    ):
        super().__init__(**kwargs)
        missing = [name for name in recipe.paintings if name not in paintings]
        if missing:
            raise TrainingError(f"Expected every painting of the recipe {recipe.name}. Missing: {', '.join(missing)}.")
        self.transformer = transformer
        self.recipe = recipe
        self.loss_network = VGG19((*recipe.style_layers, recipe.content_layer), weights=vgg19)
        self.terms = [keras.metrics.Mean(name=name) for name in TERMS if getattr(recipe.weights, name)]
        self.targets = self._gram_targets(paintings)
        # A style may have several images: the n-th of each style, as the row of its view and its weight per layer.
        self.image_rows, self.image_weights = _image_tables(recipe)

    def _gram_targets(self, paintings: Mapping[str, np.ndarray]) -> dict[str, keras.Variable]:
        """Gram matrices, layer name to `(views, C, C)` in the recipe's order."""
        grams: dict[str, list[np.ndarray]] = {layer: [] for layer in self.recipe.style_layers}
        for name, size in self.recipe.views:
            painting = resize_short_side(paintings[name], size)
            # As it is, not mirrored: that is what `tfstyle evaluate` compares with.
            features = self.loss_network(ops.convert_to_tensor(painting[None].astype("float32")))
            for layer, collected in grams.items():
                collected.append(ops.convert_to_numpy(losses.gram_matrix(features[layer]))[0])
        return {
            layer: self.add_weight(
                name=f"{layer}_gram", shape=np.shape(stack), trainable=False, dtype="float32",
                initializer=lambda shape, dtype=None, stack=stack: ops.convert_to_tensor(np.stack(stack), dtype),
            )
            for layer, stack in grams.items()
        }  # fmt: skip

    def call(self, inputs):
        return self.transformer(inputs["image"], ops.one_hot(inputs["style"], len(self.recipe.styles)))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        terms = self.loss_terms(x, y_pred)
        for metric in self.terms:
            metric.update_state(terms[metric.name])
        total = sum(getattr(self.recipe.weights, name) * ops.mean(value) for name, value in terms.items())
        # Replicas add their gradients up, and Keras divides by their number only in its own compute_loss.
        return total / _replicas()

    def loss_terms(self, inputs, painted) -> dict[str, object]:
        """Each term that has a weight, per photo and before that weight: float32 `(B,)`."""
        recipe, weights = self.recipe, self.recipe.weights
        image = ops.cast(inputs["image"], "float32")
        features = self._features(painted)
        target = ops.stop_gradient(self._features(image)[recipe.content_layer])
        terms = {
            "content": losses.relative_feature_loss(features[recipe.content_layer], target),
            "style": self._style_loss(features, inputs["style"]),
        }
        if weights.total_variation:
            terms["total_variation"] = losses.total_variation(painted / 255)
        if weights.lattice:
            terms["lattice"] = losses.lattice(painted / 255, self.transformer.config.stride)
        if weights.frame:
            terms["frame"] = losses.frame(painted / 255)
        if weights.pixel:
            terms["pixel"] = losses.pixel_loss(painted / 255, image / 255)
        if weights.consistency:
            # The same noise in every step, so that a resumed run sees it too: kernels cannot learn it by place.
            noisy = image + keras.random.normal(image.shape, stddev=NOISE, seed=self.recipe.seed)
            again = self({**inputs, "image": ops.clip(noisy, 0, 255)})
            terms["consistency"] = losses.pixel_loss(again / 255, painted / 255)
        if weights.flip:
            again = self({**inputs, "image": ops.flip(image, axis=2)})
            terms["flip"] = losses.pixel_loss(ops.flip(again, axis=2) / 255, painted / 255)
        return terms

    def _features(self, pictures) -> dict[str, object]:
        """Activations of the loss network, which sees a gray wall around pictures unless they are mirrored there.

        Its zero padding is the mean color of ImageNet. A style that this color is far from comes nearer to its painting
        by what it does at the border, and learns to paint a frame.
        """
        if self.recipe.mirrored:
            margin = min(pictures.shape[1:3]) // MARGIN
            pictures = ops.pad(pictures, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="reflect")
        return self.loss_network(pictures)

    def _style_loss(self, features, style):
        """Weighted sum over the images of each photo's own style, each a weighted mean over its layers: `(B,)`."""
        total = 0.0
        for layer in self.recipe.style_layers:
            gram = losses.gram_matrix(features[layer])
            for rows, weights in zip(self.image_rows, self.image_weights[layer], strict=True):
                target = ops.take(self.targets[layer], ops.take(rows, style), axis=0)
                total = total + ops.take(weights, style) * losses.relative_gram_loss(gram, target)
        return total


def _image_tables(recipe: Recipe) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Which view the n-th image of each style is, int32 `(M, N)`, and its weight per layer, float32 `(M, N)`.

    The weight is w_i of the style times w_i of the image times the layer's share of the mean over J_i; 0 for a layer
    the image does not look at, and for styles with fewer than M images.
    """
    count = max(len(style.images) for style in recipe.styles)
    rows = np.zeros((count, len(recipe.styles)), "int32")
    weights = {layer: np.zeros(rows.shape, "float32") for layer in recipe.style_layers}
    for column, style in enumerate(recipe.styles):
        for number, image in enumerate(style.images):
            rows[number, column] = recipe.views.index(recipe.view(image))
            shares = image.layer_weights or (1.0,) * len(image.layers)
            for layer, share in zip(image.layers, shares, strict=True):
                weights[layer][number, column] = style.weight * image.weight * share / sum(shares)
    return rows, weights


def _replicas() -> int:
    """Devices that share one step."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def make_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Adam with a cosine from the first to the final learning rate, and an average of the weights."""
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate, recipe.steps, alpha=recipe.final_learning_rate / recipe.learning_rate
    )
    return keras.optimizers.Adam(
        schedule, global_clipnorm=10.0, use_ema=True, ema_momentum=recipe.ema_momentum, name="adam"
    )


def averaged_weights(trainer: StyleTrainer) -> dict[str, np.ndarray]:
    """The averages (EMA) of the transformer's weights by variable path; the weights themselves before any step."""
    variables = trainer.trainable_variables
    averages = [v for v in trainer.optimizer.variables if v.path.endswith("_average")]
    chosen = averages if averages and int(ops.convert_to_numpy(trainer.optimizer.iterations)) else variables
    return {variable.path: ops.convert_to_numpy(value) for variable, value in zip(variables, chosen, strict=True)}
