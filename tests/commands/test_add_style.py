"""What `tfstyle add-style` refuses and says; that it learns is tested in test_new_style.py and beside a server."""

import shutil
import signal
import tempfile

import numpy as np
import pytest
from PIL import Image

from testing import style_case
from tfstyle.cli import main
from tfstyle.contract.catalog import Style
from tfstyle.evaluation.distances import Distances
from tfstyle.training import add_style


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A painting and a folder of photos."""
    return style_case.files(tmp_path_factory.mktemp("given"))


@pytest.fixture
def model(tiny_models, tmp_path):
    return style_case.model(tiny_models, tmp_path / "tiny", targets=False)


@pytest.fixture
def add(given, model, tmp_path, monkeypatch):
    """A function that adds `stripes` to the model; options replace or add to what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # of this process, not of the tests

    def add(painting=given[0], **options):
        options = {"name": "stripes", "photos": given[1], "model": model, **options}
        flags = [f"--{name}" for name, value in options.items() if value is True]
        valued = {name: value for name, value in options.items() if value not in (None, True)}
        flat = [*flags, *(str(part) for name, value in valued.items() for part in (f"--{name}", value))]
        return main(["add-style", str(painting), *flat])

    return add


def refusal(add, capsys, **options):
    """What is said to these options."""
    assert add(**options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("tfstyle: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"name": "second"},
            "Expected a new name, and there is a style 'second' already, which stays as it is. Taken: f",
        ),
        (
            {"again": True},
            "Expected the name of a style to learn again, got 'stripes'. Known: first, second; leave --again out to",
        ),
        ({"name": "a+b"}, "Expected a style name of letters, digits, '_', '-' and '.'. Got 'a+b'."),
        ({"photos": None}, "Expected --photos with photos to learn on, got none: any folder of 50 or more will do, or"),
        ({"photos": "nowhere"}, "No photos at nowhere"),
        ({"painting": "nothing.jpg"}, "nothing.jpg"),
        ({"model": "nowhere/at/all"}, "Expected a model in nowhere/at/all"),
        ({"preview": "preview.gif"}, "Expected a file to write that ends in .jpg, .png or .webp, got 'preview.gif'."),
    ],
)
def test_bad_input_gets_one_sentence(add, capsys, options, sentence):
    assert sentence in refusal(add, capsys, **options)


def test_a_painting_of_a_stamp_size_is_refused(add, capsys, tmp_path):
    Image.new("RGB", (200, 63)).save(tmp_path / "stamp.png")

    assert "stamp.png: expected a painting of at least 64x64 pixels, got 200x63" in refusal(
        add, capsys, painting=tmp_path / "stamp.png"
    )


def test_the_preview_never_falls_on_the_painting(add, capsys, given):
    assert "this is the painting itself" in refusal(add, capsys, preview=given[0])


@pytest.mark.parametrize("minutes", ["0.5", "-3", "inf", "nan", "soon"])
def test_too_few_minutes_are_refused_with_the_least(add, capsys, minutes):
    with pytest.raises(SystemExit) as stopped:
        add(minutes=minutes)

    assert stopped.value.code == 2
    assert f"expected a number of minutes, 1 or more, got '{minutes}'" in capsys.readouterr().err


def test_only_the_newest_version_is_extended(add, capsys, model):
    """A column that an older version lacks would change its meaning."""
    shutil.copytree(model / "1", model / "2")

    assert f"got {model / '1'}: styles are only added to the newest" in refusal(add, capsys, model=model / "1")


def test_a_model_without_the_network_itself_is_refused(add, capsys, model):
    shutil.rmtree(model / "1" / "assets.extra")

    assert f"Expected the network itself in {model / '1' / 'assets.extra'}" in refusal(add, capsys)


def test_a_model_without_room_for_a_higher_version_is_refused(add, capsys, model):
    (model / "1").rename(model / str(2**63 - 1))

    assert "there is none above it" in refusal(add, capsys)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_learned(add, capsys, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)  # who runs tests may be root, who may write anywhere

    assert "takes none (Permission denied)" in refusal(add, capsys)


class FakeStyle:
    """Learns nothing, in no time."""

    def __init__(self, model_folder, style, painting, photos):
        self.model_folder = model_folder
        self.start = Style("first", "", "", "")
        self.known_distances = Distances(content=0.8, style=0.16, sizes=(64,))
        self.looks = np.zeros((2, 48, 48, 3), "uint8")
        self.step = 7
        self.again = False

    def learn(self, budget, report):
        report(1, {"style": 1.0})

    def paint(self):
        return self.looks + np.uint8(200)

    def distances(self):
        return Distances(content=0.9, style=0.2, sizes=(64,))

    def save(self, distances):
        return self.model_folder / "2"


def test_it_tells_where_to_watch_how_it_came_out_and_where_it_is(add, capsys, monkeypatch, model, tmp_path):
    monkeypatch.setattr(add_style, "NewStyle", FakeStyle)

    assert add() == 0

    captured = capsys.readouterr()
    assert captured.out == f"{model / '2'}\n"
    said = captured.err.splitlines()
    assert said[0] == f"Adding stripes to {model}. Watch it get better in stripes.preview.jpg."
    assert "6 files: 6 photos" in said
    assert any(line.startswith("That is few: with 50 or more") for line in said)
    assert "Starts from first." in said
    assert said[-1] == "stripes: style distance 0.200, content distance 0.900 (the other styles: 0.160 and 0.800)"
    sheet = np.asarray(Image.open(tmp_path / "stripes.preview.jpg"))
    assert sheet.shape[1] > 3 * 48  # two photos and the painting beside each other
    assert not list(tmp_path.glob(".*"))


def test_ctrl_c_writes_nothing_and_says_how_to_go_on(add, capsys, monkeypatch, model):
    class Interrupted(FakeStyle):
        def learn(self, budget, report):
            report(1, {"style": 1.0})
            raise KeyboardInterrupt

        def save(self, distances):
            pytest.fail("saved")

    monkeypatch.setattr(add_style, "NewStyle", Interrupted)

    assert add() == 130

    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"Stopped: {model} is as it was. The same command starts anew" in captured.err
    assert [path.name for path in model.iterdir()] == ["1"]
