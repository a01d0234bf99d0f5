"""PostgreSQL with the arguments, files and modes of the manifests."""

import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import trustme

from testing.postgres import running_postgres, server_user
from tests.k8s.cluster import Cluster
from tests.k8s.secrets import write_secret

PASSWORD = "let me in"


@dataclass(frozen=True)
class Server:
    """One that listens at 127.0.0.1, and the secret of its certificate."""

    port: int
    certificate: Path


@contextmanager
def secured_postgres(cluster: Cluster) -> Iterator[Server]:
    """Yields a server with the user and the database of the manifests, for `PASSWORD`."""
    stateful = cluster.workload("postgres")
    volumes = {volume["name"]: volume for volume in stateful.pod["volumes"]}
    names = cluster.get("Certificate", "postgres")["spec"]["dnsNames"]
    authority = trustme.CA()
    with tempfile.TemporaryDirectory(prefix="tfstyle-tls-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # for the server's user
        certificate = write_secret(folder / "certificate", authority.issue_cert(*names), authority)
        _keep_as_kubernetes(certificate / "tls.key", volumes["certificate"]["secret"]["defaultMode"])
        for path, text in cluster.mounted_texts(stateful).items():
            (folder / path.name).write_text(text)
        arguments = [
            argument.replace("=/certificate/", f"={certificate}/").replace("=/access/", f"={folder}/")
            for argument in stateful.main["args"]
        ]
        with running_postgres(*arguments, password=PASSWORD) as url:
            with psycopg.connect(url, password=PASSWORD, sslmode="require", autocommit=True) as connection:
                connection.execute(f"CREATE ROLE tfstyle SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
                connection.execute("CREATE DATABASE tfstyle OWNER tfstyle")
            yield Server(int(urlsplit(url).port or 0), certificate)


def _keep_as_kubernetes(file: Path, mode: int) -> None:
    """Root's, and the group's by `fsGroup`. Who is not root, and so runs the server, can only keep it to themselves."""
    user = server_user()
    if user is None:
        file.chmod(0o600)
    else:
        os.chown(file, 0, pwd.getpwnam(user).pw_gid)
        file.chmod(mode)
