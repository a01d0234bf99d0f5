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
    found: dict[str, Path] = {}
    missing = []
    for name in names:
        file = next((file for suffix in SUFFIXES if (file := folder / f"{name}{suffix}").is_file()), None)
        if file is None:
            missing.append(name)
        else:
            found[name] = file
    if missing:
        raise TrainingError(
            f"Expected one painting <name>.jpg or .png a style in {folder}. Missing: {', '.join(missing)}."
        )
    return found
