"""What `tfstyle evaluate` says of a training before it is exported; models are measured in the tests of commands."""

import json

import numpy as np
import pytest
from PIL import Image

from testing import training_case
from tfstyle.cli import main
from tfstyle.contract.catalog import Style
from tfstyle.networks import checkpoint
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.networks.style_encoder import StyleEncoderConfig
from tfstyle.networks.transformer import TransformerConfig


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A folder with a photo, `images` to take styles from, and the weights of trainings with and without an encoder."""
    folder = tmp_path_factory.mktemp("evaluate")
    training_case.style_images(folder / "images")
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype="uint8")
    Image.fromarray(coarse).resize((160, 120), Image.Resampling.BICUBIC).save(folder / "photo.png")
    trunk = checkpoint.new_transformer(TransformerConfig(widths=(4, 8), blocks=0))
    encoder = checkpoint.new_encoder(StyleEncoderConfig(style_size=trunk.style_size, components=4, hidden=4))
    encoder.fit_whitening(np.random.default_rng(1).random((8, 1920)))
    encoder.mean_vector.assign(checkpoint.neutral_vector(trunk))
    table = checkpoint.neutral_vector(trunk)[None]
    for name, with_encoder in (("any.npz", encoder), ("named.npz", None)):
        Checkpoint(trunk, (Style("stripes", "", "", ""),), table, with_encoder).save(folder / name)
    return folder


def evaluated(capsys, *arguments) -> dict:
    assert main(["evaluate", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_predicted_styles_are_measured_each_against_its_own_image(case, capsys):
    measured = evaluated(capsys, case / "photo.png", "--weights", case / "any.npz", "--style-corpus", case / "images")

    assert measured.keys() == {"stripes", "dots", "dark_stripes", "dark_dots"}
    assert len({value["content"] for value in measured.values()}) == 1  # the encoder has learned nothing: one vector
    assert len({value["style"] for value in measured.values()}) == 4


def test_a_training_is_measured_in_its_named_styles_and_for_its_steadiness(case, capsys):
    arguments = ("--weights", case / "named.npz", "--style-images", case / "images", "--stability")
    measured = evaluated(capsys, case / "photo.png", *arguments)

    assert measured.keys() == {"stripes"}
    assert measured["stripes"]["stability"].keys() == {
        "shift_error",
        "noise_gain",
        "motion_error",
        "motion_ratio",
        "luminance_ssim",
    }
    assert measured["stripes"]["stability"]["shift_error"] > 0

    assert main(["evaluate", str(case / "photo.png"), *map(str, arguments)]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "style",
        "style",
        "distance",
        "content",
        "distance",
        "shift",
        "error",
        "noise",
        "gain",
        "motion",
        "ratio",
        "SSIM",
        "(1",
        "photos)",
    ]
    assert len(row.split()) == 7


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--weights", "named.npz", "--style-corpus", "images"], "have no style encoder"),
        (["--weights", "any.npz", "--style-corpus", "empty"], "There are none"),
        (["--weights", "any.npz", "--style-corpus", "small"], "at least 64x64 pixels"),
        (["--weights", "any.npz", "--style-corpus", "images", "--style", "dots"], "Expected --style-corpus alone"),
        (["--weights", "any.npz", "--model", "images"], "Expected --weights or --model"),
        (["--weights", "any.npz", "--style", "dots"], "No style named 'dots'"),
        (["--weights", "photo.png"], "Expected a trained model in"),
    ],
)
def test_what_cannot_be_measured_is_said(case, capsys, arguments, sentence):
    (case / "empty").mkdir(exist_ok=True)
    (case / "small").mkdir(exist_ok=True)
    Image.new("RGB", (60, 80)).save(case / "small" / "a.png")
    files = [str(case / value) if not value.startswith("--") and value != "dots" else value for value in arguments]

    assert main(["evaluate", str(case / "photo.png"), *files]) == 2
    assert sentence in capsys.readouterr().err


def test_weights_are_exported_alone_in_half_precision(case, capsys):
    target = case / "half.npz"

    assert main(["export", str(case / "any.npz"), "--to", str(target)]) == 0

    assert "step 0" in capsys.readouterr().out
    assert target.stat().st_size < (case / "any.npz").stat().st_size
    assert Checkpoint.load(target).encoder is not None
