"""`tfstyle publish`: what goes together on its command line, and what is said when something does not."""

import pytest

from tests.commands.test_cli import one_line
from tfstyle.cli import main
from tfstyle.model_store import publish


@pytest.fixture
def published(monkeypatch):
    """What would have been published, as (version, folder, number)."""
    calls = []

    def record(version, folder, number, *, allow_file_operations):
        assert not allow_file_operations
        calls.append((version.name, folder.name, number))
        return folder / str(number or 9)

    monkeypatch.setattr(publish, "publish", record)
    return calls


@pytest.mark.parametrize(
    ("arguments", "number"),
    [(["models/4"], 4), (["models/4", "--number", "next"], None), (["models/new", "--number", "12"], 12)],
)
def test_a_version_keeps_its_number_unless_told_otherwise(published, capsys, arguments, number):
    assert main(["publish", *arguments, "--to", "/volume/tfstyle"]) == 0
    assert published == [(arguments[0].removeprefix("models/"), "tfstyle", number)]
    assert capsys.readouterr().out == f"/volume/tfstyle/{number or 9}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Expected a version to publish, --label or --rollback"),
        (["models/new"], "named by a version number, got 'new'; choose one with --number"),
        (["models/4", "--rollback"], "--rollback with --to alone"),
        (["--number", "4", "--label", "stable=3", "--config", "m"], "--number or --canary, got none"),
        (["--label", "stable=3"], "Expected --config together with --label"),
        (["models/4", "--config", "m"], "Expected --config together with --label"),
        (["models/4", "--config", "missing.config", "--canary"], "Cannot read the configuration file missing.config"),
        (["missing/4"], "Expected the folder of a version at missing/4"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(["publish", *arguments, "--to", "volume/tfstyle"]) == 2
    assert sentence in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--number=0", "expected next or a whole number, 1 or more, got '0'"),
        ("--label=stable", "expected NAME=VERSION such as stable=3"),
        ("--label==3", "expected NAME=VERSION such as stable=3"),
        ("--label=stable=new", "expected NAME=VERSION such as stable=3"),
    ],
)
def test_wrong_values_are_refused_before_anything_is_loaded(capsys, option, sentence):
    with pytest.raises(SystemExit) as caught:
        main(["publish", "4", "--to", "volume/tfstyle", option])
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ("", "with --label stable=N"),
        (
            'model_version_policy { specific { versions: 3 } } version_labels { key: "canary" value: 3 }',
            "'canary' stands for version 3",
        ),
    ],
    ids=["all get the newest", "another canary"],
)
def test_a_canary_that_servers_would_not_take_as_one_is_not_published(tmp_path, published, capsys, policy, sentence):
    config = tmp_path / "models.config"
    config.write_text(f'model_config_list {{ config {{ name: "tfstyle" base_path: "/models/tfstyle" {policy} }} }}')
    assert main(["publish", "models/4", "--to", str(tmp_path / "tfstyle"), "--config", str(config), "--canary"]) == 2
    assert sentence in one_line(capsys)
    assert published == []
