"""Labels in a models file: what is written, and what is refused because servers would."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from serving.config.config_files import ConfigFileError
from serving.config.labels import set_labels

OTHER = 'config { name: "other" base_path: "/models/other" model_platform: "tensorflow" }'
TFSTYLE = 'name: "tfstyle" base_path: "/models/tfstyle" model_platform: "tensorflow"'
PINNED = """model_version_policy { specific { versions: 1 versions: 2 } }
    version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 }"""


@pytest.fixture
def folder(tmp_path):
    """Versions 1 to 3 of `tfstyle`, seen by servers as `/models/tfstyle`."""
    for number in "123":
        (tmp_path / "tfstyle" / number).mkdir(parents=True)
    return tmp_path / "tfstyle"


@pytest.fixture
def config(tmp_path):
    """Writes a models file with `more` about `tfstyle`."""

    def write(more: str = ""):
        path = tmp_path / "models.config"
        path.write_text(f"model_config_list {{ {OTHER} config {{ {TFSTYLE} {more} }} }}")
        return path

    return write


def models(path):
    return text_format.Parse(path.read_text(), ModelServerConfig()).model_config_list.config


def test_labelled_versions_are_the_ones_served(config, folder):
    path = config()
    assert set_labels(path, folder, {"stable": 3, "previous": 1}) == {"stable": 3, "previous": 1}

    other, tfstyle = models(path)
    assert other == models(config())[0]
    assert (tfstyle.base_path, tfstyle.model_platform) == ("/models/tfstyle", "tensorflow")


def test_a_label_moves_and_a_version_without_one_is_no_longer_served(config, folder):
    path = config(PINNED)
    assert set_labels(path, folder, {"stable": 2, "canary": None}) == {"stable": 2}

    model = models(path)[1]
    assert dict(model.version_labels) == {"stable": 2}
    assert list(model.model_version_policy.specific.versions) == [2]
    assert [path.name for path in folder.parent.glob("[!.]*") if path.is_file()] == ["models.config"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"canary": 3}, r"refuse to move 'canary' from version 2 to 3.*--label canary="),
        ({"stable": 7}, r"Expected a version of 1, 2, 3 for the label 'stable', got 7; publish it first"),
        ({"newest": None}, r"Expected a label of canary, stable to take away, got 'newest'"),
        ({"stable": None, "canary": None}, r"Expected one label to stay"),
    ],
)
def test_what_servers_would_refuse_changes_nothing(config, folder, changes, sentence):
    path = config(PINNED)
    before = path.read_text()
    with pytest.raises(ConfigFileError, match=sentence):
        set_labels(path, folder, changes)
    assert path.read_text() == before


def test_a_model_that_the_file_does_not_list_is_named(config, folder):
    with pytest.raises(ConfigFileError, match=r"Expected the model 'mine' in .*, got other, tfstyle"):
        set_labels(config(), folder.rename(folder.with_name("mine")), {"stable": 1})


def test_labels_that_are_set_at_once_are_all_kept(config, folder):
    """Each reads the file and replaces it; without a lock the last to write wins."""
    path = config('version_labels { key: "stable" value: 1 }')
    names = [f"label_{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: set_labels(path, folder, {name: 2}), names))
    assert set(models(path)[1].version_labels) == {"stable", *names}
