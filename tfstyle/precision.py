"""The arithmetic of a training: float32, or bfloat16 where a GPU makes it pay."""

import keras


def as_keras_policy(precision: str) -> str:
    """The Keras dtype policy for `float32`, `bfloat16` or `auto` (bfloat16 where there is a GPU)."""
    if precision == "auto":
        precision = "bfloat16" if has_gpu() else "float32"
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]


def has_gpu() -> bool:
    """Whether the backend in use sees a GPU."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    import jax

    return jax.default_backend() == "gpu"
