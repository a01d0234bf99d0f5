"""What a training run is made of: a recipe is a Python file that defines one `RECIPE`."""

import importlib
import pkgutil
import runpy
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

from tfstyle.contract.catalog import title_of
from tfstyle.contract.style_mix import STYLE_NAME
from tfstyle.errors import TrainingError
from tfstyle.imaging.style_images import MIN_STYLE_IMAGE_SIDE
from tfstyle.networks.losses import BORDER
from tfstyle.networks.transformer import TransformerConfig
from tfstyle.training.motion import REACH

DEFAULT_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1")


@dataclass(frozen=True, kw_only=True)
class StyleImage:
    """One style image y_i with its layers J_i and its weight w_i (Makow and Hernandez, section 3.4)."""

    file: str  # `<file>.jpg` or `.png` in the folder of style images
    weight: float = 1.0
    size: int = 0  # short side it is seen at, px; 0: the recipe's; two entries of one file may differ in it
    layers: tuple[str, ...] = DEFAULT_LAYERS
    layer_weights: tuple[float, ...] = ()  # one per layer; empty: all 1

    def __post_init__(self):
        if not self.layers or (self.layer_weights and len(self.layer_weights) != len(self.layers)):
            raise TrainingError(
                f"{self.file} needs at least one layer and one weight per layer, or none. Got {self.layers} and "
                f"{self.layer_weights}."
            )
        if self.layer_weights and not _proportions(self.layer_weights):
            raise TrainingError(
                f"{self.file} needs layer weights of 0 or more, one of them above 0. Got {self.layer_weights}."
            )


@dataclass(frozen=True, kw_only=True)
class StyleRecipe:
    """One row of the network: learned from the style image of its name, or from several images at once."""

    name: str  # what requests call it, and the style image's file where `blend` is empty
    title: str = ""
    artist: str = ""
    year: str = ""
    weight: float = 1.0  # multiplies the recipe's style weight; raise it for a style that stays too faint
    sampling_weight: int = 1  # photos stylized in it before all styles begin again; raise it for one that learns slowly
    layers: tuple[str, ...] = DEFAULT_LAYERS
    layer_weights: tuple[float, ...] = ()  # one per layer; empty: all 1
    # The style images of section 3.4, instead of `layers` and `layer_weights`: of several files, or of one at
    # several sizes, which has its fine and its broad strokes learned together.
    blend: tuple[StyleImage, ...] = ()

    def __post_init__(self):
        if not STYLE_NAME.fullmatch(self.name):
            raise TrainingError(
                f"Expected a style name of letters, digits, '_', '-' and '.'. Got {self.name!r}: rename the painting."
            )
        if self.sampling_weight < 1:
            raise TrainingError(f"{self.name} needs a sampling_weight of 1 or more. Got {self.sampling_weight}.")
        images = self.images  # refuses layers that do not fit
        if not self.weight > 0 or not _proportions([image.weight for image in images]):
            raise TrainingError(
                f"{self.name} needs a weight above 0, and images with weights of 0 or more, one of them above 0. Got "
                f"{self.weight} and {[image.weight for image in images]}."
            )

    @property
    def images(self) -> tuple[StyleImage, ...]:
        """The style images whose weighted losses add up."""
        return self.blend or (StyleImage(file=self.name, layers=self.layers, layer_weights=self.layer_weights),)


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """How hard each term pulls. Raise `style` for bolder strokes, `content` for a clearer subject."""

    content: float = 1.0
    style: float = 8.0  # times the mean over layers; 2 changes the colours and little else
    total_variation: float = 2.0  # of pixels in 0..1; keeps flat areas free of dots
    checkerboard: float = 0.0  # of pixels in 0..1; keeps flat areas free of a weave of the trunk's stride
    border: float = 0.0  # of pixels in 0..1; keeps the border from getting darker or brighter than the rest
    pixel: float = 0.0  # of pixels in 0..1; keeps the photo's colours where it is raised
    consistency: float = 0.0  # of pixels in 0..1; a photo with noise is painted like the photo, so videos flicker less
    motion: float = 0.0  # of pixels in 0..1; a photo that has moved a little is painted alike: no flicker, no hatching
    # Of pixels in 0..1; a mirrored photo is painted like the photo, mirrored, so its strokes cannot all lean one way;
    # keep it 0 for a style image whose strokes do. Like consistency, it takes one more pass through the network.
    flip: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stretch of training at one crop size. Small crops first: they cost a quarter and teach colours and strokes."""

    size: int
    batch: int
    steps: int
    predicted: int = 0  # photos of each batch painted in styles that the encoder predicts; the rest in named ones
    moved: int = 0  # photos of each batch that are painted a second time, moved a little: for `motion`


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what comes out of a training, apart from the photos."""

    name: str
    styles: tuple[StyleRecipe, ...]
    network: TransformerConfig
    stages: tuple[Stage, ...]
    weights: LossWeights = field(default_factory=LossWeights)
    content_layer: str = "block4_conv1"
    color_jitter: float = 0.0  # brightness, contrast and saturation of the photos vary by this share, such as 0.2
    reflect_padding: bool = False  # losses see photos go on beyond their borders, which stay free of a frame; slower
    style_image_size: int = 384  # short side the style images are seen at, px: larger paints broader strokes
    learning_rate: float = 2e-3
    final_learning_rate: float = 2e-4  # a cosine leads from one to the other
    hold: float = 0.0  # share of the steps at the first learning rate before the cosine begins
    warm_up: int = 0  # steps over which the learning rate rises, after every start with fresh optimizer state
    ema_momentum: float = 0.995  # weights averaged over about 200 steps look cleaner than the last ones
    encoder: bool = False  # whether a style encoder is trained along, on a corpus of style images
    predicted_weight: float = 1.2  # as a style's `weight`, for every predicted style
    predicted_layers: tuple[str, ...] = DEFAULT_LAYERS
    seed: int = 0

    def __post_init__(self):
        if not self.styles:
            raise TrainingError(f"Recipe {self.name} needs at least one style. It has none.")
        for stage in self.stages:
            if not 0 <= stage.predicted < stage.batch or not 0 <= stage.moved <= stage.batch:
                raise TrainingError(
                    f"Recipe {self.name} needs batches with at least one named style, and no more predicted or moved "
                    f"photos than there are. Got {stage}."
                )
            if stage.predicted and not self.encoder:
                raise TrainingError(f"Recipe {self.name} needs an encoder to predict styles in {stage}.")
            if stage.moved and stage.size < 4 * REACH:
                raise TrainingError(f"Recipe {self.name} needs crops of {4 * REACH} px to move. Got {stage}.")
        if self.weights.motion and not any(stage.moved for stage in self.stages):
            raise TrainingError(f"Recipe {self.name} needs a stage that has photos `moved`, or no weight for `motion`.")
        if not 0 <= self.hold < 1 or self.warm_up < 0:
            raise TrainingError(f"Recipe {self.name} needs a hold from 0 to below 1 and a warm-up of 0 steps or more.")
        if not 0 <= self.color_jitter < 1:
            raise TrainingError(
                f"Recipe {self.name} needs a color_jitter of 0 or more and less than 1. Got {self.color_jitter}."
            )
        if self.weights.border and min(stage.size for stage in self.stages) < 12 * BORDER:
            raise TrainingError(f"Recipe {self.name} needs crops of {12 * BORDER} px or more to see a frame in.")
        names = [style.name for style in self.styles]
        if len(set(names)) < len(names):
            raise TrainingError(f"Recipe {self.name} needs a name of its own for every style. Got {', '.join(names)}.")
        if not self.stages or min(min(s.size // 16, s.batch, s.steps) for s in self.stages) < 1:
            raise TrainingError(f"Recipe {self.name} needs stages with sizes of 16 px or more, batches and steps >= 1.")
        if min(size for _, size in self.views) < MIN_STYLE_IMAGE_SIDE:
            raise TrainingError(
                f"Recipe {self.name} needs paintings seen at {MIN_STYLE_IMAGE_SIDE} px or more: smaller ones hold no "
                f"texture. Got {sorted({size for _, size in self.views})}."
            )
        if not any(astuple(self.weights)):
            raise TrainingError(f"Recipe {self.name} needs a loss weight above 0. Got 0 for all of them.")

    @property
    def steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.steps for stage in self.stages)

    def finishing(self, after: int, steps: int) -> "Recipe":
        """The same training, ended early: from some step on, the learning rate falls to the last within `steps`.

        What it leaves is fit for use, where weights at a high learning rate are not; the recipe itself is gone on with
        from the weights before. Reference: warm-up, stable, decay, [Hu et al., 2024](https://arxiv.org/abs/2404.06395),
        section 4.

        Args:
            after: Steps done.
            steps: Steps to do; what the recipe leaves is enough for them.

        Raises:
            TrainingError: If the recipe leaves fewer.
        """
        end = after + steps
        if not 0 <= after < end <= self.steps:
            raise TrainingError(
                f"Expected steps to finish in within the {self.steps} of the recipe {self.name}, got {steps} after "
                f"{after} that are done."
            )
        stages, begun = [], 0
        for stage in self.stages:
            if begun < end:
                stages.append(replace(stage, steps=min(stage.steps, end - begun)))
            begun += stage.steps
        return replace(self, stages=tuple(stages), hold=after / end, warm_up=min(self.warm_up, steps // 4))

    def with_style_images(self, names: tuple[str, ...]) -> "Recipe":
        """The same training for other style images, one style each, with the layers and sizes of the first style."""
        first = self.styles[0]
        styles = tuple(
            replace(
                first,
                name=name,
                title=title_of(name),
                artist="",
                year="",
                weight=1.0,
                sampling_weight=1,
                blend=tuple(replace(image, file=name) for image in first.blend),
            )
            for name in names
        )
        return replace(self, styles=styles)

    @property
    def style_images(self) -> tuple[str, ...]:
        """Every style image that some style is learned from, by name."""
        return tuple(dict.fromkeys(style_image for style_image, _ in self.views))

    @property
    def views(self) -> tuple[tuple[str, int], ...]:
        """Every style image that some style is learned from with each short side it is seen at, px."""
        return tuple(dict.fromkeys(self.view(image) for style in self.styles for image in style.images))

    def view(self, image: StyleImage) -> tuple[str, int]:
        """What is seen of a style image: its file, and at which short side, px."""
        return image.file, image.size or self.style_image_size

    @property
    def style_layers(self) -> tuple[str, ...]:
        """Every loss-network layer that some style looks at."""
        named = {layer for style in self.styles for image in style.images for layer in image.layers}
        return tuple(sorted(named | set(self.predicted_layers if self.encoder else ())))


def load_recipe(name: str) -> Recipe:
    """A recipe by the name of a file in `tfstyle/training/recipes`, or from any Python file that defines `RECIPE`.

    Raises:
        TrainingError: If there is no such recipe, or the file defines none.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise TrainingError(f"Expected a recipe file. There is none at {name}.")
        try:
            recipe = runpy.run_path(name).get("RECIPE")
        except TrainingError:
            raise
        except Exception as error:  # it is Python: anything can go wrong in it
            raise TrainingError(f"The recipe {name} does not run: {type(error).__name__}: {error}") from error
    elif name in (known := recipe_names()):
        recipe = importlib.import_module(f"tfstyle.training.recipes.{name}").RECIPE
    else:
        raise TrainingError(f"No recipe named {name!r}. Known: {', '.join(known)}; or give a Python file.")
    if not isinstance(recipe, Recipe):
        raise TrainingError(f"Expected {name} to define RECIPE, a tfstyle.training.recipe.Recipe. It does not.")
    return recipe


def recipe_names() -> tuple[str, ...]:
    """Recipes that come with the package."""
    from tfstyle.training import recipes

    return tuple(module.name for module in pkgutil.iter_modules(recipes.__path__))


def _proportions(weights: Sequence[float]) -> bool:
    """Whether there is something to share out by: no weight below 0, and one above."""
    return all(weight >= 0 for weight in weights) and any(weights)
