"""tfstyle 1: the five paintings of Makow and Hernandez in one network.

    tfstyle train tfstyle_1 --photos PHOTOS --style-images PAINTINGS --out runs/five

Version 1, from which the released version 2 began, was trained with this network, on 3,045 photos and two CPU cores
that other work shared, in stretches that each started from the averaged weights of the one before:

    steps  crops        style weight, layers     learning rate        time     what was new
    717    5 of 128 px  8, block1 to block4      2e-3 to 1.4e-3       36 min
    600    5 of 128 px  10, block1 to block5     1.5e-3 to 8e-4       24 min   the filter after depth-to-space
    400    3 of 256 px  10, after 78 steps 6.5   8e-4 to 2e-4         35 min
    121    3 of 256 px  3.5                      5e-4 to 1e-4         10 min
    300    5 of 128 px  3.5                      1.2e-3 to 1.1e-3     10 min   bilinear up-sampling, weights by style
    1100   3 of 256 px  3.5                      1.1e-3 to 1e-4       106 min
    260    3 of 192 px  3.5                      6e-4 to 5e-5         9 min    the checkerboard term

The recipe below has the weights of the last stretch and the steps of all in one go; as one run it has not been made.
"""

from tfstyle.networks.transformer import TransformerConfig
from tfstyle.training.recipe import LossWeights, Recipe, Stage, StyleRecipe

# Up to block5: without it the small strokes come, and the large ones they make up do not.
LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")

RECIPE = Recipe(
    name="tfstyle_1",
    styles=(
        # Weights balance what each painting asks for: the faces of the_scream dissolve first, the knife strokes of
        # rain_princess come last.
        StyleRecipe(
            name="starry_night",
            title="The Starry Night",
            artist="Vincent van Gogh",
            year="1889",
            layers=LAYERS,
            weight=0.95,
        ),
        StyleRecipe(
            name="the_scream", title="The Scream", artist="Edvard Munch", year="1893", layers=LAYERS, weight=0.5
        ),
        StyleRecipe(
            name="great_wave",
            title="The Great Wave off Kanagawa",
            artist="Katsushika Hokusai",
            year="c. 1831",
            layers=LAYERS,
            weight=1.1,
        ),
        StyleRecipe(
            name="picasso_self_portrait",
            title="Self-Portrait",
            artist="Pablo Picasso",
            year="1907",
            layers=LAYERS,
            weight=0.85,
        ),
        StyleRecipe(
            name="rain_princess",
            title="Rain Princess",
            artist="Leonid Afremov",
            year="2000s",
            layers=LAYERS,
            weight=1.8,
        ),
    ),
    network=TransformerConfig(),
    stages=(
        Stage(size=128, batch=5, steps=1600),  # five pictures a step: every style once
        Stage(size=256, batch=3, steps=1900),
    ),
    # Without the checkerboard term the network fakes brushwork with a weave that repeats at the trunk's every position.
    weights=LossWeights(content=1.0, style=3.5, total_variation=4.0, checkerboard=1000.0),
    content_layer="block4_conv2",
    learning_rate=1.5e-3,
    final_learning_rate=1e-4,
)
