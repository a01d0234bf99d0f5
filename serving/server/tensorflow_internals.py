"""The private calls of TensorFlow that the server makes, all of them; a test names each.

`Session.run()` would refuse shapes before the graph sees them, convert dtypes silently and rewrite the graph's
messages. What it wraps behaves as the C++ server does.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.client import pywrap_tf_session

_MAX_TIMEOUT_MS = 2**31 - 1


class NoTensorError(LookupError):
    """A graph has no tensor of this name."""


def run_session(
    session: tf.compat.v1.Session, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout: float | None
) -> list[Any]:
    """Run a graph on tensors by name.

    Args:
        session: Of the graph.
        feeds: Arrays by tensor name.
        fetches: Tensor names.
        timeout: Seconds until the run is stopped, at the next operation that looks; None or infinity is never.

    Returns:
        Arrays, strings as object arrays of bytes.

    Raises:
        NoTensorError: If there is none of a name.
        tf.errors.OpError: If the graph refuses, or the time is over.
    """
    outputs = {name: _output(session.graph, name) for name in (*feeds, *fetches)}
    with _run_options(timeout) as options:
        return session._call_tf_sessionrun(
            options,
            {outputs[name]: array for name, array in feeds.items()},
            [outputs[name] for name in fetches],
            [],
            None,
        )


def _output(graph: tf.Graph, name: str) -> Any:
    try:
        return graph.get_tensor_by_name(name)._as_tf_output()
    except (KeyError, ValueError) as error:  # an operation without outputs, as in `__saved_model_init_op`
        raise NoTensorError(name) from error


@contextmanager
def _run_options(timeout: float | None) -> Iterator[Any]:
    if timeout is None or math.isinf(timeout):
        yield None
        return
    milliseconds = min(max(int(timeout * 1000), 1), _MAX_TIMEOUT_MS)
    serialized = tf.compat.v1.RunOptions(timeout_in_ms=milliseconds).SerializeToString()
    options = pywrap_tf_session.TF_NewBufferFromString(serialized)
    try:
        yield options
    finally:
        pywrap_tf_session.TF_DeleteBuffer(options)
