"""Tuning: a predicted style vector, learned further on photos within a minute or so; nothing but the vector changes.

The style encoder has seen the painting for a moment, in general terms; the losses that taught it say what is missing.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.training.batches import Batches
from tfstyle.training.photo_dataset import PhotoSet
from tfstyle.training.recipe import Stage
from tfstyle.training.vector_trainer import Report, VectorTrainer

STAGE = Stage(size=192, batch=2, steps=1)  # small enough for some dozens of steps a minute, large enough for strokes


def tune(
    version: Path,
    style_image: np.ndarray,
    start: np.ndarray,
    photos: PhotoSet,
    seconds: float,
    report: Report = lambda step, terms: None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[np.ndarray, int]:
    """Learns a style vector further.

    Args:
        version: Folder of the version whose trunk it is for.
        style_image: The painting, uint8 `[H,W,3]`.
        start: Its vector so far, float32 `[V]`.
        photos: What it is learned on.
        seconds: How long, beginning with the second step: TensorFlow plans the computation with the first, and how
            long that takes says the machine. At least one step is made.
        report: Called after each step.
        clock: Seconds.

    Returns:
        The vector, float32 `[V]`, and the number of steps.

    Raises:
        TrainingError: If photos cannot be read, or the loss is not finite.
    """
    trainer = VectorTrainer(Checkpoint.load(version), "tuned", style_image, start, (STAGE,))
    batches = Batches(photos, 1, STAGE.size, STAGE.batch, seed=(1,))
    report(1, trainer.learn_from(batches[0]["image"], 0.0))
    began = clock()
    while (spent := clock() - began) < seconds:
        terms = trainer.learn_from(batches[trainer.step]["image"], spent / seconds)
        report(trainer.step, terms)
    return trainer.learned(), trainer.step
