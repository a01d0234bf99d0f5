"""The manifests render, and are what the newest versions of Kubernetes and of the operators take."""

import base64
import re
import shutil
import subprocess

import jsonschema
import kubernetes_validate.utils
import pytest
import yaml

from tests.k8s.cluster import K8S, Cluster, render, render_components, tool

SCHEMAS = {
    path.stem: yaml.safe_load(path.read_text()) for path in (K8S.parent / "tests" / "k8s" / "schemas").glob("*.yaml")
}
NEWEST = sorted(set(kubernetes_validate.utils.all_versions()), key=lambda version: [*map(int, version.split("."))])[-3:]


def schema_of(kind: str) -> dict:
    """Of a whole object; the file holds that of its `spec`."""
    spec = dict(SCHEMAS[kind])
    return {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"const": spec.pop("apiVersion")},
            "kind": {"const": kind},
            "metadata": {
                "required": ["name", "namespace"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "namespace": {"enum": ["tfstyle", "tfstyle-jobs"]},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
            "spec": {"type": "object", **{key: value for key, value in spec.items() if key != "$defs"}},
        },
        "$defs": spec.get("$defs", {}),
    }


def validate(text: str, version: str) -> list[str]:
    """What kubernetes-validate has against manifests, kinds with a schema here aside."""
    command = [tool("kubernetes-validate"), "--strict", "-k", version, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert said.count("INFO") > 3, said
    unknown = re.compile(rf"Couldn't find schema for kind ({'|'.join(SCHEMAS)}) ")
    complaints = [line for line in said.splitlines() if not line.startswith("INFO") and not unknown.search(line)]
    return complaints or ([] if done.returncode == 0 else [f"exit code {done.returncode}"])


@pytest.mark.parametrize("version", NEWEST)
def test_kubernetes_takes_them(rendered, version):
    assert validate("\n---\n".join(rendered.values()), version) == []


@pytest.mark.parametrize("version", NEWEST)
def test_kubernetes_takes_the_pods_of_ray(bulk, version):
    """Their templates are the operator's business to read, and Kubernetes' once it has made pods of them."""
    groups = [workload for workload in bulk.workloads if workload.object["kind"] == "RayGroup"]
    kind = {"apiVersion": "v1", "kind": "Pod"}
    pods = [kind | {"metadata": {"name": group.name}, "spec": group.pod} for group in groups]
    text = yaml.safe_dump_all([*pods, *bulk.of("NetworkPolicy", "ServiceAccount", "Namespace")])

    assert len(pods) == 2
    assert validate(text, version) == []
    assert validate(text.replace("livenessProbe:", "liveProbe:"), version)


def test_custom_resources_are_what_their_operators_take(rendered):
    custom = [item for text in rendered.values() for item in Cluster(text).of(*SCHEMAS)]
    assert {item["kind"] for item in custom} == set(SCHEMAS), "every schema is needed"
    for item in custom:
        jsonschema.validate(item, schema_of(item["kind"]), jsonschema.Draft202012Validator)


def test_three_versions_of_kubernetes_are_asked():
    assert len(NEWEST) == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("readinessProbe:", "readynessProbe:"),
        ("maxUnavailable: 1", "maxUnavailible: 1"),
        ("kind: ScaledObject", "kind: ScaledObjekt"),
    ],
)
def test_kubernetes_does_not_take_misspelt_ones(rendered, old, new):
    assert old in rendered["production"]
    assert validate(rendered["production"].replace(old, new), NEWEST[-1])


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("ScaledObject", "targetQueryValue: ", "targetValue: "),
        ("ScaledObject", 'port: "5432"', "port: 5432"),
        ("Certificate", "dnsNames:", "dnsName:"),
        ("Issuer", "selfSigned: {}", "selfSign: {}"),
        ("ServiceMonitor", "interval: 30s", "interval: 30"),
        ("PrometheusRule", "expr: ", "expression: "),
        ("TriggerAuthentication", "parameter: password", "param: password"),
        ("RayJob", "rayStartParams:", "startParams:"),
        ("RayJob", "rayVersion: ", "version: "),
        ("RayJob", 'num-cpus: "0"', "num-cpus: 0"),
        ("RayJob", "submissionMode: HTTPMode", "submissionMode: HttpMode"),
    ],
)
def test_operators_do_not_take_misspelt_ones(rendered, kind, old, new):
    text = rendered["bulk" if kind == "RayJob" else "production"]
    assert old in text
    validator = jsonschema.Draft202012Validator(schema_of(kind))

    assert not all(validator.is_valid(item) for item in Cluster(text.replace(old, new)).of(kind))


@pytest.mark.parametrize("component", sorted(path.name for path in (K8S / "components").iterdir()))
def test_each_component_fits_the_base_by_itself(component, tmp_path):
    needs = {
        "autoscaling": ["postgres", "webhook"],
        "backup": ["postgres"],
        "postgres-tls": ["postgres", "mtls"],
        "webhook": ["postgres"],
    }.get(component, [])

    cluster = Cluster(render_components([*needs, component], tmp_path))

    assert {item["metadata"]["namespace"] for item in cluster.objects if item["kind"] != "Namespace"} == {"tfstyle"}
    assert cluster.workload("bot").pod["serviceAccountName"] == "bot"


def test_no_file_is_left_out():
    """A file that no kustomization names would never be applied."""
    named = set()
    for path in K8S.rglob("kustomization.yaml"):
        text = yaml.safe_load(path.read_text())
        patches = [patch["path"] for patch in text.get("patches", []) if "path" in patch]
        files = [file for generator in text.get("configMapGenerator", []) for file in generator["files"]]
        named |= {path} | {path.parent / name for name in [*text.get("resources", []), *patches, *files]}

    assert {path for path in K8S.rglob("*") if path.is_file()} <= named


def test_development_is_one_of_each_on_cpus_with_the_bots_defaults(development):
    assert {workload.name: workload.spec["replicas"] for workload in development.workloads} == {
        "bot": 1,
        "model-server": 1,
    }
    assert "nvidia" not in yaml.safe_dump(development.objects)
    assert "TFSTYLE_BOT_MODE" not in development.workload("bot").environment


def test_production_has_gpus_and_several_of_each(production):
    server = production.workload("model-server")

    assert server.main["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert {"nvidia.com/gpu"} == {taint["key"] for taint in server.pod["tolerations"]}
    for name in ("bot", "model-server"):
        assert production.get("ScaledObject", name)["spec"]["minReplicaCount"] >= 2


def test_an_operators_address_has_one_place(tmp_path):
    """The Ingress listens for the host of the webhook."""
    shutil.copytree(K8S, tmp_path / "k8s")
    patch = tmp_path / "k8s" / "overlays" / "production" / "bot.yaml"
    patch.write_text(patch.read_text().replace("paint.example.org", "art.example.net"))

    text = render(patch.parent)

    assert text.count("art.example.net") == 3
    assert "paint.example.org" not in text


@pytest.mark.parametrize("page", ["docs/operations.md"])
def test_the_secret_that_operators_are_told_to_make_has_every_key(page, production):
    """`kubectl` makes it here without a cluster."""
    text = (K8S.parent / page).read_text().replace("\\\n", " ")
    (command,) = re.findall(r'^ *printf %s "\$token" \| kubectl (.*create secret.*)$', text, re.MULTILINE)
    script = f"{tool('kubectl')} {command.replace('openssl rand -hex 32', 'echo secret')} --dry-run=client -o yaml"
    done = subprocess.run(["/bin/sh", "-ec", script], input="123456:ABC-DEF", capture_output=True, text=True)
    secret = yaml.safe_load(done.stdout)
    references = [
        variable["valueFrom"]["secretKeyRef"]
        for _, _, container in production.containers()
        for variable in container.get("env", [])
        if "valueFrom" in variable
    ]

    assert (secret["metadata"]["name"], secret["metadata"]["namespace"]) == ("bot", "tfstyle")
    assert base64.b64decode(secret["data"]["token"]) == b"123456:ABC-DEF"
    assert {(reference["name"], reference["key"]) for reference in references} == {
        ("bot", key) for key in secret["data"]
    }
