"""Puts the newest released model into the wheel, for ONNX Runtime alone: `tfstyle/saved_models/tfstyle/<version>/`.

A build hook of hatchling. The SavedModel stays out: who serves or trains has a checkout or an image with models.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODEL = "tfstyle"
TAKEN = ("catalog.json", "golden.png", "onnx")  # of a version's assets.extra


class WheelModel(BuildHookInterface):
    """Adds files to what the wheel holds."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is built; an editable installation reads the checkout's models."""
        if version == "editable":
            return
        models = Path(self.root) / "saved_models"
        newest = max((folder for folder in (models / MODEL).iterdir() if folder.name.isdecimal()), key=_number)
        inside = f"tfstyle/saved_models/{MODEL}/{newest.name}/assets.extra"
        for name in TAKEN:
            path = newest / "assets.extra" / name
            if not path.exists():
                raise FileNotFoundError(f"{path}, which the wheel needs; export the model again.")
            build_data["force_include"][str(path)] = f"{inside}/{name}"
        build_data["force_include"][str(models / "README.md")] = "tfstyle/saved_models/README.md"  # rights, distances


def _number(folder: Path) -> int:
    return int(folder.name)
