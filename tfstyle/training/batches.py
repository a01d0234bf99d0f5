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
from tfstyle.training.photo_dataset import CorruptPhotoError, PhotoSet

MAX_ZOOM = 2.0  # crops show between a whole short side and half of it, so that things come in several sizes
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
        jitter: Share by which brightness, contrast and saturation vary from crop to crop.
        turns: How often each style comes before all begin again; empty: once.
    """

    photos: PhotoSet
    styles: int
    size: int
    batch: int
    seed: tuple[int, ...]
    jitter: float = 0.0
    turns: tuple[int, ...] = ()
    failures: list[TrainingError] = field(default_factory=list, compare=False)  # what `tf.data` cannot pass on

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        """Batch number `step`: `image` uint8 [B, size, size, 3] and `style` int32 [B], indices below N."""
        numbers = range(step * self.batch, (step + 1) * self.batch)
        turns = np.repeat(np.arange(self.styles, dtype="int32"), self.turns or 1)
        return {
            "image": np.stack([self._crop(number) for number in numbers]),
            "style": turns[[self._drawn(number, len(turns), "style") for number in numbers]],
        }

    def _random(self, *key: int) -> np.random.Generator:
        return np.random.default_rng((*self.seed, *key))

    def _drawn(self, number: int, count: int, what: str) -> int:
        """Item `number` of a sequence in which each of `count` things comes once per round, shuffled every round."""
        stream = {"photo": 0, "style": 1}[what]
        return int(self._random(stream, number // count).permutation(count)[number % count])

    def _crop(self, number: int) -> np.ndarray:
        random = self._random(2, number)
        start = self._drawn(number, len(self.photos), "photo")
        attempts = min(MAX_CORRUPT_IN_A_ROW, len(self.photos))
        for offset in range(attempts):
            try:
                photo = self.photos.decode((start + offset) % len(self.photos), round(MAX_ZOOM * self.size))
            except CorruptPhotoError:  # counted by the photos; its neighbour stands in
                continue
            return np.asarray(_jittered(_random_crop(photo, self.size, random), self.jitter, random))
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

        def batch(step):
            try:
                return tuple(self[int(step)].values())
            except TrainingError as error:
                self.failures.append(error)
                raise

        def load(step):
            image, style = tf.numpy_function(batch, [step], (tf.uint8, tf.int32), stateful=False)
            image.set_shape((self.batch, self.size, self.size, 3))
            style.set_shape((self.batch,))
            return ({"image": image, "style": style},)

        steps = tf.data.Dataset.range(start, stop)
        return steps.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def _random_crop(photo: Image.Image, size: int, random: np.random.Generator) -> Image.Image:
    """A square of random scale and place, maybe mirrored, `size` px each way. Only small photos are enlarged."""
    short = min(photo.size)
    side = short / random.uniform(1, max(1, min(MAX_ZOOM, short / size)))
    left = random.uniform(0, photo.width - side)
    top = random.uniform(0, photo.height - side)
    crop = photo.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else crop


def _jittered(crop: Image.Image, jitter: float, random: np.random.Generator) -> Image.Image:
    """As another light or camera might have shown it."""
    if jitter:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            crop = enhance(crop).enhance(random.uniform(1 - jitter, 1 + jitter))
    return crop
