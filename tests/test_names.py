"""What a reader may count on when a name is looked up."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_no_two_classes_have_one_name():
    """Or a traceback, a search and a page of the documentation would each be about two."""
    places = defaultdict(list)
    for package in ("tfstyle", "serving", "bot"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and not path.name.endswith("_pb2.py"):
                    places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
