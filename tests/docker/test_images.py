"""The images' Dockerfiles: linted, and the bot's carried out step by step, without a container engine."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import tfstyle
from testing.bot_api import BotApi, Person
from testing.bot_process import BotProcess
from testing.style_server import style_server
from tests.docker.build import Image, build, in_context
from tools.dockerfile import DOCKER, instructions, last

ROOT = DOCKER.parent
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
MOST_BYTES = 400e6
# Of python:3.12-slim-bookworm on x86-64, uncompressed and rounded up; no registry can be asked here.
BASE_BYTES = 135e6


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_has_nothing_against_it(path):
    command = [str(Path(sys.executable).with_name("hadolint")), "--failure-threshold", "style", "--no-color", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_find_something(tmp_path):
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python\nRUN cd /tmp && pip install numpy\n")
    done = subprocess.run([str(Path(sys.executable).with_name("hadolint")), str(wrong)], capture_output=True, text=True)
    assert done.returncode == 1
    assert {"DL3006", "DL3013", "DL3042"} <= set(re.findall(r"DL\d+", done.stdout))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_no_rule_is_left_out_without_a_reason(path):
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        for rule in re.findall(r"DL\d+|SC\d+", line) if "hadolint ignore" in line else []:
            assert lines[number - 1].startswith(f"# {rule}: "), "the line before says why"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_images_are_pinned_not_root_and_start_their_program_directly(path):
    for step in instructions(path):
        if step.name == "FROM":
            assert re.search(r":(\d+\.\d+\.\d+|\$\{SERVING\})", step.text)
        if step.name == "ARG" and step.text.startswith("SERVING"):
            assert re.fullmatch(r"SERVING=\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", step.text)
        if step.name == "COPY" and not step.words[0].startswith("--from"):
            assert all(in_context(source) for source in step.words[:-1])
    user, _, group = last(path, "USER").text.partition(":")
    assert int(user) > 0
    assert int(group) > 0
    entrypoint = last(path, "ENTRYPOINT")
    assert entrypoint.text.startswith("[")
    assert not {"sh", "bash", "/bin/sh", "/bin/bash"} & set(entrypoint.words)
    assert f":{tfstyle.__version__}" in path.read_text()


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_images_carry_the_licence_and_the_attributions_that_works_of_others_ask_for(path):
    steps = list(instructions(path))
    stage = steps[max(number for number, step in enumerate(steps) if step.name == "FROM") :]
    kept = "/opt/app" in {word for step in stage if step.name == "COPY" for word in step.words[:-1]}

    copies = [step.words for step in (steps if kept else stage) if step.name == "COPY"]
    assert ["LICENSE", "NOTICE", "/opt/app/"] in copies


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda path: path.name)
def test_every_package_is_locked_with_its_hash(path):
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE)
    packages = re.sub(r"\\\n\s*", "", text).splitlines()

    assert packages
    for package in packages:
        assert re.fullmatch(r"[\w.-]+==\S+( ; .+?)?( --hash=sha256:[0-9a-f]{64})+", package.strip())


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_images_install_what_is_locked_and_check_its_hash(path):
    """Beside it only CUDA's libraries, in the versions that the locked TensorFlow wants."""
    run = " && ".join(step.text for step in instructions(path) if step.name == "RUN")
    installs = [words for words in map(shlex.split, re.split(r"&&|;", run)) if "install" in words]

    assert bool(installs) == (path.name != "model.Dockerfile")
    for words in installs:
        locked = {"--no-deps", "--require-hashes"} <= set(words) and re.search(r"-r /build/\w+\.lock$", " ".join(words))
        assert locked or words[-1] == "${TENSORFLOW}"


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Image:
    return build(DOCKER / "bot.Dockerfile", tmp_path_factory.mktemp("image"))


def test_the_bots_image_is_small_and_has_no_tensorflow(image):
    packages = {path.name.lower() for path in image.root.rglob("site-packages/*")}

    assert not {"tensorflow", "keras", "jax", "pip", "cv2"} & packages
    assert {"telegram", "psycopg_binary", "ai_edge_litert"} <= packages
    assert BASE_BYTES + image.size < MOST_BYTES, f"{image.size / 1e6:.0f} MB beside the base image"


def test_the_bot_of_the_image_says_what_is_missing(image):
    done = subprocess.run(image.entrypoint, cwd=image.folder, env=image.environment, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "bot: TFSTYLE_BOT_TOKEN is not set; it is what @BotFather gave you.\n"


def test_the_bot_of_the_image_paints_and_writes_nothing_into_it(image, tmp_path):
    """Its root file system is read-only where it runs."""
    before = image.files()
    photo = (ROOT / "tfstyle" / "assets" / "astronaut.jpg").read_bytes()
    with BotApi() as api, style_server() as (_, address):
        environment = BotProcess(api, address, tmp_path).environment
        environment = {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
        process = subprocess.Popen(image.entrypoint, cwd=image.folder, env=environment | image.environment)
        try:
            api.wait_for(lambda: len(api.commands) == 3, seconds=60)
            person = Person(api, 1)
            answer = person.wait_for_answer(person.send_photo(photo, "scream person"))
            resident = int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) / 1024
        finally:
            process.terminate()
            code = process.wait(timeout=60)

    assert answer["photo"]
    assert code == 0
    assert resident < 256  # what its container asks for
    assert image.files() == before


def test_the_build_uses_the_environment_of_the_image_only(image):
    """Nothing of this environment gets into what was built."""
    code = "import sys, telegram, bot.app; print(telegram.__file__); print(bot.app.__file__)"
    python = image.entrypoint[0]
    done = subprocess.run(
        [python, "-c", code], cwd="/", env=image.environment, capture_output=True, text=True, check=True
    )
    assert all(line.startswith(f"{image.root}{os.sep}") for line in done.stdout.splitlines())
