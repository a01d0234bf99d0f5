"""From a painting to a style that a running server has, by commands and calls alone."""

import signal
import time

import numpy as np

from serving.client import StyleClient
from serving.server import model_server
from testing import style_case
from testing.fake_model import photo_array
from tfstyle.cli import main

SECONDS = 60  # for the server to see and load the new version


def test_a_running_server_gets_a_style_that_is_added_and_paints_the_others_as_before(
    tiny_models, tmp_path, monkeypatch
):
    model = style_case.model(tiny_models, tmp_path / "models" / "tiny", targets=False)
    painting, photos = style_case.files(tmp_path / "given")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # of this process, not of the tests
    style_case.make_small(monkeypatch, style_case.STAGES[:1])
    command = ["add-style", str(painting), "--name", "stripes", "--photos", str(photos), "--model", str(model)]
    command += ["--title", "Streifen", "--artist", "Ä. Maler", "--year", "1902", "--minutes", "1"]

    with model_server.running(model.parent) as address, StyleClient(address, model="tiny") as client:
        before = client.stylize(photo_array(), "second").pixels
        assert client.styles().names == ("first", "second")

        assert main(command) == 0

        until = time.monotonic() + SECONDS
        while client.answering_version == 1 and time.monotonic() < until:
            np.testing.assert_array_equal(client.stylize(photo_array(), "second").pixels, before)
            time.sleep(0.2)
        assert client.answering_version == 2
        assert client.styles().names == ("first", "second", "stripes")
        added = client.styles()["stripes"]
        assert (added.title, added.artist, added.year) == ("Streifen", "Ä. Maler", "1902")
        np.testing.assert_array_equal(client.stylize(photo_array(), "second").pixels, before)
        painted = client.stylize(photo_array(), "stripes").pixels
        # After one step of training no more can be told than that it is a style of its own.
        assert (painted != before).mean() > 0.1
    assert (tmp_path / "stripes.preview.jpg").is_file()
