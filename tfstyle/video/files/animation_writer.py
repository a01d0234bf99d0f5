"""Writes frames as GIF or animated WebP, with their delays, opacity and number of showings."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tfstyle.video.clip import ClipInfo, Frame

_GIF_TICKS = 100  # a second
_PALETTE_FRAMES = 16  # from which the colours of a GIF are chosen, spread over it
_COLORS = 255
_TRANSPARENT = 255  # the entry of a palette behind those of colours
_WEBP_QUALITY = "80"

Frames = Callable[[], Iterator[Frame]]


def write_animation(frames: Frames, count: int, output: Path, info: ClipInfo, *, kind: str) -> None:
    """Write an animation.

    Args:
        frames: Gives the painted frames, one or more, as often as it is asked.
        count: How many there are.
        output: The file.
        info: Whose `loop` says how often it is shown; None is for ever.
        kind: `.gif` or `.webp`.

    Raises:
        OSError: If it cannot be written.
    """
    showings = 0 if info.loop is None else info.loop
    if kind == ".gif":
        _write_gif(frames, count, output, info, showings)
    else:
        _write_webp(frames(), output, info, showings)


def _write_gif(frames: Frames, count: int, output: Path, info: ClipInfo, showings: int) -> None:
    step = max(1, -(-count // _PALETTE_FRAMES))
    palette = _palette([frame for number, frame in enumerate(frames()) if number % step == 0])
    delays: list[int] = []  # of which Pillow asks when it has all pictures

    def pictures() -> Iterator[Image.Image]:
        for frame in frames():
            # Rounded as times, not as delays: thirty frames a second stay thirty.
            begin, end = (round(time * _GIF_TICKS) for time in (frame.time, frame.time + frame.duration))
            delays.append(max(1, end - begin) * 1000 // _GIF_TICKS)
            yield _paletted(frame, palette)

    rest = pictures()
    first = next(rest)
    loop = {} if showings == 1 else {"loop": max(0, showings - 1)}
    clear = {"transparency": _TRANSPARENT, "disposal": 2} if info.has_alpha else {}
    first.save(output, "GIF", save_all=True, append_images=rest, duration=delays, optimize=False, **loop, **clear)


def _palette(frames: list[Frame]) -> Image.Image:
    """One palette for all frames: colours that change from frame to frame would flicker."""
    rows = np.concatenate([frame.pixels.reshape(-1, 3)[:: 1 + frame.pixels.size // 300_000] for frame in frames])
    return Image.fromarray(rows[None]).quantize(_COLORS, method=Image.Quantize.MEDIANCUT)


def _paletted(frame: Frame, palette: Image.Image) -> Image.Image:
    # Without dithering, whose grain crawls.
    picture = Image.fromarray(frame.pixels).quantize(palette=palette, dither=Image.Dither.NONE)
    if frame.alpha is not None:
        indices = np.array(picture)
        indices[frame.alpha < 128] = _TRANSPARENT
        colors = (picture.getpalette() or [])[: 3 * _COLORS]
        picture = Image.fromarray(indices, "P")
        picture.putpalette(colors + [0] * (3 * 256 - len(colors)))
    return picture


def _write_webp(frames: Iterator[Frame], output: Path, info: ClipInfo, showings: int) -> None:
    with av.open(str(output), "w", format="webp", options={"loop": str(showings)}) as container:
        stream = container.add_stream("libwebp", rate=25, options={"quality": _WEBP_QUALITY})
        stream.width, stream.height, stream.pix_fmt = info.width, info.height, "bgra"
        stream.codec_context.time_base = info.time_base
        delay = 0
        for frame in frames:
            alpha = np.full(frame.pixels.shape[:2], 255, np.uint8) if frame.alpha is None else frame.alpha
            picture = av.VideoFrame.from_ndarray(np.dstack([frame.pixels[:, :, ::-1], alpha]), format="bgra")
            picture.time_base = info.time_base
            picture.pts = round(frame.time / info.time_base)
            delay = round(frame.duration * 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    _mend_frames(output, delay)


def _mend_frames(output: Path, last_delay: int) -> None:
    """Lets frames replace each other, not lie over each other, and sets the last one's delay, ms: FFmpeg does neither.

    Reference: WebP container specification, chunk ANMF: x, y, width, height and duration in 3 bytes each, then flags.
    """
    with output.open("r+b") as file:
        position, last = 12, None
        file.seek(position)
        while len(head := file.read(8)) == 8:
            size = struct.unpack("<4xI", head)[0]
            if head[:4] == b"ANMF":
                last = position
                file.seek(position + 8 + 15)
                file.write(b"\x02")  # no blending, no disposal
            position += 8 + size + size % 2
            file.seek(position)
        if last is not None:
            file.seek(last + 8 + 12)
            file.write(last_delay.to_bytes(3, "little"))
