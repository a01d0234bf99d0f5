"""A PostgreSQL server for one test session: started as an unprivileged user, on loopback, thrown away afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DATABASE = "postgres"
_USER = "bot"


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs, None if it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or [Path(shutil.which("postgres") or "/none")]
    return found[-1].parent if found[-1].exists() else None


def server_user() -> str | None:
    """Who runs the server: it refuses to run as root; None is whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def running_postgres(
    *arguments: str,
    password: str = "unused",
    superuser: str = _USER,
    prepare: Callable[[Path, int], None] = lambda socket, port: None,
) -> Iterator[str]:
    """Yields its `postgresql://` address, without the password; its log lies beside its folder of data.

    Nobody is asked for the password of the user in the address, unless `arguments`, of the server, say so. `prepare`
    gets the folder of its socket, where nobody is ever asked, and its port. Where PostgreSQL is not installed the test
    is skipped, and in CI it fails.
    """
    programs = binaries()
    if programs is None:
        message = "PostgreSQL is not installed; on Debian: apt-get install postgresql"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    user = server_user()
    group = None if user is None else pwd.getpwnam(user).pw_gid
    folder = Path(tempfile.mkdtemp(prefix="tfstyle-postgres-"))
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    (folder / "password").write_text(password)
    initdb = [programs / "initdb", "-D", data, "-U", superuser, "-A", "trust", "--no-sync", "-E", "UTF8"]
    initdb += ["--pwfile", folder / "password"]
    subprocess.run(initdb, user=user, cwd=folder, check=True, capture_output=True)
    command = [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, *arguments], user=user, group=group, cwd=folder, stdout=log, stderr=log)
    try:
        _wait(process, port, folder, superuser)
        prepare(folder, port)
        yield f"postgresql://{superuser}@127.0.0.1:{port}/{_DATABASE}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: "subprocess.Popen[bytes]", port: int, folder: Path, user: str) -> None:
    """By its socket, which asks nobody for a password."""
    import psycopg

    end = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(host=str(folder), port=port, user=user, dbname=_DATABASE).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError((folder / "log").read_text()) from None
            time.sleep(0.05)
