"""Batches to train on: random crops of photos, each with the style it shall be painted in.

What a batch holds is a function of (seed, step) alone, so a resumed run sees what an unkilled one would have seen, and
`tf.data` and plain NumPy feed the same pixels to a trainer on any backend.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from tfstyle.errors import TrainingError
from tfstyle.training.motion import REACH, Motion
from tfstyle.training.photo_dataset import CorruptPhotoError, PhotoSet
from tfstyle.training.style_corpus import StyleCorpus

MAX_ZOOM = 2.0  # crops show between a whole short side and half of it, so that things come in several sizes
MAX_NOISE = 6.0  # gray levels, the strongest standard deviation: what a phone's camera adds in the dark
MAX_CORRUPT_IN_A_ROW = 100  # a set with that many unreadable photos side by side is broken, not unlucky


@dataclass(frozen=True)
class Batches:
    """An endless, addressable sequence of batches.

    Every photo is used once before any is used twice, and every style has all its turns before they begin again, each
    in an order drawn anew every time.

    Args:
        photos: Where the crops come from.
        styles: Number of styles N.
        size: Side of the crops, px.
        batch: Photos per batch.
        seed: Any tuple of integers >= 0.
        color_jitter: Share by which brightness, contrast and saturation vary from crop to crop.
        sampling_weights: How often each style comes before all begin again; empty: once.
        corpus: Style images for the encoder, needed where `predicted` is above 0.
        predicted: Photos of each batch, its last ones, that are painted in styles of the corpus.
        moved: Photos of each batch, its first ones, that are given a second time, moved as a camera would be.
    """

    photos: PhotoSet
    styles: int
    size: int
    batch: int
    seed: tuple[int, ...]
    color_jitter: float = 0.0
    sampling_weights: tuple[int, ...] = ()
    corpus: StyleCorpus | None = None
    predicted: int = 0
    moved: int = 0
    failures: list[TrainingError] = field(default_factory=list, compare=False)  # what `tf.data` cannot pass on

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        """Batch number `step`.

        Returns:
            `image` uint8 [B, size, size, 3]; `style` int32 [B - predicted], indices below N. Where the batch has moved
            photos: `moved` uint8 [moved, size, size, 3], with a little noise, and `motion` float32 [2, 6], see
            `losses.motion_loss`. Where it has predicted styles: `statistics` float32 [predicted, K] and, for each layer
            of the corpus, `<layer>_gram` float16 [predicted, C, C] and `<layer>_norm` float32 [predicted].
        """
        named = self.batch - self.predicted
        turns = np.repeat(np.arange(self.styles, dtype="int32"), self.sampling_weights or 1)
        motion = Motion.draw(self._random(3, step))
        crops = [
            self._crop(step * self.batch + place, motion if place < self.moved else None) for place in range(self.batch)
        ]
        batch = {
            "image": np.stack([crop[0] for crop in crops]),
            "style": turns[
                [self._drawn(number, len(turns), "style") for number in range(step * named, (step + 1) * named)]
            ],
        }
        if self.moved:
            moved = np.stack([crop[1] for crop in crops[: self.moved]])
            half = motion.half()
            halves = np.stack([half.transform(self.size), half.inverse().transform(self.size)])
            batch |= {"moved": self._noisy(moved, step), "motion": halves}
        if self.predicted and self.corpus:
            chosen = self._random(4, step).choice(len(self.corpus), self.predicted, p=self.corpus.shares).tolist()
            batch["statistics"] = self.corpus.statistics[chosen]
            for number, layer in enumerate(self.corpus.folders[0].grams):
                batch[f"{layer}_gram"] = self.corpus.grams(layer, chosen)
                batch[f"{layer}_norm"] = self.corpus.norms[chosen, number]
        return batch

    def _noisy(self, crops: np.ndarray, step: int) -> np.ndarray:
        """With noise as a camera adds it, of a strength drawn anew for every batch."""
        random = self._random(5, step)
        noise = random.standard_normal(crops.shape, dtype="float32") * random.uniform(0, MAX_NOISE)
        return np.clip(np.rint(crops + noise), 0, 255).astype("uint8")

    def _random(self, *key: int) -> np.random.Generator:
        return np.random.default_rng((*self.seed, *key))

    def _drawn(self, number: int, count: int, what: str) -> int:
        """Item `number` of a sequence in which each of `count` things comes once per round, shuffled every round."""
        stream = {"photo": 0, "style": 1}[what]
        return int(self._random(stream, number // count).permutation(count)[number % count])

    def _crop(self, number: int, motion: Motion | None) -> list[np.ndarray]:
        """A crop; behind it the same moved, where a motion is given."""
        random = self._random(2, number)
        start = self._drawn(number, len(self.photos), "photo")
        attempts = min(MAX_CORRUPT_IN_A_ROW, len(self.photos))
        for offset in range(attempts):
            try:
                photo = self.photos.decode((start + offset) % len(self.photos), round(MAX_ZOOM * self.size))
            except CorruptPhotoError:  # counted by the photos; its neighbour stands in
                continue
            return _random_crops(photo, self.size, self.color_jitter, motion, random)
        raise TrainingError(
            f"Expected readable photos. {attempts} in a row are corrupt: look at them with `tfstyle data check`."
        )

    def numpy(self, start: int, stop: int) -> Iterator[tuple[dict[str, np.ndarray]]]:
        """Batches `start` to `stop` one after the other, as Keras takes them on every backend."""
        for step in range(start, stop):
            yield (self[step],)

    def tf_data(self, start: int, stop: int) -> Any:
        """The same batches as a `tf.data.Dataset`, decoded in parallel and prefetched."""
        import tensorflow as tf

        example = self[start]

        def batch(step):
            try:
                return tuple(self[int(step)].values())
            except TrainingError as error:
                self.failures.append(error)
                raise

        def load(step):
            types = tuple(tf.as_dtype(value.dtype) for value in example.values())
            arrays = tf.numpy_function(batch, [step], types, stateful=False)
            for array, value in zip(arrays, example.values(), strict=True):
                array.set_shape(value.shape)
            return (dict(zip(example, arrays, strict=True)),)

        steps = tf.data.Dataset.range(start, stop)
        return steps.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def _random_crops(
    photo: Image.Image, size: int, color_jitter: float, motion: Motion | None, random: np.random.Generator
) -> list[np.ndarray]:
    """A square of random scale and place, maybe mirrored, `size` px each way, and where asked for the same moved.

    Only small photos are enlarged. Both squares lie in the photo: nothing is made up at the borders.
    """
    margin = REACH if motion else 0
    whole = (size + 2 * margin, size + 2 * margin)
    short = min(photo.size)
    side = short / random.uniform(1, max(1, min(MAX_ZOOM, short / whole[0])))
    left, top = random.uniform(0, photo.width - side), random.uniform(0, photo.height - side)
    # Mirrored with the photo, so that the motion keeps its direction.
    if random.random() < 0.5:
        photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    seen = photo.resize(whole, Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    crops = [seen.crop((margin, margin, margin + size, margin + size))]
    if motion:
        moved = seen.transform(whole, Image.Transform.AFFINE, _pillow(motion, whole[0]), Image.Resampling.BICUBIC)
        crops.append(moved.crop((margin, margin, margin + size, margin + size)))
    return [np.asarray(crop) for crop in _jittered(crops, color_jitter, random)]


def _pillow(motion: Motion, size: int) -> tuple[float, ...]:
    """The motion of a square of `size` px as Pillow counts: from the corner of the first pixel, not its middle."""
    a0, a1, a2, b0, b1, b2 = motion.transform(size).astype(float)
    return a0, a1, a2 + 0.5 * (1 - a0 - a1), b0, b1, b2 + 0.5 * (1 - b0 - b1)


def _jittered(crops: list[Image.Image], color_jitter: float, random: np.random.Generator) -> list[Image.Image]:
    """As another light or camera might have shown them all."""
    if color_jitter:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            factor = random.uniform(1 - color_jitter, 1 + color_jitter)
            crops = [enhance(crop).enhance(factor) for crop in crops]
    return crops
