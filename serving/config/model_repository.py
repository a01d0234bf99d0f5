"""Models on disk: `<models>/<model>/<version>/saved_model.pb`, as TensorFlow Serving reads them.

What counts as a version is in `tfstyle.model_store.versions`; which of them are served says a model's version policy.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfstyle.errors import ModelError
from tfstyle.model_store.versions import versions


@dataclass(frozen=True)
class ModelVersion:
    """One exported model: what requests call it, its version and its folder."""

    name: str
    version: int
    path: Path


def find_models(models_dir: Path) -> dict[str, Path]:
    """The base path of every model in a folder, by name.

    Hidden folders are skipped, and those that hold files alone, such as weights that are still trained: versions are
    folders. An empty one is a model whose first version is to come.

    Raises:
        ModelError: If the folder is missing or holds no model.
    """
    if not models_dir.is_dir():
        raise ModelError(f"Expected a folder of models at {models_dir}, found none; name one with --models_dir.")
    folders = sorted(
        path
        for path in models_dir.iterdir()
        if path.is_dir() and not path.name.startswith(".") and not _holds_files_alone(path)
    )
    if not folders:
        raise ModelError(
            f"Expected <model>/<version>/saved_model.pb in {models_dir}, found no model; write one with: tfstyle export"
        )
    return {folder.name: folder for folder in folders}


def _holds_files_alone(folder: Path) -> bool:
    held = list(folder.iterdir())
    return bool(held) and not any(path.is_dir() for path in held)


def wanted_versions(model: Any) -> list[ModelVersion]:
    """The versions on disk that a model's policy asks for, oldest first.

    Args:
        model: A ModelConfig: name, base path and policy, which is the latest version unless it says otherwise.

    Raises:
        ModelError: If the base path is no folder.
    """
    base_path = Path(model.base_path)
    try:
        if not base_path.is_dir():
            raise ModelError(f"Could not find base path {base_path} for servable {model.name}; check the path.")
        found = versions(base_path)
    except OSError as error:
        raise ModelError(f"Could not read base path {base_path} for servable {model.name}: {error.strerror}.") from None
    policy = model.model_version_policy
    match policy.WhichOneof("policy_choice"):
        case "all":
            chosen = list(found)
        case "specific":
            chosen = [version for version in found if version in policy.specific.versions]
        case _:
            chosen = list(found)[-max(policy.latest.num_versions, 1) :]
    return [ModelVersion(model.name, version, found[version]) for version in chosen]
