"""What runs the network: whoever answers the signatures of the wire contract, in this process or on a server."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np


class Engine(Protocol):
    """Answers the signatures in `tfstyle.contract.signatures`."""

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Arrays in, arrays out, by the contract's names; strings are object arrays of bytes."""
        ...
