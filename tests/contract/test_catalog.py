"""The catalog of styles: names, weights, and its two written forms."""

import json

import numpy as np
import pytest

from testing.fake_model import CATALOG, FakePredictor
from tfstyle.contract.catalog import Catalog
from tfstyle.errors import ModelError, RequestError, UnknownStyleError


def test_names_come_in_the_order_of_the_columns():
    assert CATALOG.names == ("starry_night", "the_scream", "great_wave")
    assert [style.artist for style in CATALOG][1] == "Edvard Munch"
    assert len(CATALOG) == 3


def test_weights_fill_their_columns():
    row = CATALOG.weights({"great_wave": 40, "starry_night": 60})
    assert row.dtype == np.float32
    np.testing.assert_array_equal(row, [60, 0, 40])


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("stary_night", "starry_night"),
        ("Starry Night", "starry_night"),
        ("scream", "the_scream"),
        ("wave", "great_wave"),
    ],
)
def test_an_unknown_style_suggests_the_nearest_and_lists_all(asked, meant):
    with pytest.raises(UnknownStyleError, match=f"did you mean {meant}") as caught:
        CATALOG.weights({asked: 1})
    assert "Known: starry_night, the_scream, great_wave." in str(caught.value)
    assert caught.value.known == CATALOG.names


def test_a_style_like_no_other_gets_no_suggestion():
    with pytest.raises(UnknownStyleError) as caught:
        CATALOG["xyzzy"]
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("weight", [float("nan"), -1, float("inf"), 1e39, "much", None])
def test_weights_must_be_numbers_from_zero(weight):
    with pytest.raises(RequestError, match="Expected a weight of 0 or more for style 'the_scream', got"):
        CATALOG.weights({"the_scream": weight})


def test_json_round_trip_keeps_everything():
    assert Catalog.from_json(CATALOG.to_json()) == CATALOG
    assert json.loads(CATALOG.to_json())["max_pixels"] == 1_000_000


def test_what_describe_answers_is_the_same_catalog():
    assert Catalog.from_describe(FakePredictor().predict("describe", {})) == CATALOG


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"styles": [{"name": "a"}], "max_pixels": 1}', '{"styles": 3}'])
def test_broken_json_is_a_model_error(text, tmp_path):
    file = tmp_path / "catalog.json"
    file.write_text(text)
    with pytest.raises(ModelError, match=r"catalog\.json: Expected a catalog"):
        Catalog.load(file)


def test_a_missing_catalog_file_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        Catalog.load(tmp_path / "none.json")


def test_an_incomplete_description_is_a_model_error():
    answer = FakePredictor().predict("describe", {})
    with pytest.raises(ModelError, match="describes its styles"):
        Catalog.from_describe({key: value for key, value in answer.items() if key != "titles"})
    with pytest.raises(ModelError, match="describes its styles"):
        Catalog.from_describe(answer | {"titles": answer["titles"][:1]})


@pytest.mark.parametrize("key", ["style_names", "titles", "artists", "years", "thumbnails"])
@pytest.mark.parametrize("shape", [(2**27, 4, 0), (2, 1), (), (10_001,)])
def test_a_description_of_another_shape_costs_no_memory(key, shape):
    """2^27 empty lists would take gigabytes, and a shape of a few bytes may claim them."""
    answer = FakePredictor().predict("describe", {})
    claimed = np.broadcast_to(np.array(b"x", object), shape)
    with pytest.raises(ModelError, match=rf"describes its styles.*{key} in the shape"):
        Catalog.from_describe(answer | {key: claimed})
