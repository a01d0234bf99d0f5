"""What the README tells people to type works as it stands; what the other pages tell them is understood."""

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import serving.server.model_server
from tfstyle import cli
from tfstyle.imaging import photo as images
from tfstyle.model_store import versions

ROOT = Path(__file__).resolve().parent.parent
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
TFSTYLE = [line.removeprefix("tfstyle ") for line in COMMANDS if line.startswith("tfstyle ")]
# Minutes, a network, a port or a volume of its own: these have tests of their own, here only their arguments are read.
LONG = ("serve", "train", "export", "publish", "data coco", "data check", "evaluate", "optimize", "add-style")
PAGES = sorted((ROOT / "docs").glob("*.md"))
ADDRESS = "localhost:8500"


@pytest.fixture(scope="module")
def server():
    with serving.server.model_server.running(versions.models_root()) as address:
        yield address


@pytest.fixture
def folder(tmp_path, monkeypatch, astronaut):
    """What the commands speak of: photo.jpg, mask.png and a folder of photos. Small, so that painting is quick."""
    photo = Image.fromarray(astronaut).resize((96, 96))
    photo.save(tmp_path / "photo.jpg")
    Image.linear_gradient("L").resize((96, 96)).save(tmp_path / "mask.png")
    (tmp_path / "holiday").mkdir()
    for name in ("one.jpg", "two.png"):
        photo.save(tmp_path / "holiday" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", [line for line in TFSTYLE if not line.startswith(LONG)])
def test_commands_run_and_write_what_they_say(line, folder, server, monkeypatch, capfdbinary):
    if "<" in line:
        line = line.partition("<")[0]
        monkeypatch.setattr("sys.stdin", (folder / "photo.jpg").open())
    arguments = shlex.split(line.replace(ADDRESS, server))
    before = set(folder.rglob("*"))

    assert cli.main(arguments) == 0

    out = capfdbinary.readouterr().out
    made = sorted(set(folder.rglob("*")) - before)
    if arguments[0] in ("styles", "info"):
        assert b"starry_night" in out
    elif "-" in arguments:
        assert images.read_photo(out).pixels.shape == (96, 96, 3)
    else:
        pictures = [path for path in made if path.is_file()]
        assert len(pictures) == (2 if "holiday/" in arguments else 1)
        painted = images.read_photo(pictures[0]).pixels
        if arguments[0] == "stylize":
            assert painted.shape == (96, 96, 3)
            assert np.abs(painted.astype(int) - images.read_photo(folder / "photo.jpg").pixels).mean() > 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_install_from_a_checkout(page):
    """No index has the package, and it alone has no model."""
    assert not re.search(r"pip install\s+'?tfstyle", page.read_text())


def test_extras_that_pages_install_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [re.findall(r"pip install -e '\.\[([\w,]+)\]'", page.read_text()) for page in [ROOT / "README.md", *PAGES]]
    extras = {extra for found in named for names in found for extra in names.split(",")}
    assert {"bot", "bulk", "masks"} <= extras <= set(project["optional-dependencies"])


@pytest.mark.parametrize("line", [line for line in TFSTYLE if line.startswith(LONG) and not line.startswith("serve")])
def test_arguments_of_long_commands_are_understood(line):
    assert cli.parse(shlex.split(line)).command == line.split()[0]


@pytest.mark.parametrize("code", [block for kind, block in BLOCKS if kind == "python"])
def test_python_examples_run(code, folder, server, capsys):
    exec(compile(code.replace(ADDRESS, server), "README.md", "exec"), {})

    assert images.read_photo(folder / "painting.jpg").pixels.shape == (96, 96, 3)


def test_make_targets_and_linked_files_exist():
    makefile = (ROOT / "Makefile").read_text()
    readme = (ROOT / "README.md").read_text()

    targets = re.findall(r"^make (\w+)|`make (\w+)`", readme, re.MULTILINE)  # as code: prose says make, too
    assert targets
    for target in (block or inline for block, inline in targets):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\((?!http)([^)#]+)", readme):
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_every_page_are_understood_and_its_links_lead_somewhere(page):
    text = page.read_text()
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ").splitlines()
    for line in commands:
        if line.startswith("tfstyle "):
            arguments = shlex.split(line.removeprefix("tfstyle "), comments=True)
            assert cli.parse(arguments).command == arguments[0], line
    for module in re.findall(r"python -m\s+(benchmarks\.\w+)", text):
        assert importlib.util.find_spec(module), module
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (page.parent / link).exists(), link
