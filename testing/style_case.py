"""A new style small enough for a test: crops of 48 and 64 px, stripes to learn, a clock that runs by being read."""

import itertools
import shutil
from pathlib import Path

import pytest
from PIL import Image

from testing import training_case
from tfstyle.evaluation import distances
from tfstyle.evaluation.distances import Evaluator
from tfstyle.training import add_style
from tfstyle.training.recipe import Stage
from tfstyle.training.time_budget import Budget

STAGES = (Stage(size=48, batch=2, steps=1), Stage(size=64, batch=2, steps=1))


def make_small(patch: pytest.MonkeyPatch, stages: tuple[Stage, ...] = STAGES) -> None:
    """Sizes at which VGG19 takes little time; and every look at the clock is a second, so no machine is too slow."""
    patch.setattr(add_style, "STAGES", stages)
    patch.setattr(add_style, "LOOKS", 2)
    patch.setattr(distances, "STYLE_IMAGE_SIZES", (64, 96))
    seconds = itertools.count()
    patch.setattr(Budget, "clock", staticmethod(lambda: float(next(seconds))))


def model(tiny_models: Path, folder: Path, *, targets: bool = True) -> Path:
    """A copy of the tiny model, with Gram matrices of a painting for its first style."""
    copy = shutil.copytree(tiny_models / "tiny", folder)
    if targets:
        dots = Evaluator().targets(training_case.paintings()["dots"])
        distances.save_targets(copy / "1" / "assets.extra" / distances.TARGETS_FILE, {"first": dots})
    return copy


def files(folder: Path) -> tuple[Path, Path]:
    """A painting's file and a folder of photos."""
    folder.mkdir(exist_ok=True)
    painting = folder / "stripes.png"
    Image.fromarray(training_case.paintings()["stripes"]).save(painting)
    training_case.photos(folder / "photos")
    return painting, folder / "photos"
