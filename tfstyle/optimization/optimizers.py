"""The two ways down: Adam, as the paper has it, and L-BFGS, which gets further in as many steps.

Both take an `objective(picture, held)` as `tfstyle.optimization.objective.Objective` is one, move a picture
float32 `[H,W,3]` within 0..255, and call `report(picture, total, terms)` after each evaluation of loss and gradient,
with the picture to keep and its own loss. An iteration is one such evaluation, so that an iteration costs the same in
both.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np

from tfstyle.errors import RequestError

Evaluate = Callable[[np.ndarray, np.ndarray], tuple[float, dict[str, float], np.ndarray]]
Report = Callable[[np.ndarray, float, Mapping[str, float]], None]

ADAM_STEP = 10.0  # gray levels, at first; a cosine leads to 0
LBFGS_UNIT = 4.0  # gray levels: what SciPy takes as a distance of 1 a pixel when it chooses the first step
LBFGS_ROUND = 10  # iterations between renewals of what masks hold
LBFGS_REACH = 48.0, 4.0  # gray levels that a pixel may move between renewals, at first and at last


def adam(objective: Evaluate, picture: np.ndarray, iterations: int, report: Report) -> np.ndarray:
    """Adam with the moments' usual rates, 0.9 and 0.999, each step kept within 0..255.

    Reference: [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980), algorithm 1.
    """
    mean, square = np.zeros_like(picture), np.zeros_like(picture)
    for number in range(1, iterations + 1):
        total, terms, gradient = objective(picture, picture)
        report(picture, _finite(total), terms)
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient**2 - square)
        direction = (mean / (1 - 0.9**number)) / (np.sqrt(square / (1 - 0.999**number)) + 1e-12)
        step = ADAM_STEP * (1 + math.cos(math.pi * number / iterations)) / 2
        picture = np.clip(picture - step * direction, 0, 255).astype(np.float32)
    return picture


def lbfgs(
    objective: Evaluate, picture: np.ndarray, iterations: int, report: Report, *, masked: bool = False
) -> np.ndarray:
    """L-BFGS-B of SciPy with the bounds 0 and 255.

    Its line search needs a loss that belongs to its gradient, and a gradient multiplied by a mask belongs to none. So
    what the mask holds stays as it is for some iterations, over which there is such a loss, and is then renewed; where
    this comes to rest the masked gradient of the paper is 0, as where Adam does. Under a mask of 0.1 a pixel counts a
    tenth in that loss and would move ten times as far to make up for it: so between renewals none moves far.

    Args:
        objective, picture, iterations, report: See the head of this file.
        masked: Whether the objective looks at what it is told to hold.

    Returns:
        The picture with the lowest loss since the last renewal.

    Reference: [Byrd et al., 1995](https://doi.org/10.1137/0916069).
    """
    done, moving, reach = 0, True, 255.0
    first, last = LBFGS_REACH
    while moving and done < iterations:
        held, budget = picture, iterations - done
        if masked:
            budget, reach = min(LBFGS_ROUND, budget), first * (last / first) ** (done / iterations)
        picture, spent = _lbfgs_round(objective, held, budget, report, reach)
        done += spent
        moving = not np.array_equal(picture, held)
    return picture


def _lbfgs_round(
    objective: Evaluate, start: np.ndarray, budget: int, report: Report, reach: float
) -> tuple[np.ndarray, int]:
    """Up to `budget` evaluations with `start` held, none further from it than `reach`; the best and how many."""
    import scipy.optimize

    best, lowest, spent = start, math.inf, 0
    terms_of_best: Mapping[str, float] = {}
    scale = LBFGS_UNIT * math.sqrt(start.size)

    def evaluate(variables: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal best, lowest, terms_of_best, spent
        if spent == budget:
            raise _SpentError
        picture = (variables * scale).reshape(start.shape).astype(np.float32)
        total, terms, gradient = objective(picture, start)
        spent += 1
        if _finite(total) < lowest:
            best, lowest, terms_of_best = picture, total, terms
        report(best, lowest, terms_of_best)  # not a trial of the line search that was not taken
        return total, gradient.ravel().astype(np.float64) * scale

    with suppress(_SpentError):
        scipy.optimize.minimize(
            evaluate,
            start.ravel().astype(np.float64) / scale,
            jac=True,
            method="L-BFGS-B",
            bounds=scipy.optimize.Bounds(*(np.clip(start.ravel() + by, 0, 255) / scale for by in (-reach, reach))),
            options={"maxcor": 10, "maxiter": budget, "maxfun": budget, "ftol": 0, "gtol": 0},
        )
    return best, spent


class _SpentError(Exception):
    """SciPy looks at its limit only between line searches; this ends one."""


def _finite(total: float) -> float:
    if not math.isfinite(total):
        raise RequestError(f"The loss is {total}: expected a finite one; lower the weights.")
    return total
