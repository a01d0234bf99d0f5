"""Any painting at once: the signatures of style vectors, in a session as TensorFlow Serving drives them, and ONNX."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.export.test_serving_graph import Session, decode, encode
from tfstyle import Stylizer
from tfstyle.contract.graph_errors import graph_code
from tfstyle.contract.signatures import SIGNATURES
from tfstyle.contract.style_vector import StyleTable
from tfstyle.engines.onnx import OnnxEngine
from tfstyle.engines.onnx_files import ENCODER_FILE, MANIFEST_FILE, ONNX_FOLDER
from tfstyle.engines.saved_model import SavedModelEngine
from tfstyle.errors import ModelError, PhotoError, StyleVectorError
from tfstyle.networks.checkpoint import Checkpoint
from tfstyle.networks.style_encoder import StylePredictor


class Engines:
    """One version in a session, and through ONNX Runtime; a call gives the answers of both by name."""

    def __init__(self, folder):
        self.session, self.onnx = Session(folder), OnnxEngine(folder, threads=1)

    def __call__(self, signature, **inputs):
        return self.session(signature, **inputs), self.onnx.predict(signature, inputs)

    def refusals(self, signature, **inputs):
        """The codes and the sentences with which they refuse."""
        with pytest.raises(Exception, match=r"assertion failed|Invalid") as of_session:
            self.session(signature, **inputs)
        with pytest.raises((PhotoError, StyleVectorError)) as of_onnx:
            self.onnx.predict(signature, inputs)
        return graph_code(str(of_session.value)), of_onnx.value.graph_code, str(of_session.value), str(of_onnx.value)


@pytest.fixture(scope="module")
def version(encoder_models):
    return encoder_models / "tiny" / "1"


@pytest.fixture(scope="module")
def engines(version):
    return Engines(version)


@pytest.fixture
def painting(astronaut):
    """A part of 80 x 120, which is looked at in 256 x 384."""
    return astronaut[:80, 100:220]


@pytest.fixture
def photo(coffee):
    return coffee[100:145, 200:267]


def strings(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def request(photo, vectors, masks=(b"",), strength=1.0, preserve_color=False, form=b"png"):
    return {
        "image_bytes": strings(encode(photo)),
        "style_vectors": np.asarray(vectors, np.float32)[None],
        "region_masks": strings(*masks)[None],
        "strength": np.array([strength], np.float32),
        "preserve_color": np.array([preserve_color]),
        "format": strings(form),
    }


def painted(engines, *arguments, **options):
    answers = engines("stylize_vectors", **request(*arguments, **options))
    return [decode(answer["image_bytes"][0]).astype(int) for answer in answers]


def test_a_style_image_becomes_the_vector_that_the_network_in_python_predicts(engines, version, painting):
    expected = StylePredictor(Checkpoint.load(version).encoder)(painting)
    size = np.abs(expected).max()
    for answer in engines("encode_style", image_bytes=strings(encode(painting))):
        np.testing.assert_allclose(answer["style_vectors"], expected[None], atol=1e-2 * size)
    assert np.abs(StylePredictor(Checkpoint.load(version).encoder)(painting[::-1, ::-1, ::-1]) - expected).max() > 0.05


def test_a_vector_depends_on_its_style_image_alone(engines, painting, coffee):
    """Same bytes, same vector, whatever else is in the batch, and in whichever order."""
    first, other = encode(painting), encode(coffee[:64, :64], "JPEG")
    for alone, both in zip(
        engines("encode_style", image_bytes=strings(first)),
        engines("encode_style", image_bytes=strings(other, first)),
        strict=True,
    ):
        np.testing.assert_array_equal(both["style_vectors"][1], alone["style_vectors"][0])
        assert np.abs(both["style_vectors"][0] - both["style_vectors"][1]).max() > 0.01


def test_style_images_may_be_gray_and_see_through(engines, painting):
    gray = np.asarray(Image.fromarray(painting).convert("L"))
    opaque = np.dstack([painting, np.full(painting.shape[:2], 255, np.uint8)])
    for seen, same in ((gray, np.dstack([gray] * 3)), (opaque, painting)):
        for answer, expected in zip(
            engines("encode_style", image_bytes=strings(encode(seen))),
            engines("encode_style", image_bytes=strings(encode(same))),
            strict=True,
        ):
            np.testing.assert_array_equal(answer["style_vectors"], expected["style_vectors"])


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"%PDF-1.7", "style_image.format", "Got 8 bytes of something else"),
        (encode(np.zeros((63, 200, 3), np.uint8)), "style_image.small", "at least 64 x 64 pixels"),
        (encode(np.zeros((64, 641, 3), np.uint8)), "style_image.aspect", "at most 10 times as long as wide"),
        (encode(np.zeros((70, 80, 3), np.uint8))[:-30], "style_image.damaged", "Invalid PNG"),
        (encode(np.zeros((2001, 2000), np.uint8)), "style_image.large", "at most 4000000 pixels"),
    ],
)
def test_what_is_no_style_image_is_refused_by_both_with_a_code(engines, data, code, said):
    *codes, of_session, of_onnx = engines.refusals("encode_style", image_bytes=strings(data))
    assert codes == [code, code]
    assert said in of_session
    assert said in of_onnx


def test_the_longest_style_image_that_is_taken_is_ten_to_one(engines):
    for answer in engines("encode_style", image_bytes=strings(encode(np.zeros((640, 64, 3), np.uint8)))):
        assert np.isfinite(answer["style_vectors"]).all()


def test_vectors_of_named_styles_paint_what_their_names_do(engines, photo):
    described, same = engines("describe")
    np.testing.assert_array_equal(described["style_vectors"], same["style_vectors"])
    assert described["trunk"].tolist() == same["trunk"].tolist()
    first, second = described["style_vectors"]
    by_name = {
        **request(photo, [first]),
        "region_weights": np.array([[[1, 1]]], np.float32),
    }
    del by_name["style_vectors"]

    for answer in painted(engines, photo, [(first + second) / 2]):
        for named in engines("encoded", **by_name):
            assert np.abs(answer - decode(named["image_bytes"][0])).max() <= 1


def test_regions_strength_and_kept_colours_act_on_vectors_as_on_names(engines, photo):
    first, second = engines.onnx.predict("describe", {})["style_vectors"]
    left = np.tile(np.linspace(255, 0, photo.shape[1]).astype(np.uint8), (photo.shape[0], 1))
    masks = (encode(left), encode(255 - left))
    vectors = request(photo, [first, second], masks, 0.7, True)
    names = {key: value for key, value in vectors.items() if key != "style_vectors"}
    names["region_weights"] = np.eye(2, dtype=np.float32)[None]

    expected = decode(engines.session("encoded", **names)["image_bytes"][0]).astype(int)
    for answer in engines("stylize_vectors", **vectors):
        assert np.abs(decode(answer["image_bytes"][0]) - expected).max() <= 1


@pytest.mark.parametrize(
    ("vectors", "code", "said"),
    [
        (np.zeros((1, 5)), "vectors.size", "of 64 numbers each"),
        (np.full((1, 64), np.nan), "vectors.range", "Got 64 that are not finite"),
    ],
)
def test_vectors_of_another_network_or_not_finite_are_refused_by_both_with_a_code(engines, photo, vectors, code, said):
    *codes, of_session, of_onnx = engines.refusals("stylize_vectors", **request(photo, vectors))
    assert codes == [code, code]
    assert said in of_session
    assert said in of_onnx


def test_signatures_are_those_of_the_contract(engines):
    for name in ("encode_style", "stylize_vectors", "describe"):
        definition, signature = engines.session.signatures[name], SIGNATURES[name]
        assert set(definition.inputs) == set(signature.inputs)
        assert set(definition.outputs) == set(signature.outputs)


def test_the_encoder_takes_a_byte_a_weight_of_vgg19_in_both(version):
    """3.5 million weights; as floats they would be 14 MB each time."""
    assert 3.5e6 < (version / ONNX_FOLDER / ENCODER_FILE).stat().st_size < 4e6
    assert (version / "variables" / "variables.data-00000-of-00001").stat().st_size < 4e6
    assert ENCODER_FILE in json.loads((version / ONNX_FOLDER / MANIFEST_FILE).read_text())["sha256"]


def test_a_stylizer_encodes_paints_and_mixes(version, photo, painting, tmp_path):
    for engine in ("onnx", SavedModelEngine(version)):
        stylizer = Stylizer(engine, None if engine != "onnx" else version)
        kiss = stylizer.encode_style(painting, name="kiss", title="The Kiss")
        assert (kiss.name, kiss.title, kiss.trunk) == ("kiss", "The Kiss", stylizer.style_table().trunk)
        with Image.open(io.BytesIO(kiss.thumbnail)) as thumbnail:
            assert (thumbnail.format, thumbnail.size) == ("JPEG", (160, 160))
        alone = stylizer.stylize(photo, kiss).pixels.astype(int)
        mixed = stylizer.stylize(photo, {kiss: 1, "first": 1}).pixels.astype(int)
        named = stylizer.stylize(photo, "first").pixels.astype(int)
        assert min(np.abs(alone - named).mean(), np.abs(mixed - named).mean(), np.abs(mixed - alone).mean()) > 0.5
        halves = stylizer.stylize(photo, regions=[("left", "first"), ("right", kiss)], fade=0).pixels.astype(int)
        assert np.abs(halves[:, :10] - named[:, :10]).mean() < np.abs(halves[:, :10] - alone[:, :10]).mean()


def test_a_model_without_an_encoder_paints_vectors_and_says_that_it_cannot_encode(tiny_models, photo, painting):
    version = tiny_models / "tiny" / "1"
    for engine in (OnnxEngine(version), SavedModelEngine(version)):
        stylizer = Stylizer(engine)
        assert isinstance(stylizer.style_table(), StyleTable)
        with pytest.raises(ModelError, match="the model has no style encoder"):
            stylizer.encode_style(painting)
