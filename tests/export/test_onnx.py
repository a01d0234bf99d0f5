"""The network for ONNX Runtime beside the Keras network it is made of, and the engine beside the SavedModel."""

import shutil

import numpy as np
import onnxruntime
import pytest

from testing.fake_model import photo_array
from tfstyle import Stylizer
from tfstyle.cli import main
from tfstyle.contract.signatures import SIGNATURES
from tfstyle.engines.local import open_local_engine
from tfstyle.engines.onnx_files import ONNX_FOLDER, OnnxFiles
from tfstyle.errors import ModelError
from tfstyle.export.onnx_encoder import encoder_network
from tfstyle.export.onnx_network import network
from tfstyle.model_store.versions import find_model
from tfstyle.networks.checkpoint import Checkpoint, neutral_vector, new_encoder, new_transformer
from tfstyle.networks.style_encoder import StyleEncoderConfig
from tfstyle.networks.transformer import TransformerConfig

CONFIGS = {
    "default": TransformerConfig(widths=(8, 16), blocks=2),
    "coarse": TransformerConfig(widths=(8, 12), blocks=2, coarse_widths=(12, 16), coarse_blocks=(2, 1), low_pass=True),
    "published": TransformerConfig(widths=(4, 8, 12), blocks=1, end_kernel=9, space_to_depth=1),
    "four": TransformerConfig(widths=(8, 12), blocks=1, space_to_depth=4),
    "wide ends": TransformerConfig(widths=(8,), blocks=1, end_kernel=5),
}
SIZES = ((33, 47), (16, 16), (17, 150), (64, 96))

# What ONNX Runtime for browsers has a kernel of, https://onnxruntime.ai/docs/reference/operators
OPERATORS = {
    "Abs", "Add", "AveragePool", "Cast", "Concat", "Conv", "DepthToSpace", "Div", "Gather", "Identity", "Max", "Min",
    "Mod", "Mul", "Pad", "Range", "ReduceL2", "ReduceMean", "ReduceProd", "Relu", "Reshape", "Resize", "Round", "Shape",
    "Sigmoid", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze",
}  # fmt: skip


@pytest.fixture(scope="module", params=CONFIGS)
def trunk(request):
    """A network with random weights, the coarse branch's last convolution included, which starts at zero."""
    trunk = new_transformer(CONFIGS[request.param])
    rng = np.random.default_rng(0)
    for variable in trunk.variables:
        if "bias" in variable.path or "/coarse/kernel" in variable.path:
            variable.assign(rng.normal(0, 0.1, variable.shape))
    return trunk


def session(model):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def vectors(trunk, count, rng):
    return (neutral_vector(trunk) + rng.normal(0, 0.4, (1, count, trunk.style_size))).astype("float32")


def test_it_paints_what_the_keras_network_paints(trunk, rng):
    onnx = session(network(trunk))
    for size in SIZES:
        image, style = rng.integers(0, 256, (1, *size, 3), dtype="uint8"), vectors(trunk, 1, rng)
        expected = np.round(np.array(trunk(image, style)))
        (answer,) = onnx.run(None, {"image": image, "style_vectors": style})
        assert answer.dtype == np.uint8
        assert np.abs(answer - expected).max() <= 1


def test_it_paints_every_pixel_in_its_own_mix_as_the_keras_network_does(trunk, rng):
    onnx = session(network(trunk, regions=True))
    for size in SIZES:
        image, style = rng.integers(0, 256, (1, *size, 3), dtype="uint8"), vectors(trunk, 3, rng)
        maps = rng.random((1, *size, 3)).astype("float32")
        maps /= maps.sum(-1, keepdims=True)
        maps[:, :5] = 0  # nothing is painted there
        expected = np.round(np.array(trunk(image, style, maps)))
        inputs = {"image": image, "style_vectors": style, "region_maps": maps.transpose(0, 3, 1, 2).copy()}
        assert np.abs(onnx.run(None, inputs)[0] - expected).max() <= 1


def test_it_has_operators_that_browsers_have_too(trunk):
    for regions in (False, True):
        model = network(trunk, regions=regions)
        assert {node.op_type for node in model.graph.node} <= OPERATORS
        assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]


def test_the_style_table_and_the_fingerprint_of_the_trunk_lie_beside_it(tiny_models):
    model = Checkpoint.load(tiny_models / "tiny" / "1")
    files = OnnxFiles(tiny_models / "tiny" / "1")
    np.testing.assert_array_equal(files.style_table(), model.table)
    assert (files.styles, files.trunk) == (model.names, model.trunk.fingerprint())


def test_a_version_that_was_exported_without_it_gets_it(tiny_models, tmp_path, capsys):
    version = shutil.copytree(tiny_models / "tiny" / "1", tmp_path / "tiny" / "1")
    shutil.rmtree(version / ONNX_FOLDER)
    with pytest.raises(ModelError, match="--add-onnx"):
        Stylizer(model=version).stylize(photo_array(), "first")

    assert main(["export", str(version), "--add-onnx"]) == 0

    assert capsys.readouterr().out == f"{version / ONNX_FOLDER}\n"
    for file in (tiny_models / "tiny" / "1" / ONNX_FOLDER).iterdir():
        assert (version / ONNX_FOLDER / file.name).read_bytes() == file.read_bytes()


def test_adding_it_changes_nothing_else_and_asks_for_a_version(tiny_models, tmp_path, capsys):
    version = str(tiny_models / "tiny" / "1")
    assert main(["export", version, "--add-onnx", "--max-pixels", "900"]) == 2
    assert "Expected --add-onnx with a version alone" in capsys.readouterr().err
    Checkpoint.load(tiny_models / "tiny" / "1").save(tmp_path / "run" / "model.npz")
    assert main(["export", str(tmp_path / "run"), "--add-onnx"]) == 2
    assert "Expected the folder of an exported version for --add-onnx" in capsys.readouterr().err


def checkerboard(height, width):
    rows, columns = np.mgrid[:height, :width]
    return ((rows // 8 + columns // 8) % 2).astype(np.float32)


OPTIONS = {
    "plain": {"style": "first"},
    "a mix": {"style": "first:30,second:70"},
    "strength": {"style": "second", "strength": 0.6},
    "colours": {"style": "first", "preserve_color": True},
    "colours and strength": {"style": "first:1,second:1", "preserve_color": True, "strength": 0.35},
    "a gradient": {"style": "second", "mask": "radial", "fade": 0.4, "strength": 0.9},
    "a mask of one's own": {"style": "first", "mask": checkerboard(70, 101)},
    "regions": {"regions": "left=first,right=second"},
    "soft regions": {"regions": "left=first,right=second:2+first", "fade": 0.5, "preserve_color": True},
    "regions that leave some photo": {"regions": [("left", "first"), (checkerboard(70, 101), "second:3,first:1")]},
    "a region without a style": {"regions": [("top", "first"), ("bottom", {"second": 0}), ("radial", "second")]},
    "broad strokes": {"style": "first", "stroke": 1.7, "strength": 0.8, "mask": "left"},
    "fine strokes in regions": {"regions": "top=first,bottom=second", "stroke": 0.6},
    "native strokes": {"style": "second", "stroke": "native"},
    "smaller": {"style": "first", "max_size": 53},
    "jpeg": {"style": "first", "format": "jpeg"},
}


@pytest.fixture(scope="module")
def stylizers(tiny_models):
    return [Stylizer(engine, tiny_models / "tiny" / "1") for engine in ("onnx", "tensorflow")]


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_option_gives_what_the_saved_model_gives(stylizers, options):
    ours, theirs = (stylizer.stylize(photo_array(70, 101), **options).pixels.astype(int) for stylizer in stylizers)
    # A difference of one level in what is painted may grow where it is sharpened or compressed.
    if options.get("format") == "jpeg" or "stroke" in options:
        assert np.abs(ours - theirs).mean() < 0.02
    else:
        assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("signature", ["serving_default", "controlled", "regions"])
def test_signatures_of_arrays_give_what_the_saved_model_gives(tiny_models, rng, signature):
    inputs = {
        "image": rng.integers(0, 256, (2, 40, 57, 3), dtype="uint8"),
        "style_weights": np.array([[1, 2], [0, 0]], "float32"),
        "strength": np.array([1, 0.7], "float32"),
        "mask": rng.random((2, 40, 57, 1), "float32"),
        "preserve_color": np.array([True, False]),
        "style_map": rng.random((2, 40, 57, 2), "float32") * (rng.random((2, 40, 57, 1)) > 0.2),
    }
    inputs = {name: inputs[name].astype(info.dtype) for name, info in SIGNATURES[signature].inputs.items()}
    engines = [open_local_engine(name, tiny_models / "tiny" / "1") for name in ("onnx", "tensorflow")]
    ours, theirs = (engine.predict(signature, inputs)["stylized"].astype(int) for engine in engines)
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("size", [(256, 301), (16, 40)])
def test_the_released_model_paints_alike(astronaut, size):
    stylizers = [Stylizer(engine, find_model()) for engine in ("onnx", "tensorflow")]
    photo = astronaut[: size[0], : size[1]]
    for options in (
        {"style": "rain_princess"},
        {"style": "starry_night:1,udnie:2", "preserve_color": True},
        {"regions": "left=the_scream,right=great_wave", "fade": 0.3},
    ):
        ours, theirs = (stylizer.stylize(photo, **options).pixels.astype(int) for stylizer in stylizers)
        assert np.abs(ours - theirs).max() <= 1, options


def test_the_style_encoder_is_of_operators_that_browsers_have():
    encoder = new_encoder(StyleEncoderConfig(style_size=8, components=4, hidden=4))
    operators = {node.op_type for node in encoder_network(encoder).graph.node}
    assert operators <= OPERATORS | {"MatMul", "MaxPool"}
