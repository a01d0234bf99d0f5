"""What a person sees of what takes long: a bar with time left and every loss term, or lines in a log."""

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from tfstyle.training.photo_dataset import PhotoSet
    from tfstyle.training.recipe import Recipe

LOG_SECONDS = 30.0  # between lines about a style that is learned or photos that are painted, where there is no bar


class TrainingProgress:
    """Reports of a run on stderr.

    Args:
        recipe: What is trained.
        photos: What it is trained on.
    """

    def __init__(self, recipe: "Recipe", photos: "PhotoSet"):
        self.recipe, self.photos = recipe, photos
        self.said = ""  # the summary of the photos as it was told
        self.console = Console(stderr=True)
        self.bar = _bar(self.console)

    def __enter__(self) -> "TrainingProgress":
        self.bar.start()
        return self

    def __exit__(self, *exception) -> None:
        self.bar.stop()
        if self.said and self.said != self.photos.summary:  # damage shows when a photo is decoded
            self.say(self.photos.summary)

    def begin(self, step: int) -> None:
        """Says what is trained on what; `step` steps are done already."""
        self.say(f"{self.recipe.name}: {len(self.recipe.styles)} styles, step {step} of {self.recipe.steps}")
        self.said = self.photos.summary
        self.say(self.said)
        self.task = self.bar.add_task(self.recipe.name, total=self.recipe.steps, completed=step, terms="")

    def report(self, step: int, seconds: float, terms: Mapping[str, float]) -> None:
        """One report of the run: steps done, seconds a step, each loss term."""
        text = "  ".join(f"{name} {value:.3f}" for name, value in terms.items())
        self.bar.update(self.task, completed=step, terms=text)
        if not self.console.is_terminal:
            self.say(f"step {step}/{self.recipe.steps}  {seconds:.2f} s/step  {text}")

    def say(self, text: str) -> None:
        """One line, above the bar if there is one."""
        self.console.print(text, highlight=False, soft_wrap=True)


class LearningProgress:
    """A style that is learned within a fixed time, on stderr.

    Args:
        name: The style's.
        seconds: The time.
    """

    def __init__(self, name: str, seconds: float):
        self.name, self.seconds = name, seconds
        self.told = 0.0  # seconds into it, in a log
        self.console = Console(stderr=True)
        self.bar = _bar(self.console)

    def __enter__(self) -> "LearningProgress":
        self.bar.start()
        self.task = self.bar.add_task(f"{self.name}, seconds", total=round(self.seconds), terms="getting ready")
        return self

    def __exit__(self, *exception) -> None:
        self.bar.stop()

    def report(self, spent: float, step: int, terms: Mapping[str, float]) -> None:
        """One step: seconds since the beginning, its number, each loss term."""
        text = f"step {step}  " + "  ".join(f"{name} {value:.3g}" for name, value in terms.items())
        self.bar.update(self.task, completed=round(spent), terms=text)
        if not self.console.is_terminal and spent > self.told + LOG_SECONDS:
            self.told = spent
            self.say(f"{spent / 60:.1f} of {self.seconds / 60:g} minutes  {text}")

    def say(self, text: str) -> None:
        """One line, above the bar if there is one."""
        self.console.print(text, highlight=False, soft_wrap=True, markup=False)


class OptimizationProgress:
    """The iterations of one picture, on stderr.

    The bar goes by pixels: an iteration at twice the size takes four times as long.

    Args:
        plan: (height, width) of every size to how many iterations there will be, as of
            `tfstyle.optimization.optimize.plan`.
    """

    def __init__(self, plan: Mapping[tuple[int, int], int]):
        self.iterations = sum(plan.values())
        self.pixels = sum(height * width * count for (height, width), count in plan.items())
        self.console = Console(stderr=True)
        self.bar = _bar(self.console, counted=False)

    def __enter__(self) -> "OptimizationProgress":
        self.bar.start()
        self.task = self.bar.add_task("starting", total=self.pixels, terms="")
        return self

    def __exit__(self, *exception) -> None:
        self.bar.stop()

    def report(self, row: Mapping[str, float | str]) -> None:
        """One row of a `tfstyle.optimization.loss_history.LossHistory`."""
        number, seconds = int(row["iteration"]), float(row["seconds"])
        names = [name for name in row if name not in ("iteration", "size", "seconds")]
        text = "  ".join(f"{name} {float(row[name]):.3g}" for name in names)
        done = f"{number}/{self.iterations}  {row['size']}"
        pixels = math.prod(int(side) for side in str(row["size"]).split("x"))
        self.bar.update(self.task, advance=pixels, description=done, terms=text)
        if not self.console.is_terminal and (number % 25 == 0 or number in (1, self.iterations)):
            self.say(f"{done}  {seconds:.0f} s  {text}")

    def say(self, text: str) -> None:
        """One line, above the bar if there is one."""
        self.console.print(text, highlight=False, soft_wrap=True, markup=False)


class BulkProgress:
    """Photos that are painted by many processes, on stderr."""

    def __init__(self) -> None:
        self.began = self.told = time.monotonic()
        self.first: int | None = None  # photos that were painted before
        self.console = Console(stderr=True)
        self.bar = _bar(self.console)

    def __enter__(self) -> "BulkProgress":
        self.bar.start()
        self.task = self.bar.add_task("photos", total=None, terms="")
        return self

    def __exit__(self, *exception) -> None:
        self.bar.stop()

    def report(self, total: int, done: int, failed: int) -> None:
        """Photos, how many of them have their painting, how many cannot have one."""
        if self.first is None:
            self.first = done
            self.say(f"{total} photos, {done} painted already")
        now = time.monotonic()
        text = f"{failed} failed, {(done - self.first) / max(now - self.began, 1e-9):.2f} paintings/s"
        self.bar.update(self.task, total=total, completed=done + failed, terms=text)
        if not self.console.is_terminal and now > self.told + LOG_SECONDS:
            self.told = now
            self.say(f"{done} of {total} photos painted, {text}")

    def say(self, text: str) -> None:
        """One line, above the bar if there is one."""
        self.console.print(text, highlight=False, soft_wrap=True, markup=False)


def _bar(console: Console, *, counted: bool = True) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *([MofNCompleteColumn()] if counted else []),
        TimeRemainingColumn(),
        TextColumn("{task.fields[terms]}"),
        console=console,
        disable=not console.is_terminal,
    )
