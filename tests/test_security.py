"""SECURITY.md names, for all it claims, a test that there is."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parent
TEXT = (TESTS.parent / "SECURITY.md").read_text(encoding="utf-8")


def test_every_row_names_a_test_that_there_is():
    rows = [line for line in TEXT.partition("## What is defended where")[2].splitlines() if line.startswith("| ")]
    named = [
        re.findall(r"`([\w/]+\.py)::(\w+)`", row) for row in rows if not row.startswith(("| attack |", "| where |"))
    ]

    assert len(named) > 20
    for tests in named:
        ((file, name),) = tests
        functions = [node.name for node in ast.parse((TESTS / file).read_text()).body if hasattr(node, "name")]
        assert name in functions, f"{file}::{name}"
