"""Frames of a video file, by FFmpeg's libraries: upright, with square pixels, in sRGB, at their own times."""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from tfstyle.errors import VideoError
from tfstyle.imaging.photo import MIN_SIDE
from tfstyle.video.clip import ClipInfo, Frame
from tfstyle.video.files import animation
from tfstyle.video.files.colors import has_alpha, to_rgb
from tfstyle.video.files.orientation import Orientation
from tfstyle.video.selection import Selection

_STILL = ("image2", "_pipe", "ico")  # FFmpeg's names for readers of pictures
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own leave the opacity out
_JUMP = Fraction(1, 2)  # seconds; a time that lies further back than that begins anew
_MISSING = Fraction(1, 2)  # seconds of its length that a video may lack before that is said
_BEFORE = 2  # seconds; a frame that began so long before may still be shown
_MAX_SIDE = 16384  # stored pixels; larger ones are damaged headers


class VideoReader:
    """Reads the frames of a video file.

        reader = VideoReader("clip.mp4", Selection(max_size=640))
        for frame in reader: ...

    Args:
        path: A file.
        selection: Which part, at what size.

    Attributes:
        info: What holds for all frames; its notes and faults are complete once the frames were read.

    Raises:
        VideoError: If it is no video, has no frames, or its codec is not known here.
    """

    def __init__(self, path: str | os.PathLike[str], selection: Selection | None = None):
        self.path = Path(path)
        self.selection = selection or Selection()
        with open_container(self.path) as container:
            stream = _video_stream(container, self.path)
            self._origin = origin(container)
            first = next(self._decoded(container, stream, quiet=True), None)
            if first is None:
                raise VideoError(f"{path}: expected a video, but no frame of it can be decoded; is it damaged?")
            self.info = self._described(container, stream, first)

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(self, begin: Fraction = Fraction(0)) -> Iterator[Frame]:
        """The frames that are shown at `begin`, seconds, or later; those before are decoded, so that none differs."""
        return self.selection.timed(self._with_durations(begin))

    def _described(self, container: Any, stream: Any, first: VideoFrame) -> ClipInfo:
        if max(first.width, first.height) > _MAX_SIDE:
            raise VideoError(
                f"{self.path}: expected frames of at most {_MAX_SIDE} pixels a side, got {first.width}x{first.height}."
            )
        pixel = stream.sample_aspect_ratio or Fraction(1)
        self._orientation = Orientation.of(first)
        wide = self._orientation.size(Fraction(first.width) * pixel, Fraction(first.height))  # type: ignore[arg-type]
        width, height = self.selection.fitted(*wide)
        if min(wide) < MIN_SIDE:
            raise VideoError(
                f"{self.path}: expected frames of at least {MIN_SIDE} pixels a side, got {wide[0]}x{wide[1]}."
            )
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        length = _length(container, stream)
        info = ClipInfo(
            width,
            height,
            rate=self.selection.fps or rate,
            time_base=1 / self.selection.fps if self.selection.fps else stream.time_base,
            has_alpha=has_alpha(first),
        )
        end = min(filter(None, (length, self.selection.end)), default=None)
        info.duration = None if end is None else max(Fraction(0), end - self.selection.start)
        self._length = length
        whole = self.selection.start == 0 and self.selection.end is None and not self.selection.fps
        if whole and stream.frames:
            info.frames = stream.frames
        elif info.duration is not None:
            info.frames = max(1, round(info.duration * info.rate))
        return info

    def _with_durations(self, begin: Fraction) -> Iterator[Frame]:
        last: Frame | None = None
        for frame in self._upright(begin):
            if last is not None:
                yield Frame(last.pixels, last.time, frame.time - last.time, last.alpha)
            last = frame
        if last is not None:
            end = self.selection.end
            length = last.duration if end is None else min(last.duration, end - self.selection.start - last.time)
            yield Frame(last.pixels, last.time, length, last.alpha)

    def _upright(self, begin: Fraction) -> Iterator[Frame]:
        info, selection, scaler = self.info, self.selection, VideoReformatter()
        size = self._orientation.size(info.width, info.height)
        stored: tuple[int, int] | None = None
        with open_container(self.path) as container:
            stream = _video_stream(container, self.path)
            usual = 1 / (stream.average_rate or stream.guessed_rate or Fraction(25))
            if selection.start > 0:
                # What the first frames say of their encoder, decoders need for all.
                next(self._decoded(container, stream, quiet=True), None)
                self._seek(container, selection.start + self._origin)
            shift, last, end, jumps = -self._origin, None, Fraction(0), 0
            decoded: Any = self._decoded(container, stream)
            for frame in decoded:
                duration = frame.duration * frame.time_base if frame.duration else usual
                time = end if frame.pts is None else frame.pts * frame.time_base + shift
                if last is not None and time <= last:
                    if frame.pts is not None and last - time > _JUMP:
                        shift += end - time
                        jumps += 1
                    time = end
                last, end = time, time + duration
                if time < selection.start:
                    continue
                if selection.end is not None and time >= selection.end:
                    break
                if stored not in (None, (frame.width, frame.height)):
                    _note(info, "the size of the frames changes; all are brought to the first one's")
                stored = frame.width, frame.height
                if not selection.fps and ((time / info.time_base).denominator != 1):
                    time = round(time / info.time_base) * info.time_base
                if time - selection.start < begin - _BEFORE:  # not worth its pixels
                    continue
                pixels, alpha = self._pixels(frame, size, scaler)
                yield Frame(pixels, time - selection.start, duration, alpha)
            if jumps:
                _note(info, "times of frames jump back; they were made to go on")
            self._check_end(end)

    def _pixels(
        self, frame: VideoFrame, size: tuple[int, int], scaler: VideoReformatter
    ) -> tuple[np.ndarray, np.ndarray | None]:
        pixels, alpha = to_rgb(frame, *size, scaler)
        upright = self._orientation.upright(pixels)
        return upright, None if alpha is None else self._orientation.upright(alpha)

    def _check_end(self, end: Fraction) -> None:
        expected, wanted = self._length, self.selection.end
        if expected is None or (wanted is not None and wanted < expected):
            return
        if expected - end > max(_MISSING, expected / 20):
            self.info.faults.append(
                f"{self.path}: the video ends after {float(end):.1f} of {float(expected):.1f} seconds; it is cut short "
                "or damaged there."
            )

    def _seek(self, container: Any, time: Fraction) -> None:
        try:
            container.seek(int(time * av.time_base), backward=True)
        except (av.FFmpegError, OSError):  # a file without an index; then frames before are decoded and dropped
            container.seek(0)

    def _decoded(self, container: Any, stream: Any, *, quiet: bool = False) -> Iterator[VideoFrame]:
        """Frames as they are stored; what cannot be decoded is passed over and noted."""
        codec = stream.codec_context
        tags = {name.lower(): value for name, value in stream.metadata.items()}
        if tags.get("alpha_mode") == "1" and codec.name in _ALPHA_DECODERS:
            codec = _alpha_decoder(codec)
        elif not codec.is_open:
            codec.thread_type = "AUTO"
        bad = 0
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError):  # the file ends in the middle of something
                packet = None
                bad += 1
            try:
                frames = codec.decode(packet)
            except av.error.EOFError:
                break
            except (av.FFmpegError, OSError):
                frames, bad = [], bad + 1
            for frame in frames:
                bad += bool(frame.is_corrupt)
                if frame.time_base is None:
                    frame.time_base = stream.time_base
                yield frame
            if packet is None or packet.size == 0:
                break
        if bad and not quiet:
            _note(self.info, f"{bad} damaged parts of the video could not be decoded as they should")


def open_reader(
    path: str | os.PathLike[str], selection: Selection | None = None
) -> "VideoReader | animation.AnimationReader":
    """A reader for the file, by what is in it: FFmpeg's for videos, Pillow's for GIF, animated WebP and PNG.

    Raises:
        VideoError: If it cannot be read, or is no video.
    """
    if animation.is_animation(path):
        return animation.AnimationReader(path, selection)
    return VideoReader(path, selection)


def open_container(path: Path) -> Any:
    """The file, opened by FFmpeg's libraries.

    Raises:
        VideoError: If it is no video.
        OSError: If it is not there or may not be read.
    """
    with open(path, "rb") as file:  # whose errors name the file
        if not file.read(1):
            raise VideoError(f"{path}: expected a video, got an empty file.")
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError):
        raise VideoError(f"{path}: expected a video, got something else, or one that is cut short.") from None
    if any(name in container.format.name for name in _STILL):
        container.close()
        raise VideoError(f"{path}: expected a video, got a picture; tfstyle stylize paints those.")
    return container


def origin(container: Any) -> Fraction:
    """Where the file's clock stands when it begins, seconds; recordings of broadcasts begin anywhere."""
    start = Fraction(container.start_time or 0, av.time_base)
    if start > 0:
        return start
    videos = [video for video in container.streams.video if video.start_time is not None]
    return min([Fraction(0)] + [video.start_time * video.time_base for video in videos[:1]])


def _video_stream(container: Any, path: Path) -> Any:
    streams = [video for video in container.streams.video if not int(video.disposition) & 0x400]  # covers of songs
    if not streams:
        if container.streams.audio:
            raise VideoError(f"{path}: expected a video, got one with sound only.")
        raise VideoError(f"{path}: expected a video, got a file without pictures.")
    if streams[0].codec_context is None:
        raise VideoError(f"{path}: expected a video whose codec is known here, got another; convert it to H.264.")
    return streams[0]


def _length(container: Any, stream: Any) -> Fraction | None:
    if stream.duration:
        start = (stream.start_time or 0) * stream.time_base - origin(container)
        return stream.duration * stream.time_base + start
    return Fraction(container.duration, av.time_base) if container.duration and container.duration > 0 else None


def _alpha_decoder(codec: Any) -> Any:
    decoder = av.CodecContext.create(_ALPHA_DECODERS[codec.name], "r")
    if codec.extradata:
        decoder.extradata = codec.extradata
    return decoder


def _note(info: ClipInfo, note: str) -> None:
    if note not in info.notes:
        info.notes.append(note)
