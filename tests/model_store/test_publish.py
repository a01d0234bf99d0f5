"""What is published is whole, good, and keeps the promises of the versions before."""

import fcntl
import filecmp
import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfstyle.contract.catalog import Catalog
from tfstyle.engines.onnx_files import MANIFEST_FILE, NETWORK_FILE, ONNX_FOLDER, STYLE_TABLE_FILE
from tfstyle.errors import ModelError
from tfstyle.model_store import golden_image, publish
from tfstyle.model_store.versions import CATALOG_FILE, versions


@pytest.fixture
def version(tiny_models):
    return tiny_models / "tiny" / "1"


@pytest.fixture
def grown(grown_models):
    return grown_models / "tiny" / "2"


@pytest.fixture
def volume(tmp_path):
    return tmp_path / "volume" / "tiny"


@pytest.fixture
def unchecked(monkeypatch):
    """What comes after the check, which takes seconds."""
    monkeypatch.setattr(publish, "check", lambda version, **_: Catalog.load(version / CATALOG_FILE))


def copy_of(version: Path, target: Path) -> Path:
    publish._copy(version, target)
    return target


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_published_version_is_the_exported_one(version, volume):
    target = publish.publish(version, volume)

    assert target == volume / "1"
    assert files(target) == files(version)
    assert filecmp.cmpfiles(version, target, files(version), shallow=False)[1:] == ([], [])
    assert {path.name for path in volume.iterdir()} == {"1", ".publish.lock"}
    assert target.stat().st_mode & 0o777 == 0o755


def test_the_golden_picture_shows_every_style(grown):
    with Image.open(grown / golden_image.GOLDEN_FILE) as image:
        rows = np.asarray(image).reshape(3, golden_image.HEIGHT, golden_image.WIDTH, 3).astype(int)
    assert np.abs(rows[0] - rows[1]).mean() > 5
    assert np.abs(rows[1] - rows[2]).mean() > 5


def _lose_weights(version):
    (version / "variables" / "variables.data-00000-of-00001").unlink()


def _cut_weights(version):
    path = version / "variables" / "variables.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-200])


def _turn_bits_of_weights(version):
    path = version / "variables" / "variables.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def _cut_onnx(version):
    path = version / ONNX_FOLDER / NETWORK_FILE
    path.write_bytes(path.read_bytes()[:-1])


def _swap_style_vectors(version):
    """With a checksum that fits: only what is painted tells."""
    path, manifest = version / ONNX_FOLDER / STYLE_TABLE_FILE, version / ONNX_FOLDER / MANIFEST_FILE
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    np.save(path, np.load(path)[::-1])
    manifest.write_text(manifest.read_text().replace(before, hashlib.sha256(path.read_bytes()).hexdigest()))


def _lose_golden(version):
    (version / golden_image.GOLDEN_FILE).unlink()


def _break_golden(version):
    (version / golden_image.GOLDEN_FILE).write_bytes(b"no picture")


def _paint_otherwise(version):
    with Image.open(version / golden_image.GOLDEN_FILE) as image:
        pixels = np.asarray(image).copy()
    pixels[-1, -1] ^= 8
    Image.fromarray(pixels).save(version / golden_image.GOLDEN_FILE)


def _tell_other_styles(version):
    catalog = version / CATALOG_FILE
    catalog.write_text(catalog.read_text(encoding="utf-8").replace("The First", "Another"), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_lose_weights, "half written"),
        (_cut_weights, "cannot be loaded"),
        (_turn_bits_of_weights, "cannot be loaded"),
        (_lose_golden, "export it again"),
        (_cut_onnx, r"network\.onnx: the file is damaged .* --add-onnx"),
        (_swap_style_vectors, r"paint.* when it was exported: \d+ gray levels apart"),
        (_break_golden, "cannot be read as a picture"),
        (_paint_otherwise, "8 gray levels apart"),
        (_tell_other_styles, "tells other styles than the model itself"),
    ],
)
def test_a_damaged_version_is_refused_and_the_volume_stays_as_it_was(version, volume, tmp_path, damage, sentence):
    damaged = copy_of(version, tmp_path / "1")
    damage(damaged)
    with pytest.raises(ModelError, match=sentence):
        publish.publish(damaged, volume)
    assert not volume.exists()


@pytest.mark.parametrize(
    ("dtype", "shape", "sentence"),
    [
        (tf.float32, [None, None, None, 3], r"expected image as uint8\[\?,\?,\?,3\], got float32\[\?,\?,\?,3\]"),
        (tf.uint8, [None, 256, 256, 3], r"got uint8\[\?,256,256,3\]"),
    ],
)
def test_a_model_with_other_signatures_is_refused(tmp_path, dtype, shape, sentence):
    class Other(tf.Module):
        def __init__(self):
            self.weight = tf.Variable(1.0)

        @tf.function(
            input_signature=[tf.TensorSpec(shape, dtype, "image"), tf.TensorSpec([None, None], name="style_weights")]
        )
        def serving_default(self, image, style_weights):
            return {"stylized": tf.cast(tf.cast(image, tf.float32) * self.weight * style_weights[0, 0], tf.uint8)}

    other = Other()
    tf.saved_model.save(other, str(tmp_path / "1"), signatures={"serving_default": other.serving_default})
    with pytest.raises(ModelError, match=sentence):
        publish.check(tmp_path / "1")


def test_columns_only_grow(version, grown, volume, unchecked):
    """Clients send the columns they learned from the version before."""
    publish.publish(version, volume)
    publish.publish(grown, volume)
    with pytest.raises(ModelError, match=r"new ones after them \(first, second, third\), got first, second:"):
        publish.publish(version, volume)
    assert list(versions(volume)) == [1, 2]


@pytest.mark.parametrize("number", [1, 3, 2**63])
def test_a_number_that_is_not_above_all_others_is_refused(version, volume, unchecked, number):
    publish.publish(version, volume, 3)
    with pytest.raises(ModelError, match="Expected a number above 3"):
        publish.publish(version, volume, number)
    assert list(versions(volume)) == [3]


def test_a_full_disk_leaves_nothing_behind(version, volume):
    """A limit on files stands for the disk: the largest one ends in its middle, after others were written."""
    room = max(path.stat().st_size for path in version.rglob("*") if path.is_file()) // 2
    script = f"""
import resource
from pathlib import Path
from tfstyle.model_store import publish
from tfstyle.contract.catalog import Catalog
from tfstyle.errors import ModelError
publish.check = lambda version, **_: Catalog.load(version / "assets.extra" / "catalog.json")
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, resource.RLIM_INFINITY))
rmtree = publish.shutil.rmtree
def show_and_remove(path, **options):
    print(max(file.stat().st_size for file in path.rglob("*") if file.is_file()))
    rmtree(path, **options)
publish.shutil.rmtree = show_and_remove
try:
    publish.publish(Path({str(version)!r}), Path({str(volume)!r}))
except ModelError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    written, said = done.stdout.splitlines()
    assert int(written) == room
    assert said == f"{version} was not published to {volume / '1'}: File too large."
    assert [path.name for path in volume.iterdir()] == [".publish.lock"]


def test_a_killed_process_shows_no_part_of_a_version_and_the_next_one_cleans_up(version, volume, unchecked):
    script = f"""
import os, shutil, signal
from pathlib import Path
from tfstyle.model_store import publish
from tfstyle.contract.catalog import Catalog
publish.check = lambda version, **_: Catalog.load(version / "assets.extra" / "catalog.json")
copyfile = shutil.copyfile
def copy_and_die(source, target):
    copyfile(source, target)
    if Path(source).name == "saved_model.pb":
        os.kill(os.getpid(), signal.SIGKILL)
shutil.copyfile = copy_and_die
publish.publish(Path({str(version)!r}), Path({str(volume)!r}), 5)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    assert versions(volume) == {}
    assert (volume / ".incoming-5" / "saved_model.pb").exists()

    publish.publish(version, volume)
    assert {path.name for path in volume.iterdir()} == {"1", ".publish.lock"}


def test_only_one_process_publishes_at_a_time(version, volume, unchecked):
    volume.mkdir(parents=True)
    with (volume / ".publish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="Another process publishes"):
            publish.publish(version, volume)
    publish.publish(version, volume)


def test_a_version_that_is_taken_back_keeps_its_number(version, grown, volume, unchecked):
    """Two models under one number would be mistaken for each other by clients that remember its styles."""
    publish.publish(version, volume)
    publish.publish(grown, volume)
    withdrawn, before = publish.roll_back(volume)

    assert (withdrawn, before) == (volume / ".withdrawn-2", volume / "1")
    assert versions(volume) == {1: volume / "1"}
    with pytest.raises(ModelError, match="Expected a number above 2"):
        publish.publish(grown, volume, 2)
    assert publish.publish(withdrawn, volume) == volume / "3"


def test_the_only_version_is_not_taken_back(version, volume, unchecked):
    publish.publish(version, volume)
    with pytest.raises(ModelError, match="Expected two versions or more"):
        publish.roll_back(volume)
    with pytest.raises(ModelError, match="Expected the folder of a model"):
        publish.roll_back(volume / "none")
    assert list(versions(volume)) == [1]
