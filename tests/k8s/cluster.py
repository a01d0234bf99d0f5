"""What manifests would put into a cluster, rendered by kubectl and looked up by kind, name and label."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"

Object = dict[str, Any]


def tool(name: str) -> str:
    """The path of a program that a PyPI package has put beside this Python."""
    return str(Path(sys.executable).with_name(name))


def render(folder: Path) -> str:
    """`kubectl kustomize` of a folder."""
    done = subprocess.run([tool("kubectl"), "kustomize", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def render_components(names: Sequence[str], folder: Path) -> str:
    """The base with some components, by a kustomization that is written into `folder`."""
    paths = {"resources": [K8S / "base"], "components": [K8S / "components" / name for name in names]}
    kustomization = {key: [os.path.relpath(path, folder) for path in value] for key, value in paths.items()}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return render(folder)


@dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet, Job, what a CronJob starts, or a group of a RayJob's pods."""

    object: Object

    @property
    def name(self) -> str:
        return self.object["metadata"]["name"]

    @property
    def spec(self) -> Object:
        return self.object["spec"]

    @property
    def runs_on(self) -> bool:
        """Whether it serves until it is stopped, so has probes."""
        return self.object["kind"] != "Job"

    @property
    def labels(self) -> dict[str, str]:
        """Of its pods."""
        return self.spec["template"]["metadata"]["labels"]

    @property
    def pod(self) -> Object:
        return self.spec["template"]["spec"]

    @property
    def containers(self) -> list[Object]:
        """All of them, those that run first included."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def main(self) -> Object:
        (container,) = self.pod["containers"]
        return container

    @property
    def ports(self) -> dict[str, int]:
        """Numbers by name."""
        return {port["name"]: port["containerPort"] for port in self.main.get("ports", [])}

    @property
    def environment(self) -> dict[str, Object]:
        """The variables of its main container by name."""
        return {variable["name"]: variable for variable in self.main.get("env", [])}


class Cluster:
    """Objects as `kubectl kustomize` writes them."""

    def __init__(self, text: str):
        self.objects: list[Object] = [document for document in yaml.safe_load_all(text) if document]

    def copy(self) -> "Cluster":
        """For a mutant."""
        other = Cluster("")
        other.objects = deepcopy(self.objects)
        return other

    def of(self, *kinds: str) -> list[Object]:
        return [item for item in self.objects if item["kind"] in kinds]

    def find(self, kind: str, name: str) -> Object | None:
        return next((item for item in self.of(kind) if item["metadata"]["name"] == name), None)

    def get(self, kind: str, name: str) -> Object:
        found = self.find(kind, name)
        assert found is not None, f"no {kind} {name}"
        return found

    @property
    def workloads(self) -> list[Workload]:
        groups = [group for item in self.of("RayJob") for group in _ray_groups(item)]
        started = [
            item["spec"]["jobTemplate"] | {"kind": "Job", "metadata": item["metadata"]} for item in self.of("CronJob")
        ]
        return [Workload(item) for item in [*self.of("Deployment", "StatefulSet", "Job"), *started, *groups]]

    def workload(self, name: str) -> Workload:
        return next(workload for workload in self.workloads if workload.name == name)

    def selected(self, labels: dict[str, str]) -> list[Workload]:
        """Those whose pods have all these labels."""
        return [workload for workload in self.workloads if labels.items() <= workload.labels.items()]

    def containers(self) -> Iterator[tuple[str, Workload, Object]]:
        """All containers, with `workload/container` for messages."""
        for workload in self.workloads:
            for container in workload.containers:
                yield f"{workload.name}/{container['name']}", workload, container

    def mounted_texts(self, workload: Workload) -> dict[PurePosixPath, str]:
        """Texts of the files that a workload gets from ConfigMaps, by path."""
        folders = {mount["name"]: PurePosixPath(mount["mountPath"]) for mount in workload.main.get("volumeMounts", [])}
        files = {}
        for volume in workload.pod.get("volumes", []):
            config = self.find("ConfigMap", volume.get("configMap", {}).get("name", ""))
            for name, text in (config or {"data": {}})["data"].items():
                files[folders[volume["name"]] / name] = text
        return files


def _ray_groups(job: Object) -> Iterator[Object]:
    """The head of a RayJob's cluster and its groups of workers, as objects with a pod template."""
    spec = job["spec"]["rayClusterSpec"]
    for name, group in [("head", spec["headGroupSpec"])] + [
        (item["groupName"], item) for item in spec["workerGroupSpecs"]
    ]:
        yield {"kind": "RayGroup", "metadata": {"name": f"{job['metadata']['name']}-{name}"}, "spec": group}
