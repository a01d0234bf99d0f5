"""The loss of one picture, term by term, and that its gradient is the one of the paper's section 3.6."""

from dataclasses import replace

import numpy as np
import pytest

from tfstyle.errors import RequestError
from tfstyle.networks import losses
from tfstyle.networks.vgg19 import VGG19
from tfstyle.optimization.objective import Objective, ObjectiveWeights, StyleTarget

LAYERS = {"block1_conv1": 1.0, "block2_conv1": 3.0}  # shallow: quick, and they do not see far
ONLY_STYLE = ObjectiveWeights(content=0, style=1, total_variation=0)
PLAIN = {"content_layer": "block2_conv2"}


@pytest.fixture(scope="module")
def photo(astronaut):
    return astronaut[100:132, 200:240].astype("float32")


@pytest.fixture(scope="module")
def picture(photo):
    """Not the photo, whose content loss has no gradient."""
    noise = np.random.default_rng(1).normal(0, 12, photo.shape)
    return np.clip(photo + noise, 0, 255).astype("float32")


@pytest.fixture(scope="module")
def cup(coffee):
    return StyleTarget(name="cup", pixels=coffee[100:164, 200:264], layers=LAYERS)


@pytest.fixture(scope="module")
def half():
    """0 in the left 15 columns, then a ramp, then 1."""
    return np.broadcast_to(np.clip((np.arange(40) - 15) / 10, 0, 1), (32, 40)).astype("float32")


def features(pixels, *names):
    return VGG19(names)(pixels[None].astype("float32"))


def gradient_of(styles, photo, picture, weights=ONLY_STYLE, **options):
    return Objective(photo, styles, weights, **PLAIN, **options)(picture, picture)[2]


def test_the_total_is_the_weighted_sum_of_the_terms_of_the_paper(photo, picture, cup, astronaut):
    """Two styles with w = 3 : 1 and layers of their own, the first in the proportion 1 : 3; one layer is shared."""
    sky = StyleTarget(name="sky", pixels=astronaut[:64, :64], layers={"block1_conv1": 1.0, "block1_conv2": 1.0})
    weights = ObjectiveWeights(content=2, style=5, total_variation=7, pixel=11)

    total, terms, _ = Objective(photo, [replace(cup, weight=3), sky], weights, **PLAIN)(picture, picture)

    def gram(pixels, layer):
        return np.asarray(losses.gram_matrix(features(pixels, layer)[layer]))

    def style(pixels, layer, shared=None):
        norm = np.sum(gram(pixels, layer) ** 2) if shared is None else shared
        return np.sum((gram(picture, layer) - gram(pixels, layer)) ** 2) / norm

    squares = [np.sum(gram(image.pixels, "block1_conv1") ** 2) for image in (cup, sky)]
    shared = (3 * squares[0] + squares[1]) / 4

    content = [features(pixels, "block2_conv2")["block2_conv2"] for pixels in (picture, photo)]
    expected = {
        "content": float(losses.relative_feature_loss(*content)[0]),
        "style cup": (style(cup.pixels, "block1_conv1", shared) + 3 * style(cup.pixels, "block2_conv1")) / 4,
        "style sky": (style(sky.pixels, "block1_conv1", shared) + style(sky.pixels, "block1_conv2")) / 2,
        "total variation": float(losses.total_variation(picture[None] / 255)[0]),
        "pixel": float(np.mean(np.square((picture - photo) / 255))),
    }
    assert terms == pytest.approx(expected, rel=1e-3)
    factors = {"content": 2, "style cup": 5 * 0.75, "style sky": 5 * 0.25, "total variation": 7, "pixel": 11}
    assert total == pytest.approx(sum(factors[name] * value for name, value in expected.items()), rel=1e-3)


def test_several_styles_weigh_as_section_3_4_says_by_hand(monkeypatch):
    """l_multi = sum_i w_i l_style^J_i, through a network of two layers: the pixels, and twice the pixels.

    Gram matrices are diagonal here, in sixths: the picture's (1, 1, 0), a's (4, 0, 0), b's (0, 0, 1), at the second
    layer four times that. Both have the first layer, where squared distances, 10 and 3, are divided by one number, the
    mean of the targets' squared norms, 16 and 1, by their weights: (3 * 16 + 1) / 4. The second is b's alone: 3 / 1.
    """

    def network(layers, weights):
        return lambda image: {"block1_conv1": image, "block1_conv2": 2 * image}

    monkeypatch.setattr("tfstyle.optimization.objective.VGG19", network)
    picture = np.array([[[1, 0, 0], [0, 1, 0]]], "float32")
    a = StyleTarget(
        name="a", weight=3, layers={"block1_conv1": 5.0}, pixels=np.array([[[2, 0, 0], [0, 0, 0]]], "uint8")
    )
    b = StyleTarget(
        name="b",
        weight=1,
        layers={"block1_conv1": 1.0, "block1_conv2": 3.0},
        pixels=np.array([[[0, 0, 1], [0, 0, 0]]], "uint8"),
    )
    weights = ObjectiveWeights(content=0, style=2, total_variation=0)

    total, terms, _ = Objective(picture, [a, b], weights, content_layer="block1_conv2")(picture, picture)

    assert terms["style a"] == pytest.approx(10 / 12.25)
    assert terms["style b"] == pytest.approx((3 / 12.25 + 3 * 3) / 4)
    assert total == pytest.approx(2 * (3 / 4 * terms["style a"] + 1 / 4 * terms["style b"]))


def test_pixels_with_mask_0_get_no_style_gradient_at_all(photo, picture, cup, half):
    gradient = gradient_of([replace(cup, mask=half)], photo, picture)

    assert (gradient[:, :15] == 0).all()
    assert (gradient[:, 30:] != 0).mean() > 0.99


def test_the_style_gradient_is_multiplied_by_the_mask_and_the_content_gradient_is_not(photo, picture, cup, half):
    style = gradient_of([cup], photo, picture)
    content = gradient_of([cup], photo, picture, ObjectiveWeights(content=1, style=0, total_variation=0))

    both = gradient_of(
        [replace(cup, mask=half)], photo, picture, ObjectiveWeights(content=1, style=1, total_variation=0)
    )

    np.testing.assert_allclose(both, content + half[..., None] * style, atol=1e-4 * np.abs(both).max())


def test_each_style_acts_under_its_own_mask(photo, picture, cup, astronaut, half):
    """And weights are proportions among those that share one, so either counts in full here."""
    sky = StyleTarget(name="sky", pixels=astronaut[:64, :64], layers=LAYERS)
    apart = [gradient_of([style], photo, picture) for style in (cup, sky)]

    both = gradient_of([replace(cup, mask=half), replace(sky, mask=1 - half)], photo, picture)

    expected = half[..., None] * apart[0] + (1 - half)[..., None] * apart[1]
    np.testing.assert_allclose(both, expected, atol=1e-4 * np.abs(expected).max())


def test_with_a_held_picture_the_loss_belongs_to_the_gradient(photo, picture, cup, half):
    """By central differences. The loss that is not held falls at another rate: L-BFGS could not use it."""
    objective = Objective(photo, [replace(cup, mask=half)], ONLY_STYLE, **PLAIN)
    direction = gradient_of([cup], photo, picture)
    direction *= 0.3 / direction.std()  # gray levels
    slope = float(np.sum(objective(picture, picture)[2] * direction))

    def difference(held):
        ahead, behind = picture + direction, picture - direction
        return (objective(ahead, held(ahead))[0] - objective(behind, held(behind))[0]) / 2

    assert difference(lambda _: picture) == pytest.approx(slope, rel=0.03)
    assert difference(lambda moved: moved) != pytest.approx(slope, rel=0.2)


def test_guided_statistics_see_nothing_outside_the_masks(photo, picture, cup, half):
    """Changes stay 4 columns away from the masks: what block2_conv1 sees of its neighbours."""
    left = np.zeros(cup.pixels.shape[:2], "float32")
    left[:, :32] = 1
    style_image, moved = cup.pixels.copy(), picture.copy()
    style_image[:, 38:], moved[:, :9] = 0, 255
    style = replace(cup, mask=half, style_mask=left)

    def term(style, picture):
        return Objective(photo, [style], ONLY_STYLE, guided=True, **PLAIN)(picture, picture)[1]["style cup"]

    assert term(replace(style, pixels=style_image), moved) == pytest.approx(term(style, picture), rel=1e-4)
    assert term(replace(style, style_mask=1 - left), picture) != pytest.approx(term(style, picture), rel=0.05)
    np.testing.assert_array_equal(gradient_of([style], photo, picture, guided=True)[:, :15], 0)


def test_styles_of_one_name_are_refused(photo, cup, half):
    """Their terms would stand in one place, and one of the two would be lost."""
    with pytest.raises(RequestError, match="Expected styles of different names, got several named cup"):
        Objective(photo, [cup, replace(cup, mask=half)], ONLY_STYLE, **PLAIN)


def test_unknown_layers_are_refused_with_those_there_are(cup):
    with pytest.raises(RequestError, match=r"cup: expected layers out of block1_conv1, .*, block5_conv1, got 'conv9'"):
        replace(cup, layers={"conv9": 1.0})
    with pytest.raises(RequestError, match="expected a layer with a weight above 0"):
        replace(cup, layers={"block1_conv1": 0.0})


def test_weights_that_are_all_zero_are_refused(photo, cup):
    with pytest.raises(RequestError, match="Expected a style with a weight above 0, got none"):
        Objective(photo, [replace(cup, weight=0)], ONLY_STYLE, **PLAIN)
