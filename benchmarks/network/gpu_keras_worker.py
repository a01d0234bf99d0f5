"""Our half of gpu: the network of a model, compiled by the Keras backend that KERAS_BACKEND names.

    python -m benchmarks.network.gpu_keras_worker MODEL PRECISION

An empty MODEL is the newest tfstyle. Reads lines of JSON: `width`, `height`, `batch`, `calls`; answers each with
`seconds` a call, uint8 arrays in and out. An empty request is answered with the `device` and the `version`.
"""

import json
import sys
import time
from collections.abc import Callable

import keras
import numpy as np

from tfstyle.model_store.versions import find_model
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.networks.precision import as_keras_policy


def main() -> None:
    model, precision = sys.argv[1:]
    keras.config.set_dtype_policy(as_keras_policy(precision))
    loaded = Checkpoint.load(find_model(model or None))
    paint = _compiled(loaded)
    style = np.eye(len(loaded.styles), dtype=np.float32)[:1]
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(_timed(paint, style, **request) if request else _about()), flush=True)


def _timed(paint: Callable, style: np.ndarray, *, width: int, height: int, batch: int, calls: int) -> dict[str, float]:
    photos = np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    styles = np.repeat(style, batch, axis=0)
    began = time.perf_counter()
    for _ in range(calls):
        np.asarray(paint(photos, styles))
    return {"seconds": (time.perf_counter() - began) / calls}


def _compiled(model: Checkpoint) -> Callable:
    """uint8 `(B, H, W, 3)` and float32 `(B, N)` to uint8: by XLA with JAX, as a plain graph with TensorFlow."""
    if keras.backend.backend() == "jax":
        import jax
        import jax.numpy as jnp

        def call(variables, image, style):
            painted, _ = model.trunk.stateless_call(variables, [], image, (style @ model.table)[:, None])
            return jnp.round(painted).astype(jnp.uint8)

        variables, compiled = [variable.value for variable in model.trunk.trainable_variables], jax.jit(call)
        return lambda image, style: compiled(variables, image, style)
    from benchmarks.network.plain_graph import graph

    return graph(model)


def _about() -> dict[str, str]:
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return {"device": jax.devices()[0].device_kind, "version": f"JAX {jax.__version__}"}
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    device = tf.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else "cpu"
    return {"device": device, "version": f"TensorFlow {tf.__version__}"}


if __name__ == "__main__":
    main()
