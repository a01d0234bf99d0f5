"""A model in this process by ONNX Runtime, on the CPU or a GPU that it is installed for."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tfstyle.engines.network_engine import NetworkEngine
from tfstyle.engines.onnx_files import ENCODER_FILE, NETWORK_FILE, REGIONS_FILE
from tfstyle.errors import ModelError

# What ONNX Runtime may have beyond the CPU and runs pictures of any size with; the first that is there is taken.
ACCELERATORS = ("CUDAExecutionProvider", "DmlExecutionProvider")
CPU = "CPUExecutionProvider"


class OnnxEngine(NetworkEngine):
    """Runs the network by ONNX Runtime.

    Args:
        path: Folder of a version, as `tfstyle.model_store.versions.find_model` finds it.
        threads: CPU threads; None is as many as this process may use.

    Raises:
        ModelError: As `NetworkEngine`, or if ONNX Runtime is not installed.
    """

    def __init__(self, path: Path, *, threads: int | None = None):
        super().__init__(path)
        self.threads = threads or available_cpus()
        self._runtime = _import_onnxruntime()

    @property
    def provider(self) -> str:
        """What runs the network: `CPU`, `CUDA`, ..."""
        return _short(self._network.get_providers()[0])

    def _run(self, image: np.ndarray, style_vectors: np.ndarray, region_maps: np.ndarray | None) -> np.ndarray:
        inputs = {"image": image[None], "style_vectors": style_vectors[None]}
        if region_maps is not None:
            inputs["region_maps"] = region_maps[None]
        return self._answer(self._network if region_maps is None else self._regions, "stylized", inputs)

    def _predict_style(self, style_image: np.ndarray) -> np.ndarray:
        return self._answer(self._encoder, "style_vectors", {"image": style_image[None]})

    def _answer(self, session: Any, output: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
        try:
            return session.run([output], inputs)[0][0]
        except Exception as error:  # ONNX Runtime raises kinds of its own, which are not public
            if any(word in str(error) for word in ("bad_alloc", "allocate", "out of memory")):
                raise MemoryError from None
            raise ModelError(f"{self.path}: ONNX Runtime cannot run the network ({_line(error)}).") from None

    @cached_property
    def _network(self) -> Any:
        return self._session(NETWORK_FILE)

    @cached_property
    def _regions(self) -> Any:
        return self._session(REGIONS_FILE)

    @cached_property
    def _encoder(self) -> Any:
        return self._session(ENCODER_FILE)

    def _session(self, name: str) -> Any:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.enable_mem_pattern = False  # plans memory by the sizes seen before, which takes a fourth more
        options.log_severity_level = 3  # errors, which are raised as well
        try:
            return self._runtime.InferenceSession(self._files.read(name), options, providers=providers())
        except ModelError:
            raise
        except Exception as error:  # kinds of its own, which are not public
            raise ModelError(f"{self.path}: ONNX Runtime cannot load {name} ({_line(error)}).") from None


def providers() -> list[str]:
    """What ONNX Runtime is to run networks with, best first.

    Raises:
        ModelError: If ONNX Runtime is not installed.
    """
    there = _import_onnxruntime().get_available_providers()
    return [*[name for name in ACCELERATORS if name in there][:1], CPU]


def description(threads: int | None = None) -> str:
    """The engine in a few words, without loading a model: `ONNX Runtime 1.32.0, CPU, 2 threads`.

    Raises:
        ModelError: If ONNX Runtime is not installed.
    """
    threads = threads or available_cpus()
    version = _import_onnxruntime().__version__
    return f"ONNX Runtime {version}, {_short(providers()[0])}, {threads} thread{'s' if threads > 1 else ''}"


def available_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise
        raise ModelError(
            "Painting in this process needs ONNX Runtime, which is not installed; pip install onnxruntime, or name "
            "another engine with --engine tensorflow or --engine HOST:PORT."
        ) from None
    return onnxruntime


def _short(provider: str) -> str:
    return provider.removesuffix("ExecutionProvider")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
