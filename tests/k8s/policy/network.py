"""Rules for who reaches whom, by which name and at which port."""

import itertools
import json
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from bot.telegram_api.receiver import WEBHOOK_PATH
from serving.config.config_files import read_monitoring
from tests.k8s.cluster import ROOT, Cluster, Object, Workload

_METRICS = {
    "bot": "/metrics",
    "model-server": read_monitoring(ROOT / "serving" / "config" / "monitoring.config").prometheus_config.path,
}

# https://core.telegram.org/resources/cidr.txt
TELEGRAM = (
    "91.105.192.0/23",
    "91.108.4.0/22",
    "91.108.8.0/22",
    "91.108.12.0/22",
    "91.108.16.0/22",
    "91.108.20.0/22",
    "91.108.56.0/22",
    "149.154.160.0/20",
    "185.76.151.0/24",
    "2001:67c:4e8::/48",
    "2001:b28:f23c::/48",
    "2001:b28:f23d::/48",
    "2001:b28:f23f::/48",
    "2a0a:f280::/32",
)

Grant = tuple[str, str, str, str]  # whose pods, "ingress" or "egress", peer and port as JSON


def services_reach_pods(cluster: Cluster) -> Iterator[str]:
    for service in cluster.of("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        selected = [workload for workload in cluster.selected(spec["selector"]) if workload.runs_on]
        if len(selected) != 1:
            yield f"Service {name} selects {[workload.name for workload in selected]}"
            continue
        for port in spec["ports"]:
            number = selected[0].ports.get(port["targetPort"])
            if number is None:
                yield f"Service {name}: no container port is called {port['targetPort']}"
            elif number != port["port"]:  # needed where there is no address of its own; elsewhere it spares confusion
                yield f"Service {name} has port {port['port']}, its pods {number}"
        if spec.get("publishNotReadyAddresses"):
            yield f"Service {name} names pods that are not ready"


def the_bot_finds_its_servers(cluster: Cluster) -> Iterator[str]:
    bot = cluster.workload("bot")
    server = bot.environment["TFSTYLE_BOT_SERVER"]["value"].removeprefix("dns:///")
    host, _, port = server.rpartition(":")
    service = cluster.find("Service", host)
    if service is None or int(port) not in [known["port"] for known in service["spec"]["ports"]]:
        yield f"the bot looks for a model server at {server}"
    elif service["spec"].get("clusterIP") != "None":
        yield f"Service {host} has an address of its own, so one pod would get all calls"
    for certificate in cluster.of("Certificate"):
        if certificate["metadata"]["name"] == "model-server" and host not in certificate["spec"]["dnsNames"]:
            yield f"the certificate of the model server is not made for {host}"
    if int(bot.environment["TFSTYLE_BOT_HTTP_PORT"]["value"]) != bot.ports.get("http"):
        yield "the bot listens at another port than its container tells"
    database = urlsplit(bot.environment.get("TFSTYLE_BOT_DATABASE_URL", {}).get("value", ""))
    if database.scheme == "postgresql":
        yield from _reaches(cluster, "the bot", database.hostname or "", database.port or 5432)


def keda_finds_the_database(cluster: Cluster) -> Iterator[str]:
    database = urlsplit(cluster.workload("bot").environment["TFSTYLE_BOT_DATABASE_URL"]["value"])
    for scaled in cluster.of("ScaledObject"):
        (trigger,) = scaled["spec"]["triggers"]
        metadata = trigger["metadata"]
        host, dot, rest = metadata["host"].partition(".")
        if dot + rest != f".{scaled['metadata']['namespace']}.svc.cluster.local":
            yield f"KEDA lives in another namespace, where {metadata['host']} is nobody"
        yield from _reaches(cluster, "KEDA", host, int(metadata["port"]))
        if (host, "/" + metadata["dbName"]) != (database.hostname, database.path):
            yield "KEDA asks another database than the bot's"
        authentication = cluster.find("TriggerAuthentication", trigger["authenticationRef"]["name"])
        references = authentication["spec"]["secretTargetRef"] if authentication else []
        if (metadata["userName"], references) != (
            "keda",
            [{"parameter": "password", "name": "bot", "key": "keda-password"}],
        ):
            yield "KEDA does not come as its own role"


def metrics_are_where_prometheus_looks(cluster: Cluster) -> Iterator[str]:
    for monitor in cluster.of("ServiceMonitor"):
        name = monitor["metadata"]["name"]
        labels = monitor["spec"]["selector"]["matchLabels"].items()
        services = [item for item in cluster.of("Service") if labels <= item["metadata"]["labels"].items()]
        if [service["metadata"]["name"] for service in services] != [name]:
            yield f"ServiceMonitor {name} selects {len(services)} services"
            continue
        (endpoint,) = monitor["spec"]["endpoints"]
        if endpoint["port"] not in [port["name"] for port in services[0]["spec"]["ports"]]:
            yield f"ServiceMonitor {name}: no port is called {endpoint['port']}"
        if endpoint["path"] != _METRICS[name]:
            yield f"ServiceMonitor {name} asks for {endpoint['path']}"


def only_the_webhook_is_public(cluster: Cluster) -> Iterator[str]:
    for ingress in cluster.of("Ingress"):
        (rule,) = ingress["spec"]["rules"]
        (path,) = rule["http"]["paths"]
        if (path["path"], path["pathType"]) != (WEBHOOK_PATH, "Exact"):
            yield f"{path['path']} is public"
        backend = path["backend"]["service"]
        service = cluster.find("Service", backend["name"])
        if service is None or backend["port"]["name"] not in [port["name"] for port in service["spec"]["ports"]]:
            yield "the Ingress leads nowhere"
        if [rule["host"]] not in [tls["hosts"] for tls in ingress["spec"].get("tls", [])]:
            yield f"{rule['host']} is not encrypted"
        url = cluster.workload("bot").environment["TFSTYLE_BOT_WEBHOOK_URL"]["value"]
        if url != f"https://{rule['host']}":
            yield f"Telegram posts to {url}, and the Ingress listens for {rule['host']}"
    for service in cluster.of("Service"):
        if service["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield f"Service {service['metadata']['name']} is open to the outside"


def policies_allow_what_is_needed_and_no_more(cluster: Cluster) -> Iterator[str]:
    if cluster.of("NetworkPolicy"):
        yield from differences(cluster, _needed(cluster))


def differences(cluster: Cluster, grants_needed: Iterable[Grant]) -> Iterator[str]:
    """Between what policies let through and what is needed, with everything else forbidden."""
    policies = cluster.of("NetworkPolicy")
    everything = [item for item in policies if item["spec"]["podSelector"] == {}]
    if [(item["spec"].get("ingress"), item["spec"].get("egress")) for item in everything] != [(None, None)]:
        yield "not everything is forbidden first"
    for item in policies:
        if sorted(item["spec"].get("policyTypes", [])) != ["Egress", "Ingress"]:
            yield f"NetworkPolicy {item['metadata']['name']} leaves a direction open"
    granted, needed = set(_granted(cluster)), set(grants_needed)
    for grant in sorted(granted - needed):
        yield " ".join(("open, and nobody needs it:", *grant))
    for grant in sorted(needed - granted):
        yield " ".join(("needed, and not open:", *grant))


def _granted(cluster: Cluster) -> Iterator[Grant]:
    for policy in cluster.of("NetworkPolicy"):
        spec = policy["spec"]
        for workload in cluster.selected(spec["podSelector"].get("matchLabels", {})):
            for direction, side in (("ingress", "from"), ("egress", "to")):
                for rule in spec.get(direction, []):
                    yield from grants(workload, direction, rule.get(side) or [{}], rule.get("ports") or [{}])


def _needed(cluster: Cluster) -> Iterator[Grant]:
    """All that production does."""
    bot, server, database = (cluster.workload(name) for name in ("bot", "model-server", "postgres"))
    asks = [tcp(database.ports.get("postgres"))]
    yield from grants(
        bot, "ingress", [namespace("ingress-nginx"), namespace("monitoring")], [tcp(bot.ports.get("http"))]
    )
    yield from grants(bot, "egress", [pods("model-server")], [tcp(server.ports.get("grpc"))])
    yield from grants(bot, "egress", [pods("postgres")], asks)
    yield from grants(bot, "egress", [{"ipBlock": {"cidr": cidr}} for cidr in TELEGRAM], [tcp(443)])
    yield from names_looked_up(bot)
    yield from grants(server, "ingress", [pods("bot")], [tcp(server.ports.get("grpc"))])
    yield from grants(server, "ingress", [namespace("monitoring")], [tcp(server.ports.get("rest"))])
    for copies in (cluster.workload("backup"), cluster.workload("restore")):
        yield from grants(copies, "egress", [pods("postgres")], asks)
        yield from names_looked_up(copies)
    yield from grants(database, "ingress", [pods("bot"), pods("backup"), namespace("keda")], asks)


def grants(whose: Workload, direction: str, peers: list[Object], ports: list[Object]) -> Iterator[Grant]:
    """Each peer at each port; an empty one is any."""
    for peer, port in itertools.product(peers, ports):
        yield whose.name, direction, json.dumps(peer, sort_keys=True), json.dumps(port, sort_keys=True)


def names_looked_up(whose: Workload) -> Iterator[Grant]:
    """DNS, in the cluster and at its cache on the node."""
    peers = [namespace("kube-system"), {"ipBlock": {"cidr": "169.254.20.10/32"}}]
    yield from grants(whose, "egress", peers, [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")])


def namespace(name: str) -> Object:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def pods(name: str) -> Object:
    """Those of this namespace with the name as their label."""
    return {"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}}


def tcp(port: int | None) -> Object:
    return {"protocol": "TCP", "port": port}


def _reaches(cluster: Cluster, who: str, host: str, port: int) -> Iterator[str]:
    service = cluster.find("Service", host)
    if service is None or port not in [known["port"] for known in service["spec"]["ports"]]:
        yield f"{who} looks for a database at {host}:{port}"


RULES = (
    services_reach_pods,
    the_bot_finds_its_servers,
    keda_finds_the_database,
    metrics_are_where_prometheus_looks,
    only_the_webhook_is_public,
    policies_allow_what_is_needed_and_no_more,
)
