"""Imports flow one way, and what is light stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {
    "tensorflow",
    "keras",
    "jax",
    "h5py",
    "scipy",
    "skimage",
    "tensorflow_serving",
    "matplotlib",
    "pymatting",
    "psutil",
    "ray",
    "pyarrow",
    "pandas",
}
LIGHT_ROOMS = ("batch", "contract", "engines", "errors", "imaging", "masks", "model_store", "quiet", "stylize")


def python_files(package: str) -> list[Path]:
    return [file for file in sorted((ROOT / package).rglob("*.py")) if not file.name.endswith("_pb2.py")]


def imported(file: Path) -> set[str]:
    """Full names of all modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def packages(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(file)}


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh Python has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_light_rooms_load_nothing_heavy():
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in python_files("tfstyle")]
    code = "\n".join(f"import {module}" for module in modules if module.split(".")[1] in LIGHT_ROOMS)
    assert not loaded_after(code) & (HEAVY | {"serving", "bot", "rich", "grpc", "cv2", "ai_edge_litert"})


def test_masks_of_people_stay_light_and_say_nothing():
    """A chat makes them in a process of 250 MB, beside everything else it does."""
    code = """
import resource
from tfstyle import read_photo
from tfstyle.masks import segmentation
segmentation.person(read_photo("tfstyle/assets/astronaut.jpg").pixels)
resident = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
assert resident < 250 * 2**20, resident
"""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert not {name.partition(".")[0] for name in done.stdout.split()} & HEAVY


def test_the_package_itself_loads_not_even_numpy():
    assert not loaded_after("import tfstyle") & (HEAVY | {"numpy", "PIL", "serving"})


def test_names_of_the_package_load_when_used():
    assert "numpy" in loaded_after("import tfstyle\ntfstyle.Stylizer")
    assert not loaded_after("import tfstyle\ntfstyle.Stylizer\ntfstyle.Catalog\ntfstyle.PhotoError") & HEAVY


def test_the_command_line_starts_light():
    """`tfstyle --help` imports every sub-command."""
    code = "from tfstyle.cli import main\ntry: main(['stylize', '--help'])\nexcept SystemExit: pass"
    assert not loaded_after(code) & (HEAVY | {"serving", "numpy", "rich", "grpc"})


def test_the_client_of_a_server_loads_no_tensorflow():
    assert not loaded_after("import serving.client") & HEAVY


@pytest.mark.parametrize("file", python_files("tfstyle"), ids=lambda file: str(file.relative_to(ROOT)))
def test_tfstyle_imports_serving_only_in_its_commands_and_the_bot_nowhere(file):
    if "commands" not in file.parts:
        assert "serving" not in packages(file)
    assert "bot" not in packages(file)


@pytest.mark.parametrize("file", python_files("serving"), ids=lambda file: str(file.relative_to(ROOT)))
def test_serving_imports_light_rooms_only(file):
    rooms = {name.split(".")[1] for name in imported(file) if name.startswith("tfstyle.")}
    assert rooms <= set(LIGHT_ROOMS)
    assert "bot" not in packages(file)


def test_the_bot_loads_no_tensorflow():
    assert not loaded_after("import bot.app, bot.terminal") & HEAVY


@pytest.mark.parametrize("file", python_files("bot"), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_bot_imports_serving_and_light_rooms_only(file):
    rooms = {name.split(".")[1] for name in imported(file) if name.startswith("tfstyle.")}
    assert rooms <= set(LIGHT_ROOMS)
    parts = {name.split(".")[1] for name in imported(file) if name.startswith("serving.")}
    assert parts <= {"client"}


def test_the_conversation_knows_nothing_of_telegram_or_databases():
    """The terminal holds it too."""
    assert not loaded_after("import bot.terminal") & {"telegram", "sqlalchemy", "aiohttp"}


def test_every_public_name_exists():
    import tfstyle

    assert {name for name in tfstyle.__all__ if getattr(tfstyle, name) is None} == set()
    assert set(tfstyle.__all__) <= set(dir(tfstyle))
    with pytest.raises(AttributeError, match="no attribute 'Stylzer'"):
        tfstyle.Stylzer  # noqa: B018


def test_the_version_is_the_one_of_the_project():
    import tomllib

    import tfstyle

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert tfstyle.__version__ == project["version"]
