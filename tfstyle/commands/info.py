"""Tell what is installed: the model, its signatures and styles, the engines that run it, and their libraries."""

import argparse
import json
import platform
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from tfstyle.engines.local import DEFAULT_ENGINE
from tfstyle.errors import ModelError

_LIBRARIES = ("onnxruntime", "tensorflow", "keras", "numpy", "pillow", "grpcio", "protobuf", "tensorflow-serving-api")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model, and how to print."""
    parser.add_argument(
        "--model", metavar="PATH", help="folder of a model or of one version (default: saved_models/tfstyle, newest)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print everything about one model, and versions of libraries."""
    from tfstyle.model_store.versions import find_model

    folder = find_model(args.model)
    info = {"model": describe_model(folder), "engines": describe_engines(folder), "libraries": library_versions()}
    if args.json:
        print(json.dumps(info, ensure_ascii=False, indent=2))
        return 0
    model = info["model"]
    print(f"model       {model['name']}, version {model['version']}, {model['megabytes']} MB, in {folder}")
    print(f"photos      up to {model['max_pixels'] / 1e6:.3g} megapixels")
    print(f"styles      {', '.join(model['styles'])}")
    paintings = "any, at once" if model["encodes"] else "none but those of its styles: it has no style encoder"
    print(f"paintings   {paintings}; style vectors are for network {model['trunk'] or 'unknown'}")
    for name, text in info["engines"].items():
        print(f"engine      {name}{' (default)' if name == DEFAULT_ENGINE else ''}: {text}")
    for name, signature in model["signatures"].items():
        print(f"signature   {name}: {_tensors(signature['inputs'])} -> {_tensors(signature['outputs'])}")
    if not model["signatures"]:
        print("signature   not shown: that takes a SavedModel, and TensorFlow")
    for name, version in info["libraries"].items():
        print(f"library     {name} {version}")
    return 0


def describe_model(folder: Path) -> dict[str, Any]:
    """Name, version, size, limit, styles and signatures of the model in a version's folder."""
    from tfstyle.contract.catalog import Catalog
    from tfstyle.engines.onnx_files import OnnxFiles
    from tfstyle.model_store.versions import CATALOG_FILE

    catalog = Catalog.load(folder / CATALOG_FILE)
    files = None
    with suppress(ModelError):  # which is said of the engine
        files = OnnxFiles(folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {
        "name": folder.resolve().parent.name,
        "version": folder.name,
        "megabytes": round(size / 1e6, 1),
        "max_pixels": catalog.max_pixels,
        "styles": list(catalog.names),
        "trunk": files.trunk if files else "",
        "encodes": bool(files and files.has_encoder),
        "signatures": _signatures(folder),
    }


def describe_engines(folder: Path) -> dict[str, str]:
    """What runs this model here, by the words of `--engine`; or why it does not."""
    from importlib.util import find_spec

    from tfstyle.engines import onnx_session
    from tfstyle.engines.onnx_files import OnnxFiles

    engines = {}
    try:
        OnnxFiles(folder)
        engines["onnx"] = onnx_session.description()
    except ModelError as error:
        engines["onnx"] = str(error)
    if not (folder / "saved_model.pb").is_file():
        engines["tensorflow"] = "the model has no SavedModel"
    elif find_spec("tensorflow") is None:
        engines["tensorflow"] = "TensorFlow is not installed; pip install 'tfstyle[model]'"
    else:
        engines["tensorflow"] = f"TensorFlow {metadata.version('tensorflow')}, its own choice of devices and threads"
    return engines


def library_versions() -> dict[str, str]:
    """Versions of this package, Python and the libraries that run models, as installed."""
    from tfstyle import __version__

    versions = {"tfstyle": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _signatures(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Signatures as the SavedModel has them, without loading it; empty without it, or without TensorFlow."""
    if not (folder / "saved_model.pb").is_file():
        return {}
    from tfstyle.quiet import quiet_tensorflow

    try:
        with quiet_tensorflow():
            from tensorflow import dtypes
            from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
    except ModuleNotFoundError:
        return {}

    def text(info: Any) -> str:
        shape = ",".join("?" if dim.size < 0 else str(dim.size) for dim in info.tensor_shape.dim)
        return f"{dtypes.as_dtype(info.dtype).name}[{shape}]"

    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return {
        name: {
            "inputs": {key: text(value) for key, value in sorted(signature.inputs.items())},
            "outputs": {key: text(value) for key, value in sorted(signature.outputs.items())},
        }
        for name, signature in sorted(saved.meta_graphs[0].signature_def.items())
        if not name.startswith("__")
    }


def _tensors(tensors: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in tensors.items()) or "nothing"
