"""Models that touch files are told from those that do not, wherever in the graph they do it."""

import pytest
import tensorflow as tf

from tfstyle.engines.file_operations import check_file_operations
from tfstyle.errors import ModelError

SPEC = [tf.TensorSpec([], tf.string, "text")]


class Model(tf.Module):
    """Does something with a text in its one signature, or when it is initialized."""

    def __init__(self, work):
        super().__init__()
        self.kept = tf.Variable(1.0)  # which every model saves and restores
        self.table = None
        self.call = tf.function(lambda text: {"answer": work(text)}, input_signature=SPEC)


def save(path, work):
    model = Model(work)
    tf.saved_model.save(model, str(path), signatures={"serving_default": model.call})
    return path


def writes(text):
    with tf.control_dependencies([tf.io.write_file("/tmp/somewhere", text)]):
        return tf.identity(text)


def prints(text):
    with tf.control_dependencies([tf.print(text, output_stream="file:///tmp/somewhere")]):
        return tf.identity(text)


def loops(text):
    return tf.map_fn(tf.io.read_file, text[None])[0]


def restores(text):
    return tf.raw_ops.RestoreV2(prefix=text, tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.string])[0]


@pytest.mark.parametrize(
    ("work", "operation"),
    [
        (tf.io.read_file, "ReadFile"),
        (writes, "WriteFile"),
        (loops, "ReadFile"),
        (prints, "PrintV2"),
        (tf.io.matching_files, "MatchingFiles"),
        (restores, "RestoreV2"),
    ],
    ids=["read", "write", "in a loop", "print to a file", "list", "restore"],
)
def test_a_signature_that_touches_files_is_refused(tmp_path, work, operation):
    with pytest.raises(ModelError, match=f"runs {operation}, which"):
        check_file_operations(save(tmp_path / "1", work))


def test_what_computes_is_taken_and_how_variables_are_saved_does_not_count(tmp_path, tiny_models):
    check_file_operations(save(tmp_path / "1", tf.strings.upper))
    check_file_operations(tiny_models / "tiny" / "1")


def test_a_graph_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(ModelError, match=r"cannot be read .* export it again"):
        check_file_operations(tmp_path)
