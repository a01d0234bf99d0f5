"""Learns one style vector for a trained trunk, which stays as it is: what adding and tuning a style have in common."""

import math
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from tfstyle.errors import TrainingError
from tfstyle.networks import checkpoint, precision
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.networks.vgg19 import CONTENT_LAYER, STYLE_LAYERS
from tfstyle.training.recipe import LossWeights, Recipe, Stage, StyleRecipe
from tfstyle.training.trainer import StyleTrainer, averaged_weights

# As the released model's recipe has them, and one against frames.
WEIGHTS = LossWeights(content=1.0, style=3.5, total_variation=4.0, checkerboard=1000.0, border=50.0)
LEARNING_RATE = 1e-2  # a row alone stands ten times what the convolutions do
FINAL_LEARNING_RATE = 5e-4  # a cosine over the time there is leads from one to the other
EMA_MOMENTUM = 0.97  # averages over about 30 of some hundred steps

Report = Callable[[int, Mapping[str, float]], None]  # step, loss terms


class VectorTrainer:
    """Learns the vector of one style.

    Args:
        model: The trained model; its trunk is not changed.
        name: What the style is called.
        style_image: What it is learned from, uint8 `[H,W,3]`.
        start: The vector to start from, float32 `[V]`.
        stages: Sizes and batches of the photos that it will learn on.

    Attributes:
        style_weight: How hard the style image pulls; may be assigned between steps.
        step: Steps done.
    """

    def __init__(
        self, model: Checkpoint, name: str, style_image: np.ndarray, start: np.ndarray, stages: tuple[Stage, ...]
    ):
        recipe = Recipe(
            name="one style",
            styles=(StyleRecipe(name=name, layers=STYLE_LAYERS),),
            network=model.trunk.config,
            stages=stages,
            weights=WEIGHTS,
            content_layer=CONTENT_LAYER,
            reflect_padding=True,
        )
        with precision.policy(precision.as_keras_policy("auto")):
            trunk = checkpoint.new_transformer(recipe.network)
            checkpoint.initialize(trunk, model.styles[:1], model)
            trunk.trainable = False
            self.trainer = StyleTrainer(trunk, recipe, {name: style_image}, start[None].astype("float32"))
        self.trainer.compile(keras.optimizers.Adam(LEARNING_RATE, use_ema=True, ema_momentum=EMA_MOMENTUM))
        self.trainer.optimizer.build(self.trainer.trainable_variables)
        self.style_weight = tf.Variable(WEIGHTS.style)
        self.step = 0

    def learn_from(self, photos: np.ndarray, share: float) -> dict[str, float]:
        """One step, when this share of the time is over; the loss terms before it, means over the photos.

        Raises:
            TrainingError: If a loss is not finite.
        """
        cosine = (1 + math.cos(math.pi * share)) / 2
        self.trainer.optimizer.learning_rate = FINAL_LEARNING_RATE + cosine * (LEARNING_RATE - FINAL_LEARNING_RATE)
        terms = {name: float(value) for name, value in self._step(tf.constant(photos)).items()}
        self.step += 1
        if broken := [name for name, value in terms.items() if not math.isfinite(value)]:
            raise TrainingError(
                f"The {broken[0]} loss is not finite at step {self.step}; nothing was written. Are painting and photos "
                "ordinary pictures?"
            )
        return terms

    def learned(self) -> np.ndarray:
        """The style vector, averaged over the last steps: float32 `[V]`."""
        return averaged_weights(self.trainer)[self.trainer.table.path][0]

    @tf.function
    def _step(self, photos):
        # Not compiled by XLA: on a CPU that takes longer than it saves.
        trainer = self.trainer
        inputs = {"image": photos, "style": tf.zeros(photos.shape[0], tf.int32)}
        row = [variable.value for variable in trainer.trainable_variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(row)
            losses = trainer.loss_terms(inputs, trainer(inputs))
            terms = {name: tf.reduce_mean(value) for name, value in losses.items()}
            pulls = {name: getattr(WEIGHTS, name) for name in terms} | {"style": self.style_weight}
            total = sum(pulls[name] * value for name, value in terms.items())
        trainer.optimizer.apply(tape.gradient(total, row), trainer.trainable_variables)
        return terms
