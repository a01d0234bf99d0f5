"""The network for ONNX Runtime as it lies in a version's folder, and whether it is whole.

    assets.extra/onnx/network.onnx       the network in one style mix
    assets.extra/onnx/regions.onnx       the network in a mix per pixel
    assets.extra/onnx/style_table.npy    style vectors of the named styles, float32 [N, V]
    assets.extra/onnx/manifest.json      names of the styles, fingerprint of the trunk, SHA-256 of each file
"""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfstyle.errors import ModelError

ONNX_FOLDER = Path("assets.extra") / "onnx"
NETWORK_FILE = "network.onnx"
REGIONS_FILE = "regions.onnx"
STYLE_TABLE_FILE = "style_table.npy"
MANIFEST_FILE = "manifest.json"
