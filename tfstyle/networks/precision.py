"""The arithmetic of a training: bfloat16 where convolutions are faster in it, float32 elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

CPU_INFO = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}  # of x86 processors that multiply bfloat16 themselves


def as_keras_policy(precision: str) -> str:
    """The Keras dtype policy for `float32`, `bfloat16` or `auto` (bfloat16 where the device has it natively)."""
    if precision == "auto":
        precision = "bfloat16" if has_gpu() or has_bfloat16_cpu() else "float32"
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]


def xla_pays(policy: str) -> bool:
    """Whether a step is faster compiled: XLA has no bfloat16 convolutions for CPUs, TensorFlow's oneDNN does."""
    return policy == "float32" or keras.backend.backend() != "tensorflow" or has_gpu()


def has_gpu() -> bool:
    """Whether the backend in use sees a GPU."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    import jax

    return jax.default_backend() == "gpu"


def has_bfloat16_cpu() -> bool:
    """Whether TensorFlow is the backend and the processor has bfloat16 instructions; False where nobody can tell."""
    if keras.backend.backend() != "tensorflow" or not CPU_INFO.exists():
        return False
    flags = next((line for line in CPU_INFO.read_text().splitlines() if line.startswith("flags")), "")
    return not BFLOAT16_FLAGS.isdisjoint(flags.split())


@contextmanager
def policy(name: str) -> Iterator[None]:
    """Layers made within compute with this Keras dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
