"""Puts versions of a model where servers read them, and takes the newest back: `<volume>/<model>/<version>/`.

A version is checked, copied under a name that is no number, flushed to disk and renamed, so a server sees all of it or
nothing, wherever this is killed. Names in the model's folder that servers pass over:

    .incoming-<number>    being copied; what a killed process left is removed by the next
    .withdrawn-<number>   taken back; its number is not given again
    .publish.lock         held while something changes
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tfstyle.contract.catalog import Catalog
from tfstyle.contract.signatures import SIGNATURES, TensorInfo
from tfstyle.engines.engine import Engine
from tfstyle.engines.file_operations import check_file_operations
from tfstyle.engines.onnx import OnnxEngine
from tfstyle.engines.onnx_files import has_onnx
from tfstyle.engines.saved_model import SavedModelEngine
from tfstyle.errors import ModelError
from tfstyle.model_store import golden_image
from tfstyle.model_store.versions import (
    CATALOG_FILE,
    MAX_VERSION,
    WITHDRAWN,
    alone_in,
    check_complete,
    highest_given,
    versions,
)

_INCOMING = ".incoming-"


def check(version: Path, *, allow_file_operations: bool = False) -> Catalog:
    """See that a version is a whole model that keeps the wire contract and paints as it did when it was exported.

    Args:
        version: Its folder.
        allow_file_operations: Take one that touches files or the network, too; it is run here.

    Returns:
        Its styles.

    Raises:
        ModelError: If not; the message says what is wrong.
    """
    if not version.is_dir():
        raise ModelError(f"Expected the folder of a version at {version}, found none; write one with: tfstyle export")
    check_complete(version)
    if not allow_file_operations:
        check_file_operations(version)
    model = SavedModelEngine(version)
    for name, signature in SIGNATURES.items():
        if signature.optional and name not in model.signatures:
            continue
        if name not in model.signatures:
            raise ModelError(f"{version}: the model has no signature {name!r}; export it again.")
        function = model.signatures[name]
        inputs, outputs = function.structured_input_signature[1], function.structured_outputs
        _check_tensors(f"{version}, inputs of {name!r}", signature.inputs, inputs, any_size=True)
        _check_tensors(f"{version}, outputs of {name!r}", signature.outputs, outputs, any_size=False)
    catalog = Catalog.load(version / CATALOG_FILE)
    if Catalog.from_describe(model.predict("describe", {})) != catalog:
        raise ModelError(f"{version}: {CATALOG_FILE} tells other styles than the model itself; export it again.")
    _check_golden(model, version, len(catalog))
    if has_onnx(version):
        check_onnx(version)
    return catalog


def check_onnx(version: Path) -> None:
    """See that a version paints through ONNX Runtime what its SavedModel painted when it was exported.

    Raises:
        ModelError: If not, or its ONNX files are damaged or of other styles than its catalog.
    """
    engine = OnnxEngine(version)
    _check_golden(engine, version, len(engine.catalog))


def _check_golden(engine: Engine, version: Path, styles: int) -> None:
    def paint(image: np.ndarray, style_weights: np.ndarray) -> np.ndarray:
        return engine.predict("serving_default", {"image": image, "style_weights": style_weights})["stylized"]

    golden_image.check(golden_image.paint(paint, styles), version)


def publish(
    version: Path, model_folder: Path, number: int | None = None, *, allow_file_operations: bool = False
) -> Path:
    """Copy a version to where servers read it.

    Args:
        version: Its folder, as `tfstyle.export.saved_model` wrote it.
        model_folder: The model's folder on the volume; made if missing.
        number: What it is called there; None is the next number.
        allow_file_operations: As `check` has it.

    Returns:
        Its folder on the volume.

    Raises:
        ModelError: If the version is no good, its columns are not those of the newest published version with others
            after them, the number is not above all that were given, the copy fails, or another process publishes.
    """
    catalog = check(version, allow_file_operations=allow_file_operations)
    model_folder.mkdir(parents=True, exist_ok=True)
    with alone_in(model_folder):
        for leftover in model_folder.glob(f"{_INCOMING}*"):
            shutil.rmtree(leftover)
        published = versions(model_folder)
        if published:
            _check_columns(catalog, published[max(published)])
        given = highest_given(model_folder)
        number = given + 1 if number is None else number
        if not given < number <= MAX_VERSION:
            raise ModelError(
                f"Expected a number above {given}, the highest that {model_folder} has had, got {number}; a "
                f"published version is never changed."
            )
        target, incoming = model_folder / str(number), model_folder / f"{_INCOMING}{number}"
        try:
            _copy(version, incoming)
            incoming.rename(target)
        except BaseException as error:
            shutil.rmtree(incoming, ignore_errors=True)
            if isinstance(error, OSError):
                raise ModelError(f"{version} was not published to {target}: {error.strerror}.") from None
            raise
        _flush(model_folder)
    return target


def roll_back(model_folder: Path) -> tuple[Path, Path]:
    """Take the newest version back: servers of the newest version go to the one before, which they load first.

    The number goes down, and clients ask for the styles again. Publishing the old one under a new number would break
    the rule that columns only grow wherever the version that is taken back had brought styles.

    Returns:
        Where the withdrawn version lies now, and the version before.

    Raises:
        ModelError: If there is none before, or another process publishes.
    """
    if not model_folder.is_dir():
        raise ModelError(f"Expected the folder of a model at {model_folder}, found none.")
    with alone_in(model_folder):
        published = versions(model_folder)
        if len(published) < 2:
            raise ModelError(f"Expected two versions or more in {model_folder} to go back, got {len(published)}.")
        before, newest = list(published)[-2:]
        withdrawn = model_folder / f"{WITHDRAWN}{newest}"
        published[newest].rename(withdrawn)
        _flush(model_folder)
    return withdrawn, published[before]


def _check_tensors(where: str, wanted: dict[str, TensorInfo], found: dict[str, Any], *, any_size: bool) -> None:
    """Hold TensorSpecs by name to the contract; with `any_size` they must leave open what the contract leaves open."""
    wanted = {name: info for name, info in wanted.items() if name in found or not info.optional}
    if set(wanted) != set(found):
        raise ModelError(f"{where}: expected {_listed(wanted)}, got {_listed(found)}; export the model again.")
    for name, info in wanted.items():
        dtype, shape = found[name].dtype.name, found[name].shape
        fits = dtype == info.dtype and shape.is_compatible_with(info.shape)
        if fits and any_size and shape.rank is not None:
            fits = all(size in (None, open_size) for size, open_size in zip(shape, info.shape, strict=True))
        if not fits:
            raise ModelError(
                f"{where}: expected {name} as {_shown(info.dtype, info.shape)}, got {_shown(dtype, shape)}; "
                f"export the model again."
            )


def _check_columns(catalog: Catalog, newest: Path) -> None:
    """Clients that learned the columns of the newest published version send them to the next one."""
    known = Catalog.load(newest / CATALOG_FILE).names
    if catalog.names[: len(known)] != known:
        raise ModelError(
            f"Expected the styles of {newest} in the same order and new ones after them ({', '.join(known)}), got "
            f"{', '.join(catalog.names)}: clients would get other styles than they ask for. Publish it as another "
            f"model."
        )


def _copy(source: Path, target: Path) -> None:
    """Copy a folder so that it is on disk, not only in memory, when this returns; for everybody to read."""
    target.mkdir(mode=0o755)
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            _copy(entry, target / entry.name)
        else:
            shutil.copyfile(entry, target / entry.name)
            (target / entry.name).chmod(0o644)
            _flush(target / entry.name)
    _flush(target)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _shown(dtype: str, shape: Iterable[int | None]) -> str:
    return f"{dtype}[{','.join('?' if size is None else str(size) for size in shape)}]"
