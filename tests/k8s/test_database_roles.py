"""PostgreSQL's roles as roles.sql makes them: the bot keeps to its database, others read, nobody else comes in."""

import re
import subprocess

import psycopg
import pytest
import yaml

from bot.storage.store import Store
from testing.postgres import binaries
from tests.k8s.cluster import K8S, ROOT
from tests.k8s.secured_postgres import PASSWORDS, Server

ROLES = K8S / "components" / "postgres"


@pytest.fixture
def tables(production, database: Server, monkeypatch) -> None:
    """The bot's own, as it makes them when it starts."""
    monkeypatch.setenv("PGPASSWORD", PASSWORDS["bot"])
    url = production.workload("bot").environment["TFSTYLE_BOT_DATABASE_URL"]["value"]
    store = Store(
        f"{url}&hostaddr=127.0.0.1&port={database.port}".replace("/certificate", str(database.certificate)), "x"
    )
    store.close()


@pytest.mark.parametrize("role", ["backup", "keda"])
@pytest.mark.parametrize("statement", ["DELETE FROM tasks", "DROP TABLE tasks", "CREATE TABLE mine (number integer)"])
def test_who_only_reads_cannot_write(database, tables, role, statement):
    with database.connect(role) as connection:
        assert connection.execute("SELECT count(*) FROM tasks").fetchone() is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.parametrize("role", PASSWORDS)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT rolpassword FROM pg_authid",
        "CREATE ROLE mine",
        "ALTER ROLE postgres PASSWORD 'mine'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "CREATE DATABASE mine",
    ],
)
def test_no_role_may_do_what_the_superuser_may(database, role, statement):
    with database.connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_the_superuser_does_not_come_in_by_the_network(database):
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        database.connect("postgres", password=PASSWORDS["bot"])


def test_the_superuser_has_no_password_that_anybody_could_learn(database):
    """Where the image's own pg_hba.conf lets every role try: without `postgres-tls`, and in compose.yaml."""
    with psycopg.connect(
        host=str(database.socket), port=database.port, user="postgres", dbname="tfstyle"
    ) as connection:
        found = connection.execute("SELECT rolname FROM pg_authid WHERE rolcanlogin AND rolpassword IS NULL").fetchall()
    assert found == [("postgres",)]


def test_no_role_comes_into_another_database(database):
    for role in PASSWORDS:
        with pytest.raises(psycopg.OperationalError):
            database.connect(role, dbname="postgres")


def test_run_again_it_sets_new_passwords_and_breaks_nothing(database, tables):
    database.run_roles(ROLES, BACKUP_PASSWORD="another")
    try:
        with database.connect("backup", password="another") as connection:
            assert connection.execute("SELECT count(*) FROM tasks").fetchone() is not None
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            database.connect("backup")
    finally:
        database.run_roles(ROLES)


def test_manifests_and_compose_have_the_version_that_the_tests_run():
    said = subprocess.run([binaries() / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    tested = re.search(r"\) (\d+)\.", said)[1]
    files = [*K8S.rglob("*.yaml"), ROOT / "compose.yaml"]
    images = {image for file in files for image in re.findall(r"image: (postgres:\S+)", file.read_text())}

    assert images
    assert {re.match(r"postgres:(\d+)\.", image)[1] for image in images} == {tested}
    assert len(images) == 1, "one patch version for all"


def test_compose_runs_the_roles_of_the_manifests():
    """Its bot comes as the same role; the others get no password there, so they cannot log in."""
    database = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["postgres"]
    (mounted,) = [volume for volume in database["volumes"] if "roles.sql" in volume]
    source, target, mode = mounted.split(":")

    assert (ROOT / source).samefile(ROLES / "roles.sql")
    assert (target, mode) == ("/docker-entrypoint-initdb.d/roles.sql", "ro")
    assert database["environment"].keys() == {"POSTGRES_DB", "POSTGRES_PASSWORD"}
