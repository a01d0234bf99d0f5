"""Contact sheets."""

import numpy as np
import pytest

from tfstyle.imaging.contact_sheet import contact_sheet


def flat(colour, height=40, width=60):
    return np.full((height, width, 3), colour, dtype=np.uint8)


def test_every_picture_is_on_the_sheet():
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 90), (90, 9, 90)]
    sheet = contact_sheet([("label", flat(colour)) for colour in colours])
    for colour in colours:
        assert (sheet == colour).all(axis=-1).sum() == 40 * 60


def test_columns_set_the_width():
    tiles = [("a", flat(0))] * 4
    wide, narrow = contact_sheet(tiles, columns=4), contact_sheet(tiles, columns=1)
    assert wide.shape[1] > 4 * 60
    assert narrow.shape[1] < 2 * 60
    assert narrow.shape[0] > 4 * 40
    assert contact_sheet(tiles, columns=99).shape == wide.shape


def test_labels_are_written_under_the_pictures():
    assert (contact_sheet([("", flat(255))]) == 255).all()
    labelled = contact_sheet([("The Scream\nMunch", flat(255))])
    assert (labelled[: 12 + 40] == 255).all()
    assert labelled[12 + 40 :].min() < 100


def test_a_long_label_stays_under_its_picture():
    sheet = contact_sheet([("a very long label " * 20, flat(255)), ("", flat(255))], columns=2)
    assert (sheet[:, 12 + 60 + 2 :] == 255).all()


def test_sizes_may_differ():
    sheet = contact_sheet([("a", flat((1, 2, 3), 20, 90)), ("b", flat((3, 2, 1), 80, 30))])
    assert (sheet == (1, 2, 3)).all(axis=-1).sum() == 20 * 90
    assert (sheet == (3, 2, 1)).all(axis=-1).sum() == 80 * 30


def test_a_sheet_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([])
