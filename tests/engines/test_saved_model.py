"""A SavedModel in this process, on a graph that is small enough to be written in a blink."""

import logging

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import Stylizer
from tfstyle.engines.saved_model import SavedModelEngine
from tfstyle.errors import MaskError, ModelError, PhotoError, RequestError


class Echo(tf.Module):
    """Answers strings with themselves and refuses with the sentence it is given."""

    def __init__(self):
        super().__init__()
        self.variable = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def encoded(self, image_bytes):
        return {"image_bytes": image_bytes}

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, name="sentence")])
    def refuse(self, sentence):
        check = tf.debugging.Assert(tf.strings.length(sentence) < 0, [sentence])
        with tf.control_dependencies([check]):
            return {"value": tf.identity(self.variable)}

    @tf.function(input_signature=[])
    def describe(self):
        return {"max_pixels": tf.constant([9], tf.int64)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Version 4 of a model."""
    path = tmp_path_factory.mktemp("model") / "4"
    echo = Echo()
    signatures = {"encoded": echo.encoded, "refuse": echo.refuse, "describe": echo.describe}
    tf.saved_model.save(echo, str(path), signatures=signatures)
    return path


@pytest.fixture(scope="module")
def predictor(folder):
    return SavedModelEngine(folder)


def test_the_newest_version_is_opened(predictor, folder):
    assert predictor.path == folder
    assert predictor.version == 4
    assert set(predictor.signatures) == {"encoded", "refuse", "describe"}


def test_strings_come_back_as_bytes(predictor):
    """With zeros at their ends: NumPy's own byte strings would drop them."""
    sent = np.array([b"\x89PNG\0\0", b""], dtype=object)
    answer = predictor.predict("encoded", {"image_bytes": sent})["image_bytes"]
    assert answer.dtype == object
    assert answer.tolist() == [b"\x89PNG\0\0", b""]


def test_a_signature_without_inputs_answers(predictor):
    answer = predictor.predict("describe", {})["max_pixels"]
    assert answer.dtype == np.int64
    assert answer.tolist() == [9]


@pytest.mark.parametrize(
    ("code", "sentence", "kind"),
    [
        ("photo.small", "Expected image of at least 16 x 16 pixels. Got: [1 1].", PhotoError),
        ("mask.size", "Expected a mask as large as the picture. Got: [8 8].", MaskError),
        ("strength.range", "Expected strength in 0..1. Got a smallest of 2.", RequestError),
    ],
)
def test_refusals_are_in_the_words_of_the_graph(predictor, code, sentence, kind):
    with pytest.raises(kind) as caught:
        predictor.predict("refuse", {"sentence": np.array(f"[{code}] {sentence}".encode(), dtype=object)})
    assert str(caught.value) == sentence
    assert caught.value.graph_code == code


def test_an_unknown_signature_is_a_model_error(predictor):
    with pytest.raises(ModelError, match="the model has no signature 'regions'; export it again"):
        predictor.predict("regions", {})


def test_inputs_that_do_not_fit_the_signature_are_a_request_error(predictor):
    with pytest.raises(RequestError, match="Expected the inputs image_bytes for 'encoded', got sentence"):
        predictor.predict("encoded", {"sentence": np.array(b"", dtype=object)})


def test_a_broken_graph_is_a_model_error(tmp_path, folder):
    import shutil

    broken = shutil.copytree(folder, tmp_path / "1")
    (broken / "saved_model.pb").write_bytes(b"broken")
    with pytest.raises(ModelError, match="the model cannot be loaded"):
        SavedModelEngine(broken)


def test_a_half_written_model_is_refused_before_tensorflow_sees_it(tmp_path):
    (tmp_path / "1").mkdir()
    with pytest.raises(ModelError, match="empty or half written"):
        Stylizer(model=tmp_path)


def test_threads_that_come_too_late_are_said_not_ignored(folder, caplog):
    """TensorFlow runs by now, and its number of threads is fixed."""
    with caplog.at_level(logging.WARNING):
        SavedModelEngine(folder, threads=63)
    assert "its number of threads stays as it is" in caplog.text
