"""Synthetic motion: how a camera that is held by a hand moves from one frame to the next."""

import math
from dataclasses import dataclass

import numpy as np

MAX_SHIFT = 8  # px, each way
NEAR_SHIFT = 3.0  # px that most motions shift by, at most
FAR_SHARE = 0.2  # of the motions, which shift by up to `MAX_SHIFT`
WHOLE_SHARE = 0.3  # of the motions, which shift by whole pixels and do nothing else: they need no interpolation
MAX_ANGLE = math.radians(1.5)
MAX_ZOOM = 0.015
REACH = MAX_SHIFT + 4  # px beyond a picture's border that a motion shows, at most, in pictures of up to 256 px


@dataclass(frozen=True)
class Motion:
    """A turn and a zoom about the middle of the picture, and a shift.

    Attributes:
        down, right: The shift, px: what is at (y, x) in the moved picture is at (y + down, x + right) in the other.
        angle: Radians.
        zoom: Pixels of the other picture per pixel of the moved one.
    """

    down: float
    right: float
    angle: float = 0.0
    zoom: float = 1.0

    @classmethod
    def draw(cls, random: np.random.Generator) -> "Motion":
        """A motion as they come in videos; never none at all."""
        kind = random.random()
        if kind < WHOLE_SHARE + FAR_SHARE:
            reach = MAX_SHIFT if kind < FAR_SHARE else int(NEAR_SHIFT)
            while True:
                down, right = random.integers(-reach, reach + 1, 2)
                if down or right:
                    return cls(float(down), float(right))
        down, right = random.uniform(-NEAR_SHIFT, NEAR_SHIFT, 2)
        return cls(
            float(down), float(right), float(random.uniform(-MAX_ANGLE, MAX_ANGLE)),
            float(1 + random.uniform(-MAX_ZOOM, MAX_ZOOM)),
        )  # fmt: skip

    def half(self) -> "Motion":
        """The motion that, done twice, is this one."""
        half = Motion(0, 0, self.angle / 2, math.sqrt(self.zoom))
        right, down = np.linalg.solve(np.eye(2) + half._turn(), (self.right, self.down))
        return Motion(float(down), float(right), half.angle, half.zoom)

    def inverse(self) -> "Motion":
        """The motion back."""
        back = Motion(0, 0, -self.angle, 1 / self.zoom)
        right, down = -back._turn() @ (self.right, self.down)
        return Motion(float(down), float(right), back.angle, back.zoom)

    def transform(self, size: int) -> np.ndarray:
        """Where the pixels of a moved square of `size` px come from.

        Returns:
            float32 `[6]`: a0, a1, a2, b0, b1, b2; pixel (x, y) comes from (a0 x + a1 y + a2, b0 x + b1 y + b2), counted
            from the middle of the first pixel.
        """
        turn = self._turn()
        middle = np.full(2, (size - 1) / 2)
        right, down = middle - turn @ middle + (self.right, self.down)
        return np.array([*turn[0], right, *turn[1], down], "float32")

    def _turn(self) -> np.ndarray:
        sine, cosine = self.zoom * math.sin(self.angle), self.zoom * math.cos(self.angle)
        return np.array([[cosine, -sine], [sine, cosine]])
