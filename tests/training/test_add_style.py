import hashlib
import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from testing import style_case, training_case
from testing.fake_model import photo_array
from tfstyle.contract.catalog import Catalog, Style
from tfstyle.errors import ModelError
from tfstyle.evaluation import distances
from tfstyle.model_store import versions
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.stylize.stylizer import Stylizer
from tfstyle.training.add_style import NewStyle
from tfstyle.training.time_budget import Budget

STRIPES = Style("stripes", "Streifen", "Ä. Maler", "c. 1902")


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patch:
        style_case.make_small(patch)
        yield patch


@pytest.fixture(scope="module")
def model(patch, tiny_models, tmp_path_factory):
    """Its version 1; further ones come with `learned`."""
    return style_case.model(tiny_models, tmp_path_factory.mktemp("new_style") / "tiny")


@pytest.fixture(scope="module")
def before(model):
    """Checksums of every file of version 1."""
    return checksums(model / "1")


@pytest.fixture(scope="module")
def learned(model, before, tmp_path_factory):
    """A style that was learned and saved as version 2."""
    photos = training_case.photos(tmp_path_factory.mktemp("photos"))
    budget = Budget(4)
    new = NewStyle(model, STRIPES, training_case.paintings()["stripes"], photos)
    budget.start_learning()
    steps = []
    new.learn(budget, lambda step, terms: steps.append(step))
    assert new.step == len(steps) > 20
    assert new.save(new.distances()) == model / "2"
    return new


def checksums(folder):
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}


def table_and_kernels(version):
    """Of the weights file: names of variables to their values."""
    model = Checkpoint.load(version)
    return {variable.path: np.array(variable) for variable in model.trunk.variables} | {"style_table": model.table}


def saved_variables(version):
    """Of the SavedModel, as a server restores them."""
    reader = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if name.startswith(("weights/", "table"))
    }


@pytest.mark.parametrize("read", [table_and_kernels, saved_variables])
def test_kernels_and_known_rows_stay_to_the_bit(learned, model, read):
    old, new = read(model / "1"), read(model / "2")

    assert old.keys() == new.keys()
    longer = 0
    for name, value in old.items():
        if new[name].shape != value.shape:
            assert new[name].shape == (len(value) + 1, *value.shape[1:])
            longer += 1
        np.testing.assert_array_equal(new[name][: len(value)], value, err_msg=name, strict=True)
    assert longer == 1  # the style table, and nothing else


@pytest.mark.parametrize("options", [{"style": "first"}, {"style": "second", "strength": 0.6, "mask": "left"}])
def test_known_styles_paint_the_same_bytes(learned, model, options):
    old, new = (Stylizer(model=model / version).stylize(photo_array(), **options).pixels for version in ("1", "2"))

    np.testing.assert_array_equal(old, new)


def test_the_version_before_is_not_touched(learned, model, before):
    assert checksums(model / "1") == before
    assert {path.name for path in model.iterdir()} >= {"1", "2"}
    assert {path.name for path in model.iterdir() if path.name.startswith(".")} == {
        versions.LOCK
    }  # nothing half written


def test_the_next_version_knows_the_style_and_takes_everything_else_over(learned, model):
    old, new = (Catalog.load(model / version / "assets.extra" / "catalog.json") for version in ("1", "2"))

    assert new.styles[:-1] == old.styles  # thumbnails too
    assert replace(new.styles[-1], thumbnail=b"") == STRIPES
    assert Image.open(io.BytesIO(new.styles[-1].thumbnail)).size == (160, 160)
    assert new.max_pixels == old.max_pixels
    assert Checkpoint.load(model / "2").names == ("first", "second", "stripes")
    assert (model / "2" / "assets.extra" / "tf_serving_warmup_requests").stat().st_size > 1000


def test_the_painting_can_be_left_at_home_to_evaluate(learned, model):
    """Its Gram matrices are with those of the other paintings, which stay to the bit."""
    old, new = (np.load(model / version / "assets.extra" / distances.TARGETS_FILE) for version in ("1", "2"))
    for name in old.files:
        np.testing.assert_array_equal(new[name], old[name], strict=True)

    targets = distances.load_targets(model / "2" / "assets.extra" / distances.TARGETS_FILE)
    assert targets.keys() == {"first", "stripes"}
    size = next(iter(targets["stripes"]))
    painting = distances.resize_short_side(training_case.paintings()["stripes"], size)
    assert distances.style_distance(learned.evaluator.features(painting)[1], targets["stripes"])[0] < 1e-3


def test_the_row_comes_nearer_than_the_one_it_began_as(learned):
    names = [style.name for style in learned.known.catalog]
    table = learned.known.model.table
    began_as = table[names.index(learned.start.name)] if learned.start else table.mean(axis=0)
    before, after = learned._measure(began_as, learned.looks), learned.distances()

    assert after.content + 3.5 * after.style < before.content + 3.5 * before.style


def test_only_the_vector_is_learned(learned):
    trained = learned.learner.trainer.trainable_variables

    assert [variable.name for variable in trained] == ["style_table"]
    assert trained[0].shape == (1, learned.known.model.trunk.style_size)


def test_it_starts_as_the_known_vector_with_the_lowest_loss(learned):
    table = learned.known.model.table
    first, second, mean = (learned._measure(vector, learned.looks) for vector in (*table, table.mean(axis=0)))
    losses = {"first": first, "second": second, None: mean}

    best = min(losses, key=lambda name: losses[name].content + 3.5 * losses[name].style)
    assert (learned.start.name if learned.start else None) == best


def test_a_style_that_is_too_strong_pulls_less_and_one_that_is_too_faint_more(learned):
    learned.balances = {48: distances.Distances(content=0.8, style=0.16, sizes=())}
    pull = float(learned.learner.style_weight)

    learned._rebalance(48, {"content": 1.2, "style": 0.1})
    weaker = float(learned.learner.style_weight)
    for _ in range(200):
        learned._rebalance(48, {"content": 0.4, "style": 0.4})

    assert weaker < pull
    assert float(learned.learner.style_weight) == pytest.approx(4 * 3.5)  # and no more than that


def test_a_style_that_was_added_meanwhile_comes_first(learned, model):
    """Columns are append-only: whoever saves later takes over what the other wrote."""
    learned.style = Style("other", "Other", "", "")
    try:
        version = learned.save(learned.distances())
        assert version == model / "3"
        assert Catalog.load(version / "assets.extra" / "catalog.json").names == ("first", "second", "stripes", "other")
        with pytest.raises(ModelError, match="got a style named 'other' meanwhile; nothing was written"):
            learned.save(learned.distances())
        assert not (model / "4").exists()
    finally:
        learned.style = STRIPES


def test_a_style_learned_again_replaces_itself_and_nothing_else(learned, model, patch, tmp_path):
    """Its row starts as what it is and keeps the balance that it has."""
    folder = tmp_path / "tiny"
    shutil.copytree(model / "2", folder / "2")
    budget = Budget(2)
    new = NewStyle(folder, STRIPES, training_case.paintings()["stripes"], learned.photos)
    balance = learned._measure(new.known.model.table[2], new.looks)
    budget.start_learning()
    new.learn(budget)
    version = new.save(new.distances())

    assert new.start.name == "stripes"
    assert new.balances == {new.looks.shape[1]: balance}
    assert new.step > 0
    assert Catalog.load(version / "assets.extra" / "catalog.json").names == ("first", "second", "stripes")
    before, after = table_and_kernels(folder / "2"), table_and_kernels(version)
    for name, value in before.items():
        if name == "style_table":
            np.testing.assert_array_equal(after[name][:2], value[:2], strict=True)
            assert not np.array_equal(after[name][2], value[2])
        else:
            np.testing.assert_array_equal(after[name], value, strict=True)


def test_a_style_learned_again_that_was_taken_back_meanwhile_is_refused(learned, model, tmp_path, monkeypatch):
    """And the number of the version that was taken back is not given again."""
    folder = tmp_path / "tiny"
    shutil.copytree(model / "1", folder / "1")
    (folder / ".withdrawn-2").mkdir()
    monkeypatch.setattr(learned, "model_folder", folder)
    monkeypatch.setattr(learned, "again", True)
    with pytest.raises(ModelError, match="no style named 'stripes' any more, since a version was taken back meanwhile"):
        learned.save(learned.distances())
    assert list(versions.versions(folder)) == [1]

    monkeypatch.setattr(learned, "again", False)
    assert learned.save(learned.distances()) == folder / "3"


def test_a_vector_for_another_trunk_is_not_saved(learned, model, tmp_path, monkeypatch):
    folder = tmp_path / "tiny"
    other = Checkpoint.load(model / "1")
    other.trunk.last.bias.assign(other.trunk.last.bias + 1)
    shutil.copytree(model / "1", folder / "1")
    other.save(folder / "1" / "assets.extra" / "model.npz")
    monkeypatch.setattr(learned, "model_folder", folder)

    with pytest.raises(ModelError, match="got another trunk meanwhile"):
        learned.save(learned.distances())
    assert list(versions.versions(folder)) == [1]


def test_a_catalog_of_other_styles_than_the_rows_is_refused(tiny_models, tmp_path):
    folder = style_case.model(tiny_models, tmp_path / "tiny", targets=False)
    catalog = folder / "1" / "assets.extra" / "catalog.json"
    catalog.write_text(catalog.read_text().replace('"first"', '"third"'))

    with pytest.raises(ModelError, match="to be the same, got"):
        NewStyle(folder, STRIPES, training_case.paintings()["stripes"], None)
