"""A sheet of some frames of a video, painted: how it will look, before a long run."""

import itertools
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from tfstyle.errors import VideoError
from tfstyle.imaging.contact_sheet import contact_sheet
from tfstyle.imaging.photo import Photo, format_for
from tfstyle.imaging.whole_file import write_file
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.stylizer import Stylizer
from tfstyle.video.clip import Frame
from tfstyle.video.files.reader import open_reader
from tfstyle.video.frame_painter import FramePainter
from tfstyle.video.moving_masks import MovingMasks
from tfstyle.video.selection import Selection

EVERY = 60  # frames
_MOST = 24  # pictures on a sheet; of a long video they lie further apart
_MAX_SIZE = 480  # px: a sheet is looked at as a whole


def write_preview(
    source: str | os.PathLike[str],
    output: Path,
    stylizer: Stylizer,
    options: StylizeOptions,
    selection: Selection | None = None,
) -> int:
    """Paint every 60th frame, at most 24, onto one sheet.

    Args:
        source: The video.
        output: A picture, JPEG, PNG or WebP by its suffix.
        stylizer: Who paints.
        options: How.
        selection: Which part of the video.

    Returns:
        How many frames are on the sheet.

    Raises:
        VideoError: If the video cannot be read.
        StyleTransferError: If a frame cannot be painted.
    """
    format = format_for(output)
    selection = replace(selection or Selection(), fps=None)
    selection = replace(selection, max_size=min(selection.max_size, _MAX_SIZE))
    painter, tiles = FramePainter(stylizer, options), []
    for frame, time in _spread(source, selection):
        masks = MovingMasks(options).next(frame.pixels, None)
        painted = painter.shown(painter.paint(frame.pixels, masks), frame.pixels, masks)
        tiles.append((f"{float(time):.1f} s", painted))
    if not tiles:
        raise VideoError(f"{source}: expected frames between start and end, got none.")
    write_file(output, Photo(contact_sheet(tiles)).encode(format))
    return len(tiles)


def _spread(source: str | os.PathLike[str], selection: Selection) -> list[tuple[Frame, Fraction]]:
    """Frames spread over the selection, and when they are shown."""
    info = open_reader(source, selection).info
    if info.frames is None or info.duration is None:  # nobody knows how long it is: from its beginning, then
        chosen = []
        for number, frame in enumerate(open_reader(source, selection)):
            if number % EVERY == 0:
                chosen.append((frame, selection.start + frame.time))
            if len(chosen) == _MOST:
                break
        return chosen
    count = min(_MOST, -(-info.frames // EVERY))
    found = []
    for number in range(count):
        start = selection.start + info.duration * number / count
        for frame in itertools.islice(open_reader(source, replace(selection, start=start)), 1):
            found.append((frame, start + frame.time))
    return found
