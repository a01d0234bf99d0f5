"""From paintings to a painted photo with the commands alone: train, export, evaluate, stylize."""

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from testing import training_case
from tfstyle.cli import main
from tfstyle.errors import TrainingError
from tfstyle.evaluation import distances as evaluate

RECIPE = "from testing.training_case import recipe\n\nRECIPE = recipe()\n"


@pytest.fixture(autouse=True, scope="module")
def small_sizes():
    """Sizes at which VGG19 sees a painting in little time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "STYLE_IMAGE_SIZES", (64, 96))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a recipe, its paintings, photos to train on and one to paint."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "case.py").write_text(RECIPE)
    training_case.photos(folder / "photos")
    (folder / "paintings").mkdir()
    for name, painting in training_case.paintings().items():
        Image.fromarray(painting).save(folder / "paintings" / f"{name}.png")
    shutil.copy(folder / "photos" / "0.jpg", folder / "photo.jpg")
    return folder


@pytest.fixture(scope="module")
def train(folder):
    """A function that trains with further arguments."""
    terminate = signal.getsignal(signal.SIGTERM)
    photos = ["--photos", str(folder / "photos")]

    def run(*arguments) -> int:
        given = [*(() if "--photos" in arguments else photos), *map(str, arguments)]
        return main(["train", str(folder / "case.py"), "--no-jit", *given])

    yield run
    signal.signal(signal.SIGTERM, terminate)


@pytest.fixture(scope="module")
def trained(folder, train) -> Path:
    """The folder of a finished run."""
    out = folder / "run"
    assert train("--style-images", folder / "paintings", "--out", out, "--samples", folder / "photo.jpg") == 0
    return out


@pytest.fixture(scope="module")
def model(folder, trained) -> Path:
    """The folder of the exported version."""
    version = folder / "models" / "mine" / "1"
    given = ["--style-images", str(folder / "paintings"), "--max-pixels", "250000"]
    assert main(["export", str(trained), *given, "--to", str(version)]) == 0
    return version


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def test_training_leaves_weights_losses_and_a_sheet(trained):
    lines = (trained / "losses.csv").read_text().splitlines()
    assert lines[0].startswith("step,seconds_per_step,")
    assert lines[-1].startswith("6,")
    assert (trained / "model.npz").stat().st_size > 1000
    photo, first, second = np.split(pixels(trained / "sheet_000006.png"), 3, axis=1)
    assert np.abs(photo - first).mean() > 5
    assert np.abs(photo - second).mean() > 5


def test_training_again_in_a_finished_run_changes_nothing(folder, trained, train, capsys):
    checkpoint, losses = (trained / "checkpoint.npz").read_bytes(), (trained / "losses.csv").read_text()
    assert train("--style-images", folder / "paintings", "--out", trained) == 0
    assert (trained / "checkpoint.npz").read_bytes() == checkpoint
    assert (trained / "losses.csv").read_text() == losses
    said = capsys.readouterr().err
    assert "step 6 of 6" in said
    assert "Done: " in said


def test_an_exported_model_paints_a_photo(folder, model, monkeypatch):
    monkeypatch.chdir(folder)
    arguments = ["--style", "stripes", "--model", str(model.parent), "-o", "painting.png"]
    assert main(["stylize", "photo.jpg", *arguments]) == 0
    painting, photo = pixels(folder / "painting.png"), pixels(folder / "photo.jpg")
    assert painting.shape == photo.shape
    assert np.abs(painting - photo).mean() > 5
    assert painting.std() > 1


def test_the_largest_photo_of_the_graph_is_the_one_exported_for(folder, model, capsys):
    """ONNX Runtime paints larger ones, too."""
    Image.new("RGB", (501, 500)).save(folder / "large.png")
    command = ["stylize", str(folder / "large.png"), "--style", "dots", "--model", str(model)]
    assert main([*command, "--engine", "tensorflow"]) == 2
    assert "large.png" in capsys.readouterr().err
    assert main([*command, "-o", str(folder / "large.dots.png")]) == 0
    assert json.loads((model / "assets.extra" / "catalog.json").read_text())["max_pixels"] == 250_000


def test_without_a_target_the_export_is_the_next_version(folder, trained, monkeypatch, capsys):
    monkeypatch.setenv("TFSTYLE_MODELS", str(folder / "root"))
    (folder / "root" / "tfstyle" / "4").mkdir(parents=True)
    monkeypatch.setattr("tfstyle.export.saved_model.export", lambda *arguments: None)
    assert main(["export", str(trained)]) == 0
    assert capsys.readouterr().out == f"{folder / 'root' / 'tfstyle' / '5'}\n"


def test_a_model_exported_with_its_paintings_is_measured_the_same_without_them(folder, model, capsys):
    measure = ["evaluate", str(folder / "photo.jpg"), "--model", str(model), "--json"]
    assert main([*measure, "--style-images", str(folder / "paintings")]) == 0
    exact = json.loads(capsys.readouterr().out)

    assert main(measure) == 0

    kept = json.loads(capsys.readouterr().out)
    assert list(kept) == ["stripes", "dots"]
    for name, distances in kept.items():
        assert distances["content"] == exact[name]["content"]
        assert distances["style"] == pytest.approx(exact[name]["style"], rel=1e-2)


def test_a_model_is_not_exported_with_half_of_its_paintings(folder, trained, tmp_path, capsys):
    shutil.copy(folder / "paintings" / "dots.png", tmp_path)
    version = tmp_path / "half" / "1"

    assert main(["export", str(trained), "--style-images", str(tmp_path), "--to", str(version)]) == 2

    assert "Missing: stripes" in capsys.readouterr().err
    assert not version.exists()


def test_a_model_is_measured_against_the_paintings(folder, model, capsys):
    arguments = ["--style-images", str(folder / "paintings"), "--model", str(model), "--json"]
    assert main(["evaluate", str(folder / "photo.jpg"), *arguments]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert list(measured) == ["stripes", "dots"]
    for distances in measured.values():
        assert 0 < distances["content"] < 10
        assert 0 < distances["style"] < np.inf
        assert set(distances["sizes"]) <= {64, 96}


def test_optimization_and_pictures_of_others_are_measured_beside_the_network(folder, model, monkeypatch, capsys):
    """The photo itself as a picture of another making: content 0, and the style distance that painting starts from."""
    monkeypatch.chdir(folder)
    Path("pictures").mkdir()
    shutil.copy("photo.jpg", "pictures/photo.dots.jpg")
    arguments = ["--style-images", "paintings", "--model", str(model), "--style", "dots"]
    more = ["--optimize", "8", "--pictures", "pictures", "--csv", "out/all.csv", "--plot", "out/all.png"]

    assert main(["evaluate", "photo.jpg", *arguments, *more, "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert list(measured) == ["network", "optimization", "pictures"]
    photo, optimized = measured["pictures"]["dots"], measured["optimization"]["dots"]
    assert photo["content"] == 0
    assert optimized["style"] < photo["style"]
    assert optimized["content"] > 0
    lines = Path("out/all.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [[method, "photo.jpg", "dots"] for method in measured]
    assert Image.open("out/all.png").width > 400

    assert main(["evaluate", "photo.jpg", *arguments, "--pictures", "pictures", "--max-size", "60", "--json"]) == 0
    smaller = json.loads(capsys.readouterr().out)["pictures"]["dots"]
    assert smaller["content"] == 0
    assert smaller["style"] != photo["style"]

    Image.new("RGB", (40, 30)).save("pictures/photo.dots.jpg")
    assert main(["evaluate", "photo.jpg", *arguments, "--pictures", "pictures"]) == 2
    assert "expected a picture of its photo's size, 120x100, got 40x30" in capsys.readouterr().err
    Path("pictures/photo.dots.jpg").unlink()
    assert main(["evaluate", "photo.jpg", *arguments, "--pictures", "pictures"]) == 2
    assert "Missing: photo.dots.jpg." in capsys.readouterr().err
    assert main(["evaluate", "photo.jpg", "--model", str(model), "--optimize", "8"]) == 2
    assert "Expected --style-images with --optimize" in capsys.readouterr().err


def test_a_style_without_saved_targets_is_refused(folder, model, tmp_path, capsys):
    model = Path(shutil.copytree(model, tmp_path / "1"))
    saved = model / "assets.extra" / evaluate.TARGETS_FILE
    measure = ["evaluate", str(folder / "photo.jpg"), "--model", str(model)]
    save = ["--style", "stripes", "--style-images", str(folder / "paintings"), "--save-targets", str(saved)]
    assert main([*measure, *save]) == 0
    assert main([*measure, "--style", "stripes"]) == 0
    capsys.readouterr()
    assert main(measure) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"tfstyle: No Gram matrices for dots in {saved}; give --style-images DIR.\n"


@pytest.mark.parametrize("option", ["--csv", "--plot", "--save-targets"])
def test_what_cannot_be_written_is_said_before_anything_is_measured(folder, model, capsys, option):
    target = folder / "photo.jpg" / "out.png"
    assert main(["evaluate", str(folder / "photo.jpg"), "--model", str(model), option, str(target)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"tfstyle: Expected a file that can be written at {target}, but that fails (")


def test_a_folder_without_photos_is_not_measured(folder, capsys):
    (folder / "nothing").mkdir()
    (folder / "nothing" / "._photo.jpg").write_bytes(b"the shadow of a photo")
    assert main(["evaluate", str(folder / "nothing")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"tfstyle: {folder / 'nothing'}: expected a folder with photos in it, found none.\n"


def test_paintings_come_from_a_folder_or_as_files(folder, train, capsys):
    stripes = folder / "paintings" / "stripes.png"
    for arguments, got in ((["--style", stripes, "--style-images", folder / "paintings"], "both"), ([], "neither")):
        assert train("--out", folder / "refused", *arguments) == 2
        assert capsys.readouterr().err == (
            f"tfstyle: Expected paintings to learn from, either --style-images DIR or --style FILE, got {got}.\n"
        )
    assert not (folder / "refused").exists()


def test_weights_of_the_command_line_replace_the_recipes(folder, train, monkeypatch):
    def run(out, recipe, *arguments, **options):
        weights.append(recipe.weights)
        raise TrainingError("enough seen")

    weights: list = []
    monkeypatch.setattr("tfstyle.training.training_run.Run", run)
    given = ["--style-images", folder / "paintings", "--out", folder / "weights"]

    assert train(*given) == 2
    assert train(*given, "--style-weight", "3", "--tv-weight", "0", "--pixel-weight", "0.5") == 2

    recipe, changed = weights
    assert (changed.style, changed.total_variation, changed.pixel) == (3, 0, 0.5)
    assert changed.content == recipe.content
    assert recipe.total_variation == 1


def test_two_paintings_of_one_name_are_refused(folder, train, capsys):
    style = ["--style", folder / "paintings" / "stripes.png"]
    assert train("--out", folder / "refused", *style, "--style", folder / "others" / "stripes.jpg") == 2
    said = capsys.readouterr().err
    assert "needs a name of its own for every style" in said
    assert "stripes, stripes" in said


def test_a_painting_of_a_stamp_size_is_refused_before_anything_is_written(folder, train, tmp_path, capsys):
    Image.new("RGB", (63, 200)).save(tmp_path / "stamp.png")
    assert train("--style", tmp_path / "stamp.png", "--out", folder / "refused") == 2
    assert "stamp.png: expected a painting of at least 64x64 pixels, got 63x200" in capsys.readouterr().err
    assert not (folder / "refused").exists()


def test_photos_found_damaged_while_training_are_told_at_the_end(folder, train, tmp_path, capsys):
    photos = tmp_path / "photos"
    shutil.copytree(folder / "photos", photos)
    for name in ("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"):
        (photos / name).write_bytes((photos / name).read_bytes()[:700])
    arguments = ["--photos", photos, "--style", folder / "paintings" / "stripes.png", "--out", tmp_path / "run"]
    assert train(*arguments) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "6 files: 6 photos"
    assert lines[-1] == "6 files: 1 photos, skipped 5 corrupt"
