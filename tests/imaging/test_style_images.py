"""Style images to learn from."""

import numpy as np
import pytest

from tfstyle.errors import PhotoError
from tfstyle.imaging.style_images import check_style_image


def test_a_style_image_below_64_pixels_a_side_is_refused_with_advice():
    check_style_image(np.zeros((64, 64, 3), "uint8"), "stamp.png")
    for height, width in ((63, 200), (200, 63)):
        with pytest.raises(PhotoError) as error:
            check_style_image(np.zeros((height, width, 3), "uint8"), "stamp.png")
        assert str(error.value) == (
            f"stamp.png: expected a painting of at least 64x64 pixels, got {width}x{height}; smaller ones hold no "
            "texture to learn. Take a larger picture of it."
        )
