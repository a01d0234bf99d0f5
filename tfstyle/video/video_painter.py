"""A whole video painted: from one file to another, in segments that survive whatever ends the run."""

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

import tfstyle
from tfstyle.contract.style_vector import StyleVector
from tfstyle.errors import RequestError, VideoError
from tfstyle.imaging.metadata import Metadata
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.stylizer import Stylizer
from tfstyle.video.clip import ClipInfo, Frame
from tfstyle.video.files.encoder import SegmentEncoder
from tfstyle.video.files.formats import OutputFormat, check_crf, format_of
from tfstyle.video.files.joining import Segment, join
from tfstyle.video.files.reader import open_reader
from tfstyle.video.interruption import Interruption
from tfstyle.video.pipeline import Pipeline
from tfstyle.video.selection import Selection
from tfstyle.video.stabilizer import DEFAULT_STABILITY, check_stability
from tfstyle.video.video_job import SEGMENT_FRAMES, VideoJob, fingerprint

Report = Callable[[int, int | None], None]  # frames painted, and how many there will be, if anybody knows


@dataclass(frozen=True)
class PaintedVideo:
    """What came of a run.

    Attributes:
        path: The output.
        width: Columns of its frames.
        height: Rows.
        frames: How many it has.
        resumed: How many of them were painted by an earlier run.
        whole: Whether they are all; if not, the same call goes on.
        notes: What the owner may want to know, one sentence each.
        faults: What was wrong with the input, one sentence each.
    """

    path: Path
    width: int
    height: int
    frames: int
    resumed: int
    whole: bool
    notes: tuple[str, ...]
    faults: tuple[str, ...]


def paint_video(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    stylizer: Stylizer,
    options: StylizeOptions,
    *,
    selection: Selection | None = None,
    stability: float = DEFAULT_STABILITY,
    crf: int | None = None,
    workers: int = 1,
    overwrite: bool = False,
    report: Report = lambda done, total: None,
) -> PaintedVideo:
    """Paint a video.

    Args:
        source: A file that FFmpeg's libraries read, a GIF or an animated WebP.
        output: Its suffix says what is written: one of `tfstyle.video.files.formats.FORMATS`.
        stylizer: Who paints; is asked from several threads.
        options: How; their `max_size` is the selection's.
        selection: Which part, at what size.
        stability: 0..1, how long strokes are carried; 0 paints each frame by itself.
        crf: Quality as the encoder counts; None is the format's own.
        workers: How many frames are painted at once.
        overwrite: Whether an output that exists may be replaced.
        report: Told after each frame.

    Returns:
        What came of it; after a KeyboardInterrupt that is what was painted until then, and playable.

    Raises:
        VideoError: If the input cannot be read.
        RequestError: If the output cannot be written, exists, or an option is out of range.
        OSError: If the disk is full; what was painted is kept for the same call.
        StyleTransferError: If a frame cannot be painted.
    """
    source, output = Path(source), Path(output)
    selection = selection or Selection()
    format = format_of(output)
    check_stability(stability)
    check_crf(crf, format, output)
    if output.exists() and os.path.samefile(source, output):
        raise RequestError(f"{output}: this is the video itself; choose another name for the painted one.")
    for name in options.names:
        _ = stylizer.styles()[name]  # an unknown style is said before anything is read
    identity = {
        "tfstyle": tfstyle.__version__,
        "input": fingerprint(source),
        "options": {field.name: _identity(getattr(options, field.name)) for field in fields(options)},
        "places": [[_identity(style), weight] for _, mix in options.places for style, weight in mix.items()],
        "styles": list(stylizer.styles().names),
        "selection": vars(selection),
        "stability": stability,
        "crf": crf,
    }
    reader = open_reader(source, selection)
    with VideoJob(output, identity, overwrite=overwrite) as job:
        run = _VideoRun(reader, job, format, crf, options.metadata)
        pipeline = Pipeline(
            stylizer,
            options,
            rate=float(reader.info.rate),
            stability=stability,
            workers=workers,
            states_every=SEGMENT_FRAMES,
        )
        resumed = job.frames
        with Interruption() as interruption:
            whole = run.paint(pipeline, report, interruption)
        info = reader.info
        info.notes += pipeline.notes
        return PaintedVideo(
            output, info.width, info.height, run.frames, resumed, whole, tuple(info.notes), tuple(info.faults)
        )


class _VideoRun:
    """The frames of one job that are not painted yet, into segments, and those into the output."""

    def __init__(self, reader: Any, job: VideoJob, format: OutputFormat, crf: int | None, metadata: Metadata):
        self._reader, self._job, self._format, self._crf, self._metadata = reader, job, format, crf, metadata
        self._info: ClipInfo = reader.info
        self.frames = job.frames

    def paint(self, pipeline: Pipeline, report: Report, interruption: Interruption) -> bool:
        """Whether all frames were painted; else a person wanted it to end."""
        job = self._job
        frames, before = self._remaining()
        if job.state is not None:
            pipeline.restore(job.state)
        painted = pipeline.painted(frames, before)
        report(self.frames, self._info.frames)
        encoder: SegmentEncoder | None = None
        partial: list[Segment] = []
        whole = True
        try:
            for item in painted:
                if encoder is None:
                    encoder = SegmentEncoder(job.next_path(), self._info, self._format, self._crf)
                encoder.write(item.frame)
                self.frames += 1
                report(self.frames, self._info.frames)
                if item.state is not None:
                    encoder.close()
                    job.add(encoder.ticks, encoder.end, item.state)
                    encoder = None
                if interruption.wanted:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            whole = False
        finally:
            painted.close()  # type: ignore[attr-defined]
            if encoder is not None:
                encoder.close()
        if encoder is not None and encoder.ticks:
            if whole:
                job.add(encoder.ticks, encoder.end, None)
            else:
                partial = [Segment(job.next_path(), encoder.ticks, encoder.end)]
        self._publish([*job.segments, *partial], whole)
        return whole

    def _publish(self, segments: list[Segment], whole: bool) -> None:
        if not segments:
            if whole:
                raise VideoError(f"{self._reader.path}: expected frames between start and end, got none.")
            raise KeyboardInterrupt
        join(
            segments,
            self._job.part(),
            self._job.output.suffix.lower(),
            self._format,
            self._info,
            source=self._reader.path,
            selection=self._reader.selection,
            metadata=self._metadata,
            whole=whole,
        )
        self._job.publish(whole=whole)

    def _remaining(self) -> tuple[Iterator[Frame], Frame | None]:
        """Frames after those on disk, and the one before them."""
        job, unit = self._job, self._format.ticks(self._info)
        if not job.segments:
            return iter(self._reader), None
        last = job.segments[-1].ticks[-1]
        frames = self._reader.frames(last * unit)
        before = None
        for frame in frames:
            tick = round(frame.time / unit)
            if tick > last:
                return itertools.chain([frame], frames), before
            before = frame
        return iter(()), before


def _identity(value: Any) -> Any:
    """An option as it tells one run from another: files by what is in them, arrays by their values."""
    if isinstance(value, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    if isinstance(value, str) and Path(value).is_file():
        return fingerprint(Path(value))
    if isinstance(value, StyleVector):
        return _identity(value.values)
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Mapping):
        return {str(key): _identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
