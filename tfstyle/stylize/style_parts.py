"""A style image in parts: its person and its background, each as a picture that shows nothing else.

The style encoder looks at whole pictures, so what is not of the part is filled with the part itself, mirrored and
moved: its texture stays, and what the encoder measures is how often things are there, not where.
"""

import itertools

import numpy as np

from tfstyle.errors import MaskError
from tfstyle.imaging.photo import Photo
from tfstyle.imaging.style_images import MIN_STYLE_IMAGE_SIDE
from tfstyle.masks.mask import resolve

PARTS = ("person", "background")
MOVES = 8  # each way; so many places of the part are tried for a pixel that is not of it
CERTAIN = 0.5  # of the mask, from which on a pixel is of the part


def style_parts(style_image: Photo) -> dict[str, Photo]:
    """The person and the background of a style image, by these names.

    Where the segmenter, which learned from photos, finds no person in a painting, its subject is taken for one.

    Raises:
        MaskError: If it shows no subject either.
        StyleTransferError: If the extra `masks` is not installed.
    """
    height, width = style_image.height, style_image.width
    try:
        mask = resolve("person", height, width, photo=style_image, of="style image")
    except MaskError:
        mask = resolve("subject", height, width, photo=style_image, of="style image")
    person = mask.values >= CERTAIN
    if not 0 < person.mean() < 1:
        raise MaskError(
            f"{style_image.name}: expected a painting of a person in front of something, found one part alone; leave "
            "the match out."
        )
    pictures = (filled(*_cropped(style_image.pixels, person)), filled(style_image.pixels, ~person))
    return {name: Photo(pixels, name=style_image.name) for name, pixels in zip(PARTS, pictures, strict=True)}


def filled(pixels: np.ndarray, part: np.ndarray) -> np.ndarray:
    """A picture of one part alone.

    Args:
        pixels: uint8 `[H,W,3]`.
        part: Which pixels are of the part, bool `[H,W]`; at least one.

    Returns:
        uint8 `[H,W,3]`: pixels of the part as they are, others taken from the part mirrored and moved, as far as it
        reaches, and its mean colour beyond.
    """
    height, width = part.shape
    result, known = pixels.copy(), part.copy()
    result[~part] = np.round(pixels[part].mean(axis=0))
    mirrors = itertools.product((1, -1), (1, -1))
    moves = [(row * height // MOVES, column * width // MOVES) for row, column in _farthest_first()]
    for (down, across), move in itertools.product(mirrors, moves):
        if known.all():
            break
        seen = np.roll(part[::down, ::across], move, axis=(0, 1)) & ~known
        result[seen] = np.roll(pixels[::down, ::across], move, axis=(0, 1))[seen]
        known |= seen
    return result


def _farthest_first() -> list[tuple[int, int]]:
    """Moves each way, in parts of the picture: from afar comes what shows less of the part's own outline again."""

    def distance(move: tuple[int, int]) -> int:
        return sum(min(part, MOVES - part) for part in move)

    return sorted(itertools.product(range(MOVES), range(MOVES)), key=distance, reverse=True)


def _cropped(pixels: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Picture and part as far as the part reaches, or as a style image must reach."""
    ends = []
    for axis, size in enumerate(part.shape):
        at = np.flatnonzero(part.any(axis=1 - axis))
        start, stop = (at[0], at[-1] + 1) if len(at) else (0, size)
        start = max(0, min(start, size - MIN_STYLE_IMAGE_SIDE))
        ends.append(slice(start, max(stop, start + MIN_STYLE_IMAGE_SIDE)))
    return pixels[tuple(ends)], part[tuple(ends)]
