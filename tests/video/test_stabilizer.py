"""Strokes go along with things: what a painter that flickers paints anew in each frame stays where it was."""

import itertools

import numpy as np
import pytest

from tests.video.clips import moving_square
from tfstyle.errors import RequestError
from tfstyle.evaluation.flicker import measure
from tfstyle.video.motion import MotionEstimator
from tfstyle.video.stabilizer import Stabilizer

SIZE = (160, 120)


def strokes(seed: int) -> np.ndarray:
    """Noise of brush marks, int16 `[H,W,1]`."""
    coarse = np.random.default_rng(seed).integers(-60, 60, (SIZE[1] // 4, SIZE[0] // 4)).astype(np.int16)
    return np.repeat(np.repeat(coarse, 4, 0), 4, 1)[..., None]


def flickering(frame: np.ndarray, seed: int) -> np.ndarray:
    """A painted frame whose strokes are others each time."""
    return np.clip(frame.astype(np.int16) + strokes(seed), 0, 255).astype(np.uint8)


def textured(number: int) -> np.ndarray:
    """A scene with a checked square that moves over a still wall."""
    frame = moving_square(number, *SIZE)
    checked = np.random.default_rng(1).integers(120, 250, (8, 8, 3)).astype(np.uint8)
    left = 4 + 2 * number
    frame[40:80, left : left + 40] = np.repeat(np.repeat(checked, 5, 0), 5, 1)
    return frame


def run(frames, painted, stability=0.5):
    estimator, stabilizer = MotionEstimator(), Stabilizer(stability, 25)
    return [
        stabilizer.next(painting, frame, estimator.to(frame)) for frame, painting in zip(frames, painted, strict=True)
    ]


@pytest.fixture(scope="module")
def scene():
    frames = [textured(number) for number in range(20)]
    return frames, [flickering(frame, seed) for seed, frame in enumerate(frames)]


def test_flicker_goes_and_sharpness_stays(scene):
    frames, painted = scene
    steady = run(frames, painted)
    before, after = measure(frames, painted), measure(frames, steady)
    assert after.warped_difference < before.warped_difference / 3
    assert 0.9 <= after.sharpness / before.sharpness <= 1.1


def test_a_still_background_does_not_crawl(scene):
    frames, painted = scene
    steady = run(frames, painted)
    corner = np.s_[90:, :]  # where nothing moves
    assert np.abs(steady[12][corner].astype(int) - steady[11][corner]).mean() < 2.5
    assert np.abs(painted[12][corner].astype(int) - painted[11][corner]).mean() > 20


def test_strokes_move_with_their_thing(scene):
    frames, painted = scene
    steady = run(frames, painted)
    inside = [steady[number][48:72, 12 + 2 * number : 36 + 2 * number].astype(int) for number in (4, 8)]
    assert np.abs(inside[0] - inside[1]).mean() < 12


def test_nothing_of_a_scene_goes_over_a_cut():
    before = [textured(number) for number in range(4)]
    after = [255 - np.rot90(textured(number), 2) for number in range(4)]
    frames = [np.ascontiguousarray(frame) for frame in before + after]
    painted = [flickering(frame, seed) for seed, frame in enumerate(frames)]
    steady = run(frames, painted)
    np.testing.assert_array_equal(steady[4], painted[4])


def test_light_that_changes_comes_through():
    """Carried strokes get brighter with their frame."""
    frames = [np.clip(textured(0).astype(int) + 6 * number, 0, 255).astype(np.uint8) for number in range(12)]
    painted = [flickering(frame, seed) for seed, frame in enumerate(frames)]
    steady = run(frames, painted)
    assert steady[11].mean() - steady[0].mean() > 0.7 * (painted[11].mean() - painted[0].mean())


def test_strokes_of_what_fades_into_something_else_give_way():
    """A dissolve has no motion and no cut."""
    one, two = textured(0), np.ascontiguousarray(255 - np.rot90(textured(0), 2))
    shares = [min(1, number / 15) for number in range(24)]
    frames = [np.rint(one * (1 - share) + two * share).astype(np.uint8) for share in shares]
    steady = run(frames, frames)  # a painter that paints photos
    assert np.abs(steady[-1].astype(int) - frames[-1]).mean() < 6


def test_strokes_end_with_their_lives():
    """Errors of the flow would add up; a still scene is painted anew in the course of time, and never at once."""
    frames = [textured(0)] * 160
    painted = [flickering(frame, seed) for seed, frame in enumerate(frames)]
    steady = run(frames, painted, stability=0.2)
    changes = [np.abs(later.astype(int) - sooner).mean() for sooner, later in itertools.pairwise(steady)]
    assert np.abs(steady[-1].astype(int) - steady[0]).mean() > 10
    assert max(changes) < np.abs(painted[1].astype(int) - painted[0]).mean() / 3


def test_0_is_off(scene):
    frames, painted = scene
    assert all(one is other for one, other in zip(run(frames, painted, 0.0), painted, strict=True))


def test_what_is_put_away_goes_on_the_same(scene):
    frames, painted = scene
    whole = run(frames, painted)
    estimator, first, second = MotionEstimator(), Stabilizer(0.5, 25), Stabilizer(0.5, 25)
    for frame, painting in zip(frames[:7], painted[:7], strict=True):
        first.next(painting, frame, estimator.to(frame))
    second.restore({name: value.copy() for name, value in first.state().items()})
    for number in range(7, 12):
        shown = second.next(painted[number], frames[number], estimator.to(frames[number]))
        np.testing.assert_array_equal(shown, whole[number])


@pytest.mark.parametrize("stability", [-0.1, 1.1])
def test_stability_out_of_range_is_refused(stability):
    with pytest.raises(RequestError, match=r"Expected a stability from 0 \(off\) to 1"):
        Stabilizer(stability)
