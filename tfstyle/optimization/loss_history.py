"""What an optimization went through: every loss term at every iteration, as CSV and as a plot."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tfstyle.imaging.whole_file import new_file, write_file


@dataclass
class LossHistory:
    """Rows in order; a row is the iteration, the picture's size, seconds since the start, the total and each term."""

    rows: list[dict[str, float | str]] = field(default_factory=list)

    def add(self, size: tuple[int, int], seconds: float, total: float, terms: Mapping[str, float]) -> None:
        """One iteration at `size`, (height, width) in pixels; terms before their weights."""
        self.rows.append(
            {
                "iteration": len(self.rows) + 1,
                "size": f"{size[1]}x{size[0]}",
                "seconds": seconds,
                "total": total,
                **terms,
            }
        )

    def column(self, name: str) -> list[float]:
        """One term over all iterations."""
        return [float(row[name]) for row in self.rows]

    def write_csv(self, path: Path) -> None:
        """A line per iteration, with a head."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.DictWriter(text, self.rows[0] if self.rows else ["iteration"], lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
        write_file(path, text.getvalue().encode())

    def plot(self, path: Path) -> None:
        """Every term against iterations, each style's loss among them: figure 5 of Makow and Hernandez."""
        from matplotlib.figure import Figure  # not pyplot: no window, no state shared with anyone

        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        numbers = [row["iteration"] for row in self.rows]
        for name in list(self.rows[0])[4:]:
            axes.plot(numbers, self.column(name), label=name)
        axes.set(xlabel="iteration", ylabel="loss, relative to the target", yscale="log")
        axes.grid(alpha=0.3)
        axes.legend()
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_file(path) as file:
            figure.savefig(file, dpi=120, format=path.suffix.removeprefix(".").lower())
