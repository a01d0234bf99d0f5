"""The scripts and the notebook of examples/ run as they stand, and make what they say."""

import re
import runpy
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from testing import style_case, training_case
from tfstyle.imaging.photo import read_photo
from tfstyle.model_store.versions import versions
from tfstyle.training.recipe import Stage, load_recipe
from tfstyle.training.training_run import Run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SAMPLE = ROOT / "tfstyle" / "assets" / "astronaut.jpg"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs a script with arguments, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *arguments: object) -> None:
        monkeypatch.setattr("sys.argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")

    return run


@pytest.fixture
def photo(tmp_path) -> Path:
    with Image.open(SAMPLE) as picture:
        picture.resize((96, 96)).save(tmp_path / "photo.jpg")
    return tmp_path / "photo.jpg"


def test_stylize_writes_a_style_a_blend_and_two_regions(run, photo, tmp_path, capsys):
    run("stylize.py", photo)

    assert "starry_night" in capsys.readouterr().out
    made = [read_photo(tmp_path / f"{name}.jpg").pixels for name in ("wave", "blend", "regions")]
    assert {picture.shape for picture in made} == {(96, 96, 3)}
    assert np.abs(made[0].astype(int) - made[1]).mean() > 5


def test_every_style_of_a_server_is_painted_at_once(run, photo, released_server, tmp_path, capsys):
    run("every_style.py", released_server, photo)

    names = capsys.readouterr().out.split()[::3]
    assert len(names) == 12
    assert {path.name for path in tmp_path.glob("*.jpg")} == {*names, "photo.jpg"}


def test_plain_grpc_paints_without_anything_of_ours(run, photo, released_server, tmp_path):
    run("plain_grpc.py", released_server, photo)

    assert read_photo(tmp_path / "scream.png").pixels.shape == (96, 96, 3)
    assert not re.search(r"^\s*(?:import|from) (?:tfstyle|serving)\b", (EXAMPLES / "plain_grpc.py").read_text(), re.M)


def test_the_recipe_trains(tmp_path):
    """With one step of small crops in place of its hours."""
    recipe = replace(load_recipe(str(EXAMPLES / "my_recipe.py")), stages=(Stage(size=32, batch=1, steps=1),))
    paintings = {"kiss": training_case.paintings()["stripes"]}

    training = Run(tmp_path / "run", recipe, training_case.photos(tmp_path / "photos"), paintings, jit=False)
    training.train()

    assert list((tmp_path / "run").iterdir())


def test_add_style_writes_the_next_version_and_paints_with_it(run, tiny_models, tmp_path, monkeypatch):
    style_case.make_small(monkeypatch)
    painting, photos = style_case.files(tmp_path / "given")
    model = style_case.model(tiny_models, tmp_path / "tiny")
    monkeypatch.setattr("signal.signal", lambda *_: None)  # of this process, not of the tests

    with pytest.raises(SystemExit) as ended:
        run("add_style.py", painting, photos, model, 1)

    assert ended.value.code == 0
    assert sorted(versions(model)) == [1, 2]
    assert (tmp_path / "in_its_own_style.jpg").exists()


def test_the_notebook_runs(tmp_path):
    notebook = nbformat.read(EXAMPLES / "blends.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs are not kept in the repository"

    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()

    pictures = [out for cell in notebook.cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
    assert len(pictures) == 2


def test_every_example_is_listed_and_nothing_else():
    listed = re.findall(r"\]\(([\w.]+)\) \|", (EXAMPLES / "README.md").read_text())
    assert sorted([*listed, "README.md"]) == sorted(path.name for path in EXAMPLES.iterdir() if path.is_file())
