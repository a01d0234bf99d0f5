"""The overlays and jobs, rendered once."""

import socket

import pytest

from tests.k8s.cluster import K8S, Cluster, render, render_components

JOBS = ("bulk", "training")


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> dict[str, str]:
    """YAML of each overlay, of production with the models on a volume, and of each job."""
    names = ("development", "production")
    with_volume = [path.name for path in (K8S / "components").iterdir() if path.name != "sqlite"]
    with_volume.sort(key=lambda name: name == "model-volume")
    volume = render_components(with_volume, tmp_path_factory.mktemp("model-volume"))
    overlays = {name: render(K8S / "overlays" / name) for name in names}
    jobs = {name: render(K8S / "jobs" / name) for name in JOBS}
    return overlays | {"volume": volume} | jobs


@pytest.fixture(scope="session", params=["development", "production", "volume"])
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
def volume(rendered) -> Cluster:
    return Cluster(rendered["volume"])


@pytest.fixture
def free_port() -> int:
    """A local port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
