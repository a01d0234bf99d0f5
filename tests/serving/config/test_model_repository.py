"""Which models and versions are found on disk."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from serving.config.model_repository import find_models, wanted_versions
from tfstyle.errors import ModelError


@pytest.fixture
def base_path(tmp_path) -> Path:
    """Versions 1, 2 and 10, and what is no version."""
    for name in ("1", "2", "00010", "11.tmp", "latest", ".12"):
        (tmp_path / "tfstyle" / name).mkdir(parents=True)
    (tmp_path / "tfstyle" / "13").write_text("a file")
    return tmp_path / "tfstyle"


def model(base_path: Path, policy: str = "") -> ModelConfig:
    config = ModelConfig(name="tfstyle", base_path=str(base_path))
    return text_format.Parse(f"model_version_policy {{ {policy} }}", config) if policy else config


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("", [10]),
        ("latest {}", [10]),
        ("latest { num_versions: 2 }", [2, 10]),
        ("latest { num_versions: 9 }", [1, 2, 10]),
        ("all {}", [1, 2, 10]),
        ("specific { versions: 2 versions: 1 versions: 7 }", [1, 2]),
        ("specific {}", []),
    ],
)
def test_a_policy_chooses_among_the_versions_on_disk(base_path, policy, versions):
    assert [found.version for found in wanted_versions(model(base_path, policy))] == versions


def test_zeros_in_front_of_a_version_are_part_of_its_folder_only(base_path):
    (found,) = wanted_versions(model(base_path))
    assert (found.name, found.version, found.path) == ("tfstyle", 10, base_path / "00010")


def test_a_missing_base_path_is_named(tmp_path):
    with pytest.raises(ModelError, match=f"Could not find base path {tmp_path}/none for servable tfstyle"):
        wanted_versions(model(tmp_path / "none"))


def test_every_folder_of_a_folder_of_models_is_a_model(tmp_path):
    for name in ("tfstyle", "another", ".git"):
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").write_text("the model card")

    assert find_models(tmp_path) == {"another": tmp_path / "another", "tfstyle": tmp_path / "tfstyle"}


def test_a_missing_folder_of_models_is_named(tmp_path):
    with pytest.raises(ModelError, match=f"{tmp_path}/none"):
        find_models(tmp_path / "none")


def test_a_folder_without_models_says_what_belongs_there(tmp_path):
    with pytest.raises(ModelError, match=r"Expected <model>/<version>/saved_model.pb .* found no model"):
        find_models(tmp_path)


def test_a_folder_that_holds_files_alone_is_no_model_and_an_empty_one_is(tmp_path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "weights.npz").write_bytes(b"")
    (tmp_path / "to_come").mkdir()

    assert find_models(tmp_path) == {"to_come": tmp_path / "to_come"}
