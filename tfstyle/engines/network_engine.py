"""A model in this process without TensorFlow: the signatures of the wire contract around the network alone.

The network is one of the files of `tfstyle.engines.onnx_files`; a subclass runs it. What an exported graph does around
it, checks, masks, strength and preserved colours, is done here with NumPy and Pillow, in the same words.
`tfstyle.export.serving_graph` is the graph; what comes out differs by at most one gray level.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from tfstyle.contract import refusals
from tfstyle.contract.catalog import CATALOG_FILE, Catalog
from tfstyle.contract.graph_errors import GraphCode
from tfstyle.contract.signatures import MAX_REGIONS
from tfstyle.engines.encoded_pictures import decoded, decoded_mask, picture_size
from tfstyle.engines.engine import no_encoder
from tfstyle.engines.input_checks import check, check_inputs, check_length, checked_fraction
from tfstyle.engines.onnx_files import OnnxFiles
from tfstyle.engines.onnx_session import available_cpus, import_onnxruntime
from tfstyle.engines.staged_network import StagedNetwork
from tfstyle.errors import ModelError, PhotoError
from tfstyle.imaging.compositing import compose
from tfstyle.imaging.photo import MIN_SIDE, Photo
from tfstyle.imaging.style_images import MAX_ASPECT, MIN_STYLE_IMAGE_SIDE, measured_size

# Larger photos pass through the network in bands of rows, which takes about twice the time and no more memory than one
# of 1 megapixel. Whole, each megapixel takes 95 MB: so that the process stays below 1 GB. 3840 x 2160 is below it.
WHOLE_PIXELS = 2**23


class NetworkEngine(ABC):
    """Answers the wire contract's signatures from the ONNX files of a version.

    Args:
        path: Folder of a version, as `tfstyle.model_store.versions.find_model` finds it.
        threads: CPU threads; None is as many as this process may use.

    Raises:
        ModelError: If the version has no such files, they are damaged or of other styles than its catalog, or ONNX
            Runtime is not installed.
    """

    def __init__(self, path: Path, *, threads: int | None = None):
        import_onnxruntime()
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

    @abstractmethod
    def _run(self, image: np.ndarray, style_vectors: np.ndarray, region_maps: np.ndarray | None) -> np.ndarray:
        """Run the network for one photo.

        Args:
            image: uint8 `[H,W,3]`.
            style_vectors: float32 `[R,V]`; R is 1 without `region_maps`.
            region_maps: Shares of the regions at each pixel, float32 `[R,H,W]`, or None.

        Returns:
            The stylized image, uint8 `[H,W,3]`.

        Raises:
            MemoryError: If the photo is too large for this machine.
            ModelError: If the network cannot be loaded or run.
        """

    @abstractmethod
    def _predict_style(self, style_image: np.ndarray) -> np.ndarray:
        """Run the style encoder for one style image; asked only where the version has one.

        Args:
            style_image: uint8 `[H,W,3]`, of `tfstyle.imaging.style_images.measured_size`.

        Returns:
            Its style vector, float32 `[V]`.

        Raises:
            ModelError: If the encoder cannot be loaded or run.
        """

    def paint_large(
        self, photo: np.ndarray, style_vectors: np.ndarray, region_masks: Sequence[np.ndarray | None]
    ) -> np.ndarray:
        """Paint a photo of any size, in bands of rows: beyond the size that the signatures take.

        Args:
            photo: uint8 `[H,W,3]`.
            style_vectors: One for each region, float32 `[R,V]`.
            region_masks: Where each region is, uint8 `[H,W]`, or None for everywhere.

        Returns:
            The stylized image, uint8 `[H,W,3]`. What lies in no region does not matter.

        Raises:
            PhotoError: If the disk is full that holds what memory cannot.
        """
        if len(style_vectors) == 1:
            return self._stylized(photo, style_vectors, None)

        def shares(rows: np.ndarray) -> np.ndarray:
            covered = np.ones((len(style_vectors), len(rows), photo.shape[1]), np.float32)
            for region, mask in zip(covered, region_masks, strict=True):
                if mask is not None:
                    region[...] = mask[rows] / np.float32(255)
            return _divided(covered, covered.sum(axis=0))

        return self._staged.paint(photo, style_vectors, shares)

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature.

        Args:
            signature: A name out of `tfstyle.contract.signatures.SIGNATURES`.
            inputs: Arrays by input name; strings are object arrays of bytes.

        Returns:
            Arrays by output name; strings are object arrays of bytes.

        Raises:
            ModelError: If there is no such signature, the model has no style encoder for `encode_style`, or the network
                cannot be run.
            PhotoError, MaskError, StyleVectorError, RequestError: If the request is refused, in the words of the graph.
        """
        answers: dict[str, Callable[..., dict[str, np.ndarray]]] = {
            "serving_default": self._serving_default,
            "controlled": self._controlled,
            "regions": self._regions_of_arrays,
            "encoded": self._encoded,
            "stylize_vectors": self._stylize_vectors,
            "encode_style": self._encode_style,
            "describe": self._describe,
        }
        if signature not in answers:
            raise ModelError(f"Expected one of {', '.join(answers)} as signature, got {signature!r}.")
        check_inputs(signature, inputs)
        try:
            return answers[signature](**inputs)
        except MemoryError:
            message = "The photo is too large for the memory of this machine; set a smaller max size."
            raise PhotoError(message) from None

    def _serving_default(self, image: np.ndarray, style_weights: np.ndarray) -> dict[str, np.ndarray]:
        self._check_image(image)
        weights = self._checked_weights(style_weights, image.shape[:1], "style_weights", "[B,N]")
        return _answer(image, (self._painted(photo, row) for photo, row in zip(image, weights, strict=True)))

    def _controlled(
        self,
        image: np.ndarray,
        style_weights: np.ndarray,
        strength: np.ndarray,
        mask: np.ndarray,
        preserve_color: np.ndarray,
    ) -> dict[str, np.ndarray]:
        self._check_image(image)
        weights = self._checked_weights(style_weights, image.shape[:1], "style_weights", "[B,N]")
        strength = _checked_strength(strength, len(image))
        expected = (*image.shape[:3], 1)
        sentence = refusals.MASK_SIZE.format(axes="batch, height, width, 1")
        check(mask.shape == expected, GraphCode.MASK_SIZE, sentence, expected, mask.shape)
        mask = checked_fraction(mask, "mask", GraphCode.MASK_RANGE)
        check_length(preserve_color, len(image), "preserve_color")
        pictures = (
            compose(photo, self._painted(photo, row), share * where[..., 0], preserve_color=bool(keep))
            for photo, row, share, where, keep in zip(image, weights, strength, mask, preserve_color, strict=True)
        )
        return _answer(image, pictures)

    def _regions_of_arrays(
        self, image: np.ndarray, style_map: np.ndarray, strength: np.ndarray, preserve_color: np.ndarray
    ) -> dict[str, np.ndarray]:
        self._check_image(image)
        weights = self._checked_weights(style_map, image.shape[:3], "style_map", "[B,H,W,N]")
        strength = _checked_strength(strength, len(image))
        check_length(preserve_color, len(image), "preserve_color")
        pictures = []
        for photo, by_place, share, keep in zip(image, weights, strength, preserve_color, strict=True):
            maps = _proportions(by_place).transpose(2, 0, 1)
            painted = np.flatnonzero(maps.any(axis=(1, 2)))  # the fewer styles, the less memory
            if len(painted):
                maps = np.ascontiguousarray(maps[painted])
                stylized = self._stylized(photo, self._table[painted], maps)
                photo = compose(photo, stylized, share * maps.any(axis=0), preserve_color=bool(keep))
            pictures.append(photo)
        return _answer(image, pictures)

    def _encoded(self, region_weights: np.ndarray, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        def styles(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            weights = self._checked_weights(weights, weights.shape[:1], "region_weights", "[B,R,N]")
            weights = _divided(weights, weights.max(initial=0))  # regions keep their weights against each other
            return _proportions(weights) @ self._table, weights.sum(axis=1)

        return self._encoded_pictures("region_weights", region_weights, styles, **inputs)

    def _stylize_vectors(self, style_vectors: np.ndarray, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        def styles(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            size, strange = self._table.shape[1], int((~np.isfinite(vectors)).sum())
            sentence = refusals.VECTORS_SIZE.format(size=size)
            check(vectors.shape[1] == size, GraphCode.VECTORS_SIZE, sentence, vectors.shape[1])
            check(not strange, GraphCode.VECTORS_RANGE, refusals.VECTORS_RANGE.format(), strange)
            return vectors, np.ones(len(vectors), np.float32)

        return self._encoded_pictures("style_vectors", style_vectors, styles, **inputs)

    def _encoded_pictures(
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
            check(size == (batch,), GraphCode.REQUEST_SHAPE, sentence, (batch,), size)
        regions, masks = of_regions.shape[1], region_masks.shape[1]
        sentence = refusals.REGION_MASKS.format(name=name)
        check(masks == regions > 0, GraphCode.REQUEST_REGIONS, sentence, regions, masks)
        sentence = refusals.REGIONS.format(max_regions=MAX_REGIONS)
        check(regions <= MAX_REGIONS, GraphCode.REQUEST_REGIONS, sentence, regions)
        sizes = [self._checked_header(encoded) for encoded in image_bytes]
        self._check_batch(sum(height * width for height, width in sizes), batch)
        answer = np.empty(batch, dtype=object)
        for i, encoded in enumerate(image_bytes):
            known = format[i] in (b"jpeg", b"png")
            check(known, GraphCode.REQUEST_FORMAT, refusals.REQUEST_FORMAT.format(), len(format[i]))
            photo = decoded(encoded, "RGB", GraphCode.PHOTO_DAMAGED)
            share = float(checked_fraction(strength[i : i + 1], "strength", GraphCode.STRENGTH_RANGE)[0])
            vectors, weights = styles(of_regions[i])
            stylized = self._composed(photo, vectors, weights, list(region_masks[i]), share, bool(preserve_color[i]))
            answer[i] = Photo(stylized).encode("png" if format[i] == b"png" else "jpeg", compress_level=1)
        return {"image_bytes": answer}

    def _encode_style(self, image_bytes: np.ndarray) -> dict[str, np.ndarray]:
        if not self._files.has_encoder:
            raise no_encoder(self.path)
        sizes = [self._checked_style_image(encoded) for encoded in image_bytes]
        self._check_batch(sum(height * width for height, width in sizes), len(image_bytes))
        vectors = np.empty((len(image_bytes), self._table.shape[1]), np.float32)
        for i, encoded in enumerate(image_bytes):
            image = Image.fromarray(decoded(encoded, "RGB", GraphCode.STYLE_IMAGE_DAMAGED))
            image = image.resize(measured_size(*image.size), Image.Resampling.BILINEAR)
            vectors[i] = self._predict_style(np.asarray(image))
        return {"style_vectors": vectors}

    def _describe(self) -> dict[str, np.ndarray]:
        styles = self.catalog.styles
        return {
            "style_names": _strings(style.name.encode() for style in styles),
            "titles": _strings(style.title.encode() for style in styles),
            "artists": _strings(style.artist.encode() for style in styles),
            "years": _strings(style.year.encode() for style in styles),
            "thumbnails": _strings(style.thumbnail for style in styles),
            "max_pixels": np.array([self.catalog.max_pixels], np.int64),
            "max_regions": np.array([MAX_REGIONS], np.int64),
            "style_vectors": self._table,
            "trunk": _strings([self._files.trunk.encode()]),
        }

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
        coverage = np.stack([decoded_mask(mask, photo.shape[:2]) for mask in masks]) * styled[:, None, None]
        share = strength * np.minimum(coverage.sum(axis=0), 1)
        if not share.any():
            return photo
        if len(masks) == 1:
            stylized = self._stylized(photo, vectors, None)
        else:
            regions = coverage * weights[:, None, None]
            stylized = self._stylized(photo, vectors, _divided(regions, regions.sum(axis=0)))
        return compose(photo, stylized, share, preserve_color=preserve_color)

    def _painted(self, photo: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """A photo `[H,W,3]` in one mix of weights `[N]`; itself where the mix has no style."""
        if not weights.any():
            return photo
        return self._stylized(photo, (_proportions(weights) @ self._table)[None], None)

    def _stylized(self, photo: np.ndarray, style_vectors: np.ndarray, region_maps: np.ndarray | None) -> np.ndarray:
        """As `_run`, in bands of rows where the photo is large."""
        if photo.shape[0] * photo.shape[1] <= WHOLE_PIXELS:
            return self._run(photo, style_vectors, region_maps)
        return self._staged.paint(
            photo, style_vectors, None if region_maps is None else lambda rows: region_maps[:, rows]
        )

    @cached_property
    def _staged(self) -> StagedNetwork:
        return StagedNetwork(self._files, self.threads)

    def _check_image(self, image: np.ndarray) -> None:
        batch, height, width, channels = image.shape
        self._check_size(height, width, "image")
        self._check_batch(batch * height * width, batch)
        check(channels == 3, GraphCode.PHOTO_CHANNELS, refusals.PHOTO_CHANNELS.format(), channels)

    def _checked_header(self, encoded: bytes) -> tuple[int, int]:
        """Height and width of an encoded picture, once they are known to be such as the network takes."""
        height, width = picture_size(encoded, "image_bytes", GraphCode.PHOTO_FORMAT, GraphCode.PHOTO_DAMAGED)
        self._check_size(height, width, "image_bytes")
        return height, width

    def _check_size(self, height: int, width: int, name: str) -> None:
        sentence = refusals.PHOTO_SMALL.format(name=name, min_side=MIN_SIDE)
        check(min(height, width) >= MIN_SIDE, GraphCode.PHOTO_SMALL, sentence, height, width)
        self._check_pixels(height, width, name, GraphCode.PHOTO_LARGE)

    def _checked_style_image(self, encoded: bytes) -> tuple[int, int]:
        """Height and width of an encoded style image, once they are known to hold a texture."""
        name = "image_bytes"
        height, width = picture_size(encoded, name, GraphCode.STYLE_IMAGE_FORMAT, GraphCode.STYLE_IMAGE_DAMAGED)
        short, long = sorted((height, width))
        sentence = refusals.STYLE_IMAGE_SMALL.format(name=name, min_side=MIN_STYLE_IMAGE_SIDE)
        check(short >= MIN_STYLE_IMAGE_SIDE, GraphCode.STYLE_IMAGE_SMALL, sentence, height, width)
        sentence = refusals.STYLE_IMAGE_ASPECT.format(name=name, max_aspect=MAX_ASPECT)
        check(long <= MAX_ASPECT * short, GraphCode.STYLE_IMAGE_ASPECT, sentence, height, width)
        self._check_pixels(height, width, name, GraphCode.STYLE_IMAGE_LARGE)
        return height, width

    def _check_pixels(self, height: int, width: int, name: str, code: GraphCode) -> None:
        limit, pixels = self.catalog.max_pixels, height * width
        shrink = (limit / max(pixels, 1)) ** 0.5
        sentence = refusals.PHOTO_LARGE.format(name=name, max_pixels=limit)
        fitting = int(height * shrink), int(width * shrink)
        check(pixels <= limit, code, sentence, height, width, *fitting)

    def _check_batch(self, pixels: int, pictures: int) -> None:
        limit = self.catalog.max_pixels
        sentence = refusals.REQUEST_PIXELS.format(max_pixels=limit)
        check(pixels <= limit, GraphCode.REQUEST_PIXELS, sentence, pixels, pictures)

    def _checked_weights(self, weights: np.ndarray, leading: tuple[int, ...], name: str, form: str) -> np.ndarray:
        """Weights `[..., N]`, padded to all columns."""
        count = len(self.catalog)
        sentence = refusals.WEIGHTS_SHAPE.format(name=name, form=form)
        check(weights.shape[:-1] == leading, GraphCode.WEIGHTS_SHAPE, sentence, leading, weights.shape)
        columns = weights.shape[-1]
        sentence = refusals.WEIGHTS_COLUMNS.format(count=count, name=name)
        check(columns <= count, GraphCode.WEIGHTS_COLUMNS, sentence, columns)
        fine = bool(np.isfinite(weights).all() and (weights >= 0).all())
        ends = (weights.min(), weights.max()) if weights.size else (0, 0)
        check(fine, GraphCode.WEIGHTS_RANGE, refusals.WEIGHTS_RANGE.format(name=name), *ends)
        return np.pad(weights, [(0, 0)] * (weights.ndim - 1) + [(0, count - columns)])


def _checked_strength(strength: np.ndarray, pictures: int) -> np.ndarray:
    check_length(strength, pictures, "strength")
    return checked_fraction(strength, "strength", GraphCode.STRENGTH_RANGE)


def _answer(image: np.ndarray, pictures: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    stylized = np.empty_like(image)
    for i, picture in enumerate(pictures):
        stylized[i] = picture
    return {"stylized": stylized}


def _strings(values: Iterable[bytes]) -> np.ndarray:
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def _proportions(weights: np.ndarray) -> np.ndarray:
    """Weights `[..., N]` divided by their sum, however large they are; zeros stay zeros."""
    weights = _divided(weights, weights.max(axis=-1, keepdims=True, initial=0))
    return _divided(weights, weights.sum(axis=-1, keepdims=True))


def _divided(values: np.ndarray, by: np.ndarray | np.float32) -> np.ndarray:
    """`values / by`, 0 where `by` is."""
    return np.divide(values, by, out=np.zeros_like(values), where=by > 0)
