"""How long networks take as a server runs them: a TensorFlow graph for any size, without XLA."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from benchmarks.measuring import in_turns, medians
from tfstyle.networks.checkpoint import Checkpoint


def graph(model: Checkpoint) -> Callable:
    """uint8 `(B, H, W, 3)` and proportions of the styles, float32 `(B, N)`, to uint8."""
    return tf.function(
        lambda image, style: tf.cast(tf.round(model.trunk(image, (style @ model.table)[:, None])), tf.uint8),
        (tf.TensorSpec((None, None, None, 3), tf.uint8), tf.TensorSpec((None, len(model.styles)), tf.float32)),
    )


def seconds(models: Mapping[str, Checkpoint], sizes: Sequence[int], turns: int) -> dict[str, dict[str, float]]:
    """Medians of calls, array to array, all models in turns: size in px to name to seconds."""
    graphs = {name: graph(model) for name, model in models.items()}

    def call(name: str, photo: np.ndarray) -> float:
        style = np.eye(len(models[name].styles), dtype=np.float32)[:1]
        began = time.perf_counter()
        graphs[name](photo, style).numpy()
        return time.perf_counter() - began

    result = {}
    for size in sizes:
        photo = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
        sides = {name: lambda name=name, photo=photo: call(name, photo) for name in graphs}
        in_turns(sides, 2)  # the first calls trace and allocate
        result[str(size)] = medians(in_turns(sides, turns))
    return result
