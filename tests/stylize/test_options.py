"""How to stylize: what is refused, what excludes what, and that command line and Python have the same defaults."""

import argparse
import dataclasses
import math
import pickle

import numpy as np
import pytest

from testing.fake_model import FakePredictor
from tfstyle.commands.shared import stylize_arguments
from tfstyle.errors import RequestError
from tfstyle.stylize.options import StylizeKeywords, StylizeOptions
from tfstyle.stylize.stylizer import Stylizer


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"strength": 1.1}, "Expected a strength from 0 (the photo) to 1 (the painting), got 1.1."),
        ({"strength": math.nan}, "Expected a strength from 0 (the photo) to 1 (the painting), got nan."),
        ({"fade": -0.1}, "Expected a fade from 0 (hard edge) to 1 (across the whole picture), got -0.1."),
        ({"max_size": 15}, "Expected a max size of at least 16 pixels, got 15."),
        ({"stroke": 3}, "Expected a stroke from 0.5 (finer) to 2 (broader), or native (as fine as the photo is large)"),
        ({"format": "gif"}, "Expected png or jpeg as format, got 'gif'."),
        ({"style": "wave:-1"}, "Expected a weight of 0 or more for style 'wave', got -1."),
        ({"style": None}, "Expected a style or regions, got neither"),
        ({"regions": "left=wave"}, "Expected either a style, with or without a mask, or regions, got both"),
        ({"style": None, "mask": "left", "regions": "left=wave"}, "Expected either a style"),
        ({"style": None, "regions": ""}, "Expected regions as PLACE=STYLE"),
    ],
)
def test_what_is_out_of_range_or_excludes_another_is_refused_before_a_photo_is_read(fields, sentence):
    with pytest.raises(RequestError) as refused:
        StylizeOptions(**{"style": "wave", **fields})
    assert str(refused.value).startswith(sentence)


def test_a_changed_copy_is_checked_too():
    with pytest.raises(RequestError, match="strength"):
        dataclasses.replace(StylizeOptions("wave"), strength=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        StylizeOptions("wave").strength = 2


def test_calls_take_them_whole_or_field_by_field():
    whole = StylizeOptions("wave", strength=0.5)

    assert vars(StylizeOptions.of(whole)) == vars(StylizeOptions.of("wave", strength=0.5)) == vars(whole)
    assert StylizeOptions.of(whole, format="jpeg").format == "jpeg"
    with pytest.raises(TypeError, match="strenght"):
        StylizeOptions.of("wave", strenght=0.5)


def test_type_checkers_know_each_of_them_as_a_keyword():
    fields = {field.name: field.type for field in dataclasses.fields(StylizeOptions) if field.name != "style"}

    assert StylizeKeywords.__annotations__ == fields


def test_style_and_mask_or_regions_are_places_with_a_mix_each():
    mask = np.ones((4, 4), np.uint8)

    assert StylizeOptions("wave:2,night").places == ((None, {"wave": 2, "night": 1}),)
    assert StylizeOptions("wave", mask="left").places == (("left", {"wave": 1}),)
    assert StylizeOptions(regions=[(mask, "wave"), ("sky.png", {"night": 3})]).places == (
        (mask, {"wave": 1}),
        ("sky.png", {"night": 3}),
    )


def test_they_travel_to_other_processes():
    sent = pickle.loads(pickle.dumps(StylizeOptions("wave", mask=b"bytes of a file", stroke="native")))

    assert (sent.places, sent.stroke) == (((b"bytes of a file", {"wave": 1}),), "native")


def test_the_command_line_has_an_argument_for_each_and_tells_its_default():
    parser = argparse.ArgumentParser()
    stylize_arguments.add_arguments(parser)
    arguments = {action.dest: action for action in parser._actions}

    for field in dataclasses.fields(StylizeOptions):
        if field.name == "format":  # a file's name says it
            continue
        if isinstance(field.default, float) and field.default is not False:
            assert f"(default: {field.default:g})" in (arguments[field.name].help or ""), field.name
    assert vars(parser.parse_args([])) == {}
    given = stylize_arguments.options_of(
        parser.parse_args(["--style", "wave", "--max-size", "64"]), Stylizer(FakePredictor())
    )
    assert vars(given) == vars(StylizeOptions("wave", max_size=64))
