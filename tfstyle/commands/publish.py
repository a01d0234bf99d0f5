"""Put a version of a model where servers read it, take the newest back, or name versions.

The version is checked first: it loads, has the signatures of the wire contract, keeps the columns of the newest
published version, and paints a fixed picture as it did when it was exported. Servers never see half of it.

  tfstyle publish saved_models/tfstyle/2 --to /volume/tfstyle
  tfstyle publish runs/export/7 --to /volume/tfstyle --number next
  tfstyle publish --rollback --to /volume/tfstyle

With a models file (tfstyle serve --model_config_file), a new version can be tried by some requests first:

  tfstyle publish --to /volume/tfstyle --config models.config --label stable=1
  tfstyle publish saved_models/tfstyle/2 --to /volume/tfstyle --config models.config --canary
  tfstyle publish --to /volume/tfstyle --config models.config --label stable=2 --label canary= --label previous=1
"""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from tfstyle.errors import RequestError

_CANARY = "canary"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to publish, where to, and what it is called there."""
    parser.add_argument("version", metavar="VERSION", nargs="?", help="folder of an exported version")
    parser.add_argument(
        "--to", metavar="MODEL", required=True, help="the model's folder that servers read, such as /volume/tfstyle"
    )
    parser.add_argument(
        "--number",
        metavar="N",
        type=_number,
        help="the version's number there: next, or one above all others (default: as its folder is called)",
    )
    parser.add_argument(
        "--allow-file-operations",
        action="store_true",
        help="take a model that reads or writes files or calls others, and run it; servers want it, too",
    )
    parser.add_argument("--rollback", action="store_true", help="take the newest version back instead")
    parser.add_argument("--config", metavar="FILE", help="the servers' models file, whose labels change")
    parser.add_argument(
        "--label",
        metavar="NAME=N",
        type=_label,
        action="append",
        default=[],
        help="let a label stand for a version; NAME= takes it away; may be repeated",
    )
    parser.add_argument("--canary", action="store_true", help="let the label canary stand for the published version")


def run(args: argparse.Namespace) -> int:
    """Publish or roll back, then change labels."""
    _check(args)
    folder, labels = Path(args.to), dict(args.label)
    if args.rollback:
        _roll_back(folder)
        return 0
    if args.canary:
        from serving.config.labels import check_new_version

        check_new_version(Path(args.config), folder.name, _CANARY)
    if args.version is not None:
        from tfstyle.model_store.publish import publish

        target = publish(Path(args.version), folder, _number_of(args), allow_file_operations=args.allow_file_operations)
        print(target)
        if args.canary:
            labels[_CANARY] = int(target.name)
    if labels:
        from serving.config.labels import set_labels

        now = set_labels(Path(args.config), folder, labels)
        print(f"{args.config}: {', '.join(f'{label}={version}' for label, version in sorted(now.items()))}")
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.rollback and (args.version or args.number or args.label or args.canary or args.config):
        raise RequestError("Expected --rollback with --to alone; with labels, go back with --label stable=N.")
    if not (args.version or args.rollback or args.label):
        raise RequestError("Expected a version to publish, --label or --rollback, got none of them.")
    if args.version is None and (args.number or args.canary):
        raise RequestError("Expected a version to publish with --number or --canary, got none.")
    if bool(args.config) != bool(args.label or args.canary):
        raise RequestError("Expected --config together with --label or --canary, got one without the other.")


def _number_of(args: argparse.Namespace) -> int | None:
    """None is the next number."""
    if args.number is not None:
        return None if args.number == "next" else args.number
    name = Path(args.version).resolve().name
    if not (name.isascii() and name.isdecimal()):
        raise RequestError(f"Expected a folder named by a version number, got {name!r}; choose one with --number.")
    return int(name)


def _roll_back(folder: Path) -> None:
    from tfstyle.contract.catalog import Catalog
    from tfstyle.model_store.publish import roll_back
    from tfstyle.model_store.versions import CATALOG_FILE

    withdrawn, before = roll_back(folder)
    print(f"{before} is the newest now; the version that was is kept as {withdrawn}")
    catalogs = [Catalog.load(version / CATALOG_FILE).names for version in (withdrawn, before)]
    if gone := [name for name in catalogs[0] if name not in catalogs[1]]:
        print(f"tfstyle: styles that are gone with it: {', '.join(gone)}", file=sys.stderr)


def _number(text: str) -> int | str:
    if text == "next":
        return text
    with suppress(ValueError):
        if (number := int(text)) >= 1:
            return number
    raise argparse.ArgumentTypeError(f"expected next or a whole number, 1 or more, got {text!r}")


def _label(text: str) -> tuple[str, int | None]:
    name, equals, version = text.partition("=")
    if name.strip() and equals and not version:
        return name.strip(), None
    if name.strip() and version.isascii() and version.isdecimal():
        return name.strip(), int(version)
    raise argparse.ArgumentTypeError(f"expected NAME=VERSION such as stable=3, or NAME= to take it away, got {text!r}")
