"""A training run: its folder, checkpoints, progress, sample sheets, and going on where it was stopped.

<run>/checkpoint.npz      weights, averages and optimizer state; replaced as a whole, so a kill never harms it
<run>/losses.csv          one line per report: step, seconds, learning rate and each loss term
<run>/sheet_000200.png    sample photos in every style, painted with the averaged weights
<run>/model.npz           the averaged weights: what `tfstyle export` and `--init-from` take
"""

import csv
import math
import os
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from PIL import Image

from tfstyle.contract.catalog import Style
from tfstyle.errors import TrainingError
from tfstyle.networks import checkpoint
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.networks.precision import policy, xla_pays
from tfstyle.networks.style_encoder import StyleEncoder, StyleEncoderConfig
from tfstyle.networks.transformer import Transformer
from tfstyle.training.batches import Batches
from tfstyle.training.photo_dataset import PhotoSet
from tfstyle.training.recipe import Recipe
from tfstyle.training.style_corpus import StyleCorpus
from tfstyle.training.trainer import StyleTrainer, averaged_weights, go_on_at, make_optimizer

CHECKPOINT_FILE = "checkpoint.npz"
FINGERPRINT = "recipe"
LOSSES_FILE = "losses.csv"

Report = Callable[[int, float, Mapping[str, float]], None]  # step, seconds a step, loss terms


class Run:
    """Trains a recipe in a folder; a folder with a checkpoint in it goes on from there.

    Args:
        folder: Where everything is written; made if need be.
        recipe: What to train.
        photos: What to train on.
        style_images: Style name to style image, uint8 [H, W, 3].
        samples: Photos for the sheets, uint8 [H, W, 3] each.
        init_from: Weights to start from, see `tfstyle.networks.checkpoint.Checkpoint.load`. With an encoder in them
            they are of such a training, which goes on at their step, with fresh optimizer state. A checkpoint goes
            first.
        corpus: Style images for the encoder, where the recipe trains one.
        vgg19: Weights of the loss network, see `tfstyle.networks.vgg19.VGG19`.
        precision: Keras dtype policy, `float32` or `mixed_bfloat16`.
        jit: Whether the step may be compiled by XLA; with several devices, or where it does not pay, it never is.
        devices: TensorFlow devices that share every batch, such as `["GPU:0", "GPU:1"]`; None takes all GPUs.
        checkpoint_every, sheet_every, report_every: Steps between them.
        report: Called with every report.

    Raises:
        TrainingError: If the recipe does not fit the style images, the weights or the checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        photos: PhotoSet,
        style_images: Mapping[str, np.ndarray],
        *,
        samples: Sequence[np.ndarray] = (),
        init_from: Path | None = None,
        corpus: StyleCorpus | None = None,
        vgg19: str = "embedded",
        precision: str = "float32",
        jit: bool = True,
        devices: Sequence[str] | None = None,
        checkpoint_every: int = 50,
        sheet_every: int = 200,
        report_every: int = 10,
        report: Report = lambda step, seconds, terms: None,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.recipe, self.photos, self.samples, self.corpus = folder, recipe, photos, samples, corpus
        if recipe.encoder and corpus is None:
            raise TrainingError(f"The recipe {recipe.name} trains a style encoder: give style images to learn from.")
        self.every = {"checkpoint": checkpoint_every, "sheet": sheet_every, "report": report_every}
        self.report = report
        self._curves: Any = None  # opened with the first report
        keras.utils.set_random_seed(recipe.seed)
        devices = _gpus() if devices is None else devices
        replicas = max(1, len(devices))
        if uneven := [stage.batch for stage in recipe.stages if stage.batch % replicas]:
            raise TrainingError(
                f"Expected batches that {replicas} devices can share evenly. The recipe {recipe.name} has batches of "
                f"{uneven}: change it, or train on fewer devices."
            )
        with policy(precision), _sharing(devices):
            transformer, table, encoder, step = self._begin(init_from)
            self.trainer = StyleTrainer(transformer, recipe, style_images, table, encoder, vgg19=vgg19, name="trainer")
            # The step with fresh optimizer state; part of the checkpoint, since the warm-up counts from it.
            self.since = keras.Variable(step, dtype="int32", trainable=False, name="since")
            # XLA compiles no function in which replicas exchange their gradients.
            compiled = jit and replicas == 1 and xla_pays(precision)
            self.trainer.compile(optimizer=make_optimizer(recipe, self.since), jit_compile=compiled)
            self.trainer.optimizer.build(self.trainer.trainable_variables)
            go_on_at(self.trainer, step)
        if (folder / CHECKPOINT_FILE).exists():
            self.restore()

    def _begin(self, init_from: Path | None) -> tuple[Transformer, np.ndarray | None, StyleEncoder | None, int]:
        """Network, style table, encoder and step to begin with."""
        recipe = self.recipe
        transformer = checkpoint.new_transformer(recipe.network)
        source = Checkpoint.load(init_from) if init_from is not None else None
        table = checkpoint.initialize(transformer, self.styles, source) if source else None
        if not recipe.encoder or self.corpus is None:  # which the constructor refuses where there is an encoder
            return transformer, table, None, 0
        if source and source.encoder:
            return transformer, table, source.encoder, source.step
        encoder = checkpoint.new_encoder(StyleEncoderConfig(style_size=transformer.style_size))
        encoder.fit_whitening(self.corpus.statistics)
        if table is not None:
            encoder.mean_vector.assign(table.mean(axis=0))
        else:
            encoder.mean_vector.assign(checkpoint.neutral_vector(transformer))
        return transformer, table, encoder, 0

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
        return int(ops.convert_to_numpy(self.trainer.optimizer.iterations))

    def train(self) -> None:
        """Runs what is left of every stage.

        Raises:
            TrainingError: If photos cannot be read, or a loss or a weight is not finite; the checkpoint before stays.
            KeyboardInterrupt: On Ctrl-C, after a checkpoint was written.
        """
        end = 0
        for number, stage in enumerate(self.recipe.stages):
            start, end = end, end + stage.steps
            if self.step >= end:
                continue
            seed, shares = (self.recipe.seed, number), tuple(style.sampling_weight for style in self.recipe.styles)
            batches = Batches(
                self.photos, len(shares), stage.size, stage.batch, seed, self.recipe.color_jitter, shares,
                self.corpus, stage.predicted, stage.moved,
            )  # fmt: skip
            tensorflow = keras.backend.backend() == "tensorflow"
            data = (batches.tf_data if tensorflow else batches.numpy)(self.step - start, stage.steps)
            progress = _Progress(self, end)
            # A function that has seen another crop size would be traced for open sizes and round differently than the
            # one that a resumed run traces.
            self.trainer.make_train_function(force=True)
            if not tensorflow:
                # Keras ends a fit by giving variables the arrays of their averages, and JAX donates no array twice.
                for variable in self.trainer.trainable_variables:
                    variable.assign(ops.copy(variable.value))
            try:
                self.trainer.fit(data, steps_per_epoch=end - self.step, shuffle=False, verbose=0, callbacks=[progress])
            except KeyboardInterrupt:
                progress.save()
                raise
            except Exception:
                if batches.failures:  # tf.data has made an error of its own of it
                    raise batches.failures[0] from None
                raise

    def save(self) -> None:
        """Writes the checkpoint and the averaged weights; those before are there until the new ones are complete.

        Raises:
            TrainingError: If a weight is not finite; nothing is written then.
        """
        arrays = {f"{group}/{v.path}": ops.convert_to_numpy(v) for group, variables in self._state() for v in variables}
        if broken := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
            raise TrainingError(
                f"{len(broken)} weights are not finite after step {self.step}, {broken[0]} among them. Lower the "
                f"learning rate or the loss weights and start again: the checkpoint in {self.folder} is from before."
            )
        arrays[FINGERPRINT] = np.array(self._fingerprint())
        temporary = self.folder / f"{CHECKPOINT_FILE}.tmp"
        with temporary.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / CHECKPOINT_FILE)
        self.save_weights()

    def restore(self) -> None:
        """Takes weights and optimizer state from the checkpoint."""
        path = self.folder / CHECKPOINT_FILE
        try:
            with np.load(path) as arrays:
                if str(arrays[FINGERPRINT]) != self._fingerprint():
                    raise ValueError(f"it is of {arrays[FINGERPRINT]}, this is {self._fingerprint()}")
                for group, variables in self._state():
                    for variable in variables:
                        variable.assign(arrays[f"{group}/{variable.path}"])
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise TrainingError(
                f"Expected {path} to be a checkpoint of the recipe {self.recipe.name}. It is not ({error}): train in "
                "another folder, or remove it to start anew."
            ) from error
        self._forget_reports_after(self.step)

    def _state(self):
        """What a checkpoint holds: names of groups and their variables."""
        encoder = self.trainer.encoder.variables if self.trainer.encoder else []
        return (
            ("weights", [*self.trainer.transformer.variables, self.trainer.table, *encoder]),
            ("optimizer", [*self.trainer.optimizer.variables, self.since]),
        )

    def _fingerprint(self) -> str:
        """What must not change between a checkpoint and the run that goes on from it; loss weights may."""
        return f"{', '.join(style.name for style in self.recipe.styles)} in {self.recipe.network}"

    def _forget_reports_after(self, step: int) -> None:
        """Steps between the checkpoint and a kill are done again, and reported again."""
        path = self.folder / LOSSES_FILE
        if path.exists():
            head, *lines = path.read_text().splitlines(keepends=True)
            path.write_text(head + "".join(line for line in lines if int(line.partition(",")[0]) <= step))

    def averaged(self) -> Checkpoint:
        """A copy of the model with the averaged weights."""
        values = averaged_weights(self.trainer)
        transformer = checkpoint.new_transformer(self.recipe.network)
        for variable in transformer.variables:
            variable.assign(values[variable.path])
        encoder = None
        if trained := self.trainer.encoder:
            encoder = checkpoint.new_encoder(trained.config)
            for variable, now in zip(encoder.variables, trained.variables, strict=True):
                variable.assign(values.get(now.path, now))
        return Checkpoint(transformer, self.styles, values[self.trainer.table.path], encoder, self.step)

    def save_weights(self) -> None:
        """Writes the averaged weights, for `tfstyle export` and `--init-from`."""
        self.averaged().save(self.folder / checkpoint.WEIGHTS_FILE)

    def write_curves(self, step: int, terms: Mapping[str, float]) -> None:
        """One point per loss term for TensorBoard, where TensorFlow is the backend."""
        if keras.backend.backend() != "tensorflow":
            return
        import tensorflow as tf

        if self._curves is None:
            self._curves = tf.summary.create_file_writer(str(self.folder / "tensorboard"))
        with self._curves.as_default():
            for name, value in terms.items():
                tf.summary.scalar(name, value, step=step)
        self._curves.flush()

    def save_sheet(self) -> None:
        """Paints every sample photo in every style, one row a photo, the photo itself first."""
        if not self.samples:
            return
        model = self.averaged()
        rows = []
        for photo in self.samples:
            painted = [model.paint(photo[None], style)[0] for style in np.eye(len(self.styles))]
            rows.append(np.concatenate([photo, *painted], axis=1))
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
        self.run.write_curves(step, terms)
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow({key: f"{value:.6g}" for key, value in row.items()})
        self.run.report(step, seconds, terms)


def _gpus() -> list[str]:
    """Every GPU, where TensorFlow is the backend; JAX takes its first device."""
    if keras.backend.backend() != "tensorflow":
        return []
    import tensorflow as tf

    return [f"GPU:{number}" for number in range(len(tf.config.list_physical_devices("GPU")))]


def _sharing(devices: Sequence[str]) -> AbstractContextManager:
    """Within it, what is built is built once per device and kept equal; nothing of it for less than two."""
    if len(devices) < 2:
        return nullcontext()
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(devices).scope()
