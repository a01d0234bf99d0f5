import pytest

from testing.training_case import recipe
from tfstyle.errors import TrainingError
from tfstyle.networks.transformer import TransformerConfig
from tfstyle.training.recipe import LossWeights, Stage, StyleImage, StyleRecipe, load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_that_comes_with_the_package_loads_under_its_name(name):
    assert load_recipe(name).name == name


def test_the_johnson_recipe_is_the_published_network():
    assert load_recipe("johnson").network == TransformerConfig.johnson()


def test_a_recipe_for_other_style_images_has_one_row_for_each():
    changed = load_recipe("johnson").with_style_images(("my_cat", "dots"))

    assert [style.name for style in changed.styles] == ["my_cat", "dots"]
    assert changed.styles[0].title == "My Cat"


def test_other_style_images_are_looked_at_in_the_same_layers():
    recipe = load_recipe("tfstyle_1")

    assert recipe.with_style_images(("my_cat",)).style_layers == recipe.style_layers


def test_a_style_may_have_several_images_each_with_its_layers_and_weight():
    blend = (
        StyleImage(file="scream", weight=0.7, layers=("block1_conv1",)),
        StyleImage(file="wave", weight=0.3, layers=("block4_conv1",), layer_weights=(2.0,)),
    )
    changed = recipe(styles=(StyleRecipe(name="scream"), StyleRecipe(name="storm", blend=blend)))

    assert changed.style_images == ("scream", "wave")
    assert set(changed.style_layers) == {"block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1"}


def test_one_style_image_may_be_seen_at_several_sizes():
    sizes = tuple(StyleImage(file="wave", size=size) for size in (256, 0, 512))
    changed = recipe(styles=(StyleRecipe(name="scream"), StyleRecipe(name="wave", blend=sizes)), style_image_size=384)

    assert changed.style_images == ("scream", "wave")
    assert changed.views == (("scream", 384), ("wave", 256), ("wave", 384), ("wave", 512))


def test_a_recipe_for_other_style_images_sees_them_at_the_same_sizes():
    sizes = tuple(StyleImage(file="wave", weight=weight, size=size) for weight, size in ((0.7, 256), (0.3, 512)))
    first = recipe(styles=(StyleRecipe(name="wave", blend=sizes), StyleRecipe(name="scream")))

    changed = first.with_style_images(("my_cat", "dots"))

    assert changed.views == (("my_cat", 256), ("my_cat", 512), ("dots", 256), ("dots", 512))
    assert [image.weight for image in changed.styles[1].images] == [0.7, 0.3]


@pytest.mark.parametrize("name", ["a:b", "a,b", "a+b", "left=a", "", "two words"])
def test_names_that_requests_cannot_write_are_refused(name):
    with pytest.raises(TrainingError, match="rename the painting"):
        StyleRecipe(name=name)


def test_a_recipe_file_is_a_recipe(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("from testing.training_case import recipe\nRECIPE = recipe(name='mine')\n")

    assert load_recipe(str(file)).name == "mine"


def test_an_unknown_recipe_lists_those_there_are(tmp_path):
    with pytest.raises(TrainingError, match="johnson"):
        load_recipe("jonson")
    with pytest.raises(TrainingError, match="There is none"):
        load_recipe(str(tmp_path / "missing.py"))
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(TrainingError, match="define RECIPE"):
        load_recipe(str(tmp_path / "empty.py"))
    (tmp_path / "broken.py").write_text(
        "from tfstyle.networks.transformer import TransformerConfig as T\nT(widths=())\n"
    )
    with pytest.raises(TrainingError, match="does not run: ValueError"):
        load_recipe(str(tmp_path / "broken.py"))


def test_a_training_is_finished_early_by_a_learning_rate_that_falls_from_now_on():
    whole = recipe(warm_up=100, stages=(Stage(size=32, batch=2, steps=400), Stage(size=48, batch=2, steps=200)))

    within, across = whole.finishing(100, 40), whole.finishing(390, 20)

    assert [stage.steps for stage in within.stages] == [140]
    assert (within.hold * within.steps, within.warm_up) == (100, 10)
    assert [stage.steps for stage in across.stages] == [400, 10]
    with pytest.raises(TrainingError, match="within the 600 of the recipe case, got 20 after 590"):
        whole.finishing(590, 20)


@pytest.mark.parametrize(
    "wrong",
    [
        {"styles": ()},
        {"stages": (Stage(size=64, batch=2, steps=1, predicted=1),)},
        {"encoder": True, "stages": (Stage(size=64, batch=2, steps=1, predicted=2),)},
        {"stages": (Stage(size=16, batch=2, steps=1, moved=1),)},
        {"weights": LossWeights(motion=1.0)},
        {"hold": 1.0},
        {"styles": (StyleRecipe(name="same"), StyleRecipe(name="same"))},
        {"stages": ()},
        {"stages": (Stage(size=8, batch=1, steps=1),)},
        {"stages": (Stage(size=64, batch=1, steps=0),)},
        {"weights": LossWeights(content=0, style=0, total_variation=0)},
        {"style_image_size": 63},
        {
            "styles": (
                StyleRecipe(name="dots"),
                StyleRecipe(name="wave", blend=(StyleImage(file="wave", size=-1),)),
            )
        },
    ],
)
def test_a_recipe_that_cannot_train_is_refused(wrong):
    with pytest.raises(TrainingError, match="case needs"):
        recipe(**wrong)


def test_a_style_needs_one_weight_per_layer():
    with pytest.raises(TrainingError, match="dots"):
        StyleRecipe(name="dots", layers=("block1_conv1", "block2_conv1"), layer_weights=(1.0,))


@pytest.mark.parametrize("weights", [(0.0, 0.0), (2.0, -1.0), (float("nan"), 1.0)])
def test_layer_weights_that_are_no_proportions_are_refused(weights):
    with pytest.raises(TrainingError, match="dots needs layer weights of 0 or more, one of them above 0"):
        StyleRecipe(name="dots", layers=("block1_conv1", "block2_conv1"), layer_weights=weights)


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": 0.0},
        {"weight": -1.0},
        {"blend": (StyleImage(file="scream", weight=0.0), StyleImage(file="wave", weight=0.0))},
        {"blend": (StyleImage(file="scream", weight=2.0), StyleImage(file="wave", weight=-1.0))},
    ],
)
def test_a_style_without_weight_is_refused(wrong):
    with pytest.raises(TrainingError, match="storm needs a weight above 0, and images with weights of 0 or more"):
        StyleRecipe(name="storm", **wrong)


def test_a_style_that_is_never_sampled_is_refused():
    with pytest.raises(TrainingError, match="storm needs a sampling_weight of 1 or more"):
        StyleRecipe(name="storm", sampling_weight=0)
