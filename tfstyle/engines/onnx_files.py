"""The network for ONNX Runtime as it lies in a version's folder, and whether it is whole.

assets.extra/onnx/network.onnx       the network in one style mix
assets.extra/onnx/regions.onnx       the network in a mix per pixel
assets.extra/onnx/stages.zip         the network in stages, for pictures too large for memory
assets.extra/onnx/style_table.npy    style vectors of the named styles, float32 [N, V]
assets.extra/onnx/encoder.onnx       the style encoder, where the model has one
assets.extra/onnx/manifest.json      names of the styles, fingerprint of the trunk, SHA-256 of each file

There is one copy of the weights: those of regions.onnx and the stages are ranges of bytes of network.onnx.
"""

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from tfstyle.errors import ModelError

ONNX_FOLDER = Path("assets.extra") / "onnx"
NETWORK_FILE = "network.onnx"
REGIONS_FILE = "regions.onnx"
STAGES_FILE = "stages.zip"
ENCODER_FILE = "encoder.onnx"
STYLE_TABLE_FILE = "style_table.npy"
MANIFEST_FILE = "manifest.json"


def has_onnx(version: Path) -> bool:
    """Whether a version was exported for ONNX Runtime, too."""
    return (version / ONNX_FOLDER / MANIFEST_FILE).is_file()


class OnnxFiles:
    """The files of one version, each held to its checksum when it is read.

    Args:
        version: The version's folder.

    Attributes:
        folder: Where they are.
        styles: Names of the styles, in the order of the table.
        trunk: The trunk's fingerprint.

    Raises:
        ModelError: If the version was not exported for ONNX Runtime, or its manifest cannot be read.
    """

    def __init__(self, version: Path):
        self.folder = version / ONNX_FOLDER
        self._again = f"write it again with: tfstyle export {version} --add-onnx"
        if not has_onnx(version):
            raise ModelError(
                f"Expected a network for ONNX Runtime in {self.folder}, but there is none; write it with: tfstyle "
                f"export {version} --add-onnx, or use --engine tensorflow."
            )
        path = self.folder / MANIFEST_FILE
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            self.styles = tuple(str(name) for name in manifest["styles"])
            self.trunk = str(manifest["trunk"])
            self._checksums = {str(name): str(sha256) for name, sha256 in manifest["sha256"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{path}: expected a manifest, got something else ({error}); {self._again}.") from None

    @property
    def has_encoder(self) -> bool:
        """Whether the model has a style encoder."""
        return ENCODER_FILE in self._checksums

    def read(self, name: str) -> bytes:
        """The bytes of one file.

        Raises:
            ModelError: If it is missing, cut short, or not the one that was written.
        """
        if name in (REGIONS_FILE, STAGES_FILE):
            self.read(NETWORK_FILE)  # which has their weights
        path = self.folder / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror}); {self._again}.") from None
        if hashlib.sha256(data).hexdigest() != self._checksums.get(name):
            raise ModelError(
                f"{path}: the file is damaged or of another model, its SHA-256 is not that in {MANIFEST_FILE}; "
                f"{self._again}."
            )
        return data

    def style_table(self) -> np.ndarray:
        """Style vectors of the named styles, float32 `[N, V]`.

        Raises:
            ModelError: As `read`.
        """
        return np.load(io.BytesIO(self.read(STYLE_TABLE_FILE)), allow_pickle=False)
