"""What is kept of an optimization."""

import csv

from PIL import Image

from tfstyle.optimization.loss_history import LossHistory


def history():
    history = LossHistory()
    for number in range(4):
        history.add((30, 40), number / 2, 8.0 - number, {"content": 0.1 * number, "style cup": 1 / (number + 1)})
    return history


def test_every_iteration_is_a_line_of_the_csv(tmp_path):
    history().write_csv(tmp_path / "new" / "losses.csv")

    with (tmp_path / "new" / "losses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert rows[2] == {
        "iteration": "3", "size": "40x30", "seconds": "1", "total": "6", "content": "0.2", "style cup": "0.333333",
    }  # fmt: skip


def test_a_plot_is_drawn_without_a_display(tmp_path):
    history().plot(tmp_path / "losses.png")

    plot = Image.open(tmp_path / "losses.png").convert("RGB")
    assert plot.width > 400
    assert len(plot.getcolors(plot.width * plot.height)) > 50


def test_a_column_is_one_term_over_all_iterations():
    assert history().column("total") == [8, 7, 6, 5]
