"""PostgreSQL with the arguments, files and modes of the manifests."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import trustme

from testing.postgres import binaries, running_postgres, server_user
from tests.k8s.cluster import Cluster
from tests.k8s.secrets import write_secret

PASSWORDS = {"bot": "let me in", "backup": "only to read", "keda": "only to count"}


@dataclass(frozen=True)
class Server:
    """One that listens at 127.0.0.1, and the secret of its certificate."""

    port: int
    certificate: Path
    socket: Path

    def connect(self, role: str, **changes: object) -> psycopg.Connection:
        """By the network, as one of the roles."""
        told = {"host": "127.0.0.1", "port": self.port, "dbname": "tfstyle", "sslmode": "require", "autocommit": True}
        return psycopg.connect(**(told | {"user": role, "password": PASSWORDS.get(role)} | changes))

    def run_roles(self, folder: Path, **passwords: str) -> None:
        """roles.sql from a folder, as the image runs it: as the superuser, by the socket, with its variables."""
        variables = {"POSTGRES_PASSWORD": PASSWORDS["bot"], "BACKUP_PASSWORD": PASSWORDS["backup"]}
        variables |= {"KEDA_PASSWORD": PASSWORDS["keda"], "PGHOST": str(self.socket), "PGPORT": str(self.port)}
        command = [binaries() / "psql", "-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc", "-U", "postgres"]
        command += ["-d", "tfstyle", "-f", folder / "roles.sql"]
        subprocess.run(command, env=os.environ | variables | passwords, check=True, capture_output=True)


@contextmanager
def secured_postgres(cluster: Cluster) -> Iterator[Server]:
    """Yields a server with the roles and the database of the manifests, for `PASSWORDS`."""
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
        servers = []

        def set_up(socket: Path, port: int) -> None:
            """As the image does: the database of its variables, then the files of its folder."""
            with psycopg.connect(host=str(socket), port=port, user="postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE tfstyle")
            servers.append(Server(port, certificate, socket))
            servers[0].run_roles(folder)

        with running_postgres(*arguments, password=PASSWORDS["bot"], superuser="postgres", prepare=set_up):
            yield servers[0]


def _keep_as_kubernetes(file: Path, mode: int) -> None:
    """Root's, and the group's by `fsGroup`. Who is not root, and so runs the server, can only keep it to themselves."""
    user = server_user()
    if user is None:
        file.chmod(0o600)
    else:
        os.chown(file, 0, pwd.getpwnam(user).pw_gid)
        file.chmod(mode)
