"""The engines that run a model in this process, by name: what `--engine` and `Stylizer(engine=...)` take."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from tfstyle.errors import RequestError

if TYPE_CHECKING:
    from tfstyle.engines.engine import Engine

LocalEngine = Literal["onnx", "tensorflow"]
LOCAL_ENGINES: tuple[LocalEngine, ...] = get_args(LocalEngine)
DEFAULT_ENGINE: LocalEngine = "onnx"


def check_local_engine(name: str) -> LocalEngine:
    """The name, once known to be one.

    Raises:
        RequestError: If it is another; an address is none.
    """
    if name not in LOCAL_ENGINES:
        raise RequestError(
            f"Expected {' or '.join(LOCAL_ENGINES)} as the engine of this process, got {name!r}; for a server, in "
            "Python: Stylizer(serving.client.StyleClient('HOST:PORT'))."
        )
    return name


def open_local_engine(name: str, version: Path, *, threads: int | None = None) -> "Engine":
    """An engine with the model of a version's folder.

    Args:
        name: One of `LOCAL_ENGINES`.
        version: As `tfstyle.model_store.versions.find_model` finds it.
        threads: CPU threads; None leaves them to the engine, which takes every core.

    Raises:
        RequestError: If there is no such engine.
        ModelError: If the version has no model for it, or its library is not installed.
    """
    if check_local_engine(name) == "onnx":
        from tfstyle.engines.onnx import OnnxEngine

        return OnnxEngine(version, threads=threads)
    from tfstyle.engines.saved_model import SavedModelEngine

    return SavedModelEngine(version, threads=threads)
