"""What tests of several rooms share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path

import numpy as np
import pytest
import skimage.data


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """NASA's portrait of Eileen Collins, public domain; uint8 [512, 512, 3]."""
    return skimage.data.astronaut()


@pytest.fixture(scope="session")
def coffee() -> np.ndarray:
    """A cup of coffee, CC0; uint8 [400, 600, 3]."""
    return skimage.data.coffee()


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory) -> Path:
    """A folder of models with one small untrained model of two styles: `tiny/1`, at most 2000 x 2000 pixels."""
    import keras

    from tfstyle import weights
    from tfstyle.catalog import Style
    from tfstyle.export import export
    from tfstyle.transformer import TransformerConfig

    keras.utils.set_random_seed(0)
    transformer = weights.new_transformer(TransformerConfig(styles=2, widths=(4, 8), blocks=1))
    for variable in transformer.variables:  # rows that differ, or every style would look the same
        if variable.name in ("gamma", "beta"):
            variable.assign(variable + keras.random.normal(variable.shape, stddev=0.5, seed=1))
    root = tmp_path_factory.mktemp("models")
    styles = (Style("first", "The First", "A. Painter", "1900"), Style("second", "Die Zweite", "Ä. Maler", "c. 1901"))
    export(transformer, styles, root / "tiny" / "1", max_pixels=2000 * 2000)
    return root
