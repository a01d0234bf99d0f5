import csv
import signal

import keras
import numpy as np
import pytest
from PIL import Image

from tests import training_case
from tfstyle import weights
from tfstyle.errors import TrainingError
from tfstyle.recipe import LossWeights


@pytest.fixture(autouse=True)
def full_precision_afterwards():
    """A run sets the precision of its process."""
    yield
    keras.config.set_dtype_policy("float32")


def test_a_run_leaves_weights_losses_sheets_and_tensorboard_events(tmp_path, rng):
    samples = [rng.integers(0, 256, (40, width, 3), dtype="uint8") for width in (32, 64)]
    run = training_case.run(tmp_path / "run", tmp_path / "photos", samples=samples, sheet_every=3)

    run.train()

    network, styles = weights.load(tmp_path / "run")
    assert [style.name for style in styles] == ["stripes", "dots"]
    np.testing.assert_array_equal(network.last.kernel, run.averaged().last.kernel)
    with (tmp_path / "run" / "losses.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {"content", "style", "total_variation", "pixel", "loss"} <= set(rows[0])
    assert all(np.isfinite(float(value)) for row in rows for value in row.values())
    assert sorted(path.name for path in (tmp_path / "run").glob("sheet_*")) == [
        "sheet_000003.png",
        "sheet_000004.png",
        "sheet_000006.png",
    ]
    sheet = np.asarray(Image.open(tmp_path / "run" / "sheet_000006.png"))
    assert sheet.shape == (80, 3 * 64, 3)
    np.testing.assert_array_equal(sheet[:40, :32], samples[0])
    assert list((tmp_path / "run" / "tensorboard").rglob("events.*"))


def test_reported_terms_are_means_since_the_last_report(tmp_path):
    """Keras' own logs are means since the beginning, which hide what happens now."""
    each, pairs = [], []
    training_case.run(tmp_path / "a", tmp_path / "photos", report=lambda *report: each.append(report)).train()
    training_case.run(
        tmp_path / "b", tmp_path / "photos", report=lambda *report: pairs.append(report), report_every=2
    ).train()

    assert [report[0] for report in pairs] == [2, 4, 6]
    for (_, _, terms), first, second in zip(pairs, each[0::2], each[1::2], strict=True):
        np.testing.assert_allclose(terms["style"], (first[2]["style"] + second[2]["style"]) / 2, rtol=1e-3)


def test_ctrl_c_saves_the_step_it_came_in(tmp_path):
    def interrupt(step, seconds, terms):
        if step == 3:
            signal.raise_signal(signal.SIGINT)

    run = training_case.run(tmp_path / "run", tmp_path / "photos", report=interrupt, checkpoint_every=100)
    with pytest.raises(KeyboardInterrupt):
        run.train()

    assert training_case.run(tmp_path / "run", tmp_path / "photos").step == 3


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    run = training_case.run(tmp_path / "run", tmp_path / "photos", checkpoint_every=1)

    def poison(step, seconds, terms):
        if step == 2:
            run.trainer.transformer.last.bias.assign([float("nan")] * 12)

    run.report = poison
    with pytest.raises(TrainingError, match=r"loss is nan at step 3. Lower the learning rate"):
        run.train()

    again = training_case.run(tmp_path / "run", tmp_path / "photos")
    assert again.step == 2


def test_a_checkpoint_of_another_recipe_is_refused_and_kept(tmp_path):
    training_case.run(tmp_path / "run", tmp_path / "photos").save()
    before = (tmp_path / "run" / "checkpoint.npz").read_bytes()
    wider = training_case.recipe(
        network=training_case.TransformerConfig(styles=2, widths=(6, 8), blocks=1), weights=LossWeights()
    )

    with pytest.raises(TrainingError, match="another folder"):
        training_case.run(tmp_path / "run", tmp_path / "photos", recipe=wider)

    assert (tmp_path / "run" / "checkpoint.npz").read_bytes() == before


def test_a_truncated_checkpoint_is_refused_with_advice(tmp_path):
    training_case.run(tmp_path / "run", tmp_path / "photos").save()
    path = tmp_path / "run" / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(TrainingError, match="remove it to start anew"):
        training_case.run(tmp_path / "run", tmp_path / "photos")


def test_a_run_starts_from_the_weights_of_another(tmp_path):
    first = training_case.run(tmp_path / "first", tmp_path / "photos")
    first.train()

    second = training_case.run(tmp_path / "second", tmp_path / "photos", init_from=tmp_path / "first")

    assert second.step == 0
    np.testing.assert_array_equal(second.trainer.transformer.last.kernel, first.averaged().last.kernel)


def test_half_precision_trains_float32_weights_close_to_full_precision(tmp_path):
    """As on a GPU: bfloat16 convolutions, float32 statistics, Gram matrices, losses and variables."""
    seen = {}
    for precision in ("float32", "mixed_bfloat16"):
        reports = seen[precision] = []
        run = training_case.run(
            tmp_path / precision,
            tmp_path / "photos",
            precision=precision,
            report=lambda step, seconds, terms, reports=reports: reports.append(terms),
        )
        run.train()
        assert {variable.dtype for variable in run.trainer.transformer.variables} == {"float32"}
        assert run.trainer.transformer.trunk[0].first.conv.compute_dtype == precision.removeprefix("mixed_")

    for full, half in zip(seen["float32"], seen["mixed_bfloat16"], strict=True):
        assert half == pytest.approx(full, rel=0.05)
        assert half != full
