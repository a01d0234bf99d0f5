"""Versions that arrive broken while a good one serves."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from serving.server import model_server
from testing.load import Load, slow_request

GRAPH, VARIABLES = Path("saved_model.pb"), Path("variables/variables.data-00000-of-00001")


def _shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no file": lambda version: shutil.rmtree(version) or version.mkdir(),
    "half a graph": lambda version: _shortened(version / GRAPH),
    "noise for a graph": lambda version: (version / GRAPH).write_bytes(bytes(range(256)) * 40),
    "half the variables": lambda version: _shortened(version / VARIABLES),
    "no variables": lambda version: shutil.rmtree(version / "variables"),
    "a folder for a graph": lambda version: (version / GRAPH).unlink() or (version / GRAPH).mkdir(),
}


def errors_of(address: str) -> dict[int, str]:
    """What the server tells of each version."""
    with grpc.insecure_channel(address) as channel:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "tfstyle"
        answer = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=10)
    return {version.version: version.status.error_message for version in answer.model_version_status}


def test_a_version_that_cannot_be_loaded_leaves_the_one_before_serving(toy_model, tmp_path):
    """Under load no call fails, whatever is wrong; the status tells what; and the next good version takes over."""
    model = tmp_path / "tfstyle"
    shutil.copytree(toy_model, model / "1")
    with model_server.running(tmp_path, file_system_poll_wait_seconds=0.1) as address:
        load = Load(address, slow_request, clients=2, stop_at_error=False)
        load.wait(lambda: load.versions[1] > 10)
        for number, damage in enumerate(DAMAGE.values(), start=2):
            hidden = shutil.copytree(toy_model, model / f".{number}")
            damage(hidden)
            hidden.rename(model / str(number))
            load.wait(lambda number=number: errors_of(address).get(number))
        good = len(DAMAGE) + 2
        shutil.copytree(toy_model, model / f".{good}").rename(model / str(good))
        load.wait(lambda: load.versions[good] > 10)
        load.stop()
    assert load.errors == []
    assert set(load.versions) == {1, good}


COPY = """
import resource, shutil, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
shutil.copytree(sys.argv[1], sys.argv[2])
"""


def test_a_version_that_the_disk_had_no_room_for_serves_once_it_is_whole(toy_model, tmp_path):
    """The copy ends in the middle of a file, in the folder that is watched. The one before serves meanwhile."""
    model = tmp_path / "tfstyle"
    shutil.copytree(toy_model, model / "1")
    room = (toy_model / GRAPH).stat().st_size // 2
    with model_server.running(tmp_path, file_system_poll_wait_seconds=0.1, load_retry_interval_micros=300_000,
                        max_num_load_retries=1000) as address:  # fmt: skip
        load = Load(address, slow_request, clients=2, stop_at_error=False)
        load.wait(lambda: load.versions[1] > 10)
        copied = subprocess.run(
            [sys.executable, "-c", COPY, str(toy_model), str(model / "2"), str(room)], capture_output=True, text=True
        )
        assert "File too large" in copied.stderr
        assert (model / "2" / GRAPH).stat().st_size == room
        before = load.versions[1]
        load.wait(lambda: load.versions[1] > before + 50)
        shutil.copytree(toy_model, model / "2", dirs_exist_ok=True)
        load.wait(lambda: load.versions[2] > 10)
        load.stop()
    assert load.errors == []
    assert set(load.versions) == {1, 2}
