"""A photo in, a painting out: the one path that every request takes, in this process or over gRPC.

`Painter` reads photos, checks what is asked, builds requests for the signature `encoded` and reads the answers. Who
answers is a `Predictor`: a SavedModel in this process, a client of a server, or a fake in tests.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np

from tfstyle.catalog import Catalog
from tfstyle.errors import ModelError, PhotoError, RequestError
from tfstyle.images import MIN_SIDE, Photo, PhotoSource, read_photo
from tfstyle.masks import DEFAULT_FADE, Mask, MaskSource, resolve
from tfstyle.mix import Regions, StyleMix, parse_regions, parse_style_mix
from tfstyle.models import CATALOG_FILE, find_model


class Predictor(Protocol):
    """Whoever answers the signatures of the wire contract."""

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Arrays in, arrays out, by the names in `tfstyle.signatures`; strings are object arrays of bytes."""
        ...


class Painter:
    """Paints photos in the styles of one model.

        painter = tfstyle.Painter()
        painter.stylize("photo.jpg", "starry_night:60,the_scream:40", strength=0.8).save("painting.jpg")

    Args:
        predictor: Who answers; None runs a SavedModel in this process. TensorFlow is imported with the first photo.
        model: Folder or name of that model; None is the newest version of `tfstyle`. Not together with `predictor`.
        threads: CPU threads for a model in this process; None leaves it to TensorFlow.

    Raises:
        ModelError: If there is no complete model at `model`.
    """

    def __init__(
        self,
        predictor: Predictor | None = None,
        model: str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
    ):
        if predictor is not None and model is not None:
            raise RequestError("Expected a predictor or a model, got both; the predictor has its model already.")
        self._predictor = predictor
        self._folder = find_model(model) if predictor is None else None
        self._threads = threads
        self._catalog: Catalog | None = None

    def styles(self, *, refresh: bool = False) -> Catalog:
        """The model's styles, asked for once.

        Args:
            refresh: Ask again, as after a server changed to another version of its model.
        """
        if self._catalog is None or refresh:
            self._catalog = self._describe()
        return self._catalog

    def stylize(
        self,
        photo: PhotoSource,
        style: StyleMix | None = None,
        *,
        strength: float = 1.0,
        preserve_color: bool = False,
        mask: MaskSource | None = None,
        regions: Regions | None = None,
        fade: float = DEFAULT_FADE,
        max_size: int | None = None,
        format: Literal["png", "jpeg"] = "png",
    ) -> Photo:
        """Paint one photo.

        Args:
            photo: A path, the bytes of a file, an open file, a Pillow image, a uint8 array `[H,W,3]` or a `Photo`.
            style: One style, or several in proportion: `"a"`, `"a:60,b:40"` or `{"a": 60, "b": 40}`.
            strength: 0..1, how much of the painting; 0 is the photo.
            preserve_color: Keep the photo's colours and take only brightness from the painting.
            mask: Where to paint: `person`, `background`, `subject`, `left`, `right`, `top`, `bottom`, `radial`, or any
                picture or array of gray values.
            regions: Several places with a mix each, instead of `style` and `mask`: `"left=a,right=b:2+c"`, a mapping,
                or pairs of mask and mix. Each region's weights count in proportion among themselves. Where regions
                overlap, they mix in proportion to their masks; where none reaches, the photo stays.
            fade: 0..1, how softly gradients fade.
            max_size: Shrink the photo first so that its longer side has at most so many pixels.
            format: How the painting travels; `jpeg` is smaller, `png` exact.

        Returns:
            The painting, of the photo's size, with its ICC profile, name and notes.

        Raises:
            PhotoError: If the photo cannot be read, or is too small or too large for the model.
            MaskError: If a mask cannot be read, has another shape than the photo, or asks for a person or subject that
                the photo does not show.
            UnknownStyleError: If the model has no such style.
            RequestError: If a weight, the strength, the fade or a combination of options is out of range.
        """
        chosen = self.parse(style, mask=mask, regions=regions)
        check_options(strength=strength, fade=fade, max_size=max_size)
        if format not in ("png", "jpeg"):
            raise RequestError(f"Expected png or jpeg as format, got {format!r}.")
        original = read_photo(photo)
        catalog = self.styles()
        weights = np.stack([_proportions(catalog.weights(mix)) for _, mix in chosen])
        ready = original.resize_to(max_size) if max_size is not None else original
        _check_pixels(ready, catalog.max_pixels)
        masks = [_region_mask(place, ready, original, fade) for place, _ in chosen]
        answer = self._predict(
            "encoded",
            {
                "image_bytes": _strings([ready.encode("jpeg" if ready.jpeg else "png", compress_level=1)]),
                "region_weights": weights[None],
                "region_masks": _strings([mask.encode() if mask else b"" for mask in masks])[None],
                "strength": np.array([strength], dtype=np.float32),
                "preserve_color": np.array([preserve_color], dtype=np.bool_),
                "format": _strings([format.encode()]),
            },
        )
        painting = _read_painting(answer, ready)
        notes = ready.notes + tuple(note for mask in masks if mask for note in mask.notes)
        return replace(painting, icc_profile=original.icc_profile, name=original.name, notes=notes)

    @staticmethod
    def parse(
        style: StyleMix | None, *, mask: MaskSource | None = None, regions: Regions | None = None
    ) -> list[tuple[MaskSource | None, dict[str, float]]]:
        """Style, mask and regions as one list: pairs of a mask (None: everywhere) and the weights of its styles.

        Raises:
            RequestError: If neither style nor regions are given, regions come with a style or a mask, or one is wrong.
        """
        if regions is not None:
            if style is not None or mask is not None:
                raise RequestError(
                    "Expected either a style, with or without a mask, or regions, got both; each region names its own "
                    "style and place."
                )
            return list(parse_regions(regions))
        if style is None:
            raise RequestError("Expected a style or regions, got neither; tfstyle styles lists the styles.")
        return [(mask, parse_style_mix(style))]

    def _describe(self) -> Catalog:
        if self._folder is not None and (self._folder / CATALOG_FILE).exists():
            return Catalog.load(self._folder / CATALOG_FILE)  # says the same as `describe`, without TensorFlow
        return Catalog.from_describe(self._predict("describe", {}))

    def _predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self._predictor is None:
            from tfstyle.saved_model import SavedModelPredictor

            self._predictor = SavedModelPredictor(self._folder, threads=self._threads)
        return self._predictor.predict(signature, inputs)


def check_options(*, strength: float, fade: float, max_size: int | None) -> None:
    """See that numbers are in range before a photo is read.

    Raises:
        RequestError: If strength or fade is outside 0..1 or not a number, or max_size below 16.
    """
    if not 0 <= strength <= 1:
        raise RequestError(f"Expected a strength from 0 (the photo) to 1 (the painting), got {strength}.")
    if not 0 <= fade <= 1:
        raise RequestError(f"Expected a fade from 0 (hard edge) to 1 (across the whole picture), got {fade}.")
    if max_size is not None and max_size < MIN_SIDE:
        raise RequestError(f"Expected a max size of at least {MIN_SIDE} pixels, got {max_size}.")


def _strings(values: Sequence[bytes]) -> np.ndarray:
    """An object array of bytes: NumPy's own byte strings drop trailing zeros."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _proportions(weights: np.ndarray) -> np.ndarray:
    """Divided by their sum, so that regions count the same, whatever scale their weights are written in."""
    total = weights.sum(dtype=np.float64)
    return (weights / total).astype(np.float32) if total > 0 else weights


def _check_pixels(photo: Photo, max_pixels: int) -> None:
    pixels, longest, shortest = photo.height * photo.width, *sorted((photo.height, photo.width), reverse=True)
    if pixels > max_pixels:
        fitting = math.floor(longest * math.sqrt(max_pixels / pixels))
        while fitting * round(shortest * fitting / longest) > max_pixels:
            fitting -= 1
        raise PhotoError(
            f"{photo.name}: the model takes at most {max_pixels / 1e6:.3g} megapixels, the photo has "
            f"{pixels / 1e6:.3g} ({photo.width}x{photo.height}); use --max-size {fitting} or less "
            f"(in Python: max_size={fitting})."
        )


def _region_mask(place: MaskSource | None, photo: Photo, original: Photo, fade: float) -> Mask | None:
    if place is None:
        return None
    size = original.height, original.width
    return resolve(place, photo.height, photo.width, fade=fade, photo=photo, photo_size=size)


def _read_painting(answer: Mapping[str, np.ndarray], photo: Photo) -> Photo:
    try:
        painting = read_photo(answer["image_bytes"].reshape(-1)[0], name="the model's answer")
    except (KeyError, IndexError, PhotoError) as error:
        raise ModelError(f"Expected a painting from the model, got none that can be read ({error}).") from None
    if painting.pixels.shape != photo.pixels.shape:
        raise ModelError(
            f"Expected a painting of {photo.width}x{photo.height} from the model, got "
            f"{painting.width}x{painting.height}."
        )
    return painting
