"""`tfstyle optimize`: a photo and paintings in, a painting, its history and clear refusals out."""

import csv
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from tfstyle.cli import main
from tfstyle.commands.optimize import _names, parse_style
from tfstyle.errors import RequestError
from tfstyle.masks.mask import gradient
from tfstyle.optimization.loss_history import LossHistory
from tfstyle.optimization.objective import ObjectiveWeights
from tfstyle.optimization.optimize import Optimized

SHALLOW = ["--content-layer", "block2_conv2"]
BRIEF = [*SHALLOW, "--iterations", "3"]
LAYERS = "block1_conv1=2,block2_conv1"


@pytest.fixture
def folder(tmp_path, monkeypatch, astronaut):
    """The current folder, with a photo of 48 pixels, two paintings and a mask in it."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut).resize((48, 48)).save("photo.png")
    Image.fromarray(skimage.data.chelsea()).save("fur.jpg")
    Image.fromarray(skimage.data.immunohistochemistry()).save("tissue.png")
    Image.new("L", (48, 48)).save("black.png")
    return tmp_path


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def refusal(arguments, capsys):
    """The one line that a refused command says."""
    assert main(["optimize", "photo.png", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tfstyle: ")
    assert said.count("\n") == 1
    return said


def test_two_paintings_on_two_sides_with_history_plot_and_previews(folder, capsys):
    styles = [
        "--style",
        f"fur.jpg:3:{LAYERS}",
        "--style",
        f"tissue.png:1:{LAYERS}",
        "--mask",
        "left",
        "--mask",
        "right",
    ]
    files = ["--history", "out/losses.csv", "--plot", "out/losses.svg", "--previews", "out", "--preview-every", "2"]

    assert main(["optimize", "photo.png", *styles, *files, *BRIEF, "--guided", "--preserve-color"]) == 0

    painting = pixels("photo.fur+tissue.png")
    assert painting.shape == (48, 48, 3)
    assert np.abs(painting - pixels("photo.png")).mean() > 1
    with open("out/losses.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["iteration"] for row in rows] == ["1", "2", "3"]
    assert {"content", "style fur", "style tissue", "total variation"} < rows[0].keys()
    assert "<svg" in (folder / "out" / "losses.svg").read_text()
    assert pixels("out/000002.jpg").shape == (48, 48, 3)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("1/3  48x48 ")
    assert said[-1] == "photo.png -> photo.fur+tissue.png (48x48)"


def test_interrupting_writes_the_picture_so_far(folder, monkeypatch, capsys):
    def stop(self, row):
        if row["iteration"] == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("tfstyle.commands.shared.progress.OptimizationProgress.report", stop)

    assert main(["optimize", "photo.png", "--style", f"fur.jpg::{LAYERS}", *BRIEF, "-o", "early.png"]) == 130
    assert pixels("early.png").shape == (48, 48, 3)
    assert "stopped after 2 iterations" in capsys.readouterr().err


def test_a_photograph_as_style_changes_colours_and_keeps_edges(folder):
    """Against the same transfer without the matting Laplacian: nearer to an affine change of the photo's colours."""
    given = ["optimize", "photo.png", "--style", f"tissue.png:1:{LAYERS}", *SHALLOW, "--iterations", "12"]
    assert main([*given, "-o", "free.png"]) == 0
    assert main([*given, "-o", "kept.png", "--photorealistic"]) == 0

    def rest(painting):
        photo = np.concatenate([pixels("photo.png").reshape(-1, 3), np.ones((48 * 48, 1))], axis=1)
        return np.linalg.lstsq(photo, painting.reshape(-1, 3), rcond=None)[1].sum()

    assert rest(pixels("kept.png")) < rest(pixels("free.png")) / 2
    assert np.abs(pixels("kept.png") - pixels("photo.png")).mean() > 2


def test_a_black_mask_gives_the_photo_back_and_is_told_once(folder, capsys):
    assert main(["optimize", "photo.png", "--style", "fur.jpg", "--mask", "black.png", "-o", "same.png"]) == 0
    np.testing.assert_array_equal(pixels("same.png"), pixels("photo.png"))
    assert capsys.readouterr().err.splitlines() == [
        "photo.png: the mask of fur is black everywhere: it paints nothing",
        "photo.png -> same.png (48x48)",
    ]


def test_a_photograph_goes_to_its_place_from_the_part_that_was_chosen(folder):
    """Photorealistic, guided, with masks on both sides: the blue half of the painting goes to the left half."""
    noise = np.random.default_rng(3).integers(0, 60, (64, 128, 3), "uint8")
    noise[:, :64, 0] += 190
    noise[:, 64:, 2] += 190
    Image.fromarray(noise).save("sides.png")
    places = ["--mask", "left", "--fade", "0", "--guided", "--style-mask", "right"]
    given = ["--style", f"sides.png:1:{LAYERS}", *places, "--photorealistic", "100", *SHALLOW]
    given += ["--iterations", "20", "--style-weight", "50"]

    assert main(["optimize", "photo.png", *given, "-o", "blue.png", "--history", "losses.csv"]) == 0

    change = pixels("blue.png") - pixels("photo.png")
    bluer = change[..., 2] - change[..., 0]
    assert bluer[:, :20].mean() > 15
    assert abs(bluer[:, 28:].mean()) < bluer[:, :20].mean() / 3
    assert "matting" in Path("losses.csv").read_text().splitlines()[0].split(",")


def test_every_option_reaches_the_optimization(folder, monkeypatch, capsys):
    given = {}

    def optimize(photo, styles, **options):
        given.update(options, photo=photo, styles=styles)
        return Optimized(photo, LossHistory())

    monkeypatch.setattr("tfstyle.optimization.optimize.optimize", optimize)
    Image.new("L", (96, 96), 255).save("large.png")
    style = ["--style", "fur.jpg:3:block1_conv1=2", "--mask", "large.png", "--guided", "--style-mask", "right"]
    weights = ["--content-weight", "2", "--style-weight", "3", "--tv-weight", "4", "--pixel-weight", "5"]
    colours = ["--match-luminance", "--preserve-color", "--photorealistic", "6"]
    network = ["--content-layer", "block3_conv1", "--vgg19", "imagenet"]
    numbers = ["--iterations", "7", "--max-size", "32", "--style-size", "90", "--seed", "11", "--fade", "0"]
    arguments = ["optimize", "photo.png", *style, *weights, *colours, *network, *numbers]

    assert main([*arguments, "--optimizer", "adam", "--init", "tissue.png"]) == 0

    (fur,) = given["styles"]
    assert (given["photo"].width, fur.name, fur.weight, fur.layers) == (32, "fur", 3.0, {"block1_conv1": 2.0})
    np.testing.assert_array_equal(fur.mask, np.ones((32, 32)))
    height, width = fur.pixels.shape[:2]
    np.testing.assert_array_equal(fur.style_mask, gradient("right", height, width, fade=0))
    assert given["weights"] == ObjectiveWeights(content=2, style=3, total_variation=4, pixel=5, matting=6)
    expected = {
        "iterations": 7, "optimizer": "adam", "style_size": 90, "guided": True, "preserve_color": True,
        "matched_luminance": True, "content_layer": "block3_conv1", "vgg19": "imagenet", "seed": 11,
    }  # fmt: skip
    assert {name: given[name] for name in expected} == expected
    np.testing.assert_array_equal(given["init"].pixels, pixels("tissue.png"))
    assert "photo.png: mask large.png resized from 96x96 to 32x32\n" in capsys.readouterr().err

    assert main(["optimize", "photo.png", "--style", "fur.jpg", "--init", "noise"]) == 0
    expected = {
        "iterations": 300, "optimizer": "lbfgs", "init": "noise", "style_size": None, "guided": False,
        "preserve_color": False, "matched_luminance": False, "weights": ObjectiveWeights(), "seed": 0,
    }  # fmt: skip
    assert {name: given[name] for name in expected} == expected


def test_bad_input_is_refused_in_one_sentence(folder, capsys):
    Image.new("RGB", (63, 200)).save("small.png")
    Image.new("L", (48, 40)).save("wide.png")
    Image.new("L", (451, 300)).save("dark.png")
    fur = ["--style", "fur.jpg"]
    for arguments, sentence in [
        (["--style", "small.png"], "small: expected a painting of at least 64x64 pixels, got 63x200"),
        (["--style", "fur.jpg:1:conv9"], "fur: expected layers out of block1_conv1, block1_conv2, "),
        (["--style", "fur.jpg:0"], "Expected a style with a weight above 0, got none"),
        (["--style", "fur.jpg:-1"], "with weights of 0 or more, got 'fur.jpg:-1'"),
        (["--style", "none.jpg"], "none.jpg: no such file"),
        ([*fur, "--mask", "wide.png"], "expected a mask shaped like the photo, 48x48, got 48x40"),
        ([*fur, "--mask", "left", "--mask", "right"], "Expected --mask once, or once for each of 1 styles, got it 2"),
        ([*fur, "--style-mask", "left"], "Expected --guided with --style-mask"),
        ([*fur, "--guided", "--style-mask", "black.png"], "shaped like the painting, 451x300, got 48x48"),
        ([*fur, "--guided", "--style-mask", "dark.png"], "dark.png: expected a mask that is white somewhere"),
        ([*fur, "--init", "none.png"], "none.png: no such file"),
        ([*fur, "-o", "fur.jpg"], "fur.jpg: this is read as well; choose another name for the painting"),
        ([*fur, "--mask", "black.png", "-o", "./black.png"], "black.png: this is read as well; choose another name"),
        ([*fur, "--history", "photo.png"], "photo.png: this is read or written as well; choose another name"),
        ([*fur, "-o", "a.png", "--plot", "./a.png"], "a.png: this is read or written as well"),
        ([*fur, "--init", "tissue.png", "--plot", "tissue.png"], "tissue.png: this is read or written as well"),
        ([*fur, "--content-layer", "fc7"], "The loss network has the layers block1_conv1, "),
        ([*fur, "--style-weight", "0", "--content-weight", "0", "--tv-weight", "0"], "got 0 for all of them"),
    ]:
        assert sentence in refusal(arguments, capsys), arguments
    assert sorted(path.name for path in folder.glob("*.fur*")) == []


@pytest.mark.parametrize("option", ["-o", "--history", "--plot", "--previews"])
def test_what_cannot_be_written_is_said_before_it_starts(folder, capsys, monkeypatch, option):
    """Minutes of painting would be lost."""
    monkeypatch.setattr("tfstyle.optimization.optimize.optimize", lambda *_, **__: pytest.fail("it started"))
    sentence = refusal(["--style", "fur.jpg", option, "photo.png/below/losses.png"], capsys)
    assert "Expected a file that can be written at photo.png/below/losses.png" in sentence


def test_too_little_memory_is_said_before_it_starts(folder, capsys, monkeypatch):
    import psutil
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 1.104e9}))
    assert "of memory, and 1.1 GB are available; use --max-size " in refusal(["--style", "fur.jpg"], capsys)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 1.15e9}))
    large = ["--style", "fur.jpg", "--style-size", "300"]
    assert "A painting seen at 451x300 pixels takes about 1.3 GB of memory" in refusal(large, capsys)


def test_a_plot_without_matplotlib_is_refused_before_it_starts(folder, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        main(["optimize", "photo.png", "--style", "fur.jpg", "--plot", "losses.png"])
    assert ended.value.code == 2
    assert "a plot needs matplotlib, which is not installed; pip install 'tfstyle[plot]'" in capsys.readouterr().err


def test_styles_are_read_as_image_weight_and_layers(folder):
    (folder / "odd:name.jpg").touch()
    assert parse_style("a/b.jpg") == ("a/b.jpg", 1.0, None)
    assert parse_style("b.jpg:0.5") == ("b.jpg", 0.5, None)
    assert parse_style("b.jpg::block1_conv1") == ("b.jpg", 1.0, {"block1_conv1": 1.0})
    assert parse_style("b.jpg:2:x=3,y") == ("b.jpg", 2.0, {"x": 3.0, "y": 1.0})
    assert parse_style("odd:name.jpg") == ("odd:name.jpg", 1.0, None)
    with pytest.raises(RequestError, match=r"IMAGE\[:WEIGHT\[:LAYERS\]\]"):
        parse_style("b.jpg:bold")


def test_paintings_of_one_name_get_numbers_that_no_other_has():
    assert _names(["wave", "wave 1", "scream", "wave"]) == ["wave 2", "wave 1", "scream", "wave 3"]
    assert _names(["wave", "scream"]) == ["wave", "scream"]


def test_memory_that_a_gpu_does_not_have_is_said_in_one_sentence(folder, capsys, monkeypatch):
    import tensorflow as tf

    def full(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr("tfstyle.optimization.objective.Objective.__call__", full)
    sentence = "Optimizing 48x48 pixels takes more memory than there is; use a smaller --max-size or --style-size"
    assert sentence in refusal(["--style", "fur.jpg", "--max-size", "48"], capsys)
