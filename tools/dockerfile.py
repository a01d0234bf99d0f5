"""A Dockerfile's instructions, and the images that it starts from."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCKER = Path(__file__).resolve().parents[1] / "docker"


@dataclass(frozen=True)
class Instruction:
    """One of them, without comments and with its lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Of a JSON list as well as of plain text."""
        return json.loads(self.text) if self.text.startswith("[") else self.text.split()


def instructions(path: Path) -> Iterator[Instruction]:
    """Those of a file, in order."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, _, text = line.partition(" ")
        yield Instruction(name.upper(), text.strip())


def last(path: Path, name: str) -> Instruction:
    """The last instruction of a name, which is the one that counts."""
    return [instruction for instruction in instructions(path) if instruction.name == name][-1]


def base_images(dockerfile: Path) -> set[str]:
    """Full names of the images that a Dockerfile starts from."""
    defaults = {}
    names = set()
    for step in instructions(dockerfile):
        if step.name == "ARG":
            name, _, value = step.text.partition("=")
            defaults[name] = value
        if step.name == "FROM":
            name = re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], step.words[0])
            names.add(f"docker.io/{name if '/' in name else f'library/{name}'}")
    return names
