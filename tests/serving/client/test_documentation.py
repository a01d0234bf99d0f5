"""What docs/clients.md shows works as it stands."""

import re
import shlex
from pathlib import Path

import grpc
import pytest
import trustme

from serving.client import errors
from testing.fake_model import COLOURS, photo_array
from testing.fake_server import FakeModel, answering
from tfstyle import cli
from tfstyle.imaging.photo import read_photo

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = re.findall(r"^tfstyle (.+)$", TEXT, re.MULTILINE)


@pytest.fixture
def local(tmp_path, monkeypatch):
    """Puts servers on this machine, plain and with TLS, for the addresses in the text, and the files it speaks of."""
    read_photo(photo_array()).save(tmp_path / "photo.jpg")
    ca = trustme.CA()
    server, client = ca.issue_cert("127.0.0.1"), ca.issue_cert("somebody@models.example")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    client.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    pair = (server.private_key_pem.bytes(), server.cert_chain_pems[0].bytes())
    credentials = grpc.ssl_server_credentials([pair], ca.cert_pem.bytes(), require_client_auth=True)
    monkeypatch.chdir(tmp_path)
    model = FakeModel()
    with (
        answering(model.methods) as plain,
        answering(model.methods, credentials=credentials) as encrypted,
    ):
        yield lambda text: text.replace("localhost:8500", plain).replace("models.example:8500", encrypted)


@pytest.mark.parametrize("code", PYTHON)
def test_python_examples_paint(code, local, tmp_path):
    exec(compile(local(code), "clients.md", "exec"), {"__name__": "__main__"})

    assert read_photo(tmp_path / "painting.jpg").pixels.shape == (48, 64, 3)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_paint(command, local, tmp_path):
    assert cli.main(shlex.split(local(command))) == 0

    (stylized,) = tmp_path.glob("photo.*.jpg")
    assert abs(read_photo(stylized).pixels.astype(int) - COLOURS["great_wave"]).max() <= 3


def test_the_error_tree_is_the_one_of_the_code():
    assert errors.__doc__.split("\n\n")[1] in TEXT


def test_linked_files_exist():
    links = re.findall(r"\]\((?!http)([^)#]+)", TEXT)
    assert len(links) >= 4
    for link in links:
        assert (ROOT / "docs" / link).exists(), link
