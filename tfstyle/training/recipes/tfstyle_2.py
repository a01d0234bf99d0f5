"""tfstyle 2: the five paintings of Makow and Hernandez and seven more in one network, with a residual block less.

    tfstyle train tfstyle_2 --photos PHOTOS --style-images PAINTINGS --out runs/twelve

The released weights took these steps in two runs, in bfloat16 and two and a half hours on two CPU cores, on the 3,045
photos of `tfstyle_1`: 4,600 with learning rates from 1.5e-3 to 1e-4 and without `sampling_weight`, `reflect_padding`
and `border`, then 2,600 with 6e-4 to 2e-5 as below, except that `reflect_padding` continued the paintings beyond their
borders too; then the row of udnie alone for five minutes more, with a style weight of about 9. The first began from the
weights of version 1 without the fourth of its five residual blocks, and new styles as the mean of the known ones;
`--init-from` takes weights of a network of the same shape only, so from the recipe alone, which begins from random
weights, more steps will be needed. What came out stands in saved_models/README.md.
"""

from tfstyle.networks.transformer import TransformerConfig
from tfstyle.training.recipe import LossWeights, Recipe, Stage, StyleRecipe

# Up to block5: without it the small strokes come, and the large ones they make up do not.
LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")


def _style(name: str, title: str, artist: str, year: str, weight: float = 1.0, sampling_weight: int = 1) -> StyleRecipe:
    return StyleRecipe(
        name=name, title=title, artist=artist, year=year, layers=LAYERS, weight=weight, sampling_weight=sampling_weight
    )


STYLES = (
    # Weights balance what each painting asks for: the faces of the_scream dissolve first, the knife strokes of
    # rain_princess and the planes of udnie come last.
    _style("starry_night", "The Starry Night", "Vincent van Gogh", "1889", weight=1.2),
    _style("the_scream", "The Scream", "Edvard Munch", "1893", weight=0.6),
    _style("great_wave", "The Great Wave off Kanagawa", "Katsushika Hokusai", "c. 1831", weight=1.7),
    _style("picasso_self_portrait", "Self-Portrait", "Pablo Picasso", "1907", weight=1.0),
    _style("rain_princess", "Rain Princess", "Leonid Afremov", "2000s", weight=4.0),
    _style("udnie", "Udnie", "Francis Picabia", "1913", weight=2.8, sampling_weight=3),
    _style("composition_vii", "Composition VII", "Wassily Kandinsky", "1913", weight=1.2),
    _style("edtaonisl", "Edtaonisl", "Francis Picabia", "1913", weight=1.3),
    _style("la_grande_jatte", "A Sunday on La Grande Jatte", "Georges Seurat", "1884-86", weight=1.2),
    _style("portrait_of_metzinger", "Portrait of Jean Metzinger", "Robert Delaunay", "1906", weight=1.2),
    _style("red_and_blue_horse", "Red and Blue Horse", "Franz Marc", "1912", weight=1.1),
    _style("water_lilies", "Water Lilies", "Claude Monet", "1919", weight=1.2),
)

RECIPE = Recipe(
    name="tfstyle_2",
    styles=STYLES,
    network=TransformerConfig(blocks=4),
    stages=(
        Stage(size=128, batch=6, steps=3000),  # six pictures a step: every style once in two steps
        Stage(size=256, batch=3, steps=4200),
    ),
    # Without the checkerboard term the network fakes brushwork with a weave that repeats at the trunk's every position.
    weights=LossWeights(content=1.0, style=3.5, total_variation=4.0, checkerboard=1000.0, border=50.0),
    content_layer="block4_conv2",
    reflect_padding=True,
    learning_rate=1.5e-3,
    final_learning_rate=2e-5,
)
