import numpy as np
import pytest
from PIL import Image

from testing import training_case
from tfstyle.errors import TrainingError
from tfstyle.evaluation.distances import Evaluator
from tfstyle.networks.losses import relative_gram_loss
from tfstyle.training.style_corpus import StyleCorpus, read_style_image

LAYERS = ("block1_conv1", "block3_conv1")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return training_case.style_images(tmp_path_factory.mktemp("styles") / "images")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def names(corpus):
    return [file.name for folder in corpus.folders for file in folder.files]


def test_gram_matrices_are_those_of_the_image_up_to_half_precision(images, cache):
    corpus = StyleCorpus.open([str(images)], cache, LAYERS)
    number = names(corpus).index("dots.png")
    pixels = np.asarray(Image.open(images / "dots.png").resize((256, 256), Image.Resampling.BILINEAR))

    _, expected = Evaluator().features(pixels)

    for place, layer in enumerate(LAYERS):
        gram = corpus.grams(layer, [number]).astype("float32") * corpus.norms[number, place]
        assert float(relative_gram_loss(gram, expected[layer])[0]) < 1e-4


def test_what_was_measured_once_is_not_measured_again(images, cache, monkeypatch):
    first = StyleCorpus.open([str(images)], cache, LAYERS)
    monkeypatch.setattr("tfstyle.training.style_corpus._measure", lambda *arguments: pytest.fail("measured again"))

    again = StyleCorpus.open([str(images)], cache, LAYERS)

    np.testing.assert_array_equal(again.statistics, first.statistics)


def test_images_are_numbered_through_several_folders(images, cache, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Image.open(images / "stripes.png").save(other / "a.png")

    corpus = StyleCorpus.open([str(images), str(other)], cache, LAYERS)

    stripes = names(corpus).index("stripes.png")
    both = corpus.grams("block3_conv1", [4, stripes])
    np.testing.assert_allclose(both[0].astype("float32"), both[1].astype("float32"), atol=1e-3)
    assert len(corpus) == 5


def test_a_folder_with_a_share_is_drawn_that_often_and_the_others_divide_the_rest(images, cache, tmp_path):
    other = tmp_path / "few"
    other.mkdir()
    Image.open(images / "dots.png").save(other / "a.png")

    shares = StyleCorpus.open([str(images), f"{other}:0.1"], cache, LAYERS).shares

    assert shares.sum() == pytest.approx(1)
    assert shares[4] in (0, pytest.approx(0.1))  # 0 where its texture is the weakest at some layer
    assert len({share for share in shares[:4] if share}) == 1


def test_images_that_a_pattern_finds_by_path_or_by_their_row_are_left_out(images, cache, tmp_path):
    folder = tmp_path / "styles"
    folder.mkdir()
    for name in ("the-kiss.png", "zwei.png", "other.png"):
        Image.open(images / "dots.png").save(folder / name)
    (folder / "sources.tsv").write_text("file\tnote\nzwei.png\tLe Baiser\nother.png\tdots\n")
    patterns = tmp_path / "held_out.txt"
    patterns.write_text("# never trained on\nthe_kiss\tthe_kiss|baiser\n")

    assert names(StyleCorpus.open([str(folder)], cache, LAYERS, patterns)) == ["other.png"]


def test_what_holds_no_style_image_is_refused(images, cache, tmp_path):
    with pytest.raises(TrainingError, match="There is none at"):
        StyleCorpus.open([str(tmp_path / "missing")], cache, LAYERS)
    Image.new("RGB", (63, 200)).save(tmp_path / "small.png")
    Image.new("RGB", (2000, 100)).save(tmp_path / "long.png")
    with pytest.raises(TrainingError, match=r"64 px or more in .* There are none"):
        StyleCorpus.open([str(tmp_path)], cache, LAYERS)
    (tmp_path / "patterns").write_text("no tab\n")
    with pytest.raises(TrainingError, match="Expected lines NAME<tab>PATTERN"):
        StyleCorpus.open([str(images)], cache, LAYERS, tmp_path / "patterns")


def test_transparent_and_gray_style_images_are_read_as_rgb_on_white(tmp_path):
    Image.new("RGBA", (80, 70), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("L", (80, 70), 90).save(tmp_path / "gray.png")

    np.testing.assert_array_equal(read_style_image(tmp_path / "clear.png"), np.full((70, 80, 3), 255))
    np.testing.assert_array_equal(read_style_image(tmp_path / "gray.png"), np.full((70, 80, 3), 90))
