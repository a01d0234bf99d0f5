"""What the README tells people to type works as it stands, in a fresh environment of the lock files that it names."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.client import StyleClient
from testing.bot_api import BotApi, Person
from testing.lock_environment import make_environment
from testing.style_server import style_server
from tests.video import clips
from tfstyle import cli
from tfstyle.imaging import photo as images
from tfstyle.model_store import versions

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
ROWS = re.findall(r"^\| [^|]+ \| `(.+?)` \|[^|]*\| ((?:`[\w.]+`(?:, )?)+) \|$", README, re.MULTILINE)
COMMANDS = {command: tuple(re.findall(r"`([\w.]+)`", locks)) for command, locks in ROWS}
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHELL = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
ADDRESS = "localhost:8500"
# Commands with a test of their own below; `add-style` and `train` take minutes and hours.
LONG = (
    "make chat",
    "python -m bot",
    "tfstyle serve",
    "tfstyle add-style",
    "tfstyle train",
    "tfstyle video",
    "tfstyle studio",
)


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """A function that gives the programs of a fresh environment of some lock files."""
    made = {}

    def environment(*locks: str) -> Path:
        if locks not in made:
            made[locks] = make_environment(locks, tmp_path_factory.mktemp("environment") / "venv")
        return made[locks]

    return environment


@pytest.fixture
def folder(tmp_path, astronaut):
    """What the commands speak of: small, so that painting is quick."""
    photo = Image.fromarray(astronaut).resize((96, 96))
    for name in ("photo.jpg", "kiss.jpg"):
        photo.save(tmp_path / name)
    stripes = np.zeros((96, 96, 3), np.uint8)
    stripes[:, ::8] = (250, 200, 20)
    Image.fromarray(stripes).save(tmp_path / "wave.jpg")
    (tmp_path / "holiday").mkdir()
    for name in ("one.jpg", "two.png"):
        photo.save(tmp_path / "holiday" / name)
    return tmp_path


@pytest.fixture
def free_port() -> int:
    """A local port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(programs: Path, command: str, folder: Path, **options) -> "subprocess.Popen[str]":
    """A command as a shell would start it once the environment is activated."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TFSTYLE_"))}
    variables = inherited | {"PATH": f"{programs}:{os.environ['PATH']}", "TF_CPP_MIN_LOG_LEVEL": "3"}
    variables |= {"TFSTYLE_MODELS": str(versions.models_root())} | options.pop("env", {})
    words = shlex.split(command)
    words[0] = shutil.which(words[0], path=str(programs)) or words[0]
    return subprocess.Popen(words, cwd=folder, env=variables, text=True, stderr=subprocess.PIPE, **options)


def run(programs: Path, command: str, folder: Path, **options) -> tuple[int, str]:
    """Exit code, and what it says of itself."""
    process = start(programs, command, folder, **options)
    _, said = process.communicate(options.get("input"), timeout=600)
    return process.returncode, said


def test_the_table_names_commands_and_lock_files_that_there_are():
    assert len(COMMANDS) == 14
    for locks in COMMANDS.values():
        assert all((ROOT / "requirements" / lock).exists() for lock in locks)


@pytest.mark.parametrize("command", [command for command in COMMANDS if not command.startswith(LONG)])
def test_commands_run_in_the_environment_that_they_name(command, environment, folder, released_server):
    before = set(folder.rglob("*"))

    quick = " --iterations 5" if "optimize" in command else ""  # of the hundreds that take minutes
    code, said = run(environment(*COMMANDS[command]), command.replace(ADDRESS, released_server) + quick, folder)

    assert code == 0, said
    pictures = [path for path in set(folder.rglob("*")) - before if path.suffix in (".jpg", ".png")]
    assert len(pictures) == (2 if "holiday/" in command else 1), pictures
    painted = images.read_photo(pictures[0]).pixels
    if "stylize" in command:
        assert painted.shape == (96, 96, 3)
        assert np.abs(painted.astype(int) - images.read_photo(folder / "photo.jpg").pixels).mean() > 5


def test_serve_serves_in_the_environment_that_it_names(environment, folder, free_port):
    (command,) = [command for command in COMMANDS if command.startswith("tfstyle serve")]
    process = start(environment(*COMMANDS[command]), command.replace("8500", str(free_port)), folder)
    try:
        with StyleClient(f"127.0.0.1:{free_port}") as client:
            assert client.health(wait=300)
            assert "starry_night" in client.styles().names
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)


def test_a_video_is_painted_in_the_environment_that_it_names(environment, folder):
    (command,) = [command for command in COMMANDS if command.startswith("tfstyle video")]
    clips.Clip([clips.moving_square(number) for number in range(3)]).write(folder / "clip.mp4")

    code, said = run(environment(*COMMANDS[command]), command, folder)

    assert code == 0, said
    assert len(clips.pictures(folder / "clip.starry_night.mp4")) == 3


def test_the_studio_shows_its_page_in_the_environment_that_it_names(environment, folder, free_port):
    (command,) = [command for command in COMMANDS if command.startswith("tfstyle studio")]
    process = start(environment(*COMMANDS[command]), f"{command} --no-browser --port {free_port}", folder)
    try:
        said = process.stderr.readline()
        assert f"http://127.0.0.1:{free_port}" in said
        with urllib.request.urlopen(said.split()[4]) as answer:
            assert b"<title>" in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_add_style_and_train_begin_in_the_environment_that_they_name(environment, folder):
    """Up to photos and paintings, which are not there; what they import is."""
    for begin, said_first, module in (
        ("tfstyle add-style", "No photos at", "tfstyle.training.add_style"),
        ("tfstyle train", "Expected one painting", "tfstyle.training.training_run"),
    ):
        (command,) = [command for command in COMMANDS if command.startswith(begin)]
        programs = environment(*COMMANDS[command])
        assert cli.parse(shlex.split(command)[1:]).command == shlex.split(command)[1]
        code, said = run(programs, command.replace("holiday/", "nowhere/"), folder)
        assert code == 2
        assert said_first in said
        code, said = run(programs, f"python -c 'import {module}'", folder)
        assert code == 0, said


def test_chat_paints_after_make_chat_alone(environment, folder):
    """Nothing but what its target installs; that was not enough once."""
    stamps, recipe = re.search(r"^chat: (.+)\n\t@?\$\(BIN\)/(.+)$", MAKEFILE, re.MULTILINE).groups()
    locks = tuple(f"{name}.lock" for name in re.findall(r"\.(\w+)", stamps))
    assert locks == COMMANDS["make chat"]

    process = start(environment(*locks), recipe, folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    said, errors = process.communicate("photo photo.jpg scream\nquit\n", timeout=600)

    assert process.returncode == 0, errors
    assert [path for path in (folder / "chat").glob("*") if path.suffix in (".jpg", ".png")], said


def test_the_bot_starts_and_paints_in_the_environment_that_it_names(environment, folder):
    with BotApi() as api, style_server() as (_, address):
        settings = {"TOKEN": api.token, "SERVER": address, "BASE_URL": api.base_url, "HTTP_PORT": "0"}
        settings |= {"BASE_FILE_URL": api.base_file_url, "HTTP_HOST": "127.0.0.1"}
        variables = {f"TFSTYLE_BOT_{name}": value for name, value in settings.items()}
        process = start(environment(*COMMANDS["python -m bot"]), "python -m bot", folder, env=variables)
        try:
            api.wait_for(lambda: len(api.commands) == 3, seconds=120)
            person = Person(api, 1)
            assert person.wait_for_answer(person.send_photo((folder / "photo.jpg").read_bytes(), "scream"))["photo"]
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_make_demo_works_after_make_demo_alone(environment, folder):
    stamp, recipe = re.search(r"^demo: (.+)\n\t\$\(BIN\)/(.+)$", MAKEFILE, re.MULTILINE).groups()

    code, said = run(environment(f"{stamp.rpartition('.')[2]}.lock"), recipe, folder)

    assert code == 0, said
    assert (folder / "demo" / "contact_sheet.jpg").exists()


@pytest.mark.parametrize("code", PYTHON)
def test_python_examples_run(code, environment, folder, released_server):
    (folder / "example.py").write_text(code.replace(ADDRESS, released_server))
    lock = "client.lock" if "serving.client" in code else "serve.lock"

    ended, said = run(environment(lock), "python example.py", folder)

    assert ended == 0, said
    assert images.read_photo(folder / "stylized.jpg").pixels.shape == (96, 96, 3)


def test_every_block_of_commands_is_one_that_is_tested():
    """make's are, here and in tests/commands; compose and manifests in tests/docker and tests/k8s."""
    lines = [line for block in SHELL for line in block.splitlines()]
    assert [re.sub(r"^(\w+=\S+ )*", "", line).split()[:2] for line in lines] == [
        ["make", "demo"],
        ["make", "test"],
        ["docker", "compose"],
        ["kubectl", "apply"],
    ]
    assert (ROOT / lines[-1].split()[-1] / "kustomization.yaml").exists()


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 125
