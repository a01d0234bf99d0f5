"""An exported model in this process: the same signatures as on a server, without one.

TensorFlow is imported when a model is opened, not with this module; that takes seconds and 550 MB.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfstyle.contract.graph_errors import graph_sentence, refusal
from tfstyle.engines.engine import no_encoder
from tfstyle.errors import ModelError, PhotoError, RequestError
from tfstyle.quiet import quiet_tensorflow


class SavedModelEngine:
    """Answers the wire contract's signatures from a SavedModel folder.

    Args:
        path: Folder of a version, as `tfstyle.model_store.versions.find_model` finds it.
        threads: CPU threads for one operation; None leaves it to TensorFlow, which takes every core or what
            `TF_NUM_INTRAOP_THREADS` says. The first model opened in a process decides for all.

    Raises:
        ModelError: If the model cannot be loaded, or TensorFlow is not installed.
    """

    def __init__(self, path: Path, *, threads: int | None = None):
        self.path = path
        if not (path / "saved_model.pb").exists():
            raise ModelError(
                f"{path}: the model has no SavedModel, which TensorFlow needs; use --engine onnx, or export it again."
            )
        self._tensorflow: Any = _import_tensorflow()
        if threads is not None:
            _limit_threads(self._tensorflow, threads)
        try:
            with quiet_tensorflow():
                self._model = self._tensorflow.saved_model.load(str(self.path))
        except (OSError, ValueError, LookupError, self._tensorflow.errors.OpError) as error:
            reason = graph_sentence(str(error))
            raise ModelError(f"{self.path}: the model cannot be loaded ({reason}); export it again.") from None
        self.signatures: dict[str, Any] = dict(self._model.signatures)

    @property
    def version(self) -> int:
        """The version's number, 0 where the folder is not called by one."""
        return int(self.path.name) if self.path.name.isdigit() else 0

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature.

        Args:
            signature: A name out of `tfstyle.contract.signatures.SIGNATURES`.
            inputs: Arrays by input name; strings are object arrays of bytes.

        Returns:
            Arrays by output name; strings are object arrays of bytes.

        Raises:
            ModelError: If the model has no such signature.
            PhotoError, MaskError, StyleVectorError, RequestError: If the model refuses the request, in its own words.
        """
        tf = self._tensorflow
        if signature == "encode_style" and signature not in self.signatures:
            raise no_encoder(self.path)
        if signature not in self.signatures:
            raise ModelError(f"{self.path}: the model has no signature {signature!r}; export it again.")
        names = self.signatures[signature].structured_input_signature[1]
        if set(inputs) != set(names):
            raise RequestError(
                f"Expected the inputs {', '.join(sorted(names)) or 'none'} for {signature!r}, "
                f"got {', '.join(sorted(inputs)) or 'none'}."
            )
        try:
            tensors = {key: tf.constant(value) for key, value in inputs.items()}
            answer = self.signatures[signature](**tensors)
            return {key: np.asarray(value.numpy()) for key, value in answer.items()}
        except tf.errors.InvalidArgumentError as error:
            raise refusal(error.message) from None
        except tf.errors.ResourceExhaustedError:
            raise PhotoError("The photo is too large for the memory of this machine; set a smaller max size.") from None


def _import_tensorflow() -> Any:
    try:
        with quiet_tensorflow():
            import tensorflow
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise ModelError(
            "Running a SavedModel in this process needs TensorFlow; pip install 'tfstyle[model]', or use --engine onnx "
            "or --engine HOST:PORT, a server."
        ) from None
    tensorflow.get_logger().setLevel(logging.ERROR)
    return tensorflow


def _limit_threads(tensorflow: Any, threads: int) -> None:
    config = tensorflow.config.threading
    try:
        config.set_intra_op_parallelism_threads(threads)
        config.set_inter_op_parallelism_threads(threads)
    except RuntimeError:  # TensorFlow has started in this process, and its threads with it
        if config.get_intra_op_parallelism_threads() != threads:
            logging.getLogger(__name__).warning("TensorFlow runs already; its number of threads stays as it is.")
