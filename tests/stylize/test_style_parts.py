"""A style image in parts: what each shows, and what is done where there is no person."""

import numpy as np
import pytest

from tfstyle.errors import MaskError
from tfstyle.imaging.photo import Photo
from tfstyle.masks.mask import Mask
from tfstyle.stylize import style_parts as parts_module
from tfstyle.stylize.style_parts import filled, style_parts

RED, BLUE = (200, 30, 20), (20, 40, 180)


@pytest.fixture
def painting():
    """A red person before blue."""
    pixels = np.full((120, 160, 3), BLUE, np.uint8)
    pixels[30:100, 60:110] = RED
    return Photo(pixels, name="kiss.jpg")


def masks(monkeypatch, **found):
    """Has the segmenters find these."""

    def resolve(spec, height, width, **_):
        if found[spec] is None:
            raise MaskError(f"no {spec}")
        return Mask(found[spec])

    monkeypatch.setattr(parts_module, "resolve", resolve)


def person():
    mask = np.zeros((120, 160), np.float32)
    mask[30:100, 60:110] = 1
    return mask


def test_each_part_shows_itself_and_nothing_of_the_other(painting, monkeypatch):
    masks(monkeypatch, person=person())
    parts = style_parts(painting)

    assert (parts["person"].pixels == RED).all()
    assert parts["person"].pixels.shape == (70, 64, 3)  # as large as a style image must be
    assert (parts["background"].pixels == BLUE).all()
    assert parts["background"].pixels.shape == painting.pixels.shape


def test_a_subject_is_taken_where_no_person_is_found(painting, monkeypatch):
    """The segmenter learned from photos, and passes many a painted face over."""
    masks(monkeypatch, person=None, subject=person())
    assert (style_parts(painting)["person"].pixels == RED).all()


def test_a_painting_without_either_or_of_one_part_alone_is_refused(painting, monkeypatch):
    masks(monkeypatch, person=None, subject=None)
    with pytest.raises(MaskError, match="no subject"):
        style_parts(painting)
    masks(monkeypatch, person=np.ones((120, 160), np.float32))
    with pytest.raises(MaskError, match=r"kiss\.jpg: expected a painting of a person in front of something"):
        style_parts(painting)


def test_a_part_keeps_its_pixels_and_lends_them_to_the_rest(rng):
    pixels = rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)
    part = np.zeros((64, 80), bool)
    part[:, :50] = True
    result = filled(pixels, part)

    np.testing.assert_array_equal(result[part], pixels[part])
    known = {tuple(pixel) for pixel in pixels[part]}
    assert all(tuple(pixel) in known for pixel in result[~part])
