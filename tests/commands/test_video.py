"""`tfstyle video` as people type it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.engines import toy_onnx
from tests.video.clips import FRAMES, Clip, moving_square, pictures
from tfstyle.cli import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model for ONNX Runtime whose styles are colours."""
    return toy_onnx.write(tmp_path_factory.mktemp("model") / "1")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a video in it."""
    monkeypatch.chdir(tmp_path)
    Clip().write(tmp_path / "clip.mp4")
    return tmp_path


def paint(model, *arguments: str) -> int:
    return main(["video", "clip.mp4", "--style", "red", "--model", str(model), *arguments])


def test_a_video_is_painted_into_the_current_folder(folder, model, capsys):
    assert paint(model) == 0
    assert len(pictures(folder / "clip.red.mp4")) == FRAMES
    assert np.abs(pictures(folder / "clip.red.mp4")[3].astype(int) - toy_onnx.COLORS["red"]).max() < 8
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("clip.mp4 -> clip.red.mp4 (64x48, 10 frames, ")


def test_json_says_what_came_of_it(folder, model, capsys):
    assert paint(model, "--json", "--end", "0.2", "-o", "short.webm", "--stability", "0") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["output"], result["frames"], result["whole"]) == ("short.webm", 5, True)


def test_a_preview_is_a_sheet_and_nothing_else(folder, model, capsys):
    assert paint(model, "--preview") == 0
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "clip.red.preview.jpg"]
    assert "clip.red.preview.jpg (1 frames)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stability", "2"], "Expected a stability from 0 (off) to 1"),
        (["-o", "clip.mp4"], "clip.mp4: this is the video itself"),
        (["-o", "painted.avi"], "expected an output that ends in .mp4"),
        (["--start", "3", "--end", "2"], "Expected an end after the start"),
        (["--max-size", "9"], "Expected a max size of at least 16 pixels"),
        (["--fps", "0"], "Expected more than 0"),
    ],
    ids=["stability", "itself", "avi", "end", "size", "fps"],
)
def test_what_is_wrong_is_one_sentence_and_code_2(folder, model, capsys, arguments, message):
    assert paint(model, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_file_that_is_not_there_is_said(folder, model, capsys):
    assert main(["video", "none.mp4", "--style", "red", "--model", str(model)]) == 2
    assert capsys.readouterr().err == "tfstyle: none.mp4: No such file or directory.\n"


def test_a_video_that_is_cut_short_is_painted_and_code_2(folder, model, capsys):
    frames = [moving_square(number % 20) for number in range(60)]
    whole = Clip(frames=frames, options={"g": "5", "crf": "4"}).write(folder / "whole.mkv").read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    assert main(["video", "cut.mkv", "--style", "red", "--model", str(model)]) == 2
    assert "it is cut short or damaged there. What there was is painted." in capsys.readouterr().err
    assert len(pictures(folder / "cut.red.mkv")) > 10


@pytest.fixture
def long_clip(tmp_path):
    """A video of three segments."""
    frames = [moving_square(number % 20) for number in range(300)]
    return Clip(frames=frames).write(tmp_path / "long.mp4")


def start(model, video: Path, output: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "tfstyle", "video", str(video), "--model", str(model), "-o", str(output)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([*command, "--style", "red:1,blue:1", "--strength", "0.5"], env=environment)


def wait_for(path: Path, process: subprocess.Popen) -> None:
    for _ in range(600):
        if path.exists() or process.poll() is not None:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} did not come")


@pytest.mark.slow
@pytest.mark.integration
def test_killed_at_any_time_the_same_command_comes_to_the_same_file(model, long_clip, tmp_path):
    whole, output = tmp_path / "whole.mp4", tmp_path / "painted.mp4"
    assert start(model, long_clip, whole).wait() == 0
    for segment in ("00000.part", "00000.mkv", "00001.mkv"):
        process = start(model, long_clip, output)
        wait_for(tmp_path / ".painted.mp4.tfstyle" / segment, process)
        process.kill()
        process.wait()
    assert start(model, long_clip, output).wait() == 0
    assert output.read_bytes() == whole.read_bytes()
    assert not (tmp_path / ".painted.mp4.tfstyle").exists()


@pytest.mark.slow
@pytest.mark.integration
def test_ctrl_c_leaves_a_video_that_plays(model, long_clip, tmp_path):
    output = tmp_path / "painted.mp4"
    process = start(model, long_clip, output)
    wait_for(tmp_path / ".painted.mp4.tfstyle" / "00000.mkv", process)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert 120 <= len(pictures(output)) < 300
    assert start(model, long_clip, output).wait() == 0
    assert len(pictures(output)) == 300
