"""The wheel, installed where there is nothing but what its metadata asks for, away from the checkout."""

import re
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from tfstyle.model_store.versions import find_model

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 20_000_000

pytestmark = [pytest.mark.slow, pytest.mark.integration]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (file,) = folder.glob("*.whl")
    return file


def needed(requirements: list[str]) -> set[str]:
    """Distributions that these ask for, and those that they ask for; extras are not asked for."""
    found: set[str] = set()
    while requirements:
        requirement = requirements.pop()
        name = re.match(r"[\w.-]+", requirement)[0]
        if "extra ==" in requirement or name in found or not installed(name):
            continue
        found.add(name)
        requirements += metadata.requires(name) or []
    return found


def installed(name: str) -> bool:
    """Whether it is; what another platform or an older Python needs is not."""
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A fresh environment, its packages linked from this one, so that no index is asked; the wheel unpacked in it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    target = Path(subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip())
    with ZipFile(wheel) as archive:
        archive.extractall(target)
        name = next(name for name in archive.namelist() if name.endswith("METADATA"))
        headers = archive.read(name).decode().splitlines()
    requirements = [line.partition(": ")[2] for line in headers if line.startswith("Requires-Dist: ")]
    for distribution in needed(requirements):
        for path in {file.parts[0] for file in metadata.files(distribution)} - {"..", "__pycache__"}:
            source = Path(metadata.distribution(distribution).locate_file(path))
            if not (target / path).exists():
                (target / path).symlink_to(source)
    return python


def run(python, *arguments, cwd):
    return subprocess.run([python, "-I", *arguments], cwd=cwd, capture_output=True, text=True, env={"PATH": ""})


def test_it_holds_the_newest_model_without_its_saved_model_and_stays_small(wheel):
    version = find_model()
    inside = f"tfstyle/saved_models/tfstyle/{version.name}/assets.extra/"
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.read(f"{inside}onnx/network.onnx") == (version / "assets.extra/onnx/network.onnx").read_bytes()
    assert {f"{inside}catalog.json", f"{inside}onnx/regions.onnx", "tfstyle/saved_models/README.md"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "saved_model.pb" in name or name.startswith("tests/")]
    assert wheel.stat().st_size < MAX_BYTES


def test_it_paints_without_tensorflow_or_grpc(environment, tmp_path, astronaut):
    Image.fromarray(astronaut).resize((200, 150)).save(tmp_path / "photo.png")
    command = ["-m", "tfstyle", "stylize", "photo.png", "--style", "udnie", "-o", "stylized.png"]

    done = run(environment, *command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stylized, photo = (np.asarray(Image.open(tmp_path / name)).astype(int) for name in ("stylized.png", "photo.png"))
    assert stylized.shape == photo.shape
    assert np.abs(stylized - photo).mean() > 20

    loaded = (
        run(environment, "-c", "import tensorflow", cwd=tmp_path),
        run(environment, "-c", "import grpc", cwd=tmp_path),
    )
    assert all("ModuleNotFoundError" in done.stderr for done in loaded)


def test_it_says_which_extra_a_server_needs(environment, tmp_path, astronaut):
    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    command = ["-m", "tfstyle", "stylize", "photo.png", "--style", "udnie", "--engine", "localhost:8500"]
    done = run(environment, *command, cwd=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (
        2,
        "tfstyle: stylize needs grpc, which is not installed; pip install 'tfstyle[client]'.",
    )


def test_it_says_what_runs_the_model(environment, tmp_path):
    done = run(environment, "-m", "tfstyle", "info", cwd=tmp_path)
    assert re.search(
        r"^engine      onnx \(default\): ONNX Runtime [\d.]+, \w+, \d+ threads?$", done.stdout, re.MULTILINE
    )
    assert "engine      tensorflow: the model has no SavedModel" in done.stdout
