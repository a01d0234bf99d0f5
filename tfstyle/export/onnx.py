"""Writes a trained network as ONNX Runtime reads it, beside the SavedModel: see `tfstyle.engines.onnx_files`."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np

from tfstyle.engines.onnx_files import (
    ENCODER_FILE,
    MANIFEST_FILE,
    NETWORK_FILE,
    ONNX_FOLDER,
    REGIONS_FILE,
    STAGES_FILE,
    STYLE_TABLE_FILE,
)
from tfstyle.engines.staged_network import PLAN
from tfstyle.export.onnx_encoder import encoder_network
from tfstyle.export.onnx_graph import with_weights_of
from tfstyle.export.onnx_network import network
from tfstyle.export.onnx_stages import Stages, stages
from tfstyle.networks.checkpoint import Checkpoint


def write(model: Checkpoint, version: Path) -> None:
    """Writes the network, without and with region maps and in stages, the style table, the style encoder where there is
    one, and a manifest with their checksums.

    Args:
        model: The trained model.
        version: The version's folder; what is in its `ONNX_FOLDER` is replaced.
    """
    folder = version / ONNX_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    whole = network(model.trunk).SerializeToString()
    (folder / NETWORK_FILE).write_bytes(whole)
    regions = with_weights_of(network(model.trunk, regions=True), whole, NETWORK_FILE)
    (folder / REGIONS_FILE).write_bytes(regions.SerializeToString())
    (folder / STAGES_FILE).write_bytes(_zipped(stages(model.trunk), whole))
    (folder / ENCODER_FILE).unlink(missing_ok=True)
    if model.encoder:
        (folder / ENCODER_FILE).write_bytes(encoder_network(model.encoder).SerializeToString())
    np.save(folder / STYLE_TABLE_FILE, model.table.astype("<f4"))
    files = (NETWORK_FILE, REGIONS_FILE, STAGES_FILE, STYLE_TABLE_FILE, *([ENCODER_FILE] if model.encoder else []))
    manifest = {
        "styles": model.names,
        "trunk": model.trunk.fingerprint(),
        "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _zipped(network: Stages, whole: bytes) -> bytes:
    """The stages as a zip file: the plan, and each graph with its weights in the network in one piece."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        files = {f"{i}.onnx": with_weights_of(graph, whole, NETWORK_FILE) for i, graph in enumerate(network.graphs)}
        contents = {PLAN: json.dumps(network.plan).encode()} | {
            name: graph.SerializeToString() for name, graph in files.items()
        }
        for name, data in contents.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # without the time, so always the same
    return buffer.getvalue()
