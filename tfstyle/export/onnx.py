"""Writes a trained network as ONNX Runtime reads it, beside the SavedModel: see `tfstyle.engines.onnx_files`."""

import hashlib
import json
from pathlib import Path

import numpy as np

from tfstyle.engines.onnx_files import (
    ENCODER_FILE,
    MANIFEST_FILE,
    NETWORK_FILE,
    ONNX_FOLDER,
    REGIONS_FILE,
    STYLE_TABLE_FILE,
)
from tfstyle.export.onnx_encoder import encoder_network
from tfstyle.export.onnx_network import network
from tfstyle.networks.checkpoint import Checkpoint


def write(model: Checkpoint, version: Path) -> None:
    """Writes the network, without and with region maps, the style table, the style encoder where there is one, and a
    manifest with their checksums.

    Args:
        model: The trained model.
        version: The version's folder; what is in its `ONNX_FOLDER` is replaced.
    """
    folder = version / ONNX_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NETWORK_FILE).write_bytes(network(model.trunk).SerializeToString())
    (folder / REGIONS_FILE).write_bytes(network(model.trunk, regions=True).SerializeToString())
    (folder / ENCODER_FILE).unlink(missing_ok=True)
    if model.encoder:
        (folder / ENCODER_FILE).write_bytes(encoder_network(model.encoder).SerializeToString())
    np.save(folder / STYLE_TABLE_FILE, model.table.astype("<f4"))
    files = (NETWORK_FILE, REGIONS_FILE, STYLE_TABLE_FILE, *([ENCODER_FILE] if model.encoder else []))
    manifest = {
        "styles": model.names,
        "trunk": model.trunk.fingerprint(),
        "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
