"""Jobs from end to end, each in processes of its own: all that is painted is painted once, whatever is killed."""

import csv
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfstyle.imaging.photo import read_photo

ROOT = Path(__file__).resolve().parents[2]
# Large enough for one process to take seconds: stopping takes one.
PHOTOS = int(os.environ.get("TFSTYLE_BULK_PHOTOS", "40"))
BAD = {
    "broken.jpg": "the picture is truncated",
    "empty.png": "expected a picture, got an empty file",
    "text.jpg": "expected a picture",
    "tiny.png": "expected at least 16x16 pixels",
}
SECONDS = 300  # for what takes about ten on a machine that does nothing else


@dataclass
class Run:
    """One call of `tfstyle bulk`, and how to find what it has started."""

    process: subprocess.Popen[str]
    output: Path
    ray: str  # the folder of its Ray

    def outputs(self) -> list[Path]:
        return [path for path in self.output.rglob("*") if path.suffix in (".jpg", ".png")]

    def wait_for(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not what():
            assert time.monotonic() < end
            time.sleep(0.005)

    def wait_for_stylized_images(self, count: int) -> None:
        self.wait_for(lambda: len(self.outputs()) >= count or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()

    def workers(self) -> list[int]:
        """Numbers of the processes that paint, which write their logs into its Ray's folder."""
        found = []
        for folder in Path("/proc").iterdir():
            with suppress(OSError):  # it has just ended
                if b"MapWorker" in (folder / "cmdline").read_bytes():
                    found += [int(folder.name)] if os.readlink(folder / "fd" / "1").startswith(self.ray) else []
        return found

    def environment_of_ray(self) -> dict[str, str]:
        """Of the process that starts the others."""
        for folder in Path("/proc").iterdir():
            with suppress(OSError):
                command = (folder / "cmdline").read_text()
                if "raylet/raylet" in command and self.ray in command:
                    variables = (folder / "environ").read_text().split("\0")
                    return dict(variable.split("=", 1) for variable in variables if "=" in variable)
        raise AssertionError("there is none")

    def end(self) -> tuple[int, list[str]]:
        """Its exit code and what it has said."""
        _, said = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, said.splitlines()


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """A folder with sub-folders of photos that differ, odd names and bad files."""
    folder = tmp_path_factory.mktemp("bulk") / "photos"
    rng = np.random.default_rng(0)
    for number in range(PHOTOS):
        coarse = (rng.random((6, 8, 3)) * 255).astype("uint8")
        path = folder / f"{number % 3}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((1280, 960)).save(path)
    small = Image.new("RGB", (48, 32), "red")
    for name in ("x.gif", "x.gif.png", "x.png", "x.jpg", os.fsdecode(b"caf\xe9.jpg")):
        small.save(folder / name)
    (folder / "broken.jpg").write_bytes((folder / "x.jpg").read_bytes()[:200])
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("a letter")
    small.resize((8, 8)).save(folder / "tiny.png")
    return folder


@pytest.fixture(scope="module")
def start(photos, tiny_models) -> Iterator[Callable[..., Run]]:
    """A function that starts a job with further arguments."""
    runs = []

    def start(output: Path, *arguments: str) -> Run:
        ray = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # names of sockets must be short
        command = [sys.executable, "-m", "tfstyle", "bulk", str(photos), "--style", "first:2,second", "--model"]
        process = subprocess.Popen(
            [*command, str(tiny_models / "tiny"), "-o", str(output), "--threads", "1", *arguments],
            cwd=ROOT,
            env=os.environ | {"RAY_TMPDIR": ray},
            stderr=subprocess.PIPE,
            text=True,
        )
        runs.append(Run(process, output, ray))
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait()
        shutil.rmtree(run.ray, ignore_errors=True)


@pytest.fixture(scope="module")
def whole(start, photos) -> Run:
    """A job that was not stopped, though one of the two processes that paint was killed."""
    run = start(photos.parent / "whole", "--workers", "2")
    run.wait_for_stylized_images(1)
    run.environment = run.environment_of_ray()
    os.kill(run.workers()[0], signal.SIGKILL)
    run.code, run.said = run.end()
    return run


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a Ray cluster of one machine, as `ray start` makes one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    temporary = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=2"]
    command += ["--disable-usage-stats", "--include-dashboard=false", "--object-store-memory=100000000"]
    command += ["--node-ip-address=127.0.0.1", f"--port={address.rpartition(':')[2]}", f"--temp-dir={temporary}"]
    with (Path(temporary) / "said").open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
        try:
            end = time.monotonic() + SECONDS
            while "Ray runtime started" not in (text := Path(said.name).read_text()):
                assert process.poll() is None, text
                assert time.monotonic() < end, text
                time.sleep(0.1)
            yield address
        finally:
            process.terminate()  # and so all that it has started
            try:
                process.wait(timeout=60)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                shutil.rmtree(temporary, ignore_errors=True)


def hashes(folder: Path) -> dict[str, str]:
    """What is in a folder of stylized images, apart from the lock."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_photo_is_painted_under_its_own_name(whole, photos):
    """One of two processes was killed meanwhile."""
    expected = {str(path.relative_to(photos)) for path in photos.rglob("*.*")} - set(BAD) - {"x.gif", "x.gif.png"}

    assert set(hashes(whole.output)) == expected | {"x.gif.png", "x.gif.png.png", "bulk.json", "errors.csv"}
    for name in ("0/0.jpg", "x.gif.png", "x.png"):
        photo, output = (read_photo(folder / name) for folder in (photos, whole.output))
        assert output.pixels.shape == photo.pixels.shape
        assert output.format == photo.format
        assert np.abs(output.pixels.astype(int) - photo.pixels).mean() > 5


def test_bad_files_are_rows_in_a_table(whole, photos):
    with (whole.output / "errors.csv").open(newline="") as file:
        rows = {row["path"]: row["error"] for row in csv.DictReader(file)}

    assert list(rows) == [str(photos / name) for name in sorted(BAD)]
    for name, reason in BAD.items():
        assert f"{photos / name}: {reason}" in rows[str(photos / name)]


def test_a_job_tells_how_it_goes_and_what_came_out(whole):
    """And nothing else, though a process was killed."""
    painted = PHOTOS + 5
    assert whole.code == 1, whole.said
    assert whole.said[0] == f"{painted + len(BAD)} photos, 0 painted already"
    assert whole.said[-1] == (
        f"Done: {painted} painted, 0 were there, {len(BAD)} failed, see {whole.output / 'errors.csv'}"
    )


def test_a_cluster_that_is_left_alone_paints_the_same(whole, start, photos, cluster):
    """By its address, and without a Ray of the job's own; `whole` has lost a process."""
    run = start(photos.parent / "cluster", "--workers", "2", "--address", cluster)
    code, said = run.end()

    assert (code, said[-1].partition(",")[0]) == (1, f"Done: {PHOTOS + 5} painted"), said
    assert hashes(run.output) == hashes(whole.output)
    assert list(Path(run.ray).iterdir()) == []


def test_nobody_else_is_let_into_ray(whole):
    """Its ports are open to the network, and whoever is let in may run programs."""
    assert whole.environment["RAY_AUTH_MODE"] == "token"
    assert len(whole.environment["RAY_AUTH_TOKEN"]) == 64
    assert whole.environment["RAY_USAGE_STATS_ENABLED"] == "0"


def test_a_job_that_is_stopped_and_killed_and_goes_on_paints_the_same_and_nothing_twice(whole, start, photos):
    output = photos.parent / "resumed"

    first = start(output, "--workers", "1")
    first.wait_for_stylized_images(3)
    first.process.send_signal(signal.SIGTERM)
    code, said = first.end()
    assert (code, said[-1]) == (130, "Stopped; the same command goes on from here.")

    second = start(output, "--workers", "1")
    second.wait_for_stylized_images(len(first.outputs()) + 3)
    second.process.kill()
    second.process.wait()
    second.wait_for(lambda: not second.workers())
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in second.outputs()}
    assert 6 <= len(before) < PHOTOS

    third = start(output, "--workers", "1")
    code, said = third.end()

    left = PHOTOS + 5 - len(before)
    assert (code, said[-1].partition(",")[0]) == (1, f"Done: {left} painted")
    assert hashes(output) == hashes(whole.output)
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in before} == before
