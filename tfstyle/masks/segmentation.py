"""Masks that follow what is in the photo: a person, the background, or its main object of any kind.

Masks are soft, float32 `[H,W]`, 0..1 in steps of 1/255 (the 8 bits in which they travel); `person` and `background` of
one photo sum to exactly 1. Nothing here imports TensorFlow; what it does need, the extra `masks`, is loaded on first
use. All functions may be called from several threads.

    person, background   MediaPipe's selfie segmentation (256 x 256) by LiteRT, edges refined by the guided filter
    subject              GrabCut by OpenCV from a box, or from the middle of the photo
"""

import functools
import importlib
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfstyle.errors import MaskError, RequestError, StyleTransferError
from tfstyle.masks.guided_filter import refine
from tfstyle.quiet import quiet_tensorflow

Box = tuple[int, int, int, int]

_MODEL = Path(__file__).parents[1] / "assets" / "selfie_segmentation.tflite"
_REFINE_SIDE = 1024  # longer side at which edges are fitted
_CUT_SIDE = 384  # longer side at which GrabCut works: seconds instead of minutes, and its edges are refined anyway
_CUT_ROUNDS = 5
_MARGIN = 0.3  # around the person for the second look, as a share of their box

# Confidences beyond these are certain, so that a mask is exactly 0 off the person and exactly 1 within.
_SURE_BACKGROUND, _SURE_FOREGROUND = 0.1, 0.9
# People are mostly certain: 58 % to 97 % of what is possible in photos with people; things that look like some, less.
_CERTAIN_SHARE = 0.35


def person(pixels: np.ndarray, *, name: str = "the photo") -> np.ndarray:
    """Everyone in the photo.

    The segmenter sees the photo stretched to 256 x 256, as in MediaPipe's graph, and once more mirrored, which tells
    more surely where people are; then only that part of the photo, where they are larger. The guided filter fits the
    edges to the photo.

    Args:
        pixels: uint8 `[H,W,3]`, RGB, upright.
        name: What messages call the photo.

    Returns:
        The mask, float32 `[H,W]`, 0..1; 1 is person.

    Raises:
        MaskError: If nobody is found.
        StyleTransferError: If the extra `masks` is not installed.
    """
    coarse = _people(pixels)
    certain, possible = (coarse > _SURE_FOREGROUND).sum(), (coarse > _SURE_BACKGROUND).sum()
    if certain <= _CERTAIN_SHARE * possible:
        raise MaskError(
            f"{name}: no person was found; expected one that fills a good part of the photo. Take subject, a gradient "
            f"or a mask file instead."
        )
    return _finish(coarse, pixels)


def background(pixels: np.ndarray, *, name: str = "the photo") -> np.ndarray:
    """Everything but the people: exactly 1 - `person`, with the same arguments and errors."""
    return 1 - person(pixels, name=name)


def subject(pixels: np.ndarray, box: Box | None = None, *, name: str = "the photo") -> np.ndarray:
    """The main object, of any kind: what differs in colour from its surroundings.

    Args:
        pixels: uint8 `[H,W,3]`, RGB, upright.
        box: `(x, y, width, height)` in pixels, close around the object; None takes what is in the middle.
        name: What messages call the photo.

    Returns:
        The mask, float32 `[H,W]`, 0..1; 1 is the object.

    Raises:
        MaskError: If nothing stands out.
        RequestError: If the box is empty, leaves the photo or fills it, so that nothing is known to be background.
        StyleTransferError: If the extra `masks` is not installed.

    Reference: C. Rother, V. Kolmogorov, A. Blake, "GrabCut" (SIGGRAPH 2004).
    """
    if box is not None:
        _check_box(box, pixels.shape[1], pixels.shape[0])
    cut = _grab_cut(pixels, box)
    if not cut.any():
        advice = "try a larger box" if box is not None else "give a box around it (tfstyle mask --subject --box)"
        raise MaskError(f"{name}: no subject stands out from its surroundings; {advice}.")
    rows, columns = _fit(pixels, _REFINE_SIDE)
    return _finish(_resize(cut.astype(np.float32), rows, columns), pixels)


# What `resolve`, the command line and the chat offer, by name.
SEGMENTS: dict[str, Callable[..., np.ndarray]] = {"person": person, "background": background, "subject": subject}


def confidence(pixels: np.ndarray) -> np.ndarray:
    """The bare segmenter on the whole photo: how sure it is of a person, float32 `[256,256]`, 0..1."""
    return _run(_stretch(pixels))


def _people(pixels: np.ndarray) -> np.ndarray:
    """Two looks at the photo, float32 `[h,w]`, 0..1, at the size at which edges are fitted."""
    rows, columns = _fit(pixels, _REFINE_SIDE)
    image = _stretch(pixels)
    whole = (_run(image) + _run(image[:, ::-1])[:, ::-1]) / 2
    sure = whole > 0.5
    coarse = _resize(whole, rows, columns)
    if not sure.any():
        return coarse
    top, bottom = _span(sure.any(axis=1), rows)
    left, right = _span(sure.any(axis=0), columns)
    scale_y, scale_x = pixels.shape[0] / rows, pixels.shape[1] / columns
    part = pixels[round(top * scale_y) : round(bottom * scale_y), round(left * scale_x) : round(right * scale_x)]
    closer = np.zeros_like(coarse)
    closer[top:bottom, left:right] = _resize(confidence(part), bottom - top, right - left)
    return closer


def _stretch(pixels: np.ndarray) -> np.ndarray:
    """The photo as the segmenter takes it, float32 `[256,256,3]`, 0..1; its aspect ratio is not kept."""
    # Means when it shrinks, which scored best; when it grows, blocks would lose the person.
    grows = min(pixels.shape[:2]) < 256
    resampling = Image.Resampling.BICUBIC if grows else Image.Resampling.BOX
    return np.asarray(Image.fromarray(pixels).resize((256, 256), resampling)) / np.float32(255)


def _span(present: np.ndarray, count: int) -> tuple[int, int]:
    """First and end of what is present, widened by the margin, on a side of `count` pixels."""
    at = np.flatnonzero(present)
    first, end = at[0] / len(present), (at[-1] + 1) / len(present)
    margin = _MARGIN * (end - first)
    return int(max(0, first - margin) * count), math.ceil(min(1, end + margin) * count)


def _finish(coarse: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Refined, certain where it is nearly certain, and in steps of 1/255."""
    refined = refine(coarse, pixels)
    refined -= _SURE_BACKGROUND
    refined *= 255 / (_SURE_FOREGROUND - _SURE_BACKGROUND)
    return np.clip(np.rint(refined, out=refined), 0, 255, out=refined) / np.float32(255)


def _fit(pixels: np.ndarray, side: int) -> tuple[int, int]:
    """Rows and columns of the photo within `side`; never enlarged."""
    height, width = pixels.shape[:2]
    scale = min(1, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _resize(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    image = Image.fromarray(np.ascontiguousarray(values))
    return np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR))


_lock = threading.Lock()  # an interpreter holds its tensors


def _run(image: np.ndarray) -> np.ndarray:
    with _lock:
        interpreter = _interpreter()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(image[None]))
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0, :, :, 0]


@functools.cache
def _interpreter() -> Any:
    with quiet_tensorflow():  # LiteRT greets from C++ as TensorFlow does
        litert = _load("ai_edge_litert.interpreter", "Masks of people need ai-edge-litert")
        interpreter = litert.Interpreter(str(_MODEL))
        interpreter.allocate_tensors()
    return interpreter


def _load(module: str, need: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise StyleTransferError(f"{need}, which is not installed; pip install 'tfstyle[masks]'.") from None


def _check_box(box: Box, width: int, height: int) -> None:
    x, y, across, down = box
    inside = min(x, y) >= 0 and 0 < across <= width - x and 0 < down <= height - y
    if not inside or (across, down) == (width, height):
        raise _box_error(box, width, height)


def _box_error(box: Box, width: int, height: int) -> RequestError:
    return RequestError(
        f"Expected a box X,Y,W,H within the photo of {width}x{height} pixels and smaller than it, got "
        f"{','.join(map(str, box))}."
    )


def _grab_cut(pixels: np.ndarray, box: Box | None) -> np.ndarray:
    """The object at GrabCut's size, bool `[h,w]`, without specks."""
    cv2 = _load("cv2", "Masks of a subject need opencv-python-headless")
    rows, columns = _fit(pixels, _CUT_SIDE)
    small = np.asarray(Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BOX))
    labels = np.full((rows, columns), cv2.GC_BGD, np.uint8)
    if box is None:
        y, x = np.ogrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
        labels[np.maximum(abs(y), abs(x)) < 0.9] = cv2.GC_PR_BGD
        labels[x**2 + y**2 < 0.7**2] = cv2.GC_PR_FGD
        labels[x**2 + y**2 < 0.1**2] = cv2.GC_FGD
    else:
        scale_y, scale_x = rows / pixels.shape[0], columns / pixels.shape[1]
        left, top = int(box[0] * scale_x), int(box[1] * scale_y)
        right, bottom = round((box[0] + box[2]) * scale_x), round((box[1] + box[3]) * scale_y)
        labels[top : max(bottom, top + 1), left : max(right, left + 1)] = cv2.GC_PR_FGD
        if not (labels == cv2.GC_BGD).any():  # what the box leaves out is less than a pixel here
            raise _box_error(box, pixels.shape[1], pixels.shape[0])
    seeds = (labels == cv2.GC_FGD).sum()
    cv2.setRNGSeed(0)  # its clusters start at random colours
    try:
        cv2.grabCut(small[:, :, ::-1].copy(), labels, None, None, None, _CUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # too few pixels on one side to describe its colours
        return np.zeros((rows, columns), bool)
    found = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    if found.sum() <= 2 * seeds:  # nothing is like the middle
        return np.zeros((rows, columns), bool)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    return np.isin(parts, 1 + np.flatnonzero(areas > 0.1 * areas.max()))
