"""A picture that passes through the network in bands of rows, beside the network in one piece."""

import shutil

import numpy as np
import pytest

from tests.export.test_onnx import CONFIGS, session, vectors
from tfstyle.contract.catalog import Style
from tfstyle.engines import network_engine, row_file, staged_network
from tfstyle.engines.onnx import OnnxEngine
from tfstyle.engines.onnx_files import NETWORK_FILE, ONNX_FOLDER, REGIONS_FILE, STAGES_FILE, OnnxFiles
from tfstyle.engines.staged_network import StagedNetwork
from tfstyle.errors import ModelError, PhotoError
from tfstyle.export import onnx
from tfstyle.networks.checkpoint import Checkpoint, new_transformer
from tfstyle.stylize.stylizer import Stylizer


@pytest.fixture(scope="module", params=CONFIGS)
def whole_and_staged(request, tmp_path_factory):
    """A network with random weights, its graphs in one piece, without and with regions, and in stages."""
    trunk = new_transformer(CONFIGS[request.param])
    rng = np.random.default_rng(0)
    for variable in trunk.variables:
        if "bias" in variable.path or "/coarse/kernel" in variable.path:
            variable.assign(rng.normal(0, 0.1, variable.shape))
    version = tmp_path_factory.mktemp("staged") / "1"
    onnx.write(Checkpoint(trunk, (Style("a", "A", "", ""),), vectors(trunk, 1, rng)[0]), version)
    graphs = [onnx.network(trunk, regions=regions) for regions in (False, True)]
    return trunk, [session(graph) for graph in graphs], StagedNetwork(OnnxFiles(version), threads=1)


@pytest.fixture(autouse=True)
def narrow_bands(monkeypatch):
    monkeypatch.setattr(staged_network, "BAND_PIXELS", 1)  # as few rows as there may be


@pytest.mark.parametrize("size", [(16, 16), (33, 47), (150, 40)])
def test_in_bands_it_paints_what_it_paints_whole(whole_and_staged, rng, size):
    trunk, (whole, _), staged = whole_and_staged
    image, style = rng.integers(0, 256, (*size, 3), dtype="uint8"), vectors(trunk, 1, rng)
    (expected,) = whole.run(None, {"image": image[None], "style_vectors": style})
    assert np.abs(staged.paint(image, style[0], None) - expected[0].astype(int)).max() <= 1


def test_in_bands_every_pixel_has_its_own_mix_as_whole(whole_and_staged, rng):
    trunk, (_, whole), staged = whole_and_staged
    image, style = rng.integers(0, 256, (150, 43, 3), dtype="uint8"), vectors(trunk, 3, rng)
    maps = rng.random((3, 150, 43)).astype("float32")
    maps /= maps.sum(0)
    (expected,) = whole.run(None, {"image": image[None], "style_vectors": style, "region_maps": maps[None]})
    answer = staged.paint(image, style[0], lambda rows: maps[:, rows])
    assert np.abs(answer - expected[0].astype(int)).max() <= 1


@pytest.fixture
def small_model(tiny_models, monkeypatch):
    """A version whose engine paints whole what has 70 x 101 pixels, and refuses nothing beyond it."""
    monkeypatch.setattr(network_engine, "WHOLE_PIXELS", 70 * 101)
    return tiny_models / "tiny" / "1"


OPTIONS = {
    "plain": {"style": "first"},
    "colours and strength": {"style": "first:1,second:1", "preserve_color": True, "strength": 0.35},
    "a mask": {"style": "first", "mask": "radial", "fade": 0.4},
    "regions": {"regions": "left=first,right=second:2+first", "fade": 0.5},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_photo_beyond_the_limit_is_painted_as_one_within(small_model, rng, options):
    photo = rng.integers(0, 256, (90, 101, 3), dtype="uint8")
    stylizer, limited = Stylizer(model=small_model), Stylizer(model=small_model)
    limit = stylizer.styles()
    limited._catalog = type(limit)(limit.styles, 70 * 101)
    expected = stylizer.stylize(photo, stroke="native", **options).pixels.astype(int)
    original = photo.copy()
    answer = limited.stylize(photo, stroke="native", **options).pixels
    np.testing.assert_array_equal(photo, original)  # what is composed in place is not the photo
    assert np.abs(answer - expected).max() <= 2  # masks of regions are rounded to bytes


def test_what_a_large_photo_is_painted_as_comes_encoded_too(small_model, rng):
    photo = rng.integers(0, 256, (90, 101, 3), dtype="uint8")
    stylizer = Stylizer(model=small_model)
    stylizer._catalog = type(stylizer.styles())(stylizer.styles().styles, 70 * 101)
    encoded = stylizer.stylize_encoded(photo, "first", stroke="native", format="jpeg")
    assert (encoded.format, encoded.width, encoded.height) == ("jpeg", 101, 90)


def test_a_full_disk_is_one_sentence(small_model, rng, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(row_file.RowFile, "write", full)
    photo = rng.integers(0, 256, (90, 101, 3), dtype="uint8")
    with pytest.raises(PhotoError, match=r"Painting 101x90 pixels takes 0\.0 GB of disk in .* \(No space left on dev"):
        OnnxEngine(small_model).paint_large(photo, OnnxFiles(small_model).style_table()[:1], [None])


def test_files_between_stages_are_gone_afterwards(small_model, rng, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    photo = rng.integers(0, 256, (90, 101, 3), dtype="uint8")
    OnnxEngine(small_model).paint_large(photo, OnnxFiles(small_model).style_table()[:1], [None])
    assert not list(tmp_path.iterdir())


def test_weights_are_there_once_and_damaged_ones_are_noticed(tiny_models, tmp_path):
    version = shutil.copytree(tiny_models / "tiny" / "1", tmp_path / "tiny" / "1")
    folder = version / ONNX_FOLDER
    assert (folder / REGIONS_FILE).stat().st_size < (folder / NETWORK_FILE).stat().st_size
    network = bytearray((folder / NETWORK_FILE).read_bytes())
    network[-1000] ^= 1
    (folder / NETWORK_FILE).write_bytes(network)
    for name in (REGIONS_FILE, STAGES_FILE):
        with pytest.raises(ModelError, match=r"network\.onnx: the file is damaged"):
            OnnxFiles(version).read(name)
