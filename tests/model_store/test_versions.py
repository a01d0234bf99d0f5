"""Finding models on disk."""

import shutil
import threading

import pytest

from serving.config.model_repository import wanted_versions
from serving.server.lifecycle import single_models
from testing.fake_model import CATALOG, FakePredictor
from tfstyle import Stylizer
from tfstyle.errors import ModelError
from tfstyle.model_store import versions as models
from tfstyle.model_store.versions import alone_in, find_model, models_root, next_version, versions


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("TFSTYLE_MODELS", str(tmp_path))
    return tmp_path


def write_model(folder):
    """A folder with the files that a complete SavedModel has; their content does not matter here."""
    (folder / "variables").mkdir(parents=True)
    for file in ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"):
        (folder / file).write_bytes(b"content")
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "catalog.json").write_text(CATALOG.to_json())
    return folder


def test_the_newest_version_is_found(root):
    """By number: 10 is newer than 9."""
    for version in ("1", "9", "10"):
        write_model(root / "tfstyle" / version)
    assert find_model() == root / "tfstyle" / "10"
    assert find_model("tfstyle") == root / "tfstyle" / "10"
    assert find_model(root / "tfstyle") == root / "tfstyle" / "10"
    assert find_model(root / "tfstyle" / "9") == root / "tfstyle" / "9"


def test_folders_that_are_no_numbers_do_not_count(root):
    for name in ("1", "2.tmp", ".3", "x", "-4", "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT SIX}", str(2**63)):
        write_model(root / "tfstyle" / name)
    (root / "tfstyle" / "5").write_text("a file")
    assert versions(root / "tfstyle") == {1: root / "tfstyle" / "1"}


def test_zeros_in_front_do_not_change_a_version(root):
    """TensorFlow Serving reads them so, and what it serves is what runs in this process."""
    for name in ("1", "00002", "0"):
        write_model(root / "tfstyle" / name)
    assert list(versions(root / "tfstyle").items()) == [
        (0, root / "tfstyle" / "0"),
        (1, root / "tfstyle" / "1"),
        (2, root / "tfstyle" / "00002"),
    ]
    assert find_model() == root / "tfstyle" / "00002"
    (model,) = single_models({"tfstyle": root / "tfstyle"}).model_config_list.config
    assert [version.path for version in wanted_versions(model)] == [find_model()]
    assert next_version(root / "tfstyle") == root / "tfstyle" / "3"


def test_without_the_variable_models_lie_beside_the_package(monkeypatch):
    monkeypatch.delenv("TFSTYLE_MODELS", raising=False)
    assert models_root().name == "saved_models"
    assert (models_root().parent / "tfstyle").is_dir()


def test_a_missing_model_says_what_to_do(root):
    with pytest.raises(ModelError, match=r"no such folder; train and export one, or name its folder with --model"):
        find_model()


def test_an_empty_model_folder_is_refused(root):
    (root / "tfstyle").mkdir()
    with pytest.raises(ModelError, match=r"with a folder for each version .*, but it holds none"):
        find_model()


def test_an_empty_version_folder_is_refused(root):
    (root / "tfstyle" / "1").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"tfstyle/1, but it is empty or half written \(no saved_model\.pb"):
        find_model()


@pytest.mark.parametrize(
    "lost", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_a_half_written_model_names_what_is_missing(root, lost):
    folder = write_model(root / "tfstyle" / "1")
    (folder / lost).unlink()
    with pytest.raises(ModelError, match=r"half written \(no [a-z_/.*-]+\); remove the folder or export") as caught:
        find_model()
    assert lost.split("-")[0] in str(caught.value)
    with pytest.raises(ModelError):
        Stylizer(model=folder)


def test_an_empty_graph_is_half_written(root):
    folder = write_model(root / "tfstyle" / "1")
    (folder / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ModelError, match=r"no saved_model\.pb"):
        find_model()


def test_a_half_written_newest_version_is_not_skipped_silently(root):
    write_model(root / "tfstyle" / "1")
    (root / "tfstyle" / "2").mkdir()
    with pytest.raises(ModelError, match="tfstyle/2"):
        find_model()


def test_the_next_version_is_one_above_the_highest(root):
    assert next_version(root / "new") == root / "new" / "1"
    write_model(root / "tfstyle" / "7")
    assert next_version(root / "tfstyle") == root / "tfstyle" / "8"


def test_the_number_of_a_version_that_was_taken_back_is_not_given_again(root):
    """Clients remember a version's styles by its number."""
    write_model(root / "tfstyle" / "7")
    (root / "tfstyle" / ".withdrawn-8").mkdir()
    (root / "tfstyle" / ".withdrawn-x").mkdir()
    assert next_version(root / "tfstyle") == root / "tfstyle" / "9"


def test_whoever_waits_changes_versions_after_whoever_is_at_it(root):
    done, order = threading.Event(), []

    def wait():
        with alone_in(root, wait=True):
            order.append("second")
        done.set()

    with alone_in(root):
        with pytest.raises(ModelError, match="Another process publishes into"), alone_in(root):
            pass
        threading.Thread(target=wait).start()
        assert not done.wait(0.2)
        order.append("first")
    assert done.wait(10)
    assert order == ["first", "second"]


def test_styles_are_known_without_opening_the_model(root, monkeypatch):
    """From the catalog beside it: opening takes seconds, and `tfstyle styles` should not."""
    write_model(root / "tfstyle" / "1")
    monkeypatch.setattr("tfstyle.engines.saved_model.SavedModelEngine", None)
    assert Stylizer().styles() == CATALOG


def test_a_model_without_a_catalog_is_asked(root, monkeypatch):
    folder = write_model(root / "tfstyle" / "1")
    shutil.rmtree(folder / "assets.extra")
    monkeypatch.setattr("tfstyle.engines.saved_model.SavedModelEngine", lambda path, threads: FakePredictor())
    assert Stylizer("tensorflow").styles() == CATALOG
    assert not (folder / models.CATALOG_FILE).exists()
