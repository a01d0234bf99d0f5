"""TensorFlow Serving's configuration files, which are protocol buffers as text.

The folder `serving/config/` has one of each to start from.
"""

from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from serving.protos import config_pb2
from tfstyle.errors import StyleTransferError

AnyMessage = TypeVar("AnyMessage", bound=Message)


class ConfigFileError(StyleTransferError):
    """A configuration file cannot be read or is wrong."""


def read_models(path: Path) -> Any:
    """The ModelServerConfig of `--model_config_file`.

    Raises:
        ConfigFileError: If it cannot be read.
    """
    from tensorflow_serving.config import model_server_config_pb2

    return _read(path, model_server_config_pb2.ModelServerConfig())


def read_session(path: Path) -> Any:
    """The ConfigProto of `--tensorflow_session_config_file`.

    Raises:
        ConfigFileError: If it cannot be read.
    """
    from tensorflow.core.protobuf import config_pb2 as session_config_pb2

    return _read(path, session_config_pb2.ConfigProto())


def read_monitoring(path: Path) -> config_pb2.MonitoringConfig:
    """The MonitoringConfig of `--monitoring_config_file`.

    Raises:
        ConfigFileError: If it cannot be read, or Prometheus' path does not start with a slash.
    """
    config = _read(path, config_pb2.MonitoringConfig())
    prometheus = config.prometheus_config
    if prometheus.path and not prometheus.path.startswith("/"):
        raise ConfigFileError(f"Expected a path that starts with / in {path}, got {prometheus.path!r}.")
    return config


def read_ssl(path: Path) -> config_pb2.SSLConfig:
    """The SSLConfig of `--ssl_config_file`.

    Raises:
        ConfigFileError: If it cannot be read, or lacks a key, a certificate or, for mutual TLS, the clients' CA.
    """
    config = _read(path, config_pb2.SSLConfig(), secret=True)
    needed = {"server_key": config.server_key, "server_cert": config.server_cert}
    if config.client_verify:
        needed["custom_ca"] = config.custom_ca
    for field, pem in needed.items():
        if "-----BEGIN" not in pem:
            got = "something else" if pem else "nothing"  # not what: it may be a key after all
            raise ConfigFileError(f"Expected the text of a PEM file, not its path, as {field} in {path}, got {got}.")
    return config


def _read(path: Path, message: AnyMessage, *, secret: bool = False) -> AnyMessage:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigFileError(f"Cannot read the configuration file {path}: {reason}.") from None
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        reason = f"line {error.GetLine()}, column {error.GetColumn()}" if secret else str(error)  # it quotes the file
        raise ConfigFileError(f"Invalid protobuf file: '{path}' is no {message.DESCRIPTOR.name}: {reason}") from None
