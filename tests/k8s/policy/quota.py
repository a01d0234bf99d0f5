"""Rules for what the namespace may take at most."""

from collections.abc import Iterator
from fractions import Fraction

from tests.k8s.cluster import Cluster, Object, Workload

_UNITS = {"m": Fraction(1, 1000), "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def amount(quantity: str | int) -> Fraction:
    """A quantity of Kubernetes, as a number of cores or bytes."""
    text = str(quantity)
    unit = next((unit for unit in _UNITS if text.endswith(unit)), "")
    return Fraction(text.removesuffix(unit)) * _UNITS.get(unit, 1)


def pods_at_most(cluster: Cluster, workload: Workload) -> int:
    """As many as KEDA may make, and those that come before others go in a rollout."""
    scaled = [item["spec"] for item in cluster.of("ScaledObject")]
    most = [item["maxReplicaCount"] for item in scaled if item["scaleTargetRef"]["name"] == workload.name]
    surge = workload.spec.get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", 0)
    return (most[0] if most else workload.spec.get("replicas", 1)) + surge


def asked(workload: Workload, kind: str, resource: str) -> Fraction:
    """Of one pod: its containers together, or the one that runs first, whichever is more."""

    def of(container: Object) -> Fraction:
        resources = container.get("resources", {})
        return amount(resources.get(kind, {}).get(resource) or resources.get("limits", {}).get(resource, 0))

    together = sum((of(container) for container in workload.pod["containers"]), Fraction(0))
    return max([together, *(of(container) for container in workload.pod.get("initContainers", []))])


def the_quota_holds_all_that_may_run_at_once(cluster: Cluster) -> Iterator[str]:
    for quota in cluster.of("ResourceQuota"):
        hard = quota["spec"]["hard"]
        for place in ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "requests.nvidia.com/gpu"):
            kind, _, resource = place.partition(".")
            needed = sum(pods_at_most(cluster, item) * asked(item, kind, resource) for item in cluster.workloads)
            if not needed <= amount(hard.get(place, 0)) <= max(2 * needed, 1):
                yield f"{place} may be {hard.get(place)}, and {float(needed):g} are needed at most"
        pods = sum(pods_at_most(cluster, item) for item in cluster.workloads)
        if not pods <= amount(hard.get("pods", 0)):
            yield f"{hard.get('pods')} pods may run, and {pods} are needed at most"
        claims = len(cluster.of("PersistentVolumeClaim")) + sum(
            len(item.spec.get("volumeClaimTemplates", [])) for item in cluster.workloads
        )
        if not claims <= amount(hard.get("persistentvolumeclaims", 0)):
            yield f"{claims} volumes are claimed"
        if {hard.get("services.nodeports"), hard.get("services.loadbalancers")} != {"0"}:
            yield "a service may be open to the outside"


def containers_keep_the_limits_of_one(cluster: Cluster) -> Iterator[str]:
    for limits in cluster.of("LimitRange"):
        (limit,) = limits["spec"]["limits"]
        if limit.keys() != {"type", "default", "defaultRequest", "max"}:
            yield f"{limits['metadata']['name']} does not say what a container gets that names nothing"
        for place, _, container in cluster.containers():
            for resource, most in limit.get("max", {}).items():
                if amount(container.get("resources", {}).get("limits", {}).get(resource, 0)) > amount(most):
                    yield f"{place} has more {resource} than a container may have"


def the_webhook_is_limited(cluster: Cluster) -> Iterator[str]:
    """By the annotations of ingress-nginx: the size of a post, its seconds, connections and posts of one address."""
    for ingress in cluster.of("Ingress"):
        told = ingress["metadata"].get("annotations", {})
        for name in ("proxy-body-size", "client-body-timeout", "limit-connections", "limit-rps"):
            if not told.get(f"nginx.ingress.kubernetes.io/{name}", "").removesuffix("m").isdigit():
                yield f"{ingress['metadata']['name']} has no {name}"


RULES = (
    the_quota_holds_all_that_may_run_at_once,
    containers_keep_the_limits_of_one,
    the_webhook_is_limited,
)
