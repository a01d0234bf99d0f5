"""`tfstyle demo` shows everything through a server of its own, and leaves no server behind."""

import os
import re
import signal
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfstyle.cli import main
from tfstyle.commands import demo
from tfstyle.errors import StyleTransferError

PICTURES = ("first", "second", "blend", "half_strength", "preserved_colors", "mask", "gradient_mask", "regions")


@pytest.fixture
def models(tiny_models, tmp_path):
    """A folder of models with a small one under the name that the demo asks for."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tfstyle").symlink_to(tiny_models / "tiny")
    return tmp_path / "models"


# What a server does that answers: it leaves its port in the file that it was told.
PORT = "for given; do case $given in --port_file=*) echo 4321 > ${given#*=};; esac; done; "


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A function that replaces the server by a shell script; returns the file where it leaves its process id."""

    def replace(script: str) -> Path:
        python, process_id = tmp_path / "python", tmp_path / "pid"
        python.write_text(f"#!/bin/sh\necho $$ > {process_id}\n{script}\n")
        python.chmod(0o755)
        monkeypatch.setattr(demo.sys, "executable", str(python))
        return process_id

    return replace


def is_running(process_id: Path) -> bool:
    try:
        os.kill(int(process_id.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def test_the_demo_paints_in_every_way_and_stops_its_server(models, tmp_path, capsys):
    out = tmp_path / "demo"
    assert main(["demo", "-o", str(out), "--models_dir", str(models)]) == 0

    photo = pixels(out / "photo.jpg")
    paintings = {name: pixels(out / f"{name}.jpg") for name in PICTURES}
    assert {painting.shape for painting in paintings.values()} == {photo.shape} == {(512, 512, 3)}
    for name, painting in paintings.items():
        assert np.abs(painting - photo).mean() > 5, f"{name} is only the photo"
    person = pixels(demo.SAMPLE_MASK) == 0
    assert np.abs(paintings["mask"] - photo)[person].mean() < 2
    assert np.abs(paintings["mask"] - paintings["first"])[pixels(demo.SAMPLE_MASK) == 255].mean() < 2
    sheet = Image.open(out / "contact_sheet.jpg")
    assert sheet.width * sheet.height > (len(PICTURES) + 1) * 512 * 512

    said = capsys.readouterr().out
    assert len(re.findall(r"^ *\d+\.\d\d s  ", said, re.MULTILINE)) == len(PICTURES)
    port = int(re.search(r"server on 127\.0\.0\.1:(\d+)", said)[1])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_the_server_is_stopped_when_painting_fails(stand_in, tmp_path):
    process_id = stand_in(PORT + "exec sleep 60")
    seen = []

    def paint(address):
        seen.append((address, is_running(process_id)))
        raise StyleTransferError("no")

    with pytest.raises(StyleTransferError), demo.server_process(None, tmp_path / "log") as address:
        paint(address)
    assert seen == [("127.0.0.1:4321", True)]
    assert not is_running(process_id)


def test_the_server_is_stopped_when_the_demo_is_killed(stand_in, tmp_path):
    process_id = stand_in(PORT + "exec sleep 60")
    with pytest.raises(SystemExit), demo.server_process(None, tmp_path / "log"):
        os.kill(os.getpid(), signal.SIGTERM)
    assert not is_running(process_id)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_server_that_does_not_stop_is_killed(stand_in, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "STOP_SECONDS", 0.2)
    process_id = stand_in("trap '' TERM; " + PORT + "while :; do sleep 0.1; done")
    with demo.server_process(None, tmp_path / "log"):
        pass
    assert not is_running(process_id)


def test_a_server_that_never_gets_ready_is_given_up(stand_in, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "START_SECONDS", 0.3)
    process_id = stand_in("exec sleep 60")
    with (
        pytest.raises(StyleTransferError, match=r"did not start: it said nothing for 0\.3 s\."),
        demo.server_process(None, tmp_path / "log"),
    ):
        pass
    assert not is_running(process_id)


def test_without_a_model_the_server_s_own_reason_is_told(tmp_path, capsys):
    (tmp_path / "models").mkdir()
    assert main(["demo", "-o", str(tmp_path / "demo"), "--models_dir", str(tmp_path / "models")]) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"tfstyle: The server did not start: .*models.*tfstyle.* See .*server\.log.*\n", error)
