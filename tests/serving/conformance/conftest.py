"""Leaves out the tests that a server elsewhere cannot take, and says why."""

import os
from collections import Counter

import pytest

# What a test needs, by its marker, and whether the server at hand has it.
NEEDS = {
    "own_server": (
        "start a server with flags of their own, or change files under it",
        "TFSTYLE_SERVER" not in os.environ,
    ),
    "rest": (
        "need $TFSTYLE_REST_SERVER beside $TFSTYLE_SERVER",
        "TFSTYLE_SERVER" not in os.environ or "TFSTYLE_REST_SERVER" in os.environ,
    ),
}
left_out: Counter[str] = Counter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, dropped = [], []
    for item in items:
        missing = next(
            (name for name, (_, there) in NEEDS.items() if not there and item.get_closest_marker(name)), None
        )
        if missing:
            left_out[missing] += 1
        (dropped if missing else kept).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, count in left_out.items():
        terminalreporter.write_line(f"{count} tests left out: they {NEEDS[name][0]}")
