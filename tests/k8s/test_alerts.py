"""Each alert fires on its fault and stays quiet on what looks like it, as Prometheus' own promtool evaluates them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest

import bot.metrics  # noqa: F401  registers what the bot tells
from tests.k8s.cluster import K8S
from tools.dockerfile import DOCKER

CASES = Path(__file__).with_name("alerts.test.yaml")


def promtool(*arguments: object, given: bytes = b"") -> tuple[int, str]:
    """Exit code and what it says. Where it is not installed the test is skipped, and in CI it fails."""
    if shutil.which("promtool") is None:
        message = "promtool is not installed; on Debian: apt-get install prometheus"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    done = subprocess.run(["promtool", *map(str, arguments)], input=given, capture_output=True)
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.fixture
def rules() -> dict:
    """As Prometheus' operator hands them over: the `spec` of the PrometheusRule."""
    return yaml.safe_load((K8S / "components" / "monitoring" / "alerts.yaml").read_text())["spec"]


def outcome(rules: dict, folder: Path) -> tuple[int, str]:
    """`promtool test rules` of all cases."""
    shutil.copy(CASES, folder)
    (folder / "alerts.yaml").write_text(yaml.safe_dump(rules))
    return promtool("test", "rules", folder / CASES.name)


def test_alerts_fire_on_their_fault_and_stay_quiet_else(rules, tmp_path):
    code, said = outcome(rules, tmp_path)
    assert code == 0, said


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_stays_quiet(rules):
    cases = [case for test in yaml.safe_load(CASES.read_text())["tests"] for case in test["alert_rule_test"]]
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == alerts


@pytest.mark.parametrize("broken", ["({}) and absent(vector(1))", "vector(1) or ({})"])
def test_alerts_that_never_fire_or_always_do_are_found(rules, tmp_path, broken):
    """All of them are broken at once, and the cases must tell of each."""
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    for rule in alerts:
        rule["expr"] = broken.format(rule["expr"])

    code, said = outcome(rules, tmp_path)

    assert code == 1
    assert [rule["alert"] for rule in alerts if f"alertname: {rule['alert']}," not in said] == []


def test_promtool_has_nothing_against_the_rules(rules, tmp_path):
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(rules))
    code, said = promtool("check", "rules", "--lint=all", "--lint-fatal", tmp_path / "alerts.yaml")
    assert code == 0, said


def test_promtool_has_nothing_against_the_configuration_of_compose():
    code, said = promtool("check", "config", "--lint=all", "--lint-fatal", DOCKER / "prometheus" / "prometheus.yml")
    assert code == 0, said


def test_promtool_has_nothing_against_the_metrics_of_the_bot():
    code, said = promtool("check", "metrics", given=generate_latest())
    assert code == 0, said
