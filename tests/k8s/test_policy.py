"""The manifests keep the policy, and each way to break it is noticed."""

from collections.abc import Callable

import pytest

from tests.k8s.cluster import Cluster, Object
from tests.k8s.policy import JOB_RULES, SERVICE_RULES, jobs, violations


def test_the_manifests_keep_the_policy(cluster):
    assert violations(cluster) == []


def test_jobs_keep_the_policy(job):
    assert violations(job, JOB_RULES) == []


Mutation = Callable[[Cluster], object]


def main(cluster: Cluster, name: str) -> Object:
    return cluster.workload(name).main


def variable(cluster: Cluster, name: str) -> Object:
    return cluster.workload("bot").environment[name]


def flag(cluster: Cluster, old: str, new: str | None) -> None:
    """Replace the flag that starts with `old`."""
    arguments = main(cluster, "model-server")["args"]
    (position,) = [number for number, argument in enumerate(arguments) if argument.startswith(old)]
    arguments[position : position + 1] = [] if new is None else [new]


def spec(cluster: Cluster, kind: str, name: str) -> Object:
    return cluster.get(kind, name)["spec"]


def remove(cluster: Cluster, kind: str, name: str) -> None:
    cluster.objects.remove(cluster.get(kind, name))


def certificate(cluster: Cluster, name: str) -> Object:
    """The volume of a workload with its certificate."""
    (volume,) = [volume for volume in cluster.workload(name).pod["volumes"] if volume["name"] == "certificate"]
    return volume["secret"]


def told(cluster: Cluster, name: str) -> Object:
    """A variable of the backup."""
    return cluster.workload("backup").environment[name]


def access(cluster: Cluster, old: str, new: str) -> None:
    (data,) = [item["data"] for item in cluster.of("ConfigMap") if "pg_hba.conf" in item["data"]]
    assert old in data["pg_hba.conf"]
    data["pg_hba.conf"] = data["pg_hba.conf"].replace(old, new)


def database_url(cluster: Cluster, old: str, new: str) -> None:
    url = variable(cluster, "TFSTYLE_BOT_DATABASE_URL")
    assert old in url["value"]
    url["value"] = url["value"].replace(old, new)


def mutants() -> dict[str, tuple[str, Mutation]]:
    """What is done to the production overlay, and the rule that must notice."""
    return {
        # pods
        "no memory limit": (
            "resources_are_limited", lambda c: main(c, "bot")["resources"]["limits"].pop("memory")),
        "no resources": ("resources_are_limited", lambda c: main(c, "model-server").pop("resources")),
        "no limit of the container that runs first": (
            "resources_are_limited",
            lambda c: c.workload("model-server").pod["initContainers"][0]["resources"].pop("limits")),
        "privileged": (
            "pods_are_restricted", lambda c: main(c, "model-server")["securityContext"].update(privileged=True)),
        "escalation": (
            "pods_are_restricted",
            lambda c: main(c, "bot")["securityContext"].update(allowPrivilegeEscalation=True)),
        "a capability": (
            "pods_are_restricted",
            lambda c: main(c, "bot")["securityContext"]["capabilities"].update(add=["NET_ADMIN"])),
        "root": ("pods_are_restricted", lambda c: c.workload("bot").pod["securityContext"].update(runAsUser=0)),
        "root in one container": (
            "pods_are_restricted", lambda c: main(c, "postgres")["securityContext"].update(runAsUser=0)),
        "root file system writable": (
            "pods_are_restricted", lambda c: main(c, "bot")["securityContext"].pop("readOnlyRootFilesystem")),
        "the node's network": ("pods_are_restricted", lambda c: c.workload("bot").pod.update(hostNetwork=True)),
        "the node's files": (
            "pods_are_restricted",
            lambda c: c.workload("bot").pod["volumes"].append({"name": "x", "hostPath": {"path": "/"}})),
        "no profile for the namespace": (
            "pods_are_restricted", lambda c: c.get("Namespace", "tfstyle")["metadata"].pop("labels")),
        "no seccomp profile": (
            "pods_are_restricted", lambda c: c.workload("bot").pod["securityContext"].pop("seccompProfile")),
        "a token": (
            "nothing_speaks_to_kubernetes", lambda c: c.workload("bot").pod.pop("automountServiceAccountToken")),
        "the default account": (
            "nothing_speaks_to_kubernetes", lambda c: c.workload("bot").pod.pop("serviceAccountName")),
        "a secret in the manifests": (
            "secrets_are_references",
            lambda c: c.objects.append({"kind": "Secret", "metadata": {"name": "bot"}, "data": {}})),
        "a token in the clear": (
            "secrets_are_references",
            lambda c: (variable(c, "TFSTYLE_BOT_TOKEN").pop("valueFrom"),
                       variable(c, "TFSTYLE_BOT_TOKEN").update(value="123456:ABC-DEF"))),
        "a password in an address": (
            "secrets_are_references",
            lambda c: variable(c, "TFSTYLE_BOT_DATABASE_URL").update(value="postgresql://bot:x@postgres/tfstyle")),
        "a key that nobody sets": (
            "secrets_are_references",
            lambda c: variable(c, "PGPASSWORD")["valueFrom"]["secretKeyRef"].update(key="password")),
        "an image of any version": ("images_are_pinned", lambda c: main(c, "bot").update(image="tfstyle-bot:latest")),
        "an image of another version": (
            "images_are_pinned", lambda c: main(c, "bot").update(image="tfstyle-bot:0.0.9")),
        "another image for the container that runs first": (
            "each_image_has_one_tag",
            lambda c: c.workload("model-server").pod["initContainers"][0].update(
                image="registry.example.org/tfstyle-model-server:0.1.0")),
        "a mount of nothing": (
            "volumes_exist", lambda c: main(c, "bot")["volumeMounts"].append({"name": "x", "mountPath": "/x"})),
        "a certificate that nobody makes": ("volumes_exist", lambda c: remove(c, "Certificate", "bot")),
        # network
        "a service of nobody": (
            "services_reach_pods", lambda c: spec(c, "Service", "bot")["selector"].update({"app": "x"})),
        "a wrong port by name": (
            "services_reach_pods", lambda c: spec(c, "Service", "bot")["ports"][0].update(targetPort="web")),
        "a port that is not the pods'": (
            "services_reach_pods", lambda c: spec(c, "Service", "model-server")["ports"][0].update(port=80)),
        "a service with an address": (
            "the_bot_finds_its_servers", lambda c: spec(c, "Service", "model-server").pop("clusterIP")),
        "pods that are not ready": (
            "services_reach_pods",
            lambda c: spec(c, "Service", "model-server").update(publishNotReadyAddresses=True)),
        "another server": (
            "the_bot_finds_its_servers",
            lambda c: variable(c, "TFSTYLE_BOT_SERVER").update(value="dns:///models:8500")),
        "another port of the server": (
            "the_bot_finds_its_servers",
            lambda c: variable(c, "TFSTYLE_BOT_SERVER").update(value="dns:///model-server:9000")),
        "another port of the bot": (
            "the_bot_finds_its_servers", lambda c: variable(c, "TFSTYLE_BOT_HTTP_PORT").update(value="8081")),
        "another database": (
            "the_bot_finds_its_servers",
            lambda c: variable(c, "TFSTYLE_BOT_DATABASE_URL").update(value="postgresql://bot@database/tfstyle")),
        "a certificate for another name": (
            "the_bot_finds_its_servers",
            lambda c: spec(c, "Certificate", "model-server").update(dnsNames=["models"])),
        "KEDA asks another database": (
            "keda_finds_the_database",
            lambda c: spec(c, "ScaledObject", "model-server")["triggers"][0]["metadata"].update(dbName="jobs")),
        "KEDA has no password": (
            "keda_finds_the_database", lambda c: remove(c, "TriggerAuthentication", "database")),
        "metrics at another path": (
            "metrics_are_where_prometheus_looks",
            lambda c: spec(c, "ServiceMonitor", "model-server")["endpoints"][0].update(path="/metrics")),
        "metrics at another port": (
            "metrics_are_where_prometheus_looks",
            lambda c: spec(c, "ServiceMonitor", "bot")["endpoints"][0].update(port="metrics")),
        "everything public": (
            "only_the_webhook_is_public",
            lambda c: spec(c, "Ingress", "bot")["rules"][0]["http"]["paths"][0].update(path="/", pathType="Prefix")),
        "the address in one place only": (
            "only_the_webhook_is_public",
            lambda c: spec(c, "Ingress", "bot")["rules"][0].update(host="other.example.org")),
        "a load balancer": (
            "only_the_webhook_is_public", lambda c: spec(c, "Service", "bot").update(type="LoadBalancer")),
        "not everything forbidden": (
            "policies_allow_what_is_needed_and_no_more", lambda c: remove(c, "NetworkPolicy", "deny-all")),
        "a policy's wrong port": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "model-server")["ingress"][0]["ports"][0].update(port=8501)),
        "a policy open to anybody": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "postgres")["ingress"][0].pop("from")),
        "no way out": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "bot").pop("egress")),
        "KEDA shut out": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "postgres")["ingress"][0]["from"].pop()),
        "a backup shut out": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "postgres")["ingress"][0]["from"].pop(1)),
        "a backup that is let out to everything": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "backup")["egress"].append({})),
        "a backup that may run as root": (
            "pods_are_restricted", lambda c: c.workload("backup").pod["securityContext"].pop("runAsNonRoot")),
        "no names looked up": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "bot")["egress"].pop(2)),
        "a direction left open": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "postgres").update(policyTypes=["Ingress"])),
        "every namespace let in": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "model-server")["ingress"][1]["from"].append(
                {"namespaceSelector": {}})),
        "private networks let in by the way to Telegram": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "bot")["egress"][3]["to"][0]["ipBlock"].update(cidr="10.0.0.0/8")),
        "a way to anybody": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "bot")["egress"][3]["to"].append({"ipBlock": {"cidr": "0.0.0.0/0"}})),
        "another port to the outside": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "bot")["egress"][3]["ports"].append({"protocol": "TCP", "port": 22})),
        "a range of ports": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "bot")["egress"][3]["ports"][0].update(endPort=65535)),
        "the bot at the REST port": (
            "policies_allow_what_is_needed_and_no_more",
            lambda c: spec(c, "NetworkPolicy", "model-server")["ingress"][0]["ports"].append(
                {"protocol": "TCP", "port": 8501})),
        # database
        "a database in the clear": (
            "the_database_wants_tls", lambda c: main(c, "postgres")["args"].remove("--ssl=on")),
        "the image's own list of who may come in": (
            "the_database_wants_tls", lambda c: main(c, "postgres")["args"].pop()),
        "somebody let in without TLS": ("the_database_wants_tls", lambda c: access(c, "hostssl", "host")),
        "somebody let in without a password": ("the_database_wants_tls", lambda c: access(c, "scram-sha-256", "trust")),
        "a key that everybody may read": (
            "the_database_wants_tls", lambda c: certificate(c, "postgres").pop("defaultMode")),
        "a key that PostgreSQL may not read": (
            "the_database_wants_tls", lambda c: certificate(c, "postgres").update(defaultMode=0o400)),
        "a key of another group": (
            "the_database_wants_tls", lambda c: c.workload("postgres").pod["securityContext"].pop("fsGroup")),
        "the key in place of the certificate": (
            "the_database_wants_tls",
            lambda c: main(c, "postgres")["args"].__setitem__(1, "--ssl_cert_file=/certificate/tls.key")),
        "a certificate without the name that KEDA calls": (
            "the_database_wants_tls", lambda c: spec(c, "Certificate", "postgres")["dnsNames"].pop()),
        "a bot that asks anybody": (
            "whoever_asks_the_database_checks_its_certificate",
            lambda c: database_url(c, "verify-full", "require")),
        "a bot that trusts whom its node trusts": (
            "whoever_asks_the_database_checks_its_certificate",
            lambda c: database_url(c, "&sslrootcert=/certificate/ca.crt", "")),
        "an authority that is not mounted": (
            "whoever_asks_the_database_checks_its_certificate",
            lambda c: database_url(c, "/certificate/", "/authority/")),
        "KEDA in the clear": (
            "whoever_asks_the_database_checks_its_certificate",
            lambda c: spec(c, "ScaledObject", "bot")["triggers"][0]["metadata"].update(sslmode="disable")),
        "a backup that asks anybody": (
            "whoever_asks_the_database_checks_its_certificate", lambda c: told(c, "PGSSLMODE").update(value="require")),
        "a backup that knows no authority": (
            "whoever_asks_the_database_checks_its_certificate",
            lambda c: main(c, "backup")["env"].remove(told(c, "PGSSLROOTCERT"))),
        "a backup of another database": (
            "backups_are_of_the_bots_database", lambda c: told(c, "PGDATABASE").update(value="postgres")),
        "a backup without a password": (
            "everybody_has_a_role_of_their_own", lambda c: main(c, "backup")["env"].remove(told(c, "PGPASSWORD"))),
        "a backup that may write": (
            "everybody_has_a_role_of_their_own", lambda c: told(c, "PGUSER").update(value="bot")),
        "a bot that may do everything": (
            "everybody_has_a_role_of_their_own", lambda c: database_url(c, "bot@", "postgres@")),
        "a bot that is the first user": (
            "everybody_has_a_role_of_their_own",
            lambda c: main(c, "postgres")["env"].append({"name": "POSTGRES_USER", "value": "bot"})),
        "a backup by an older version": (
            "backups_are_of_the_bots_database", lambda c: main(c, "backup").update(image="postgres:14.9-bookworm")),
        "two backups at once": (
            "backups_are_of_the_bots_database", lambda c: spec(c, "CronJob", "backup").pop("concurrencyPolicy")),
        "backups for longer than is promised": (
            "backups_are_of_the_bots_database", lambda c: told(c, "KEEP").update(value="31")),
        "no backups": ("backups_are_of_the_bots_database", lambda c: told(c, "KEEP").update(value="0")),
        "backups by the week": (
            "backups_are_of_the_bots_database", lambda c: spec(c, "CronJob", "backup").update(schedule="17 3 * * 0")),
        "a backup put back every night": (
            "backups_are_of_the_bots_database", lambda c: spec(c, "CronJob", "restore").update(suspend=False)),
        "backups that go with their pod": (
            "backups_are_of_the_bots_database",
            lambda c: [mount.update(mountPath="/copies") for mount in main(c, "backup")["volumeMounts"]
                       if mount["name"] == "backups"]),
        # quota
        "more servers than the quota holds": (
            "the_quota_holds_all_that_may_run_at_once",
            lambda c: spec(c, "ScaledObject", "model-server").update(maxReplicaCount=12)),
        "no pods": (
            "the_quota_holds_all_that_may_run_at_once",
            lambda c: spec(c, "ResourceQuota", "all")["hard"].pop("pods")),
        "load balancers": (
            "the_quota_holds_all_that_may_run_at_once",
            lambda c: spec(c, "ResourceQuota", "all")["hard"].pop("services.loadbalancers")),
        "a container larger than one may be": (
            "containers_keep_the_limits_of_one",
            lambda c: main(c, "model-server")["resources"]["limits"].update(memory="16Gi")),
        "pods without limits where they name none": (
            "containers_keep_the_limits_of_one",
            lambda c: spec(c, "LimitRange", "containers")["limits"][0].pop("default")),
        "posts of any size": (
            "the_webhook_is_limited",
            lambda c: c.get("Ingress", "bot")["metadata"]["annotations"].pop(
                "nginx.ingress.kubernetes.io/proxy-body-size")),
        "posts without end": (
            "the_webhook_is_limited", lambda c: c.get("Ingress", "bot")["metadata"].pop("annotations")),
        # operation
        "no readiness probe": ("probes_tell_something", lambda c: main(c, "model-server").pop("readinessProbe")),
        "no startup probe": ("probes_tell_something", lambda c: main(c, "model-server").pop("startupProbe")),
        "no liveness probe": ("probes_tell_something", lambda c: main(c, "postgres").pop("livenessProbe")),
        "a probe's wrong port": (
            "probes_tell_something",
            lambda c: main(c, "model-server")["livenessProbe"]["httpGet"].update(port="grpc-web")),
        "a probe's wrong path": (
            "probes_tell_something",
            lambda c: main(c, "model-server")["readinessProbe"]["httpGet"].update(path="/v1/models/other/metadata")),
        "readiness that is only the status": (
            "probes_tell_something",
            lambda c: main(c, "model-server")["readinessProbe"]["httpGet"].update(path="/v1/models/tfstyle")),
        "liveness that asks Telegram": (
            "probes_tell_something", lambda c: main(c, "bot")["livenessProbe"]["httpGet"].update(path="/readyz")),
        "too little time to start": (
            "probes_tell_something", lambda c: main(c, "model-server")["startupProbe"].update(failureThreshold=3)),
        "a setting that does not exist": (
            "settings_are_known", lambda c: variable(c, "TFSTYLE_BOT_TLS_CA").update(name="TFSTYLE_BOT_CA")),
        "a setting that is wrong": (
            "settings_are_known", lambda c: variable(c, "TFSTYLE_BOT_MODE").update(value="push")),
        "a flag that does not exist": ("flags_are_known", lambda c: flag(c, "--enable_profiler", "--profiler=false")),
        "a flag that is refused": (
            "flags_are_known", lambda c: flag(c, "--enable_profiler", "--enable_batching=true")),
        "a file that the image lacks": (
            "flags_are_known",
            lambda c: flag(c, "--model_config_file", "--model_config_file=/config/all_models.config")),
        "more threads than CPUs": (
            "flags_are_known",
            lambda c: flag(c, "--tensorflow_intra_op_parallelism", "--tensorflow_intra_op_parallelism=64")),
        "a container port that nobody listens at": (
            "flags_are_known", lambda c: main(c, "model-server")["ports"][0].update(containerPort=8600)),
        "only one side encrypts": ("flags_are_known", lambda c: flag(c, "--ssl_config_file", None)),
        "stopped at once": ("pods_go_when_nobody_needs_them", lambda c: main(c, "bot").pop("lifecycle")),
        "killed too early": (
            "pods_go_when_nobody_needs_them",
            lambda c: c.workload("bot").pod.update(terminationGracePeriodSeconds=10)),
        "killed while it paints": (
            "pods_go_when_nobody_needs_them",
            lambda c: c.workload("model-server").pod.update(terminationGracePeriodSeconds=90)),
        "paintings that take longer": (
            "pods_go_when_nobody_needs_them",
            lambda c: main(c, "bot")["env"].append({"name": "TFSTYLE_BOT_TIMEOUT", "value": "300"})),
        "connections for ever": (
            "pods_go_when_nobody_needs_them", lambda c: flag(c, "--grpc_channel_arguments", None)),
        "two bots that ask for updates": (
            "rollouts_work", lambda c: variable(c, "TFSTYLE_BOT_MODE").update(value="polling")),
        "a rollout that waits for a GPU": (
            "rollouts_work", lambda c: spec(c, "Deployment", "model-server")["strategy"].pop("rollingUpdate")),
        "no GPU for the GPU's image": (
            "rollouts_work", lambda c: main(c, "model-server")["resources"]["limits"].pop("nvidia.com/gpu")),
        "no disruption budget": ("rollouts_work", lambda c: remove(c, "PodDisruptionBudget", "model-server")),
        "a budget that holds every drain up": (
            "rollouts_work", lambda c: spec(c, "PodDisruptionBudget", "bot").update(maxUnavailable=0)),
        "all on one node": (
            "rollouts_work", lambda c: c.workload("model-server").pod.pop("topologySpreadConstraints")),
        "replicas beside KEDA": (
            "scaling_has_the_last_word", lambda c: spec(c, "Deployment", "model-server").update(replicas=2)),
        "scaled away": (
            "scaling_has_the_last_word",
            lambda c: spec(c, "ScaledObject", "model-server").update(minReplicaCount=0)),
    }  # fmt: skip


@pytest.mark.parametrize("name", mutants())
def test_what_breaks_the_policy_is_noticed(production, name):
    assert_noticed(production, *mutants()[name])


def assert_noticed(cluster: Cluster, rule: str, mutate: Mutation) -> None:
    """What is done to a copy of the cluster breaks this rule, maybe among others."""
    mutant = cluster.copy()

    mutate(mutant)

    assert rule in {found.partition(":")[0] for found in violations(mutant)}


def labels(cluster: Cluster, old: str, new: str) -> None:
    data = cluster.get("ConfigMap", "models-config")["data"]
    assert old in data["models.config"]
    data["models.config"] = data["models.config"].replace(old, new)


def canary_mutants() -> dict[str, tuple[str, Mutation]]:
    """What is done to production with the component `canary`, and the rule that must notice."""
    served = "labels_stand_for_what_is_served"
    return {
        "a bot that asks for another label": (
            served, lambda c: variable(c, "TFSTYLE_BOT_LABEL").update(value="beta")),
        "a bot that gets the canary": (
            served, lambda c: main(c, "bot")["env"].remove(variable(c, "TFSTYLE_BOT_LABEL"))),
        "a label for what is not served": (served, lambda c: labels(c, "versions: 2", "versions: 1")),
        "a version that nobody has": (served, lambda c: labels(c, ": 2", ": 7")),
        "a model that is elsewhere": (served, lambda c: labels(c, "/models/tfstyle", "/tfstyle")),
        "labels that never move": (served, lambda c: flag(c, "--model_config_file_poll_wait_seconds", None)),
        "a server that does not start": (served, lambda c: flag(c, "--allow_version_labels", None)),
        "labels in a file of nobody": ("volumes_exist", lambda c: remove(c, "ConfigMap", "models-config")),
        "labels in a file that is nowhere": (
            "flags_are_known",
            lambda c: c.get("ConfigMap", "models-config")["data"].update(
                {"other": c.get("ConfigMap", "models-config")["data"].pop("models.config")})),
    }  # fmt: skip


@pytest.mark.parametrize("name", canary_mutants())
def test_what_breaks_the_policy_of_canaries_is_noticed(canary, name):
    assert_noticed(canary, *canary_mutants()[name])


def ray(cluster: Cluster) -> Object:
    return spec(cluster, "RayJob", "bulk")


def entrypoint(cluster: Cluster, old: str, new: str) -> None:
    assert old in ray(cluster)["entrypoint"]
    ray(cluster)["entrypoint"] = ray(cluster)["entrypoint"].replace(old, new)


def job_mutants() -> dict[str, tuple[str, str, Mutation]]:
    """What is done to a job, by its name, and the rule that must notice; more mutants of pods are above."""
    asked = "paintings_are_asked_for_as_the_command_takes_them"
    closed = "policies_allow_what_jobs_need_and_no_more"
    return {
        "open to everything": (
            "training", closed, lambda c: remove(c, "NetworkPolicy", "deny-all")),
        "a worker that may run as root": (
            "bulk", "pods_are_restricted", lambda c: c.workload("bulk-gpu").pod["securityContext"].update(runAsUser=0)),
        "a worker without a limit": (
            "bulk", "resources_are_limited", lambda c: main(c, "bulk-gpu")["resources"]["limits"].pop("memory")),
        "a head of another version": (
            "bulk", "images_are_pinned", lambda c: main(c, "bulk-head").update(image="tfstyle-bulk:0.0.9-gpu")),
        "a volume of nobody": (
            "training", "volumes_exist", lambda c: remove(c, "PersistentVolumeClaim", "data")),
        "a GPU that is not tolerated": (
            "training", "gpus_are_found", lambda c: c.workload("training").pod.pop("tolerations")),
        "a GPU that is not looked for": (
            "bulk", "gpus_are_found", lambda c: c.workload("bulk-gpu").pod.pop("nodeSelector")),
        "an image without CUDA": (
            "bulk", "gpus_are_found", lambda c: main(c, "bulk-gpu").update(image="tfstyle-bulk:0.1.0")),
        "another Ray": ("bulk", "ray_runs", lambda c: ray(c)["rayClusterSpec"].update(rayVersion="2.9.0")),
        "a head that paints": (
            "bulk", "ray_runs", lambda c: ray(c)["rayClusterSpec"]["headGroupSpec"]["rayStartParams"].clear()),
        "GPUs that are kept": ("bulk", "ray_runs", lambda c: ray(c).pop("shutdownAfterJobFinishes")),
        "a submitter without a profile": ("bulk", "ray_runs", lambda c: ray(c).pop("submissionMode")),
        "probes of the operator": ("bulk", "ray_runs", lambda c: main(c, "bulk-gpu").pop("readinessProbe")),
        "no dashboard": ("bulk", "ray_runs", lambda c: main(c, "bulk-head")["ports"].pop()),
        "the operator shut out": ("bulk", closed, lambda c: remove(c, "NetworkPolicy", "bulk-head")),
        "the operator at every pod": (
            "bulk", closed,
            lambda c: spec(c, "NetworkPolicy", "bulk-head")["podSelector"]["matchLabels"].pop(
                "app.kubernetes.io/component")),
        "workers shut out": ("bulk", closed, lambda c: spec(c, "NetworkPolicy", "bulk")["ingress"].pop()),
        "everybody let in": ("bulk", closed, lambda c: spec(c, "NetworkPolicy", "bulk")["ingress"][0].pop("from")),
        "no way to the head": ("bulk", closed, lambda c: spec(c, "NetworkPolicy", "bulk")["egress"].pop(0)),
        "a way out": ("bulk", closed, lambda c: spec(c, "NetworkPolicy", "bulk")["egress"].append(
            {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})),
        "no names looked up": ("bulk", closed, lambda c: spec(c, "NetworkPolicy", "bulk")["egress"].pop()),
        "a direction left open": (
            "bulk", closed, lambda c: spec(c, "NetworkPolicy", "bulk").update(policyTypes=["Ingress"])),
        "a training that speaks": (
            "training", closed, lambda c: spec(c, "NetworkPolicy", "deny-all").update(egress=[{}])),
        "a training that is let out beside": (
            "training", closed,
            lambda c: c.objects.append({
                "kind": "NetworkPolicy", "metadata": {"name": "training"},
                "spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "training"}},
                         "policyTypes": ["Ingress", "Egress"], "egress": [{}]}})),
        "an option that does not exist": ("bulk", asked, lambda c: entrypoint(c, "--gpus", "--gpu")),
        "an unknown style": ("bulk", asked, lambda c: entrypoint(c, "starry_night", "no_such_style")),
        "one machine alone": ("bulk", asked, lambda c: entrypoint(c, "--address auto", "")),
        "photos that nobody sees": ("bulk", asked, lambda c: entrypoint(c, "/data/photos", "/photos")),
        "paintings that nobody keeps": ("bulk", asked, lambda c: entrypoint(c, "/data/painted", "/tmp2/painted")),
        "bad photos that end the job": ("bulk", asked, lambda c: entrypoint(c, "|| test $? = 1", "")),
        "GPUs that are half used": ("bulk", asked, lambda c: entrypoint(c, "--gpus 0.5", "--gpus 0.5 --workers 1")),
        "processes without memory": (
            "bulk", asked, lambda c: main(c, "bulk-gpu")["resources"]["limits"].update(memory="4Gi")),
        "fewer trainings than recipes": (
            "training", "each_training_has_a_pod", lambda c: spec(c, "Job", "training").update(completions=1)),
        "trainings that all do the same": (
            "training", "each_training_has_a_pod", lambda c: spec(c, "Job", "training").pop("completionMode")),
        "a recipe that does not exist": (
            "training", "each_training_has_a_pod", lambda c: recipes(c, "johnson", "jonson")),
        "one run for two": (
            "training", "each_training_has_a_pod", lambda c: recipes(c, "johnson", "/data/recipes/tfstyle_2.py")),
        "two pods for one run": (
            "training", "each_training_has_a_pod", lambda c: spec(c, "Job", "training").pop("podReplacementPolicy")),
        "what is refused is tried again": (
            "training", "each_training_has_a_pod", lambda c: spec(c, "Job", "training").pop("podFailurePolicy")),
        "two GPUs": (
            "training", "each_training_has_a_pod",
            lambda c: main(c, "training")["resources"]["limits"].update({"nvidia.com/gpu": 2})),
    }  # fmt: skip


def recipes(cluster: Cluster, old: str, new: str) -> None:
    (config,) = cluster.of("ConfigMap")
    assert old in config["data"]["recipes.txt"]
    config["data"]["recipes.txt"] = config["data"]["recipes.txt"].replace(old, new)


@pytest.mark.parametrize("name", job_mutants())
def test_what_breaks_the_policy_of_jobs_is_noticed(bulk, training, name):
    job, rule, mutate = job_mutants()[name]
    mutant = {"bulk": bulk, "training": training}[job].copy()

    mutate(mutant)

    assert rule in {found.partition(":")[0] for found in violations(mutant, JOB_RULES)}


def test_every_rule_has_a_mutant():
    noticed = {rule for rule, _ in [*mutants().values(), *canary_mutants().values()]}
    assert {rule.__name__ for rule in SERVICE_RULES} == noticed
    assert {rule.__name__ for rule in jobs.RULES} <= {rule for _, rule, _ in job_mutants().values()}


def test_a_bot_on_a_file_that_is_not_alone_is_noticed(development):
    mutant = development.copy()
    spec(mutant, "Deployment", "bot")["replicas"] = 2

    assert violations(mutant) == ["rollouts_work: two bots at once need a webhook and PostgreSQL"]
