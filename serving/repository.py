"""Models on disk: `<models>/<model>/<version>/saved_model.pb`, as TensorFlow Serving reads them.

What counts as a version is in `tfstyle.models`. Of each model the newest is served, the default policy of TensorFlow
Serving.
"""

from dataclasses import dataclass
from pathlib import Path

from tfstyle.errors import ModelError
from tfstyle.models import check_complete, versions


@dataclass(frozen=True)
class ModelVersion:
    """One exported model: what requests call it, its version and its folder."""

    name: str
    version: int
    path: Path


def find_models(models_dir: Path) -> list[ModelVersion]:
    """The newest version of every model in a folder, by name; hidden folders are skipped.

    Raises:
        ModelError: If the folder is missing, holds no model, or holds one that is empty or half written.
    """
    if not models_dir.is_dir():
        raise ModelError(f"Expected a folder of models at {models_dir}, found none; name one with --models_dir.")
    folders = sorted(path for path in models_dir.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise ModelError(
            f"Expected <model>/<version>/saved_model.pb in {models_dir}, found no model; write one with: tfstyle export"
        )
    return [newest_version(folder.name, folder) for folder in folders]


def newest_version(name: str, base_path: Path) -> ModelVersion:
    """The newest version of one model.

    Raises:
        ModelError: If the folder is missing or empty, or its newest version is half written.
    """
    if not base_path.is_dir():
        raise ModelError(f"Expected the model {name!r} at {base_path}, found no such folder; check the path.")
    found = versions(base_path)
    if not found:
        raise ModelError(
            f"The model folder {base_path} holds no version: expected {base_path}/1/saved_model.pb; "
            f"write one with: tfstyle export"
        )
    version = max(found)
    check_complete(found[version])
    return ModelVersion(name, version, found[version])
