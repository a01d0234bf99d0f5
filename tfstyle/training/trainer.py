"""Teaches a transformer to paint: perceptual losses against VGG19, through Keras' own `fit`, on any Keras backend."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from tfstyle.errors import TrainingError
from tfstyle.evaluation.distances import resize_short_side
from tfstyle.networks import losses
from tfstyle.networks.checkpoint import neutral_vector
from tfstyle.networks.style_encoder import StyleEncoder
from tfstyle.networks.transformer import Transformer
from tfstyle.networks.vgg19 import VGG19
from tfstyle.training.motion import MAX_SHIFT
from tfstyle.training.recipe import Recipe

TERMS = ("content", "style", "total_variation", "checkerboard", "border", "pixel", "consistency", "motion", "flip")
MOTION_MARGIN = 2 * MAX_SHIFT  # px: the photo moved, and what is painted otherwise for its nearness to the border
MARGIN = 16  # a mirrored margin is the short side divided by this
NOISE = 4.0  # gray levels, standard deviation: about what a phone's camera adds in a dim room


class StyleTrainer(keras.Model):
    """A transformer, its style table and its style encoder together with what they are trained against.

    Args:
        transformer: The network to train.
        recipe: Styles, loss weights and layers.
        style_images: Style name to style image, uint8 [H, W, 3].
        table: Style vectors to start from, float32 `[N, V]`; None: gammas of 1, betas of 0.
        encoder: Trained along where the recipe asks for one.
        vgg19: Weights of the loss network, see `tfstyle.networks.vgg19.VGG19`.

    Call arguments:
        inputs: What `tfstyle.training.batches.Batches` gives: `image` uint8 `(B, S, S, 3)`, `style` int32, one for each
            of the first photos, and where the rest is painted in predicted styles `statistics` `(P, K)` for them.

    Returns:
        Stylized images, float32 `(B, S, S, 3)`, 0..255.

    Raises:
        TrainingError: If a style image or the encoder is missing.
    """

    def __init__(
        self,
        transformer: Transformer,
        recipe: Recipe,
        style_images: Mapping[str, np.ndarray],
        table: np.ndarray | None = None,
        encoder: StyleEncoder | None = None,
        vgg19: str = "embedded",
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # style vectors stay float32
        missing = [name for name in recipe.style_images if name not in style_images]
        if missing:
            raise TrainingError(f"Expected every painting of the recipe {recipe.name}. Missing: {', '.join(missing)}.")
        if recipe.encoder and encoder is None:
            raise TrainingError(f"The recipe {recipe.name} trains a style encoder; none was given.")
        self.transformer = transformer
        self.recipe = recipe
        self.encoder = encoder
        if table is None:
            table = np.tile(neutral_vector(transformer), (len(recipe.styles), 1))
        self.table = self.add_weight(
            name="style_table", shape=table.shape, dtype="float32", autocast=False,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(table, dtype),
        )  # fmt: skip
        # Two passes, since the photo's features end at the content layer and need no gradient.
        self.loss_network = VGG19((*recipe.style_layers, recipe.content_layer), weights=vgg19)
        self.content_network = VGG19((recipe.content_layer,), weights=vgg19)
        self.content_network.build((None, None, None, 3))  # JAX takes the state of layers that are built before `fit`
        self.terms = [keras.metrics.Mean(name=name) for name in TERMS if getattr(recipe.weights, name)]
        if recipe.encoder:
            self.terms.append(keras.metrics.Mean(name="predicted_style"))
        self.targets = self._gram_targets(style_images)
        # A style may have several images: the n-th of each style, as the row of its view and its weight per layer.
        self.image_rows, self.image_weights = _image_tables(recipe)

    def _gram_targets(self, style_images: Mapping[str, np.ndarray]) -> dict[str, keras.Variable]:
        """Gram matrices, layer name to `(views, C, C)` in the recipe's order."""
        grams: dict[str, list[np.ndarray]] = {layer: [] for layer in self.recipe.style_layers}
        for name, size in self.recipe.views:
            style_image = resize_short_side(style_images[name], size)
            # As it is, not mirrored: that is what `tfstyle evaluate` compares with.
            features = self.loss_network(ops.convert_to_tensor(style_image[None].astype("float32")))
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
        return self.transformer(inputs["image"], self._vectors(inputs)[:, None, :])

    def _vectors(self, inputs):
        """The style vector of each photo, `(B, V)`: of the table, then predicted ones."""
        # With several devices Keras builds the model with indices that are no integers.
        vectors = ops.take(self.table, ops.cast(inputs["style"], "int32"), axis=0)
        if "statistics" in inputs and self.encoder is not None:
            vectors = ops.concatenate([vectors, self.encoder(inputs["statistics"])], axis=0)
        return vectors

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        terms = self.loss_terms(x, y_pred)
        named = x["style"].shape[0]
        for metric in self.terms:
            if metric.name == "predicted_style":
                if named < terms["style"].shape[0]:
                    metric.update_state(terms["style"][named:])
            elif metric.name in terms:
                metric.update_state(terms[metric.name][:named] if metric.name == "style" else terms[metric.name])
        total = sum(getattr(self.recipe.weights, name) * ops.mean(value) for name, value in terms.items())
        # Replicas add their gradients up, and Keras divides by their number only in its own compute_loss.
        return total / _replicas()

    def loss_terms(self, inputs, painted) -> dict[str, Any]:
        """Each term that has a weight, per photo and before that weight: float32 `(B,)`, `motion` for moved photos."""
        recipe, weights = self.recipe, self.recipe.weights
        image = ops.cast(inputs["image"], "float32")
        features = self._features(self.loss_network, painted)
        target = ops.stop_gradient(self._features(self.content_network, image)[recipe.content_layer])
        terms = {
            "content": losses.relative_feature_loss(features[recipe.content_layer], target),
            "style": self._style_loss(features, inputs),
        }
        if weights.total_variation:
            terms["total_variation"] = losses.total_variation(painted / 255)
        if weights.checkerboard:
            terms["checkerboard"] = losses.checkerboard(painted / 255, self.transformer.config.trunk_stride)
        if weights.border:
            terms["border"] = losses.border(painted / 255)
        if weights.pixel:
            terms["pixel"] = losses.pixel_loss(painted / 255, image / 255)
        if weights.motion and "moved" in inputs:
            count = inputs["moved"].shape[0]
            moved = self.transformer(inputs["moved"], self._vectors(inputs)[:count, None, :])
            terms["motion"] = losses.motion_loss(painted[:count] / 255, moved / 255, inputs["motion"], MOTION_MARGIN)
        if weights.consistency:
            # The same noise in every step, so that a resumed run sees it too: kernels cannot learn it by place.
            noisy = image + keras.random.normal(image.shape, stddev=NOISE, seed=self.recipe.seed)
            again = self({**inputs, "image": ops.clip(noisy, 0, 255)})
            terms["consistency"] = losses.pixel_loss(again / 255, painted / 255)
        if weights.flip:
            again = self({**inputs, "image": ops.flip(image, axis=2)})
            terms["flip"] = losses.pixel_loss(ops.flip(again, axis=2) / 255, painted / 255)
        return terms

    def _features(self, network: VGG19, pictures) -> dict[str, Any]:
        """Activations of the loss network, which sees a gray wall around pictures unless they are mirrored there.

        Its zero padding is the mean color of ImageNet. A style that this color is far from comes nearer to its style
        image by what it does at the border, and learns to paint a frame.
        """
        if self.recipe.reflect_padding:
            margin = min(pictures.shape[1:3]) // MARGIN
            pictures = ops.pad(pictures, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="reflect")
        return network(pictures)

    def _style_loss(self, features, inputs):
        """Of each photo's own style, `(B,)`: of named ones the weighted sum over its images, of predicted ones the mean
        over layers."""
        style, named = inputs["style"], inputs["style"].shape[0]
        total, predicted = 0.0, 0.0
        for layer in self.recipe.style_layers:
            gram = losses.gram_matrix(features[layer])
            for rows, weights in zip(self.image_rows, self.image_weights[layer], strict=True):
                target = ops.take(self.targets[layer], ops.take(rows, style), axis=0)
                total = total + ops.take(weights, style) * losses.relative_gram_loss(gram[:named], target)
            if "statistics" in inputs and layer in self.recipe.predicted_layers:
                # Targets were divided by their norms, so the distance is relative already.
                relative = gram[named:] / inputs[f"{layer}_norm"][:, None, None]
                target = ops.cast(inputs[f"{layer}_gram"], "float32")
                predicted = predicted + losses.style_reconstruction_loss(relative, target)
        if "statistics" not in inputs:
            return total
        share = self.recipe.predicted_weight / len(self.recipe.predicted_layers)
        return ops.concatenate([total, share * predicted], axis=0)


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


@keras.saving.register_keras_serializable("tfstyle")
class WarmUpHoldCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A rise, a stretch at the first learning rate, then a cosine to the last.

    Args:
        first, last: Learning rates.
        steps: Steps in all.
        hold: Share of them before the cosine begins.
        warm_up: Steps of the rise, from `since` on.
        since: The step that a training with fresh optimizer state began at; an int32 variable.
    """

    def __init__(self, first: float, last: float, steps: int, hold: float, warm_up: int, since):
        self.first, self.last, self.steps, self.hold, self.warm_up, self.since = (
            first,
            last,
            steps,
            hold,
            warm_up,
            since,
        )

    def __call__(self, step):
        step = ops.cast(step, "float32")
        begin = self.hold * self.steps
        share = ops.clip((step - begin) / (self.steps - begin), 0, 1)
        rate = self.last + (self.first - self.last) * (1 + ops.cos(np.pi * share)) / 2
        if not self.warm_up:
            return rate
        return rate * ops.clip((step + 1 - ops.cast(self.since, "float32")) / self.warm_up, 0, 1)

    def get_config(self):
        return {name: getattr(self, name) for name in ("first", "last", "steps", "hold", "warm_up", "since")}


def make_optimizer(recipe: Recipe, since=0) -> keras.optimizers.Optimizer:
    """Adam with the recipe's learning rates, and an average of the weights. `since`: see `WarmUpHoldCosine`."""
    schedule = WarmUpHoldCosine(
        recipe.learning_rate, recipe.final_learning_rate, recipe.steps, recipe.hold, recipe.warm_up, since
    )
    return keras.optimizers.Adam(
        schedule, global_clipnorm=10.0, use_ema=True, ema_momentum=recipe.ema_momentum, name="adam"
    )


def go_on_at(trainer: StyleTrainer, step: int) -> None:
    """Lets a built trainer with fresh optimizer state count from a step, with its weights as their own averages.

    Keras begins averages at 0 and sets them with step 0 alone, which is not to come.
    """
    trainer.optimizer.iterations.assign(step)
    for variable, average in zip(trainer.trainable_variables, _averages(trainer), strict=True):
        average.assign(variable)


def averaged_weights(trainer: StyleTrainer) -> dict[str, np.ndarray]:
    """The averages (EMA) of all trained weights by variable path; the weights themselves before any step."""
    variables, averages = trainer.trainable_variables, _averages(trainer)
    chosen = averages if averages and int(ops.convert_to_numpy(trainer.optimizer.iterations)) else variables
    return {variable.path: ops.convert_to_numpy(value) for variable, value in zip(variables, chosen, strict=True)}


def _averages(trainer: StyleTrainer) -> list[keras.Variable]:
    return [variable for variable in trainer.optimizer.variables if variable.path.endswith("_average")]
