"""Puts segments of painted frames together to the output, beside everything that the input has but pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tfstyle.errors import VideoError
from tfstyle.imaging.metadata import Metadata
from tfstyle.video.clip import ClipInfo, Frame
from tfstyle.video.files.animation_writer import write_animation
from tfstyle.video.files.formats import OutputFormat
from tfstyle.video.files.tracks import OtherTracks, merged
from tfstyle.video.selection import Selection


@dataclass(frozen=True)
class Segment:
    """A file of encoded frames, and when each is shown.

    Attributes:
        path: Written by `tfstyle.video.files.encoder.SegmentEncoder`.
        ticks: When each frame is shown.
        end: When the last one ends.
    """

    path: Path
    ticks: Sequence[int]
    end: int


def join(
    segments: Sequence[Segment],
    output: Path,
    kind: str,
    format: OutputFormat,
    info: ClipInfo,
    *,
    source: Path,
    selection: Selection,
    metadata: Metadata = "safe",
    whole: bool = True,
) -> None:
    """Write the output; nothing is encoded again, but for animations.

    Args:
        segments: One or more, in order.
        output: The file; what was there is written over.
        kind: Its suffix, whatever it is called until it is whole.
        format: What kind of file it is.
        info: What holds for all frames; gets notes.
        source: The input, for its other tracks.
        selection: Which part of it was painted.
        metadata: What is kept of the input's.
        whole: Whether the frames are all that were wanted; then sound that goes on after them is kept.

    Raises:
        OSError: If it cannot be written.
        VideoError: If the container does not take the tracks.
    """
    unit = format.ticks(info)
    if format.is_animation:
        count = sum(len(segment.ticks) for segment in segments)
        write_animation(lambda: _frames(segments, unit, info), count, output, info, kind=kind)
        return
    options = {"movflags": "+faststart"} if format.container in ("mp4", "mov") else {}
    tracks = None
    try:
        with av.open(str(output), "w", format=format.container, container_options=options) as target:
            with av.open(str(segments[0].path)) as first:
                stream = target.add_stream_from_template(first.streams.video[0])
            stream.time_base = unit
            tracks = OtherTracks(source, target, format, selection, metadata, info)
            if format.stored(info)[1]:
                stream.metadata["alpha_mode"] = "1"
            end = None if whole and selection.end is None else segments[-1].end * unit
            for packet in merged(_pictures(segments, unit, stream), tracks.packets(end)):
                target.mux(packet)
    except (av.error.ArgumentError, av.error.InvalidDataError) as error:
        raise VideoError(f"{output}: the painted video cannot be put together ({error}).") from None
    finally:
        if tracks is not None:
            tracks.close()


def _pictures(segments: Sequence[Segment], unit: Fraction, stream: Any) -> Iterator[tuple[Fraction, Any]]:
    """The packets of the frames with the second at which each is due."""
    for segment, following in zip(segments, [*segments[1:], None], strict=True):
        end = segment.end if following is None else following.ticks[0]
        nexts = [*segment.ticks[1:], end]
        with av.open(str(segment.path)) as container:
            packets = (packet for packet in container.demux(video=0) if packet.size)
            for packet, tick, after in zip(packets, segment.ticks, nexts, strict=True):
                packet.stream = stream
                packet.time_base = unit
                packet.pts = packet.dts = tick
                packet.duration = max(1, after - tick)
                yield tick * unit, packet


def _frames(segments: Sequence[Segment], unit: Fraction, info: ClipInfo) -> Iterator[Frame]:
    """The frames of lossless segments."""
    for segment, following in zip(segments, [*segments[1:], None], strict=True):
        end = segment.end if following is None else following.ticks[0]
        nexts = [*segment.ticks[1:], end]
        with av.open(str(segment.path)) as container:
            for decoded, tick, after in zip(container.decode(video=0), segment.ticks, nexts, strict=True):
                pixels = decoded.to_ndarray(format="rgba")
                alpha = np.ascontiguousarray(pixels[:, :, 3]) if info.has_alpha else None
                colors = np.ascontiguousarray(pixels[:, :, :3])
                yield Frame(colors, tick * unit, (after - tick) * unit, alpha)
