"""A new style small enough for a test: crops of 48 and 64 px, stripes to learn, a clock that runs by being read."""

import itertools
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests import training_case
from tfstyle import evaluate, new_style
from tfstyle.budget import Budget
from tfstyle.evaluate import Evaluator
from tfstyle.recipe import Stage

STAGES = (Stage(size=48, batch=2, steps=1), Stage(size=64, batch=2, steps=1))


def make_small(patch: pytest.MonkeyPatch, stages: tuple[Stage, ...] = STAGES) -> None:
    """Sizes at which VGG19 takes little time; and every look at the clock is a second, so no machine is too slow."""
    patch.setattr(new_style, "STAGES", stages)
    patch.setattr(new_style, "LOOKS", 2)
    patch.setattr(evaluate, "PAINTING_SIZES", (64, 96))
    seconds = itertools.count()
    patch.setattr(Budget, "clock", staticmethod(lambda: float(next(seconds))))


def model(tiny_models: Path, folder: Path, *, targets: bool = True) -> Path:
    """A copy of the tiny model, with Gram matrices of a painting for its first style."""
    copy = shutil.copytree(tiny_models / "tiny", folder)
    if targets:
        dots = Evaluator().targets(training_case.paintings()["dots"])
        evaluate.save_targets(copy / "1" / "assets.extra" / evaluate.TARGETS_FILE, {"first": dots})
    return copy


def files(folder: Path) -> tuple[Path, Path]:
    """A painting's file and a folder of photos."""
    folder.mkdir(exist_ok=True)
    painting = folder / "stripes.png"
    Image.fromarray(training_case.paintings()["stripes"]).save(painting)
    training_case.photos(folder / "photos")
    return painting, folder / "photos"
