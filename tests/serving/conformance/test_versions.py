"""Versions, policies, labels, reload and polling: what a model server does with files that change under it.

TensorFlow Serving gives the same answers, but has to be started with the same flags: see each test.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.server import model_server
from tests.serving.conftest import reload_socket
from tfstyle.errors import ModelError

pytestmark = pytest.mark.own_server

Code = grpc.StatusCode
State = get_model_status_pb2.ModelVersionStatus


class Caller:
    """Calls a server with the official stubs."""

    def __init__(self, channel: grpc.Channel, reloads: grpc.Channel):
        self._reloads = model_service_pb2_grpc.ModelServiceStub(reloads)
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)

    def version(self, name: str = "toy", *, number: int | None = None, label: str | None = None) -> int:
        """The version that answers."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        request.model_spec.signature_name = "describe"
        if number is not None:
            request.model_spec.version.value = number
        if label is not None:
            request.model_spec.version_label = label
        return self._prediction.Predict(request, timeout=30).model_spec.version.value

    def states(self, name: str = "toy") -> dict[int, int]:
        return {status.version: status.state for status in self._status(name)}

    def error(self, version: int) -> str:
        return next(status.status.error_message for status in self._status("toy") if status.version == version)

    def reload(self, config: str) -> None:
        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(config, request.config)
        self._reloads.HandleReloadConfigRequest(request, timeout=60)

    def _status(self, name: str):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        return self._models.GetModelStatus(request, timeout=30).model_version_status


@pytest.fixture
def toy(toy_model, tmp_path) -> Callable[[str], Path]:
    """Adds a version to a folder of models, whole at once."""

    def add(version: str) -> Path:
        hidden = tmp_path / "models" / version.replace("/", "/.")
        shutil.copytree(toy_model, hidden)
        return hidden.rename(tmp_path / "models" / version)

    return add


@contextmanager
def serving_config(tmp_path: Path, config: str, **flags) -> Iterator[Caller]:
    path = tmp_path / "models.config"
    path.write_text(config)
    with (
        reload_socket() as socket,
        model_server.running(
            model_config_file=path, grpc_socket_path=socket, reload_from_socket=True, **flags
        ) as address,
        grpc.insecure_channel(address) as channel,
        grpc.insecure_channel(f"unix:{socket}") as reloads,
    ):
        yield Caller(channel, reloads)


def entry(tmp_path: Path, name: str = "toy", more: str = "") -> str:
    return f'config {{ name: "{name}" base_path: "{tmp_path}/models/{name}" model_platform: "tensorflow" {more} }}'


def listed(*entries: str) -> str:
    return f"model_config_list {{ {' '.join(entries)} }}"


def eventually(check: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def refused(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def test_a_new_version_on_disk_replaces_the_old_one(tmp_path, toy):
    """`--file_system_poll_wait_seconds=1`, the default."""
    toy("toy/1")
    with serving_config(tmp_path, listed(entry(tmp_path))) as caller:
        assert caller.version() == 1
        toy("toy/2")
        eventually(lambda: caller.version() == 2)
        eventually(lambda: caller.states() == {2: State.AVAILABLE, 1: State.END})
        assert refused(lambda: caller.version(number=1)) == (
            Code.NOT_FOUND,
            "Servable not found for request: Specific(toy, 1)",
        )


def test_a_version_that_does_not_load_leaves_the_old_one_serving_and_the_status_says_why(tmp_path, toy):
    toy("toy/1")
    with serving_config(tmp_path, listed(entry(tmp_path)), load_retry_interval_micros=100_000) as caller:
        broken = tmp_path / "models" / "toy" / "2"
        broken.mkdir()
        eventually(lambda: 2 in caller.states())
        eventually(lambda: caller.states()[2] == State.END)
        assert caller.version() == 1
        assert "half written" in caller.error(2)
        assert "saved_model.pb" in caller.error(2)

        shutil.rmtree(broken)
        toy("toy/2")  # as by somebody who sees the status
        eventually(lambda: caller.version() == 2)
        assert caller.error(2) == ""


def test_a_version_removed_from_disk_gives_way_to_the_one_before(tmp_path, toy):
    toy("toy/1")
    newer = toy("toy/2")
    with serving_config(tmp_path, listed(entry(tmp_path))) as caller:
        assert caller.version() == 2
        newer.rename(tmp_path / "gone")
        eventually(lambda: caller.version() == 1)


def test_several_models_versions_and_labels(tmp_path, toy):
    """`--allow_version_labels_for_unavailable_models`, as at the start nothing is available."""
    for version in ("toy/1", "toy/2", "toy/3", "second/5"):
        toy(version)
    policy = "model_version_policy { specific { versions: 1 versions: 2 } }"
    labels = 'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 }'
    config = listed(entry(tmp_path, more=policy + labels), entry(tmp_path, "second"))
    with serving_config(tmp_path, config, allow_version_labels_for_unavailable_models=True) as caller:
        assert caller.states() == {1: State.AVAILABLE, 2: State.AVAILABLE}
        assert caller.version() == 2
        assert caller.version(number=1) == 1
        assert caller.version(label="stable") == 1
        assert caller.version(label="canary") == 2
        assert caller.version("second") == 5
        assert refused(lambda: caller.version("second", label="stable")) == (
            Code.INVALID_ARGUMENT,
            "Unrecognized servable version label: stable",
        )


def test_a_label_moves_once_its_new_version_serves(tmp_path, toy):
    """Load both, move the label, drop the old version: the order that the server insists on."""
    both = "model_version_policy { all {} }"
    label = 'version_labels {{ key: "stable" value: {} }}'
    toy("toy/1")
    with serving_config(tmp_path, listed(entry(tmp_path, more=both))) as caller:
        caller.reload(listed(entry(tmp_path, more=both + label.format(1))))
        assert caller.version(label="stable") == 1
        assert refused(lambda: caller.reload(listed(entry(tmp_path, more=both + label.format(2))))) == (
            Code.FAILED_PRECONDITION,
            "Request to assign label to version 2 of model toy, which is not currently available for inference",
        )
        assert caller.version(label="stable") == 1
        toy("toy/2")
        eventually(lambda: caller.version() == 2)
        caller.reload(listed(entry(tmp_path, more=both + label.format(2))))
        assert caller.version(label="stable") == 2


def test_a_label_in_advance_is_for_new_labels_only(tmp_path, toy):
    toy("toy/1")
    label = 'version_labels {{ key: "stable" value: {} }}'
    config = listed(entry(tmp_path, more=label.format(1)))
    with serving_config(tmp_path, config, allow_version_labels_for_unavailable_models=True) as caller:
        assert caller.version(label="stable") == 1
        code, _ = refused(lambda: caller.reload(listed(entry(tmp_path, more=label.format(2)))))
        assert code is Code.FAILED_PRECONDITION


def test_labels_at_the_start_end_it(tmp_path, toy):
    toy("toy/1")
    config = listed(entry(tmp_path, more='version_labels { key: "stable" value: 1 }'))
    with pytest.raises(ModelError, match="Request to assign label to version 1 of model toy, which is not currently"):
        serving_config(tmp_path, config).__enter__()


def test_a_configuration_is_the_whole_of_what_is_wanted(tmp_path, toy):
    toy("toy/1")
    toy("second/1")
    with serving_config(tmp_path, listed(entry(tmp_path))) as caller:
        caller.reload(listed(entry(tmp_path, "second")))
        assert caller.version("second") == 1
        assert refused(caller.version) == (Code.NOT_FOUND, "Servable not found for request: Latest(toy)")
        eventually(lambda: caller.states() == {1: State.END})


def test_a_reload_tells_which_new_model_does_not_serve(tmp_path, toy):
    toy("toy/1")
    (tmp_path / "models" / "second" / "4").mkdir(parents=True)
    with serving_config(tmp_path, listed(entry(tmp_path))) as caller:
        code, details = refused(lambda: caller.reload(listed(entry(tmp_path), entry(tmp_path, "second"))))
        assert code is Code.UNKNOWN
        assert details.startswith("1 servable(s) did not become available: {{{name: second version: 4} due to error: ")
        assert caller.version() == 1


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (
            'config { name: "b" base_path: "/b" }',
            Code.INVALID_ARGUMENT,
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform.",
        ),
        (
            'config { name: "b" base_path: "/b" model_platform: "caffe" }',
            Code.INVALID_ARGUMENT,
            "Model b requests unsupported platform caffe",
        ),
    ],
)
def test_only_the_platform_tensorflow_is_served(tmp_path, toy, more, code, message):
    toy("toy/1")
    with serving_config(tmp_path, listed(entry(tmp_path))) as caller:
        assert refused(lambda: caller.reload(listed(entry(tmp_path), more))) == (code, message)
        assert caller.version() == 1


def test_a_model_keeps_its_platform(tmp_path, toy):
    toy("toy/1")
    other = entry(tmp_path).replace('"tensorflow"', '"caffe"')
    with serving_config(tmp_path, listed(entry(tmp_path))) as caller:
        assert refused(lambda: caller.reload(listed(other))) == (
            Code.INVALID_ARGUMENT,
            "Illegal to change a model's platform. For model toy platform was tensorflow and new platform requested is "
            "caffe",
        )


def test_the_configuration_file_is_read_again(tmp_path, toy):
    """`--model_config_file_poll_wait_seconds=1`. A file that is wrong changes nothing."""
    toy("toy/1")
    toy("second/1")
    path = tmp_path / "models.config"
    with serving_config(tmp_path, listed(entry(tmp_path)), model_config_file_poll_wait_seconds=1) as caller:
        path.write_text("model_config_list { config {")
        time.sleep(1.5)
        assert caller.version() == 1
        path.write_text(listed(entry(tmp_path), entry(tmp_path, "second")))
        eventually(lambda: "second" in serving_names(caller))


def serving_names(caller: Caller) -> set[str]:
    found = set()
    for name in ("toy", "second"):
        try:
            found.add(name if caller.states(name) else "")
        except grpc.RpcError:
            continue
    return found


def test_an_empty_configuration_serves_nothing_and_knows_no_labels_yet(tmp_path, toy):
    with serving_config(tmp_path, "") as caller:
        assert refused(caller.version) == (Code.NOT_FOUND, "Servable not found for request: Latest(toy)")
        assert refused(lambda: caller.version(label="stable")) == (
            Code.UNAVAILABLE,
            "Model labels does not init yet.stable",
        )
        toy("toy/1")
        caller.reload(listed(entry(tmp_path)))
        assert caller.version() == 1


def test_a_model_whose_folder_is_gone_holds_up_no_other(tmp_path, toy):
    """Unlike TensorFlow Serving, where one missing base path stops the search for versions of all models."""
    toy("first/1")
    toy("toy/1")
    with serving_config(tmp_path, listed(entry(tmp_path, "first"), entry(tmp_path))) as caller:
        shutil.move(tmp_path / "models" / "first", tmp_path / "gone")
        toy("toy/2")
        eventually(lambda: caller.version() == 2)
        assert caller.version("first") == 1


def test_without_polling_new_versions_wait_for_a_reload(tmp_path, toy):
    """`--file_system_poll_wait_seconds=0`."""
    toy("toy/1")
    with serving_config(tmp_path, listed(entry(tmp_path)), file_system_poll_wait_seconds=0) as caller:
        toy("toy/2")
        time.sleep(1.5)
        assert caller.version() == 1
        caller.reload(listed(entry(tmp_path)))
        assert caller.version() == 2
