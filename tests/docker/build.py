"""Builds an image's file system without a container engine, by doing what its Dockerfile says in a folder.

Enough for the bot's: COPY of files and folders, RUN with paths under /opt and /build, ARG and ENV of one variable.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tools.dockerfile import Instruction, instructions

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Image:
    """The last stage.

    Attributes:
        root: Its file system, on top of the base image's.
        arguments: What ARG says, if nobody says otherwise.
        environment: What ENV says, with paths in `root`.
        folder: Where it starts, in `root`.
        entrypoint: What it starts, in `root`.
    """

    root: Path
    arguments: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    entrypoint: list[str] = field(default_factory=list)

    def inside(self, text: str) -> str:
        """Text with the image's paths as those of this machine."""
        return re.sub(r"(?<![\w.])/(opt|build)\b", rf"{self.root}/\1", text)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(path.lstat().st_size for path in self.root.rglob("*") if not path.is_dir())

    def files(self) -> dict[Path, int]:
        """All files, with when they were changed."""
        return {path: path.lstat().st_mtime_ns for path in self.root.rglob("*")}


def build(dockerfile: Path, folder: Path) -> Image:
    """Do what a Dockerfile says; its stages lie in `folder`, and `python` is the one of this process."""
    stages: dict[str, Image] = {}
    image = Image(folder)
    for number, step in enumerate(instructions(dockerfile)):
        if step.name == "FROM":
            image = Image(folder / str(number))
            image.root.mkdir(parents=True)
            stages[step.words[-1]] = image
        else:
            _do(step, image, stages)
    return image


def _do(step: Instruction, image: Image, stages: dict[str, Image]) -> None:
    match step.name:
        case "COPY":
            _copy(step.words, image, stages)
        case "RUN":
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            command = ["/bin/sh", "-ec", image.inside(step.text)]
            environment = os.environ | image.arguments | image.environment | {"PATH": path}
            done = subprocess.run(command, cwd=image.root, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        case "ARG":
            name, _, value = step.text.partition("=")
            image.arguments[name] = value
        case "ENV":
            name, _, value = step.text.partition("=")
            image.environment[name] = image.inside(value)
        case "WORKDIR":
            image.folder = Path(image.inside(step.text))
        case "ENTRYPOINT":
            image.entrypoint = [image.inside(word) for word in step.words]
        case "USER" | "EXPOSE":
            pass
        case other:
            raise NotImplementedError(other)


def _copy(words: list[str], image: Image, stages: dict[str, Image]) -> None:
    *sources, target = words
    context = ROOT
    if sources[0].startswith("--from="):
        context = stages[sources.pop(0).removeprefix("--from=")].root
    else:
        assert all(in_context(source) for source in sources), f".dockerignore leaves out some of {sources}"
    for source in sources:
        origin = context / source.lstrip("/")
        place = image.root / target.lstrip("/")
        if origin.is_dir():
            ignored = shutil.ignore_patterns("__pycache__") if context == ROOT else None
            shutil.copytree(origin, place, symlinks=True, ignore=ignored, dirs_exist_ok=True)
        else:
            place = place / origin.name if target.endswith("/") else place
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, place)


def in_context(source: str) -> bool:
    """Whether .dockerignore, which leaves out everything but some folders, lets a path through."""
    lines = (ROOT / ".dockerignore").read_text().split("\n")
    assert "*" in lines
    return f"!{source.partition('/')[0]}" in lines and (ROOT / source).exists()
