"""Software bills of material of the wheel and of each image, in CycloneDX's form: `make sbom`.

What is in them comes from the lock files, with versions and hashes; for images, also the base image and the model.
The base image's own packages, such as Debian's, are listed by whoever makes it.

    python -m tools.sbom [--to dist/sbom]
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import tfstyle
from tfstyle.model_store.versions import find_model
from tools.dockerfile import DOCKER, base_images

ROOT = DOCKER.parent
INDEX = "https://pypi.org/simple"  # where names and versions are from, whatever mirror they came by
LOCKS = {"wheel": "client", "bot": "bot", "bulk": "bulk", "trainer": "train"}
WITH_MODEL = ("model", "bulk", "trainer")

Component = dict[str, Any]


def bill_of(name: str) -> dict[str, Any]:
    """The bill of `wheel` or of the image of a name; an error if it is not as the schema wants it."""
    lock = ROOT / "requirements" / f"{LOCKS[name]}.lock" if name in LOCKS else Path("/dev/null")
    command = [Path(sys.executable).with_name("cyclonedx-py"), "requirements", lock, "--output-reproducible"]
    command += ["--index-url", INDEX, "--pyproject", ROOT / "pyproject.toml"]
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    bill: dict[str, Any] = json.loads(done.stdout)
    if name != "wheel":
        bill["metadata"]["component"] |= {"type": "container", "name": f"tfstyle-{name}"}
        bill.setdefault("components", []).extend(container(base) for base in base_images(DOCKER / f"{name}.Dockerfile"))
    if name in WITH_MODEL:
        bill["components"].append(model())
    bill["metadata"]["component"]["version"] = tfstyle.__version__
    wrong = JsonStrictValidator(SchemaVersion.from_version(bill["specVersion"])).validate_str(json.dumps(bill))
    if wrong is not None:
        raise ValueError(f"Expected a bill of {name} that the schema of CycloneDX takes: {wrong}")
    return bill


def container(image: str) -> Component:
    """A base image by its full name, `docker.io/library/python:3.12`, with its digest if the name has one."""
    tagged, _, digest = image.partition("@")
    name, _, tag = tagged.removeprefix("docker.io/").rpartition(":")
    purl = f"pkg:docker/{name.removeprefix('library/')}@{digest.replace(':', '%3A') or tag}"
    return {"type": "container", "bom-ref": purl, "name": name, "version": tag, "purl": purl}


def model() -> Component:
    """The newest released model, by the hash of its variables and graph."""
    folder = find_model()
    digest = hashlib.sha256()
    for path in (folder / "saved_model.pb", *sorted((folder / "variables").iterdir())):
        digest.update(path.read_bytes())
    return {
        "type": "machine-learning-model",
        "bom-ref": f"{folder.parent.name}@{folder.name}",
        "name": folder.parent.name,
        "version": folder.name,
        "hashes": [{"alg": "SHA-256", "content": digest.hexdigest()}],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.sbom", description=__doc__.partition("\n")[0])
    parser.add_argument("--to", type=Path, default=ROOT / "dist" / "sbom", help="folder (default: dist/sbom)")
    folder = parser.parse_args().to
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("wheel", *sorted(path.name.partition(".")[0] for path in DOCKER.glob("*.Dockerfile"))):
        bill = bill_of(name)
        (folder / f"{name}.cdx.json").write_text(json.dumps(bill, indent=2) + "\n")
        print(f"{folder / name}.cdx.json: {len(bill['components'])} components")


if __name__ == "__main__":
    main()
