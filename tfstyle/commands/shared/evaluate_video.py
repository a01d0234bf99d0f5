"""What `tfstyle evaluate --video` measures: flicker, sharpness and style distance of painted videos, steady or not."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfstyle.errors import VideoError

if TYPE_CHECKING:
    from tfstyle.evaluation.distances import Evaluator, Targets
    from tfstyle.stylize.stylizer import Stylizer

MAX_SIZE = 640  # px of the longer side, unless told
_MOST_FRAMES = 50  # from the video's beginning: lives of strokes end within them
_WORKERS = 2


@dataclass(frozen=True)
class VideoMeasures:
    """One video in one style; ratios are those of steady frames over frames painted by themselves."""

    video: str
    style: str
    frames: int
    flicker_alone: float  # flow-warped difference over the video's own
    flicker: float
    sharpness: float  # ratio of deviations of the Laplacian
    style_distance: float  # ratio, of the last frame


def measure_videos(
    videos: Sequence[str],
    styles: Sequence[str],
    stylizer: "Stylizer",
    evaluator: "Evaluator",
    targets: "Mapping[str, Targets]",
    *,
    max_size: int | None,
) -> list[VideoMeasures]:
    """Measure the first two seconds or so of each video in each style.

    Raises:
        VideoError: If a video cannot be read, or has one frame only.
    """
    from tfstyle.evaluation import flicker
    from tfstyle.stylize.options import StylizeOptions
    from tfstyle.video.files.reader import open_reader
    from tfstyle.video.pipeline import Pipeline
    from tfstyle.video.selection import Selection
    from tfstyle.video.stabilizer import DEFAULT_STABILITY

    measured = []
    for video in videos:
        reader = open_reader(video, Selection(max_size=max_size or MAX_SIZE))
        frames = list(itertools.islice(reader, _MOST_FRAMES))
        if len(frames) < 2:
            raise VideoError(f"{video}: expected two frames or more to measure flicker, got one.")
        pixels = [frame.pixels for frame in frames]
        for style in styles:
            painted: dict[float, list[np.ndarray]] = {}
            for stability in (0.0, DEFAULT_STABILITY):
                pipeline = Pipeline(
                    stylizer,
                    StylizeOptions(style),
                    rate=float(reader.info.rate),
                    stability=stability,
                    workers=_WORKERS,
                )
                painted[stability] = [item.frame.pixels for item in pipeline.painted(frames)]
            alone, steady = (flicker.measure(pixels, painted[stability]) for stability in (0.0, DEFAULT_STABILITY))
            distances = [
                evaluator.evaluate(lambda *_, shown=shown: shown[-1], [pixels[-1]], {style: targets[style]})[style]
                for shown in painted.values()
            ]
            measured.append(
                VideoMeasures(
                    video,
                    style,
                    len(frames),
                    alone.ratio,
                    steady.ratio,
                    steady.sharpness / alone.sharpness,
                    distances[1].style / distances[0].style,
                )
            )
    return measured


def table(measured: Sequence[VideoMeasures]) -> str:
    """Rows for people."""
    width = max(len(f"{one.video} {one.style}") for one in measured)
    lines = [f"{'':{width}}  flicker alone  flicker  sharpness  style distance"]
    for one in measured:
        numbers = f"{one.flicker_alone:13.2f}  {one.flicker:7.2f}  {one.sharpness:9.2f}  {one.style_distance:14.2f}"
        lines.append(f"{one.video + ' ' + one.style:{width}}  {numbers}")
    return "\n".join(lines)


def rows(measured: Sequence[VideoMeasures]) -> list[dict[str, object]]:
    """Rows for programs."""
    return [asdict(one) for one in measured]
