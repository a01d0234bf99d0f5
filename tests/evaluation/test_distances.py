import numpy as np
import pytest
from matplotlib.figure import Figure

from tfstyle.errors import ModelError
from tfstyle.evaluation import distances as evaluate
from tfstyle.networks import losses
from tfstyle.networks.vgg19 import VGG19


@pytest.fixture(scope="module")
def evaluator():
    return evaluate.Evaluator()


@pytest.fixture
def photo(astronaut):
    return np.ascontiguousarray(astronaut[64:192, 160:288])


@pytest.fixture
def style_image(coffee):
    return np.ascontiguousarray(coffee[:160, :200])


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    monkeypatch.setattr(evaluate, "STYLE_IMAGE_SIZES", (64, 96))


def test_distances_are_those_of_the_definition(evaluator, photo, style_image):
    """Worked from the loss network's activations, as the module's first lines say."""
    network = VGG19(("block4_conv2", *evaluate.STYLE_LAYERS))
    stylized = photo[:, ::-1]
    of = {name: network(picture[None].astype("float32")) for name, picture in (("y", stylized), ("c", photo))}
    content = of["y"]["block4_conv2"] - of["c"]["block4_conv2"]
    expected_content = np.sum(np.square(content)) / np.sum(np.square(of["c"]["block4_conv2"]))
    expected_style = []
    for size in (64, 96):
        target = network(evaluate.resize_short_side(style_image, size)[None].astype("float32"))
        distances = []
        for layer in evaluate.STYLE_LAYERS:
            g, s = (np.asarray(losses.gram_matrix(features[layer]))[0] for features in (of["y"], target))
            distances.append(np.sum((g - s) ** 2) / np.sum(s**2))
        expected_style.append(np.mean(distances))

    result = evaluator.evaluate(lambda picture, style: stylized, [photo], {"cup": evaluator.targets(style_image)})[
        "cup"
    ]

    assert result.content == pytest.approx(expected_content, rel=1e-4)
    assert result.style == pytest.approx(min(expected_style), rel=1e-4)
    assert result.sizes == ((64, 96)[int(np.argmin(expected_style))],)


def test_the_photo_itself_has_content_0_and_the_style_image_itself_style_0(evaluator, photo, style_image):
    targets = {"cup": evaluator.targets(style_image)}
    shrunk = evaluate.resize_short_side(style_image, 96)

    assert evaluator.evaluate(lambda picture, style: picture, [photo], targets)["cup"].content == 0
    assert evaluator.evaluate(lambda picture, style: picture, [shrunk], targets)["cup"].style == pytest.approx(
        0, abs=1e-6
    )


def test_saved_targets_measure_the_same_within_a_thousandth(evaluator, photo, style_image, tmp_path):
    targets = {"cup": evaluator.targets(style_image)}
    evaluate.save_targets(tmp_path / "targets.npz", targets)
    loaded = evaluate.load_targets(tmp_path / "targets.npz")

    exact, again = (evaluator.evaluate(lambda picture, style: picture, [photo], t)["cup"] for t in (targets, loaded))

    assert loaded["cup"].keys() == targets["cup"].keys()
    assert again.style == pytest.approx(exact.style, rel=1e-3)


def test_missing_or_foreign_targets_are_refused_with_advice(tmp_path):
    (tmp_path / "foreign.npz").write_bytes(b"PK\x03\x04")
    for name in ("missing.npz", "foreign.npz"):
        with pytest.raises(ModelError, match="give --style-images"):
            evaluate.load_targets(tmp_path / name)


def test_the_short_side_is_resized_and_the_aspect_ratio_kept(coffee):
    assert evaluate.resize_short_side(coffee, 200).shape == (200, 300, 3)


@pytest.mark.parametrize("count", [12, 26])
def test_a_plot_has_a_colour_for_each_style_and_a_mark_for_each_method(count, monkeypatch, tmp_path):
    """Also where there are more styles than usual colours."""
    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file, **options: figures.append(figure))
    distances = {f"style {n}": evaluate.Distances(content=1.0, style=n / count, sizes=(64,)) for n in range(count)}

    evaluate.plot(tmp_path / "all.png", {"network": distances, "optimization": distances})

    (figure,) = figures
    marks = figure.axes[0].collections
    assert len({tuple(mark.get_facecolor()[0]) for mark in marks}) == count
    assert len({mark.get_paths()[0].vertices.tobytes() for mark in marks}) == 2
    styles, methods = ([text.get_text() for text in legend.get_texts()] for legend in figure.legends)
    assert styles == list(distances)
    assert methods == ["network", "optimization"]
