import csv
import signal

import numpy as np
import pytest
from PIL import Image

from testing import training_case
from tfstyle.errors import TrainingError
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.training.recipe import LossWeights, Stage, StyleRecipe


def test_a_run_leaves_weights_losses_sheets_and_tensorboard_events(tmp_path, rng):
    samples = [rng.integers(0, 256, (40, width, 3), dtype="uint8") for width in (32, 64)]
    run = training_case.run(tmp_path / "run", tmp_path / "photos", samples=samples, sheet_every=3)

    run.train()

    model = Checkpoint.load(tmp_path / "run")
    assert model.names == ("stripes", "dots")
    assert model.step == 6
    np.testing.assert_array_equal(model.trunk.last.kernel, run.averaged().trunk.last.kernel)
    np.testing.assert_array_equal(model.table, run.averaged().table)
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
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with Ctrl-C ignored

    def interrupt(step, seconds, terms):
        if step == 3:
            signal.raise_signal(signal.SIGINT)

    run = training_case.run(tmp_path / "run", tmp_path / "photos", report=interrupt, checkpoint_every=100)
    with pytest.raises(KeyboardInterrupt):
        run.train()

    assert training_case.run(tmp_path / "run", tmp_path / "photos").step == 3


def poisoned_at(run, step):
    """A report that spoils a weight after `step`, as an update that blew up would."""

    def poison(done, seconds, terms):
        if done == step:
            run.trainer.transformer.last.bias.assign([float("nan")] * 12)

    return poison


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    recipe = training_case.recipe(stages=training_case.recipe().stages[:1])
    run = training_case.run(tmp_path / "run", tmp_path / "photos", recipe=recipe)
    run.report = poisoned_at(run, 3)  # between checkpoints, so the loss of the last step shows it

    run.every["checkpoint"] = 100
    run.save()
    with pytest.raises(TrainingError, match=r"loss is nan at step 4. Lower the learning rate"):
        run.train()

    with np.load(tmp_path / "run" / "checkpoint.npz") as kept:
        assert all(np.isfinite(kept[name]).all() for name in kept.files if name != "recipe")


def test_weights_that_are_not_finite_never_replace_a_checkpoint(tmp_path):
    run = training_case.run(tmp_path / "run", tmp_path / "photos", checkpoint_every=1)
    run.report = poisoned_at(run, 2)

    with pytest.raises(TrainingError, match=r"not finite after step 2, weights/transformer/last/bias among them"):
        run.train()

    assert training_case.run(tmp_path / "run", tmp_path / "photos").step == 1


def test_photos_that_cannot_be_read_end_the_run_with_their_own_sentence(tmp_path):
    """`tf.data` would make an UnknownError and a stack trace of it."""
    run = training_case.run(tmp_path / "run", tmp_path / "photos")
    for file in (tmp_path / "photos").iterdir():
        file.unlink()

    with pytest.raises(TrainingError, match="Cannot read photos/"):
        run.train()


def test_steps_done_again_after_a_kill_are_reported_once(tmp_path):
    class Killed(BaseException):
        pass

    def kill(step, seconds, terms):
        if step == 3:
            raise Killed

    with pytest.raises(Killed):
        training_case.run(tmp_path / "run", tmp_path / "photos", report=kill).train()
    Checkpoint.load(tmp_path / "run")  # a run that was stopped can be exported
    training_case.run(tmp_path / "run", tmp_path / "photos").train()

    with (tmp_path / "run" / "losses.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [1, 2, 3, 4, 5, 6]


def test_tensorboard_gets_every_step_of_every_stage_once(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    training_case.run(tmp_path / "run", tmp_path / "photos").train()

    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in events.Tensors("style")] == [1, 2, 3, 4, 5, 6]


def test_batches_that_devices_cannot_share_are_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"Expected batches that 2 devices can share evenly.*\[3\]"):
        training_case.run(
            tmp_path / "run",
            tmp_path / "photos",
            recipe=training_case.recipe(stages=(Stage(size=32, batch=3, steps=1),)),
            devices=["CPU:0", "CPU:0"],
        )


def test_a_checkpoint_of_another_recipe_is_refused_and_kept(tmp_path):
    training_case.run(tmp_path / "run", tmp_path / "photos").save()
    before = (tmp_path / "run" / "checkpoint.npz").read_bytes()
    wider = training_case.recipe(
        network=training_case.TransformerConfig(widths=(6, 8), blocks=1), weights=LossWeights()
    )

    with pytest.raises(TrainingError, match="another folder"):
        training_case.run(tmp_path / "run", tmp_path / "photos", recipe=wider)

    assert (tmp_path / "run" / "checkpoint.npz").read_bytes() == before


def test_a_checkpoint_of_other_styles_is_refused(tmp_path):
    """It would go on with rows that are called something else."""
    training_case.run(tmp_path / "run", tmp_path / "photos").save()
    swapped = training_case.recipe(styles=(StyleRecipe(name="dots"), StyleRecipe(name="stripes")))

    with pytest.raises(TrainingError, match="it is of stripes, dots in"):
        training_case.run(tmp_path / "run", tmp_path / "photos", recipe=swapped)


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
    np.testing.assert_array_equal(second.trainer.transformer.last.kernel, first.averaged().trunk.last.kernel)


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
        assert run.averaged().trunk.trunk[0].first.conv.compute_dtype == "float32"

    for full, half in zip(seen["float32"], seen["mixed_bfloat16"], strict=True):
        assert half == pytest.approx(full, rel=0.05)
        assert half != full


def test_a_training_of_any_style_goes_on_from_its_averaged_weights_at_their_step(tmp_path):
    """As after the loss of a checkpoint: fresh optimizer state, a warm-up, and all that was learned."""
    corpus = training_case.corpus(tmp_path / "styles")
    options = {"recipe": training_case.any_style_recipe(), "corpus": corpus}
    first = training_case.run(tmp_path / "first", tmp_path / "photos", **options)
    first.train()
    first.averaged().save(tmp_path / "half.npz", "float16")

    longer = training_case.any_style_recipe(
        stages=(*training_case.any_style_recipe().stages, Stage(size=48, batch=3, steps=2, predicted=1, moved=2))
    )
    options = {"recipe": longer, "corpus": corpus, "init_from": tmp_path / "half.npz"}
    second = training_case.run(tmp_path / "second", tmp_path / "photos", **options)

    assert second.step == 6
    np.testing.assert_allclose(second.trainer.table, first.averaged().table, atol=2e-3)
    np.testing.assert_allclose(second.trainer.encoder.kernel, first.averaged().encoder.kernel, atol=2e-3)
    cosine = 2e-4 + (2e-3 - 2e-4) * (1 + np.cos(np.pi * 6 / 8)) / 2
    assert float(second.trainer.optimizer.learning_rate) == pytest.approx(cosine / 2)  # a warm-up of two steps
    second.train()
    assert second.step == 8
    # Two steps move averages a little, from the weights that were given: not from 0, nor to where the weights are.
    moved = np.abs(second.averaged().table - first.averaged().table).max()
    assert 0 < moved < 0.05 * np.abs(first.averaged().table).max()
    again = training_case.run(tmp_path / "second", tmp_path / "photos", **options)
    assert int(again.since) == 6


def test_an_encoder_without_style_images_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="give style images to learn from"):
        training_case.run(tmp_path / "run", tmp_path / "photos", recipe=training_case.any_style_recipe())
