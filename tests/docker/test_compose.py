"""compose.yaml and its Prometheus speak of services, settings, flags and ports that there are."""

import re

import pytest
import yaml

from bot.settings import PREFIX, Settings, load_settings
from serving.config.config_files import read_monitoring
from serving.config.flags import Flags, Parser, add_arguments
from tools.dockerfile import DOCKER, last

ROOT = DOCKER.parent
FILES = {"model-server": "model.Dockerfile", "bot": "bot.Dockerfile"}


@pytest.fixture(scope="module")
def services() -> dict:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


@pytest.fixture(scope="module")
def flags() -> Flags:
    """The server's, as its image starts it."""
    path = DOCKER / "model.Dockerfile"
    words = [*last(path, "ENTRYPOINT").words[1:], *last(path, "CMD").words]
    parser = Parser()
    add_arguments(parser)
    return Flags.from_args(parser.parse_flags(words))


def test_the_bot_has_settings_that_are_right_and_finds_its_servers(services, flags):
    environment = services["bot"]["environment"]
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(environment) - {"PGPASSWORD"} <= known
    values = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name in known}

    settings = load_settings(**values | {"token": "123456:ABC-DEF"})

    assert settings.server == f"model-server:{flags.port}"
    host, _, name = settings.database_url.partition("@")[2].partition("/")
    assert host in services
    assert name == services[host]["environment"]["POSTGRES_DB"]
    assert environment["PGPASSWORD"] == services[host]["environment"]["POSTGRES_PASSWORD"]


def test_prometheus_asks_where_metrics_are(services, flags):
    config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
    monitoring = read_monitoring(ROOT / "serving" / "config" / "monitoring.config").prometheus_config
    asked = {
        job["job_name"]: (job["static_configs"][0]["targets"], job.get("metrics_path", "/metrics"))
        for job in config["scrape_configs"]
    }

    assert asked == {
        "bot": ([f"bot:{Settings.model_fields['http_port'].default}"], "/metrics"),
        "model-server": ([f"model-server:{flags.rest_api_port}"], monitoring.path),
    }
    assert set(asked) < set(services)


@pytest.mark.parametrize("name", FILES)
def test_images_are_built_from_files_and_arguments_that_there_are(services, name):
    build = services[name]["build"]
    text = (ROOT / build["dockerfile"]).read_text()

    assert build["dockerfile"] == f"docker/{FILES[name]}"
    for argument, value in build.get("args", {}).items():
        default = re.fullmatch(r"\$\{\w+:-(.*)\}", value)[1]
        assert f"ARG {argument}={default}\n" in text
    assert f" {services[name]['image']} " in text.partition("FROM")[0]


def test_containers_are_pinned_hardened_and_limited(services):
    for name, service in services.items():
        assert re.search(r":v?\d+\.\d+", service["image"]), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["mem_limit"], name
        assert "privileged" not in service, name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


def test_no_secret_has_a_default(services):
    text = yaml.safe_dump(services)
    for name in ("TFSTYLE_BOT_TOKEN", "POSTGRES_PASSWORD"):
        assert f"${{{name}:?" in text
        assert f"${{{name}:-" not in text
