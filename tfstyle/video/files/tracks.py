"""Everything of a video file but its pictures: sound, subtitles, chapters and names, copied as they are."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from tfstyle.imaging.metadata import Metadata
from tfstyle.video.clip import ClipInfo
from tfstyle.video.files.formats import OutputFormat
from tfstyle.video.files.reader import open_container, origin
from tfstyle.video.selection import Selection

_SAFE_METADATA = ("title", "artist", "album_artist", "author", "copyright", "date", "creation_time", "comment")
# What containers say of themselves; the new one says its own.
_OF_CONTAINER = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration", "vendor_id")
_COPIED = ("audio", "subtitle")
_JUMP = Fraction(1)


@dataclass
class _Track:
    """One stream of the input and what becomes of it."""

    source: Any
    target: Any
    encoder: Any = None  # of sound that the container does not take as it is
    resampler: Any = None
    shift: Fraction = field(default=Fraction(0))
    last: int | None = None


class OtherTracks:
    """The sound and subtitles of a file, on their way into another.

    Args:
        source: The file they are in.
        target: An open output container of FFmpeg's, whose header is not written yet; tracks are added to it.
        format: What kind of file that is.
        selection: Which part of it is wanted.
        metadata: What is kept of titles, authors, dates and the like; places are in `keep` alone.
        info: Gets a note on what could not be kept.
    """

    def __init__(
        self,
        source: Path,
        target: Any,
        format: OutputFormat,
        selection: Selection,
        metadata: Metadata,
        info: ClipInfo,
    ):
        self._container = open_container(source)
        self._selection = selection
        self._begin = origin(self._container) + selection.start
        self._tracks: dict[int, _Track] = {}
        chosen = [stream for stream in self._container.streams if stream.type in _COPIED]
        for stream in chosen:
            track = self._track(stream, target, format)
            if track is None:
                kind = "sound" if stream.type == "audio" else "subtitles"
                name = _codec_name(stream)
                _note(info, f"{kind} in {name} cannot be in this kind of file and were left out")
                continue
            if track.encoder is not None:
                name = _codec_name(stream)
                _note(info, f"sound in {name} cannot be in this kind of file; it was encoded again, as {format.audio}")
            track.target.metadata.update(_kept(stream.metadata, metadata, also=("language", "title")))
            self._tracks[stream.index] = track
        target.metadata.update(_kept(self._container.metadata, metadata))
        if not selection.start and selection.end is None:
            _copy_chapters(self._container, target)

    def packets(self, end: Fraction | None) -> Iterator[tuple[Fraction, Any]]:
        """Packets for the target with the second at which each is due, in order.

        Args:
            end: What begins then or after is left out; None takes all.
        """
        streams = [track.source for track in self._tracks.values()]
        if not streams:
            return
        if self._selection.start:
            self._seek()
        done: set[int] = set()
        source = self._container.demux(streams)
        while len(done) < len(streams):
            try:
                packet = next(source, None)
            except (av.FFmpegError, OSError):  # cut short
                packet = None
            if packet is None:
                break
            if packet.pts is None and packet.dts is None:
                continue
            track = self._tracks[packet.stream.index]
            ticks = packet.dts if packet.dts is not None else packet.pts
            time = ticks * packet.time_base - self._begin
            if end is not None and time >= end:
                done.add(packet.stream.index)
            elif time >= 0 or not self._selection.start:
                yield from self._sent(track, packet)
        for track in self._tracks.values():
            if track.encoder is not None:
                yield from self._encoded(track, None)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _track(self, stream: Any, target: Any, format: OutputFormat) -> _Track | None:
        if stream.codec_context is None:
            return None
        known = target.supported_codecs
        if stream.codec_context.codec.name in known or stream.codec_context.name in known:
            new = target.add_stream_from_template(stream)
            new.disposition = stream.disposition
            return _Track(stream, new)
        if stream.type != "audio":
            return None
        rate = 48_000 if format.audio == "libopus" else stream.codec_context.sample_rate
        new = target.add_stream(format.audio, rate=rate, layout=stream.codec_context.layout)
        new.disposition = stream.disposition
        layout, sample_format = new.codec_context.layout.name, new.codec_context.codec.audio_formats[0].name
        return _Track(stream, new, new.codec_context, av.AudioResampler(sample_format, layout, rate))

    def _seek(self) -> None:
        try:
            self._container.seek(int(self._begin * av.time_base), backward=True)
        except (av.FFmpegError, OSError):
            self._container.seek(0)

    def _sent(self, track: _Track, packet: Any) -> Iterator[tuple[Fraction, Any]]:
        if track.encoder is not None:
            try:
                frames = packet.decode()
            except (av.FFmpegError, OSError):  # damaged sound
                return
            for frame in frames:
                yield from self._encoded(track, frame)
            return
        shift = round((track.shift - self._begin) / packet.time_base)
        if packet.dts is not None:
            if track.last is not None and packet.dts + shift <= track.last:  # times that jump back, as in the pictures
                if track.last - packet.dts - shift > _JUMP / packet.time_base:
                    more = track.last + 1 - packet.dts - shift
                    track.shift += more * packet.time_base
                    shift += more
                else:
                    packet.dts = track.last + 1 - shift
            packet.dts += shift
            track.last = packet.dts
        if packet.pts is not None:
            packet.pts = packet.pts + shift if packet.dts is None else max(packet.pts + shift, packet.dts)
        due = (packet.dts if packet.dts is not None else packet.pts) * packet.time_base
        packet.stream = track.target
        yield due, packet

    def _encoded(self, track: _Track, frame: Any) -> Iterator[tuple[Fraction, Any]]:
        if frame is not None and frame.pts is not None:
            frame.pts -= round(self._begin / frame.time_base)
        for resampled in track.resampler.resample(frame):
            for packet in track.encoder.encode(resampled):
                packet.stream = track.target
                yield (packet.dts or 0) * packet.time_base, packet
        if frame is None:
            for packet in track.encoder.encode(None):
                packet.stream = track.target
                yield (packet.dts or 0) * packet.time_base, packet


def merged(*sources: Iterator[tuple[Fraction, Any]]) -> Iterator[Any]:
    """Packets of several sources by the second at which each is due."""
    due: Callable[[tuple[Fraction, Any]], Fraction] = lambda pair: pair[0]  # noqa: E731
    return (packet for _, packet in heapq.merge(*sources, key=due))


def _kept(metadata: dict[str, str], kind: Metadata, also: tuple[str, ...] = ()) -> dict[str, str]:
    return {
        name: value
        for name, value in metadata.items()
        if name in also
        or (kind == "keep" and name.lower() not in _OF_CONTAINER)
        or (kind == "safe" and name.lower() in _SAFE_METADATA)
    }


def _copy_chapters(source: Any, target: Any) -> None:
    chapters = source.chapters()
    if chapters:
        target.set_chapters(chapters)


def _codec_name(stream: Any) -> str:
    """What people call it: `mp3`, not the decoder's `mp3float`."""
    return "an unknown codec" if stream.codec_context is None else stream.codec_context.codec.canonical_name


def _note(info: ClipInfo, note: str) -> None:
    if note not in info.notes:
        info.notes.append(note)
