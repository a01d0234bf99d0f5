"""The exported model, driven the way TensorFlow Serving drives it: a session, fed and fetched by tensor names."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfstyle.contract.graph_errors import graph_code
from tfstyle.contract.signatures import SIGNATURES
from tfstyle.imaging.color import luminance_only, rgb_to_yiq
from tfstyle.networks.checkpoint import Checkpoint

FIRST, SECOND, BOTH = ([1, 0], [0, 1], [0.5, 0.5])


class Session:
    """One version in a session; `model(signature, **inputs)` gives its outputs by name."""

    def __init__(self, folder):
        graph = tf.Graph()
        with graph.as_default():
            self.session = tf.compat.v1.Session(graph=graph)
            self.signatures = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder)).signature_def

    def __call__(self, signature, **inputs):
        definition = self.signatures[signature]
        fetches = {name: info.name for name, info in definition.outputs.items()}
        return self.session.run(fetches, {definition.inputs[name].name: value for name, value in inputs.items()})

    def encoded(self, images, weights, masks, strength=1.0, preserve_color=False, form="png"):
        count = len(images)
        answer = self(
            "encoded",
            image_bytes=np.array(images, object),
            region_weights=np.array(weights, "float32"),
            region_masks=np.array(masks, object),
            strength=np.full(count, strength, "float32"),
            preserve_color=np.full(count, preserve_color),
            format=np.array([form.encode()] * count, object),
        )
        return list(answer["image_bytes"])


@pytest.fixture(scope="module")
def model(tiny_models):
    return Session(tiny_models / "tiny" / "1")


@pytest.fixture(scope="module")
def reference(tiny_models):
    """The network in Python, floats out."""
    model = Checkpoint.load(tiny_models / "tiny" / "1")

    def paint(image, style):
        style = np.asarray(style, "float32")
        if style.ndim == 4:
            return np.array(model.trunk(image, np.tile(model.table, (len(image), 1, 1)), style))
        return np.array(model.trunk(image, (style @ model.table)[:, None]))

    return paint


@pytest.fixture
def photos(rng):
    """Two smooth pictures of 33 x 47."""
    coarse = rng.integers(0, 256, (2, 5, 6, 3), dtype="uint8")
    return np.stack([np.asarray(Image.fromarray(c).resize((47, 33), Image.Resampling.BICUBIC)) for c in coarse])


def encode(pixels, form="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def decode(encoded):
    return np.asarray(Image.open(io.BytesIO(encoded)))


def floats(*values):
    return np.array(values, "float32")


def test_the_model_has_exactly_the_signatures_of_the_contract(model):
    described = {
        name: (
            {key: tf.dtypes.as_dtype(info.dtype).name for key, info in definition.inputs.items()},
            {key: tf.dtypes.as_dtype(info.dtype).name for key, info in definition.outputs.items()},
        )
        for name, definition in model.signatures.items()
        if not name.startswith("__")
    }

    assert described == {
        name: (
            {key: info.dtype for key, info in signature.inputs.items()},
            {key: info.dtype for key, info in signature.outputs.items()},
        )
        for name, signature in SIGNATURES.items()
        if name != "encode_style"  # that of models with a style encoder, see test_any_style.py
    }
    for name, signature in SIGNATURES.items():
        for key, info in signature.inputs.items():
            if name in model.signatures:
                assert len(model.signatures[name].inputs[key].tensor_shape.dim) == len(info.shape), key


def test_describe_tells_the_catalog(model):
    answer = model("describe")

    assert answer["style_names"].tolist() == [b"first", b"second"]
    assert [title.decode() for title in answer["titles"]] == ["The First", "Die Zweite"]
    assert [artist.decode() for artist in answer["artists"]] == ["A. Painter", "Ä. Maler"]
    assert [year.decode() for year in answer["years"]] == ["1900", "c. 1901"]
    assert [decode(thumbnail).shape for thumbnail in answer["thumbnails"]] == [(160, 160, 3)] * 2
    assert answer["max_pixels"].tolist() == [4_000_000]
    assert answer["max_regions"].tolist() == [8]


def test_the_default_signature_agrees_with_the_network_in_python(model, reference, photos):
    answer = model("serving_default", image=photos, style_weights=floats([3, 0], [2, 2]))["stylized"]

    expected = np.round(reference(photos, [FIRST, BOTH]))
    assert answer.dtype == np.uint8
    assert np.abs(answer - expected).max() <= 1


def test_controls_act_in_the_order_of_the_contract_and_are_rounded_once(model, reference, photos, rng):
    mask = rng.random((2, 33, 47, 1), dtype="float32")
    answer = model(
        "controlled",
        image=photos,
        style_weights=floats(FIRST, BOTH),
        strength=floats(0.5, 1),
        mask=mask,
        preserve_color=np.array([True, False]),
    )["stylized"]

    stylized = reference(photos, [FIRST, BOTH])
    stylized[0] = luminance_only(stylized[0], photos[0])
    expected = photos + floats(0.5, 1)[:, None, None, None] * mask * (stylized - photos)
    assert np.abs(answer - np.round(expected)).max() <= 1


def test_regions_paint_every_pixel_in_its_own_mix(model, reference, photos):
    style_map = np.zeros((2, 33, 47, 2), "float32")
    style_map[:, :, :24, 0] = 2
    style_map[:, :, 24:, 1] = 0.5
    style_map[:, :5] = 0
    answer = model(
        "regions", image=photos, style_map=style_map, strength=floats(1, 1), preserve_color=np.array([False, False])
    )["stylized"]

    total = style_map.sum(-1, keepdims=True)
    expected = np.round(reference(photos, style_map / np.where(total > 0, total, 1)))
    expected[:, :5] = photos[:, :5]
    assert np.abs(answer - expected).max() <= 1
    np.testing.assert_array_equal(answer[:, :5], photos[:, :5])


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_encoded_equals_the_raw_signature_between_the_same_decode_and_encode(model, photos, form):
    given = [encode(photos[0], "JPEG", quality=92), encode(photos[1][:20, :30])]
    answer = model.encoded(given, [[FIRST], [BOTH]], [[b""], [b""]], strength=0.75, preserve_color=True, form=form)

    for encoded, bytes_in, mix in zip(answer, given, (FIRST, BOTH), strict=True):
        image = tf.io.decode_image(bytes_in, channels=3)
        if bytes_in.startswith(b"\xff\xd8"):
            image = tf.io.decode_jpeg(bytes_in, channels=3, dct_method="INTEGER_ACCURATE")
        raw = model(
            "controlled",
            image=image.numpy()[None],
            style_weights=floats(mix),
            strength=floats(0.75),
            mask=np.ones((1, *image.shape[:2], 1), "float32"),
            preserve_color=np.array([True]),
        )["stylized"][0]
        if form == "png":
            np.testing.assert_array_equal(decode(encoded), raw)
        else:
            assert encoded == tf.io.encode_jpeg(raw, quality=95, chroma_downsampling=False).numpy()


def test_encoded_regions_mix_by_mask_times_weight_and_fade_where_masks_end(model, reference, photos):
    """Coverage is the sum of the masks, at most 1: a soft edge fades, overlapping regions mix."""
    left = np.zeros((33, 47), "uint8")
    left[:, :20] = 255
    soft = np.full((33, 47), 51, "uint8")  # 0.2
    (answer,) = model.encoded([encode(photos[0])], [[[1, 0], [0, 3]]], [[encode(left), encode(soft)]])

    masks = np.stack([left, soft]).astype("float32")[:, :, :, None] / 255
    style_map = masks[0] * floats(1, 0) + masks[1] * floats(0, 3)
    style_map /= style_map.sum(-1, keepdims=True)
    stylized = reference(photos[:1], style_map[None])[0]
    expected = photos[0] + np.minimum(masks.sum(0), 1) * (stylized - photos[0])
    assert np.abs(decode(answer) - np.round(expected)).max() <= 1


def test_a_region_without_a_style_leaves_the_photo(model, photos):
    left = np.zeros((33, 47), "uint8")
    left[:, :20] = 255
    (answer,) = model.encoded([encode(photos[0])], [[[1, 0], [0, 0]]], [[encode(left), b""]])

    np.testing.assert_array_equal(decode(answer)[:, 20:], photos[0, :, 20:])
    assert (decode(answer)[:, :20] != photos[0, :, :20]).any()


def test_without_strength_mask_or_style_the_photo_comes_back_bit_for_bit(model, photos):
    ones, yes = np.ones((2, 33, 47, 1), "float32"), np.array([True, False])
    first = floats(FIRST, BOTH)

    def controlled(style_weights=first, strength=(1, 1), mask=ones):
        return model(
            "controlled",
            image=photos,
            style_weights=style_weights,
            strength=floats(*strength),
            mask=mask,
            preserve_color=yes,
        )["stylized"]

    np.testing.assert_array_equal(controlled(strength=(0, 0)), photos)
    np.testing.assert_array_equal(controlled(mask=0 * ones), photos)
    np.testing.assert_array_equal(controlled(style_weights=0 * first), photos)
    unstyled = model("serving_default", image=photos, style_weights=0 * first)["stylized"]
    np.testing.assert_array_equal(unstyled, photos)
    (answer,) = model.encoded([encode(photos[0])], [[FIRST]], [[b""]], strength=0)
    np.testing.assert_array_equal(decode(answer), photos[0])
    (answer,) = model.encoded([encode(photos[0])], [[FIRST]], [[encode(np.zeros((33, 47), "uint8"))]])
    np.testing.assert_array_equal(decode(answer), photos[0])


def test_preserved_colours_keep_i_and_q_of_the_photo_within_rounding(model, astronaut):
    photo = astronaut[:256, :256]
    answer = model(
        "controlled",
        image=photo[None],
        style_weights=floats(FIRST),
        strength=floats(1),
        mask=np.ones((1, 256, 256, 1), "float32"),
        preserve_color=np.array([True]),
    )["stylized"][0]

    difference = np.abs(rgb_to_yiq(answer) - rgb_to_yiq(photo))
    # Every channel is rounded by at most 0.5, and the rows of I and Q add up to at most 1.19 and 1.05.
    assert difference[..., 1:].max() <= 0.5 * 1.2
    assert difference[..., 0].max() > 20


def test_a_picture_does_not_depend_on_its_batch_beyond_one_level(model, photos):
    mix = floats(FIRST, BOTH)
    together = model("serving_default", image=photos, style_weights=mix)["stylized"].astype(int)
    for i in range(2):
        alone = model("serving_default", image=photos[i : i + 1], style_weights=mix[i : i + 1])["stylized"][0]
        assert np.abs(together[i] - alone).max() <= 1


def test_missing_columns_are_padded_with_zeros(model, photos):
    """A client that learned the columns of an older version stays right when a style was added."""
    short = model("serving_default", image=photos, style_weights=floats([1], [1]))["stylized"]
    whole = model("serving_default", image=photos, style_weights=floats(FIRST, FIRST))["stylized"]

    np.testing.assert_array_equal(short, whole)


def test_weights_count_in_proportion_however_large_they_are(model, photos):
    """Their sum may leave the range of float32."""
    large = model("serving_default", image=photos, style_weights=floats([3e38, 3e38], [1e-30, 0]))["stylized"]
    small = model("serving_default", image=photos, style_weights=floats(BOTH, FIRST))["stylized"]

    np.testing.assert_array_equal(large, small)
    masks = [[encode(np.full((33, 47), value, "uint8")) for value in (255, 255)]]
    (large,) = model.encoded([encode(photos[0])], [[[3e38, 0], [0, 3e38]]], masks)
    (small,) = model.encoded([encode(photos[0])], [[[1, 0], [0, 1]]], masks)
    np.testing.assert_array_equal(decode(large), decode(small))


IMAGE = np.zeros((1, 20, 30, 3), "uint8")
ONE = floats(FIRST)


def controlled(**changes):
    inputs = {
        "image": IMAGE,
        "style_weights": ONE,
        "strength": floats(1),
        "mask": np.ones((1, 20, 30, 1), "float32"),
        "preserve_color": np.array([False]),
    }
    return {**inputs, **changes}


@pytest.mark.parametrize(
    ("signature", "inputs", "sentence"),
    [
        ("serving_default", {"image": IMAGE, "style_weights": -ONE}, "finite and not negative. Got a smallest of -1"),
        ("serving_default", {"image": IMAGE, "style_weights": floats([np.nan, 0])}, "finite and not negative"),
        ("serving_default", {"image": IMAGE, "style_weights": floats([np.inf, 0])}, "finite and not negative"),
        ("serving_default", {"image": IMAGE, "style_weights": floats([1, 0, 0])}, "at most 2 style columns"),
        ("serving_default", {"image": IMAGE, "style_weights": floats(FIRST, FIRST)}, r"style_weights of shape \[B,N\]"),
        ("serving_default", {"image": IMAGE[:, :15], "style_weights": ONE}, "at least 16 x 16 pixels. Got 15 x 30"),
        ("serving_default", {"image": IMAGE[..., :1], "style_weights": ONE}, "3 channels, RGB. Got: 1"),
        (
            "serving_default",
            {"image": np.zeros((1, 2001, 2000, 3), "uint8"), "style_weights": ONE},
            "at most 4000000 pixels. Got 2001 x 2000 .*no larger than 2000 x 1999",
        ),
        ("controlled", controlled(strength=floats(1.5)), "strength in 0..1. Got a smallest of 1.5"),
        ("controlled", controlled(strength=floats(np.nan)), "strength in 0..1"),
        ("controlled", controlled(strength=floats(1, 1)), "strength for every picture"),
        ("controlled", controlled(mask=np.ones((1, 20, 29, 1), "float32")), r"as large as the picture, \[1 20 30 1\]"),
        ("controlled", controlled(mask=-np.ones((1, 20, 30, 1), "float32")), "mask in 0..1"),
        ("controlled", controlled(preserve_color=np.array([True, True])), "preserve_color for every picture"),
        (
            "regions",
            {
                "image": IMAGE,
                "style_map": np.ones((1, 20, 29, 2), "float32"),
                "strength": floats(1),
                "preserve_color": np.array([False]),
            },
            r"style_map of shape \[B,H,W,N\]",
        ),
    ],
)
def test_bad_tensors_are_refused_with_a_sentence(model, signature, inputs, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        model(signature, **inputs)


PNG = encode(IMAGE[0])
JPEG = encode(np.arange(256 * 20, dtype="uint8").reshape(16, -1, 5)[..., :3].copy(), "JPEG")


def png_header(width, height):
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", width, height, 8, 2, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("image", "mix", "mask", "code", "sentence"),
    [
        (b"", FIRST, b"", "photo.format", "Expected a JPEG or PNG in image_bytes. Got 0 bytes"),
        (b"GIF89a and more", FIRST, b"", "photo.format", "Expected a JPEG or PNG in image_bytes. Got 15 bytes"),
        (PNG[:40], FIRST, b"", "photo.damaged", "Invalid PNG"),
        (JPEG[: len(JPEG) // 2], FIRST, b"", "photo.damaged", "Invalid JPEG data"),
        (b"\xff\xd8\xff", FIRST, b"", "photo.damaged", "Invalid JPEG data"),
        (png_header(30_000, 30_000), FIRST, b"", "photo.large", "Got 30000 x 30000 .*no larger than 2000 x 2000"),
        (
            png_header(30, 20).replace(b"IHDR", b"CgBI") + png_header(30_000, 30_000)[8:],
            FIRST,
            b"",
            "photo.format",
            "JPEG or PNG",
        ),
        (png_header(2**32 - 1, 2**32 - 1), FIRST, b"", "photo.large", "at most 4000000 pixels"),
        (encode(IMAGE[0, :1, :1]), FIRST, b"", "photo.small", "at least 16 x 16 pixels. Got 1 x 1"),
        (PNG, [1, 0, 0], b"", "weights.columns", "at most 2 style columns in region_weights"),
        (PNG, [1, -1], b"", "weights.range", "region_weights that are finite and not negative"),
        (PNG, FIRST, encode(IMAGE[0, :, :29, 0]), "mask.size", r"as large as the picture, \[20 30\]"),
        (PNG, FIRST, b"no picture", "mask.format", "JPEG or PNG in region_masks"),
        (PNG, FIRST, encode(IMAGE[0, :, :, 0])[:40], "mask.damaged", "Invalid PNG"),
        (PNG, FIRST, png_header(30_000, 30_000), "mask.size", r"as large as the picture, \[20 30\]"),
    ],
)
def test_bad_bytes_are_refused_with_a_code_and_a_sentence(model, image, mix, mask, code, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence) as refused:
        model.encoded([image], [[mix]], [[mask]])
    assert graph_code(refused.value.message) == code


def test_an_unknown_format_and_missing_masks_are_refused(model):
    with pytest.raises(tf.errors.InvalidArgumentError, match="format jpeg or png"):
        model.encoded([PNG], [[FIRST]], [[b""]], form="gif")
    with pytest.raises(tf.errors.InvalidArgumentError, match="one mask per region"):
        model.encoded([PNG], [[FIRST]], [[b"", b""]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="region_masks for every picture"):
        model.encoded([PNG, PNG], [[FIRST], [FIRST]], [[b""]])


def test_the_pictures_of_a_request_are_no_larger_together_than_one_may_be(model):
    """Else a request of a few bytes, whose tensors repeat one value, would take any memory and any time."""
    half = np.zeros((1500, 1500, 3), "uint8")
    two = [encode(half, compress_level=1)] * 2

    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"at most 4000000 pixels in all .*Got 4500000 or more in 2"
    ):
        model("serving_default", image=np.stack([half, half]), style_weights=floats(FIRST, FIRST))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"at most 4000000 pixels in all .*Got 4500000 or more in 2"
    ):
        model.encoded(two, [[FIRST]] * 2, [[b""]] * 2)
    many = 4_000_000 // 256 + 1
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"Got 4000256 or more in {many} pictures"):
        model.encoded([b"never looked at"] * many, [[FIRST]] * many, [[b""]] * many)


def test_a_picture_has_at_most_eight_regions(model, photos):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at most 8 regions a picture. Got: 9"):
        model.encoded([PNG], [[FIRST] * 9], [[b""] * 9])
    (answer,) = model.encoded([encode(photos[0])], [[FIRST, SECOND] * 4], [[b""] * 8])
    (mixed,) = model.encoded([encode(photos[0])], [[BOTH]], [[b""]])
    assert np.abs(decode(answer).astype(int) - decode(mixed)).max() <= 1


def test_a_format_that_is_no_text_is_refused_without_repeating_it(model):
    """A message of any bytes is no message: gRPC's are text."""
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[request\.format\] Expected format .* Got 2 bytes"):
        model(
            "encoded",
            image_bytes=np.array([PNG], object),
            region_weights=floats([FIRST]),
            region_masks=np.array([[b""]], object),
            strength=floats(1),
            preserve_color=np.array([False]),
            format=np.array([b"\xff\xfe"], object),
        )


def test_the_graph_runs_in_a_server_without_python_or_xla(tiny_models):
    """Core operations only: no Python function, nothing that asks to be compiled."""
    from tensorflow.core.protobuf import saved_model_pb2

    parsed = saved_model_pb2.SavedModel()
    parsed.ParseFromString((tiny_models / "tiny" / "1" / "saved_model.pb").read_bytes())
    graph = parsed.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]

    assert not {node.op for node in nodes} & {"PyFunc", "EagerPyFunc", "PyFuncStateless", "XlaLaunch"}
    assert not any(node.attr["_XlaMustCompile"].b for node in nodes if "_XlaMustCompile" in node.attr)
    assert not any(function.attr["_XlaMustCompile"].b for function in graph.library.function)
