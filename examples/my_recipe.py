"""A recipe of one's own: one style, learned from a painting at two sizes, fine strokes and broad ones together.

    tfstyle train examples/my_recipe.py --photos PHOTOS --style-images FOLDER --out runs/mine

FOLDER holds `kiss.jpg`. On two CPU cores it takes an evening; tfstyle/training/recipe.py explains every field, and
tfstyle/training/recipes/ has the recipes of the released models.
"""

from tfstyle.networks.transformer import TransformerConfig
from tfstyle.training.recipe import LossWeights, Recipe, Stage, StyleImage, StyleRecipe

STYLES = (
    StyleRecipe(
        name="the_kiss",
        title="The Kiss",
        artist="Gustav Klimt",
        year="1908",
        blend=(StyleImage(file="kiss", size=256), StyleImage(file="kiss", size=512, weight=0.5)),
    ),
)

RECIPE = Recipe(
    name="my_recipe",
    styles=STYLES,
    network=TransformerConfig(blocks=3),
    stages=(
        Stage(size=128, batch=4, steps=3000),  # small crops first: they cost a quarter and teach colours and strokes
        Stage(size=256, batch=2, steps=2000),
    ),
    weights=LossWeights(style=6.0),  # the default is 8; less keeps faces clearer
)
