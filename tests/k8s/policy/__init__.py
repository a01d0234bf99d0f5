"""What must hold for the manifests and no schema can say: `violations` lists what does not."""

from collections.abc import Callable, Iterable, Sequence

from tests.k8s.cluster import Cluster
from tests.k8s.policy import database, jobs, network, operation, pods, quota

Rule = Callable[[Cluster], Iterable[str]]

SERVICE_RULES: Sequence[Rule] = (
    *pods.RULES,
    *network.RULES,
    *database.RULES,
    *operation.RULES,
    *quota.RULES,
)
JOB_RULES: Sequence[Rule] = (*pods.RULES, *jobs.RULES)


def violations(cluster: Cluster, rules: Sequence[Rule] = SERVICE_RULES) -> list[str]:
    """Sentences, each behind the name of its rule; none if all is well."""
    return [f"{rule.__name__}: {sentence}" for rule in rules for sentence in rule(cluster)]
