"""What tests of videos share."""

from collections.abc import Mapping

import numpy as np
import pytest

from testing.fake_model import CATALOG, FakePredictor
from tests.video.clips import Clip
from tfstyle.stylize.stylizer import Stylizer


class Inverter(FakePredictor):
    """Paints a photo as its negative, whatever the style: what a frame shows is still there to be measured."""

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Answer `serving_default`, and the rest as its double does."""
        if signature != "serving_default":
            return super().predict(signature, inputs)
        self.calls.append((signature, dict(inputs)))
        return {"stylized": 255 - inputs["image"]}


@pytest.fixture
def engine():
    return Inverter(CATALOG)


@pytest.fixture
def stylizer(engine):
    return Stylizer(engine)


@pytest.fixture
def clip(tmp_path):
    """A video of ten frames."""
    return Clip().write(tmp_path / "clip.mp4")
