"""The overlays and jobs, rendered once."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.k8s.cluster import K8S, Cluster, render, render_components
from tests.k8s.secured_postgres import Server, secured_postgres

JOBS = ("bulk", "training")
EXTRAS = ("canary", "model-volume")  # components that production can have and does not


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> dict[str, str]:
    """YAML of each overlay, of production's components with one more, and of each job."""
    listed = yaml.safe_load((K8S / "overlays" / "production" / "kustomization.yaml").read_text())["components"]
    *others, last = [Path(path).name for path in listed]
    overlays = {name: render(K8S / "overlays" / name) for name in ("development", "production")}
    extended = {name: render_components([*others, name, last], tmp_path_factory.mktemp(name)) for name in EXTRAS}
    jobs = {name: render(K8S / "jobs" / name) for name in JOBS}
    return overlays | extended | jobs


@pytest.fixture(scope="session", params=["development", "production", *EXTRAS])
def cluster(rendered, request) -> Cluster:
    """Bot, model servers and what they need."""
    return Cluster(rendered[request.param])


@pytest.fixture(scope="session", params=JOBS)
def job(rendered, request) -> Cluster:
    """What one job puts into its namespace."""
    return Cluster(rendered[request.param])


@pytest.fixture(scope="session")
def bulk(rendered) -> Cluster:
    return Cluster(rendered["bulk"])


@pytest.fixture(scope="session")
def training(rendered) -> Cluster:
    return Cluster(rendered["training"])


@pytest.fixture(scope="session")
def production(rendered) -> Cluster:
    return Cluster(rendered["production"])


@pytest.fixture(scope="session")
def development(rendered) -> Cluster:
    return Cluster(rendered["development"])


@pytest.fixture(scope="session")
def canary(rendered) -> Cluster:
    return Cluster(rendered["canary"])


@pytest.fixture(scope="session")
def volume(rendered) -> Cluster:
    return Cluster(rendered["model-volume"])


@pytest.fixture(scope="module")
def database(production) -> Iterator[Server]:
    """The server that production would have."""
    with secured_postgres(production) as server:
        yield server


@pytest.fixture
def free_port() -> int:
    """A local port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
