"""What the benchmarks of the paper say of what they measured, and that they go on where they were stopped."""

import argparse
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks.optimization import paper
from benchmarks.pictures.johnson_comparison import Pair, Times
from tfstyle.optimization.loss_history import LossHistory

STYLES = "starry_night", "the_scream", "great_wave"


def test_optimization_counts_with_its_lowest_loss_until_then():
    pair = Pair("photo", "style", network=2.0, totals=[5.0, 2.5, 3.0, 2.0, 9.0])

    assert pair.lowest.tolist() == [5.0, 2.5, 2.5, 2.0, 2.0]
    assert pair.reached == 4
    assert Pair("photo", "style", network=1.9, totals=pair.totals).reached is None


def test_how_much_slower_an_iteration_is_is_the_median_over_pairs_in_turns():
    assert Times(256, network=[1.0, 2.0, 1.0], iteration=[10.0, 24.0, 30.0]).ratio == 12


@pytest.fixture
def optimized(monkeypatch):
    """Styles and options of every optimization, in whose place the photo comes back."""
    calls = []

    def optimize(photo, styles, **options):
        calls.append((styles, options))
        return SimpleNamespace(picture=photo, history=LossHistory(), interrupted=False)

    monkeypatch.setattr("tfstyle.optimization.optimize.optimize", optimize)
    return calls


@pytest.fixture
def figures(tmp_path, rng):
    style_images = tmp_path / "style_images"
    style_images.mkdir()
    for style in STYLES:
        Image.fromarray(rng.integers(0, 256, (80, 64, 3), dtype=np.uint8)).save(style_images / f"{style}.jpg")
    options = {
        "style_images": style_images,
        "size": 64,
        "iterations": 3,
        "optimizer": "lbfgs",
        "work": tmp_path / "work",
    }
    return paper.Paper(argparse.Namespace(**options))


def test_a_figure_that_is_there_is_not_made_again(figures, optimized):
    figures.make("astronaut_blend")
    figures.make("astronaut_blend")

    assert len(optimized) == 1
    assert figures.pixels("astronaut_blend").shape == (64, 64, 3)


def test_a_figure_that_was_stopped_is_made_again(figures, optimized, monkeypatch):
    def refuse(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LossHistory, "write_csv", refuse)
        with pytest.raises(KeyboardInterrupt):
            figures.make("astronaut_blend")
    figures.make("astronaut_blend")

    assert len(optimized) == 2


def test_parts_of_a_style_image_go_to_their_places(figures, optimized):
    """The sky of the style image behind the person, its ground on her; masks of the photo sum to 1."""
    figures.make("astronaut_aware")

    (behind, on), options = optimized[0]
    assert options["guided"]
    np.testing.assert_allclose(behind.mask + on.mask, 1)
    assert behind.mask[5, 5] > 0.9
    assert behind.style_mask.shape == on.style_mask.shape == (80, 64)
    assert behind.style_mask[0, 0] == on.style_mask[-1, 0] == 1
