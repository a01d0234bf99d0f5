"""A model in this process by ONNX Runtime: the signatures of the wire contract without TensorFlow.

The network is `network.onnx` of a version, see `tfstyle.engines.onnx_files`; what an exported graph does around it,
checks, masks, strength and preserved colours, is done here with NumPy and Pillow, in the same order and the same words.
`tfstyle.export.serving_graph` is the graph; what comes out differs by at most one gray level.
"""

import io
import os
import struct
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

from tfstyle.contract import refusals
from tfstyle.contract.catalog import CATALOG_FILE, Catalog
from tfstyle.contract.graph_errors import GraphCode, refusal
from tfstyle.contract.signatures import MAX_REGIONS, SIGNATURES
from tfstyle.engines.engine import no_encoder
from tfstyle.engines.onnx_files import ENCODER_FILE, NETWORK_FILE, REGIONS_FILE, OnnxFiles
from tfstyle.errors import ModelError, PhotoError, RequestError
from tfstyle.imaging.compositing import compose
from tfstyle.imaging.photo import MIN_SIDE, Photo
from tfstyle.imaging.style_images import MAX_ASPECT, MIN_STYLE_IMAGE_SIDE, measured_size

# What ONNX Runtime may have beyond the CPU and runs pictures of any size with; the first that is there is taken.
ACCELERATORS = ("CUDAExecutionProvider", "DmlExecutionProvider")
CPU = "CPUExecutionProvider"

_BOUNDARY = 1e-6  # strengths come from float arithmetic: 1 + this is still 1
_ANSWERED = ("serving_default", "encoded", "stylize_vectors", "encode_style", "describe")


class OnnxEngine:
    """Answers `encoded`, `stylize_vectors`, `encode_style`, `serving_default` and `describe` from the ONNX files of a
    version.

    Args:
        path: Folder of a version, as `tfstyle.model_store.versions.find_model` finds it.
        threads: CPU threads; None is as many as this process may use.

    Raises:
        ModelError: If the version has no such files, they are damaged or of other styles than its catalog, or ONNX
            Runtime is not installed.
    """

    def __init__(self, path: Path, *, threads: int | None = None):
        self.path = path
        self.threads = threads or available_cpus()
        self._files = OnnxFiles(path)
        self.catalog = Catalog.load(path / CATALOG_FILE)
        if self._files.styles != self.catalog.names:
            raise ModelError(
                f"Expected the styles of {path / CATALOG_FILE} in the network for ONNX Runtime, "
                f"{', '.join(self.catalog.names)}, got {', '.join(self._files.styles)}; write it again with: tfstyle "
                f"export {path} --add-onnx."
            )
        self._table = self._files.style_table()
        self._runtime = _import_onnxruntime()

    @property
    def provider(self) -> str:
        """What runs the network: `CPU`, `CUDA`, ..."""
        return _short(self._network.get_providers()[0])

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature.

        Args:
            signature: `encoded`, `stylize_vectors`, `encode_style`, `serving_default` or `describe`.
            inputs: Arrays by input name; strings are object arrays of bytes.

        Returns:
            Arrays by output name; strings are object arrays of bytes.

        Raises:
            ModelError: If it is another signature, or a model without a style encoder is to encode a style image.
            PhotoError, MaskError, StyleVectorError, RequestError: If the request is refused, in the words of the graph.
        """
        if signature not in _ANSWERED:
            raise ModelError(
                f"Expected one of {', '.join(_ANSWERED)}, which ONNX Runtime answers here, got {signature!r}; use the "
                "engine tensorflow, or a server."
            )
        _check_inputs(signature, inputs)
        answers: dict[str, Callable[..., dict[str, np.ndarray]]] = {
            "serving_default": self._serving_default,
            "encoded": self._encoded,
            "stylize_vectors": self._stylize_vectors,
            "encode_style": self._encode_style,
            "describe": self._describe,
        }
        try:
            return answers[signature](**inputs)
        except MemoryError:
            raise _too_large() from None

    def _describe(self) -> dict[str, np.ndarray]:
        trunk = np.array([self._files.trunk.encode()], dtype=object)
        return {**_described(self.catalog), "style_vectors": self._table, "trunk": trunk}

    def _serving_default(self, image: np.ndarray, style_weights: np.ndarray) -> dict[str, np.ndarray]:
        batch, height, width, channels = image.shape
        self._check_size(height, width, "image")
        self._check_batch(batch * height * width, batch)
        _check(channels == 3, GraphCode.PHOTO_CHANNELS, refusals.PHOTO_CHANNELS.format(), channels)
        weights = self._checked_weights(style_weights, (batch,), "style_weights", "[B,N]")
        pictures = [
            self._painted(photo, _proportions(row) @ self._table) if row.any() else photo
            for photo, row in zip(image, weights, strict=True)
        ]
        return {"stylized": np.stack(pictures) if pictures else image}

    def _encoded(self, region_weights: np.ndarray, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        def styles(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            weights = self._checked_weights(weights, weights.shape[:1], "region_weights", "[B,R,N]")
            weights = _divided(weights, weights.max(initial=0))  # regions keep their weights against each other
            return np.stack([_proportions(row) for row in weights]) @ self._table, weights.sum(axis=1)

        return self._stylized("region_weights", region_weights, styles, **inputs)

    def _stylize_vectors(self, style_vectors: np.ndarray, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        def styles(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            size = self._table.shape[1]
            sentence = refusals.VECTORS_SIZE.format(size=size)
            _check(vectors.shape[1] == size, GraphCode.VECTORS_SIZE, sentence, vectors.shape[1])
            strange = int((~np.isfinite(vectors)).sum())
            _check(not strange, GraphCode.VECTORS_RANGE, refusals.VECTORS_RANGE.format(), strange)
            return vectors, np.ones(len(vectors), np.float32)

        return self._stylized("style_vectors", style_vectors, styles, **inputs)

    def _stylized(
        self,
        name: str,
        of_regions: np.ndarray,
        styles: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
        *,
        image_bytes: np.ndarray,
        region_masks: np.ndarray,
        strength: np.ndarray,
        preserve_color: np.ndarray,
        format: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Stylized images, encoded.

        Args:
            name: The input that says how regions are painted.
            of_regions: Its value, `[B,R,...]`.
            styles: From that of a picture to the vectors of its regions, `[R,V]`, and how much each counts, `[R]`.
            image_bytes, region_masks, strength, preserve_color, format: As the contract has them.
        """
        batch = len(image_bytes)
        given = {
            name: of_regions.shape[:1],
            "region_masks": region_masks.shape[:1],
            "strength": strength.shape,
            "preserve_color": preserve_color.shape,
            "format": format.shape,
        }
        for key, size in given.items():
            sentence = refusals.REQUEST_SHAPE.format(name=key)
            _check(size == (batch,), GraphCode.REQUEST_SHAPE, sentence, (batch,), size)
        regions, masks = of_regions.shape[1], region_masks.shape[1]
        sentence = refusals.REGION_MASKS.format(name=name)
        _check(masks == regions > 0, GraphCode.REQUEST_REGIONS, sentence, regions, masks)
        sentence = refusals.REGIONS.format(max_regions=MAX_REGIONS)
        _check(regions <= MAX_REGIONS, GraphCode.REQUEST_REGIONS, sentence, regions)
        sizes = [self._checked_header(encoded) for encoded in image_bytes]
        self._check_batch(sum(height * width for height, width in sizes), batch)
        answer = np.empty(batch, dtype=object)
        for i, encoded in enumerate(image_bytes):
            known = format[i] in (b"jpeg", b"png")
            _check(known, GraphCode.REQUEST_FORMAT, refusals.REQUEST_FORMAT.format(), len(format[i]))
            photo = _decoded(encoded, "RGB", GraphCode.PHOTO_DAMAGED)
            share = float(_checked_fraction(strength[i : i + 1], "strength")[0])
            vectors, weights = styles(of_regions[i])
            stylized = self._composed(photo, vectors, weights, list(region_masks[i]), share, bool(preserve_color[i]))
            answer[i] = Photo(stylized).encode("png" if format[i] == b"png" else "jpeg", compress_level=1)
        return {"image_bytes": answer}

    def _encode_style(self, image_bytes: np.ndarray) -> dict[str, np.ndarray]:
        """Style vectors of style images, looked at in the size that the encoder was trained on."""
        if not self._files.has_encoder:
            raise no_encoder(self.path)
        sizes = [self._checked_style_image(encoded) for encoded in image_bytes]
        self._check_batch(sum(height * width for height, width in sizes), len(image_bytes))
        vectors = np.empty((len(image_bytes), self._table.shape[1]), np.float32)
        for i, encoded in enumerate(image_bytes):
            image = Image.fromarray(_decoded(encoded, "RGB", GraphCode.STYLE_IMAGE_DAMAGED))
            image = image.resize(measured_size(*image.size), Image.Resampling.BILINEAR)
            vectors[i] = self._run(self._encoder, "style_vectors", image=np.asarray(image)[None])
        return {"style_vectors": vectors}

    def _composed(
        self,
        photo: np.ndarray,
        vectors: np.ndarray,
        weights: np.ndarray,
        masks: list[bytes],
        strength: float,
        preserve_color: bool,
    ) -> np.ndarray:
        """A photo `[H,W,3]` in the styles of its regions, `[R,V]`, where their masks are; a weight of 0 is no style."""
        styled = weights > 0  # a region without a style leaves the photo
        coverage = np.stack([_mask(mask, photo.shape[:2]) for mask in masks]) * styled[:, None, None]
        share = strength * np.minimum(coverage.sum(axis=0), 1)
        if not share.any():
            return photo
        if len(masks) == 1:
            stylized = self._painted(photo, vectors[0])
        else:
            regions = coverage * weights[:, None, None]
            maps = _divided(regions, regions.sum(axis=0))
            stylized = self._painted_by_place(photo, vectors, maps)
        return compose(photo, stylized, share, preserve_color=preserve_color)

    def _painted(self, photo: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """A photo `[H,W,3]` in the style of one vector, `[V]`."""
        return self._run(self._network, "stylized", image=photo[None], style_vectors=vector[None, None])

    def _painted_by_place(self, photo: np.ndarray, vectors: np.ndarray, maps: np.ndarray) -> np.ndarray:
        """A photo `[H,W,3]` in the styles `[R,V]` of regions whose shares of each pixel are `maps`, `[R,H,W]`."""
        vectors, maps = vectors[None], maps[None]
        return self._run(self._regions, "stylized", image=photo[None], style_vectors=vectors, region_maps=maps)

    def _run(self, session: Any, output: str, **inputs: np.ndarray) -> np.ndarray:
        try:
            return session.run([output], inputs)[0][0]
        except Exception as error:  # ONNX Runtime raises kinds of its own, which are not public
            if any(word in str(error) for word in ("bad_alloc", "allocate", "out of memory")):
                raise _too_large() from None
            raise ModelError(f"{self.path}: ONNX Runtime cannot run the network ({_line(error)}).") from None

    @cached_property
    def _network(self) -> Any:
        return self._session(NETWORK_FILE)

    @cached_property
    def _regions(self) -> Any:
        return self._session(REGIONS_FILE)

    @cached_property
    def _encoder(self) -> Any:
        return self._session(ENCODER_FILE)

    def _session(self, name: str) -> Any:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.enable_mem_pattern = False  # plans memory by the sizes seen before, which takes a fourth more
        options.log_severity_level = 3  # errors, which are raised as well
        try:
            return self._runtime.InferenceSession(self._files.read(name), options, providers=providers())
        except ModelError:
            raise
        except Exception as error:  # kinds of its own, which are not public
            raise ModelError(f"{self.path}: ONNX Runtime cannot load {name} ({_line(error)}).") from None

    def _checked_header(self, encoded: bytes) -> tuple[int, int]:
        """Height and width of an encoded picture, once they are known to be such as the network takes."""
        height, width = _header(encoded, "image_bytes", GraphCode.PHOTO_FORMAT, GraphCode.PHOTO_DAMAGED)
        self._check_size(height, width, "image_bytes")
        return height, width

    def _checked_style_image(self, encoded: bytes) -> tuple[int, int]:
        """Height and width of an encoded style image, once they are known to hold a texture."""
        about = "image_bytes"
        height, width = _header(encoded, about, GraphCode.STYLE_IMAGE_FORMAT, GraphCode.STYLE_IMAGE_DAMAGED)
        short, long = sorted((height, width))
        sentence = refusals.STYLE_IMAGE_SMALL.format(name=about, min_side=MIN_STYLE_IMAGE_SIDE)
        _check(short >= MIN_STYLE_IMAGE_SIDE, GraphCode.STYLE_IMAGE_SMALL, sentence, height, width)
        sentence = refusals.STYLE_IMAGE_ASPECT.format(name=about, max_aspect=MAX_ASPECT)
        _check(long <= MAX_ASPECT * short, GraphCode.STYLE_IMAGE_ASPECT, sentence, height, width)
        self._check_pixels(height, width, about, GraphCode.STYLE_IMAGE_LARGE)
        return height, width

    def _check_size(self, height: int, width: int, name: str) -> None:
        sentence = refusals.PHOTO_SMALL.format(name=name, min_side=MIN_SIDE)
        _check(min(height, width) >= MIN_SIDE, GraphCode.PHOTO_SMALL, sentence, height, width)
        self._check_pixels(height, width, name, GraphCode.PHOTO_LARGE)

    def _check_pixels(self, height: int, width: int, name: str, code: GraphCode) -> None:
        limit, pixels = self.catalog.max_pixels, height * width
        shrink = (limit / max(pixels, 1)) ** 0.5
        sentence = refusals.PHOTO_LARGE.format(name=name, max_pixels=limit)
        fitting = int(height * shrink), int(width * shrink)
        _check(pixels <= limit, code, sentence, height, width, *fitting)

    def _check_batch(self, pixels: int, pictures: int) -> None:
        limit = self.catalog.max_pixels
        sentence = refusals.REQUEST_PIXELS.format(max_pixels=limit)
        _check(pixels <= limit, GraphCode.REQUEST_PIXELS, sentence, pixels, pictures)

    def _checked_weights(self, weights: np.ndarray, leading: tuple[int, ...], name: str, form: str) -> np.ndarray:
        """Weights `[..., N]`, padded to all columns."""
        count = len(self.catalog)
        sentence = refusals.WEIGHTS_SHAPE.format(name=name, form=form)
        _check(weights.shape[:-1] == leading, GraphCode.WEIGHTS_SHAPE, sentence, leading, weights.shape)
        columns = weights.shape[-1]
        sentence = refusals.WEIGHTS_COLUMNS.format(count=count, name=name)
        _check(columns <= count, GraphCode.WEIGHTS_COLUMNS, sentence, columns)
        fine = bool(np.isfinite(weights).all() and (weights >= 0).all())
        ends = (weights.min(), weights.max()) if weights.size else (0, 0)
        _check(fine, GraphCode.WEIGHTS_RANGE, refusals.WEIGHTS_RANGE.format(name=name), *ends)
        return np.pad(weights, ((0, 0), (0, count - columns)))


def providers() -> list[str]:
    """What ONNX Runtime is to run networks with, best first.

    Raises:
        ModelError: If ONNX Runtime is not installed.
    """
    there = _import_onnxruntime().get_available_providers()
    return [*[name for name in ACCELERATORS if name in there][:1], CPU]


def description(threads: int | None = None) -> str:
    """The engine in a few words, without loading a model: `ONNX Runtime 1.32.0, CPU, 2 threads`.

    Raises:
        ModelError: If ONNX Runtime is not installed.
    """
    threads = threads or available_cpus()
    version = _import_onnxruntime().__version__
    return f"ONNX Runtime {version}, {_short(providers()[0])}, {threads} thread{'s' if threads > 1 else ''}"


def available_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise
        raise ModelError(
            "Painting in this process needs ONNX Runtime, which is not installed; pip install onnxruntime, or name "
            "another engine with --engine tensorflow or --engine HOST:PORT."
        ) from None
    return onnxruntime


def _check(fine: bool, code: GraphCode, sentence: str, *values: object) -> None:
    """Refuses as the graph does, `{}` of the sentence filled with values as TensorFlow writes them."""
    if not fine:
        shown = [f"[{' '.join(map(str, value))}]" if isinstance(value, tuple) else f"{value}" for value in values]
        raise refusal(f"[{code}] {sentence.format(*shown)}")


def _check_inputs(signature: str, inputs: Mapping[str, np.ndarray]) -> None:
    expected = SIGNATURES[signature].inputs
    if set(inputs) != set(expected):
        raise RequestError(
            f"Expected the inputs {', '.join(sorted(expected)) or 'none'} for {signature!r}, "
            f"got {', '.join(sorted(inputs)) or 'none'}."
        )
    for name, info in expected.items():
        value, dtype = inputs[name], {"string": "object"}.get(info.dtype, info.dtype)
        if value.dtype.name != dtype or value.ndim != len(info.shape):
            raise RequestError(
                f"Expected {name} of {dtype} with {len(info.shape)} axes, got {value.dtype.name} with {value.ndim}."
            )


def _checked_fraction(value: np.ndarray, name: str) -> np.ndarray:
    inside = bool(((value >= 0) & (value <= 1 + _BOUNDARY)).all())  # false for NaN too
    sentence = refusals.FRACTION.format(name=name)
    _check(inside, GraphCode.STRENGTH_RANGE, sentence, value.min(), value.max())
    return np.minimum(value, 1)


def _proportions(weights: np.ndarray) -> np.ndarray:
    """Weights `[N]` divided by their sum, however large they are; zeros stay zeros."""
    weights = _divided(weights, weights.max(initial=0))
    return _divided(weights, weights.sum())


def _divided(values: np.ndarray, by: np.ndarray | np.float32) -> np.ndarray:
    """`values / by`, 0 where `by` is."""
    return np.divide(values, by, out=np.zeros_like(values), where=by > 0)


def _header(encoded: bytes, name: str, foreign: GraphCode, damaged: GraphCode) -> tuple[int, int]:
    """Height and width of a JPEG or PNG, by its magic and header alone."""
    # IHDR comes first in a PNG; a decoder that skips what stands before it would find another size there.
    is_png = len(encoded) >= 33 and encoded[:8] == b"\x89PNG\r\n\x1a\n" and encoded[12:16] == b"IHDR"
    known = is_png or _is_jpeg(encoded)
    _check(known, foreign, refusals.PICTURE_FORMAT.format(name=name), len(encoded))
    if is_png:
        width, height = struct.unpack(">II", encoded[16:24])
    else:
        width, height = _opened(encoded, damaged).size
    return height, width


def _opened(encoded: bytes, damaged: GraphCode) -> Image.Image:
    """A picture that is not decoded yet. Pillow's own limit on sizes is not asked: each model has one."""
    opened = JpegImagePlugin.JpegImageFile if _is_jpeg(encoded) else PngImagePlugin.PngImageFile
    try:
        return opened(io.BytesIO(encoded))
    except Exception:  # decoders raise nearly anything on broken bytes
        raise _invalid(encoded, damaged) from None


def _decoded(encoded: bytes, mode: str, damaged: GraphCode) -> np.ndarray:
    """Pixels of a JPEG or PNG in `RGB` or `L`, uint8, without what is transparent, as TensorFlow decodes it."""
    picture = _opened(encoded, damaged)
    try:
        picture.load()
        if picture.mode.startswith("I"):  # 16 bits, of which the graph takes the upper ones
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        return np.asarray(picture if picture.mode == mode else picture.convert(mode))
    except Exception:  # as above
        raise _invalid(encoded, damaged) from None


def _is_jpeg(encoded: bytes) -> bool:
    return encoded[:3] == b"\xff\xd8\xff"


def _invalid(encoded: bytes, damaged: GraphCode) -> Exception:
    return refusal(f"[{damaged}] Invalid {'JPEG' if _is_jpeg(encoded) else 'PNG'} data, size {len(encoded)}.")


def _mask(encoded: bytes, size: tuple[int, ...]) -> np.ndarray:
    """A mask as large as the photo, float32 `[H,W]`, 0..1; ones for no bytes."""
    if not encoded:
        return np.ones(size, np.float32)
    found = _header(encoded, "region_masks", GraphCode.MASK_FORMAT, GraphCode.MASK_DAMAGED)
    sentence = refusals.MASK_SIZE.format(axes="height, width")
    _check(found == size, GraphCode.MASK_SIZE, sentence, size, found)
    return np.asarray(_decoded(encoded, "L", GraphCode.MASK_DAMAGED), np.float32) / 255


def _described(catalog: Catalog) -> dict[str, np.ndarray]:
    def strings(values: list[bytes]) -> np.ndarray:
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array

    styles = catalog.styles
    return {
        "style_names": strings([style.name.encode() for style in styles]),
        "titles": strings([style.title.encode() for style in styles]),
        "artists": strings([style.artist.encode() for style in styles]),
        "years": strings([style.year.encode() for style in styles]),
        "thumbnails": strings([style.thumbnail for style in styles]),
        "max_pixels": np.array([catalog.max_pixels], np.int64),
        "max_regions": np.array([MAX_REGIONS], np.int64),
    }


def _too_large() -> PhotoError:
    return PhotoError("The photo is too large for the memory of this machine; set a smaller max size.")


def _short(provider: str) -> str:
    return provider.removesuffix("ExecutionProvider")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
