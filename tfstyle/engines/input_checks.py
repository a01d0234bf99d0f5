"""What a model's graph checks of a request, with NumPy, refused in the same words."""

from collections.abc import Mapping

import numpy as np

from tfstyle.contract import refusals
from tfstyle.contract.graph_errors import GraphCode, refusal
from tfstyle.contract.signatures import SIGNATURES
from tfstyle.errors import RequestError

_BOUNDARY = 1e-6  # masks and strengths come from float arithmetic: 1 + this is still 1


def check(fine: bool, code: GraphCode, sentence: str, *values: object) -> None:
    """Refuses as the graph does, `{}` of the sentence filled with values as TensorFlow writes them.

    Raises:
        PhotoError, MaskError, RequestError: Unless it is fine; which, says the code.
    """
    if not fine:
        shown = [f"[{' '.join(map(str, value))}]" if isinstance(value, tuple) else f"{value}" for value in values]
        raise refusal(f"[{code}] {sentence.format(*shown)}")


def check_inputs(signature: str, inputs: Mapping[str, np.ndarray]) -> None:
    """See that the inputs are those of a signature, by name, dtype and number of axes.

    Raises:
        RequestError: If they are others.
    """
    expected = SIGNATURES[signature].inputs
    if set(inputs) != set(expected):
        raise RequestError(
            f"Expected the inputs {', '.join(sorted(expected)) or 'none'} for {signature!r}, "
            f"got {', '.join(sorted(inputs)) or 'none'}."
        )
    for name, info in expected.items():
        value, dtype = inputs[name], {"string": "object"}.get(info.dtype, info.dtype)
        if value.dtype.name != dtype or value.ndim != len(info.shape):
            raise RequestError(
                f"Expected {name} of {dtype} with {len(info.shape)} axes, got {value.dtype.name} with {value.ndim}."
            )


def checked_fraction(value: np.ndarray, name: str, code: GraphCode) -> np.ndarray:
    """The values, once known to be in 0..1.

    Raises:
        MaskError, RequestError: If one is not; which, says the code.
    """
    inside = bool(((value >= 0) & (value <= 1 + _BOUNDARY)).all())  # false for NaN too
    ends = (value.min(), value.max()) if value.size else (0, 0)
    check(inside, code, refusals.FRACTION.format(name=name), *ends)
    return np.minimum(value, 1)


def check_length(value: np.ndarray, pictures: int, name: str) -> None:
    """See that there is one value a picture.

    Raises:
        RequestError: If not.
    """
    fine = value.shape == (pictures,)
    check(fine, GraphCode.REQUEST_SHAPE, refusals.LENGTH.format(name=name), (pictures,), value.shape)
