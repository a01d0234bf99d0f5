"""Imports flow one way, and what is light stays light."""

import ast
import subprocess
import sys
import tempfile
from collections import Counter
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
LIGHT_ROOMS = (
    "batch",
    "contract",
    "engines",
    "errors",
    "imaging",
    "masks",
    "model_store",
    "quiet",
    "studio",
    "stylize",
)


def python_files(package: str) -> list[Path]:
    return [file for file in sorted((ROOT / package).rglob("*.py")) if not file.name.endswith("_pb2.py")]


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh Python has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_rooms_import_along_the_arrows_only():
    """Those of pyproject.toml, which docs/architecture.md draws."""
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_room_holds_more_than_16_modules():
    """Beyond that nobody finds anything in one guess."""
    for package in ("tfstyle", "serving", "bot", "benchmarks", "tests", "testing"):
        rooms = Counter(file.parent for file in python_files(package))
        assert {room: count for room, count in rooms.items() if count > 16} == {}


def test_the_architecture_page_names_every_room():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {
        f"{file.parent.relative_to(ROOT)}" for name in ("tfstyle", "serving", "bot") for file in python_files(name)
    }
    assert {room for room in rooms if room.count("/") == 1 and f"`{room}`" not in page} <= {"serving/protos"}


def test_light_rooms_load_nothing_heavy():
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in python_files("tfstyle")]
    code = "\n".join(f"import {module}" for module in modules if module.split(".")[1] in LIGHT_ROOMS)
    assert not loaded_after(code) & (HEAVY | {"serving", "bot", "rich", "grpc", "cv2", "ai_edge_litert"})


def test_the_room_of_videos_loads_nothing_heavy_but_what_decodes_and_finds_motion():
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in python_files("tfstyle/video")]
    loaded = loaded_after("\n".join(f"import {module}" for module in modules))
    assert loaded & (HEAVY | {"serving", "bot", "rich", "grpc", "av", "cv2", "ai_edge_litert", "onnxruntime"}) == {
        "av",
        "cv2",
    }


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


def test_what_people_use_on_a_laptop_works_without_unix():
    """As on Windows: modules that only a Unix has are not there. Servers and processes of decoders are apart."""
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in python_files("tfstyle")]
    light = [name for name in modules if name.split(".")[1] in LIGHT_ROOMS or name.startswith("tfstyle.commands.")]
    code = f"""
import contextlib, importlib, io, os, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"):
    sys.modules[name] = None
del os.fork
for name in {[*light, "serving.client", "bot.terminal"]}:
    importlib.import_module(name)
from tfstyle.cli import main
with contextlib.suppress(SystemExit):
    main(["--version"])
from testing.fake_model import FakePredictor, photo_array
from tfstyle import Stylizer
from tfstyle.imaging.photo import Photo
folder = sys.argv[1]
Photo(photo_array()).save(folder + "/photo.jpg")
Stylizer(FakePredictor()).stylize(folder + "/photo.jpg", "the_scream").save(folder + "/stylized.jpg")
assert os.path.getsize(folder + "/stylized.jpg") > 0
assert main(["mask", folder + "/photo.jpg", "--gradient", "left", "-o", folder + "/mask.png"]) == 0
"""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", code, folder], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tfstyle ")


def test_heavy_rooms_ask_for_no_unix_module_either():
    """They are not run without one here: TensorFlow itself asks for more of Linux than they do."""
    unix = {"fcntl", "resource", "pwd", "grp", "termios", "pty"}
    for file in python_files("tfstyle"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
        assert not names & unix, file


def test_the_package_itself_loads_not_even_numpy():
    assert not loaded_after("import tfstyle") & (HEAVY | {"numpy", "PIL", "serving"})


def test_names_of_the_package_load_when_used():
    assert "numpy" in loaded_after("import tfstyle\ntfstyle.Stylizer")
    assert not loaded_after("import tfstyle\ntfstyle.Stylizer\ntfstyle.Catalog\ntfstyle.PhotoError") & HEAVY


def test_the_command_line_starts_light():
    code = "from tfstyle.cli import main\ntry: main(['stylize', '--help'])\nexcept SystemExit: pass"
    assert not loaded_after(code) & (HEAVY | {"serving", "numpy", "rich", "grpc"})


def test_the_command_line_imports_the_chosen_command_only():
    code = """
import sys
from tfstyle.cli import main
try: main(["styles", "--help"])
except SystemExit: pass
commands = {name.removeprefix("tfstyle.commands.") for name in sys.modules if name.startswith("tfstyle.commands.")}
assert {name for name in commands if not name.startswith("shared")} == {"styles"}, commands
"""
    loaded_after(code)


def test_the_client_of_a_server_loads_no_tensorflow():
    assert not loaded_after("import serving.client") & HEAVY


def test_the_bot_loads_no_tensorflow():
    assert not loaded_after("import bot.app, bot.terminal") & HEAVY


def test_the_conversation_knows_nothing_of_telegram_or_databases():
    """The terminal holds it too."""
    assert not loaded_after("import bot.terminal") & {"telegram", "sqlalchemy", "aiohttp"}


def test_every_public_name_exists():
    import tfstyle

    assert {name for name in tfstyle.__all__ if getattr(tfstyle, name) is None} == set()
    assert set(tfstyle.__all__) <= set(dir(tfstyle))
    with pytest.raises(AttributeError, match="no attribute 'Stylzer'"):
        tfstyle.Stylzer  # noqa: B018
