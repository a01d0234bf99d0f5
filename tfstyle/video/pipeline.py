"""From the frames of a video to painted ones: reading, motion, painting and carrying strokes, all at the same time."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.stylizer import Stylizer
from tfstyle.video.ahead import ahead
from tfstyle.video.clip import Frame
from tfstyle.video.frame_painter import FramePainter
from tfstyle.video.motion import FrameMotion, MotionEstimator
from tfstyle.video.moving_masks import MovingMasks
from tfstyle.video.stabilizer import DEFAULT_STABILITY, Stabilizer

_AHEAD = 3  # frames that are read, looked at and finished before they are needed

State = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class PaintedFrame:
    """A painted frame, and what those after it depend on.

    Attributes:
        frame: As it is to be shown.
        state: For `Pipeline.restore`; None where none was asked for.
    """

    frame: Frame
    state: State | None


@dataclass(frozen=True, eq=False)
class _SeenFrame:
    """A frame and what is known of it before it is painted."""

    frame: Frame
    motion: FrameMotion | None
    masks: list[np.ndarray | None]
    masks_state: State


class Pipeline:
    """Paints the frames of one video.

    Args:
        stylizer: Who paints; is asked from several threads.
        options: How.
        rate: Frames a second.
        stability: 0..1, how long strokes are carried; 0 paints each frame by itself.
        workers: How many frames are painted at once: one for each thread or server.
        states_every: After so many frames the state is handed out; None never does.
    """

    def __init__(
        self,
        stylizer: Stylizer,
        options: StylizeOptions,
        *,
        rate: float = 25,
        stability: float = DEFAULT_STABILITY,
        workers: int = 1,
        states_every: int | None = None,
    ):
        self._painter = FramePainter(stylizer, options)
        self._masks = MovingMasks(options)
        self._stabilizer = Stabilizer(stability, rate)
        self._workers = workers
        self._states_every = states_every
        self._count = 0

    @property
    def notes(self) -> list[str]:
        """What was done to masks that their owner may want to know."""
        return self._masks.notes

    def restore(self, state: State) -> None:
        """Go on after the frame that `state` came with."""
        self._masks.restore({name.partition(".")[2]: value for name, value in state.items() if name[:6] == "masks."})
        self._stabilizer.restore(state)

    def painted(self, frames: Iterable[Frame], before: Frame | None = None) -> Iterator[PaintedFrame]:
        """The frames, painted, in order.

        Args:
            frames: Of the video.
            before: The one before the first of them, where a run goes on.

        Raises:
            StyleTransferError: If one cannot be painted.
        """
        return ahead(self._finished(ahead(self._seen(ahead(frames, _AHEAD), before), _AHEAD)), _AHEAD)

    def _seen(self, frames: Iterable[Frame], before: Frame | None) -> Iterator[_SeenFrame]:
        """In order: motion and masks go on from frame to frame."""
        estimator = MotionEstimator()
        needed = self._stabilizer.stability > 0 or self._masks.moving
        if before is not None and needed:
            estimator.to(before.pixels)
        for frame in frames:
            motion = estimator.to(frame.pixels) if needed else None
            masks = self._masks.next(frame.pixels, motion)
            yield _SeenFrame(frame, motion, masks, self._masks.state())

    def _finished(self, frames: Iterable[_SeenFrame]) -> Iterator[PaintedFrame]:
        """Painted by several at once, brought back in order, and kept steady."""
        waiting: deque[tuple[_SeenFrame, Future[np.ndarray]]] = deque()
        with ThreadPoolExecutor(self._workers, "painter") as painters:
            try:
                last: tuple[_SeenFrame, Future[np.ndarray]] | None = None
                for seen in frames:
                    if last is not None and last[0].frame.pixels is seen.frame.pixels:  # shown again
                        painting = last[1]
                    else:
                        painting = painters.submit(self._painter.paint, seen.frame.pixels, seen.masks)
                    last = seen, painting
                    waiting.append(last)
                    if len(waiting) > self._workers:
                        yield self._finish(*waiting.popleft())
                while waiting:
                    yield self._finish(*waiting.popleft())
            finally:
                for _, painting in waiting:
                    painting.cancel()

    def _finish(self, seen: _SeenFrame, painting: "Future[np.ndarray]") -> PaintedFrame:
        self._count += 1
        pixels = seen.frame.pixels
        steady = self._stabilizer.next(painting.result(), pixels, seen.motion)
        shown = self._painter.shown(steady, pixels, seen.masks)
        state = None
        if self._states_every and self._count % self._states_every == 0:
            masks = {f"masks.{name}": value for name, value in seen.masks_state.items()}
            state = self._stabilizer.state() | masks
        return PaintedFrame(replace(seen.frame, pixels=shown), state)
