"""A training run: its folder, checkpoints, progress, sample sheets, and going on where it was stopped.

<run>/checkpoint.npz      weights, averages and optimizer state; replaced as a whole, so a kill never harms it
<run>/losses.csv          one line per report: step, seconds, learning rate and each loss term
<run>/sheet_000200.png    sample photos in every style, painted with the averaged weights
<run>/model.weights.h5    the averaged weights, with config.json: what `tfstyle export` takes
"""

import csv
import math
import os
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops
from PIL import Image

from tfstyle import weights
from tfstyle.catalog import Style
from tfstyle.data import Batches
from tfstyle.errors import TrainingError
from tfstyle.photos import PhotoSet
from tfstyle.recipe import Recipe
from tfstyle.trainer import StyleTrainer, averaged_weights, make_optimizer

CHECKPOINT_FILE = "checkpoint.npz"
LOSSES_FILE = "losses.csv"

Report = Callable[[int, float, Mapping[str, float]], None]  # step, seconds a step, loss terms


class Run:
    """Trains a recipe in a folder; a folder with a checkpoint in it goes on from there.

    Args:
        folder: Where everything is written; made if need be.
        recipe: What to train.
        photos: What to train on.
        paintings: Style name to painting, uint8 [H, W, 3].
        samples: Photos for the sheets, uint8 [H, W, 3] each.
        init_from: A folder with weights to start from, see `tfstyle.weights.load`. A checkpoint goes first.
        vgg19: Weights of the loss network, see `tfstyle.vgg19.VGG19`.
        precision: Keras dtype policy, `float32` or `mixed_bfloat16`.
        jit: Whether the step is compiled by XLA.
        checkpoint_every, sheet_every, report_every: Steps between them.
        report: Called with every report.

    Raises:
        TrainingError: If the recipe does not fit the paintings, the weights or the checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        photos: PhotoSet,
        paintings: Mapping[str, np.ndarray],
        *,
        samples: Sequence[np.ndarray] = (),
        init_from: Path | None = None,
        vgg19: str = "embedded",
        precision: str = "float32",
        jit: bool = True,
        checkpoint_every: int = 50,
        sheet_every: int = 200,
        report_every: int = 10,
        report: Report = lambda step, seconds, terms: None,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.recipe, self.photos, self.samples = folder, recipe, photos, samples
        self.every = {"checkpoint": checkpoint_every, "sheet": sheet_every, "report": report_every}
        self.report = report
        keras.utils.set_random_seed(recipe.seed)
        keras.config.set_dtype_policy(precision)
        transformer = weights.new_transformer(recipe.network)
        if init_from is not None:
            weights.initialize(transformer, self.styles, *weights.load(init_from))
        self.trainer = StyleTrainer(transformer, recipe, paintings, vgg19=vgg19, name="trainer")
        self.trainer.compile(optimizer=make_optimizer(recipe), jit_compile=jit)
        self.trainer.optimizer.build(self.trainer.trainable_variables)
        if (folder / CHECKPOINT_FILE).exists():
            self.restore()

    @property
    def styles(self) -> tuple[Style, ...]:
        """What the network's rows stand for."""
        return tuple(
            Style(name=style.name, title=style.title, artist=style.artist, year=style.year)
            for style in self.recipe.styles
        )

    @property
    def step(self) -> int:
        """Steps done, over all stages."""
        return int(self.trainer.optimizer.iterations)

    def train(self) -> None:
        """Runs what is left of every stage, then writes the averaged weights.

        Raises:
            TrainingError: If a loss is not finite; the checkpoint before stays.
            KeyboardInterrupt: On Ctrl-C, after a checkpoint was written.
        """
        end = 0
        for number, stage in enumerate(self.recipe.stages):
            start, end = end, end + stage.steps
            if self.step >= end:
                continue
            batches = Batches(self.photos, len(self.styles), stage.size, stage.batch, seed=(self.recipe.seed, number))
            tensorflow = keras.backend.backend() == "tensorflow"
            data = (batches.tf_data if tensorflow else batches.numpy)(self.step - start, stage.steps)
            callbacks = [_Progress(self, end)]
            if tensorflow:
                callbacks.append(keras.callbacks.TensorBoard(self.folder / "tensorboard", update_freq=10))
            # A function that has seen another crop size would be traced for open sizes and round differently than the
            # one that a resumed run traces.
            self.trainer.make_train_function(force=True)
            for variable in self.trainer.trainable_variables:
                # Keras ends a fit by giving variables the arrays of their averages, and JAX donates no array twice.
                variable.assign(ops.copy(variable.value))
            try:
                self.trainer.fit(data, steps_per_epoch=end - self.step, shuffle=False, verbose=0, callbacks=callbacks)
            except KeyboardInterrupt:
                callbacks[0].save()
                raise
        self.save_weights()

    def save(self) -> None:
        """Writes the checkpoint; the one before is there until the new one is complete."""
        arrays = {f"weights/{v.path}": ops.convert_to_numpy(v) for v in self.trainer.transformer.variables}
        arrays |= {f"optimizer/{v.path}": ops.convert_to_numpy(v) for v in self.trainer.optimizer.variables}
        temporary = self.folder / f"{CHECKPOINT_FILE}.tmp"
        with temporary.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / CHECKPOINT_FILE)

    def restore(self) -> None:
        """Takes weights and optimizer state from the checkpoint."""
        path = self.folder / CHECKPOINT_FILE
        groups = {"weights": self.trainer.transformer.variables, "optimizer": self.trainer.optimizer.variables}
        try:
            with np.load(path) as arrays:
                for group, variables in groups.items():
                    for variable in variables:
                        variable.assign(arrays[f"{group}/{variable.path}"])
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise TrainingError(
                f"Expected {path} to be a checkpoint of the recipe {self.recipe.name}. It is not ({error}): train in "
                "another folder, or remove it to start anew."
            ) from error

    def averaged(self) -> weights.Transformer:
        """A copy of the network with the averaged weights."""
        transformer = weights.new_transformer(self.recipe.network)
        values = averaged_weights(self.trainer)
        for variable in transformer.variables:
            variable.assign(values[variable.path])
        return transformer

    def save_weights(self) -> None:
        """Writes the averaged weights and their config, for `tfstyle export` and `--init-from`."""
        weights.save(self.averaged(), self.styles, self.folder)

    def save_sheet(self) -> None:
        """Paints every sample photo in every style, one row a photo, the photo itself first."""
        if not self.samples:
            return
        transformer = self.averaged()
        styles = np.eye(len(self.styles), dtype="float32")
        rows = []
        for photo in self.samples:
            painted = [ops.convert_to_numpy(transformer(photo[None], style[None]))[0] for style in styles]
            rows.append(np.concatenate([photo, *np.round(painted).astype("uint8")], axis=1))
        width = max(row.shape[1] for row in rows)
        rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
        Image.fromarray(np.concatenate(rows)).save(self.folder / f"sheet_{self.step:06d}.png")


class _Progress(keras.callbacks.Callback):
    """Reports, checkpoints and sheets of one stage. `self.model` also brings JAX' state back into the variables."""

    def __init__(self, run: Run, end: int):
        super().__init__()
        self.run, self.end = run, end
        self.first = run.step
        self.began = time.monotonic()
        self.reported: tuple[int, dict[str, float]] = (0, {})  # batches and means at the last report

    def on_train_batch_end(self, batch, logs=None):
        step = self.first + batch + 1
        for name, value in logs.items():
            if not math.isfinite(float(value)):
                raise TrainingError(
                    f"The {name} loss is {float(value)} at step {step}. Lower the learning rate or the loss weights "
                    f"and start again: the checkpoint in {self.run.folder} is from before."
                )
        if step % self.run.every["report"] == 0 or step == self.end:
            self._report(step, batch + 1, {name: float(value) for name, value in logs.items()})
        if step == self.end:
            return  # `on_train_end` comes after the averaged weights were taken over
        if step % self.run.every["checkpoint"] == 0:
            self.save()
        if step % self.run.every["sheet"] == 0:
            self.model  # noqa: B018  brings the state back before it is read
            self.run.save_sheet()

    def on_train_end(self, logs=None):
        self.save()
        self.run.save_sheet()

    def save(self):
        self.model  # noqa: B018  brings the state back before it is read
        self.run.save()

    def _report(self, step: int, batches: int, means: dict[str, float]) -> None:
        # Keras logs means since the stage began; their differences give the means since the last report.
        before, old = self.reported
        terms = {
            name: (value * batches - old.get(name, 0.0) * before) / (batches - before) for name, value in means.items()
        }
        seconds = (time.monotonic() - self.began) / (batches - before)
        self.reported, self.began = (batches, means), time.monotonic()
        path = self.run.folder / LOSSES_FILE
        row = {"step": step, "seconds_per_step": seconds, **terms}
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow({key: f"{value:.6g}" for key, value in row.items()})
        self.run.report(step, seconds, terms)
