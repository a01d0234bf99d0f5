import json

import numpy as np
import pytest

from tfstyle.contract.catalog import Style
from tfstyle.errors import TrainingError
from tfstyle.networks import checkpoint
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.networks.style_encoder import StyleEncoderConfig
from tfstyle.networks.transformer import TransformerConfig

TINY = TransformerConfig(widths=(4, 8), blocks=1)
A, B, NEW = (Style(name, name.upper(), "Ä", "1900") for name in ("a", "b", "new"))


@pytest.fixture(scope="module")
def model():
    trunk = checkpoint.new_transformer(TINY)
    table = checkpoint.neutral_vector(trunk) + np.random.default_rng(2).normal(0, 0.5, (2, trunk.style_size))
    encoder = checkpoint.new_encoder(
        StyleEncoderConfig(style_size=trunk.style_size, statistics=6, components=3, hidden=4)
    )
    return Checkpoint(trunk, (A, B), table.astype("float32"), encoder, step=17)


def photo():
    return np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype="uint8")


def test_a_saved_model_comes_back_to_the_bit(model, tmp_path):
    model.encoder.kernel.assign(np.ones(model.encoder.kernel.shape))
    model.save(tmp_path / "run" / "model.npz")

    again = Checkpoint.load(tmp_path / "run")

    assert (again.styles, again.step, again.trunk.config) == (model.styles, 17, TINY)
    np.testing.assert_array_equal(again.table, model.table)
    np.testing.assert_array_equal(again.paint(photo(), np.array([1, 0])), model.paint(photo(), np.array([1, 0])))
    np.testing.assert_array_equal(again.encoder(np.ones((1, 6))), model.encoder(np.ones((1, 6))))
    assert again.trunk.fingerprint() == model.trunk.fingerprint()


def test_half_precision_is_near_enough_to_go_on_from(model, tmp_path):
    model.save(tmp_path / "half.npz", "float16")

    painted = Checkpoint.load(tmp_path / "half.npz").paint(photo(), np.array([0, 1]))

    assert np.abs(painted.astype(int) - model.paint(photo(), np.array([0, 1]))).max() <= 1


def test_a_mix_of_style_vectors_is_the_mix_of_what_they_were_as_columns(model):
    """Gammas and betas are mixed alike, so half of each vector is what the proportions 0.5 and 0.5 ask for."""
    mixed = checkpoint.stylize(model.trunk, photo(), (model.table[0] + model.table[1]) / 2)

    np.testing.assert_array_equal(mixed, model.paint(photo(), np.array([0.5, 0.5])))


def test_starting_from_weights_keeps_kernels_and_finds_vectors_by_name(model):
    trunk = checkpoint.new_transformer(TINY)

    table = checkpoint.initialize(trunk, (B, NEW, A), model)

    np.testing.assert_array_equal(trunk.trunk[0].first.conv.kernel, model.trunk.trunk[0].first.conv.kernel)
    np.testing.assert_array_equal(table[[0, 2]], model.table[[1, 0]])
    np.testing.assert_allclose(table[1], model.table.mean(axis=0), rtol=1e-6)


def test_a_coarse_branch_begins_without_changing_what_is_painted(model):
    trunk = checkpoint.new_transformer(
        TransformerConfig(widths=(4, 8), blocks=1, coarse_widths=(6,), coarse_blocks=(1,))
    )
    table = checkpoint.initialize(trunk, (A, B), model)
    whole = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 3), dtype="uint8")

    painted = checkpoint.stylize(trunk, whole, table[0])

    assert table.shape == (2, trunk.style_size)
    np.testing.assert_array_equal(painted, model.paint(whole, np.array([1, 0])))


def test_weights_of_another_network_are_refused(model):
    other = checkpoint.new_transformer(TransformerConfig(widths=(4, 6), blocks=1))
    with pytest.raises(TrainingError, match=r"same network. transformer/down_1/conv/kernel has shape \(3, 3, 4, 6\)"):
        checkpoint.initialize(other, (A,), model)
    with pytest.raises(TrainingError, match="Not wanted here: transformer/block_0"):
        checkpoint.initialize(checkpoint.new_transformer(TransformerConfig(widths=(4, 8), blocks=0)), (A,), model)


def test_a_style_is_put_behind_the_others_or_in_the_place_of_one(model):
    vector = np.ones(model.trunk.style_size, "float32")

    longer, replaced = model.with_style(NEW, vector, 2), model.with_style(NEW, vector, 0)

    assert (longer.names, replaced.names) == (("a", "b", "new"), ("new", "b"))
    np.testing.assert_array_equal(longer.table, [*model.table, vector])
    np.testing.assert_array_equal(replaced.table, [vector, model.table[1]])
    with pytest.raises(TrainingError, match="finite numbers for new"):
        model.with_style(NEW, vector * np.nan, 2)


def test_a_table_of_another_size_is_refused(model):
    with pytest.raises(TrainingError, match="Expected a style table of shape"):
        Checkpoint(model.trunk, (A,), model.table)


@pytest.mark.parametrize("damage", ["missing", "half", "no config", "other network"])
def test_a_file_that_holds_no_model_is_refused(model, tmp_path, damage):
    file = tmp_path / "model.npz"
    model.save(file)
    if damage == "missing":
        file.unlink()
    elif damage == "half":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    else:
        with np.load(file) as arrays:
            kept = dict(arrays)
        config = json.loads(str(kept.pop("config")))
        if damage == "other network":
            config["network"]["widths"] = [4, 6]
            kept["config"] = np.array(json.dumps(config))
        np.savez(file, **kept)

    with pytest.raises(TrainingError, match=r"Expected a trained model in .*model\.npz"):
        Checkpoint.load(tmp_path)
