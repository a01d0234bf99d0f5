"""Masks of what is in a photo: people, the background, the main object."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

import tfstyle
from benchmarks.pictures.person_masks import bare, boundary_f, iou
from testing.fake_model import FakePredictor
from tfstyle.commands.demo import SAMPLE_MASK
from tfstyle.errors import MaskError, RequestError, StyleTransferError
from tfstyle.imaging.photo import Photo, read_gray
from tfstyle.masks import segmentation
from tfstyle.masks.mask import resolve


@pytest.fixture(scope="module")
def person(astronaut):
    return segmentation.person(astronaut)


@pytest.fixture(scope="module")
def truth():
    """The astronaut, bool `[512,512]`: what is not in the mask of the background."""
    return read_gray(SAMPLE_MASK) < 0.5


def disc(centre=(100, 150), radius=60, size=(200, 300)) -> tuple[np.ndarray, np.ndarray]:
    """An orange disc on a blue ground, both noisy, and where it is."""
    y, x = np.mgrid[: size[0], : size[1]]
    inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
    noise = np.random.default_rng(1).normal(0, 8, (*size, 3))
    colours = np.where(inside[..., None], (220, 120, 30), (40, 70, 140))
    return np.clip(colours + noise, 0, 255).astype(np.uint8), inside


# person, background


def test_the_astronaut_is_found(person, truth):
    assert iou(person > 0.5, truth) > 0.95
    assert person[60:120, 200:240].min() == 1  # the face
    assert person[:100, :100].max() == 0  # the flag


def test_edges_are_nearer_than_those_of_the_bare_segmenter(person, truth, astronaut):
    assert boundary_f(person > 0.5, truth) > boundary_f(bare(astronaut) > 0.5, truth)


def test_masks_are_soft_in_eight_bits_and_at_the_size_of_the_photo(person, astronaut):
    assert person.shape == astronaut.shape[:2]
    assert person.dtype == np.float32
    assert (person.min(), person.max()) == (0, 1)
    np.testing.assert_allclose(person * 255, np.rint(person * 255), atol=1e-4)
    assert 0.01 < ((person > 0) & (person < 1)).mean() < 0.2


def test_person_and_background_sum_to_exactly_one(person, astronaut):
    np.testing.assert_array_equal(person + segmentation.background(astronaut), 1)


def test_people_who_are_small_are_looked_at_again(astronaut, truth):
    """Stretched to 256 x 256 they are a few pixels wide, and the bare segmenter's outline is coarse."""
    photo = np.full((600, 1000, 3), 180, np.uint8)
    there = np.zeros((600, 1000), bool)
    there[400:, 400:600] = np.asarray(Image.fromarray(truth).resize((200, 200)))
    photo[400:, 400:600] = np.asarray(Image.fromarray(astronaut).resize((200, 200)))
    photo[~there] = 180
    ours = iou(segmentation.person(photo) > 0.5, there)
    assert ours > 0.88
    assert ours > iou(bare(photo) > 0.5, there) + 0.02


@pytest.mark.parametrize("name", ["person", "background"])
def test_a_photo_without_people_is_said(name, coffee):
    """Its background would be the whole photo, which is not what was meant."""
    with pytest.raises(MaskError, match=r"cup\.jpg: no person was found.*Take subject, a gradient or a mask file"):
        segmentation.SEGMENTS[name](coffee, name="cup.jpg")


@pytest.mark.parametrize("size", [(16, 16), (16, 700), (700, 16)])
def test_odd_sizes_have_masks_too(size, astronaut):
    """Squeezed like that the astronaut may not be found, but nothing breaks."""
    photo = np.asarray(Image.fromarray(astronaut).resize(size[::-1]))
    with suppress(MaskError):
        assert segmentation.person(photo).shape == size


def test_threads_do_not_disturb_each_other(person, astronaut):
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    alone = segmentation.person(mirrored)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(segmentation.person, [astronaut, mirrored] * 3))
    for first, second in zip(made[::2], made[1::2], strict=True):
        np.testing.assert_array_equal(first, person)
        np.testing.assert_array_equal(second, alone)


# subject


def test_what_is_in_the_middle_is_the_subject():
    photo, inside = disc()
    mask = segmentation.subject(photo)
    assert mask.shape == inside.shape
    assert iou(mask > 0.5, inside) > 0.98
    assert mask[0].max() == 0
    assert mask[100, 150] == 1


def test_a_box_finds_what_is_elsewhere():
    photo, inside = disc(centre=(60, 220), radius=40)
    assert iou(segmentation.subject(photo, (170, 10, 110, 105)) > 0.5, inside) > 0.98


def test_a_cup_of_coffee_is_a_subject(coffee):
    mask = segmentation.subject(coffee) > 0.5
    assert mask[110:170, 240:340].all()  # the coffee
    assert not mask[:, :30].any()  # the table
    assert 0.3 < mask.mean() < 0.6


def test_the_same_photo_has_the_same_subject_twice(coffee):
    np.testing.assert_array_equal(segmentation.subject(coffee), segmentation.subject(coffee))


def test_a_photo_of_one_colour_has_no_subject():
    with pytest.raises(MaskError, match=r"wall\.jpg: no subject stands out.*give a box around it"):
        segmentation.subject(np.full((60, 80, 3), 127, np.uint8), name="wall.jpg")


@pytest.mark.parametrize(
    "box", [(0, 0, 80, 60), (-1, 0, 10, 10), (0, 0, 0, 10), (70, 0, 11, 10), (0, 55, 10, 6), (200, 200, 5, 5)]
)
def test_boxes_beyond_the_photo_are_refused(box):
    with pytest.raises(RequestError, match="a box X,Y,W,H within the photo of 80x60 pixels and smaller than it, got"):
        segmentation.subject(np.zeros((60, 80, 3), np.uint8), box)


def test_a_box_that_leaves_out_too_little_to_be_seen_is_refused(coffee):
    photo = np.asarray(Image.fromarray(coffee).resize((4000, 2667)))
    with pytest.raises(
        RequestError, match="within the photo of 4000x2667 pixels and smaller than it, got 0,0,3999,2667"
    ):
        segmentation.subject(photo, (0, 0, 3999, 2667))


# By name


def test_masks_go_by_name(person, astronaut):
    photo = Photo(astronaut)
    np.testing.assert_array_equal(resolve("person", 512, 512, photo=photo).values, person)
    np.testing.assert_array_equal(resolve("background", 512, 512, photo=photo).values, 1 - person)


def test_a_name_without_a_photo_is_refused():
    with pytest.raises(RequestError, match="Expected a photo to find the mask 'person' in, got none"):
        resolve("person", 16, 16)


def test_the_stylizer_takes_names_and_regions_of_them(astronaut, person):
    stylizer = tfstyle.Stylizer(FakePredictor())
    alone = stylizer.stylize(astronaut, "the_scream", mask="person").pixels
    np.testing.assert_array_equal(alone[person == 0], astronaut[person == 0])
    assert (alone[person == 1] == (220, 120, 40)).all()

    both = stylizer.stylize(astronaut, regions="person=the_scream,background=great_wave").pixels
    assert (both[person == 1] == (220, 120, 40)).all()
    assert (both[person == 0] == (200, 220, 230)).all()


def test_the_mask_is_made_for_the_photo_that_is_painted(astronaut):
    stylized = tfstyle.Stylizer(FakePredictor()).stylize(astronaut, "the_scream", mask="person", max_size=128)
    assert stylized.pixels.shape == (128, 128, 3)
    assert stylized.notes == ()


@pytest.mark.parametrize(
    ("make", "module", "package"),
    [
        (segmentation.person, "ai_edge_litert.interpreter", "ai-edge-litert"),
        (segmentation.subject, "cv2", "opencv-python-headless"),
    ],
)
def test_a_missing_extra_is_named(make, module, package, coffee, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    segmentation._interpreter.cache_clear()
    with pytest.raises(
        StyleTransferError, match=rf"need {package}, which is not installed; pip install 'tfstyle\[masks"
    ):
        make(coffee)
