"""tfstyle 1: the five paintings of Makow and Hernandez in one network."""

from tfstyle.recipe import LossWeights, Recipe, Stage, StyleRecipe
from tfstyle.transformer import TransformerConfig

RECIPE = Recipe(
    name="tfstyle_1",
    styles=(
        # Weights bring every style to about the same distance: swirls come easily, the flat bands of The Scream do not.
        StyleRecipe(name="starry_night", title="The Starry Night", artist="Vincent van Gogh", year="1889", weight=0.75),
        StyleRecipe(name="the_scream", title="The Scream", artist="Edvard Munch", year="1893", weight=1.3),
        StyleRecipe(
            name="great_wave", title="The Great Wave off Kanagawa", artist="Katsushika Hokusai", year="c. 1831"
        ),
        StyleRecipe(name="picasso_self_portrait", title="Self-Portrait", artist="Pablo Picasso", year="1907"),
        StyleRecipe(name="rain_princess", title="Rain Princess", artist="Leonid Afremov", year="2000s", weight=0.9),
    ),
    network=TransformerConfig(styles=5),
    stages=(
        # Five pictures a step: every style once.
        Stage(size=128, batch=5, steps=1200),
        Stage(size=256, batch=5, steps=600),
    ),
    weights=LossWeights(content=1.0, style=8.0, total_variation=2.0),
)
