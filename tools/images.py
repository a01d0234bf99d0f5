"""Builds the images for real, starts each, asks it something and measures its size: `make images`.

By Debian's buildah, without a daemon and without a registry: `chroot` isolation and the storage driver `vfs` work where
nothing may be mounted. Minutes an image, and gigabytes of disk for those with TensorFlow, so no test does it.

Base images that the machine does not have are not pulled but made here under their names: Debian bookworm with its own
Python (3.11 where the name says 3.12) by mmdebstrap, and in place of TensorFlow Serving's image the same with `tfstyle
serve`, which takes the same flags. `--pull` takes the true ones.

    apt-get install buildah mmdebstrap
    python -m tools.images [bot model trainer bulk] [--pull] [--pip-conf FILE]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import tfstyle
from serving.client import StyleClient
from testing.bot_api import BotApi, Person
from testing.bot_process import BotProcess
from testing.style_server import style_server
from tools.dockerfile import DOCKER, base_images

ROOT = DOCKER.parent
STORE = Path(os.environ.get("TFSTYLE_IMAGES", Path.home() / ".cache" / "tfstyle" / "images"))
PHOTO = ROOT / "tfstyle" / "assets" / "astronaut.jpg"
MAX_MEGABYTES = {"bot": 265}  # beside the base image, so that with the true one, of 135 MB, they are 400


def run(*command: object, **options: object) -> str:
    """What a command writes; its errors are shown."""
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, **options).stdout.strip()


def buildah(*arguments: object) -> list[str]:
    """A command line of buildah, with all that it keeps in `STORE`."""
    places = ["--root", STORE / "storage", "--runroot", STORE / "run", "--storage-driver", "vfs"]
    return ["buildah", *map(str, places), *map(str, arguments)]


@contextmanager
def container(image: str) -> Iterator[str]:
    """A container of an image, removed afterwards."""
    name = run(*buildah("from", "--pull-never", image))
    try:
        yield name
    finally:
        run(*buildah("rm", name))


# Base images


def make_base(name: str, pip: list[str]) -> None:
    """A stand-in for a base image, under its name."""
    if subprocess.run(buildah("inspect", "--type", "image", name), capture_output=True).returncode == 0:
        return
    if "tensorflow/serving" in name:
        make_serving(name, pip)
        return
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "debian.tar"
        packages = "python3,python3-venv,python3-pip,ca-certificates"
        # Debian's pip refuses to install beside apt's packages; in the image it is meant to.
        hooks = ["--customize-hook=rm $1/usr/lib/python3.*/EXTERNALLY-MANAGED"]
        hooks += ["--customize-hook=ln -s /usr/bin/python3 $1/usr/local/bin/python"]
        skipped = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale")]
        run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", *hooks, *skipped, "bookworm", tree)
        scratch = run(*buildah("from", "scratch"))
        run(*buildah("add", "--quiet", scratch, tree, "/"))
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    run(*buildah("config", "--env", path, scratch))
    run(*buildah("commit", "--quiet", "--rm", scratch, name))


def make_serving(name: str, pip: list[str]) -> None:
    """`tfstyle serve` where TensorFlow Serving's image has its server."""
    python = next(iter(base_images(DOCKER / "bot.Dockerfile")))
    make_base(python, pip)
    made = run(*buildah("from", "--pull-never", python))
    run(*buildah("copy", "--quiet", made, ROOT / "requirements" / "serve.lock", "/build/"))
    for package in ("tfstyle", "serving"):
        run(*buildah("copy", "--quiet", made, ROOT / package, f"/opt/server/{package}"))
    install = ["python", "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-deps", "--require-hashes"]
    run(*buildah("run", "--isolation", "chroot", *pip, made, "--", *install, "-r", "/build/serve.lock"))
    server = Path(tempfile.mkdtemp()) / "tensorflow_model_server"
    server.write_text('#!/bin/sh\nPYTHONPATH=/opt/server exec python -m tfstyle serve "$@"\n')
    server.chmod(0o755)
    run(*buildah("copy", "--quiet", made, server, "/usr/bin/tensorflow_model_server"))
    run(*buildah("commit", "--quiet", "--rm", made, name))


# What each image is asked


def command_of(image: str, *arguments: object) -> list[str]:
    """What the image starts, with other arguments than its own if there are some."""
    config = json.loads(run(*buildah("inspect", "--type", "image", image)))["OCIv1"]["config"]
    return [*config["Entrypoint"], *(map(str, arguments) if arguments else config.get("Cmd") or [])]


def started(name: str, command: list[str], *options: object) -> list[str]:
    """A command line that runs a command in a container, as the image's user."""
    return buildah("run", "--isolation", "chroot", *options, name, "--", *command)


def ask_bot(image: str, folder: Path) -> str:
    """It says what is missing; with a token it lives, and paints a photo."""
    with container(image) as name:
        done = subprocess.run(started(name, command_of(image)), capture_output=True, text=True)
        said = "bot: TFSTYLE_BOT_TOKEN is not set; it is what @BotFather gave you."
        if done.returncode != 2 or said not in done.stderr:
            raise AssertionError(f"Expected exit code 2 and {said!r}, got {done.returncode} and {done.stderr!r}")
        with BotApi() as api, style_server() as (_, address):
            told = BotProcess(api, address, folder, http_port=free_port(), database_url="sqlite:////tmp/bot.db")
            settings = {key: value for key, value in told.environment.items() if key.startswith("TFSTYLE_BOT_")}
            environment = [f"--env={key}={value}" for key, value in settings.items()]
            with running(started(name, command_of(image), *environment)):
                api.wait_for(lambda: len(api.commands) == 3, seconds=120)
                url = f"http://127.0.0.1:{settings['TFSTYLE_BOT_HTTP_PORT']}/livez"
                with urllib.request.urlopen(url, timeout=10) as answer:
                    assert answer.status == 200
                person = Person(api, 1)
                assert person.wait_for_answer(person.send_photo(PHOTO.read_bytes(), "scream person"))["photo"]
    return "refuses a missing token, answers /livez, paints a photo"


def ask_model(image: str, folder: Path) -> str:
    """Predict, at the port that its entry point names."""
    with container(image) as name, running(started(name, command_of(image))):
        with StyleClient("127.0.0.1:8500") as client:
            until(lambda: client.styles(), seconds=180)
            painted = client.stylize(PHOTO, "starry_night")
        assert painted.size == (512, 512)
    return "answers Predict"


def ask_command(*arguments: str) -> Callable[[str, Path], str]:
    """The image's command line paints the sample photo, into a folder of its own."""

    def ask(image: str, folder: Path) -> str:
        shutil.copy(PHOTO, folder / "photo.jpg")
        folder.chmod(0o777)
        with container(image) as name:
            subprocess.run(started(name, command_of(image, *arguments), "--volume", f"{folder}:/work"), check=True)
        assert list(folder.rglob("painted/*.*")), sorted(folder.rglob("*"))
        return f"runs tfstyle {arguments[0]}"

    return ask


ASK = {
    "bot": ask_bot,
    "model": ask_model,
    "trainer": ask_command("stylize", "photo.jpg", "--style", "starry_night", "-o", "painted/"),
    "bulk": ask_command("bulk", "photo.jpg", "--style", "starry_night", "-o", "painted/"),
}


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    """A process, ended afterwards."""
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(ask: Callable[[], object], *, seconds: float) -> None:
    """Ask until there is an answer."""
    end = time.monotonic() + seconds
    while True:
        try:
            ask()
            return
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(1)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def size_of(image: str) -> float:
    """Megabytes of all its files."""
    with container(image) as name:
        tree = Path(run(*buildah("mount", name)))
        return sum(path.lstat().st_size for path in tree.rglob("*") if not path.is_dir()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.images", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="IMAGE", help=f"of {', '.join(ASK)} (default: all)")
    parser.add_argument("--pull", action="store_true", help="take base images from their registry")
    parser.add_argument("--pip-conf", type=Path, help="pip's configuration for the builds; it stays out of the images")
    arguments = parser.parse_args()
    names = arguments.names or list(ASK)
    if unknown := set(names) - set(ASK):
        parser.error(f"no image named {', '.join(sorted(unknown))}; there are {', '.join(ASK)}")
    for program in ("buildah",) if arguments.pull else ("buildah", "mmdebstrap"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed; on Debian: apt-get install {program}")
    pip = []
    if arguments.pip_conf:
        pip = [f"--volume={arguments.pip_conf.resolve()}:/etc/pip.conf:ro", "--volume=/etc/ssl/certs:/etc/ssl/certs:ro"]
    for name in names:
        dockerfile = DOCKER / f"{name}.Dockerfile"
        if not arguments.pull:
            for base in base_images(dockerfile):
                make_base(base, pip)
        image = f"localhost/tfstyle-{name}:{tfstyle.__version__}"
        began = time.monotonic()
        build = ["build", "--quiet", "--isolation", "chroot", "--pull" if arguments.pull else "--pull-never", *pip]
        run(*buildah(*build, "--file", dockerfile, "--tag", image, ROOT))
        seconds = time.monotonic() - began
        with tempfile.TemporaryDirectory() as folder:
            answer = ASK[name](image, Path(folder))
        added = (whole := size_of(image)) - max(map(size_of, base_images(dockerfile)))
        print(f"{name}: built in {seconds:.0f} s, {whole:.0f} MB, {added:.0f} of them added; {answer}", flush=True)
        if added > MAX_MEGABYTES.get(name, added):
            sys.exit(f"Expected at most {MAX_MEGABYTES[name]} MB beside the base image.")


if __name__ == "__main__":
    main()
