"""A training small enough for a test: generated photos and paintings, crops of 32 px, a narrow network."""

from pathlib import Path

import numpy as np
from PIL import Image

from tfstyle.networks.transformer import TransformerConfig
from tfstyle.training.photo_dataset import PhotoSet, open_photos
from tfstyle.training.recipe import LossWeights, Recipe, Stage, StyleRecipe
from tfstyle.training.style_corpus import StyleCorpus
from tfstyle.training.training_run import Run

LAYERS = ("block1_conv1", "block2_conv1")


def recipe(**changes) -> Recipe:
    """Two styles, the second with its own layers and weight, six steps in two stages."""
    defaults = {
        "name": "case",
        "styles": (
            StyleRecipe(name="stripes", layers=LAYERS),
            StyleRecipe(name="dots", layers=LAYERS[:1], weight=2.0),
        ),
        "network": TransformerConfig(widths=(4, 8), blocks=1),
        "stages": (Stage(size=32, batch=2, steps=4), Stage(size=48, batch=2, steps=2)),
        "weights": LossWeights(content=1.0, style=2.0, total_variation=1.0, pixel=0.1),
        "content_layer": "block2_conv1",
        "style_image_size": 64,
    }
    return Recipe(**{**defaults, **changes})


def any_style_recipe(**changes) -> Recipe:
    """The case with a style encoder and moved photos: two named styles and one predicted in every batch."""
    stages = (Stage(size=48, batch=3, steps=4, predicted=1, moved=2), Stage(size=64, batch=3, steps=2, predicted=1))
    weights = LossWeights(content=1.0, style=2.0, total_variation=1.0, motion=60.0)
    defaults = {"encoder": True, "predicted_layers": LAYERS, "stages": stages, "weights": weights, "warm_up": 2}
    return recipe(**{**defaults, **changes})


def style_images(folder: Path) -> Path:
    """A folder of four style images: stripes and dots, whole and halved."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in paintings().items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
        Image.fromarray(pixels // 2).save(folder / f"dark_{name}.png")
    return folder


def corpus(folder: Path) -> StyleCorpus:
    """The style images, measured; `folder` holds them and the measurements."""
    return StyleCorpus.open([str(style_images(folder / "images"))], folder / "cache", LAYERS)


def photos(folder: Path, count: int = 6) -> PhotoSet:
    """Smooth random colour pictures of several sizes, written as JPEG."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    for i in range(count):
        coarse = random.integers(0, 256, (5, 7, 3), dtype="uint8")
        Image.fromarray(coarse).resize((120 + 8 * i, 100), Image.Resampling.BICUBIC).save(folder / f"{i}.jpg")
    return open_photos(folder)


def paintings() -> dict[str, np.ndarray]:
    """One of diagonal stripes, one of dots, uint8 [96, 96, 3]."""
    y, x = np.mgrid[:96, :96]
    stripes = np.stack([255 * ((x + y) // 6 % 2), 128 + 0 * x, 40 + 0 * x], axis=-1)
    dots = np.stack([30 + 0 * x, 255 * ((x % 12 - 6) ** 2 + (y % 12 - 6) ** 2 < 12), 90 + 0 * x], axis=-1)
    return {"stripes": stripes.astype("uint8"), "dots": dots.astype("uint8")}


def run(folder: Path, photo_folder: Path, **options) -> Run:
    """A run of the case; options of `tfstyle.training.training_run.Run`, and `recipe`."""
    options = {"jit": False, "checkpoint_every": 2, "report_every": 1, **options}
    return Run(folder, options.pop("recipe", recipe()), photos(photo_folder), paintings(), **options)
