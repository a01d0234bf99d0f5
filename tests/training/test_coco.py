"""COCO's zips arrive whole: continued where they stopped, and refused when they are not what they should be."""

import io
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from tfstyle.cli import main
from tfstyle.errors import TrainingError
from tfstyle.training import coco
from tfstyle.training.coco import ATTEMPTS, download
from tfstyle.training.photo_dataset import open_photos


def make_zip() -> bytes:
    """A small val2017.zip: three photos of noise."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(3):
            pixels = np.random.default_rng(number).integers(0, 256, (96, 128, 3), dtype=np.uint8)
            photo = io.BytesIO()
            Image.fromarray(pixels).save(photo, "JPEG")
            archive.writestr(f"val2017/{number:012}.jpg", photo.getvalue())
    return stream.getvalue()


class Server:
    """A file server on this machine that can be told to misbehave.

    Attributes:
        data: What it serves as /val2017.zip.
        break_after: For each coming answer, after how many bytes the connection breaks.
        status: Answers this status instead, if it is set.
        ranges: Whether it understands Range.
        asked: The Range header of every request so far.
    """

    def __init__(self, data: bytes):
        self.data = data
        self.break_after: list[int] = []
        self.status: int | None = None
        self.ranges = True
        self.asked: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.answer(self)

            def log_message(self, *args):
                """Keep the test's output clean."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers["Range"]
        self.asked.append(asked)
        request.close_connection = True
        if self.status or request.path != "/val2017.zip":
            request.send_response(self.status or 404)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and self.ranges else 0
        body = self.data[start:]
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body)))
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.data) - 1}/{len(self.data)}")
        request.end_headers()
        request.wfile.write(body[: self.break_after.pop(0)] if self.break_after else body)


@pytest.fixture
def server():
    server = Server(make_zip())
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def fetch(server, tmp_path, pauses):
    """Download val2017 from the server, without waiting between attempts."""
    sizes = {"val2017": len(server.data)}

    def fetch(**options):
        return download(
            "val2017", tmp_path / "to", **{"url": server.url, "sizes": sizes, "pause": pauses.append} | options
        )

    return fetch


def test_the_zip_arrives_whole_and_can_be_trained_on(fetch, server, tmp_path):
    path = fetch()
    assert path == tmp_path / "to" / "val2017.zip"
    assert path.read_bytes() == server.data
    assert len(open_photos(path)) == 3
    assert [entry.name for entry in path.parent.iterdir()] == ["val2017.zip"]


def test_progress_runs_from_nothing_to_the_whole_zip_in_both_stages(fetch, server):
    seen = []
    fetch(report=lambda *report: seen.append(report))
    for stage in ("downloading", "checking"):
        done = [count for name, count, _ in seen if name == stage]
        assert done == sorted(done)
        assert done[-1] == len(server.data)
    assert {total for _, _, total in seen} == {len(server.data)}


def test_a_broken_connection_is_continued_where_it_broke(fetch, server, pauses):
    server.break_after = [1000, 500]
    assert fetch().read_bytes() == server.data
    assert server.asked == [None, "bytes=1000-", "bytes=1500-"]
    assert pauses == [1.0, 1.0]


def test_a_second_call_continues_what_the_first_one_left(fetch, server, tmp_path):
    """Such as after Ctrl-C: 19 GB are not loaded twice."""

    def interrupt(stage, done, total):
        raise KeyboardInterrupt

    server.break_after = [4000]
    with pytest.raises(KeyboardInterrupt):
        fetch(report=interrupt)
    part = tmp_path / "to" / "val2017.zip.part"
    assert part.read_bytes() == server.data[: part.stat().st_size]
    assert fetch().read_bytes() == server.data
    assert server.asked == [None, f"bytes={4000}-"]
    assert not part.exists()


def test_a_server_that_ignores_ranges_sends_the_whole_zip_again(fetch, server):
    server.break_after = [1000]
    server.ranges = False
    assert fetch().read_bytes() == server.data
    assert server.asked == [None, "bytes=1000-"]


def test_a_connection_that_never_gets_further_is_given_up_with_the_rest_kept(fetch, server, tmp_path, pauses):
    server.break_after = [1000] + [0] * 20
    with pytest.raises(TrainingError, match=r"connection to 127\.0\.0\.1 broke .* run the same command to continue"):
        fetch()
    assert (tmp_path / "to" / "val2017.zip.part").stat().st_size == 1000
    assert len(server.asked) == 1 + ATTEMPTS
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_server_that_breaks_and_starts_over_does_not_loop_for_ever(fetch, server):
    """Without ranges every attempt begins anew, so bytes alone are no progress."""
    server.ranges = False
    server.break_after = [1000, 900] * 20
    with pytest.raises(TrainingError, match="run the same command to continue"):
        fetch()
    assert len(server.asked) == 1 + ATTEMPTS


def test_a_complete_zip_is_only_checked(fetch, server):
    fetch()
    stages = set()
    fetch(report=lambda stage, done, total: stages.add(stage))
    assert len(server.asked) == 1
    assert stages == {"checking"}


def test_another_size_on_the_server_is_refused_before_loading(fetch, server, tmp_path):
    """A hotel's login page answers 200 for everything."""
    server.data = b"<html>Please log in</html>"
    with pytest.raises(
        TrainingError, match=r"Expected \d+ bytes at http://.*, the server has 26: another file, or a page"
    ):
        fetch()
    assert not (tmp_path / "to" / "val2017.zip.part").exists()


def test_a_zip_with_a_wrong_crc_is_deleted_and_said_so(fetch, server, tmp_path):
    middle = len(server.data) // 2
    server.data = server.data[:middle] + bytes([server.data[middle] ^ 1]) + server.data[middle + 1 :]
    with pytest.raises(TrainingError, match=r"is damaged \(Bad CRC-32 .*It was deleted; run the same command"):
        fetch()
    assert list((tmp_path / "to").iterdir()) == []


def test_a_damaged_zip_that_was_there_before_is_left_to_its_owner(fetch, server, tmp_path):
    path = tmp_path / "to" / "val2017.zip"
    path.parent.mkdir()
    path.write_bytes(server.data[:-10])
    with pytest.raises(TrainingError, match=r"Expected .*val2017\.zip to have \d+ bytes, it has \d+\. Delete"):
        fetch()
    assert path.exists()
    assert server.asked == []


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (503, ATTEMPTS)])
def test_an_error_of_the_server_is_told_and_only_a_passing_one_is_tried_again(fetch, server, status, requests):
    server.status = status
    with pytest.raises(TrainingError, match=rf"answers {status}"):
        fetch()
    assert len(server.asked) == requests


def test_without_a_network_the_message_says_so(fetch, server):
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(TrainingError, match=r"Cannot reach 127\.0\.0\.1 .*is there a network\? Nothing was loaded yet"):
        fetch()


def test_a_full_disk_is_told_before_loading(fetch, server, monkeypatch):
    monkeypatch.setattr(coco.shutil, "disk_usage", lambda path: coco.shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(TrainingError, match=r"needs .* GB more, but .* has 0\.0 GB free"):
        fetch()
    assert server.asked == []


def test_an_unknown_split_lists_those_there_are(tmp_path):
    with pytest.raises(TrainingError, match=r"one of the splits train2017, val2017, got 'test2017'"):
        download("test2017", tmp_path)


def test_the_command_downloads_and_says_what_comes_next(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(coco.SIZES, "val2017", len(server.data))
    monkeypatch.setitem(download.__kwdefaults__, "url", server.url)
    assert main(["data", "coco", "--split", "val2017", "--to", str(tmp_path)]) == 0
    assert f"--photos {tmp_path / 'val2017.zip'}" in capsys.readouterr().out


def test_the_command_ends_with_2_and_one_line_when_it_fails(server, tmp_path, monkeypatch, capsys):
    server.status = 404
    monkeypatch.setitem(download.__kwdefaults__, "url", server.url)
    assert main(["data", "coco", "--split", "val2017", "--to", str(tmp_path)]) == 2
    assert re.fullmatch(r"tfstyle: .*answers 404 Not Found\.\n", capsys.readouterr().err)


def test_check_counts_usable_and_unusable_files(server, tmp_path, capsys):
    with zipfile.ZipFile(io.BytesIO(server.data)) as archive:
        archive.extractall(tmp_path)
    photo = (tmp_path / "val2017" / "000000000000.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    (tmp_path / "text.jpg").write_bytes(b"text")
    Image.new("L", (100, 100)).save(tmp_path / "gray.jpg")
    Image.new("RGB", (100, 20)).save(tmp_path / "small.jpg")
    assert main(["data", "check", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["usable", "3"],
        ["gray-scale", "1"],
        ["corrupt", "2"],
        ["too", "small", "1"],
    ]
    assert {line.rpartition("/")[2] for line in lines[4:]} == {"cut.jpg", "text.jpg"}


def test_check_of_an_empty_folder_is_one_sentence_and_2(tmp_path, capsys):
    assert main(["data", "check", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
