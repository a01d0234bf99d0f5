import pytest

from tfstyle.errors import TrainingError
from tfstyle.training.time_budget import Budget


@pytest.fixture
def clock(monkeypatch):
    """A list with the time, in seconds."""
    now = [100.0]
    monkeypatch.setattr(Budget, "clock", staticmethod(lambda: now[0]))
    return now


def test_as_much_time_is_left_for_saving_as_getting_ready_took(clock):
    budget = Budget(10)
    clock[0] += 45
    budget.start_learning()

    assert budget.left == 600 - 2 * 45
    assert budget.learned == 0
    clock[0] += 255
    assert (budget.spent, budget.left, budget.learned) == (300, 255, 0.5)
    clock[0] += 300
    assert budget.left < 0
    assert budget.learned == 1


def test_too_little_time_is_refused_with_how_much_it_takes(clock):
    budget = Budget(1.5)
    clock[0] += 40

    with pytest.raises(
        TrainingError, match=r"at least 1.7 minutes: getting ready took 40 s.*Got 1.5: give --minutes 2 "
    ):
        budget.start_learning()
