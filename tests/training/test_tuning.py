"""Tuning: what is learned, from where, and for how long."""

import itertools

import numpy as np
import pytest

from testing import style_case, training_case
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.training import tuning
from tfstyle.training.photo_dataset import open_photos
from tfstyle.training.recipe import Stage


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(tuning, "STAGE", Stage(size=48, batch=2, steps=1))


def test_a_vector_comes_nearer_to_its_painting_and_nothing_else_changes(tiny_models, tmp_path, small):
    version = tiny_models / "tiny" / "1"
    before = Checkpoint.load(version)
    _, photos = style_case.files(tmp_path / "files")
    styles = []
    seconds = itertools.count()
    vector, steps = tuning.tune(
        version,
        training_case.paintings()["stripes"],
        before.table[0],
        open_photos([str(photos)]),
        12,
        lambda step, terms: styles.append(terms["style"]),
        clock=lambda: float(next(seconds)),
    )

    assert steps == len(styles) > 6
    assert np.mean(styles[-3:]) < np.mean(styles[:3])
    assert vector.shape == before.table[0].shape
    assert np.isfinite(vector).all()
    assert np.abs(vector - before.table[0]).max() > 1e-3
    assert Checkpoint.load(version).trunk.fingerprint() == before.trunk.fingerprint()


def test_one_step_is_made_however_short_the_time(tiny_models, tmp_path, small):
    _, photos = style_case.files(tmp_path / "files")
    version = tiny_models / "tiny" / "1"
    start = Checkpoint.load(version).table[1]
    stripes = training_case.paintings()["stripes"]
    vector, steps = tuning.tune(
        version, stripes, start, open_photos([str(photos)]), 1e-9, clock=itertools.count().__next__
    )

    assert steps == 1
    assert np.abs(vector - start).max() > 0
