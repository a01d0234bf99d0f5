"""Which version serves while others come and go, with models that load in no time."""

import threading
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.config.model_repository import ModelVersion
from serving.server.model_manager import ModelManager, State
from serving.server.status import StatusError
from tfstyle.errors import ModelError


class Disk:
    """Loads what is asked for, except what is broken.

    Attributes:
        loaded: Versions in the order they were loaded.
        closed: Versions in the order they were freed.
        broken: Versions that do not load.
    """

    def __init__(self):
        self.loaded: list[int] = []
        self.closed: list[int] = []
        self.broken: set[int] = set()

    def load(self, model: ModelVersion):
        if model.version in self.broken:
            raise ModelError(f"version {model.version} is broken")
        self.loaded.append(model.version)
        return SimpleNamespace(version=model.version, close=lambda: self.closed.append(model.version))


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def manager(disk) -> ModelManager:
    return ModelManager(disk.load, max_num_load_retries=2, load_retry_seconds=0)


def versions(*numbers: int) -> list[ModelVersion]:
    return [ModelVersion("tfstyle", number, Path(str(number))) for number in numbers]


def states(manager: ModelManager) -> dict[int, State]:
    return {version.version: version.state for version in manager.status("tfstyle")}


def serving(manager: ModelManager, **spec) -> int:
    with manager.using(ModelSpec(name="tfstyle", **spec)) as servable:
        return servable.version


def test_the_newest_version_serves_unless_another_is_named(manager):
    manager.set_wanted("tfstyle", versions(2, 10, 9))
    assert serving(manager) == 10
    spec = ModelSpec(name="tfstyle")
    spec.version.value = 9
    with manager.using(spec) as servable:
        assert servable.version == 9


def test_a_new_version_is_loaded_before_the_old_one_goes(manager, disk):
    manager.set_wanted("tfstyle", versions(1))
    disk.load = None
    manager._load = lambda model: SimpleNamespace(version=serving(manager) + 1, close=lambda: None)
    manager.set_wanted("tfstyle", versions(2))

    assert serving(manager) == 2
    assert states(manager) == {2: State.AVAILABLE, 1: State.END}
    assert disk.closed == [1]


def test_an_old_version_stays_until_its_last_call_has_ended(manager, disk):
    manager.set_wanted("tfstyle", versions(1))
    with manager.using(ModelSpec(name="tfstyle")) as old:
        with manager.using(ModelSpec(name="tfstyle")):
            manager.set_wanted("tfstyle", versions(2))
        assert serving(manager) == 2
        assert states(manager)[1] is State.UNLOADING
        assert (old.version, disk.closed) == (1, [])
    assert disk.closed == [1]
    assert states(manager)[1] is State.END


def test_a_call_that_fails_does_not_keep_its_version(manager, disk):
    manager.set_wanted("tfstyle", versions(1))
    with pytest.raises(ZeroDivisionError), manager.using(ModelSpec(name="tfstyle")):
        1 / 0  # noqa: B018
    manager.set_wanted("tfstyle", ())
    assert disk.closed == [1]


def test_a_version_wanted_again_in_time_is_not_loaded_twice(manager, disk):
    manager.set_wanted("tfstyle", versions(1))
    with manager.using(ModelSpec(name="tfstyle")):
        manager.set_wanted("tfstyle", versions(2))
        manager.set_wanted("tfstyle", versions(1, 2))
    assert states(manager) == {2: State.AVAILABLE, 1: State.AVAILABLE}
    assert (disk.loaded, disk.closed) == ([1, 2], [])


def test_a_version_that_does_not_load_leaves_the_old_one_serving_and_says_why(manager, disk):
    manager.set_wanted("tfstyle", versions(1))
    disk.broken = {2}
    manager.set_wanted("tfstyle", versions(2))

    assert serving(manager) == 1
    broken, old = manager.status("tfstyle")
    assert (broken.version, broken.state, broken.error) == (2, State.END, "version 2 is broken")
    assert (old.version, old.state, old.error) == (1, State.AVAILABLE, "")


def test_an_error_that_nobody_expected_is_told_too(manager):
    manager._load = lambda model: 1 / 0
    manager.set_wanted("tfstyle", versions(1))
    assert "ZeroDivisionError" in manager.status("tfstyle")[0].error


def test_a_version_is_tried_again_as_often_as_allowed(manager, disk):
    attempts = []
    manager._load = lambda model: attempts.append(model.version) or disk.load(model)
    disk.broken = {1}
    for _ in range(5):
        manager.set_wanted("tfstyle", versions(1))
    assert attempts == [1, 1, 1]


def test_a_version_that_was_being_copied_serves_at_the_next_try(manager, disk):
    disk.broken = {1}
    manager.set_wanted("tfstyle", versions(1))
    disk.broken = set()
    manager.set_wanted("tfstyle", versions(1))
    assert serving(manager) == 1
    assert manager.status("tfstyle")[0].error == ""


def test_a_retry_waits_for_its_time(disk):
    manager = ModelManager(disk.load, load_retry_seconds=60)
    disk.broken = {1}
    manager.set_wanted("tfstyle", versions(1))
    disk.broken = set()
    manager.set_wanted("tfstyle", versions(1))
    assert disk.loaded == []


def test_a_version_that_left_the_disk_and_came_back_is_tried_at_once(disk):
    """Whoever exports it again does not wait for a retry."""
    manager = ModelManager(disk.load, load_retry_seconds=60)
    manager.set_wanted("tfstyle", versions(1))
    disk.broken = {2}
    manager.set_wanted("tfstyle", versions(1, 2))
    manager.set_wanted("tfstyle", versions(1))
    disk.broken = set()
    manager.set_wanted("tfstyle", versions(1, 2))
    assert serving(manager) == 2


def test_a_model_that_is_not_wanted_any_more_is_unloaded(manager, disk):
    manager.set_wanted("tfstyle", versions(1, 2))
    manager.set_wanted("tfstyle", ())
    with pytest.raises(StatusError, match=r"Servable not found for request: Latest\(tfstyle\)"):
        serving(manager)
    assert sorted(disk.closed) == [1, 2]
    manager.set_wanted("tfstyle", versions(1))
    assert serving(manager) == 1


def test_labels_stand_for_versions(manager):
    with pytest.raises(StatusError, match=r"Model labels does not init yet\.stable") as caught:
        serving(manager, version_label="stable")
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE

    manager.set_wanted("tfstyle", versions(1, 2))
    manager.set_labels({"tfstyle": {"stable": 1}})
    assert serving(manager, version_label="stable") == 1
    with pytest.raises(StatusError, match="Unrecognized servable version label: canary"):
        serving(manager, version_label="canary")


def test_calls_from_many_threads_never_meet_a_freed_model(disk):
    """A hundred swaps under eight threads of calls."""
    freed: set[int] = set()

    def load(model: ModelVersion):
        return SimpleNamespace(version=model.version, close=lambda: freed.add(model.version))

    manager = ModelManager(load)
    manager.set_wanted("tfstyle", versions(0))
    stop, wrong = threading.Event(), []

    def call():
        while not stop.is_set():
            try:
                with manager.using(ModelSpec(name="tfstyle")) as servable:
                    if servable.version in freed:
                        wrong.append(servable.version)
            except StatusError as error:
                wrong.append(error)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(1, 101):
        manager.set_wanted("tfstyle", versions(number))
    stop.set()
    for thread in threads:
        thread.join()
    manager.close()
    assert wrong == []
    assert len(freed) == 101
