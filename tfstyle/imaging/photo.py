"""From files and bytes to upright RGB arrays and back; every limit on a picture's size lives here.

A photo is read once, checked on its header before a pixel is decoded, turned upright by its EXIF orientation and
brought to 8-bit RGB. What comes back carries the photo's ICC profile, its density, and of its EXIF what is not private.

How odd pictures become RGB: transparency is kept beside the colours; 16-bit values are scaled to 8 bits; of several
frames the first is taken; CMYK, gray and Lab go through their own ICC profile to sRGB where they carry one, and the
profile, which describes the old values, is dropped. RGB values are never converted: their profile travels with them,
and where a file tells its colours otherwise a profile is made of that. High dynamic range alone becomes sRGB.
"""

import importlib
import io
import os
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

import numpy as np
from PIL import Image

from tfstyle.errors import PhotoError, PhotoTooLargeError, PhotoTooSmallError, RequestError
from tfstyle.imaging.color_modes import ORIENTATION, has_orientation, on_white, to_gray, to_rgb, turn_upright
from tfstyle.imaging.color_tags import color_tag, to_srgb
from tfstyle.imaging.jpeg import (
    END,
    bare_jpeg,
    check_jpeg,
    lacks_its_end_alone,
    with_density,
    with_exif,
    with_icc_profile,
)
from tfstyle.imaging.metadata import Density, Metadata, chosen_exif, read_density, read_exif
from tfstyle.imaging.other_formats import other_format
from tfstyle.imaging.raw_preview import raw_preview
from tfstyle.imaging.whole_file import write_file

MIN_SIDE = 16  # the network halves a picture twice and mirrors its borders: less has nothing to mirror
MAX_PIXELS = 120_000_000  # a 108-megapixel phone photo passes: 360 MB as RGB
MAX_FILE_BYTES = 256 * 2**20

JPEG_QUALITY = 95
WEBP_MAX_SIDE = 16_383
JPEG_MAX_SIDE = 65_535

Format = Literal["jpeg", "png", "webp"]
FORMAT_BY_SUFFIX: dict[str, Format] = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp"}
SUFFIX_BY_FORMAT: dict[Format, str] = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}
PHOTO_SUFFIXES = frozenset(FORMAT_BY_SUFFIX) | {
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".mpo", ".pgm", ".ppm", ".tif", ".tiff", ".dng",
}  # fmt: skip

# Formats of cameras, phones and the web. Left out on purpose: EPS and others that start a program or are rarely fuzzed.
_READABLE = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "HEIF")
_PLUGINS = ("AvifImagePlugin", "Jpeg2KImagePlugin", "TiffImagePlugin", "WebPImagePlugin")  # beyond Image.preinit()
_LOSSLESS = {"png", "gif", "bmp", "tiff", "ppm"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

_BAND = 512  # rows of a picture that are moved at once

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Photo:
    """An upright picture and what must survive its way through the model.

    Attributes:
        pixels: uint8 `[H,W,3]`, RGB, upright; values as the file has them, not colour-managed.
        icc_profile: What these RGB values mean, as ICC bytes; None is sRGB.
        format: What it was read from or painted as, lower case: `jpeg`, `png`, `webp`, `gif`, ...
        name: What messages call it: its path, or `photo`.
        notes: What was done on reading that its owner may want to know, one sentence each.
        jpeg: The same pixels as JPEG without metadata, where they came as one: never compressed twice.
        alpha: How opaque each pixel is, uint8 `[H,W]`; None is all of it. Pixels that nobody sees are white.
        density: Pixels an inch, across and down; None if the file says none.
        exif: All that its EXIF says but the orientation; `encode` writes what is not private.
    """

    pixels: np.ndarray
    icc_profile: bytes | None = None
    format: str = "png"
    name: str = "photo"
    notes: tuple[str, ...] = ()
    jpeg: bytes | None = None
    alpha: np.ndarray | None = None
    density: Density | None = None
    exif: bytes | None = None

    @property
    def height(self) -> int:
        """Rows."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Columns."""
        return self.pixels.shape[1]

    def resize_to(self, max_size: int) -> "Photo":
        """Shrink so that the longer side is at most `max_size` pixels; never enlarges.

        Raises:
            RequestError: If `max_size` is below 16.
            PhotoError: If the shorter side would fall below 16 pixels.
        """
        if max_size < MIN_SIDE:
            raise RequestError(f"Expected a max size of at least {MIN_SIDE} pixels, got {max_size}.")
        longest = max(self.height, self.width)
        if longest <= max_size:
            return self
        height, width = (max(1, round(side * max_size / longest)) for side in (self.height, self.width))
        if min(height, width) < MIN_SIDE:
            raise PhotoError(
                f"{self.name}: at a max size of {max_size} the photo would be {width}x{height}, and a side needs "
                f"{MIN_SIDE} pixels; choose a larger max size."
            )
        return self.resized(height, width)

    def resized(self, height: int, width: int) -> "Photo":
        """At another size; itself where that is its own."""
        if (height, width) == (self.height, self.width):
            return self
        size = (width, height)
        smaller = np.asarray(Image.fromarray(self.pixels).resize(size, Image.Resampling.LANCZOS))
        if self.alpha is None:
            return replace(self, pixels=smaller, jpeg=None)
        # Where something is seen, by the colours of what is seen: Pillow weighs them by their alpha.
        seen = np.dstack([self.pixels, self.alpha])
        seen = np.asarray(Image.fromarray(seen, "RGBA").resize(size, Image.Resampling.LANCZOS))
        pixels = np.where(seen[..., 3:] > 0, seen[..., :3], 255).astype(np.uint8)
        return replace(self, pixels=pixels, alpha=np.ascontiguousarray(seen[..., 3]), jpeg=None)

    def on_white(self) -> "Photo":
        """Without transparency: what is seen through it is white, and a note says so."""
        if self.alpha is None:
            return self
        note = "transparency laid over white: JPEG has none"
        return replace(self, pixels=on_white(self.pixels, self.alpha), alpha=None, notes=(*self.notes, note))

    def encode(self, format: Format, *, compress_level: int = 6, metadata: Metadata = "safe") -> bytes:
        """The picture as a file: JPEG at quality 95 without chroma subsampling, PNG, or WebP at quality 95.

        Carries ICC profile, density and what `metadata` says of EXIF. A picture that came as JPEG stays as compressed.

        Args:
            format: `jpeg`, `png` or `webp`.
            compress_level: 0..9, for PNG: 1 is fast, 9 is small.
            metadata: `keep`, `safe` (artist, copyright, dates) or `none`, see `tfstyle.imaging.metadata`.

        Raises:
            RequestError: If the format is another one.
            PhotoError: If the format cannot hold that many pixels a side.
        """
        exif = chosen_exif(self.exif, metadata)
        if format == "jpeg" and self.jpeg is not None:
            return with_exif(with_icc_profile(with_density(self.jpeg, self.density), self.icc_profile), exif)
        options: dict[str, Any]
        match format:
            case "jpeg":
                options = {"quality": JPEG_QUALITY, "subsampling": 0}
            case "png":
                options = {"compress_level": compress_level}
            case "webp":
                options = {"quality": JPEG_QUALITY}
            case _:
                raise RequestError(f"Expected jpeg, png or webp to write, got {format!r}.")
        check_sides(format, self)
        if self.icc_profile:
            options["icc_profile"] = self.icc_profile
        if exif:
            options["exif"] = exif
        if self.density and format != "webp":
            options["dpi"] = self.density
        if self.alpha is not None and format == "jpeg":
            return self.on_white().encode("jpeg", metadata=metadata)
        pixels = self.pixels if self.alpha is None else np.dstack([self.pixels, self.alpha])
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format, **options)
        return buffer.getvalue()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to `path` in the format that its ending names: .jpg, .jpeg, .png or .webp."""
        write_file(path, self.encode(format_for(path)))

    def to_pil(self) -> Image.Image:
        """The picture for Pillow, with its ICC profile in `info`; RGBA where it has transparency."""
        image = Image.fromarray(self.pixels if self.alpha is None else np.dstack([self.pixels, self.alpha]))
        if self.icc_profile:
            image.info["icc_profile"] = self.icc_profile
        return image

    def writable_format(self) -> Format:
        """What to write it as when nobody says: as it came; else PNG if lossless or with alpha; else JPEG."""
        if self.format in SUFFIX_BY_FORMAT:
            return self.format
        return "png" if self.format in _LOSSLESS or self.alpha is not None else "jpeg"


def check_sides(format: str, photo: Photo) -> None:
    """See that a format can hold pictures as large as a photo, before one is made.

    Raises:
        PhotoError: If it cannot.
    """
    limit = {"jpeg": JPEG_MAX_SIDE, "webp": WEBP_MAX_SIDE}.get(format)
    if limit and max(photo.height, photo.width) > limit:
        raise PhotoError(
            f"{photo.name}: {format} holds at most {limit} pixels a side, this is {photo.width}x{photo.height}; "
            f"write png or set a max size."
        )


PhotoSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | np.ndarray | Photo


def format_for(path: str | os.PathLike[str]) -> Format:
    """The format that a file name's ending asks for.

    Raises:
        RequestError: If it ends in anything but .jpg, .jpeg, .png or .webp.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMAT_BY_SUFFIX:
        raise RequestError(f"Expected a file to write that ends in .jpg, .png or .webp, got {os.fspath(path)!r}.")
    return FORMAT_BY_SUFFIX[suffix]


@dataclass(frozen=True, kw_only=True)
class PictureHeader:
    """What a picture says about itself before a pixel is decoded.

    Attributes:
        format: As Pillow calls it, lower case: `jpeg`, `png`, `webp`, ...
        width: Columns, before it is turned upright.
        height: Rows.
        mode: Pillow's word for what a pixel is: `RGB`, `RGBA`, `P`, `I;16`, ...
        progressive: A JPEG that comes in several scans, all of which are kept until the last one.
    """

    format: str
    width: int
    height: int
    mode: str = "RGB"
    progressive: bool = False


def read_photo(
    source: PhotoSource, *, name: str | None = None, max_pixels: int = MAX_PIXELS, longest: int | None = None
) -> Photo:
    """Read a photo from wherever it is.

    Args:
        source: A path, the bytes of a file, an open binary file, a Pillow image, a uint8 RGB `[H,W,3]` or gray `[H,W]`
            array, or a `Photo`, which comes back as it is.
        name: What messages call it; by default its path, or `photo`.
        max_pixels: Largest H * W, checked on the header before decoding.
        longest: Shrink files to so many pixels on the longer side, already while decoding where the format can.

    Raises:
        PhotoError: If it is missing, empty, not a picture, broken, truncated, too small or too large.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source, name or "photo", max_pixels)
    if isinstance(source, Image.Image):
        label = name or str(getattr(source, "filename", "")) or "photo"
        check_size(source.width, source.height, label, max_pixels=max_pixels)
        return _guarded(lambda: _to_photo(source.copy(), source.format, None, label), label)
    data, label = read_bytes(source, name)
    preview = raw_preview(data)
    if preview is not None:
        return _from_raw(*preview, label, max_pixels, longest)
    image = _open_checked(data, label, max_pixels=max_pixels)
    if lacks_its_end_alone(data) and _is_whole(data):
        data += END
        image = open_picture(data, label)
    photo = _guarded(lambda: _to_photo(image, image.format, data, label, longest), label)
    if longest is not None:
        photo = photo.resize_to(longest)
        check_size(photo.width, photo.height, label)
    return photo


def read_gray(
    source: PhotoSource, *, name: str | None = None, max_pixels: int = MAX_PIXELS, longest: int | None = None
) -> np.ndarray:
    """Read a picture as gray values, float32 `[H,W]`, 0..1; transparent is 0.

    Args:
        source: As for `read_photo`.
        name: What messages call it.
        max_pixels: Largest H * W.
        longest: Shrink a file to about so many pixels on the longer side.

    Raises:
        PhotoError: As `read_photo`, but a picture of any size down to 1x1 is taken.
    """
    if isinstance(source, Photo):
        return np.asarray(Image.fromarray(source.pixels).convert("L"), dtype=np.float32) / 255
    if isinstance(source, Image.Image):
        label = name or "mask"
        check_size(source.width, source.height, label, min_side=1, max_pixels=max_pixels)
        return _guarded(lambda: _to_gray(source.copy(), label), label)
    data, label = read_bytes(source, name)
    image = _open_checked(data, label, min_side=1, max_pixels=max_pixels)
    return _guarded(lambda: _to_gray(_decoded(image, longest), label), label)


def read_bytes(source: Any, name: str | None = None) -> tuple[bytes, str]:
    """The bytes of a path, an open file or bytes, and what messages call them.

    Raises:
        PhotoError: If there is no such file, it cannot be read, or it is larger than 256 MiB.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), name or "photo"
    elif hasattr(source, "read"):
        name = name or str(getattr(source, "name", "photo"))
        data = source.read(MAX_FILE_BYTES + 1)
    elif isinstance(source, str | os.PathLike):
        name = name or os.fspath(source)
        try:
            with open(source, "rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            raise PhotoError(f"{name}: no such file.") from None
        except (OSError, ValueError) as error:
            raise PhotoError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    else:
        raise PhotoError(f"Expected a path, bytes, a file, an image or an array, got {type(source).__name__}.")
    if not isinstance(data, bytes):
        raise PhotoError(f"{name}: expected a file opened in binary mode ('rb'), got text.")
    if len(data) > MAX_FILE_BYTES:
        raise PhotoError(f"{name}: expected a file of at most {MAX_FILE_BYTES // 2**20} MiB, got a larger one.")
    return data, name


def read_header(data: bytes, name: str) -> PictureHeader:
    """What a picture's header says.

    Raises:
        PhotoError: As `open_picture`.
    """
    if size := _webp_size(data):  # Pillow takes memory for all pixels as it opens one
        mode = "RGBA" if data[12:16] == b"VP8L" or (data[12:16] == b"VP8X" and data[20] & 0x10) else "RGB"
        return PictureHeader(format="webp", width=size[0], height=size[1], mode=mode)
    with open_picture(data, name) as image:
        return PictureHeader(
            format=str(image.format).lower(),
            width=image.width,
            height=image.height,
            mode=image.mode,
            progressive="progressive" in image.info,
        )


def open_picture(data: bytes, name: str) -> Image.Image:
    """Read a picture's header, not yet its pixels.

    Raises:
        PhotoError: If the bytes are empty, not a picture, a JPEG built to take for ever, or HEIC without the package
            that reads it.
    """
    if not data:
        raise PhotoError(f"{name}: expected a picture, got an empty file (0 bytes); was it copied completely?")
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        _register_heif(name)
    check_jpeg(data, name)
    try:
        return _guarded(lambda: Image.open(io.BytesIO(data), formats=_readable_formats()), name)
    except PhotoError:
        if kind := other_format(data):
            raise PhotoError(f"{name}: this is {kind}, which is not read; save it as JPEG or PNG first.") from None
        raise


def _open_checked(data: bytes, name: str, *, min_side: int = MIN_SIDE, max_pixels: int) -> Image.Image:
    """An opened picture of a size that is allowed; Pillow takes memory for all pixels of a WebP as it opens one."""
    if size := _webp_size(data):
        check_size(*size, name, min_side=min_side, max_pixels=max_pixels)
    image = open_picture(data, name)
    check_size(image.width, image.height, name, min_side=min_side, max_pixels=max_pixels)
    return image


def check_size(width: int, height: int, name: str, *, min_side: int = MIN_SIDE, max_pixels: int = MAX_PIXELS) -> None:
    """Refuse pictures that are too small or too large.

    Raises:
        PhotoTooSmallError: If a side has fewer than `min_side` pixels.
        PhotoTooLargeError: If there are more than `max_pixels`.
    """
    if min(width, height) < min_side:
        raise PhotoTooSmallError(f"{name}: expected at least {min_side}x{min_side} pixels, got {width}x{height}.")
    if width * height > max_pixels:
        raise PhotoTooLargeError(
            f"{name}: expected at most {max_pixels / 1e6:.3g} megapixels, got {width}x{height} "
            f"({width * height / 1e6:.0f} megapixels); make it smaller first.",
            pixels=width * height,
            limit=max_pixels,
        )


def _guarded(decode: Callable[[], T], name: str) -> T:
    """Run a decoder and turn whatever it raises into one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes have their own check, and bad EXIF spoils no pixel
            return decode()
    except PhotoError:
        raise
    except Image.UnidentifiedImageError:
        raise PhotoError(
            f"{name}: expected a picture (JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or HEIC), got something else or a "
            f"broken file."
        ) from None
    except Image.DecompressionBombError:
        raise PhotoTooLargeError(
            f"{name}: expected at most {MAX_PIXELS / 1e6:.3g} megapixels, got far more; make it smaller first.",
            pixels=2 * (Image.MAX_IMAGE_PIXELS or MAX_PIXELS),
            limit=MAX_PIXELS,
        ) from None
    except MemoryError:
        raise PhotoError(f"{name}: decoding the picture takes more memory than there is; make it smaller.") from None
    except Exception as error:  # decoders raise nearly anything on broken bytes: OSError, struct.error, IndexError, ...
        broken = "is truncated" if "truncated" in str(error).lower() else f"is broken ({error})"
        raise PhotoError(f"{name}: the picture {broken}; try another copy of it.") from None


def _to_photo(
    image: Image.Image, format: str | None, data: bytes | None, name: str, longest: int | None = None
) -> Photo:
    kind = (format or "png").lower()
    notes: tuple[str, ...] = ()
    if kind == "mpo":  # what Pillow calls a JPEG with a depth map or a gain map behind it
        kind = "jpeg"
    elif getattr(image, "is_animated", False):
        notes = ("has several frames: the first one was taken",)
    size = image.size
    tag = color_tag(image, data) if image.mode not in ("CMYK", "LAB") else None
    density = read_density(image)
    image = _decoded(image, longest)
    exif = read_exif(image)  # not before: of a PNG Pillow decodes the pixels for it, and what fails then fails no more
    plain_jpeg = kind == "jpeg" and image.mode == "RGB"
    turned = turn_upright(image)
    rgb, profile, alpha = to_rgb(image, name)
    pixels = _pixels(rgb)
    if tag is not None and tag.hdr:
        pixels, plain_jpeg = to_srgb(pixels, tag), False
        notes += (f"{tag.hdr.upper()} brought to the brightness of sRGB",)
    elif tag is not None:
        profile = tag.space.profile()
    return Photo(
        pixels=pixels,
        icc_profile=profile,
        format=kind,
        name=name,
        notes=notes,
        jpeg=bare_jpeg(data) if data is not None and plain_jpeg and not turned and image.size == size else None,
        alpha=None if alpha is None else np.asarray(alpha),
        density=density,
        exif=exif,
    )


def _pixels(image: Image.Image) -> np.ndarray:
    """The pixels of an RGB image, uint8 `[H,W,3]`, in bands: at once, Pillow takes their memory twice."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _BAND):
        rows = pixels[top : top + _BAND]
        rows[...] = np.asarray(image.crop((0, top, image.width, top + len(rows))))
    return pixels


def _from_raw(preview: bytes, orientation: int, name: str, max_pixels: int, longest: int | None) -> Photo:
    """A camera's own picture of its raw file, turned as the file says where the picture does not say it itself."""
    photo = read_photo(preview, name=name, max_pixels=max_pixels, longest=longest)
    image = open_picture(preview, name)
    if orientation > 1 and not has_orientation(image):
        turned = Image.fromarray(photo.pixels)
        turned.getexif()[ORIENTATION] = orientation
        turn_upright(turned)
        photo = replace(photo, pixels=np.asarray(turned), jpeg=None)
    note = f"a camera's raw file: its preview of {photo.width}x{photo.height} was taken"
    return replace(photo, notes=(*photo.notes, note))


def _is_whole(data: bytes) -> bool:
    """Whether a JPEG lacks its end alone: then bits behind its last scan, whichever they are, change no pixel."""
    try:
        one, other = (Image.open(io.BytesIO(data + more + END), formats=["JPEG"]) for more in (b"", b"\x55" * 64))
        return np.array_equal(np.asarray(one), np.asarray(other))
    except Exception:  # decoders raise nearly anything on broken bytes
        return False


def _decoded(image: Image.Image, longest: int | None) -> Image.Image:
    """Decode an image, and shrink it before anything else takes memory for all its pixels."""
    size = width, height = image.size
    if longest is not None and longest < max(size):
        size = max(1, round(width * longest / max(size))), max(1, round(height * longest / max(size)))
        image.draft(None, size)  # JPEG only: by 2, 4 or 8
    image.load()
    if size == image.size or image.format == "TIFF":  # which has its orientation where a smaller image has none
        return image
    if image.mode == "P":
        palette, image = image, image.convert("RGBA" if image.has_transparency_data else "RGB")
        palette.close()
    if image.mode in ("RGBA", "LA") or (image.mode in ("RGB", "L", "CMYK") and not image.has_transparency_data):
        smaller = image.resize(size, Image.Resampling.LANCZOS)
        image.close()  # others hold it, and with it its memory
        return smaller
    return image


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height as a WebP's first chunk tells them; None if it is none."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    match data[12:16]:
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L" if data[20] == 0x2F:
            bits = struct.unpack_from("<I", data, 21)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    return None


def _to_gray(image: Image.Image, name: str) -> np.ndarray:
    turn_upright(image)
    return to_gray(image, name)


def _from_array(pixels: np.ndarray, name: str, max_pixels: int) -> Photo:
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)):
        raise PhotoError(
            f"{name}: expected a uint8 array of shape [H,W,3] or [H,W], 0..255, "
            f"got {pixels.dtype} of shape {list(pixels.shape)}."
        )
    check_size(pixels.shape[1], pixels.shape[0], name, max_pixels=max_pixels)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return Photo(np.ascontiguousarray(pixels), name=name)


def _readable_formats() -> list[str]:
    """Those of `_READABLE` that this Pillow reads. Image.init() would import forty plugins for them."""
    Image.preinit()
    for plugin in _PLUGINS:
        importlib.import_module(f"PIL.{plugin}")
    return [kind for kind in _READABLE if kind in Image.OPEN]


def _register_heif(name: str) -> None:
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError:
        raise PhotoError(
            f"{name}: HEIC photos need a package that is not installed; pip install pillow-heif, or save it as JPEG."
        ) from None
