"""Rules for each pod by itself."""

import re
from collections.abc import Iterator

import tfstyle
from tests.k8s.cluster import Cluster

_VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}  # of the restricted profile
_SECRET_NAMES = re.compile("TOKEN|SECRET|PASSWORD")
_SECRET_KEYS = {
    "token",
    "webhook-secret",
    "database-password",
    "backup-password",
    "keda-password",
}  # that docs/operations.md tells to set


def resources_are_limited(cluster: Cluster) -> Iterator[str]:
    for place, _, container in cluster.containers():
        for kind in ("requests", "limits"):
            missing = {"cpu", "memory"} - set(container.get("resources", {}).get(kind, {}))
            if missing:
                yield f"{place} has no {kind} for {sorted(missing)}"


def pods_are_restricted(cluster: Cluster) -> Iterator[str]:
    """The restricted profile of Kubernetes' pod security standards, and a root file system that is read-only."""
    for namespace in cluster.of("Namespace"):
        if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
            yield "the namespace does not enforce the restricted profile"
    for workload in cluster.workloads:
        context = workload.pod.get("securityContext", {})
        if not (context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0):
            yield f"{workload.name} may run as root"
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{workload.name} has no seccomp profile"
        for shared in ("hostNetwork", "hostPID", "hostIPC"):
            if workload.pod.get(shared):
                yield f"{workload.name} has {shared}"
        for volume in workload.pod.get("volumes", []):
            if set(volume) - {"name"} - _VOLUMES:
                yield f"{workload.name} mounts {sorted(set(volume) - {'name'})}"
    for place, _, container in cluster.containers():
        context = container.get("securityContext", {})
        if context.get("privileged") or context.get("allowPrivilegeEscalation") is not False:
            yield f"{place} may gain privileges"
        if context.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{place} keeps capabilities"
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{place} may write to its root file system"
        if context.get("runAsUser", 1) == 0 or context.get("runAsNonRoot") is False:
            yield f"{place} may run as root"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{place} takes a port of its node"


def nothing_speaks_to_kubernetes(cluster: Cluster) -> Iterator[str]:
    for account in cluster.of("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"account {account['metadata']['name']} mounts its token"
    for workload in cluster.workloads:
        if workload.pod.get("automountServiceAccountToken") is not False:
            yield f"{workload.name} mounts a token"
        if cluster.find("ServiceAccount", workload.pod.get("serviceAccountName", "default")) is None:
            yield f"{workload.name} has no account of its own"
    for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"):
        for item in cluster.of(kind):
            yield f"{kind} {item['metadata']['name']}: nothing needs one"


def secrets_are_references(cluster: Cluster) -> Iterator[str]:
    for secret in cluster.of("Secret"):
        yield f"Secret {secret['metadata']['name']} is in the manifests"
    for place, _, container in cluster.containers():
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if _SECRET_NAMES.search(variable["name"]) and reference is None:
                yield f"{place} has {variable['name']} in the clear"
            if reference and not (reference["name"] == "bot" and reference["key"] in _SECRET_KEYS):
                yield f"{place} takes {variable['name']} from a secret that nobody sets"
            if re.search(r"://[^/@]*:[^/@]*@", variable.get("value", "")):
                yield f"{place} has a password in {variable['name']}"


def images_are_pinned(cluster: Cluster) -> Iterator[str]:
    """By version; those that are built here by the project's."""
    for place, _, container in cluster.containers():
        name, _, tag = container["image"].partition("@")[0].rpartition(":")
        if not re.match(r"\d+\.\d+", tag):
            yield f"{place} has no version of {container['image']}"
        if "tfstyle-" in name and tag.removesuffix("-gpu") != tfstyle.__version__:
            yield f"{place} has version {tag} of the project, which is at {tfstyle.__version__}"


def each_image_has_one_tag(cluster: Cluster) -> Iterator[str]:
    """Of each repository one image is built and pushed; nodes look for another one in vain."""
    tags: dict[str, set[str]] = {}
    for _, _, container in cluster.containers():
        name, _, tag = container["image"].rpartition(":")
        tags.setdefault(name, set()).add(tag)
    for name, several in tags.items():
        if len(several) > 1:
            yield f"{name} is asked for as {sorted(several)}"


def volumes_exist(cluster: Cluster) -> Iterator[str]:
    certificates = {item["spec"]["secretName"] for item in cluster.of("Certificate")}
    for workload in cluster.workloads:
        volumes = {volume["name"]: volume for volume in workload.pod.get("volumes", [])}
        claimed = {claim["metadata"]["name"] for claim in workload.spec.get("volumeClaimTemplates", [])}
        mounted = {mount["name"] for container in workload.containers for mount in container.get("volumeMounts", [])}
        for name in mounted ^ (set(volumes) | claimed):
            yield f"{workload.name}: volume {name} is either not there or mounted nowhere"
        for volume in volumes.values():
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim and cluster.find("PersistentVolumeClaim", claim) is None:
                yield f"{workload.name}: nobody claims {claim}"
            config = volume.get("configMap", {}).get("name")
            if config and cluster.find("ConfigMap", config) is None:
                yield f"{workload.name}: nobody makes the files of {config}"
            secret = volume.get("secret", {}).get("secretName")
            if secret and secret not in certificates:
                yield f"{workload.name}: nobody makes the secret {secret}"
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{workload.name}: volume {volume['name']} may fill its node"


RULES = (
    resources_are_limited,
    pods_are_restricted,
    nothing_speaks_to_kubernetes,
    secrets_are_references,
    images_are_pinned,
    each_image_has_one_tag,
    volumes_exist,
)
