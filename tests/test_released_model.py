"""The model in saved_models/ is what its card says, and its paintings have no flaw that the card does not name."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle.commands.demo import SAMPLE_PHOTO
from tfstyle.evaluation import distances as evaluate
from tfstyle.masks.segmentation import SEGMENTS
from tfstyle.model_store import publish, versions
from tfstyle.networks.checkpoint import Checkpoint

CARD = (Path(__file__).resolve().parent.parent / "saved_models" / "README.md").read_text()
# | style | style distance, content distance on the eight photos | the same on astronaut and coffee |
ROW = r"^\| `(\w+)` \| [\d.]+ \| [\d.]+ \| ([\d.]+) \| ([\d.]+) \|$"
CARD_ROWS = {name: (float(style), float(content)) for name, style, content in re.findall(ROW, CARD, re.MULTILINE)}
PAPER = ("starry_night", "the_scream", "great_wave", "picasso_self_portrait", "rain_princess")
STYLES = (
    *PAPER,
    "udnie",
    "composition_vii",
    "edtaonisl",
    "la_grande_jatte",
    "portrait_of_metzinger",
    "red_and_blue_horse",
    "water_lilies",
)


@pytest.fixture(scope="module")
def stylizer():
    return tfstyle.Stylizer()


@pytest.fixture(scope="module")
def evaluator():
    return evaluate.Evaluator()


@pytest.fixture(scope="module")
def targets():
    return evaluate.load_targets(versions.find_model() / "assets.extra" / evaluate.TARGETS_FILE)


@pytest.fixture(scope="module")
def distances(stylizer, evaluator, targets, astronaut, coffee):
    return evaluator.evaluate(lambda photo, style: stylizer.stylize(photo, style).pixels, [astronaut, coffee], targets)


def test_it_has_the_styles_of_the_card_those_of_the_paper_first(stylizer):
    assert stylizer.styles().names == STYLES
    assert tuple(CARD_ROWS) == STYLES
    assert all(style.artist and style.year for style in stylizer.styles())


@pytest.mark.parametrize("name", STYLES)
def test_its_distances_are_those_of_the_model_card(distances, name):
    style, content = CARD_ROWS[name]

    assert distances[name].style == pytest.approx(style, rel=0.05)
    assert distances[name].content == pytest.approx(content, rel=0.05)


@pytest.mark.parametrize("name", STYLES)
def test_it_paints_strokes_and_not_only_colours(stylizer, evaluator, targets, astronaut, name):
    """The photo in the very colours of its painting is still far from the painter's texture."""
    painting = stylizer.stylize(astronaut, name).pixels

    _, painted = evaluator.features(painting)
    _, recoloured = evaluator.features(in_colours_of(astronaut, painting))

    only_colours, _ = evaluate.style_distance(recoloured, targets[name])
    assert evaluate.style_distance(painted, targets[name])[0] < 0.6 * only_colours


def in_colours_of(photo, painting):
    """The photo with the mean and covariance of the painting's colours: uint8 [H, W, 3]."""
    pixels, wanted = photo.reshape(-1, 3).astype(float), painting.reshape(-1, 3).astype(float)
    roots = [np.linalg.cholesky(np.cov(x.T) + 1e-3 * np.eye(3)) for x in (pixels, wanted)]
    moved = (pixels - pixels.mean(axis=0)) @ np.linalg.inv(roots[0]).T @ roots[1].T + wanted.mean(axis=0)
    return moved.clip(0, 255).round().astype("uint8").reshape(photo.shape)


def test_its_strokes_are_broader_or_finer_as_asked_for(stylizer, rng):
    """In a photo without detail all that is fine is strokes; their hard edges keep it from doubling quite."""
    soft = Image.fromarray(rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)).resize((384, 256), Image.Resampling.BICUBIC)
    paintings = [stylizer.stylize(np.asarray(soft), STYLES[0], stroke=stroke).pixels for stroke in (0.5, 1, 2)]
    finer, usual, broader = (wavelength(painting) for painting in paintings)

    assert 1.3 < usual / finer < 2.2
    assert 1.3 < broader / usual < 2.2


def wavelength(painting):
    """Of the mean frequency of brightness, in pixels; what is slower than 50 pixels is not strokes."""
    brightness = painting.mean(axis=2)
    window = np.outer(*map(np.hanning, brightness.shape))
    energy = np.abs(np.fft.fft2((brightness - brightness.mean()) * window)) ** 2
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, brightness.shape), indexing="ij"))
    strokes = frequency > 1 / 50
    return energy[strokes].sum() / (energy * frequency)[strokes].sum()


@pytest.mark.parametrize("name", STYLES)
def test_its_paintings_have_no_grid(stylizer, astronaut, name):
    painting = stylizer.stylize(astronaut, name).pixels.astype(float).mean(axis=2)

    # Levels between the brightest and the darkest phase: of the depth-to-space, and of the trunk's positions.
    for period, bound in ((2, 1), (4, 3)):
        phases = [painting[i::period, j::period].mean() for i in range(period) for j in range(period)]
        assert max(phases) - min(phases) < bound, period


@pytest.mark.parametrize("name", STYLES)
def test_its_paintings_have_no_frame(stylizer, astronaut, name):
    painting = stylizer.stylize(astronaut, name).pixels.astype(float).mean(axis=2)

    border = np.concatenate(
        [painting[:2].ravel(), painting[-2:].ravel(), painting[:, :2].ravel(), painting[:, -2:].ravel()]
    )
    within = np.concatenate(
        [
            painting[6:8, 6:-6].ravel(),
            painting[-8:-6, 6:-6].ravel(),
            painting[6:-6, 6:8].ravel(),
            painting[6:-6, -8:-6].ravel(),
        ]
    )
    assert abs(border.mean() - within.mean()) < 5


def test_training_can_go_on_from_it(stylizer):
    assert Checkpoint.load(versions.find_model()).names == STYLES


def test_it_can_be_published():
    """It paints what its golden picture shows."""
    assert publish.check(versions.find_model()).names == STYLES


def test_it_is_small_enough_for_the_repository():
    files = [path for path in versions.find_model().rglob("*") if path.is_file()]

    assert sum(path.stat().st_size for path in files) < 15_000_000


@pytest.mark.parametrize("mask", ["background", "person"])
def test_outside_a_mask_the_photo_stays_exactly(stylizer, mask):
    """Also where the photo travels as JPEG, as most do."""
    photo = tfstyle.read_photo(SAMPLE_PHOTO)
    assert photo.jpeg
    values = SEGMENTS[mask](photo.pixels)

    painting = stylizer.stylize(photo, "the_scream", mask=mask).pixels

    np.testing.assert_array_equal(painting[values == 0], photo.pixels[values == 0])
    assert np.abs(painting[values == 1].astype(int) - photo.pixels[values == 1]).mean() > 10


def test_a_gradient_mask_leaves_no_seam(stylizer, astronaut):
    """From column to column the change by the painting grows no faster than under no mask, but for a gray level."""

    def largest_step(**options):
        painting = stylizer.stylize(astronaut, "the_scream", **options).pixels
        change = (painting.astype(float) - astronaut).mean(axis=0)
        return np.abs(np.diff(change, axis=0)).max()

    everywhere = largest_step()
    assert largest_step(mask="left", fade=0.5) <= everywhere + 1
    assert largest_step(mask="left", fade=0.0) > everywhere + 5  # what a seam looks like to this measure
