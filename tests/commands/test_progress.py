"""What is told about something that takes long."""

from tfstyle.commands.shared.progress import OptimizationProgress
from tfstyle.optimization.optimize import plan


def test_half_of_the_iterations_at_half_the_size_are_a_fifth_of_the_way():
    """The time left is reckoned from this share, and an iteration at full size takes four times as long."""
    with OptimizationProgress(plan(1024, 768, 20)) as progress:
        for number in range(1, 11):
            progress.report({"iteration": number, "size": "384x512", "seconds": 1.0, "total": 1.0})
        (task,) = progress.bar.tasks
        assert task.percentage == 20
        assert task.description == "10/20  384x512"

        for number in range(11, 21):
            progress.report({"iteration": number, "size": "768x1024", "seconds": 1.0, "total": 1.0})
        assert task.percentage == 100
