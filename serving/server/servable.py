"""One version of a model, loaded the way TensorFlow Serving loads it and answering the way it answers.

The SavedModel becomes a graph and a session; a request's tensors are fed and fetched by the names in the signature, and
nothing but the graph checks their shapes. Follows `servables/tensorflow/predict_util.cc` of TensorFlow Serving.
"""

import math
import time
from collections.abc import Iterable, Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from serving import codec
from serving.config.model_repository import ModelVersion
from serving.server.metrics import Metrics
from serving.server.status import StatusError, invalid_argument, not_found
from serving.server.tensorflow_internals import NoTensorError, run_session
from serving.server.work_queue import MAX_MESSAGE_BYTES
from tfstyle.contract.graph_errors import graph_sentence
from tfstyle.engines.file_operations import check_file_operations
from tfstyle.errors import ModelError
from tfstyle.model_store.versions import check_complete

DEFAULT_SIGNATURE = "serving_default"
WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_WARMUP_RECORDS = 1000
_STRING_BYTES = 32  # of a string in TensorFlow and of NumPy's reference to it, without what it holds
_ALIGNMENT = 64  # bytes; Eigen's in TensorFlow
_BYTES = {number: tf.as_dtype(number).size or 0 for number in types_pb2.DataType.values() if number}


class Servable:
    """A loaded model version.

    Attributes:
        name: What requests call the model.
        version: Its version, >= 0.
        signatures: SignatureDef by signature name, as in the SavedModel's own `saved_model.pb`.
    """

    def __init__(
        self,
        model: ModelVersion,
        config: tf.compat.v1.ConfigProto | None = None,
        *,
        tags: Sequence[str] = ("serve",),
        metrics: Metrics | None = None,
        allow_file_operations: bool = False,
    ):
        """Load a model from disk.

        Args:
            model: Where it is and what it is called.
            config: Of the session: threads, GPU memory.
            tags: Of the graph in the SavedModel.
            metrics: Where to write down how long the graph runs.
            allow_file_operations: Run models that touch files or the network, too.

        Raises:
            ModelError: If the folder does not hold a whole SavedModel, or one that may not be run.
        """
        check_complete(model.path)
        if not allow_file_operations:
            check_file_operations(model.path)
        self.name = model.name
        self.version = model.version
        self._path = model.path
        self._metrics = metrics
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        try:
            with self._graph.as_default():
                meta_graph = tf.compat.v1.saved_model.load(self._session, list(tags), str(model.path))
        except (tf.errors.OpError, OSError, RuntimeError, ValueError, KeyError) as error:
            self._session.close()
            reason = error.message if isinstance(error, tf.errors.OpError) else str(error)
            raise ModelError(
                f"The model in {model.path} does not load, it may be half written ({graph_sentence(reason)}); "
                f"export it again."
            ) from error
        self.signatures: dict[str, Any] = dict(meta_graph.signature_def)

    def predict(
        self, request: predict_pb2.PredictRequest, *, timeout: float | None = None, as_content: bool = False
    ) -> predict_pb2.PredictResponse:
        """Run a signature.

        Args:
            request: Its model_spec's version is not looked at.
            timeout: Seconds until the run is stopped; None or infinity is never.
            as_content: Answer `tensor_content` instead of one field per element.

        Raises:
            StatusError: With TensorFlow Serving's code and sentence.
        """
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        signature = self.signatures.get(name)
        if signature is None:
            raise StatusError.from_number(tf.errors.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
        feeds = _read_inputs(signature, request.inputs)
        aliases = _select_outputs(signature, request.output_filter)
        arrays = self._run(feeds, [signature.outputs[alias].name for alias in aliases], timeout)

        response = predict_pb2.PredictResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.signature_name = name
        response.model_spec.version.value = self.version
        for alias, array in zip(aliases, arrays, strict=True):
            response.outputs[alias].CopyFrom(
                codec.encode_content(array, TensorProto)
                if as_content
                else codec.encode(array, TensorProto, typed_fields=True)
            )
        return response

    def warm_up(self, iterations: int = 1) -> int:
        """Run the requests recorded beside the model, so that the first user does not wait for memory and plans.

        Args:
            iterations: How often to run each.

        Returns:
            How many requests there were; 0 without a file.

        Raises:
            ModelError: If the file is broken, too long, or one of its requests fails.
        """
        path = self._path / WARMUP_FILE
        if not path.is_file():
            return 0
        count = 0
        try:
            for record in tf.compat.v1.io.tf_record_iterator(str(path)):
                count += 1
                if count > MAX_WARMUP_RECORDS:
                    raise ModelError(f"Expected at most {MAX_WARMUP_RECORDS} warm-up requests in {path}, found more.")
                log = prediction_log_pb2.PredictionLog.FromString(record)
                for _ in range(iterations):
                    self.predict(log.predict_log.request)
        except (tf.errors.OpError, StatusError, ValueError) as error:
            raise ModelError(f"Warm-up request {count} in {path} fails: {graph_sentence(str(error))}") from error
        return count

    def close(self) -> None:
        """Free the model's memory."""
        self._session.close()

    def _run(self, feeds: dict[str, np.ndarray], fetches: list[str], timeout: float | None) -> list[Any]:
        began = time.perf_counter()
        try:
            return run_session(self._session, feeds, fetches, timeout)
        except tf.errors.OpError as error:
            raise StatusError.from_number(error.error_code, error.message) from error
        except UnicodeDecodeError as error:  # the graph's sentence quotes bytes of the request
            raise invalid_argument("The model refused the request in a sentence that is no text.") from error
        except NoTensorError as error:
            raise not_found(f"FetchOutputs node {error}: not found") from error
        finally:
            if self._metrics is not None:
                self._metrics.ran(self.name, time.perf_counter() - began)


def _read_inputs(signature: Any, inputs: Any) -> dict[str, np.ndarray]:
    """The request's tensors by the names the graph has for them."""
    expected, defaults = set(signature.inputs), set(signature.defaults)
    sent = set(inputs)
    if len(sent) > len(expected) or (len(sent) < len(expected) and not defaults):
        raise invalid_argument(
            f"input size does not match signature: {len(sent)}!={len(expected)} "
            f"len({{{_join(sent)}}}) != len({{{_join(expected)}}}). "
            f"Sent extra: {{{_join(sent - expected)}}}. Missing but required: {{{_join(expected - sent)}}}."
        )
    feeds: dict[str, np.ndarray] = {}
    room = MAX_MESSAGE_BYTES
    for alias in sorted(expected):
        feed_name = signature.inputs[alias].name
        if alias not in sent and alias not in defaults:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {feed_name}) not found in request and no default value "
                f"provided. Inputs expected to be in the request {{{_join(sent)}}}, or default input alias set: "
                f"{_join(defaults)}"
            )
        proto = inputs[alias] if alias in sent else signature.defaults[alias]
        size = _written_out(proto)
        if size > room:
            raise StatusError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"Received message larger than max ({MAX_MESSAGE_BYTES - room + size} vs. {MAX_MESSAGE_BYTES})",
            )
        room -= size
        try:
            feeds[feed_name] = _aligned(codec.decode(proto))
        except (ValueError, OverflowError) as error:  # CodecError, and NumPy's of shapes that it cannot have
            raise invalid_argument(f"tensor parsing error: {alias}") from error
    if not sent <= expected:
        raise invalid_argument(
            f"Inputs contains invalid name. Used request inputs: {_join(sent & expected)}, request input: {_join(sent)}"
        )
    return feeds


def _aligned(array: np.ndarray) -> np.ndarray:
    """A copy that TensorFlow takes as it is.

    It copies any other into its own pool of memory, which never shrinks: a large tensor that the graph refuses at once
    would be kept room for ever after.
    """
    if array.dtype == object:  # strings are always copied, into no pool
        return array
    memory = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % _ALIGNMENT
    aligned = memory[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    aligned[...] = array
    return aligned


def _written_out(proto: Any) -> int:
    """Bytes of a tensor in memory; 0 where it is none, which decoding will tell."""
    sizes = [dim.size for dim in proto.tensor_shape.dim]
    if any(size < 0 for size in sizes):
        return 0
    count = math.prod(sizes)
    if proto.dtype == types_pb2.DT_STRING:
        repeated = len(proto.string_val[-1]) if proto.string_val else 0  # the last stands for all that follow
        return count * _STRING_BYTES + max(count - len(proto.string_val), 0) * repeated
    return count * _BYTES.get(proto.dtype, 0)


def _select_outputs(signature: Any, output_filter: Iterable[str]) -> list[str]:
    """The outputs to answer: those asked for, or all."""
    seen: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {{{_join(signature.outputs)}}}."
            )
        if alias in seen:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        seen.append(alias)
    return seen or sorted(signature.outputs)


def _join(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
