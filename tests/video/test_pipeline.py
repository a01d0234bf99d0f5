"""Painters and masks of a video."""

import itertools
import threading
from fractions import Fraction

import numpy as np
import pytest

from tests.video.clips import FRAMES, HEIGHT, WIDTH, Clip, moving_square
from tests.video.conftest import Inverter
from tfstyle.errors import MaskError, ModelError
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.stylizer import Stylizer
from tfstyle.video import moving_masks
from tfstyle.video.ahead import ahead
from tfstyle.video.files.reader import open_reader
from tfstyle.video.motion import MotionEstimator
from tfstyle.video.moving_masks import MovingMasks
from tfstyle.video.pipeline import Pipeline
from tfstyle.video.selection import Selection


class _Late(Inverter):
    """Answers every second call later than the one after it."""

    def __init__(self):
        super().__init__()
        self.busy = self.most = 0
        self._lock, self._calls = threading.Lock(), 0

    def predict(self, signature, inputs):
        if signature == "serving_default":
            with self._lock:
                self.busy += 1
                self.most = max(self.most, self.busy)
                self._calls += 1
                late = self._calls % 2
            threading.Event().wait(0.03 if late else 0.001)
            with self._lock:
                self.busy -= 1
        return super().predict(signature, inputs)


def test_frames_go_to_several_servers_at_once_and_come_back_in_order(clip):
    engine = _Late()
    pipeline = Pipeline(Stylizer(engine), StylizeOptions("the_scream"), stability=0.0, workers=4)
    frames = [item.frame for item in pipeline.painted(open_reader(clip))]
    assert engine.most > 1
    assert [frame.time * 25 for frame in frames] == list(range(FRAMES))
    for number, frame in enumerate(frames):
        assert np.abs(frame.pixels.astype(int) - (255 - moving_square(number))).mean() < 6


def test_an_error_of_a_painter_ends_the_run(clip):
    class Broken(Inverter):
        def predict(self, signature, inputs):
            if signature == "serving_default" and len(self.calls) > 3:
                raise ModelError("The model is broken.")
            return super().predict(signature, inputs)

    pipeline = Pipeline(Stylizer(Broken()), StylizeOptions("the_scream"), workers=2)
    with pytest.raises(ModelError, match=r"The model is broken\."):
        list(pipeline.painted(open_reader(clip)))


def test_a_frame_that_is_shown_again_is_painted_once(engine, stylizer, clip):
    frames = list(open_reader(clip, Selection(fps=Fraction(100))))
    assert len(list(Pipeline(stylizer, StylizeOptions("the_scream")).painted(frames))) == 4 * FRAMES
    assert sum(signature == "serving_default" for signature, _ in engine.calls) == FRAMES


def test_pixels_travel_as_they_are(engine, stylizer, clip):
    """Nothing is compressed on the way to a network in this process."""
    list(Pipeline(stylizer, StylizeOptions("the_scream", strength=0.5)).painted(open_reader(clip)))
    assert {signature for signature, _ in engine.calls} == {"describe", "serving_default"}


def test_regions_are_painted_where_they_are(stylizer, clip):
    options = StylizeOptions(regions="left=the_scream,right=great_wave", fade=0.0)
    frame = next(iter(Pipeline(stylizer, options).painted(open_reader(clip)))).frame
    assert np.abs(frame.pixels[:, : WIDTH // 2 - 1].astype(int) - (220, 120, 40)).max() <= 1
    assert np.abs(frame.pixels[:, WIDTH // 2 + 1 :].astype(int) - (200, 220, 230)).max() <= 1


def test_a_producer_that_is_not_wanted_any_more_ends():
    ended = threading.Event()

    def items():
        try:
            yield from range(1000)
        finally:
            ended.set()

    numbers = ahead(items(), 2)
    assert next(numbers) == 0
    numbers.close()
    assert ended.is_set()


def box(pixels, left):
    mask = np.zeros(pixels.shape[:2], np.float32)
    mask[10:40, left : left + 20] = 1
    return mask


def test_masks_of_people_do_not_jump(monkeypatch):
    """The segmenter finds another outline in each frame of a still scene."""
    found = iter([20, 24, 16, 23, 17, 20])
    monkeypatch.setattr(moving_masks, "person", lambda pixels: box(pixels, next(found)))
    masks, estimator = MovingMasks(StylizeOptions("the_scream", mask="person")), MotionEstimator()
    frame = moving_square(0)
    seen = [masks.next(frame, estimator.to(frame))[0] for _ in range(6)]
    changes = [np.abs(later - sooner).mean() for sooner, later in itertools.pairwise(seen)]
    raw = np.abs(box(frame, 24) - box(frame, 16)).mean()
    assert max(changes) < raw / 2


def test_a_person_who_is_lost_for_a_frame_stays(monkeypatch):
    calls = iter(range(10))

    def person(pixels):
        if next(calls) == 2:
            raise MaskError("nobody")
        return box(pixels, 20)

    monkeypatch.setattr(moving_masks, "person", person)
    masks, estimator = MovingMasks(StylizeOptions("the_scream", mask="background")), MotionEstimator()
    frame = moving_square(0)
    background = [masks.next(frame, estimator.to(frame))[0] for _ in range(4)]
    assert background[2][20, 30] < 0.2
    assert background[3][20, 30] < 0.15


def test_nobody_in_a_video_leaves_it_as_it_is(monkeypatch, stylizer, tmp_path):
    def nobody(pixels):
        raise MaskError("nobody")

    monkeypatch.setattr(moving_masks, "person", nobody)
    clip = Clip().write(tmp_path / "clip.mp4")
    pipeline = Pipeline(stylizer, StylizeOptions("the_scream", mask="person"))
    for number, item in enumerate(pipeline.painted(open_reader(clip))):
        assert np.abs(item.frame.pixels.astype(int) - moving_square(number)).mean() < 6


def test_a_mask_that_does_not_fit_the_video_is_refused(stylizer, clip):
    options = StylizeOptions("the_scream", mask=np.ones((HEIGHT, HEIGHT), np.float32))
    with pytest.raises(MaskError, match="expected a mask shaped like the video, 64x48, got 48x48"):
        list(Pipeline(stylizer, options).painted(open_reader(clip)))
