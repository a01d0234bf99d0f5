"""What the manifests run, run here: shell scripts in folders of the test, and KEDA's query on a real database."""

import asyncio
import fcntl
import os
import subprocess
from pathlib import Path

import grpc
import psycopg
import pytest
import trustme

from bot.settings import PREFIX, load_settings
from bot.storage.store import Store
from bot.storage.tasks import PAINT, UPDATE, NewTask
from bot.work.style_service import StyleService
from serving.client.calls import PREDICT
from serving.client.errors import ServingError
from serving.config.config_files import read_models, read_ssl
from serving.config.labels import check_new_version, set_labels
from testing.fake_server import answering
from testing.name_server import naming
from testing.postgres import running_postgres
from testing.style_server import StyleModel
from tests.k8s.cluster import K8S
from tests.k8s.scripts import run_script
from tests.k8s.secrets import write_secret
from tfstyle import cli
from tfstyle.model_store.publish import roll_back
from tfstyle.model_store.versions import versions

# mTLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secret(production, authority, tmp_path) -> Path:
    """Of the model server."""
    names = production.get("Certificate", "model-server")["spec"]["dnsNames"]
    return write_secret(tmp_path / "server", authority.issue_cert(*names), authority)


def ssl_config(production, secret: Path, folder: Path):
    """As the server reads what its first container has written."""
    (container,) = production.workload("model-server").pod["initContainers"]
    done = run_script(container, {"/certificate": secret, "/tls/": f"{folder}/"})
    assert done.returncode == 0, done.stderr
    return read_ssl(folder / "ssl.config")


def test_certificates_become_the_servers_file(production, secret, tmp_path):
    config = ssl_config(production, secret, tmp_path)

    assert config.server_key == (secret / "tls.key").read_text()
    assert config.server_cert == (secret / "tls.crt").read_text()
    assert config.custom_ca == (secret / "ca.crt").read_text()
    assert config.client_verify is True


def test_without_a_certificate_the_server_does_not_start(production, secret, tmp_path):
    (secret / "tls.key").unlink()
    (container,) = production.workload("model-server").pod["initContainers"]

    assert run_script(container, {"/certificate": secret, "/tls/": f"{tmp_path}/"}).returncode != 0


def test_bot_and_server_know_each_other_by_their_certificates(production, authority, secret, tmp_path, free_port):
    """The bot with the settings of the manifests, but for where their files lie and who looks names up."""
    config = ssl_config(production, secret, tmp_path)
    credentials = grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        config.custom_ca.encode(),
        require_client_auth=config.client_verify,
    )
    bot_files = write_secret(tmp_path / "bot", authority.issue_cert("bot"), authority)
    strangers = write_secret(tmp_path / "stranger", trustme.CA().issue_cert("bot"), authority)
    variables = production.workload("bot").environment
    tls = {
        name: variables[f"{PREFIX}TLS_{name}"]["value"].replace("/certificate", "{}") for name in ("CA", "CERT", "KEY")
    }
    host, _, _ = variables["TFSTYLE_BOT_SERVER"]["value"].removeprefix("dns:///").partition(":")

    def styles(files: Path | None) -> object:
        values = {f"tls_{name.lower()}": value.format(files) for name, value in tls.items()} if files else {}
        address = f"dns://127.0.0.1:{names.port}/{host}:{free_port}"
        settings = load_settings(token="123456:ABC-DEF", server=address, **values)

        async def ask() -> object:
            painter = StyleService(settings.server, timeout=5, max_pixels=10**6, tls=settings.tls)
            try:
                return await painter.refresh()
            finally:
                await painter.close()

        return asyncio.run(ask())

    with (
        answering({PREDICT: StyleModel()}, credentials=credentials, port=free_port),
        naming(host, ["127.0.0.1"]) as names,
    ):
        assert len(styles(bot_files)) == 3
        for wrong in (strangers, None):
            with pytest.raises(ServingError):
                styles(wrong)


# Models on a volume


@pytest.fixture
def models(tmp_path) -> Path:
    """Those of an image: two versions, each of a few files."""
    for version in ("1", "2"):
        folder = tmp_path / "image" / "tfstyle" / version
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").write_text(f"graph {version}")
        (folder / "variables" / "variables.index").write_text(f"index {version}")
    return tmp_path / "image"


def publish(volume_cluster, models: Path, volume: Path, **options) -> subprocess.CompletedProcess[str]:
    job = volume_cluster.workload("publish-models")
    return run_script(job.main, {"/models/": f"{models}/", "/volume/": f"{volume}/"}, **options)


def tree(folder: Path) -> dict[str, str]:
    """Texts of all files but the lock's, by path."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != ".publish.lock"]
    return {str(path.relative_to(folder)): path.read_text() for path in paths}


def test_models_are_published_once(volume, models, tmp_path):
    (tmp_path / "volume").mkdir()

    first = publish(volume, models, tmp_path / "volume")
    assert first.returncode == 0, first.stderr
    assert tree(tmp_path / "volume") == tree(models)

    (models / "tfstyle" / "1" / "saved_model.pb").write_text("another graph")
    second = publish(volume, models, tmp_path / "volume")
    assert second.returncode == 0
    assert second.stdout.count("there already") == 2
    assert "graph 1" in tree(tmp_path / "volume").values()


def test_publishing_that_is_killed_shows_no_part_of_a_version_and_goes_on_later(volume, models, tmp_path):
    (tmp_path / "volume").mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    half = 'mkdir -p "$3" && cp "$2/saved_model.pb" "$3/" && kill -9 $PPID\n'
    (programs / "cp").write_text(f"#!/bin/sh\nPATH={os.environ['PATH']}\n{half}")
    (programs / "cp").chmod(0o755)

    killed = publish(volume, models, tmp_path / "volume", PATH=f"{programs}:{os.environ['PATH']}")

    assert killed.returncode == -9
    left = {path.name for path in (tmp_path / "volume" / "tfstyle").iterdir()}
    assert left == {".incoming-1", ".publish.lock"}  # no number, so no version
    assert publish(volume, models, tmp_path / "volume").returncode == 0
    assert tree(tmp_path / "volume") == tree(models)


def test_a_version_that_was_taken_back_is_not_published_again(volume, models, tmp_path):
    assert publish(volume, models, tmp_path / "volume").returncode == 0
    roll_back(tmp_path / "volume" / "tfstyle")

    again = publish(volume, models, tmp_path / "volume")

    assert again.returncode == 0
    assert again.stdout.endswith("/2: taken back\n")
    assert list(versions(tmp_path / "volume" / "tfstyle")) == [1]


def test_nothing_is_published_while_tfstyle_changes_the_same_folder(volume, models, tmp_path):
    folder = tmp_path / "volume" / "tfstyle"
    folder.mkdir(parents=True)
    with (folder / ".publish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(subprocess.TimeoutExpired):
            publish(volume, models, tmp_path / "volume", timeout=1)
        assert tree(tmp_path / "volume") == {}

    assert publish(volume, models, tmp_path / "volume").returncode == 0
    assert tree(tmp_path / "volume") == tree(models)


def test_a_canary_gets_its_label_in_the_file_of_the_component(tmp_path):
    """As `tfstyle publish --canary` does it; everybody else goes on getting the version that is shipped."""
    file = tmp_path / "models.config"
    file.write_text((K8S / "components" / "canary" / "models.config").read_text())
    for version in ("2", "3"):
        (tmp_path / "tfstyle" / version).mkdir(parents=True)
        (tmp_path / "tfstyle" / version / "saved_model.pb").write_text(f"graph {version}")

    check_new_version(file, "tfstyle", "canary")
    assert set_labels(file, tmp_path / "tfstyle", {"canary": 3}) == {"stable": 2, "canary": 3}

    (model,) = read_models(file).model_config_list.config
    assert list(model.model_version_policy.specific.versions) == [2, 3]


# Scaling


def test_keda_counts_the_photos_that_wait_or_are_painted(production):
    bots, servers = (production.get("ScaledObject", name)["spec"]["triggers"] for name in ("bot", "model-server"))
    assert bots == servers
    (trigger,) = servers

    def paint(key: str, photos: int) -> NewTask:
        return NewTask(key=key, kind=PAINT, chat_id=1, user_id=1, payload={"pictures": [{}] * photos})

    update = NewTask(key="update", kind=UPDATE, chat_id=1, user_id=1, payload={}, update_id=1)
    with running_postgres() as url:
        store = Store(url, "test")
        try:

            def count() -> int:
                with psycopg.connect(url) as connection:
                    ((value,),) = connection.execute(trigger["metadata"]["query"]).fetchall()
                return value

            async def use() -> list[int]:
                counts = [count()]
                await store.add([paint("photo", 1), paint("album", 10), update])
                counts.append(count())
                await store.claim(PAINT)
                counts.append(count())
                await store.cancel(1)
                counts.append(count())
                return counts

            counts = asyncio.run(use())
        finally:
            store.close()

    assert counts == [0, 11, 11, 0]
    assert all(isinstance(value, int) for value in counts)


# Training


@pytest.mark.parametrize(
    ("index", "recipe", "name"), [(0, "tfstyle_1", "tfstyle_1"), (1, "/data/recipes/my own.py", "my own")]
)
def test_each_pod_trains_the_recipe_of_its_number(training, tmp_path, index, recipe, name):
    """A program called python in the path writes down how it was called."""
    (tmp_path / "recipes.txt").write_text("tfstyle_1\n/data/recipes/my own.py\n")
    (tmp_path / "python").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "python").chmod(0o755)
    container = training.workload("training").main
    path = f"{tmp_path}:{os.environ['PATH']}"

    done = run_script(container, {"/config/": f"{tmp_path}/"}, JOB_COMPLETION_INDEX=str(index), PATH=path)

    words = done.stdout.splitlines()
    assert words[:4] == ["-m", "tfstyle", "train", recipe]
    args = cli.parse(words[2:])
    assert args.out == f"/data/runs/{name}"
