"""Teaches a transformer to paint: perceptual losses against VGG19, through Keras' own `fit`, on any Keras backend."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from tfstyle import losses
from tfstyle.errors import TrainingError
from tfstyle.evaluate import resize_short_side
from tfstyle.recipe import Recipe
from tfstyle.transformer import Transformer
from tfstyle.vgg19 import VGG19

TERMS = ("content", "style", "total_variation", "pixel")


class StyleTrainer(keras.Model):
    """A transformer together with what it is trained against.

    Args:
        transformer: The network to train; one row of styles per style of the recipe.
        recipe: Styles, loss weights and layers.
        paintings: Style name to painting, uint8 [H, W, 3].
        vgg19: Weights of the loss network, see `tfstyle.vgg19.VGG19`.

    Call arguments:
        inputs: `image` uint8 `(B, S, S, 3)` and `style` int32 `(B,)`, as `tfstyle.data.Batches` gives them.

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
        missing = [style.name for style in recipe.styles if style.name not in paintings]
        if missing:
            raise TrainingError(f"Expected a painting for every style of {recipe.name}. Missing: {', '.join(missing)}.")
        self.transformer = transformer
        self.recipe = recipe
        self.loss_network = VGG19((*recipe.style_layers, recipe.content_layer), weights=vgg19)
        self.terms = [keras.metrics.Mean(name=name) for name in TERMS if getattr(recipe.weights, name)]
        self.targets = self._gram_targets(paintings)
        self.layer_weights = {
            layer: np.array([_layer_weight(style, layer) for style in recipe.styles], "float32")
            for layer in recipe.style_layers
        }

    def _gram_targets(self, paintings: Mapping[str, np.ndarray]) -> dict[str, keras.Variable]:
        """Gram matrices of all paintings, layer name to `(N, C, C)`."""
        grams: dict[str, list[np.ndarray]] = {layer: [] for layer in self.recipe.style_layers}
        for style in self.recipe.styles:
            painting = resize_short_side(paintings[style.name], self.recipe.painting_size)
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
        features = self.loss_network(painted)
        target = ops.stop_gradient(self.loss_network(image)[recipe.content_layer])
        terms = {
            "content": losses.relative_feature_loss(features[recipe.content_layer], target),
            "style": self._style_loss(features, inputs["style"]),
        }
        if weights.total_variation:
            terms["total_variation"] = losses.total_variation(painted / 255)
        if weights.pixel:
            terms["pixel"] = losses.pixel_loss(painted / 255, image / 255)
        return terms

    def _style_loss(self, features, style):
        """Weighted mean over layers of the relative Gram distance to each photo's own style, `(B,)`."""
        total = 0.0
        for layer in self.recipe.style_layers:
            target = ops.take(self.targets[layer], style, axis=0)
            distance = losses.relative_gram_loss(losses.gram_matrix(features[layer]), target)
            total = total + ops.take(self.layer_weights[layer], style, axis=0) * distance
        return total


def _layer_weight(style, layer: str) -> float:
    """w_i times the layer's share of the mean over J_i; 0 for a layer the style does not look at."""
    weights = dict(zip(style.layers, style.layer_weights or (1.0,) * len(style.layers), strict=True))
    return style.weight * weights.get(layer, 0.0) / sum(weights.values())


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
    chosen = averages if averages and int(trainer.optimizer.iterations) else variables
    return {variable.path: ops.convert_to_numpy(value) for variable, value in zip(variables, chosen, strict=True)}
