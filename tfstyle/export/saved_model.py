"""Writes a trained network as TensorFlow Serving reads it: `saved_models/<model>/<version>/`.

    saved_model.pb, variables/                 the signatures of the wire contract
    assets.extra/catalog.json                  the styles, as `describe` tells them
    assets.extra/tf_serving_warmup_requests    requests the server runs before it answers the first one
    assets.extra/model.npz                     the model itself: a SavedModel cannot be trained further
    assets.extra/onnx/                         the network for ONNX Runtime, see `tfstyle.engines.onnx_files`
    assets.extra/golden.png                    one fixed picture in every style: for `publish`
    assets.extra/gram_targets.npz              Gram matrices of the paintings, where they are given: for `evaluate`

The folder is written under a temporary name and renamed, so that a polling server never sees half of it.
"""

import io
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from tfstyle.contract.catalog import CATALOG_FILE, Catalog, Style
from tfstyle.errors import ModelError
from tfstyle.evaluation import distances
from tfstyle.export import onnx
from tfstyle.export.serving_graph import ServingGraph
from tfstyle.model_store import golden_image
from tfstyle.networks.checkpoint import WEIGHTS_FILE, Checkpoint

MAX_PIXELS = 4096 * 3072  # a phone's 12 megapixels
WARMUP_SIZES = ((1280, 960), (960, 1280), (1280, 720), (720, 1280), (512, 512))  # width x height: what phones send
THUMBNAIL_SIZE = 160  # px, square


def export(
    model: Checkpoint,
    target: Path,
    max_pixels: int = MAX_PIXELS,
    targets: Mapping[str, distances.Targets] | None = None,
) -> Path:
    """Writes one version of a model.

    Args:
        model: The trained model; styles without a thumbnail get one here.
        target: The version's folder, such as `saved_models/tfstyle/1`.
        max_pixels: Largest H * W the model shall accept.
        targets: Style name to the Gram matrices of its style image, see `tfstyle.evaluation.distances`.

    Returns:
        `target`.

    Raises:
        ModelError: If `target` is there already, or its name is no version number.
    """
    if not target.name.isdigit():
        raise ModelError(f"Expected a folder named by a version number, such as {target / '1'}. Got: {target}.")
    if target.exists():
        raise ModelError(f"{target} is there already, and versions do not change. Export as the next number.")
    catalog = Catalog(with_thumbnails(model), max_pixels)
    graph = ServingGraph(model, catalog)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A name that is no number: servers skip it while it grows.
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        signatures = graph.signatures()
        tf.saved_model.save(graph, str(temporary), signatures=signatures)
        extra = temporary / "assets.extra"
        model.save(extra / WEIGHTS_FILE)
        onnx.write(model, temporary)
        (temporary / CATALOG_FILE).write_text(catalog.to_json(), encoding="utf-8")
        (temporary / golden_image.GOLDEN_FILE).write_bytes(_golden(signatures["serving_default"], len(catalog)))
        if targets:
            distances.save_targets(extra / distances.TARGETS_FILE, targets)
        write_warmup(
            extra / "tf_serving_warmup_requests",
            target.parent.name,
            model.trunk.style_size,
            encodes=model.encoder is not None,
        )
        temporary.chmod(0o755)  # mkdtemp lets nobody else in, and servers run as somebody else
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target


def with_thumbnails(model: Checkpoint) -> tuple[Style, ...]:
    """The styles, each with a small JPEG of the sample photo's face painted in it; those that have one keep it."""
    with (files("tfstyle") / "assets" / "astronaut.jpg").open("rb") as file:
        photo = np.asarray(Image.open(file).convert("RGB").crop((64, 0, 384, 320)))
    painted = []
    for proportions, style in zip(np.eye(len(model.styles)), model.styles, strict=True):
        if not style.thumbnail:
            thumbnail = Image.fromarray(model.paint(photo[None], proportions)[0]).resize((THUMBNAIL_SIZE,) * 2)
            style = replace(style, thumbnail=_jpeg(thumbnail, 85))
        painted.append(style)
    return tuple(painted)


def write_warmup(path: Path, model: str, style_size: int, *, encodes: bool) -> None:
    """Requests as a TFRecord of PredictionLog: `encoded` in the sizes that photos mostly have, one of the other kinds.

    Args:
        path: The file.
        model: What servers call the model.
        style_size: Length of its style vectors.
        encodes: Whether it has a style encoder.
    """
    controls = {
        "region_masks": [[b""]],
        "strength": np.ones(1, "float32"),
        "preserve_color": [False],
        "format": ["jpeg"],
    }
    gray = {size: [_jpeg(Image.linear_gradient("L").resize(size).convert("RGB"), 50)] for size in WARMUP_SIZES}
    weights, vectors = np.ones((1, 1, 1), "float32"), np.zeros((1, 1, style_size), "float32")
    requests = [("encoded", {"image_bytes": data, "region_weights": weights, **controls}) for data in gray.values()]
    small = gray[WARMUP_SIZES[-1]]
    requests.append(("stylize_vectors", {"image_bytes": small, "style_vectors": vectors, **controls}))
    if encodes:
        requests.append(("encode_style", {"image_bytes": small}))
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, values in requests:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model
            request.model_spec.signature_name = signature
            for name, value in values.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())


def _golden(serving_default: tf.types.experimental.ConcreteFunction, styles: int) -> bytes:
    def painted(image: np.ndarray, style_weights: np.ndarray) -> np.ndarray:
        return serving_default(image=tf.constant(image), style_weights=tf.constant(style_weights))["stylized"].numpy()

    return golden_image.encode(golden_image.paint(painted, styles))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
