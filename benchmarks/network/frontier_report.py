"""What the frontier's numbers and pictures are shown as: a table, a plot, sheets of crops."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measuring import STYLE_WEIGHT, table
from tfstyle.imaging.contact_sheet import contact_sheet

Row = Mapping[str, Any]  # a configuration as frontier.json has it


def frontier(rows: Sequence[Row], size: int) -> list[str]:
    """Names of the configurations that no other one beats in time and total at once, the fastest first."""
    best, names = float("inf"), []
    for row in sorted(rows, key=lambda row: (row["seconds"][str(size)], row["total"])):
        if row["total"] < best:
            best = row["total"]
            names.append(row["name"])
    return names


def report(rows: Sequence[Row], sizes: Sequence[int], budget: Mapping[str, Any]) -> str:
    """The table, the fastest first; what lies on the frontier is bold."""
    best = frontier(rows, sizes[0])
    head = ["configuration", "space-to-depth", "widths", "blocks", "ends", "parameters"]
    head += [*(f"s at {size} px" for size in sizes), "content", "style", f"content + {STYLE_WEIGHT:g} style"]
    body = [
        [
            f"**{row['name']}**" if row["name"] in best else row["name"],
            row["network"]["space_to_depth"],
            "-".join(map(str, row["network"]["widths"])),
            row["network"]["blocks"],
            row["network"]["end_kernel"],
            f"{row['parameters'] / 1e3:.0f} k",
            *(f"{row['seconds'][str(size)]:.3f}" for size in sizes),
            *(f"{row[key]:.3f}" for key in ("content", "style", "total")),
        ]
        for row in sorted(rows, key=lambda row: row["seconds"][str(sizes[0])])
    ]
    return (
        f"{budget['steps']} steps of {budget['batch']} crops of {budget['size']} px each, styles "
        f"{', '.join(budget['styles'])}. Bold: nothing else is faster and better.\n\n{table(head, body)}"
    )


def plot(path: Path, rows: Sequence[Row], size: int) -> None:
    """Seconds against total, the frontier as a line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    points = {row["name"]: (row["seconds"][str(size)], row["total"]) for row in rows}
    best = frontier(rows, size)
    axes.step(*zip(*(points[name] for name in best), strict=True), where="post", color="0.7", zorder=0)
    for name, point in points.items():
        axes.scatter(*point, color="C3" if name in best else "C0", s=25)
        axes.annotate(name, point, xytext=(5, 4), textcoords="offset points", fontsize="small")
    axes.set(xlabel=f"seconds at {size} x {size} px", ylabel=f"content + {STYLE_WEIGHT:g} style distance", xscale="log")
    axes.xaxis.set_major_formatter("{x:.2f}")
    axes.xaxis.set_minor_formatter("{x:.2f}")
    axes.margins(x=0.12)
    axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=110)


def sheet(path: Path, rows: Sequence[Sequence[tuple[str, np.ndarray]]]) -> None:
    """Labelled crops, a line a configuration; nothing where there are none."""
    if rows:
        tiles = [tile for row in rows for tile in row]
        Image.fromarray(contact_sheet(tiles, columns=len(rows[0]))).save(path, quality=88)
