"""Rules for jobs: paintings by Ray, trainings one a GPU."""

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.k8s.cluster import ROOT, Cluster, Workload
from tests.k8s.policy.network import Grant, differences, grants, names_looked_up, namespace, pods, tcp
from tfstyle import cli
from tfstyle.batch.ray_pool import WORKER_BYTES, Size
from tfstyle.contract.catalog import Catalog
from tfstyle.errors import StyleTransferError
from tfstyle.model_store.versions import CATALOG_FILE, find_model
from tfstyle.training.recipe import recipe_names

_RAY = re.search(r"^ray==(\S+)", (ROOT / "requirements" / "bulk.lock").read_text(), re.MULTILINE)[1]  # type: ignore[index]
_DASHBOARD = 8265
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def policies_allow_what_jobs_need_and_no_more(cluster: Cluster) -> Iterator[str]:
    """Ray's processes find each other by name and choose their ports; training speaks to nobody."""
    needed: set[Grant] = set()
    for group in _ray_groups(cluster):
        needed |= {*grants(group, "ingress", [pods("bulk")], [{}]), *grants(group, "egress", [pods("bulk")], [{}])}
        needed |= set(names_looked_up(group))
        if group.name.endswith("-head"):
            needed |= set(grants(group, "ingress", [namespace("kuberay-system")], [tcp(_DASHBOARD)]))
    yield from differences(cluster, needed)


def gpus_are_found(cluster: Cluster) -> Iterator[str]:
    for workload in cluster.workloads:
        gpu = "nvidia.com/gpu" in workload.main["resources"]["limits"]
        tolerated = {"nvidia.com/gpu"} <= {item["key"] for item in workload.pod.get("tolerations", [])}
        if gpu and not (tolerated and "nvidia.com/gpu.present" in workload.pod.get("nodeSelector", {})):
            yield f"{workload.name} never gets to a node with a GPU"
        if gpu and not workload.main["image"].endswith("-gpu"):
            yield f"{workload.name} has a GPU, and its image no CUDA"


def ray_runs(cluster: Cluster) -> Iterator[str]:
    for job in cluster.of("RayJob"):
        spec, groups = job["spec"], _ray_groups(cluster)
        if spec["rayClusterSpec"]["rayVersion"] != _RAY:
            yield f"the operator is told Ray {spec['rayClusterSpec']['rayVersion']}, the image has {_RAY}"
        if spec["rayClusterSpec"]["headGroupSpec"]["rayStartParams"].get("num-cpus") != "0":
            yield "the head paints, too"
        if not spec.get("shutdownAfterJobFinishes"):
            yield "the cluster keeps its GPUs when the job has ended"
        if spec.get("submissionMode") != "HTTPMode":
            yield "the submitter's pod does not keep the restricted profile"
        for group in groups:
            for kind in ("readinessProbe", "livenessProbe"):
                if kind not in group.main:
                    yield f"{group.name} gets a {kind} that needs wget"
        head = next(group for group in groups if group.name.endswith("-head"))
        if head.ports.get("dashboard") != _DASHBOARD:
            yield "the operator does not find the dashboard"


def paintings_are_asked_for_as_the_command_takes_them(cluster: Cluster) -> Iterator[str]:
    for job in cluster.of("RayJob"):
        command, _, rest = job["spec"]["entrypoint"].partition("||")
        words = shlex.split(command)
        if words[:3] != ["python", "-m", "tfstyle"] or rest.split() != ["test", "$?", "=", "1"]:
            yield f"{job['spec']['entrypoint']}: another program, or bad photos end the job"
        try:
            args = cli.parse(words[3:])
        except SystemExit:
            yield f"{command}: no such options"
            continue
        if args.address != "auto":
            yield "the job paints on its head alone"
        try:
            Catalog.load(find_model() / CATALOG_FILE).weights({args.style: 1})
        except StyleTransferError as error:
            yield str(error)
        for group in cluster.workloads:
            mounts = {PurePosixPath(mount["mountPath"]) for mount in group.main["volumeMounts"]}
            for path in (args.photos, args.output):
                if not mounts & set(PurePosixPath(path).parents):
                    yield f"{group.name} does not see {path}"
            limits = group.main["resources"]["limits"]
            if "nvidia.com/gpu" in limits:
                resources = {"CPU": float(limits["cpu"]), "GPU": float(limits["nvidia.com/gpu"])}
                size = Size.fitting(resources, workers=args.workers, threads=args.threads, gpus=args.gpus)
                if size.workers * args.gpus != resources["GPU"] or size.workers * size.threads > resources["CPU"]:
                    yield f"{group.name}: {size.workers} processes do not use what they have"
                if size.workers * WORKER_BYTES > 0.7 * _bytes(limits.get("memory", "0Gi")):
                    yield f"{group.name}: {size.workers} processes have too little memory"


def each_training_has_a_pod(cluster: Cluster) -> Iterator[str]:
    for workload in [Workload(item) for item in cluster.of("Job")]:
        spec = workload.spec
        mapped = [volume["configMap"]["name"] for volume in workload.pod["volumes"] if "configMap" in volume]
        lines = [line for name in mapped for line in cluster.get("ConfigMap", name)["data"]["recipes.txt"].splitlines()]
        if spec.get("completionMode") != "Indexed" or spec["completions"] != len(lines):
            yield f"{len(lines)} recipes, and {spec['completions']} trainings"
        if len({PurePosixPath(line).stem for line in lines}) != len(lines):
            yield "two trainings share a folder"
        for line in lines:
            if line not in recipe_names() and not (line.startswith("/data/") and line.endswith(".py")):
                yield f"there is no recipe {line}"
        if spec.get("podReplacementPolicy") != "Failed":
            yield "two pods may write into one run"
        rules = spec.get("podFailurePolicy", {}).get("rules", [])
        if [rule["action"] for rule in rules] != ["FailIndex", "Ignore"] or "backoffLimitPerIndex" not in spec:
            yield "a training that is refused is tried again, or one that is moved is given up"
        if workload.main["resources"]["limits"].get("nvidia.com/gpu") != 1:
            yield "a training has not one GPU"


def _ray_groups(cluster: Cluster) -> list[Workload]:
    return [workload for workload in cluster.workloads if workload.object["kind"] == "RayGroup"]


def _bytes(quantity: str) -> int:
    return int(quantity[:-2]) * _UNITS[quantity[-2:]]


RULES = (
    policies_allow_what_jobs_need_and_no_more,
    gpus_are_found,
    ray_runs,
    paintings_are_asked_for_as_the_command_takes_them,
    each_training_has_a_pod,
)
