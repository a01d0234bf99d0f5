"""What `tfstyle evaluate --video` measures; the distances themselves are measured in tests/evaluation."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.video.clips import Clip, moving_square
from tests.video.conftest import Inverter
from tfstyle.commands.shared import evaluate_video
from tfstyle.errors import VideoError
from tfstyle.stylize.stylizer import Stylizer


class _Flickering(Inverter):
    """Paints the same frame otherwise each time."""

    def predict(self, signature, inputs):
        answer = super().predict(signature, inputs)
        if signature == "serving_default":
            noise = np.random.default_rng(len(self.calls)).integers(-40, 40, (12, 16, 1))
            noise = np.repeat(np.repeat(noise, 4, 0), 4, 1)
            answer = {"stylized": np.clip(answer["stylized"] + noise, 0, 255).astype(np.uint8)}
        return answer


class _Evaluator:
    """Measures brightness as style distance."""

    def evaluate(self, stylize, photos, targets):
        return {name: SimpleNamespace(style=float(stylize(photos[0], name).mean())) for name in targets}


def measured(path):
    targets = {"the_scream": None}
    stylizer = Stylizer(_Flickering())
    return evaluate_video.measure_videos([str(path)], ["the_scream"], stylizer, _Evaluator(), targets, max_size=None)


def test_steady_frames_flicker_less_than_those_painted_alone(tmp_path):
    path = Clip(frames=[moving_square(number) for number in range(16)]).write(tmp_path / "clip.mp4")
    (one,) = measured(path)
    assert (one.style, one.frames) == ("the_scream", 16)
    assert one.flicker < one.flicker_alone / 2
    assert one.style_distance == pytest.approx(1, abs=0.1)
    assert evaluate_video.table([one]).splitlines()[1].startswith(f"{path} the_scream")
    assert evaluate_video.rows([one])[0]["flicker"] == one.flicker


def test_one_frame_has_no_flicker(tmp_path):
    path = Clip(frames=[moving_square(0)]).write(tmp_path / "one.mp4")
    with pytest.raises(VideoError, match="expected two frames or more to measure flicker, got one"):
        measured(path)
