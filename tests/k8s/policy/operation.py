"""Rules for what the manifests ask of our programs, and for rollouts, probes and scaling."""

import argparse
import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from bot.settings import PREFIX, Settings, SettingsError, load_settings
from bot.work.worker import WorkerTimings
from serving.config.flags import Flags, Parser, add_arguments
from tests.k8s.cluster import ROOT, Cluster, Object, Workload
from tfstyle.model_store.versions import find_model, versions
from tools.dockerfile import DOCKER, instructions, last

_SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}
_LIBPQ = {"PGPASSWORD"}  # read by PostgreSQL's client library
CONFIG = ROOT / "serving" / "config"
_SERVED = re.findall(r'name: "(\w+)"', (CONFIG / "models.config").read_text())
_STATUS = {f"/v1/models/{name}" for name in _SERVED}
# By what each is to tell. The bot's, from bot/http_endpoints.py; the server's, from the REST API of TensorFlow Serving.
_PROBES = {
    "bot": {"startupProbe": {"/livez"}, "readinessProbe": {"/readyz"}, "livenessProbe": {"/livez"}},
    "model-server": {
        "startupProbe": {f"{path}/metadata" for path in _STATUS},
        "readinessProbe": {f"{path}/metadata" for path in _STATUS},
        "livenessProbe": _STATUS,
    },
}
_START_SECONDS = 300  # at least, for a model to load or for Telegram to answer
_DNS_SECONDS = 30  # for how long a name server may still tell of a pod that is gone


def probes_tell_something(cluster: Cluster) -> Iterator[str]:
    for workload in cluster.workloads:
        for kind in ("startupProbe", "readinessProbe", "livenessProbe") if workload.runs_on else ():
            probe = workload.main.get(kind)
            if probe is None:
                yield f"{workload.name} has no {kind}"
                continue
            place = probe.get("httpGet") or probe.get("tcpSocket") or {}
            if place and place["port"] not in workload.ports:
                yield f"{workload.name}: the {kind} asks at {place['port']}, which is no port of it"
            if "httpGet" in probe and place["path"] not in _PROBES[workload.name][kind]:
                yield f"{workload.name}: the {kind} asks for {place['path']}"
            if workload.name in _PROBES and "httpGet" not in probe:
                yield f"{workload.name}: the {kind} does not ask the program"
            patience = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
            if patience < {"startupProbe": _START_SECONDS, "livenessProbe": 60}.get(kind, 0):
                yield f"{workload.name}: the {kind} gives up after {patience} s"


def settings_are_known(cluster: Cluster) -> Iterator[str]:
    bot = cluster.workload("bot")
    for name in sorted(set(bot.environment) - _SETTINGS - _LIBPQ):
        yield f"the bot has no setting {name}"
    if "TFSTYLE_BOT_DATABASE_URL" not in bot.environment:
        yield "the bot's default database is a file beside it, where it may not write"
    values = {}
    for name in set(bot.environment) & _SETTINGS:
        secret = "123456:ABC-DEF" if name.endswith("TOKEN") else "a-secret"
        values[name.removeprefix(PREFIX).lower()] = bot.environment[name].get("value", secret)
    try:
        load_settings(**values)
    except SettingsError as error:
        yield str(error)


def flags_are_known(cluster: Cluster) -> Iterator[str]:
    """Of the embedded server, which has those of tensorflow_model_server and refuses what is unknown."""
    server = cluster.workload("model-server")
    flags = _flags(server)
    if isinstance(flags, str):
        yield flags
        return
    if (flags.port, flags.rest_api_port) != (server.ports.get("grpc"), server.ports.get("rest")):
        yield f"the server listens at {flags.port} and {flags.rest_api_port}, its container tells {server.ports}"
    threads = {flags.tensorflow_intra_op_parallelism, flags.tensorflow_inter_op_parallelism}
    if threads != {int(server.main.get("resources", {}).get("limits", {}).get("cpu", 0))}:
        yield f"the server has {threads} threads, which is not its limit of CPUs"
    files = [flags.model_config_file, flags.monitoring_config_file, flags.tensorflow_session_config_file]
    copied = [word for step in instructions(DOCKER / "model.Dockerfile") if step.name == "COPY" for word in step.words]
    for file in {*filter(None, files)} - set(cluster.mounted_texts(server)):
        if f"serving/config/{file.name}" not in copied or str(file.parent) + "/" not in copied:
            yield f"{file} is not in the image"
    mounts = {mount["mountPath"] for mount in server.main.get("volumeMounts", [])}
    if flags.ssl_config_file and str(flags.ssl_config_file.parent) not in mounts:
        yield f"{flags.ssl_config_file} is mounted nowhere"
    if bool(flags.ssl_config_file) != ("TFSTYLE_BOT_TLS_CERT" in cluster.workload("bot").environment):
        yield "one of bot and model server encrypts, the other does not"
    if not flags.monitoring_config_file:
        yield "the server tells no metrics"


def labels_stand_for_what_is_served(cluster: Cluster) -> Iterator[str]:
    """Servers refuse a models file with a label for another version; who asks for no label gets the highest number."""
    server, flags = cluster.workload("model-server"), _flags(cluster.workload("model-server"))
    if isinstance(flags, str):
        return
    in_image = {PurePosixPath("/config") / file.name: file.read_text() for file in CONFIG.glob("*.config")}
    text = (in_image | cluster.mounted_texts(server)).get(flags.model_config_file)
    if text is None:  # as flags_are_known tells
        return
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    if (model.name not in _SERVED) or model.base_path != f"/models/{model.name}":
        yield f"{model.name} is looked for in {model.base_path}"
    labels, served = dict(model.version_labels), set(model.model_version_policy.specific.versions)
    if labels and (set(labels.values()) != served or not served <= set(versions(find_model().parent))):
        yield f"labels for {labels}, and served are {served}"
    if labels and not flags.model_config_file_poll_wait_seconds:
        yield "labels never move"
    if labels and not flags.allow_version_labels_for_unavailable_models:
        yield "a server that starts refuses labels for what it has not loaded yet"
    asked = cluster.workload("bot").environment.get("TFSTYLE_BOT_LABEL", {}).get("value")
    if asked not in (labels or {None}):
        yield f"the bot asks for {asked or 'the newest version'}, and labels are {sorted(labels)}"


def pods_go_when_nobody_needs_them(cluster: Cluster) -> Iterator[str]:
    timeout = cluster.workload("bot").environment.get(f"{PREFIX}TIMEOUT", {}).get("value")
    painting = float(timeout or Settings.model_fields["timeout"].default)
    for name, needed in (("bot", WorkerTimings().grace), ("model-server", painting)):
        workload = cluster.workload(name)
        wait = workload.main.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if wait == 0:
            yield f"{name} is stopped while others still send it something"
        if workload.pod.get("terminationGracePeriodSeconds", 30) < wait + needed + 5:
            yield f"{name} is killed before it has ended what it does"
    server = cluster.workload("model-server")
    flags = _flags(server)
    if isinstance(flags, Flags):
        age = int(flags.grpc_channel_arguments.get("grpc.max_connection_age_ms", 0)) / 1000
        wait = server.main.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if not 0 < age <= wait - _DNS_SECONDS:
            yield f"connections last {age or 'for ever'}, and a server goes {wait} s after it was told to"


def rollouts_work(cluster: Cluster) -> Iterator[str]:
    bot = cluster.workload("bot")
    webhook = bot.environment.get("TFSTYLE_BOT_MODE", {}).get("value") == "webhook"
    shared = bot.environment.get("TFSTYLE_BOT_DATABASE_URL", {}).get("value", "").startswith("postgresql://")
    alone = bot.spec.get("replicas", 1) == 1 and bot.spec["strategy"]["type"] == "Recreate"
    if not alone and not (webhook and shared):
        yield "two bots at once need a webhook and PostgreSQL"
    if webhook and not cluster.of("Ingress"):
        yield "nothing leads Telegram to the webhook"
    server = cluster.workload("model-server")
    rolling = server.spec["strategy"].get("rollingUpdate", {})
    gpu = "nvidia.com/gpu" in server.main.get("resources", {}).get("limits", {})
    if (rolling.get("maxSurge"), rolling.get("maxUnavailable")) != ((0, 1) if gpu else (1, 0)):
        yield "a rollout waits for a GPU that nobody has" if gpu else "a rollout stops the only server first"
    if gpu != server.main["image"].endswith("-gpu"):
        yield "image and resources do not agree on whether there is a GPU"
    for item in cluster.of("Deployment"):
        workload = Workload(item)
        budgets = [budget for budget in cluster.of("PodDisruptionBudget") if _selects(budget, workload)]
        if [budget["spec"].get("maxUnavailable") for budget in budgets] != [1]:
            yield f"{workload.name} has no disruption budget that lets nodes be drained one by one"
        spread = [rule["labelSelector"] for rule in workload.pod.get("topologySpreadConstraints", [])]
        if not spread or not all(rule["matchLabels"].items() <= workload.labels.items() for rule in spread):
            yield f"{workload.name} may end up on one node"
        if workload.spec["selector"]["matchLabels"].items() - workload.labels.items():
            yield f"{workload.name} does not select its own pods"


def scaling_has_the_last_word(cluster: Cluster) -> Iterator[str]:
    scaled = cluster.of("ScaledObject")
    for item in scaled:
        name = item["spec"]["scaleTargetRef"]["name"]
        target = cluster.find("Deployment", name)
        if target is None:
            yield f"KEDA scales {name}, which is not there"
        elif "replicas" in target["spec"]:
            yield f"each apply undoes how KEDA has scaled {name}"
        if not 1 <= item["spec"]["minReplicaCount"] <= item["spec"]["maxReplicaCount"]:
            yield f"{name} may be scaled away"
    for workload in cluster.workloads:
        by_keda = workload.name in [item["spec"]["scaleTargetRef"]["name"] for item in scaled]
        if workload.runs_on and not by_keda and "replicas" not in workload.spec:
            yield f"{workload.name} does not say how many"


def _selects(budget: Object, workload: Workload) -> bool:
    return budget["spec"]["selector"]["matchLabels"].items() <= workload.labels.items()


def _flags(server: Workload) -> Flags | str:
    """What the server is started with, or what it says."""
    image = last(DOCKER / "model.Dockerfile", "ENTRYPOINT").words[1:]
    parser = Parser(exit_on_error=False)
    add_arguments(parser)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return Flags.from_args(parser.parse_flags([*image, *server.main.get("args", [])]))
    except (argparse.ArgumentError, SystemExit) as error:
        return f"{error} {said.getvalue()}".strip()


RULES = (
    probes_tell_something,
    settings_are_known,
    flags_are_known,
    labels_stand_for_what_is_served,
    pods_go_when_nobody_needs_them,
    rollouts_work,
    scaling_has_the_last_word,
)
