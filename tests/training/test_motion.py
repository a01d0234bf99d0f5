"""Motions, worked by hand."""

import math

import numpy as np

from tfstyle.training.motion import MAX_ANGLE, MAX_SHIFT, MAX_ZOOM, REACH, Motion


def matrix(motion: Motion, size: int = 64) -> np.ndarray:
    return np.vstack([motion.transform(size).reshape(2, 3), [0, 0, 1]])


def test_a_shift_says_where_pixels_come_from():
    np.testing.assert_array_equal(Motion(3, -5).transform(64), [1, 0, -5, 0, 1, 3])


def test_a_quarter_turn_is_about_the_middle():
    turn = matrix(Motion(0, 0, angle=math.pi / 2), size=5)

    np.testing.assert_allclose(turn @ [2, 2, 1], [2, 2, 1], atol=1e-5)
    np.testing.assert_allclose(turn @ [4, 2, 1], [2, 4, 1], atol=1e-5)


def test_half_a_motion_done_twice_is_the_motion_and_its_inverse_undoes_it():
    motion = Motion(2.3, -0.7, angle=0.02, zoom=1.01)

    np.testing.assert_allclose(matrix(motion.half()) @ matrix(motion.half()), matrix(motion), atol=1e-4)
    np.testing.assert_allclose(matrix(motion) @ matrix(motion.inverse()), np.eye(3), atol=1e-4)


def test_drawn_motions_are_of_every_kind_and_stay_within_reach():
    motions = [Motion.draw(np.random.default_rng(seed)) for seed in range(300)]

    whole = [motion for motion in motions if motion.angle == 0]
    assert 0.3 < len(whole) / len(motions) < 0.7
    assert all(motion.down == round(motion.down) and (motion.down or motion.right) for motion in whole)
    assert max(abs(motion.down) for motion in motions) == MAX_SHIFT
    assert all(abs(motion.angle) <= MAX_ANGLE and abs(motion.zoom - 1) <= MAX_ZOOM for motion in motions)
    corner = np.array([255 + 2 * REACH, 0, 1])
    assert all(np.abs(matrix(motion, 256 + 2 * REACH) @ corner - corner).max() <= REACH - 2 for motion in motions)
