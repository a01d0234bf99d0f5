"""A model version by itself, where a whole server would add nothing."""

from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2

from serving.config.model_repository import ModelVersion
from serving.server.servable import Servable
from serving.server.status import StatusError

STATUS = Path("/proc/self/statm")


def is_refused(servable: Servable, count: int) -> bool:
    """A vector of so many zeros, where the graph wants a single number; nothing of the exception is kept."""
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = "slow"
    request.inputs["rounds"].dtype = types_pb2.DT_INT32
    request.inputs["rounds"].tensor_shape.dim.add(size=1)
    request.inputs["rounds"].tensor_shape.dim.add(size=count)
    try:
        servable.predict(request)
    except StatusError:
        return True
    return False


def resident_megabytes() -> float:
    return int(STATUS.read_text().split()[1]) * 4096 / 2**20


@pytest.mark.skipif(not STATUS.exists(), reason="there is no /proc here")
def test_the_memory_of_a_refused_tensor_is_given_back(toy_model):
    """TensorFlow's own pool would keep 200 MB for ever, and as much again for each that is refused beside it."""
    servable = Servable(ModelVersion("toy", 1, toy_model))
    assert is_refused(servable, 2)  # plans and threads come with the first
    before = resident_megabytes()
    assert is_refused(servable, 50 * 2**20)
    assert resident_megabytes() - before < 100
    servable.close()


class Quoting(tf.Module):
    """Refuses with the bytes of the request in its sentence."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, "text")])
    def quote(self, text):
        with tf.control_dependencies([tf.debugging.Assert(False, [tf.strings.format("Got: {}.", text)])]):
            return {"text": tf.identity(text)}


def test_a_refusal_that_quotes_what_is_no_text_is_a_refusal(tmp_path):
    """gRPC's messages are text; it must not look like a fault of the server."""
    model = Quoting()
    tf.saved_model.save(model, str(tmp_path), signatures={"serving_default": model.quote})
    servable = Servable(ModelVersion("quoting", 1, tmp_path))
    request = predict_pb2.PredictRequest()
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(b"\xff\xfe"))
    with pytest.raises(StatusError) as caught:
        servable.predict(request)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    caught.value.message.encode()
    servable.close()
