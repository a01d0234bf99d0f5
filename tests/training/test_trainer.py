"""Training itself: what its losses are, that it learns, and that it is the same on every backend and device count."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from testing import training_case
from tfstyle.errors import TrainingError
from tfstyle.evaluation.distances import resize_short_side
from tfstyle.networks import checkpoint, losses
from tfstyle.networks.style_encoder import StyleEncoderConfig
from tfstyle.networks.vgg19 import VGG19
from tfstyle.training.batches import Batches
from tfstyle.training.motion import Motion
from tfstyle.training.recipe import LossWeights, Recipe, Stage, StyleImage, StyleRecipe
from tfstyle.training.trainer import NOISE, StyleTrainer, WarmUpHoldCosine, averaged_weights, make_optimizer


def new_trainer(recipe: Recipe) -> StyleTrainer:
    keras.utils.set_random_seed(0)
    trainer = StyleTrainer(checkpoint.new_transformer(recipe.network), recipe, training_case.paintings())
    trainer.compile(optimizer=make_optimizer(recipe), jit_compile=False)
    return trainer


def test_the_loss_is_the_weighted_sum_of_its_terms_each_style_with_its_layers_and_weight(rng):
    recipe = training_case.recipe()
    trainer = new_trainer(recipe)
    batch = {"image": rng.integers(0, 256, (2, 32, 32, 3), dtype="uint8"), "style": np.array([0, 1], "int32")}
    painted = trainer(batch)

    loss = float(trainer.compute_loss(x=batch, y_pred=painted))

    network = VGG19(training_case.LAYERS)
    features, content = network(painted), network(batch["image"])["block2_conv1"]

    def style(index, name, layer):
        painting = resize_short_side(training_case.paintings()[name], 64)[None].astype("float32")
        target = losses.gram_matrix(network(painting)[layer])
        return losses.relative_gram_loss(losses.gram_matrix(features[layer][index : index + 1]), target)[0]

    stripes = (style(0, "stripes", "block1_conv1") + style(0, "stripes", "block2_conv1")) / 2
    dots = 2 * style(1, "dots", "block1_conv1")
    expected = (
        1.0 * ops.mean(losses.relative_feature_loss(features["block2_conv1"], content))
        + 2.0 * (stripes + dots) / 2
        + 1.0 * ops.mean(losses.total_variation(painted / 255))
        + 0.1 * ops.mean(losses.pixel_loss(painted / 255, ops.cast(batch["image"], "float32") / 255))
    )
    np.testing.assert_allclose(loss, float(expected), rtol=1e-4)


def test_mirrored_losses_see_pictures_go_on_beyond_their_borders_and_paintings_as_they_are(rng):
    recipe = training_case.recipe(reflect_padding=True, weights=LossWeights(total_variation=0))
    trainer = new_trainer(recipe)
    batch = {"image": rng.integers(0, 256, (1, 32, 32, 3), dtype="uint8"), "style": np.array([1], "int32")}
    painted = trainer(batch)

    terms = trainer.loss_terms(batch, painted)

    network = VGG19(training_case.LAYERS)
    seen = lambda x: np.pad(np.array(x, "float32"), ((0, 0), (2, 2), (2, 2), (0, 0)), "reflect")  # noqa: E731
    features, photo = network(seen(painted)), network(seen(batch["image"]))
    painting = resize_short_side(training_case.paintings()["dots"], 64)[None].astype("float32")
    target = losses.gram_matrix(network(painting)["block1_conv1"])
    content = losses.relative_feature_loss(features["block2_conv1"], photo["block2_conv1"])
    style = 2 * losses.relative_gram_loss(losses.gram_matrix(features["block1_conv1"]), target)
    np.testing.assert_allclose(terms["content"], content, rtol=1e-4)
    np.testing.assert_allclose(terms["style"], style, rtol=1e-4)


def test_consistency_compares_with_the_painting_of_the_photo_with_noise(rng):
    recipe = training_case.recipe(weights=LossWeights(consistency=50.0))
    trainer = new_trainer(recipe)
    batch = {"image": rng.integers(60, 200, (2, 32, 32, 3), dtype="uint8"), "style": np.array([0, 1], "int32")}
    painted = trainer(batch)

    terms = trainer.loss_terms(batch, painted)

    noise = ops.convert_to_numpy(keras.random.normal((2, 32, 32, 3), stddev=NOISE, seed=recipe.seed))
    assert noise.std() == pytest.approx(4, rel=0.1)
    again = trainer({**batch, "image": batch["image"] + noise})
    expected = np.square(ops.convert_to_numpy(again - painted) / 255).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(terms["consistency"], expected, rtol=1e-4)
    assert (expected > 0).all()
    assert "consistency" not in new_trainer(training_case.recipe()).loss_terms(batch, painted)


def flip_of(batch, paint) -> np.ndarray:
    """The flip term of something that paints photos as `paint` does."""
    trainer = new_trainer(training_case.recipe(weights=LossWeights(flip=50.0)))
    trainer.transformer = lambda image, style: paint(ops.cast(image, "float32"))
    return ops.convert_to_numpy(trainer.loss_terms(batch, trainer(batch))["flip"])


def test_flip_is_0_where_a_mirrored_photo_is_painted_mirrored(rng):
    batch = {"image": rng.integers(0, 256, (2, 32, 32, 3), dtype="uint8"), "style": np.array([0, 1], "int32")}

    np.testing.assert_array_equal(flip_of(batch, lambda image: 255 - image), [0, 0])


def test_flip_is_the_squared_difference_where_it_is_not(rng):
    """Each pixel is painted as its left neighbour; in the mirrored photo, mirrored back, as its right one."""
    batch = {"image": rng.integers(0, 256, (2, 32, 32, 3), dtype="uint8"), "style": np.array([0, 1], "int32")}

    flip = flip_of(batch, lambda image: ops.roll(image, 1, axis=2))

    photo = batch["image"].astype("float32") / 255
    expected = np.square(np.roll(photo, 1, axis=2) - np.roll(photo, -1, axis=2)).mean(axis=(1, 2, 3))
    assert (expected > 0.1).all()
    np.testing.assert_allclose(flip, expected, rtol=1e-4)


def test_a_style_of_several_images_is_trained_on_their_weighted_sum(rng):
    """Section 3.4: each image with its own layers and weight, here in the relative form."""
    images = (
        StyleImage(file="stripes", weight=0.7, layers=training_case.LAYERS, layer_weights=(3.0, 1.0)),
        StyleImage(file="dots", weight=0.3, layers=training_case.LAYERS[1:]),
    )
    recipe = training_case.recipe(
        styles=(StyleRecipe(name="dots", layers=training_case.LAYERS), StyleRecipe(name="both", blend=images))
    )
    trainer = new_trainer(recipe)
    batch = {"image": rng.integers(0, 256, (1, 32, 32, 3), dtype="uint8"), "style": np.array([1], "int32")}
    painted = trainer(batch)

    style = trainer.loss_terms(batch, painted)["style"]

    network = VGG19(training_case.LAYERS)
    grams = {name: losses.gram_matrix(value) for name, value in network(painted).items()}

    def distance(name, layer):
        painting = resize_short_side(training_case.paintings()[name], 64)[None].astype("float32")
        return float(losses.relative_gram_loss(grams[layer], losses.gram_matrix(network(painting)[layer]))[0])

    first, second = training_case.LAYERS
    expected = 0.7 * (0.75 * distance("stripes", first) + 0.25 * distance("stripes", second)) + 0.3 * distance(
        "dots", second
    )
    np.testing.assert_allclose(style, [expected], rtol=1e-4)


def test_a_painting_at_several_sizes_has_a_target_for_each(rng):
    """Repeated dots are another texture where they are larger; the recipe's own size stays the first row."""
    sizes = (
        StyleImage(file="dots", weight=0.7, layers=training_case.LAYERS[1:]),
        StyleImage(file="dots", weight=0.3, layers=training_case.LAYERS[1:], size=160),
    )
    recipe = training_case.recipe(
        styles=(StyleRecipe(name="stripes", layers=training_case.LAYERS), StyleRecipe(name="dots", blend=sizes))
    )
    trainer = new_trainer(recipe)
    batch = {"image": rng.integers(0, 256, (1, 32, 32, 3), dtype="uint8"), "style": np.array([1], "int32")}
    painted = trainer(batch)

    style = trainer.loss_terms(batch, painted)["style"]

    layer = training_case.LAYERS[1]
    network = VGG19((layer,))
    gram = losses.gram_matrix(network(painted)[layer])

    def distance(size):
        painting = resize_short_side(training_case.paintings()["dots"], size)[None].astype("float32")
        return float(losses.relative_gram_loss(gram, losses.gram_matrix(network(painting)[layer]))[0])

    small, large = distance(64), distance(160)
    assert large != pytest.approx(small, rel=0.02)
    np.testing.assert_allclose(style, [0.7 * small + 0.3 * large], rtol=1e-4)
    rows = ops.convert_to_numpy(trainer.targets[layer])
    assert len(rows) == 3
    np.testing.assert_array_equal(rows[:2], new_trainer(training_case.recipe()).targets[layer])


def test_a_term_without_weight_is_neither_computed_nor_reported():
    trainer = new_trainer(training_case.recipe(weights=LossWeights(total_variation=0, pixel=0)))

    assert [metric.name for metric in trainer.terms] == ["content", "style"]


def test_only_transformer_and_style_table_are_trained():
    trainer = new_trainer(training_case.recipe())

    trained = [*trainer.transformer.variables, trainer.table]
    assert {id(v) for v in trainer.trainable_variables} == {id(v) for v in trained}


def test_thirty_steps_lower_the_loss(tmp_path):
    recipe = training_case.recipe(stages=(Stage(size=32, batch=2, steps=30),), learning_rate=1e-2)
    seen = []
    run = training_case.run(
        tmp_path / "run", tmp_path / "photos", recipe=recipe, report=lambda step, s, terms: seen.append(terms)
    )

    run.train()

    first, last = (np.mean([terms["loss"] for terms in part]) for part in (seen[:5], seen[-5:]))
    assert len(seen) == 30
    assert last < 0.75 * first


def test_the_averaged_weights_are_the_exponential_average_of_the_steps(tmp_path):
    recipe = training_case.recipe(ema_momentum=0.5, stages=(Stage(size=32, batch=1, steps=3),))
    trainer = new_trainer(recipe)
    kernel = trainer.transformer.last.kernel
    rng = np.random.default_rng(0)
    expected = None
    for _ in range(3):
        image = rng.integers(0, 256, (1, 32, 32, 3), dtype="uint8")
        trainer.train_on_batch({"image": image, "style": np.array([0], "int32")})
        value = ops.convert_to_numpy(kernel)
        expected = value if expected is None else 0.5 * expected + 0.5 * value

    np.testing.assert_allclose(averaged_weights(trainer)[kernel.path], expected, rtol=1e-5, atol=1e-7)


def any_style_trainer(corpus) -> StyleTrainer:
    keras.utils.set_random_seed(0)
    recipe = training_case.any_style_recipe()
    transformer = checkpoint.new_transformer(recipe.network)
    encoder = checkpoint.new_encoder(StyleEncoderConfig(style_size=transformer.style_size))
    encoder.fit_whitening(corpus.statistics)
    encoder.mean_vector.assign(checkpoint.neutral_vector(transformer))
    trainer = StyleTrainer(transformer, recipe, training_case.paintings(), encoder=encoder)
    trainer.compile(optimizer=make_optimizer(recipe), jit_compile=False)
    return trainer


@pytest.fixture(scope="module")
def any_style(tmp_path_factory):
    """A trainer of named and predicted styles, a batch for it, and the style images behind that."""
    folder = tmp_path_factory.mktemp("any_style")
    corpus = training_case.corpus(folder)
    photos = training_case.photos(folder / "photos")
    batch = Batches(photos, 2, 48, 3, seed=(0,), corpus=corpus, predicted=1, moved=2)[0]
    return any_style_trainer(corpus), batch, corpus


def test_the_last_photos_are_painted_in_predicted_styles_and_held_to_their_own_images(any_style):
    trainer, batch, corpus = any_style
    trainer.encoder.kernel.assign(np.random.default_rng(1).normal(0, 0.1, trainer.encoder.kernel.shape))
    painted = trainer(batch)

    terms = trainer.loss_terms(batch, painted)

    vector = trainer.encoder(batch["statistics"])
    np.testing.assert_allclose(painted[2:], trainer.transformer(batch["image"][2:], vector[:, None]), atol=1e-2)
    number = int(np.argmin(np.abs(corpus.statistics - batch["statistics"]).sum(axis=1)))
    distances = []
    for place, layer in enumerate(training_case.LAYERS):
        gram = losses.gram_matrix(VGG19((layer,))(painted[2:])[layer])
        target = corpus.grams(layer, [number]).astype("float32") * corpus.norms[number, place]
        distances.append(float(losses.relative_gram_loss(gram, target)[0]))
    assert float(terms["style"][2]) == pytest.approx(1.2 * np.mean(distances), rel=1e-2)
    assert terms["style"].shape == (3,)


def test_moved_photos_are_compared_where_both_show_the_same(any_style):
    trainer, batch, _ = any_style
    painted = trainer(batch)

    half = Motion(2, -4)
    batch = {**batch, "motion": np.stack([half.transform(48), half.inverse().transform(48)])}
    measured = ops.convert_to_numpy(trainer.loss_terms(batch, painted)["motion"])

    vectors = ops.take(trainer.table, batch["style"], axis=0)[:, None]
    again = ops.convert_to_numpy(trainer.transformer(batch["moved"], vectors))
    here = ops.convert_to_numpy(painted)[:2, 18:34, 12:28]
    np.testing.assert_allclose(
        measured, np.mean((here - again[:, 14:30, 20:36]) ** 2, axis=(1, 2, 3)) / 255**2, rtol=1e-4
    )


def test_a_step_moves_table_and_encoder_and_leaves_the_whitening(any_style):
    _, batch, corpus = any_style
    trainer = any_style_trainer(corpus)
    parts = {"table": trainer.table, "kernel": trainer.encoder.kernel, "whitening": trainer.encoder.whitening}
    before = {name: np.array(part) for name, part in parts.items()}

    trainer.train_on_batch(batch)

    moved = {name: bool(np.any(before[name] != np.array(part))) for name, part in parts.items()}
    assert moved == {"table": True, "kernel": True, "whitening": False}


def test_the_learning_rate_rises_holds_and_falls_along_a_cosine():
    schedule = WarmUpHoldCosine(1.0, 0.1, steps=100, hold=0.5, warm_up=4, since=10)

    rates = [float(schedule(step)) for step in (10, 11, 13, 14, 50, 75, 100)]

    np.testing.assert_allclose(rates, [0.25, 0.5, 1, 1, 1, 0.55, 0.1], rtol=1e-5)


def test_a_recipe_with_an_encoder_needs_one():
    recipe = training_case.any_style_recipe()
    with pytest.raises(TrainingError, match="trains a style encoder; none was given"):
        StyleTrainer(checkpoint.new_transformer(recipe.network), recipe, training_case.paintings())


def test_a_missing_painting_is_named():
    with pytest.raises(TrainingError, match="Missing: dots"):
        StyleTrainer(
            checkpoint.new_transformer(training_case.recipe().network),
            training_case.recipe(),
            {"stripes": training_case.paintings()["stripes"]},
        )


def in_another_process(script: str, *arguments: object, **environment: str) -> dict:
    """Runs Python code that prints JSON last: devices, threads and backends are fixed once per process."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


BACKEND = """
import json, sys
from pathlib import Path
import keras, numpy as np
from dataclasses import replace
from testing import training_case
from tfstyle.training.recipe import StyleImage, StyleRecipe
folder = Path(sys.argv[1])
losses = []
case = training_case.recipe()
sizes = tuple(StyleImage(file="dots", layers=training_case.LAYERS, size=size) for size in (64, 96))
recipe = replace(case, stages=case.stages[:1], weights=replace(case.weights, flip=20.0),
                 styles=(case.styles[0], StyleRecipe(name="dots", blend=sizes)))
run = training_case.run(folder / keras.backend.backend(), folder / "photos", recipe=recipe, init_from=folder / "first",
                        report=lambda step, seconds, terms: losses.append(terms["loss"]), jit=True)
run.train()
again = training_case.run(folder / keras.backend.backend(), folder / "photos", recipe=recipe)
kernel = np.asarray(run.averaged().trunk.last.kernel)
print(json.dumps({"backend": keras.backend.backend(), "losses": losses, "resumed": again.step,
                  "kernel": kernel.ravel().tolist()}))
"""


def test_the_same_training_on_jax_gives_the_same_losses_and_weights(tmp_path):
    keras.utils.set_random_seed(3)
    training_case.run(tmp_path / "first", tmp_path / "photos").save_weights()

    jax = in_another_process(BACKEND, tmp_path, KERAS_BACKEND="jax")
    tensorflow = in_another_process(BACKEND, tmp_path, KERAS_BACKEND="tensorflow")

    assert jax["backend"] == "jax"
    assert jax["resumed"] == 4
    np.testing.assert_allclose(jax["losses"], tensorflow["losses"], rtol=1e-3)
    np.testing.assert_allclose(jax["kernel"], tensorflow["kernel"], atol=2e-3)


RESUMED = """
import json, sys
from pathlib import Path
import numpy as np, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.experimental.enable_op_determinism()
from testing import training_case
folder, kill_after = Path(sys.argv[1]), int(sys.argv[2])
class Killed(BaseException): pass
def report(step, seconds, terms):
    if step == kill_after: raise Killed
run = training_case.run(folder, folder.parent / "photos", recipe=training_case.any_style_recipe(),
                        corpus=training_case.corpus(folder.parent / "styles"), report=report)
began = run.step
try:
    run.train()
except Killed:
    pass
print(json.dumps({"began": began, "step": run.step}))
"""


@pytest.mark.parametrize("kill_after", [3, 4, 5])
def test_a_killed_and_resumed_run_equals_an_unkilled_one_bit_for_bit(tmp_path, kill_after):
    """Killed inside the first stage, at its end and inside the second, with checkpoints every two steps.

    Named and predicted styles, moved photos, style table and encoder: everything that a step may hold.
    """
    training_case.photos(tmp_path / "photos")
    training_case.corpus(tmp_path / "styles")
    in_another_process(RESUMED, tmp_path / "whole", 0)
    killed = in_another_process(RESUMED, tmp_path / "parts", kill_after)
    resumed = in_another_process(RESUMED, tmp_path / "parts", 0)

    assert killed == {"began": 0, "step": kill_after}
    assert resumed == {"began": kill_after - 1 if kill_after % 2 else 2, "step": 6}
    whole, parts = (np.load(tmp_path / name / "checkpoint.npz") for name in ("whole", "parts"))
    assert whole.files == parts.files
    for name in whole.files:
        np.testing.assert_array_equal(whole[name], parts[name], err_msg=name)


REPLICAS = """
import json, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from pathlib import Path
from testing import training_case
from tfstyle.training.recipe import Stage
folder, replicas = Path(sys.argv[1]), int(sys.argv[2])
options = {"recipe": training_case.recipe(stages=(Stage(size=32, batch=4, steps=5),)),
           "devices": [f"CPU:{i}" for i in range(replicas)]}
losses = []
run = training_case.run(folder / str(replicas), folder / "photos", report=lambda *r: losses.append(r[2]), **options)
run.train()
resumed = training_case.run(folder / str(replicas), folder / "photos", **options)
print(json.dumps({"replicas": run.trainer.distribute_strategy.num_replicas_in_sync, "losses": losses,
                  "resumed": resumed.step}))
"""


def test_two_devices_with_half_the_batch_each_train_like_one(tmp_path):
    training_case.photos(tmp_path / "photos")
    one = in_another_process(REPLICAS, tmp_path, 1)
    two = in_another_process(REPLICAS, tmp_path, 2)

    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert one["resumed"] == two["resumed"] == 5
    for alone, shared in zip(one["losses"], two["losses"], strict=True):
        for name, value in alone.items():
            np.testing.assert_allclose(shared[name], value, rtol=2e-3, err_msg=name)
