"""What runs the network: whoever answers the signatures of the wire contract, in this process or on a server."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np


class Engine(Protocol):
    """Answers the signatures in `tfstyle.contract.signatures`."""

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Arrays in, arrays out, by the contract's names; strings are object arrays of bytes."""
        ...


@runtime_checkable
class AnySizeEngine(Engine, Protocol):
    """Paints photos beyond the size that the signatures take, too."""

    def paint_large(
        self, photo: np.ndarray, region_weights: np.ndarray, region_masks: Sequence[np.ndarray | None]
    ) -> np.ndarray:
        """The stylized image, uint8 `[H,W,3]`, of a photo uint8 `[H,W,3]`.

        Weights are float32 `[R,N]`; masks uint8 `[H,W]`, or None for everywhere.
        """
        ...
