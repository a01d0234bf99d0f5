"""ONNX Runtime: whether it is there, what it runs networks with, and sessions of a version's files."""

import os
from pathlib import Path
from typing import Any

from tfstyle.errors import ModelError

# What ONNX Runtime may have beyond the CPU and runs pictures of any size with; the first that is there is taken.
ACCELERATORS = ("CUDAExecutionProvider", "DmlExecutionProvider")
CPU = "CPUExecutionProvider"

_FOLDER_OF_WEIGHTS = "session.model_external_initializers_file_folder_path"


def open_session(graph: bytes, folder: Path, threads: int) -> Any:
    """An ONNX Runtime session.

    Args:
        graph: An ONNX file's bytes.
        folder: Where the files are that it finds its weights in.
        threads: CPU threads.

    Raises:
        ModelError: If the graph cannot be loaded, or ONNX Runtime is not installed.
    """
    runtime = import_onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = False  # plans memory by the sizes seen before, which takes a fourth more
    options.log_severity_level = 3  # errors, which are raised as well
    options.add_session_config_entry(_FOLDER_OF_WEIGHTS, str(folder))
    try:
        return runtime.InferenceSession(graph, options, providers=providers())
    except Exception as error:  # kinds of its own, which are not public
        raise ModelError(f"{folder}: ONNX Runtime cannot load the network ({_line(error)}).") from None


def run_session(session: Any, outputs: list[str], inputs: dict[str, Any]) -> list[Any]:
    """What a session computes.

    Raises:
        MemoryError: If there is too little memory.
        ModelError: If it cannot run.
    """
    try:
        results: list[Any] = session.run(outputs, inputs)
    except Exception as error:  # as above
        if any(word in str(error) for word in ("bad_alloc", "allocate", "out of memory")):
            raise MemoryError from None
        raise ModelError(f"ONNX Runtime cannot run the network ({_line(error)}).") from None
    return results


def providers() -> list[str]:
    """What ONNX Runtime is to run networks with, best first.

    Raises:
        ModelError: If ONNX Runtime is not installed.
    """
    there = import_onnxruntime().get_available_providers()
    return [*[name for name in ACCELERATORS if name in there][:1], CPU]


def description(threads: int | None = None) -> str:
    """The engine in a few words, without loading a model: `ONNX Runtime 1.32.0, CPU, 2 threads`.

    Raises:
        ModelError: If ONNX Runtime is not installed.
    """
    threads = threads or available_cpus()
    version = import_onnxruntime().__version__
    return f"ONNX Runtime {version}, {short(providers()[0])}, {threads} thread{'s' if threads > 1 else ''}"


def short(provider: str) -> str:
    """What a provider is called: `CPU`, `CUDA`, ..."""
    return provider.removesuffix("ExecutionProvider")


def available_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def import_onnxruntime() -> Any:
    """The package.

    Raises:
        ModelError: If it is not installed.
    """
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


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
