"""A further style for a trained model: the trunk stays, and one style vector is learned in minutes.

The new vector starts as the known one that comes nearest to the style image. How hard the style image pulls is set
while it
learns: until the new style stands between photo and style image as the known ones do, by the Gram matrices of their
style images that came with the model. A known style can be learned again in the same way: its row starts as what it is,
keeps the balance it has, and takes the old one's place.

Reference: [Dumoulin et al., 2017](https://arxiv.org/abs/1610.07629), section 3.4.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tfstyle.contract.catalog import Catalog, Style
from tfstyle.errors import ModelError
from tfstyle.evaluation.distances import TARGETS_FILE, Distances, Evaluator, Targets, load_targets, mean
from tfstyle.export.saved_model import export
from tfstyle.model_store import versions
from tfstyle.networks import checkpoint
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.training.batches import Batches
from tfstyle.training.photo_dataset import PhotoSet
from tfstyle.training.recipe import Stage
from tfstyle.training.time_budget import Budget
from tfstyle.training.vector_trainer import WEIGHTS, Report, VectorTrainer

# Half the time each, however many steps that is: small crops bring colours and strokes for a quarter of the price.
STAGES = (Stage(size=128, batch=4, steps=1), Stage(size=256, batch=2, steps=1))
LOOKS = 4  # photos on which rows are compared
BALANCING = 0.05  # per step, of the logarithm by which style and content are out of balance
BALANCE_RANGE = 4.0  # the style's weight is at most this many times more or less than `WEIGHTS` has it


@dataclass(frozen=True)
class KnownVersion:
    """The newest version of a model, with everything the next one takes over."""

    model: Checkpoint
    catalog: Catalog
    targets: dict[str, Targets]  # empty where the model came without

    @classmethod
    def load(cls, model_folder: Path) -> "KnownVersion":
        """Reads the newest version.

        Raises:
            TrainingError, ModelError: If something of it is missing, or its styles are not those of its rows.
        """
        found = versions.versions(model_folder)
        extra = found[max(found)] / "assets.extra"
        model = Checkpoint.load(extra)
        catalog = Catalog.load(extra / "catalog.json")
        if model.names != catalog.names:
            raise ModelError(
                f"Expected the styles of the weights and of catalog.json in {extra} to be the same, got {model.names} "
                f"and {catalog.names}; export the model again."
            )
        saved = extra / TARGETS_FILE
        return cls(model, catalog, load_targets(saved) if saved.exists() else {})


class NewStyle:
    """Learns the vector of one style.

    Args:
        model_folder: A model with at least one version; the newest is taken.
        style: What the row will be called; the name of a known style has that one learned again.
        style_image: What it is learned from, uint8 [H, W, 3].
        photos: What it is learned on.

    Attributes:
        looks: Photos to judge by, uint8 [B, H, W, 3].
        known_distances: Of the known styles on `looks`, means; None where the model came without their targets. Of a
            style that is learned again, what its row has so far.
        again: Whether the style is a known one.
        start: The style whose row it starts as; None: the mean of all.

    Raises:
        TrainingError, ModelError: If the model does not have what it takes, or too few photos can be read.
    """

    def __init__(self, model_folder: Path, style: Style, style_image: np.ndarray, photos: PhotoSet):
        self.model_folder, self.style, self.photos = model_folder, style, photos
        self.known = KnownVersion.load(model_folder)
        self.evaluator = Evaluator()
        self.targets = self.evaluator.targets(style_image)
        self.again = style.name in self.known.catalog.names
        self.stages = STAGES[-1:] if self.again else STAGES  # a known style has its colours already
        looks = {stage.size: self._batches(stage.size, LOOKS, seed=0)[0]["image"] for stage in self.stages}
        self.looks = looks[STAGES[-1].size]
        # Distances depend on the size of the pictures, so each stage has a balance of its own to reach.
        self.balances = {size: self._known_distances(pictures) for size, pictures in looks.items()}
        self.known_distances = self.balances[STAGES[-1].size]
        self.start = style if self.again else self._nearest_row(looks[STAGES[0].size])
        model = self.known.model
        rows = dict(zip(model.names, model.table, strict=True))
        start = rows[self.start.name] if self.start else model.table.mean(axis=0)
        self.learner = VectorTrainer(model, style.name, style_image, start, self.stages)

    @property
    def step(self) -> int:
        """Steps done."""
        return self.learner.step

    def learn(self, budget: Budget, report: Report = lambda step, terms: None) -> None:
        """Learns until the budget says that it is time to save.

        Raises:
            TrainingError: If photos cannot be read, or the loss is not finite.
        """
        slowest = 0.0  # seconds, of the first step of a stage: TensorFlow plans the computation with it
        for number, stage in enumerate(self.stages):
            batches = self._batches(stage.size, stage.batch, seed=1 + number)
            seconds = 4 * slowest  # of the first step with larger crops, roughly
            index = 0
            while budget.learned < (number + 1) / len(self.stages) and budget.left > seconds:
                began = budget.spent
                terms = self.learner.learn_from(batches[index]["image"], budget.learned)
                seconds = budget.spent - began
                slowest = max(slowest, seconds)
                self._rebalance(stage.size, terms)
                index += 1
                report(self.step, terms)

    def learned(self) -> np.ndarray:
        """The style vector, averaged over the last steps: float32 `[V]`."""
        return self.learner.learned()

    def paint(self) -> np.ndarray:
        """The photos of `looks` as they are painted now, uint8 [B, H, W, 3]."""
        return checkpoint.stylize(self.known.model.trunk, self.looks, self.learned())

    def distances(self) -> Distances:
        """Of the new style on the photos of `looks`."""
        return self._measure(self.learned(), self.looks)

    def save(self, distances: Distances) -> Path:
        """Writes the model's next version, which has the style as its last, or where it was if learned again.

        Should there be a newer version by now than the row was learned for, it gets the row if its convolutions are
        the same: another style was added meanwhile.

        Args:
            distances: What `distances` gave: of the style image's sizes, those near some photo are kept.

        Returns:
            The version's folder.

        Raises:
            TrainingError, ModelError: If the newest version has another trunk, or by now has the style that is
                new, or lacks the one that was learned again.
        """
        targets = {size: self.targets[size] for size in distances.sizes}
        with versions.alone_in(self.model_folder, wait=True):
            known = KnownVersion.load(self.model_folder)
            names = known.catalog.names
            if self.style.name in names and not self.again:
                raise ModelError(
                    f"{self.model_folder} got a style named {self.style.name!r} meanwhile; nothing was written."
                )
            if self.again and self.style.name not in names:
                raise ModelError(
                    f"{self.model_folder} has no style named {self.style.name!r} any more, since a version was taken "
                    "back meanwhile; nothing was written."
                )
            index = names.index(self.style.name) if self.again else len(names)
            if known.model.trunk.fingerprint() != self.known.model.trunk.fingerprint():
                raise ModelError(
                    f"{self.model_folder} got another trunk meanwhile, to which the style vector means nothing: learn "
                    "it again; nothing was written."
                )
            # Catalogs have thumbnails, which weights do not keep.
            model = replace(known.model, styles=known.catalog.styles).with_style(self.style, self.learned(), index)
            return export(
                model,
                versions.next_version(self.model_folder),
                known.catalog.max_pixels,
                {**known.targets, self.style.name: targets},
            )

    def _batches(self, size: int, batch: int, seed: int) -> Batches:
        return Batches(self.photos, 1, size, batch, seed=(seed,))

    def _known_distances(self, photos: np.ndarray) -> Distances | None:
        """Means over the known styles, None where the model came without their targets; of a known style, its own."""
        model = self.known.model
        vectors = dict(zip(model.names, model.table, strict=True))
        if self.again:
            return self._measure(vectors[self.style.name], photos)
        targets = {name: target for name, target in self.known.targets.items() if name in vectors}
        if not targets:
            return None
        measured = self.evaluator.evaluate(
            lambda photo, name: checkpoint.stylize(model.trunk, photo[None], vectors[name])[0], photos, targets
        )
        return mean(list(measured.values()))

    def _measure(self, vector: np.ndarray, photos: np.ndarray) -> Distances:
        """Distances to the new style's style image of photos in a style."""
        stylize = lambda photo, _: checkpoint.stylize(self.known.model.trunk, photo[None], vector)[0]  # noqa: E731
        return self.evaluator.evaluate(stylize, photos, {self.style.name: self.targets})[self.style.name]

    def _nearest_row(self, photos: np.ndarray) -> Style | None:
        """The known style, or None for the mean of all, whose stylized images are nearest to the new one's."""
        vectors: dict[Style | None, np.ndarray] = dict(zip(self.known.catalog, self.known.model.table, strict=True))
        vectors[None] = self.known.model.table.mean(axis=0)
        losses = {}
        for style, vector in vectors.items():
            distances = self._measure(vector, photos)
            losses[style] = WEIGHTS.content * distances.content + WEIGHTS.style * distances.style
        return min(losses, key=losses.__getitem__)

    def _rebalance(self, size: int, terms: Mapping[str, float]) -> None:
        """Moves the style's weight to where both distances are the same multiple of the known styles'."""
        if wanted := self.balances[size]:
            excess = math.log((terms["style"] / wanted.style) / (terms["content"] / wanted.content))
            weight = float(self.learner.style_weight) * math.exp(BALANCING * excess)
            self.learner.style_weight.assign(
                np.clip(weight, WEIGHTS.style / BALANCE_RANGE, WEIGHTS.style * BALANCE_RANGE)
            )
