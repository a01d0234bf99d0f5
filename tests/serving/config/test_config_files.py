"""The configuration files: those that come with the server, and what is said about wrong ones."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

import serving.config.config_files
from serving.config import config_files
from serving.config.config_files import ConfigFileError

CONFIG = Path(serving.config.config_files.__file__).parent


def test_the_shipped_models_file_serves_the_newest_version_of_tfstyle():
    config = text_format.Parse((CONFIG / "models.config").read_text(), ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == ("tfstyle", "/models/tfstyle", "tensorflow")
    assert model.model_version_policy.latest.num_versions == 1
    assert config_files.read_models(CONFIG / "models.config") == config


def test_the_shipped_session_file_lets_gpu_memory_grow():
    config = text_format.Parse((CONFIG / "session.config").read_text(), ConfigProto())
    assert config.gpu_options.allow_growth
    assert config_files.read_session(CONFIG / "session.config") == config


def test_the_shipped_monitoring_file_has_tensorflow_servings_path():
    prometheus = config_files.read_monitoring(CONFIG / "monitoring.config").prometheus_config
    assert prometheus.enable
    assert prometheus.path == "/monitoring/prometheus/metrics"


def test_the_shipped_ssl_file_asks_to_be_filled_in():
    with pytest.raises(ConfigFileError, match=r"Expected the text of a PEM file, not its path, as server_key"):
        config_files.read_ssl(CONFIG / "ssl.config")


PEM = '"-----BEGIN X-----"'


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (config_files.read_models, "model_config_list {", "is no ModelServerConfig"),
        (config_files.read_models, "models: 3", "is no ModelServerConfig"),
        (config_files.read_session, "allow_growth: true", "is no ConfigProto"),
        (config_files.read_monitoring, "prometheus_config { enable: maybe }", "is no MonitoringConfig"),
        (config_files.read_monitoring, 'prometheus_config { path: "metrics" }', "starts with /"),
        (config_files.read_ssl, f'server_key: "/etc/key.pem" server_cert: {PEM}', "as server_key"),
        (config_files.read_ssl, f"server_key: {PEM} server_cert: {PEM} client_verify: true", "as custom_ca"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path, read, text, sentence):
    path = tmp_path / "file.config"
    path.write_text(text)
    with pytest.raises(ConfigFileError, match=sentence) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["server_key: 'MIIEpQ'", "server_key: MIIEpQ", "MIIEpQ: 1", "server_key: 'MIIEpQ"])
def test_a_key_in_the_wrong_place_is_not_quoted(tmp_path, text):
    """What is said ends in a log."""
    path = tmp_path / "ssl.config"
    path.write_text(text)
    with pytest.raises(ConfigFileError, match=r"as server_key|line 1, column") as caught:
        config_files.read_ssl(path)
    assert "MIIE" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigFileError, match=f"{tmp_path}/none: No such file"):
        config_files.read_models(tmp_path / "none")


def test_a_binary_file_is_no_configuration(tmp_path):
    (tmp_path / "file").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigFileError, match="it is no text"):
        config_files.read_models(tmp_path / "file")
