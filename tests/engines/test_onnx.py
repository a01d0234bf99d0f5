"""The engine without TensorFlow, on a network that paints plain colours, so that what comes out is known exactly."""

import io
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engines import toy_onnx
from tests.engines.toy_onnx import COLORS
from tfstyle import Stylizer
from tfstyle.contract.catalog import CATALOG_FILE, Catalog
from tfstyle.engines import onnx_session
from tfstyle.engines.onnx import OnnxEngine
from tfstyle.engines.onnx_files import MANIFEST_FILE, NETWORK_FILE, ONNX_FOLDER
from tfstyle.errors import MaskError, ModelError, PhotoError, RequestError
from tfstyle.imaging.color import rgb_to_yiq

RED, GREEN, BLUE = (np.array(color) for color in COLORS.values())


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return toy_onnx.write(tmp_path_factory.mktemp("models") / "toy" / "1")


@pytest.fixture(scope="module")
def engine(version):
    return OnnxEngine(version, threads=1)


@pytest.fixture
def photo(rng):
    return rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)


def encode(pixels, form="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def decode(encoded):
    return np.asarray(Image.open(io.BytesIO(encoded)))


def strings(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def request(image, weights=((1, 0, 0),), masks=(b"",), strength=1.0, preserve_color=False, format=b"png"):
    """Inputs of `encoded` for one picture."""
    return {
        "image_bytes": strings(image),
        "region_weights": np.array([weights], np.float32),
        "region_masks": strings(*masks)[None],
        "strength": np.array([strength], np.float32),
        "preserve_color": np.array([preserve_color]),
        "format": strings(format),
    }


def painted(engine, *arguments, **options):
    return decode(engine.predict("encoded", request(*arguments, **options))["image_bytes"][0])


def test_it_describes_its_styles_as_its_catalog_does(engine, version):
    assert Catalog.from_describe(engine.predict("describe", {})) == Catalog.load(version / CATALOG_FILE)


def test_styles_mix_in_proportion(engine, photo):
    np.testing.assert_array_equal(painted(engine, encode(photo), [[3, 0, 0]]), np.full_like(photo, RED))
    mixed = painted(engine, encode(photo), [[1e38, 3e38, 0]])  # whose sum leaves the range of float32
    np.testing.assert_array_equal(mixed, np.full_like(photo, np.rint(0.25 * RED + 0.75 * GREEN)))


def test_fewer_columns_than_styles_are_padded(engine, photo):
    np.testing.assert_array_equal(painted(engine, encode(photo), [[2]]), np.full_like(photo, RED))


def test_a_mask_and_a_strength_say_how_much_of_the_stylized_image(engine, photo):
    mask = np.linspace(0, 255, photo.shape[0] * photo.shape[1]).reshape(photo.shape[:2]).astype(np.uint8)
    expected = photo + 0.5 * (mask[:, :, None] / 255) * (RED - photo.astype(float))
    answer = painted(engine, encode(photo), masks=[encode(mask)], strength=0.5)
    assert np.abs(answer - expected).max() <= 0.5 + 1e-4


def test_regions_mix_by_mask_times_weight_and_fade_where_masks_end(engine, photo):
    left, soft = np.zeros(photo.shape[:2], np.uint8), np.full(photo.shape[:2], 51, np.uint8)  # 0.2
    left[:, :10] = 255
    answer = painted(engine, encode(photo), [[1, 0, 0], [0, 3, 0]], [encode(left), encode(soft)])

    mixed = (RED + 0.2 * 3 * GREEN) / (1 + 0.2 * 3)
    assert np.abs(answer[:, :10] - mixed).max() <= 1
    expected = photo[:, 10:] + 0.2 * (GREEN - photo[:, 10:].astype(float))
    assert np.abs(answer[:, 10:] - expected).max() <= 0.5 + 1e-4


def test_a_region_without_a_style_leaves_the_photo(engine, photo):
    left = np.zeros(photo.shape[:2], np.uint8)
    left[:, :10] = 255
    answer = painted(engine, encode(photo), [[1, 0, 0], [0, 0, 0]], [encode(left), b""])
    np.testing.assert_array_equal(answer[:, 10:], photo[:, 10:])
    np.testing.assert_array_equal(answer[:, :10], np.full_like(photo[:, :10], RED))


@pytest.mark.parametrize(
    "options",
    [
        {"strength": 0},
        {"weights": [[0, 0, 0]]},
        {"weights": [[0, 0, 0], [0, 0, 0]], "masks": [b"", b""]},
        {"masks": [encode(np.zeros((40, 30), np.uint8))]},
    ],
)
def test_without_strength_style_or_mask_the_photo_comes_back_bit_for_bit(engine, photo, options):
    np.testing.assert_array_equal(painted(engine, encode(photo), **options), photo)


def test_preserved_colours_take_brightness_alone(engine, photo):
    answer = painted(engine, encode(photo), preserve_color=True)
    difference = np.abs(rgb_to_yiq(answer) - rgb_to_yiq(photo))
    assert difference[..., 1:].max() <= 0.5 * 1.2  # each channel is rounded by at most 0.5
    assert difference[..., 0].max() > 20


def test_photos_of_a_batch_may_differ_in_size(engine, photo):
    inputs = {name: np.concatenate([value, value]) for name, value in request(encode(photo)).items()}
    inputs["image_bytes"] = strings(encode(photo), encode(photo[:20], "JPEG"))
    sizes = [decode(answer).shape for answer in engine.predict("encoded", inputs)["image_bytes"]]
    assert sizes == [(40, 30, 3), (20, 30, 3)]


@pytest.mark.parametrize("form", [b"png", b"jpeg"])
def test_the_answer_comes_in_the_format_asked_for(engine, photo, form):
    data = engine.predict("encoded", request(encode(photo), format=form))["image_bytes"][0]
    assert Image.open(io.BytesIO(data)).format == form.decode().upper()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16", "1"])
def test_pictures_of_other_modes_are_rgb_without_what_is_transparent(engine, photo, mode):
    image = Image.fromarray(photo)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) << 8)
        expected = np.repeat((np.asarray(image) >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    else:
        image = image.convert(mode)
        expected = np.asarray(image.convert("RGB"))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    np.testing.assert_array_equal(painted(engine, buffer.getvalue(), strength=0), expected)


def test_the_default_signature_paints_arrays(engine, photo):
    weights = np.array([[1, 0, 0], [0, 0, 0]], np.float32)
    answer = engine.predict("serving_default", {"image": np.stack([photo, photo]), "style_weights": weights})
    np.testing.assert_array_equal(answer["stylized"], np.stack([np.full_like(photo, RED), photo]))


def test_arrays_are_painted_where_a_mask_says(engine, photo):
    mask = np.linspace(0, 1, 2 * 40 * 30, dtype=np.float32).reshape(2, 40, 30, 1)
    answer = engine.predict(
        "controlled",
        {
            "image": np.stack([photo, photo]),
            "style_weights": np.array([[1, 0, 0], [0, 2, 0]], np.float32),
            "strength": np.array([1, 0.5], np.float32),
            "mask": mask,
            "preserve_color": np.array([False, False]),
        },
    )
    for stylized, share, where, color in zip(answer["stylized"], (1, 0.5), mask, (RED, GREEN), strict=True):
        assert np.abs(stylized - (photo + share * where * (color - photo.astype(float)))).max() <= 0.5 + 1e-4


def test_arrays_are_painted_in_a_mix_per_pixel_and_stay_photo_without_any(engine, photo):
    style_map = np.zeros((1, 40, 30, 3), np.float32)
    style_map[:, :, 10:, 1], style_map[:, :, 10:, 2] = 3, 1
    inputs = {"image": photo[None], "style_map": style_map, "strength": np.ones(1, np.float32)}
    (stylized,) = engine.predict("regions", {**inputs, "preserve_color": np.array([False])})["stylized"]
    np.testing.assert_array_equal(stylized[:, :10], photo[:, :10])
    np.testing.assert_array_equal(stylized[:, 10:], np.full_like(photo[:, 10:], np.rint(0.75 * GREEN + 0.25 * BLUE)))


PHOTO = encode(np.zeros((20, 30, 3), np.uint8))
JPEG = encode(np.arange(20 * 30 * 3).reshape(20, 30, 3).astype(np.uint8), "JPEG")
GRAY = encode(np.zeros((20, 30), np.uint8))


def png_header(width, height):
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", width, height, 8, 2, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "kind", "code", "sentence"),
    [
        ({"image": b""}, PhotoError, "photo.format", "Expected a JPEG or PNG in image_bytes. Got 0 bytes of some"),
        ({"image": b"GIF89a and more"}, PhotoError, "photo.format", "Got 15 bytes of something else"),
        ({"image": PHOTO[:40]}, PhotoError, "photo.damaged", "Invalid PNG data"),
        ({"image": PHOTO[:-30]}, PhotoError, "photo.damaged", "Invalid PNG data"),
        ({"image": JPEG[: len(JPEG) // 2]}, PhotoError, "photo.damaged", "Invalid JPEG data"),
        ({"image": b"\xff\xd8\xff"}, PhotoError, "photo.damaged", "Invalid JPEG data"),
        ({"image": png_header(30_000, 30_000)}, PhotoError, "photo.large", "Got 30000 x 30000 .*larger than 244 x 244"),
        ({"image": png_header(15, 200)}, PhotoError, "photo.small", "at least 16 x 16 pixels. Got 200 x 15"),
        ({"weights": [[1, 0, 0, 0]]}, RequestError, "weights.columns", "at most 3 style columns in region_weights"),
        ({"weights": [[1, -1, 0]]}, RequestError, "weights.range", "finite and not negative. Got a smallest of -1"),
        ({"weights": [[np.nan, 0, 0]]}, RequestError, "weights.range", "finite and not negative"),
        ({"strength": 1.5}, RequestError, "strength.range", "Expected strength in 0..1. Got a smallest of 1.5"),
        ({"strength": np.nan}, RequestError, "strength.range", "Expected strength in 0..1"),
        ({"format": b"gif"}, RequestError, "request.format", "Expected format jpeg or png. Got 3 bytes"),
        ({"masks": [b"", b""]}, RequestError, "request.regions", "region_weights has 1 regions, region_masks 2"),
        ({"weights": [[1]] * 9, "masks": [b""] * 9}, RequestError, "request.regions", "at most 8 regions .* Got: 9"),
        ({"masks": [encode(np.zeros((20, 29), np.uint8))]}, MaskError, "mask.size", r"\[20 30\] .*Got: \[20 29\]"),
        ({"masks": [b"no picture"]}, MaskError, "mask.format", "Expected a JPEG or PNG in region_masks. Got 10 bytes"),
        ({"masks": [GRAY[:40]]}, MaskError, "mask.damaged", "Invalid PNG data"),
    ],
)
def test_what_the_graph_refuses_is_refused_in_its_words(engine, changes, kind, code, sentence):
    with pytest.raises(kind, match=sentence) as refused:
        engine.predict("encoded", request(**{"image": PHOTO, **changes}))
    assert refused.value.graph_code == code


ARRAYS = {
    "image": np.zeros((1, 20, 30, 3), np.uint8),
    "style_weights": np.ones((1, 3), np.float32),
    "strength": np.ones(1, np.float32),
    "mask": np.ones((1, 20, 30, 1), np.float32),
    "preserve_color": np.array([True]),
}


@pytest.mark.parametrize(
    ("changes", "kind", "code", "sentence"),
    [
        ({"image": np.zeros((1, 20, 30, 4), np.uint8)}, PhotoError, "photo.channels", "3 channels, RGB. Got: 4"),
        ({"mask": np.ones((1, 20, 29, 1), np.float32)}, MaskError, "mask.size", r"\[1 20 30 1\] .*Got: \[1 20 29 1\]"),
        ({"mask": np.full((1, 20, 30, 1), 2, np.float32)}, MaskError, "mask.range", "Expected mask in 0..1.*of 2"),
        ({"strength": np.ones(2, np.float32)}, RequestError, "request.shape", r"every picture, \[1\]. Got: \[2\]"),
        ({"preserve_color": np.array([]) > 0}, RequestError, "request.shape", r"every picture, \[1\]. Got: \[0\]"),
    ],
)
def test_arrays_that_the_graph_refuses_are_refused_in_its_words(engine, changes, kind, code, sentence):
    with pytest.raises(kind, match=sentence) as refused:
        engine.predict("controlled", {**ARRAYS, **changes})
    assert refused.value.graph_code == code


def test_pictures_that_are_too_many_together_are_refused(engine):
    inputs = {name: np.repeat(value, 101, axis=0) for name, value in request(PHOTO).items()}
    with pytest.raises(RequestError, match=r"at most 60000 pixels in all pictures of a request together. Got 60600"):
        engine.predict("encoded", inputs)


def test_values_for_fewer_pictures_than_there_are_are_refused(engine):
    inputs = request(PHOTO)
    inputs["image_bytes"] = strings(PHOTO, PHOTO)
    with pytest.raises(RequestError, match=r"region_weights for every picture of image_bytes: \[2\] pictures"):
        engine.predict("encoded", inputs)


def test_other_signatures_and_inputs_are_refused(engine):
    with pytest.raises(ModelError, match=r"Expected one of serving_default, .* as signature, got 'other'"):
        engine.predict("other", {})
    with pytest.raises(RequestError, match=r"Expected the inputs .* for 'encoded', got image_bytes"):
        engine.predict("encoded", {"image_bytes": strings(PHOTO)})
    with pytest.raises(RequestError, match="Expected strength of float32 with 1 axes, got float64 with 1"):
        engine.predict("encoded", {**request(PHOTO), "strength": np.ones(1)})


@pytest.fixture
def broken(tmp_path):
    """A version to be damaged."""
    return toy_onnx.write(tmp_path / "toy" / "1")


def test_a_version_without_the_files_says_how_to_write_them(broken):
    (broken / ONNX_FOLDER / MANIFEST_FILE).unlink()
    with pytest.raises(ModelError, match=f"write it with: tfstyle export {broken} --add-onnx, or use --engine tensor"):
        OnnxEngine(broken)


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(file.read_bytes()[:-1]), Path.unlink])
@pytest.mark.parametrize("name", [NETWORK_FILE, "style_table.npy", "regions.onnx"])
def test_a_damaged_or_missing_file_is_one_sentence(broken, photo, name, damage):
    damage(broken / ONNX_FOLDER / name)
    with pytest.raises(ModelError, match=f"{name}: .*write it again with: tfstyle export {broken} --add-onnx"):
        painted(OnnxEngine(broken), encode(photo), [[1], [0, 1][:1]] if name == "regions.onnx" else [[1]],
                masks=[b"", b""] if name == "regions.onnx" else [b""])  # fmt: skip


def test_a_foreign_file_with_its_own_checksum_is_refused_by_its_styles(broken):
    path = broken / ONNX_FOLDER / MANIFEST_FILE
    path.write_text(path.read_text().replace("green", "yellow"))
    with pytest.raises(ModelError, match="red, green, blue, got red, yellow, blue; write it again"):
        OnnxEngine(broken)


def test_a_manifest_that_is_none_is_one_sentence(broken):
    (broken / ONNX_FOLDER / MANIFEST_FILE).write_text(json.dumps([1]))
    with pytest.raises(ModelError, match="expected a manifest, got something else"):
        OnnxEngine(broken)


def test_without_onnx_runtime_it_says_what_to_install(version, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match="pip install onnxruntime"):
        OnnxEngine(version)


class NoMemory:
    def run(self, *_):
        raise RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc")


def test_too_little_memory_is_told_as_such(version, photo):
    engine = OnnxEngine(version)
    engine.__dict__["_network"] = NoMemory()
    with pytest.raises(PhotoError, match="too large for the memory of this machine; set a smaller max size"):
        painted(engine, encode(photo))


def test_a_gpu_is_used_where_onnx_runtime_has_it(monkeypatch):
    import onnxruntime

    there = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
    assert onnx_session.providers() == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert onnx_session.description(threads=3).endswith(", CUDA, 3 threads")


def test_it_says_what_it_runs_on(engine):
    assert engine.provider in onnx_session.description(threads=1)
    assert onnx_session.description(threads=1).endswith(" 1 thread")


def test_it_is_the_engine_of_a_stylizer_and_loads_no_tensorflow(version):
    code = f"""
import sys, numpy as np, tfstyle
stylized = tfstyle.Stylizer(model={str(version)!r}).stylize(np.zeros((20, 20, 3), np.uint8), "red")
assert stylized.pixels[0, 0].tolist() == {RED.tolist()}, stylized.pixels[0, 0]
assert "onnxruntime" in sys.modules
assert not {{"tensorflow", "keras", "onnx"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_version_for_onnx_runtime_alone_has_nothing_for_tensorflow(version):
    with pytest.raises(ModelError, match="has no SavedModel, which TensorFlow needs; use --engine onnx"):
        Stylizer("tensorflow", version).stylize(np.zeros((20, 20, 3), np.uint8), "red")


def test_an_engine_that_is_none_is_refused(version):
    with pytest.raises(RequestError, match="Expected onnx or tensorflow as the engine of this process, got 'torch'"):
        Stylizer("torch", version)
