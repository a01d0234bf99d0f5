"""What the pages tell people to type is understood, their links lead somewhere, and they build as a site."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.settings import PREFIX, Settings
from tfstyle import cli
from tfstyle.contract.signatures import SIGNATURES
from tools import site_hooks

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
OTHERS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")]
TARGETS = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_install_from_a_checkout(page):
    """No index has the package, and it alone has no model."""
    assert not re.search(r"pip install\s+'?tfstyle", page.read_text())


def test_extras_that_pages_install_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [re.findall(r"pip install -e '\.\[([\w,]+)\]'", page.read_text()) for page in [*OTHERS, *PAGES]]
    extras = {extra for found in named for names in found for extra in names.split(",")}
    assert {"bot", "bulk", "masks", "train"} <= extras <= set(project["optional-dependencies"])


@pytest.mark.parametrize("page", [*OTHERS, *PAGES], ids=name_of)
def test_commands_of_every_page_are_understood_and_its_links_lead_somewhere(page):
    text = page.read_text()
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ").splitlines()
    for line in commands:
        if line.startswith("tfstyle "):
            arguments = shlex.split(re.sub(r"[<>] \S+", "", line.removeprefix("tfstyle ")), comments=True)
            assert cli.parse(arguments).command == arguments[0], line
    for module in re.findall(r"python -m\s+(benchmarks\.\w+)", text):
        assert importlib.util.find_spec(module), module
    for target in re.findall(r"^make ([\w-]+)|`make ([\w-]+)`", text, re.MULTILINE):  # as code: prose says make, too
        assert "".join(target) in TARGETS, target
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (page.parent / link).exists(), link


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    command = [
        Path(sys.executable).with_name("mkdocs"),
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        tmp_path / "site",
    ]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([str(word) for word in command], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "site" / "reference" / "command-line.html").exists()


def test_the_reference_has_every_command_setting_and_tensor():
    commands = site_hooks.command_line()
    assert re.findall(r"^## tfstyle (\S+)$", commands, re.MULTILINE) == list(cli.COMMANDS)
    assert "--preserve-color" in commands
    assert "--model_config_file" in commands
    assert set(re.findall(rf"`{PREFIX}(\w+)`", site_hooks.settings())) == {
        name.upper() for name in Settings.model_fields
    }
    for signature in SIGNATURES.values():
        assert f"## {signature.name}" in site_hooks.signatures()


def test_a_generated_part_is_asked_for_where_the_site_has_one():
    marks = [mark for page in PAGES for mark in re.findall(r"<!-- generated: (\w+) -->", page.read_text())]
    assert sorted(marks) == sorted(site_hooks.GENERATED)
