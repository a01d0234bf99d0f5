"""A version for ONNX Runtime alone whose styles are colours: it paints every pixel in the mix of colours asked for."""

import hashlib
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from tfstyle.contract.catalog import CATALOG_FILE, Catalog, Style
from tfstyle.engines.onnx_files import (
    ENCODER_FILE,
    MANIFEST_FILE,
    NETWORK_FILE,
    ONNX_FOLDER,
    REGIONS_FILE,
    STYLE_TABLE_FILE,
)

COLORS = {"red": (200, 20, 40), "green": (10, 180, 30), "blue": (0, 60, 220)}
MAX_PIXELS = 300 * 200
TRUNK = "0123456789abcdef"


def write(version: Path, *, encodes: bool = False, max_pixels: int = MAX_PIXELS) -> Path:
    """Writes the version's folder; with a style encoder, a style image's style is its mean colour."""
    folder = version / ONNX_FOLDER
    folder.mkdir(parents=True)
    styles = tuple(Style(name, name.title(), "Nobody", "1900", b"\xff\xd8") for name in COLORS)
    (version / CATALOG_FILE).write_text(Catalog(styles, max_pixels).to_json(), encoding="utf-8")
    (folder / NETWORK_FILE).write_bytes(_network(regions=False))
    (folder / REGIONS_FILE).write_bytes(_network(regions=True))
    np.save(folder / STYLE_TABLE_FILE, np.array(list(COLORS.values()), "float32"))
    files = [NETWORK_FILE, REGIONS_FILE, STYLE_TABLE_FILE]
    if encodes:
        files.append(ENCODER_FILE)
        (folder / ENCODER_FILE).write_bytes(_encoder())
    checksums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    manifest = {"styles": list(COLORS), "trunk": TRUNK, "sha256": checksums}
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    return version


def _network(*, regions: bool) -> bytes:
    node = helper.make_node
    if regions:
        nodes = [node("Einsum", ["region_maps", "style_vectors"], ["mixed"], equation="brhw,brc->bhwc")]
    else:
        nodes = [
            node("Shape", ["image"], ["shape"]),
            node("Unsqueeze", ["style_vectors", "axis"], ["vector"]),
            node("Expand", ["vector", "shape"], ["mixed"]),
        ]
    nodes += [node("Round", ["mixed"], ["rounded"]), node("Cast", ["rounded"], ["stylized"], to=TensorProto.UINT8)]
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3]),
        helper.make_tensor_value_info("style_vectors", TensorProto.FLOAT, [1, "regions", 3]),
    ]
    if regions:
        maps = [1, "regions", "height", "width"]
        inputs.append(helper.make_tensor_value_info("region_maps", TensorProto.FLOAT, maps))
    outputs = [helper.make_tensor_value_info("stylized", TensorProto.UINT8, [1, "height", "width", 3])]
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(nodes, "colors", inputs, outputs, [] if regions else [axis])
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def _encoder() -> bytes:
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["style_vectors"], axes=[1, 2], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])]
    outputs = [helper.make_tensor_value_info("style_vectors", TensorProto.FLOAT, [1, 3])]
    graph = helper.make_graph(nodes, "mean", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
