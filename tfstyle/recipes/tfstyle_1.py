"""tfstyle 1: the five paintings of Makow and Hernandez in one network."""

from tfstyle.recipe import LossWeights, Recipe, Stage, StyleRecipe
from tfstyle.transformer import TransformerConfig

# Up to block5: without it the small strokes come, and the large ones they make up do not.
LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")

RECIPE = Recipe(
    name="tfstyle_1",
    styles=(
        # Weights bring every style to about the same distance: swirls come easily, the flat bands of The Scream do not.
        StyleRecipe(
            name="starry_night",
            title="The Starry Night",
            artist="Vincent van Gogh",
            year="1889",
            layers=LAYERS,
            weight=0.8,
        ),
        StyleRecipe(
            name="the_scream", title="The Scream", artist="Edvard Munch", year="1893", layers=LAYERS, weight=1.2
        ),
        StyleRecipe(
            name="great_wave",
            title="The Great Wave off Kanagawa",
            artist="Katsushika Hokusai",
            year="c. 1831",
            layers=LAYERS,
        ),
        StyleRecipe(
            name="picasso_self_portrait", title="Self-Portrait", artist="Pablo Picasso", year="1907", layers=LAYERS
        ),
        StyleRecipe(name="rain_princess", title="Rain Princess", artist="Leonid Afremov", year="2000s", layers=LAYERS),
    ),
    network=TransformerConfig(styles=5),
    stages=(
        Stage(size=128, batch=5, steps=600),  # five pictures a step: every style once
        Stage(size=256, batch=3, steps=600),
    ),
    weights=LossWeights(content=1.0, style=6.5, total_variation=4.0),
    content_layer="block4_conv2",
    learning_rate=1.5e-3,
    final_learning_rate=1e-4,
)
