"""One photo's way through the model: what is asked for, the tensors sent, the image that comes back.

The signature is `encoded` where all styles are the model's own, which every version of it answers; a style of one's own
among them, and it is `stylize_vectors`, with mixes that are made here, of what the model describes.

Nothing here talks to a model, so `Stylizer` and every client of a server share it, however they carry tensors.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tfstyle.contract.catalog import Catalog
from tfstyle.contract.style_mix import name_of
from tfstyle.contract.style_vector import StyleTable
from tfstyle.errors import ModelError, PhotoError
from tfstyle.imaging import jpeg, png
from tfstyle.imaging.compositing import compose
from tfstyle.imaging.metadata import chosen_exif
from tfstyle.imaging.photo import MIN_SIDE, Photo, PhotoSource, open_picture, read_photo
from tfstyle.masks.mask import Mask, MaskSource, resolve
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.stroke_size import MAX_STROKE, Stroke, bring_back, fill, painted_size, parse_stroke

_ANSWER = "the model's answer"


@dataclass(frozen=True)
class EncodedImage:
    """A stylized image as a file: what the model answered, not compressed again unless it was painted at another size.

    Attributes:
        data: JPEG or PNG, with the photo's ICC profile and density, and what the options say of its metadata.
        format: `jpeg` or `png`.
        width: Columns, as the photo's.
        height: Rows, as the photo's.
        notes: What was done to photo and masks that their owner may want to know, one sentence each.
    """

    data: bytes
    format: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


class StylizeRequest:
    """A photo, read, and how to stylize it.

        request = StylizeRequest("photo.jpg", StylizeOptions("starry_night", strength=0.8))
        stylized = request.stylized(engine.predict(request.signature, request.inputs(catalog)))

    Args:
        photo: A path, the bytes of a file, an open file, a Pillow image, a uint8 array `[H,W,3]` or a `Photo`.
        options: How.

    Raises:
        PhotoError: If the photo cannot be read.
    """

    def __init__(self, photo: PhotoSource, options: StylizeOptions):
        self._options = options
        self._original = read_photo(photo)
        self._photo = self._original if options.max_size is None else self._original.resize_to(options.max_size)
        size = painted_size(self._photo.height, self._photo.width, options.stroke)
        opaque = self._photo if self._photo.alpha is None else replace(self._photo, alpha=None)
        self._painted = opaque.resized(*size)

    @property
    def signature(self) -> str:
        """What the request goes through: `encoded` or `stylize_vectors`."""
        return "stylize_vectors" if self._options.vectors else "encoded"

    def inputs(self, catalog: Catalog, table: StyleTable | None = None) -> dict[str, np.ndarray]:
        """The tensors of the signature, for a model that has these styles.

        A JPEG that needs neither turning nor resizing is sent as it was compressed; anything else as PNG. A photo that
        is painted at another size is painted whole; what stays photo is decided afterwards, at the photo's own size.

        Args:
            catalog: The model's styles.
            table: Their vectors, where the signature is `stylize_vectors`; None if the model tells none.

        Raises:
            UnknownStyleError: If the model has no such style.
            StyleVectorError: If a style vector is of another network than the model's.
            ModelError: If the model takes no style vectors.
            PhotoError: If the photo is too large for the model.
            MaskError: If a mask cannot be read, has another shape than the photo, or asks for a person or subject that
                the photo does not show.
        """
        styles = self._vectors(catalog, table) if self._options.vectors else self._weights(catalog)
        sent = self._styled_places if self._options.vectors else range(len(self._options.places))
        _check_pixels(self._photo, self._options.stroke, catalog.max_pixels)
        photo = self._painted.jpeg or self._painted.encode("png", compress_level=1, metadata="none")
        if self._composed_here:
            masks = [b""]
            if len(self._options.places) > 1:
                masks = [Mask(mask).encode() for mask in self._filled_masks()]
            strength, preserve_color, format = 1.0, False, "png"
        else:
            masks = [mask.encode() if mask else b"" for mask in self._masks]
            strength, preserve_color, format = (
                self._options.strength,
                self._options.preserve_color,
                self._options.format,
            )
        if not self._styled_places:
            strength = 0.0  # the photo, whatever vector is sent
        return {
            "image_bytes": _strings([photo]),
            **styles,
            "region_masks": _strings([masks[place] for place in sent or [0]])[None],
            "strength": np.array([strength], dtype=np.float32),
            "preserve_color": np.array([preserve_color], dtype=np.bool_),
            "format": _strings([format.encode()]),
        }

    def is_larger_than(self, max_pixels: int) -> bool:
        """Whether the photo is painted at more pixels."""
        return self._painted.height * self._painted.width > max_pixels

    def large_inputs(self, catalog: Catalog, table: StyleTable | None) -> dict[str, Any]:
        """What `AnySizeEngine.paint_large` takes, for a model that has these styles.

        Raises:
            UnknownStyleError, StyleVectorError, ModelError, MaskError: As `inputs`.
        """
        masks: list[np.ndarray | None] = [None]
        if len(self._options.places) > 1 and self._styled_places:
            own_size = (self._painted.height, self._painted.width) == (self._photo.height, self._photo.width)
            values = [mask.values for mask in self._masks if mask] if own_size else self._filled_masks()
            masks = [np.rint(values[place] * np.float32(255)).astype(np.uint8) for place in self._styled_places]
        vectors = self._vectors(catalog, table)["style_vectors"][0]
        return {"photo": self._painted.pixels, "style_vectors": vectors, "region_masks": masks}

    def stylized_large(self, pixels: np.ndarray) -> Photo:
        """As `stylized`, of what `AnySizeEngine.paint_large` gave, uint8 `[H,W,3]`."""
        return self._composed(self._as_the_photo(Photo(pixels)))

    def pixel_inputs(self, catalog: Catalog) -> dict[str, np.ndarray] | None:
        """The tensors of the signature `serving_default`, which takes pixels; `stylized_pixels` does the rest.

        None where the picture has regions or style vectors: pixels have one mix of named styles there.

        Raises:
            StyleTransferError: As `inputs`.
        """
        if len(self._options.places) > 1 or self._options.vectors:
            return None
        weights = self._weights(catalog)["region_weights"][0]
        _check_pixels(self._photo, self._options.stroke, catalog.max_pixels)
        return {"image": self._painted.pixels[None], "style_weights": weights}

    def stylized_pixels(self, answer: Mapping[str, np.ndarray]) -> np.ndarray:
        """The stylized image, uint8 `[H,W,3]`, of an answer to `pixel_inputs`, with mask, strength and colours.

        Raises:
            ModelError: If there is none of the photo's size.
        """
        stylized = answer.get("stylized", np.empty((0, 0, 0, 3), np.uint8))[0:1]
        self._check_size(stylized.shape[2], stylized.shape[1])
        return self._composed(replace(self._photo, pixels=stylized[0])).pixels

    def stylized(self, answer: Mapping[str, np.ndarray]) -> Photo:
        """The stylized image in a model's answer, with the photo's ICC profile, name and notes.

        Raises:
            ModelError: If there is none of the photo's size.
        """
        try:
            stylized = read_photo(_image_bytes(answer), name=_ANSWER)
        except PhotoError as error:
            raise _no_image(error) from None
        self._check_size(stylized.width, stylized.height)
        stylized = self._as_the_photo(stylized)
        return self._composed(stylized) if self._composed_here else stylized

    def stylized_encoded(self, answer: Mapping[str, np.ndarray]) -> EncodedImage:
        """The stylized image in a model's answer as a file.

        As it came, except for the photo's ICC profile, and no pixel is decoded; only a photo that is painted at another
        size is composed here.

        Raises:
            ModelError: If there is none of the photo's size.
        """
        if self._composed_here:
            return self.encoded(self.stylized(answer))
        data = _image_bytes(answer)
        try:
            with open_picture(data, _ANSWER) as header:
                (width, height), format = header.size, str(header.format).lower()
        except PhotoError as error:
            raise _no_image(error) from None
        self._check_size(width, height)
        kind = png if format == "png" else jpeg
        data = kind.with_icc_profile(kind.with_density(data, self._original.density), self._original.icc_profile)
        data = kind.with_exif(data, chosen_exif(self._original.exif, self._options.metadata))
        return EncodedImage(data, format, width, height, self._notes())

    def encoded(self, stylized: Photo) -> EncodedImage:
        """A stylized image that was composed here, as a file."""
        if self._options.format == "jpeg":
            stylized = stylized.on_white()
        data = stylized.encode(self._options.format, compress_level=1, metadata=self._options.metadata)
        return EncodedImage(data, self._options.format, stylized.width, stylized.height, stylized.notes)

    def _weights(self, catalog: Catalog) -> dict[str, np.ndarray]:
        mixes = [{name_of(style): weight for style, weight in mix.items()} for _, mix in self._options.places]
        weights = _used_columns(np.stack([_proportions(catalog.weights(mix)) for mix in mixes]))
        return {"region_weights": weights[None]}

    def _vectors(self, catalog: Catalog, table: StyleTable | None) -> dict[str, np.ndarray]:
        for name in self._options.names:
            _ = catalog[name]  # an unknown one is said before anything else
        if table is None:
            raise ModelError(
                "Expected a model that paints style vectors, got one that was exported before there were; ask for one "
                f"of its own styles ({', '.join(catalog.names)}), or for a newer version of it."
            )
        for style in self._options.vectors:
            table.check(style)
        mixed = [table.mixed(self._options.places[place][1]) for place in self._styled_places]
        return {"style_vectors": np.stack(mixed or [table.vectors[0]])[None]}

    @property
    def _styled_places(self) -> list[int]:
        """The places with any style: a region without one leaves the photo."""
        return [number for number, (_, mix) in enumerate(self._options.places) if any(mix.values())]

    @property
    def _composed_here(self) -> bool:
        """Whether the photo is painted at another size than its own, or is seen through."""
        return self._painted is not self._photo

    def _composed(self, stylized: Photo) -> Photo:
        """The stylized image at the photo's size, over the photo."""
        photo, options = self._photo, self._options
        pixels = bring_back(stylized.pixels, photo.height, photo.width)
        masks = [(None if mask is None else mask.values) for mask, styled in self._styled_masks() if styled]
        everywhere = bool(masks) and all(mask is None for mask in masks)
        if options.preserve_color or options.strength < 1 or not everywhere:
            share = options.strength * np.minimum(sum(1 if mask is None else mask for mask in masks), 1)
            if not pixels.flags.writeable:
                pixels = pixels.copy()
            compose(photo.pixels, pixels, share, preserve_color=options.preserve_color, out=pixels)
        return replace(stylized, pixels=pixels, format=options.format, jpeg=None, alpha=photo.alpha)

    def _as_the_photo(self, stylized: Photo) -> Photo:
        """With the photo's ICC profile, name, notes, density and EXIF."""
        original = self._original
        return replace(
            stylized,
            icc_profile=original.icc_profile,
            name=original.name,
            notes=self._notes(),
            density=original.density,
            exif=original.exif,
        )

    def _filled_masks(self) -> np.ndarray:
        """Masks of several regions at the size the photo is painted at, float32 `[R,H,W]`."""
        # A region without a style leaves the photo, so it has no say in how others mix.
        masks = np.stack([mask.values * np.float32(styled) for mask, styled in self._styled_masks() if mask])
        return fill(masks, self._painted.height, self._painted.width)

    def _styled_masks(self) -> list[tuple[Mask | None, bool]]:
        """The masks, and whether each has any style."""
        return [(mask, any(mix.values())) for mask, (_, mix) in zip(self._masks, self._options.places, strict=True)]

    @cached_property
    def _masks(self) -> list[Mask | None]:
        return [None if place is None else self._mask(place) for place, _ in self._options.places]

    def _mask(self, place: MaskSource) -> Mask:
        photo, size = self._photo, (self._original.height, self._original.width)
        return resolve(place, photo.height, photo.width, fade=self._options.fade, photo=photo, photo_size=size)

    def _notes(self) -> tuple[str, ...]:
        return self._photo.notes + tuple(note for mask in self._masks if mask for note in mask.notes)

    def _check_size(self, width: int, height: int) -> None:
        if (width, height) != (self._painted.width, self._painted.height):
            raise ModelError(
                f"Expected a painting of {self._painted.width}x{self._painted.height} from the model, got "
                f"{width}x{height}."
            )


def _strings(values: Sequence[bytes]) -> np.ndarray:
    """An object array of bytes: NumPy's own byte strings drop trailing zeros."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _proportions(weights: np.ndarray) -> np.ndarray:
    """Divided by their sum, so that regions count the same, whatever scale their weights are written in."""
    total = weights.sum(dtype=np.float64)
    return (weights / total).astype(np.float32) if total > 0 else weights


def _used_columns(weights: np.ndarray) -> np.ndarray:
    """Without those behind the last style asked for: servers that still run an older version may have fewer."""
    used = np.flatnonzero(weights.any(axis=0))
    return weights[:, : used[-1] + 1 if len(used) else 1]


def _check_pixels(photo: Photo, stroke: Stroke, max_pixels: int) -> None:
    height, width = painted_size(photo.height, photo.width, stroke)
    if height * width <= max_pixels:
        return
    fitting = _fitting_size(photo, stroke, max_pixels)
    advice = f"--max-size {fitting} or less (in Python: max_size={fitting})"
    what = "the photo has"
    if (height, width) != (photo.height, photo.width):
        number = parse_stroke(stroke) or 1.0
        what = f"at a stroke of {number:g} the photo is painted at"
        broader = math.ceil(100 * number * math.sqrt(height * width / max_pixels)) / 100
        if broader <= MAX_STROKE:
            advice = f"--stroke {broader:g} or more (in Python: stroke={broader:g})"
    raise PhotoError(
        f"{photo.name}: the model takes at most {max_pixels / 1e6:.3g} megapixels, {what} "
        f"{height * width / 1e6:.3g} ({width}x{height}); use {advice}."
    )


def _fitting_size(photo: Photo, stroke: Stroke, max_pixels: int) -> int:
    """The largest `max_size` at which the photo is painted at no more than so many pixels."""
    longest, shortest = sorted((photo.height, photo.width), reverse=True)

    def pixels(max_size: int) -> int:
        return math.prod(painted_size(max_size, max(MIN_SIDE, round(shortest * max_size / longest)), stroke))

    return MIN_SIDE - 1 + bisect_right(range(MIN_SIDE, longest), max_pixels, key=pixels)


_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # of the formats that a model answers in


def _image_bytes(answer: Mapping[str, np.ndarray]) -> bytes:
    try:
        data = answer["image_bytes"].flat[0]
    except (KeyError, IndexError) as error:
        raise _no_image(error) from None
    if not isinstance(data, bytes):
        raise _no_image(TypeError(f"{answer['image_bytes'].dtype} instead of bytes"))
    if not data.startswith(_MAGIC):  # what else can be decoded here is not in the contract, nor worth its risks
        raise _no_image(TypeError("neither JPEG nor PNG"))
    return data


def _no_image(error: Exception) -> ModelError:
    return ModelError(f"Expected a painting from the model, got none that can be read ({error}).")
