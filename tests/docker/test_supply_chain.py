"""What is pinned, and what is told about what is in the images."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import tfstyle
from tools import digests, sbom
from tools.dockerfile import DOCKER, base_images

ROOT = DOCKER.parent
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
NAMES = ["wheel", *sorted(path.name.partition(".")[0] for path in DOCKER.glob("*.Dockerfile"))]


def images_of(path: Path) -> set[str]:
    """Those that a file names and others have made."""
    if path.suffix == ".Dockerfile":
        return {name.removeprefix("docker.io/").removeprefix("library/") for name in base_images(path)}
    found = re.findall(r"^\s+(?:- )?image: (\S+)", path.read_text(), re.MULTILINE)
    return {image for image in found if digests.OURS not in image}


def test_every_image_of_others_gets_the_digest_that_its_registry_tells():
    asked = set()

    def digest_of(image: str) -> str:
        asked.add(image)
        return DIGEST

    for path in digests.files():
        text = digests.pinned(path.read_text(), digest_of)
        changed = [line for line in text.splitlines() if line not in path.read_text().splitlines()]
        assert all(f"@{DIGEST}" in line for line in changed)
        assert digests.pinned(text, digest_of) == text, "what is pinned is renewed in its place"

    assert asked == {image for path in digests.files() for image in images_of(path)}
    assert len(asked) == 4


def test_manifests_and_dockerfiles_with_digests_mean_the_same(tmp_path):
    for path in digests.files():
        text = digests.pinned(path.read_text(), lambda image: DIGEST)
        if path.suffix == ".yaml":
            assert yaml.safe_dump_all(yaml.safe_load_all(text)).replace(f"@{DIGEST}", "") == yaml.safe_dump_all(
                yaml.safe_load_all(path.read_text())
            )
        else:
            (tmp_path / path.name).write_text(text)
            assert {name.partition("@")[0] for name in base_images(tmp_path / path.name)} == base_images(path)


@pytest.fixture(scope="module", params=NAMES)
def bill(request) -> tuple[str, dict]:
    """Of the wheel or an image, held to the schema of CycloneDX as it is made."""
    return request.param, sbom.bill_of(request.param)


def test_a_bill_has_all_that_is_locked_with_versions_and_hashes(bill):
    name, made = bill
    packages = {item["name"]: item for item in made.get("components", []) if item["type"] == "library"}
    lock = (ROOT / "requirements" / f"{sbom.LOCKS[name]}.lock").read_text() if name in sbom.LOCKS else ""
    locked = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))

    assert {package: item["version"] for package, item in packages.items()} == locked
    for item in packages.values():
        assert item["purl"].startswith("pkg:pypi/")
        assert any(reference.get("hashes") for reference in item["externalReferences"]), item["name"]


def test_a_bill_tells_whose_it_is_and_what_the_image_is_made_of(bill):
    name, made = bill
    component = made["metadata"]["component"]
    others = {(item["type"], item["name"]) for item in made["components"] if item["type"] != "library"}

    assert component["version"] == tfstyle.__version__
    if name == "wheel":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert (component["name"], others) == (project["name"], set())
    else:
        assert component["name"] == f"tfstyle-{name}"
        base = {"bot": "library/python", "model": "tensorflow/serving"}.get(name, "library/python")
        model = {("machine-learning-model", "tfstyle")} if name in sbom.WITH_MODEL else set()
        assert others == {("container", base)} | model


def test_a_bill_has_no_address_of_a_mirror(bill):
    """Who makes it may install from anywhere."""
    found = re.findall(r"https?://([^/\"']+)", str(bill[1]["components"]))
    assert set(found) <= {"pypi.org"}
