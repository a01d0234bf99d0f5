"""From a configuration to models that serve: which are wanted, watched on disk for as long as the server runs.

Follows `model_servers/server_core.cc` of TensorFlow Serving. Each configuration is the whole of what is wanted: models
that it does not list are unloaded. Here a model that cannot be read on disk holds up no other, and one that does not
load is told at once instead of after all retries.
"""

import logging
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from tensorflow_serving.config import model_server_config_pb2

from serving.config.model_repository import wanted_versions
from serving.server.model_manager import ModelManager
from serving.server.status import StatusError, failed_precondition, invalid_argument
from tfstyle.errors import ModelError, StyleTransferError

PLATFORM = "tensorflow"

_log = logging.getLogger(__name__)


class Lifecycle:
    """Keeps the manager's models those of the newest configuration.

    Args:
        manager: Loads and unloads them.
        poll_seconds: Between two looks at the models' folders; 0 is a single look, at each configuration.
        read_config: Reads a configuration from its file, for `config_poll_seconds`.
        config_poll_seconds: Between two readings of the file; 0 is never.
        allow_labels_in_advance: Let a new label stand for a version that does not serve yet.
    """

    def __init__(
        self,
        manager: ModelManager,
        *,
        poll_seconds: float = 1.0,
        read_config: Callable[[], Any] | None = None,
        config_poll_seconds: float = 0.0,
        allow_labels_in_advance: bool = False,
    ):
        self._manager = manager
        self._poll_seconds = poll_seconds
        self._read_config = read_config
        self._config_poll_seconds = config_poll_seconds
        self._allow_labels_in_advance = allow_labels_in_advance
        self._config: Any = None  # the ModelServerConfig, once there is one that lists models
        self._roots: set[Path] = set()  # the folders of the first models
        self._lock = threading.Lock()  # held while models load: one change at a time
        self._complaints: dict[str, str] = {}  # what was logged of a model, so as not to say it each second
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, config: Any) -> None:
        """Load the models of a first ModelServerConfig, then watch them.

        Raises:
            ModelError: If a model has no version that loads, or the configuration is wrong.
        """
        try:
            failed = self._apply(config)
        except StatusError as error:
            raise ModelError(error.message) from error
        self._roots = {Path(model.base_path).resolve().parent for model in config.model_config_list.config}
        if failed:
            raise ModelError(" ".join(reason for _, reason in failed))
        if self._poll_seconds > 0:
            self._repeat(self._poll_seconds, self.poll)
        if self._config_poll_seconds > 0 and self._read_config is not None:
            self._repeat(self._config_poll_seconds, self.poll_config)

    def halt(self) -> None:
        """Begin no more loads."""
        self._stopped.set()

    def stop(self) -> None:
        """Watch no more. What is being loaded is loaded to its end."""
        self.halt()
        for thread in self._threads:
            thread.join()
        with self._lock:  # a reload under way
            pass

    def reload(self, config: Any, *, anywhere: bool = False) -> None:
        """Want the models of another ModelServerConfig, and wait until the new ones serve.

        Args:
            config: Lists the models.
            anywhere: Take base paths outside the folders in which the models of the start lie, too.

        Raises:
            StatusError: With TensorFlow Serving's code and sentence.
        """
        failed = self._apply(config, () if anywhere else self._roots)
        if failed:
            listed = "".join(f"{{{{{servable}}} due to error: {reason}}}, " for servable, reason in failed)
            raise StatusError(
                grpc.StatusCode.UNKNOWN, f"{len(failed)} servable(s) did not become available: {{{listed}}}"
            )

    def poll(self) -> None:
        """Look at the models' folders and serve what has changed there."""
        with self._lock:
            for model in self._config.model_config_list.config if self._config is not None else ():
                if self._stopped.is_set():
                    return
                self._update(model)

    def poll_config(self) -> None:
        """Read the configuration's file again and apply it; one that is wrong changes nothing."""
        assert self._read_config is not None
        try:
            config = self._read_config()
            if config != self._config:
                self.reload(config, anywhere=True)  # whoever writes that file chose the flags, too
            self._complaints.pop("", None)
        except (StatusError, StyleTransferError) as error:
            self._complain("", f"the configuration file: {error}")

    def _apply(self, config: Any, roots: Collection[Path] = ()) -> list[tuple[str, str]]:
        """Want other models, in some folders or, without any, anywhere; returns new ones that do not serve, and why."""
        with self._lock:
            if self._stopped.is_set():
                raise StatusError(grpc.StatusCode.UNAVAILABLE, "The server is shutting down")
            kind = config.WhichOneof("config")
            if kind is None:
                return []  # nothing changes, as in TensorFlow Serving
            if kind != "model_config_list":
                raise invalid_argument("Missing custom_model_config_loader in ServerCore Options")
            models = list(config.model_config_list.config)
            old = {} if self._config is None else {model.name: model for model in self._config.model_config_list.config}
            _check(models, old)
            if roots:
                _check_roots(models, roots)
            self._manager.set_labels(self._labels(models))
            self._config = config
            for name in old.keys() - {model.name for model in models}:
                self._manager.set_wanted(name, ())
            reasons = {model.name: self._update(model) for model in models}
            serving = self._manager.available()
            return [
                self._failure(model.name, reasons[model.name])
                for model in models
                if model.name not in old and model.name not in serving
            ]

    def _update(self, model: Any) -> str:
        """Load and unload a model's versions; returns what is wrong with its folder."""
        try:
            wanted = wanted_versions(model)
        except ModelError as error:
            self._complain(model.name, str(error))
            return str(error)
        self._complaints.pop(model.name, None)
        self._manager.set_wanted(model.name, wanted)
        return (
            f"The model folder {model.base_path} holds no version: expected {model.base_path}/1/saved_model.pb; "
            f"write one with: tfstyle export"
        )

    def _failure(self, name: str, reason: str) -> tuple[str, str]:
        for version in self._manager.status(name):
            if version.error:
                return f"name: {name} version: {version.version}", version.error
        return f"name: {name}", reason

    def _labels(self, models: Sequence[Any]) -> dict[str, dict[str, int]]:
        labels: dict[str, dict[str, int]] = {}
        for model in models:
            serving = self._manager.available().get(model.name, [])
            for label, version in model.version_labels.items():
                moves = self._manager.label(model.name, label) not in (None, version)
                if version not in serving and (moves or not self._allow_labels_in_advance):
                    raise failed_precondition(
                        f"Request to assign label to version {version} of model {model.name}, "
                        f"which is not currently available for inference"
                    )
                labels.setdefault(model.name, {})[label] = version
        return labels

    def _complain(self, subject: str, message: str) -> None:
        if self._complaints.get(subject) != message:
            self._complaints[subject] = message
            _log.error(message)

    def _repeat(self, seconds: float, work: Callable[[], None]) -> None:
        def loop() -> None:
            while not self._stopped.wait(seconds):
                try:
                    work()
                except Exception:  # the next round may do better, and without this thread there would be none
                    _log.exception("watching the models failed")

        thread = threading.Thread(target=loop, name=work.__name__, daemon=True)
        thread.start()
        self._threads.append(thread)


def single_models(base_paths: Mapping[str, Path]) -> model_server_config_pb2.ModelServerConfig:
    """A configuration of models in their latest versions, by name."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.SetInParent()
    for name, base_path in base_paths.items():
        config.model_config_list.config.add(name=name, base_path=str(base_path.absolute()), model_platform=PLATFORM)
    return config


# A name goes into logs, metrics and messages, so it holds no line ends, and is not of any length.
_NAME = re.compile(r"[\w .:/@+-]{1,200}")


def _check_roots(models: Sequence[Any], roots: Collection[Path]) -> None:
    for model in models:
        if not any(Path(model.base_path).resolve().is_relative_to(root) for root in roots):
            raise StatusError(
                grpc.StatusCode.PERMISSION_DENIED,
                f"Expected model {model.name} in {' or '.join(map(str, sorted(roots)))}, where the models of the start "
                f"lie; got base_path()={model.base_path}",
            )


def _check(models: Sequence[Any], old: Mapping[str, Any]) -> None:
    names: set[str] = set()
    for model in models:
        if model.name in names:
            raise invalid_argument(f"Illegal to list model {model.name} multiple times in config list")
        if not _NAME.fullmatch(model.name):
            raise invalid_argument(f"Expected letters, digits, spaces, _.:/@+- in a model's name, got {model.name!r}")
        names.add(model.name)
    for model in models:
        if not Path(model.base_path).is_absolute():
            raise invalid_argument(
                f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}"
            )
    for model in models:
        platform = _platform(model)
        if model.name in old and platform != _platform(old[model.name]):
            raise invalid_argument(
                f"Illegal to change a model's platform. For model {model.name} platform was "
                f"{_platform(old[model.name])} and new platform requested is {platform}"
            )
        if platform != PLATFORM:
            raise invalid_argument(f"Model {model.name} requests unsupported platform {platform}")


def _platform(model: Any) -> str:
    if model.model_type:  # the field's old form; 1 is TENSORFLOW
        if model.model_platform:
            raise invalid_argument(
                "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform."
            )
        if model.model_type != model_server_config_pb2.TENSORFLOW:
            raise invalid_argument(f"ModelServerConfig::model_type choice {model.model_type} not supported.")
        return PLATFORM
    if not model.model_platform:
        raise invalid_argument(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform."
        )
    return model.model_platform
