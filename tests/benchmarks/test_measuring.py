"""The arithmetic of the benchmarks, and the processes they ask: a figure in the README is only as good as these."""

import sys

import pytest

from benchmarks import rivals
from benchmarks.measuring import BenchmarkError, Worker, in_turns, median_ratio, percentiles, table
from benchmarks.network.frontier_report import frontier
from benchmarks.network.gpu import pixels

ECHO = "import sys, json\nfor line in sys.stdin: print(json.dumps({'seconds': json.loads(line)['n']}), flush=True)"


def test_sides_take_turns_and_the_order_changes():
    asked = []
    clock = iter(range(6))

    def side(name):
        def ask():
            asked.append(name)
            return next(clock)

        return ask

    result = in_turns({"a": side("a"), "b": side("b")}, 3)

    assert asked == ["a", "b", "b", "a", "a", "b"]
    assert result == {"a": [0, 3, 4], "b": [1, 2, 5]}


def test_the_ratio_is_a_median_over_turns_so_that_one_slow_turn_changes_little():
    assert median_ratio({"a": [1.0, 2.0, 300.0], "b": [4.0, 4.0, 500.0]}, "a", "b") == 0.5


def test_percentiles_lie_between_the_values():
    assert percentiles([1.0, 2.0, 3.0]) == pytest.approx({"p50": 2.0, "p95": 2.9, "p99": 2.98})


def test_a_worker_answers_line_by_line_and_its_end_is_told():
    with Worker("echo", [sys.executable, "-c", ECHO]) as worker:
        assert worker.ask(n=3) == {"seconds": 3}
        assert worker.timing(n=0.5)() == 0.5
    with (
        Worker("nobody", [sys.executable, "-c", "pass"]) as worker,
        pytest.raises(BenchmarkError, match="process of nobody ended early"),
    ):
        worker.ask()


def test_a_given_python_is_used_as_it_is_and_must_exist():
    command = rivals.command("torch", sys.executable, "float32")
    assert command[0] == sys.executable
    assert command[-1] == "float32"
    with pytest.raises(BenchmarkError, match="There is none at /nowhere/python"):
        rivals.command("torch", "/nowhere/python")


def test_the_frontier_is_what_nothing_else_beats_in_both():
    points = {"fast": (0.1, 3.0), "worse": (0.2, 3.5), "good": (0.2, 2.0), "slow": (0.3, 2.0)}
    rows = [{"name": name, "seconds": {"512": time}, "total": total} for name, (time, total) in points.items()]
    assert frontier(rows, 512) == ["fast", "good"]


def test_sizes_are_written_width_by_height():
    assert pixels("1920x1080") == (1920, 1080)


def test_numbers_stand_right_in_a_table():
    assert table(["size", "s"], [["512 px", 0.12345]]) == "| size | s |\n| --- | --: |\n| 512 px | 0.123 |\n"
