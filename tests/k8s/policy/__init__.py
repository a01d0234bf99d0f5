"""What must hold for the manifests and no schema can say: `violations` lists what does not."""

from tests.k8s.cluster import Cluster
from tests.k8s.policy import network, operation, pods

RULES = (*pods.RULES, *network.RULES, *operation.RULES)


def violations(cluster: Cluster) -> list[str]:
    """Sentences, each behind the name of its rule; none if all is well."""
    return [f"{rule.__name__}: {sentence}" for rule in RULES for sentence in rule(cluster)]
