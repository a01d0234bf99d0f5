"""tfstyle 3: a trunk for any style image, with a coarse branch for broad strokes, steady under motion.

    tfstyle train tfstyle_3 --photos PHOTOS --style-images STYLES --style-corpus DIR ... --exclude HELD_OUT \
        --init-from saved_models/tfstyle/2 --out runs/three

It begins from the released trunk of version 2, and its coarse branch starts at zero. Two photos of every batch are
painted in the named styles, four in styles that the encoder predicts from thousands of style images. Training goes on:
what has come of it so far stands in saved_models/training/README.md.
"""

from tfstyle.networks.transformer import TransformerConfig
from tfstyle.training.recipe import LossWeights, Recipe, Stage
from tfstyle.training.recipes.tfstyle_2 import LAYERS, STYLES

RECIPE = Recipe(
    name="tfstyle_3",
    styles=STYLES,
    network=TransformerConfig(blocks=4, coarse_widths=(64, 96), coarse_blocks=(2, 3), low_pass=True),
    stages=(
        Stage(size=176, batch=6, predicted=4, moved=3, steps=22_000),
        Stage(size=256, batch=4, predicted=2, moved=2, steps=6_000),
    ),
    # Without the motion term strokes lock to the grid of the trunk's positions: hatching in stills, flicker in videos.
    weights=LossWeights(content=1.0, style=3.5, total_variation=4.0, checkerboard=1000.0, border=50.0, motion=60.0),
    content_layer="block4_conv2",
    reflect_padding=True,
    learning_rate=1e-3,
    final_learning_rate=2e-5,
    hold=0.7,
    warm_up=200,
    ema_momentum=0.998,
    encoder=True,
    predicted_weight=1.2,
    predicted_layers=LAYERS,
)
