"""Names for versions in a models file: `stable` for most requests, `canary` for those that try a new version.

A model whose versions have labels is served in exactly those versions; one that is published beside them is not served
until a label names it. Servers take a label for a version that they do not serve yet only if the label is new and they
run with `--allow_version_labels_for_unavailable_models`; a label that moves must move to a version that serves.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock
from google.protobuf import text_format

from serving.config.config_files import ConfigFileError, read_models
from serving.config.model_repository import wanted_versions
from tfstyle.model_store.versions import versions


def set_labels(path: Path, model_folder: Path, changes: Mapping[str, int | None]) -> dict[str, int]:
    """Change labels of a model in a models file, which is replaced in one step. Comments in it are lost.

    Args:
        path: The file of `--model_config_file`.
        model_folder: The model's folder; its name is the model's in the file, its versions those that labels can name.
        changes: Version by label; None takes the label away.

    Returns:
        The labels that the model has now.

    Raises:
        ConfigFileError: If the file cannot be read or does not list the model, or servers would refuse the change.
        ModelError: If the model's folder is missing.
    """
    with FileLock(path.with_name(f".{path.name}.lock")):  # another may be at it, and would write what it read before
        return _set_labels(path, model_folder, changes)


def _set_labels(path: Path, model_folder: Path, changes: Mapping[str, int | None]) -> dict[str, int]:
    config = read_models(path)
    model = _model(config, path, model_folder.name)
    served = _served(model, model_folder)
    on_disk = versions(model_folder)
    labels = dict(model.version_labels)
    for label, version in changes.items():
        if version is None:
            if label not in labels:
                raise ConfigFileError(f"Expected a label of {_listed(labels)} to take away, got {label!r}.")
            del labels[label]
            continue
        if version not in on_disk:
            raise ConfigFileError(
                f"Expected a version of {_listed(on_disk)} for the label {label!r}, got {version}; publish it first."
            )
        if labels.get(label, version) != version and version not in served:
            raise ConfigFileError(
                f"Servers refuse to move {label!r} from version {labels[label]} to {version}, which they do not serve "
                f"yet. Take the label away first (--label {label}=), give it again when they have read the file."
            )
        labels[label] = version
    if not labels:
        raise ConfigFileError("Expected one label to stay, because the labels say which versions are served.")
    model.ClearField("model_version_policy")
    model.model_version_policy.specific.versions.extend(sorted(set(labels.values())))
    model.ClearField("version_labels")
    model.version_labels.update(labels)
    _replace(path, text_format.MessageToString(config))
    return labels


def check_new_version(path: Path, model: str, label: str) -> None:
    """See that a version can be published under a new label and serve only those who ask for it.

    Raises:
        ConfigFileError: If servers that read this models file take over any new version by themselves, the label is
            taken, or the file cannot be read or does not list the model.
    """
    config = _model(read_models(path), path, model)
    if config.model_version_policy.WhichOneof("policy_choice") != "specific":
        raise ConfigFileError(
            f"Servers that read {path} would give a new version to everybody at once; name the version that is served "
            f"now first, with --label stable=N."
        )
    if label in config.version_labels:
        raise ConfigFileError(
            f"The label {label!r} stands for version {config.version_labels[label]}, and servers refuse to move it to "
            f"one that they do not serve yet; take it away first, with --label {label}=."
        )


def _model(config: Any, path: Path, name: str) -> Any:
    models = {model.name: model for model in config.model_config_list.config}
    if name not in models:
        raise ConfigFileError(f"Expected the model {name!r} in {path}, got {_listed(models)}.")
    return models[name]


def _served(model: Any, model_folder: Path) -> set[int]:
    here = type(model)()
    here.CopyFrom(model)
    here.base_path = str(model_folder)  # which servers may see under another path
    return {found.version for found in wanted_versions(here)}


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.incoming")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.chmod(path.stat().st_mode)
    beside.replace(path)


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(map(str, sorted(names))) or "none"
