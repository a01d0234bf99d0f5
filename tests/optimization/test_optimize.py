"""Whole optimizations, small ones: what comes out, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from testing import training_case
from tfstyle.errors import PhotoError, RequestError
from tfstyle.imaging import color
from tfstyle.imaging.photo import Photo
from tfstyle.masks.mask import gradient
from tfstyle.optimization import memory_estimate
from tfstyle.optimization.objective import ObjectiveWeights, StyleTarget
from tfstyle.optimization.optimize import optimize, sizes

SHALLOW = {"block1_conv1": 1.0, "block2_conv1": 1.0}


@pytest.fixture(scope="module")
def photo(astronaut):
    return Photo(astronaut, name="astronaut").resize_to(96)


@pytest.fixture(scope="module")
def small(astronaut):
    return Photo(astronaut).resize_to(40)


@pytest.fixture(scope="module")
def cup(coffee):
    return StyleTarget(name="cup", pixels=coffee)


@pytest.fixture(scope="module")
def stripes():
    return StyleTarget(name="stripes", pixels=training_case.paintings()["stripes"])


def quick(photo, styles, **options):
    """A few iterations through shallow layers."""
    shallow = [replace(style, layers=SHALLOW) for style in styles]
    return optimize(photo, shallow, **{"iterations": 3, "content_layer": "block2_conv2", **options})


def difference(a, b):
    return np.abs(a.astype(int) - b).mean()


def test_blending_two_styles_brings_both_below_a_quarter_of_where_they_began(photo):
    """Half fur, half stained tissue: two pictures that have a texture, as style images do."""
    fur = StyleTarget(name="fur", pixels=skimage.data.chelsea(), weight=50)
    tissue = StyleTarget(name="tissue", pixels=skimage.data.immunohistochemistry(), weight=50)
    result = optimize(photo, [fur, tissue], iterations=30)

    for name in ("style fur", "style tissue"):
        values = result.history.column(name)
        assert min(values[-5:]) < 0.25 * values[0]
    assert result.history.column("content")[-1] < 1
    assert result.picture.pixels.shape == photo.pixels.shape
    assert difference(result.picture.pixels, photo.pixels) > 5


def test_large_pictures_are_painted_from_coarse_to_fine():
    assert sizes(1024, 768) == [(512, 384), (1024, 768)]
    assert sizes(1001, 2047) == [(251, 512), (501, 1024), (1001, 2047)]
    assert sizes(512, 300) == [(512, 300)]
    assert sizes(20, 3000) == [(20, 3000)]


def test_iterations_are_shared_by_the_sizes_and_the_last_picture_is_full_size(photo, cup, monkeypatch):
    monkeypatch.setattr("tfstyle.optimization.optimize.COARSEST", 40)
    result = quick(photo, [replace(cup, mask=np.ones((96, 96), "float32"))], iterations=5)

    assert [row["size"] for row in result.history.rows] == ["24x24", "48x48", "48x48", "96x96", "96x96"]
    assert result.picture.pixels.shape == photo.pixels.shape


def test_where_no_mask_reaches_a_large_picture_keeps_the_photos_detail(small, cup, monkeypatch):
    """Each size starts from the one before it, and there the enlarged picture is blurred."""
    monkeypatch.setattr("tfstyle.optimization.optimize.COARSEST", 20)
    monkeypatch.setattr("tfstyle.optimization.optimize.MIN_SIDE", 10)
    left = np.zeros((small.height, small.width), "float32")
    left[:, : small.width // 2] = 1

    result = quick(
        small,
        [replace(cup, mask=left)],
        iterations=4,
        weights=ObjectiveWeights(content=0.0, style=1.0, total_variation=0.0),
    )

    right = slice(small.width // 2 + 1, None)
    assert len(sizes(small.height, small.width)) == 2
    np.testing.assert_array_equal(result.picture.pixels[:, right], small.pixels[:, right])


def test_stopped_at_a_coarse_size_the_photo_keeps_its_detail_where_no_mask_reaches(small, cup, monkeypatch):
    """The coarse picture is enlarged for what the mask reaches only."""
    monkeypatch.setattr("tfstyle.optimization.optimize.COARSEST", 20)
    monkeypatch.setattr("tfstyle.optimization.optimize.MIN_SIDE", 10)
    left = np.zeros((small.height, small.width), "float32")
    left[:, : small.width // 2] = 1

    def stop(picture, history):
        if len(history.rows) == 3:
            raise KeyboardInterrupt

    result = quick(small, [replace(cup, mask=left)], iterations=40, report=stop)

    assert result.interrupted
    assert {row["size"] for row in result.history.rows} == {"20x20"}
    right = slice(small.width // 2, None)
    np.testing.assert_array_equal(result.picture.pixels[:, right], small.pixels[:, right])
    assert difference(result.picture.pixels[:, :10], small.pixels[:, :10]) > 5


def test_a_gradient_mask_leaves_no_seam_and_a_hard_one_does(coffee):
    """How much columns change on average, from 0 at the left to the painted right, along the mask's ramp."""
    photo = Photo(coffee[:256, :384]).resize_to(96)
    tissue = skimage.data.immunohistochemistry()

    def profile(fade):
        mask = gradient("right", photo.height, photo.width, fade)
        result = quick(photo, [StyleTarget(name="tissue", pixels=tissue, mask=mask)], iterations=20)
        change = np.abs(result.picture.pixels.astype(float) - photo.pixels).mean(axis=(0, 2))
        painted = mask[0] == 1
        steps = np.abs(np.diff(change))
        inside = painted[1:] & painted[:-1]
        return change[~painted].max() / change[painted].max(), steps[~inside].max() / steps[inside].max()

    highest, steepest = profile(fade=0.5)
    assert highest < 1.2
    assert steepest < 2.5

    _, steepest = profile(fade=0.0)
    assert steepest > 5


def test_the_same_seed_paints_the_same_picture_from_noise(small, cup):
    pictures = [quick(small, [cup], init="noise", seed=seed).picture.pixels for seed in (1, 1, 2)]

    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert difference(pictures[0], pictures[2]) > 5


def test_another_picture_can_be_the_start(small, cup, coffee):
    """With no style weight to speak of and one step, the picture is where it began."""
    result = quick(small, [cup], init=Photo(coffee), iterations=1, weights=ObjectiveWeights(content=1e-9, style=1e-9))

    expected = Photo(coffee).to_pil().resize((small.width, small.height))
    assert difference(result.picture.pixels, np.asarray(expected)) < 8


def test_adam_gets_down_too(small, cup):
    totals = quick(small, [cup], optimizer="adam", iterations=12).history.column("total")

    assert totals[-1] < totals[0] / 2


def test_preserved_colors_take_only_luminance(small, cup):
    result = quick(small, [cup], preserve_color=True).picture.pixels

    photo_yiq, result_yiq = color.rgb_to_yiq(small.pixels), color.rgb_to_yiq(result)
    np.testing.assert_allclose(result_yiq[..., 1:], photo_yiq[..., 1:], atol=1.0)
    assert difference(result_yiq[..., 0], photo_yiq[..., 0]) > 2


def test_a_dark_style_image_with_the_photos_luminance_does_not_darken_it(small, coffee):
    dark = StyleTarget(name="dark", pixels=coffee // 6)
    bare = ObjectiveWeights(content=0.0, style=1.0, total_variation=0.0)

    def darkened(**options):
        result = quick(small, [dark], iterations=20, weights=bare, **options)
        return color.rgb_to_yiq(small.pixels)[..., 0].mean() - color.rgb_to_yiq(result.picture.pixels)[..., 0].mean()

    plain, matched = darkened(), darkened(matched_luminance=True)
    assert plain > 20
    assert abs(matched) < plain / 2


def test_interrupting_keeps_what_there_is(small, cup):
    def stop(picture, history):
        if len(history.rows) == 4:
            raise KeyboardInterrupt

    result = quick(small, [cup], iterations=50, report=stop)

    assert result.interrupted
    assert len(result.history.rows) == 4
    assert difference(result.picture.pixels, small.pixels) > 1


@pytest.mark.parametrize("level", [0, 1 / 600])
def test_a_black_mask_gives_the_photo_back_with_one_note(small, cup, stripes, level):
    """Less than half of a step of 8 bits is black, as it is where masks travel."""
    black = np.full((40, 40), level, "float32")
    result = quick(small, [replace(cup, mask=black), replace(stripes, mask=black)])

    np.testing.assert_array_equal(result.picture.pixels, small.pixels)
    assert result.picture.notes == ("the mask of cup and stripes is black everywhere: it paints nothing",)


def test_of_several_masks_a_black_one_is_left_out(small, cup, stripes):
    masks = np.zeros((40, 40), "float32"), np.ones((40, 40), "float32")
    result = quick(small, [replace(cup, mask=masks[0]), replace(stripes, mask=masks[1])], iterations=1)

    assert "style cup" not in result.history.rows[0]
    assert "style stripes" in result.history.rows[0]
    assert result.picture.notes == ("the mask of cup is black everywhere: it paints nothing",)


def test_a_style_image_below_64_pixels_is_refused(small, coffee):
    with pytest.raises(PhotoError, match=r"tiny: expected a painting of at least 64x64 pixels, got 90x63"):
        quick(small, [StyleTarget(name="tiny", pixels=coffee[:63, :90])])


def test_weights_that_are_all_zero_are_refused(small, cup, stripes):
    with pytest.raises(RequestError, match="Expected a style with a weight above 0, got none"):
        quick(small, [replace(cup, weight=0), replace(stripes, weight=0)])
    with pytest.raises(RequestError, match="got 0 for all of them"):
        quick(small, [cup], weights=ObjectiveWeights(content=0, style=0, total_variation=0))


def test_memory_is_asked_for_before_anything_is_computed(small, cup, monkeypatch):
    asked = []

    def check(height, width, *, masks, matting, style_image):
        asked.append((height, width, masks, matting, style_image))
        raise RequestError("too large")

    monkeypatch.setattr(memory_estimate, "check", check)
    with pytest.raises(RequestError, match="too large"):
        quick(small, [replace(cup, mask=np.ones((40, 40), "float32"))], style_size=300)
    assert asked == [(40, 40, 1, False, (300, 450))]
