"""Alerts and dashboard speak of metrics that there are, and say what to do."""

import json
import re

import promql_parser
import pytest

from bot import metrics
from bot.settings import Settings
from serving.server.metrics import Metrics
from tests.k8s.cluster import ROOT, Cluster, render_components

# By Prometheus itself, kubelet, cAdvisor, kube-state-metrics and cert-manager, with the labels that are used here.
OTHERS = {
    "up": {"pod"},
    "certmanager_certificate_renewal_timestamp_seconds": {"name", "exported_namespace"},
    "container_memory_working_set_bytes": {"pod", "container"},
    "kube_cronjob_created": {"cronjob"},
    "kube_cronjob_status_last_successful_time": {"cronjob"},
    "kube_horizontalpodautoscaler_spec_max_replicas": set(),
    "kube_horizontalpodautoscaler_status_current_replicas": set(),
    "kube_pod_container_resource_limits": {"pod", "container", "resource"},
    "kube_pod_container_status_restarts_total": {"pod", "container"},
    "kube_pod_start_time": {"pod"},
    "kubelet_volume_stats_available_bytes": {"persistentvolumeclaim"},
    "kubelet_volume_stats_capacity_bytes": {"persistentvolumeclaim"},
}
ADDED = {"namespace", "job", "le"}  # by Prometheus to all; the last by histograms


@pytest.fixture(scope="module")
def monitoring(tmp_path_factory) -> Cluster:
    return Cluster(render_components(["monitoring"], tmp_path_factory.mktemp("monitoring")))


@pytest.fixture(scope="module")
def alerts(monitoring) -> list[dict]:
    return [rule for group in monitoring.get("PrometheusRule", "tfstyle")["spec"]["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def panels(monitoring) -> list[dict]:
    return json.loads(monitoring.get("ConfigMap", "dashboard")["data"]["dashboard.json"])["panels"]


@pytest.fixture(scope="module")
def expressions(alerts, panels) -> list[str]:
    return [rule["expr"] for rule in alerts] + [target["expr"] for panel in panels for target in panel["targets"]]


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """The metrics that an expression reads; an error if it cannot be parsed."""

    def below(node: object) -> list[promql_parser.VectorSelector]:
        if isinstance(node, promql_parser.VectorSelector):
            return [node]
        found = []
        for name in ("vector_selector", "expr", "lhs", "rhs"):
            found += below(getattr(node, name)) if hasattr(node, name) else []
        for argument in getattr(node, "args", []):
            found += below(argument)
        return found

    return below(promql_parser.parse(expression))


def our_metrics() -> dict[str, set[str]]:
    """What the bot and the model servers tell: labels by the name of the metric."""
    known = {}
    for value in vars(metrics).values():
        if hasattr(value, "_labelnames"):
            for sample in value.describe():
                endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(sample.type, [""])
                known |= {sample.name + ending: set(value._labelnames) for ending in endings}
    served = Metrics()
    served.requested("tfstyle", "Predict", "GRPC", 0.1, "OK")
    for name, labels in re.findall(r"^(:[\w:]+)\{(.*)\}", served.page(), re.MULTILINE):
        known[name] = set(re.findall(r'(\w+)="', labels))
    return known


def test_every_metric_is_told_by_somebody(expressions):
    known = our_metrics() | OTHERS
    for expression in expressions:
        used = selectors(expression)
        assert used
        for selector in used:
            assert selector.name in known, expression
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= known[selector.name] | ADDED, expression
            assert labels & {"namespace", "exported_namespace"}, expression


def test_every_metric_of_others_is_used(expressions):
    used = {selector.name for expression in expressions for selector in selectors(expression)}
    assert used >= set(OTHERS)


def test_values_of_labels_are_those_of_the_code(expressions):
    """A misspelt value selects nothing, for ever."""
    code = "".join(path.read_text() for path in (ROOT / "bot").rglob("*.py") if path.name != "metrics.py")
    checked = set()
    for selector in (selector for expression in expressions for selector in selectors(expression)):
        if selector.name.startswith("tfstyle_bot_"):
            for matcher in selector.matchers.matchers:
                if matcher.name not in ADDED:
                    checked |= set(matcher.value.split("|"))
    assert {"storage", "painted", "waiting", "network", "paint", "commands"} <= checked
    assert {value for value in checked if f'"{value}"' not in code} == set()


def test_jobs_are_named_as_the_services_are(expressions, production):
    """So are the jobs of what a ServiceMonitor finds."""
    services = {service["metadata"]["name"] for service in production.of("Service")}
    for selector in (selector for expression in expressions for selector in selectors(expression)):
        for matcher in selector.matchers.matchers:
            assert matcher.name != "job" or matcher.value in services
            assert matcher.name not in ("namespace", "exported_namespace") or matcher.value == "tfstyle"


def test_every_alert_has_its_section_in_the_operators_page(alerts):
    page = (ROOT / "docs" / "operations.md").read_text()
    sections = re.findall(r"^### (Tfstyle\w+)\n\n(.+?)(?=\n#|\Z)", page, re.MULTILINE | re.DOTALL)

    assert [name for name, _ in sections] == [rule["alert"] for rule in alerts]
    for rule in alerts:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["labels"]["namespace"] == "tfstyle"  # by which alerts are routed, and which absent() drops
    assert all(len(text) > 100 for _, text in sections)


def test_the_line_is_told_of_before_photos_are_turned_away(alerts):
    expression = next(rule["expr"] for rule in alerts if rule["alert"] == "TfstyleLineLong")
    threshold = float(expression.rpartition(">")[2])
    assert threshold <= 0.5 * Settings.model_fields["queue_limit"].default


def test_a_restart_of_seconds_pages_nobody(alerts):
    """`for` waits for nothing while what happened once stays in the range that is looked at."""
    seconds = {"s": 1, "m": 60, "h": 3600}
    checked = set()
    for rule in alerts:
        ranges = [int(count) * seconds[unit] for count, unit in re.findall(r"\[(\d+)([smh])\]", rule["expr"])]
        if rule["labels"]["severity"] == "critical" and ranges and "for" in rule:
            assert max(ranges) < int(rule["for"][:-1]) * seconds[rule["for"][-1]], rule["alert"]
            checked.add(rule["alert"])
    assert "TfstyleDatabaseFails" in checked


def test_a_token_used_twice_is_told_of_whether_the_bots_poll_or_have_a_webhook(alerts):
    """And not as a fault of Telegram's."""

    def kinds(alert: str) -> set[str]:
        expression = next(rule["expr"] for rule in alerts if rule["alert"] == alert)
        matchers = [matcher for selector in selectors(expression) for matcher in selector.matchers.matchers]
        return {kind for matcher in matchers if matcher.name == "kind" for kind in matcher.value.split("|")}

    assert kinds("TfstyleTokenUsedTwice") == {"conflict", "webhook_changed"}
    assert kinds("TfstyleTelegramAway") == {"poll", "webhook_refused"}


def test_certificates_are_told_of_before_they_end(alerts, production):
    """A certificate that a pod has read at its start has at least `renewBefore` left then."""
    expression = next(rule["expr"] for rule in alerts if rule["alert"] == "TfstyleCertificateOld")
    days = int(re.search(r"> (\d+) \* 86400$", expression)[1])
    pods = re.search(r'pod=~"(.+?)"', expression)[1]
    read = [item for item in production.of("Certificate") if not item["spec"].get("isCA")]
    for item in read:
        assert re.fullmatch(pods, f"{item['metadata']['name']}-0")
        left = int(item["spec"]["renewBefore"].removesuffix("h")) / 24
        assert days <= left - 14
    assert len(read) == 3


def test_panels_are_complete_and_lie_side_by_side(panels):
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(panels) == len({panel["id"] for panel in panels})
    for panel in panels:
        assert panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"])
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
