"""Which versions of which models are loaded, in which state they are, and which of them a request means.

A version that is to go is taken out of sight at once and freed when its last call has ended: a swap fails no request.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import grpc

from serving.config.model_repository import ModelVersion
from serving.server.servable import Servable
from serving.server.status import StatusError, invalid_argument, not_found
from tfstyle.errors import ModelError

_log = logging.getLogger(__name__)


class State(IntEnum):
    """States of a version, numbered as in `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class _Version:
    """What the manager knows of a version.

    Attributes:
        error: Why the last attempt to load it failed; empty if it did not.
        attempts: How many attempts to load it have failed.
        failed_at: When the last one did, in seconds of the monotonic clock.
        calls: How many calls use the servable.
    """

    model: ModelVersion
    state: State = State.START
    servable: Servable | None = None
    error: str = ""
    attempts: int = 0
    failed_at: float = 0.0
    calls: int = 0


@dataclass(frozen=True)
class VersionReport:
    """A version's state for those who ask; `error` says why it does not serve, if something went wrong."""

    version: int
    state: State
    error: str


class ModelManager:
    """The models by name and version; many threads may find models while one loads and unloads.

    Args:
        load: Loads and warms up a version, and raises ModelError where it cannot.
        max_num_load_retries: How often a version that failed to load is tried again.
        load_retry_seconds: How long to wait before each.
    """

    def __init__(
        self,
        load: Callable[[ModelVersion], Servable],
        *,
        max_num_load_retries: int = 5,
        load_retry_seconds: float = 60.0,
    ):
        self._load = load
        self._max_retries = max_num_load_retries
        self._retry_seconds = load_retry_seconds
        self._models: dict[str, dict[int, _Version]] = {}
        self._labels: Mapping[str, Mapping[str, int]] | None = None
        self._lock = threading.Lock()  # of all of the above; never held while a model loads or runs

    @contextmanager
    def using(self, model_spec: Any) -> Iterator[Servable]:
        """The servable that a ModelSpec asks for; without a version, the newest. It stays while the block runs.

        Raises:
            StatusError: With TensorFlow Serving's code and sentence, if there is no such model, version or label.
        """
        with self._lock:
            version = self._find(model_spec)
            version.calls += 1
        assert version.servable is not None
        try:
            yield version.servable
        finally:
            with self._lock:
                version.calls -= 1
            self._free_if_idle(version)

    def set_wanted(self, name: str, wanted: Iterable[ModelVersion]) -> None:
        """Load the versions of a model that are missing, then unload those that are not wanted any more.

        What serves is unloaded only once a wanted version serves in its place, or if none is wanted at all. One that
        does not load is tried again by a later call, when its time has come. For one thread at a time.
        """
        targets = {version.version: version for version in wanted}
        with self._lock:
            known = self._models.setdefault(name, {})
            for number in [n for n, version in known.items() if version.error and n not in targets]:
                del known[number]  # gone from disk: what comes back under its number is a new attempt
            for number, target in targets.items():
                if number not in known or (known[number].state is State.END and not known[number].error):
                    known[number] = _Version(target)
                elif known[number].state is State.UNLOADING:  # wanted again before its last call has ended
                    known[number].state = State.AVAILABLE
            due = [known[number] for number in targets if self._is_due(known[number])]
        for version in due:
            self._load_version(version)
        with self._lock:
            replaced = not targets or any(known[number].state is State.AVAILABLE for number in targets)
            leaving = [
                version
                for number, version in known.items()
                if replaced and number not in targets and version.state is State.AVAILABLE
            ]
            for version in leaving:
                version.state = State.UNLOADING
        for version in leaving:
            self._free_if_idle(version)

    def set_labels(self, labels: Mapping[str, Mapping[str, int]]) -> None:
        """Give versions names: by model, then by label."""
        with self._lock:
            self._labels = labels

    def label(self, name: str, label: str) -> int | None:
        """The version that a label of a model stands for; None if there is no such label."""
        with self._lock:
            return (self._labels or {}).get(name, {}).get(label)

    def status(self, name: str) -> list[VersionReport]:
        """The versions of a model, also those that have ended, newest first; none if it is unknown."""
        with self._lock:
            versions = sorted(self._models.get(name, {}).items(), reverse=True)
            return [VersionReport(number, version.state, version.error) for number, version in versions]

    def available(self) -> dict[str, list[int]]:
        """The versions that serve, newest first, by the names of their models."""
        with self._lock:
            serving = {name: _serving(versions) for name, versions in sorted(self._models.items())}
        return {name: sorted(versions, reverse=True) for name, versions in serving.items() if versions}

    def failures(self) -> list[str]:
        """The versions that did not load, each in a sentence."""
        with self._lock:
            versions = [version for models in self._models.values() for version in models.values() if version.error]
        return [_failure(version) for version in versions]

    def knows(self, name: str) -> bool:
        """Whether a model is wanted, or was and still serves."""
        with self._lock:
            versions = self._models.get(name, {}).values()
            return any(version.error or version.state is not State.END for version in versions)

    def close(self) -> None:
        """Unload all models, those in use when their last calls end."""
        with self._lock:
            names = list(self._models)
        for name in names:
            self.set_wanted(name, ())

    def _find(self, model_spec: Any) -> _Version:
        name = model_spec.name
        if not name:
            raise invalid_argument("ModelSpec has no name specified.")
        serving = _serving(self._models.get(name, {}))
        match model_spec.WhichOneof("version_choice"):
            case "version_label":
                number = self._labelled(name, model_spec.version_label)
            case "version":
                number = model_spec.version.value
            case _:
                if not serving:
                    raise not_found(f"Servable not found for request: Latest({name})")
                return serving[max(serving)]
        if number not in serving:
            raise not_found(f"Servable not found for request: Specific({name}, {number})")
        return serving[number]

    def _labelled(self, name: str, label: str) -> int:
        if self._labels is None:
            raise StatusError(grpc.StatusCode.UNAVAILABLE, f"Model labels does not init yet.{label}")
        number = self._labels.get(name, {}).get(label)
        if number is None:
            raise invalid_argument(f"Unrecognized servable version label: {label}")
        return number

    def _is_due(self, version: _Version) -> bool:
        if version.state is State.START:
            return True
        waited = time.monotonic() - version.failed_at >= self._retry_seconds
        return bool(version.error) and version.attempts <= self._max_retries and waited

    def _load_version(self, version: _Version) -> None:
        model = version.model
        with self._lock:
            version.state = State.LOADING
        try:
            servable, error = self._load(model), ""
        except ModelError as failure:
            servable, error = None, str(failure)
        except Exception as failure:  # whatever a broken file makes TensorFlow raise, the other models go on
            _log.exception("%s version %d failed to load", model.name, model.version)
            servable, error = None, f"The model in {model.path} does not load ({type(failure).__name__}: {failure})."
        with self._lock:
            version.servable, version.error = servable, error
            version.state = State.END if error else State.AVAILABLE
            if error:
                version.attempts += 1
                version.failed_at = time.monotonic()
        if error:
            _log.error(_failure(version))
        else:
            _log.info("%s version %d is served", model.name, model.version)

    def _free_if_idle(self, version: _Version) -> None:
        with self._lock:
            if version.state is not State.UNLOADING or version.calls:
                return
            servable, version.servable, version.state = version.servable, None, State.END
        if servable is not None:
            servable.close()
            _log.info("%s version %d is unloaded", version.model.name, version.model.version)


def _failure(version: _Version) -> str:
    return f"{version.model.name} version {version.model.version} is not served: {version.error}"


def _serving(versions: Mapping[int, _Version]) -> dict[int, _Version]:
    return {number: version for number, version in versions.items() if version.state is State.AVAILABLE}
