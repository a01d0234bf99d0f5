"""The private calls of TensorFlow that the server makes: each is there, and nowhere else in the package."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.client import pywrap_tf_session

import serving
from serving.server import tensorflow_internals
from serving.server.tensorflow_internals import NoTensorError, run_session

with tf.Graph().as_default():
    GRAPH_TENSOR = tf.constant(0)

# Object, and the private name that is called on it.
PRIVATE = [
    (tf.compat.v1.Session, "_call_tf_sessionrun"),
    (GRAPH_TENSOR, "_as_tf_output"),
    (pywrap_tf_session, "TF_NewBufferFromString"),
    (pywrap_tf_session, "TF_DeleteBuffer"),
]


@pytest.mark.parametrize(("owner", "name"), PRIVATE, ids=[name for _, name in PRIVATE])
def test_tensorflow_still_has_what_is_called(owner, name):
    """If this fails, TensorFlow has changed: tensorflow_internals is the file to change with it."""
    assert callable(getattr(owner, name))
    assert f".{name}(" in Path(tensorflow_internals.__file__).read_text()


def test_nothing_else_in_the_package_calls_tensorflows_internals():
    internals = re.compile(r"tensorflow\.python|" + "|".join(name for _, name in PRIVATE))
    files = [path for path in Path(serving.__file__).parent.rglob("*.py") if internals.search(path.read_text())]
    assert files == [Path(tensorflow_internals.__file__)]


def test_a_graph_is_run_on_tensors_by_name_and_does_not_look_at_what_it_was_told_of_shapes():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        given = tf.compat.v1.placeholder(tf.float32, [2], "given")
        tf.add(given, given, name="twice")
        (twice,) = run_session(session, {"given:0": np.ones(3, np.float32)}, ["twice:0"], timeout=30)
        assert twice.tolist() == [2, 2, 2]
        with pytest.raises(NoTensorError, match="nothing:0"):
            run_session(session, {}, ["nothing:0"], None)
