"""Which models are found on disk, and what is said about those that are not whole."""

import shutil
from pathlib import Path

import pytest

from serving.repository import find_models, newest_version
from tfstyle.errors import ModelError


def export(path: Path) -> Path:
    """What a whole SavedModel looks like from outside."""
    (path / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"):
        (path / name).write_bytes(b"x")
    return path


def test_the_highest_number_is_the_newest_version(tmp_path):
    for version in ("1", "9", "00010", "11.tmp", "latest"):
        export(tmp_path / "tfstyle" / version)
    export(tmp_path / "another" / "3")
    (tmp_path / "README.md").write_text("the model card")
    (tmp_path / ".git").mkdir()

    found = find_models(tmp_path)
    assert [(model.name, model.version) for model in found] == [("another", 3), ("tfstyle", 10)]
    assert found[1].path == tmp_path / "tfstyle" / "00010"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match=f"{tmp_path}/none"):
        find_models(tmp_path / "none")
    with pytest.raises(ModelError, match=f"{tmp_path}/none"):
        newest_version("none", tmp_path / "none")


def test_a_folder_without_models_says_what_belongs_there(tmp_path):
    with pytest.raises(ModelError, match=r"Expected <model>/<version>/saved_model.pb .* found no model"):
        find_models(tmp_path)


def test_an_empty_model_folder_is_an_error(tmp_path):
    (tmp_path / "tfstyle").mkdir()
    with pytest.raises(ModelError, match=r"tfstyle holds no version"):
        find_models(tmp_path)


@pytest.mark.parametrize("missing", ["saved_model.pb", "variables", "variables/variables.index"])
def test_a_half_written_version_is_an_error(tmp_path, missing):
    """The older one is not served instead: whoever copied the newer one would not notice."""
    export(tmp_path / "tfstyle" / "1")
    path = export(tmp_path / "tfstyle" / "2") / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()

    with pytest.raises(ModelError, match="half written"):
        find_models(tmp_path)
