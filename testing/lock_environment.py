"""A fresh virtual environment with exactly the packages of some lock files, and the project from this checkout.

Its packages are those of the environment that the tests run in, linked file by file, so it takes seconds and no index.
That they have the locked versions is checked. What a lock file lacks cannot be imported there.
"""

import os
import re
import shutil
import sys
import sysconfig
import venv
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import cache_from_source
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = re.compile(r"^([\w.-]+)==([^\s;\\]+)(?: ; ([^\\]+))?", re.MULTILINE)


def make_environment(locks: Sequence[str], folder: Path) -> Path:
    """Make it in `folder`, from `requirements/<name>`, and return the folder of its programs."""
    venv.create(folder, symlinks=True)
    programs = folder / "bin"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    for package in locked(locks):
        for file in package.files or []:
            source = Path(str(package.locate_file(file)))
            if ".." not in file.parts and file.suffix != ".pyc" and source.is_file():
                _link(source, site / file)
                if file.suffix == ".py" and (compiled := Path(cache_from_source(str(source)))).exists():
                    _link(compiled, Path(cache_from_source(str(site / file))))
    (site / "tfstyle.pth").write_text(f"{ROOT}\n")  # as an editable installation
    script = programs / "tfstyle"
    script.write_text(f"#!{programs / 'python'}\nimport sys\nfrom tfstyle.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)
    return programs


def locked(locks: Sequence[str]) -> Iterator[Distribution]:
    """The packages that lock files name for this Python and platform."""
    for lock in locks:
        for name, version, marker in _PACKAGE.findall((ROOT / "requirements" / lock).read_text()):
            if marker and not Marker(marker).evaluate():
                continue
            try:
                found = distribution(name)
            except PackageNotFoundError:
                raise AssertionError(f"{lock} has {name}, which {sys.prefix} lacks: run `make test`.") from None
            assert found.version == version, (
                f"{lock} has {name} {version}, and here is {found.version}: run `make test`."
            )
            yield found


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:  # of another file system
        shutil.copy2(source, target)
