"""Models on disk: `<models>/<model>/<version>/saved_model.pb`, as TensorFlow Serving reads them.

A version is a folder whose name is a number; other names are skipped, so an export may be written beside under a
temporary name and then renamed. Of each model the newest version is served, TensorFlow Serving's default policy.
"""

from dataclasses import dataclass
from pathlib import Path

from tfstyle.errors import ModelError
from tfstyle.models import check_complete


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
    versions = {int(path.name): path for path in base_path.iterdir() if _is_version(path)}
    if not versions:
        raise ModelError(
            f"The model folder {base_path} holds no version: expected {base_path}/1/saved_model.pb; "
            f"write one with: tfstyle export"
        )
    version = max(versions)
    path = versions[version]
    check_complete(path)
    return ModelVersion(name, version, path)


def _is_version(path: Path) -> bool:
    return path.is_dir() and path.name.isascii() and path.name.isdecimal()  # "00001" is version 1 too
