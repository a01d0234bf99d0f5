"""A model of a few operations with the wire contract's names, small enough to load in a blink.

`python -m testing.toy_model DIR` writes what a TensorFlow Serving has to serve for `tests/serving/conformance/`.
"""

import sys
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

STYLES = ("invert", "black", "white")
SIGNATURES = ("serving_default", "encoded", "encode_style", "stylize_vectors", "describe", "slow")
TRUNK = "0123456789abcdef"

# Of the models the conformance tests ask for. Only the latest of `other` is served.
VERSIONS = ("tfstyle/1", "other/3", "other/7", "defaults/1")

CONFIG = """model_config_list {
  config { name: "tfstyle" base_path: "/models/tfstyle" model_platform: "tensorflow" }
  config { name: "other" base_path: "/models/other" model_platform: "tensorflow" }
  config { name: "defaults" base_path: "/models/defaults" model_platform: "tensorflow" }
}
"""


class ToyModel(tf.Module):
    """Signatures of the contract; a style is a constant gray and the first one inverts. A vector is that number."""

    def __init__(self) -> None:
        super().__init__()
        self.grays = tf.Variable([-1.0, 0.0, 255.0])  # so that there is something to restore

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.uint8, "image"),
            tf.TensorSpec([None, None], tf.float32, "style_weights"),
        ]
    )
    def serving_default(self, image, style_weights):
        return {"stylized": self._paint(image, style_weights)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "image_bytes"),
            tf.TensorSpec([None, None, None], tf.float32, "region_weights"),
            tf.TensorSpec([None, None], tf.string, "region_masks"),
            tf.TensorSpec([None], tf.float32, "strength"),
            tf.TensorSpec([None], tf.bool, "preserve_color"),
            tf.TensorSpec([None], tf.string, "format"),
        ]
    )
    def encoded(self, image_bytes, region_weights, region_masks, strength, preserve_color, format):
        def one(args):
            data, weights, strength = args
            photo = tf.image.decode_png(data, channels=3, name="photo.damaged")
            painting = tf.cast(self._paint(photo[None], weights)[0], tf.float32)
            mixed = tf.cast(photo, tf.float32) * (1 - strength) + painting * strength
            return tf.io.encode_png(tf.cast(tf.round(mixed), tf.uint8))

        used = [tf.size(region_masks), tf.size(preserve_color), tf.size(format)]
        with tf.control_dependencies(used):
            painted = tf.map_fn(one, (image_bytes, region_weights, strength), fn_output_signature=tf.string)
        return {"image_bytes": painted}

    @tf.function(input_signature=[])
    def describe(self):
        return {
            "style_names": tf.constant(STYLES),
            "titles": tf.constant(["Inverted", "Black", "White"]),
            "artists": tf.constant(["Nobody", "Malevich", "Malevich"]),
            "years": tf.constant(["", "1915", "1918"]),
            "thumbnails": tf.constant([b"\xff\xd8\x00", b"\xff\xd8", b""]),
            "max_pixels": tf.constant([1_000_000], tf.int64),
            "style_vectors": self.grays[:, None],
            "trunk": tf.constant([TRUNK]),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def encode_style(self, image_bytes):
        """The mean of a style image."""

        def one(data):
            pixels = tf.io.decode_png(data, channels=3, name="style_image.damaged")
            return tf.reduce_mean(tf.cast(pixels, tf.float32))[None]

        return {"style_vectors": tf.map_fn(one, image_bytes, fn_output_signature=tf.TensorSpec([1], tf.float32))}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "image_bytes"),
            tf.TensorSpec([None, None, None], tf.float32, "style_vectors"),
            tf.TensorSpec([None, None], tf.string, "region_masks"),
            tf.TensorSpec([None], tf.float32, "strength"),
            tf.TensorSpec([None], tf.bool, "preserve_color"),
            tf.TensorSpec([None], tf.string, "format"),
        ]
    )
    def stylize_vectors(self, image_bytes, style_vectors, region_masks, strength, preserve_color, format):
        """Photos in the gray of their first region's vector."""

        def one(args):
            data, vector = args
            photo = tf.image.decode_png(data, channels=3, name="photo.damaged")
            return tf.io.encode_png(self._gray(photo[None], vector[:, 0])[0])

        fine = tf.debugging.Assert(
            tf.reduce_all(tf.math.is_finite(style_vectors)), ["[vectors.range] Expected finite numbers."]
        )
        used = [fine, *(tf.size(unread) for unread in (region_masks, strength, preserve_color, format))]
        with tf.control_dependencies(used):
            painted = tf.map_fn(one, (image_bytes, style_vectors[:, :1]), fn_output_signature=tf.string)
        return {"image_bytes": painted}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "rounds")])
    def slow(self, rounds):
        """As many matrix products as asked for, about a millisecond each."""
        matrix = tf.eye(300)
        for _ in tf.range(rounds[0]):
            matrix = tf.matmul(matrix, matrix)
        return {"sum": tf.reduce_sum(matrix)[None], "rounds": rounds}

    def _paint(self, image, weights):
        ok = tf.debugging.assert_less_equal(tf.shape(weights)[1], 3, message="Expected at most 3 style columns, got")
        with tf.control_dependencies([ok]):
            return self._gray(image, tf.gather(self.grays, tf.argmax(weights, axis=1)))

    def _gray(self, image, grays):
        grays = tf.reshape(grays, [-1, 1, 1, 1]) + tf.zeros_like(tf.cast(image, tf.float32))
        return tf.cast(tf.where(grays < 0, 255.0 - tf.cast(image, tf.float32), grays), tf.uint8)


def save(path: Path, model: ToyModel | None = None) -> None:
    """Export a version."""
    model = model or ToyModel()
    tf.saved_model.save(model, str(path), signatures={name: getattr(model, name) for name in SIGNATURES})


def add_default(path: Path) -> None:
    """Give the weights of an exported version a default, which no exporter of TensorFlow writes."""
    saved = SavedModel.FromString((path / "saved_model.pb").read_bytes())
    signature = saved.meta_graphs[0].signature_def["serving_default"]
    signature.defaults["style_weights"].CopyFrom(tf.make_tensor_proto([[1.0, 0.0, 0.0]]))
    (path / "saved_model.pb").write_bytes(saved.SerializeToString())


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for version in VERSIONS:
        save(folder / version)
    add_default(folder / "defaults/1")
    (folder / "models.config").write_text(CONFIG)
