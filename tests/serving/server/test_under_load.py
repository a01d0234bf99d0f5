"""What clients notice of a change while they call without a pause: nothing. `make soak` does the same for longer."""

import os
import shutil
import signal

import grpc
import pytest

from serving.server import model_server
from testing.load import Load, requests_answered, server_process, slow_request


@pytest.fixture
def models(toy_model, tmp_path):
    """A folder of models with version 1 of `tfstyle`."""
    shutil.copytree(toy_model, tmp_path / "models" / "tfstyle" / "1")
    return tmp_path / "models"


def add_version(models, toy_model, version: int) -> None:
    hidden = shutil.copytree(toy_model, models / "tfstyle" / f".{version}")
    hidden.rename(models / "tfstyle" / str(version))


def test_new_versions_swapped_in_fail_no_call(models, toy_model):
    """Nor does one that does not load."""
    with model_server.running(models) as address:
        load = Load(address, slow_request, stop_at_error=False)
        load.wait(lambda: load.versions[1] > 100)
        add_version(models, toy_model, 2)
        load.wait(lambda: load.versions[2] > 100)
        (models / "tfstyle" / "3").mkdir()
        add_version(models, toy_model, 4)
        load.wait(lambda: load.versions[4] > 100)
        load.stop()
    assert load.errors == []
    assert set(load.versions) == {1, 2, 4}


def test_sigterm_loses_no_request_that_was_accepted(models):
    """The server counts what it has carried out: each of these has reached its client."""
    with server_process(f"--models_dir={models}", "--port=0") as (process, address):
        load = Load(address, slow_request, stop_at_error=True)
        load.wait(lambda: load.answers > 200)
        os.kill(process.pid, signal.SIGTERM)
        load.join()
        assert requests_answered(process) == load.answers
    assert {code for code, _ in load.errors} == {grpc.StatusCode.UNAVAILABLE}
