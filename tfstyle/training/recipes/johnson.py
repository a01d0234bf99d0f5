"""The network of Johnson et al. as they published it, one style: widths 32-64-128, five blocks, 9x9 ends.

`tfstyle train johnson --style painting.jpg --photos train2017.zip --out runs/johnson`: 40,000 steps of four photos, as
in their paper, where that is two passes over COCO 2014. Not trained by us, so no time and no result stand here.
"""

from tfstyle.networks.transformer import TransformerConfig
from tfstyle.training.recipe import Recipe, Stage, StyleRecipe

RECIPE = Recipe(
    name="johnson",
    styles=(StyleRecipe(name="starry_night", title="The Starry Night", artist="Vincent van Gogh", year="1889"),),
    network=TransformerConfig.johnson(),
    stages=(Stage(size=256, batch=4, steps=40_000),),
    learning_rate=1e-3,
    final_learning_rate=1e-3,
)
