"""Disks that are full, really: a small one in memory, in a namespace of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from testing.bot_api import photo_bytes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def on_small_disk(tmp_path):
    """A function that runs Python with a disk of a megabyte at `disk`, and returns what it said."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=1m tmpfs '{disk}'"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount in a namespace of their own")

    def run(script: str) -> str:
        command = ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$0" -c "$1"', sys.executable, script]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


FILL = """
def fill():
    with open("disk/other", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
"""


def test_a_painting_that_does_not_fit_leaves_the_one_before_and_no_part_of_itself(on_small_disk, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(photo_bytes(400, 300))

    said = on_small_disk(f"""{FILL}
import contextlib, io, os
from tfstyle.cli import main
arguments = ["stylize", "photo.jpg", "--style", "the_scream", "-o", "disk/painted.jpg"]
assert main(arguments) == 0
before = open("disk/painted.jpg", "rb").read()
fill()
told = io.StringIO()
with contextlib.redirect_stderr(told):
    code = main([*arguments[:-1], "disk/painted.jpg", "--strength", "0.5"])
print(code, sorted(os.listdir("disk")), open("disk/painted.jpg", "rb").read() == before, told.getvalue().strip())
""")

    assert "1 ['other', 'painted.jpg'] True " in said
    assert "painted.jpg" in said.partition("True ")[2]
    assert "No space left on device" in said


def test_a_bot_whose_disk_is_full_is_not_ready_until_there_is_room(on_small_disk):
    said = on_small_disk(f"""{FILL}
import asyncio, os
from bot.errors import StorageAwayError
from bot.storage.store import Store
from bot.storage.tasks import PAINT, NewTask

async def story():
    store = Store("sqlite:///disk/bot.db", "me")
    await store.check()
    fill()
    try:
        for number in range(100):  # the log has some room left
            payload = {{"text": "x" * 4000}}
            await store.add([NewTask(key=str(number), kind=PAINT, chat_id=1, user_id=1, payload=payload)])
    except StorageAwayError as error:
        print(error)
    try:
        await store.check()
        print("ready")
    except StorageAwayError:
        print("not ready")
    os.remove("disk/other")
    await store.check()
    print("ready again")
    store.close()

asyncio.run(story())
""")

    assert said.split("\n")[1:3] == ["not ready", "ready again"]
    assert "full" in said
