"""Pins the images that Dockerfiles, manifests and compose.yaml name by their digests, or renews them: `make digests`.

A tag can be moved to another image, a digest cannot. Where a registry is reached, each `name:tag` of others becomes
`name:tag@sha256:...`; images that are built here have no digest before they are pushed. By skopeo, which asks with the
logins of docker and podman:

    apt-get install skopeo
    python -m tools.digests
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OURS = "tfstyle-"
# `FROM image`, `image: image`, the default of an argument that a FROM has as its tag, and the same in compose.yaml.
_NAMED = re.compile(
    r"(?P<before>^FROM |^\s+(?:- )?image: |^ARG SERVING=|\$\{SERVING:-)"
    r"(?P<image>[\w./-]+(?::[\w.-]+)?)(?:@sha256:[0-9a-f]{64})?(?=[\s}]|$)",
    re.MULTILINE,
)


def files() -> list[Path]:
    """All that name images."""
    return [
        *sorted((ROOT / "docker").glob("*.Dockerfile")),
        *sorted((ROOT / "k8s").rglob("*.yaml")),
        ROOT / "compose.yaml",
    ]


def pinned(text: str, digest_of: Callable[[str], str]) -> str:
    """A file's text with the digest behind each image that others have made."""

    def pin(match: re.Match[str]) -> str:
        image = match["image"]
        if OURS in image:
            return match[0]
        full = f"tensorflow/serving:{image}" if "SERVING" in match["before"] else image
        return f"{match['before']}{image}@{digest_of(full)}"

    return _NAMED.sub(pin, text)


def ask_registry(image: str) -> str:
    """The digest that an image has in its registry today, of the list of all its platforms."""
    known: dict[str, str] = ask_registry.__dict__.setdefault("known", {})
    if image not in known:
        command = ["skopeo", "inspect", "--no-tags", "--format", "{{.Digest}}", f"docker://{image}"]
        known[image] = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return known[image]


def main() -> None:
    argparse.ArgumentParser(prog="python -m tools.digests", description=__doc__.partition("\n")[0]).parse_args()
    if shutil.which("skopeo") is None:
        sys.exit("skopeo is not installed; on Debian: apt-get install skopeo")
    for path in files():
        text = path.read_text()
        new = pinned(text, ask_registry)
        if new != text:
            path.write_text(new)
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
