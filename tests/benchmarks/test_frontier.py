"""What `benchmarks/network/frontier.py` refuses to compare, and where it leaves what it found of a few."""

import json
from argparse import Namespace
from dataclasses import replace

import pytest

from benchmarks.measuring import BenchmarkError
from benchmarks.network import frontier
from tfstyle.training import recipe
from tfstyle.training.recipe import load_recipe


def test_configurations_trained_by_other_losses_are_not_compared(tmp_path, monkeypatch):
    photos = tmp_path / "photos"
    photos.mkdir()
    args = Namespace(
        recipe="tfstyle_2", styles=["udnie"], steps=1, size=64, batch=1, photos=[photos], eval=photos, quick=False,
        out=tmp_path / "out",
    )  # fmt: skip
    monkeypatch.setattr(frontier, "_photos", lambda _: [])
    frontier._check_budget(args)
    frontier._check_budget(args)
    assert json.loads((tmp_path / "out" / frontier.BUDGET).read_text())["steps"] == 1

    base = load_recipe("tfstyle_2")
    changed = replace(base, weights=replace(base.weights, checkerboard=1.0))
    monkeypatch.setattr(recipe, "load_recipe", lambda _: changed)
    with pytest.raises(BenchmarkError, match=r"Changed: training .*'checkerboard': 1000.0.* -> .*'checkerboard': 1.0"):
        frontier._check_budget(args)


@pytest.mark.parametrize("option", [["--quick"], ["--only", "base"], []])
def test_a_part_of_the_frontier_does_not_replace_the_results_of_all(tmp_path, monkeypatch, option):
    seen = []
    monkeypatch.setattr(frontier, "run", seen.append)
    assert frontier.main(["--time-only", "--out", str(tmp_path), *option]) == 0
    assert seen[0].results == (tmp_path if option else frontier.RESULTS)
