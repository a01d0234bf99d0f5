"""Where the paintings are: one file per style in a folder, named after it."""

from collections.abc import Iterable
from pathlib import Path

from tfstyle.errors import TrainingError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def find_paintings(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Style name to its painting's file.

    Raises:
        TrainingError: If a style has no painting in `folder`.
    """
    found = {
        name: next((file for suffix in SUFFIXES if (file := folder / f"{name}{suffix}").is_file()), None)
        for name in names
    }
    missing = [name for name, file in found.items() if file is None]
    if missing:
        raise TrainingError(
            f"Expected one painting <name>.jpg or .png a style in {folder}. Missing: {', '.join(missing)}."
        )
    return found
