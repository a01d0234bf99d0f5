"""What runs the network: whoever answers the signatures of the wire contract, in this process or on a server."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from tfstyle.errors import ModelError


class Engine(Protocol):
    """Answers the signatures in `tfstyle.contract.signatures`."""

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Arrays in, arrays out, by the contract's names; strings are object arrays of bytes."""
        ...


@runtime_checkable
class AnySizeEngine(Engine, Protocol):
    """Paints photos beyond the size that the signatures take, too."""

    def paint_large(
        self, photo: np.ndarray, style_vectors: np.ndarray, region_masks: Sequence[np.ndarray | None]
    ) -> np.ndarray:
        """The stylized image, uint8 `[H,W,3]`, of a photo uint8 `[H,W,3]`.

        Style vectors are float32 `[R,V]`; masks uint8 `[H,W]`, or None for everywhere.
        """
        ...


def no_encoder(model: object) -> ModelError:
    """What is said of a model, named by its folder or its server, that cannot make style vectors of paintings."""
    return ModelError(
        f"{model}: the model has no style encoder, so it paints in its own styles and in style files made for it, but "
        "not in those of other paintings; take a model that has one, or have it learn the painting: tfstyle add-style."
    )
