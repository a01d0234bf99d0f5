from collections import Counter

import numpy as np
import pytest
from PIL import Image

from testing import training_case
from tfstyle.errors import TrainingError
from tfstyle.training.batches import Batches
from tfstyle.training.motion import Motion
from tfstyle.training.photo_dataset import open_photos


@pytest.fixture
def photos(tmp_path):
    return training_case.photos(tmp_path / "photos")


def test_a_batch_is_a_function_of_seed_and_step(photos):
    one, same = (Batches(photos, styles=2, size=32, batch=3, seed=(5, 0)) for _ in range(2))
    other = Batches(photos, styles=2, size=32, batch=3, seed=(6, 0))

    np.testing.assert_array_equal(one[4]["image"], same[4]["image"])
    assert (one[4]["image"] != one[5]["image"]).any()
    assert (one[4]["image"] != other[4]["image"]).any()
    assert one[4]["image"].shape == (3, 32, 32, 3)
    assert one[4]["image"].dtype == np.uint8
    assert one[4]["style"].dtype == np.int32


def test_every_photo_and_every_style_comes_once_per_round(photos, monkeypatch):
    used = []
    decode = photos.decode
    monkeypatch.setattr(photos, "decode", lambda index, side: used.append(index) or decode(index, side))
    batches = Batches(photos, styles=3, size=32, batch=3, seed=(0,))

    styles = [style for step in range(4) for style in batches[step]["style"]]

    assert Counter(used) == dict.fromkeys(range(6), 2)
    assert used != used[6:]
    assert [set(styles[i : i + 3]) for i in range(0, 12, 3)] == [{0, 1, 2}] * 4


def test_a_style_comes_as_often_per_round_as_it_has_turns(photos):
    batches = Batches(photos, styles=3, size=32, batch=5, seed=(0,), sampling_weights=(1, 3, 1))

    rounds = [batches[step]["style"].tolist() for step in range(8)]

    assert all(Counter(one) == {0: 1, 1: 3, 2: 1} for one in rounds)
    assert len(set(map(tuple, rounds))) > 1


def test_crops_differ_in_scale_and_some_are_mirrored(tmp_path):
    """A ramp from left to right tells both: its slope is the scale, its sign the direction."""
    ramp = np.broadcast_to(np.arange(200, dtype="uint8")[None, :, None], (128, 200, 3))
    (tmp_path / "ramp").mkdir()
    Image.fromarray(ramp).save(tmp_path / "ramp" / "ramp.png")
    batches = Batches(open_photos(tmp_path / "ramp"), styles=1, size=64, batch=40, seed=(0,))

    images = batches[0]["image"].astype(float)
    slopes = (images[:, :, 60, 0] - images[:, :, 4, 0]).mean(axis=1) / 56

    assert (slopes < 0).any()
    assert (slopes > 0).any()
    assert abs(slopes).min() < 1.2  # near half the photo's height enlarged to the crop
    assert abs(slopes).max() > 1.8  # near its whole height
    assert abs(slopes).max() < 2.1


def test_jitter_varies_brightness_contrast_and_saturation_from_crop_to_crop(tmp_path):
    (tmp_path / "one").mkdir()
    halves = np.repeat([[90, 60, 60], [180, 120, 120]], 50, axis=0).astype("uint8")  # reddish, dark and bright
    Image.fromarray(np.broadcast_to(halves[:, None], (100, 100, 3))).save(tmp_path / "one" / "halves.png")
    photos = open_photos(tmp_path / "one")

    def looks(jitter):
        crops = Batches(photos, styles=1, size=100, batch=20, seed=(0,), color_jitter=jitter)[0]["image"].astype(float)
        dark, bright = crops[:, 10].mean(axis=1), crops[:, 90].mean(axis=1)
        brightness, contrast = (dark + bright).mean(axis=1) / 2, bright[:, 1] / dark[:, 1]
        return np.stack([brightness, contrast, bright[:, 0] / bright[:, 1]]).round(2)

    plain, varied = looks(0.0), looks(0.2)
    assert (plain == plain[:, :1]).all()
    assert (varied.std(axis=1) > 0.03).all()
    assert (abs(varied[0] / plain[0] - 1) < 0.25).all()
    np.testing.assert_array_equal(varied, looks(0.2))


def test_tf_data_gives_the_same_batches_as_numpy(photos):
    batches = Batches(photos, styles=2, size=32, batch=2, seed=(1, 0))

    from_tensorflow = list(batches.tf_data(3, 6))
    from_numpy = list(batches.numpy(3, 6))

    assert len(from_tensorflow) == len(from_numpy) == 3
    for (one,), (other,) in zip(from_tensorflow, from_numpy, strict=True):
        np.testing.assert_array_equal(one["image"], other["image"])
        np.testing.assert_array_equal(one["style"], other["style"])
        assert one["image"].shape == (2, 32, 32, 3)


def test_a_corrupt_photo_is_replaced_by_its_neighbour_and_counted(tmp_path):
    training_case.photos(tmp_path)
    damaged = (tmp_path / "2.jpg").read_bytes()
    (tmp_path / "2.jpg").write_bytes(damaged[: len(damaged) // 2])
    photos = open_photos(tmp_path)

    batches = [Batches(photos, styles=1, size=32, batch=6, seed=(0,))[0] for _ in range(2)]

    np.testing.assert_array_equal(batches[0]["image"], batches[1]["image"])
    assert photos.skipped == {"corrupt": 1}


def test_photos_that_are_all_corrupt_end_the_training_with_advice(tmp_path):
    training_case.photos(tmp_path, count=3)
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:700])
    photos = open_photos(tmp_path)

    with pytest.raises(TrainingError, match="tfstyle data check"):
        Batches(photos, styles=1, size=32, batch=1, seed=(0,))[0]


@pytest.mark.parametrize("motion", [Motion(3, -5), Motion(0.25, 1.5), Motion(-2.5, 1, angle=0.02, zoom=0.99)])
def test_a_moved_photo_shows_at_each_pixel_what_the_motion_says(tmp_path, motion):
    """A smooth ramp in both directions; noise is left out here."""
    down, right = np.mgrid[:200, :240]
    ramp = np.stack([down, right, 0 * down], axis=-1).astype("uint8")
    a0, a1, a2, b0, b1, b2 = motion.transform(64)
    y, x = np.mgrid[12:52, 12:52]
    (tmp_path / "ramp").mkdir()
    Image.fromarray(ramp).save(tmp_path / "ramp" / "ramp.png")
    photos = open_photos(tmp_path / "ramp")

    for step in range(6):
        crops = Batches(photos, styles=1, size=64, batch=1, seed=(step,), moved=1)
        crop, moved = crops._crop(0, motion)
        level, (down, right, _) = crop[0, 0, :2], (crop[-1, -1].astype(float) - crop[0, 0]) / 63
        expected = level + np.stack([(b0 * x + b1 * y + b2) * down, (a0 * x + a1 * y + a2) * right], axis=-1)
        np.testing.assert_allclose(moved[12:52, 12:52, :2], expected, atol=2.5)


def test_moved_photos_come_with_half_of_their_motion_there_and_back_and_a_little_noise(photos):
    batches = Batches(photos, styles=2, size=48, batch=3, seed=(0,), moved=2)

    batch = batches[1]

    assert batch["moved"].shape == (2, 48, 48, 3)
    assert batch["moved"].dtype == np.uint8
    there, back = (np.vstack([np.reshape(half, (2, 3)), [0, 0, 1]]) for half in batch["motion"])
    np.testing.assert_allclose(there @ back, np.eye(3), atol=1e-4)
    assert not np.allclose(there, np.eye(3))
    np.testing.assert_array_equal(batch["moved"], batches[1]["moved"])


def test_the_corpus_gives_what_the_encoder_sees_and_what_it_is_held_to(photos, tmp_path):
    corpus = training_case.corpus(tmp_path / "styles")
    batches = Batches(photos, styles=2, size=32, batch=5, seed=(0,), corpus=corpus, predicted=3)

    batch = batches[0]

    assert batch["style"].shape == (2,)
    assert batch["image"].shape[0] == 5
    assert batch["statistics"].shape == (3, 1920)
    assert batch["block2_conv1_gram"].shape == (3, 128, 128)
    np.testing.assert_allclose(np.linalg.norm(batch["block2_conv1_gram"].astype("float32"), axis=(1, 2)), 1, rtol=1e-2)
    drawn = {tuple(row) for step in range(20) for row in batches[step]["statistics"]}
    assert len(drawn) > 1
