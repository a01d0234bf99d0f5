"""Contact sheets: several pictures in a grid on one, each with a label under it."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_MARGIN = 12
_BACKGROUND = "white"
_INK = "#222222"


def contact_sheet(
    tiles: Sequence[tuple[str, np.ndarray]], *, columns: int | None = None, font_size: int | None = None
) -> np.ndarray:
    """Lay labelled pictures out in a grid, row by row.

    Args:
        tiles: Pairs of a label and a picture, uint8 `[H,W,3]`; sizes may differ. A label may have several lines; a line
            that is too long for its tile is cut.
        columns: Pictures in a row; None makes the sheet about as wide as high.
        font_size: Of the labels, in pixels; None fits it to the tiles.

    Returns:
        The sheet, uint8 `[H,W,3]`.

    Raises:
        ValueError: If there are no tiles.
    """
    if not tiles:
        raise ValueError("Expected at least one picture for a sheet, got none.")
    width = max(picture.shape[1] for _, picture in tiles)
    height = max(picture.shape[0] for _, picture in tiles)
    columns = columns or math.ceil(math.sqrt(len(tiles) * height / width))
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    font = ImageFont.load_default(size=font_size or max(11, width // 22))
    line_height = math.ceil(sum(font.getmetrics()) * 1.15)  # type: ignore[union-attr]
    label_height = line_height * max(label.count("\n") + 1 for label, _ in tiles)
    cell_width, cell_height = width + _MARGIN, height + label_height + _MARGIN
    sheet = Image.new("RGB", (columns * cell_width + _MARGIN, rows * cell_height + _MARGIN), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, (label, picture) in enumerate(tiles):
        left = _MARGIN + index % columns * cell_width
        top = _MARGIN + index // columns * cell_height
        sheet.paste(Image.fromarray(picture), (left + (width - picture.shape[1]) // 2, top))
        for number, line in enumerate(label.split("\n")):
            text = _shorten(line, draw, font, width)
            position = (left + width / 2, top + height + line_height * (number + 0.5))
            draw.text(position, text, fill=_INK, font=font, anchor="mm")
    return np.asarray(sheet)


def _shorten(
    line: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> str:
    if draw.textlength(line, font=font) <= width:
        return line
    while line and draw.textlength(line + "…", font=font) > width:
        line = line[:-1]
    return line.rstrip() + "…"
