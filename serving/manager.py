"""Which models are loaded, and which of their versions a request means."""

from collections.abc import Iterable
from typing import Any

from serving.servable import Servable
from serving.status import invalid_argument, not_found


class ModelManager:
    """The loaded models by name and version."""

    def __init__(self, servables: Iterable[Servable]):
        self._models: dict[str, dict[int, Servable]] = {}
        for servable in servables:
            self._models.setdefault(servable.name, {})[servable.version] = servable

    def find(self, model_spec: Any) -> Servable:
        """The servable that a ModelSpec asks for; without a version, the newest.

        Raises:
            StatusError: INVALID_ARGUMENT without a name or with a label, NOT_FOUND without such a model or version.
        """
        name = model_spec.name
        if not name:
            raise invalid_argument("ModelSpec has no name specified.")
        versions = self._models.get(name, {})
        match model_spec.WhichOneof("version_choice"):
            case "version_label":
                raise invalid_argument(f"Unrecognized servable version label: {model_spec.version_label}")
            case "version":
                version = model_spec.version.value
                wanted = f"Specific({name}, {version})"
            case _:
                version = max(versions, default=-1)
                wanted = f"Latest({name})"
        if version not in versions:
            raise not_found(f"Servable not found for request: {wanted}")
        return versions[version]

    def versions(self, name: str) -> list[int]:
        """The loaded versions of a model, newest first; none if it is unknown."""
        return sorted(self._models.get(name, {}), reverse=True)

    def describe(self) -> str:
        """What is served, for a log: `tfstyle version 1, other version 3`."""
        return ", ".join(f"{name} version {max(versions)}" for name, versions in sorted(self._models.items()))

    def close(self) -> None:
        """Free all models."""
        for versions in self._models.values():
            for servable in versions.values():
                servable.close()
