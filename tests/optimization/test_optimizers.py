"""Adam and L-BFGS on losses whose minimum is known."""

import numpy as np
import pytest

from tfstyle.errors import RequestError
from tfstyle.optimization.optimizers import adam, lbfgs

PHOTO, PAINTING = np.float32(80), np.float32(160)
START = np.full((4, 5, 3), 30, "float32")


class Bowl:
    """`(x - 80)^2 + (y - 160)^2` with `y = m x + (1 - m) held`, summed: content everywhere, style under a mask."""

    def __init__(self, mask=1.0):
        self.mask, self.held = mask, []

    def __call__(self, picture, held):
        self.held.append(held)
        seen = self.mask * picture + (1 - self.mask) * held
        total = float(np.sum((picture - PHOTO) ** 2 + (seen - PAINTING) ** 2))
        gradient = 2 * (picture - PHOTO) + 2 * self.mask * (seen - PAINTING)
        return total, {"all": total}, gradient.astype("float32")


def ignore(picture, total, terms):
    pass


@pytest.mark.parametrize("mask", [1.0, 0.5, 0.0])
@pytest.mark.parametrize(("descend", "options"), [(adam, {}), (lbfgs, {"masked": True})])
def test_both_come_to_rest_where_the_masked_gradient_is_0(descend, options, mask):
    """Content plus m times style: (x - 80) + m (x - 160) = 0, which is the minimum of no loss for m = 0.5."""
    picture = descend(Bowl(mask), START, 120, ignore, **options)

    np.testing.assert_allclose(picture, (PHOTO + mask * PAINTING) / (1 + mask), atol=1)


def test_lbfgs_holds_one_picture_through_a_line_search(monkeypatch):
    """Three iterations and three: the first hold the start, the next the best of those."""
    monkeypatch.setattr("tfstyle.optimization.optimizers.LBFGS_ROUND", 3)
    monkeypatch.setattr("tfstyle.optimization.optimizers.LBFGS_REACH", (255, 255))
    objective = Bowl(0.5)
    lbfgs(objective, START, 6, ignore, masked=True)

    first, second = objective.held[:3], objective.held[3:6]
    assert all(held is START for held in first)
    assert all(held is second[0] for held in second)
    assert not (second[0] == START).all()


def test_no_pixel_moves_far_while_a_picture_is_held():
    """Else those that a mask of nearly 0 lets count for little would be thrown far, to make up for it."""
    objective, moved = Bowl(0.02), []

    def look(picture, total, terms):
        moved.append(np.abs(picture - objective.held[-1]).max())

    lbfgs(objective, START, 60, look, masked=True)

    assert 40 < max(moved) <= 48.01
    assert max(moved[-10:]) <= 8


def test_adam_holds_the_picture_itself():
    objective = Bowl(0.5)
    adam(objective, START, 3, lambda picture, total, terms: np.testing.assert_array_equal(objective.held[-1], picture))

    assert len(objective.held) == 3


def valley(picture, held):
    """Rosenbrock's, in which a line search needs several evaluations; its one term is the total."""
    x, y = picture[..., 0] / 100, picture[..., 1] / 100
    gradient = np.zeros_like(picture)
    gradient[..., 0] = (-400 * x * (y - x**2) - 2 * (1 - x)) / 100
    gradient[..., 1] = 200 * (y - x**2) / 100
    total = float(np.sum(100 * (y - x**2) ** 2 + (1 - x) ** 2))
    return total, {"valley": total}, gradient


@pytest.mark.parametrize("descend", [adam, lbfgs])
def test_what_is_reported_is_the_loss_of_the_picture_that_is_reported(descend, rng):
    """And not of a trial that a line search has not taken."""
    start = rng.uniform(0, 200, (3, 3, 3)).astype("float32")
    reported = []
    painted = descend(valley, start, 17, lambda *found: reported.append(found))

    for picture, total, terms in reported:
        assert total == terms["valley"] == valley(picture, picture)[0]
    if descend is lbfgs:
        totals = [total for _, total, _ in reported]
        assert totals == sorted(totals, reverse=True)
        assert len(set(totals)) < len(totals)  # some trials were not taken
        np.testing.assert_array_equal(painted, reported[-1][0])


@pytest.mark.parametrize("descend", [adam, lbfgs])
def test_an_iteration_is_one_evaluation_and_each_is_reported(descend, rng):
    reported = []
    start = rng.uniform(0, 200, (3, 3, 3)).astype("float32")
    descend(valley, start, 17, lambda picture, total, terms: reported.append(total))

    assert len(reported) == 17
    assert reported[-1] < reported[0]


@pytest.mark.parametrize("descend", [adam, lbfgs])
def test_pictures_stay_within_0_to_255(descend):
    def down(picture, held):
        return float(-picture.sum()), {}, np.full_like(picture, -1)

    picture = descend(down, START, 60, lambda picture, total, terms: None)

    assert picture.max() <= 255
    assert picture.min() > 200


@pytest.mark.parametrize("descend", [adam, lbfgs])
def test_a_loss_that_is_not_finite_is_refused(descend):
    with pytest.raises(RequestError, match="The loss is nan"):
        descend(lambda picture, held: (float("nan"), {}, np.zeros_like(picture)), START, 5, ignore)
