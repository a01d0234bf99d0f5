"""Where models lie: `saved_models/<model>/<version>/`, as TensorFlow Serving reads it; the highest is the newest.

The folder of all models is `$TFSTYLE_MODELS`, or else `saved_models/` beside this package, as in a checkout, or else
that inside the package, where an installed one has the newest model, for ONNX Runtime alone.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tfstyle.contract.catalog import CATALOG_FILE
from tfstyle.engines.onnx_files import MANIFEST_FILE, ONNX_FOLDER, has_onnx
from tfstyle.errors import ModelError

DEFAULT_MODEL = "tfstyle"
MODELS_VARIABLE = "TFSTYLE_MODELS"

MAX_VERSION = 2**63 - 1  # int64 in TensorFlow Serving and on the wire
WITHDRAWN = ".withdrawn-"  # before the number of a version that was taken back
LOCK = ".publish.lock"  # held while versions come and go
_NEEDED = (Path("saved_model.pb"), Path("variables") / "variables.index")


def models_root() -> Path:
    """The folder of all models; it need not exist."""
    if chosen := os.environ.get(MODELS_VARIABLE):
        return Path(chosen)
    package = Path(__file__).resolve().parents[1]
    installed = package / "saved_models"
    return installed if installed.is_dir() else package.parent / "saved_models"


def find_model(model: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the version to use.

    Args:
        model: The name of a model under `models_root()`; the folder of a model, whose newest version is taken, or of a
            version (`./name` where a model has that name too); None is the model `tfstyle`.

    Returns:
        The version's folder, checked to be complete.

    Raises:
        ModelError: If there is no such folder, or it is empty or half written.
    """
    folder = _locate(model)
    if not folder.is_dir():
        how = "train and export one, or name its folder with --model or its parent with $" + MODELS_VARIABLE
        raise ModelError(f"Expected a model in {folder}, but there is no such folder; {how}.")
    if not _is_version(folder):
        found = versions(folder)
        if not found:
            raise ModelError(
                f"Expected a model in {folder}, with a folder for each version such as {folder / '1'}, but it holds "
                f"none; export a model into it."
            )
        folder = found[max(found)]
    check_complete(folder)
    return folder


def versions(model_folder: Path) -> dict[int, Path]:
    """The versions of a model by number, oldest first, by the rule of TensorFlow Serving.

    A version is a folder whose name is a number from 0 to 2^63 - 1, also with zeros in front: `00002` is version 2.
    Others do not count, so an export may be written beside under a temporary name and then renamed. Of two folders with
    one number the last by name counts.
    """
    # isdecimal() alone would let digits of other scripts pass.
    folders = sorted(path for path in model_folder.iterdir() if path.name.isascii() and path.name.isdecimal())
    found = {int(path.name): path for path in folders if path.is_dir()}
    return {number: found[number] for number in sorted(found) if number <= MAX_VERSION}


def highest_given(model_folder: Path) -> int:
    """The highest number that a version of this model has had, those taken back included; 0 for a new model."""
    if not model_folder.is_dir():
        return 0
    names = [path.name.removeprefix(WITHDRAWN) for path in model_folder.glob(f"{WITHDRAWN}*")]
    return max([*versions(model_folder), *(int(name) for name in names if name.isdecimal())], default=0)


def next_version(model_folder: Path) -> Path:
    """The folder for a model's next version: one above the highest number ever given. Nothing is made.

    Raises:
        ModelError: If there is no higher number.
    """
    number = highest_given(model_folder) + 1
    if number > MAX_VERSION:
        raise ModelError(f"{model_folder} has version {MAX_VERSION}, and there is none above it; start a new model.")
    return model_folder / str(number)


@contextmanager
def alone_in(model_folder: Path, *, wait: bool = False) -> Iterator[None]:
    """The only process that changes this model's versions; the lock ends with the process, however it ends.

    Args:
        model_folder: It exists.
        wait: Until another process is done, which takes seconds.

    Raises:
        ModelError: If another process is at it, unless `wait`.
    """
    lock = FileLock(model_folder / LOCK, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        raise ModelError(f"Another process publishes into {model_folder}; try again when it has ended.") from None
    try:
        yield
    finally:
        lock.release()


def check_complete(version_folder: Path) -> None:
    """See that a version was written to its end: a SavedModel, or, as in an installed package, ONNX files alone.

    Raises:
        ModelError: If a file that every such version has is missing or empty.
    """
    if _is_onnx_alone(version_folder):
        return
    missing = [str(file) for file in _NEEDED if not _has_content(version_folder / file)]
    if not list(version_folder.glob("variables/variables.data-*")):
        missing.append("variables/variables.data-*")
    if missing:
        raise ModelError(
            f"Expected a complete model in {version_folder}, but it is empty or half written "
            f"(no {', no '.join(missing)}); remove the folder or export the model again."
        )


def fingerprint(version_folder: Path) -> str:
    """A few characters that two versions share only if they paint the same: of the graph and its weights."""
    content = hashlib.sha256()
    if _is_onnx_alone(version_folder):
        content.update((version_folder / ONNX_FOLDER / MANIFEST_FILE).read_bytes())  # which has checksums of the others
        return content.hexdigest()[:16]
    for file in (*_NEEDED, *sorted(version_folder.glob("variables/variables.data-*"))):
        content.update((version_folder / file).read_bytes())
    return content.hexdigest()[:16]


def _locate(model: str | os.PathLike[str] | None) -> Path:
    if model is None:
        return models_root() / DEFAULT_MODEL
    name = os.fspath(model)
    # Names come first: in a checkout there is a folder called tfstyle, and it is no model.
    if name and Path(name).name == name and (models_root() / name).is_dir():
        return models_root() / name
    return Path(name)


def _is_version(folder: Path) -> bool:
    return _has_saved_model(folder) or has_onnx(folder) or folder.name.isdigit()


def _is_onnx_alone(version: Path) -> bool:
    return has_onnx(version) and _has_content(version / CATALOG_FILE) and not _has_saved_model(version)


def _has_saved_model(folder: Path) -> bool:
    return (folder / "saved_model.pb").exists() or (folder / "variables").exists()


def _has_content(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0
