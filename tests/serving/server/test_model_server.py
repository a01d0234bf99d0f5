"""Start and stop of the embedded server: what it says, and with which code it ends."""

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.client import StyleClient
from serving.client.errors import ServerDownError
from serving.config.flags import Flags
from serving.server import model_server
from serving.server.servable import WARMUP_FILE, Servable
from tests.serving.conftest import free_port
from tfstyle.errors import ModelError


@pytest.fixture
def one_model(toy_model, tmp_path):
    """A folder of models with a copy of the toy that a test may break."""
    shutil.copytree(toy_model, tmp_path / "tfstyle" / "1")
    return tmp_path


def fails(capsys, *argv: str) -> str:
    """The one line that the server says instead of starting."""
    assert model_server.main(list(argv)) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_a_process_serves_until_sigterm_and_finishes_what_it_began(models_dir):
    """An accepted request is answered even when the signal arrives while it runs."""
    command = [sys.executable, "-m", "serving.server", "--models_dir", str(models_dir), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    answers = []
    try:
        ready = process.stdout.readline()
        assert ready.startswith("serving defaults version 1, other version 7, tfstyle version 1 on 127.0.0.1:")
        with StyleClient(f"127.0.0.1:{int(ready.rsplit(':', 1)[1])}") as client:
            assert client.health()
            began = time.perf_counter()
            client.predict("slow", {"rounds": np.array([200], np.int32)})
            rounds = int(200 * 3 / (time.perf_counter() - began))  # about three seconds
            work = {"rounds": np.array([rounds], np.int32)}
            thread = threading.Thread(target=lambda: answers.append(client.predict("slow", work)))
            thread.start()
            time.sleep(0.5)
            assert not answers
            process.send_signal(signal.SIGTERM)
            thread.join(60)
            assert process.wait(60) == 0
            assert answers[0]["rounds"].tolist() == [rounds]
            with pytest.raises(ServerDownError):
                client.health()
    finally:
        process.kill()
        process.communicate()


def test_a_rest_request_that_was_begun_is_answered_while_the_server_stops(models_dir):
    port = free_port()
    flags = Flags(host="127.0.0.1", port=0, models_dir=models_dir, model_name="tfstyle", rest_api_port=port)
    stopping = model_server.Server(flags)
    stopping.start()
    url = f"http://127.0.0.1:{port}/v1/models/tfstyle:predict"
    with ThreadPoolExecutor(1) as thread:
        work = {"signature_name": "slow", "instances": [1000]}
        answer = thread.submit(httpx.post, url, json=work, timeout=60)
        while not stopping._queue.pending:
            time.sleep(0.01)
        assert not answer.done()
        stopping.stop()
        assert answer.result(timeout=60).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_rest_request_has_a_deadline_and_web_pages_may_be_let_in(models_dir):
    """`--rest_api_timeout_in_ms` and `--rest_api_enable_cors_support`."""
    port = free_port()
    flags = {"rest_api_port": port, "rest_api_timeout_in_ms": 200, "rest_api_enable_cors_support": True}
    work = {"signature_name": "slow", "instances": [1_000_000]}
    with model_server.running(models_dir, **flags):
        response = httpx.post(f"http://127.0.0.1:{port}/v1/models/tfstyle:predict", json=work, timeout=30)
        assert response.status_code == 504
        assert response.headers["access-control-allow-origin"] == "*"


def test_the_session_is_what_file_and_flags_say(tmp_path):
    path = tmp_path / "session.config"
    path.write_text("intra_op_parallelism_threads: 3 inter_op_parallelism_threads: 4 log_device_placement: true")
    config = model_server._session_config(
        tf, Flags(tensorflow_session_config_file=path, tensorflow_intra_op_parallelism=2)
    )
    assert (config.intra_op_parallelism_threads, config.inter_op_parallelism_threads) == (2, 4)
    assert config.log_device_placement

    assert model_server._session_config(tf, Flags()).gpu_options.allow_growth
    fixed = model_server._session_config(tf, Flags(per_process_gpu_memory_fraction=0.5)).gpu_options
    assert (fixed.per_process_gpu_memory_fraction, fixed.allow_growth) == (0.5, False)


def test_a_unix_socket_is_another_way_in(models_dir, tmp_path):
    path = tmp_path / "socket"
    with model_server.running(models_dir, grpc_socket_path=str(path)), StyleClient(f"unix:{path}") as client:
        assert client.health()


def test_one_model_is_chosen_by_name(models_dir):
    with model_server.running(models_dir, model_name="other") as address:
        with StyleClient(address, model="other") as client:
            assert client.styles().names
        with StyleClient(address, model="tfstyle") as client, pytest.raises(ModelError):
            client.styles()


def test_a_base_path_is_served_under_the_name_given(models_dir):
    base_path = models_dir / "tfstyle"
    with (
        model_server.running(model_base_path=base_path, model_name="mine") as address,
        StyleClient(address, model="mine") as client,
    ):
        assert client.status()[0].version == 1
    with (
        model_server.running(model_base_path=base_path) as address,
        StyleClient(address, model="default") as client,
    ):
        assert client.status()[0].version == 1


def test_an_empty_model_folder_ends_the_start(tmp_path, capsys):
    (tmp_path / "tfstyle").mkdir()
    assert "holds no version" in fails(capsys, "--models_dir", str(tmp_path))


def test_the_models_folder_may_come_from_the_environment(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TFSTYLE_MODELS", str(tmp_path / "elsewhere"))
    assert "elsewhere" in fails(capsys)


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_a_truncated_model_ends_the_start(one_model, capsys, name):
    path = one_model / "tfstyle" / "1" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    message = fails(capsys, "--models_dir", str(one_model))
    assert "tfstyle/1" in message
    assert "export it again" in message


@pytest.fixture
def closed(monkeypatch):
    """Names of the models whose sessions were closed."""
    names = []
    close = Servable.close

    def recording(servable):
        names.append(servable.name)
        close(servable)

    monkeypatch.setattr(Servable, "close", recording)
    return names


def test_a_process_that_cannot_start_says_so_in_one_sentence(one_model):
    (one_model / "tfstyle" / "1" / "saved_model.pb").unlink()
    command = [sys.executable, "-m", "serving.server", "--models_dir", str(one_model), "--port=0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    said = [line for line in done.stderr.splitlines() if "tfstyle" in line]
    assert (done.returncode, len(said)) == (2, 1)
    assert "half written" in said[0]


def test_one_broken_version_does_not_keep_the_others_from_starting(one_model, tmp_path):
    (one_model / "tfstyle" / "2").mkdir()
    config = tmp_path / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "tfstyle" base_path: "{one_model}/tfstyle" model_platform: "tensorflow" '
        f"model_version_policy {{ all {{}} }} }} }}"
    )
    running = model_server.Server(Flags(host="127.0.0.1", port=0, model_config_file=config))
    assert str(running).startswith("tfstyle version 1 on ")
    (failure,) = running.failures()
    assert failure.startswith("tfstyle version 2 is not served: ")
    running.stop()


def test_one_broken_model_ends_the_start_and_frees_the_others(one_model, toy_model, capsys, closed):
    """As TensorFlow Serving: whoever copied it would not notice that it is missing."""
    broken = shutil.copytree(toy_model, one_model / "zebra" / "1") / "saved_model.pb"
    broken.write_bytes(b"broken")

    assert "zebra/1" in fails(capsys, "--models_dir", str(one_model))
    assert closed == ["tfstyle"]


def test_a_model_that_fails_to_warm_up_is_freed(one_model, request_for, capsys, closed):
    write_warm_up(one_model, [request_for("paint")])

    assert "Warm-up request 1" in fails(capsys, "--models_dir", str(one_model))
    assert closed == ["tfstyle"]


def test_a_server_that_cannot_start_frees_its_models(one_model, closed, monkeypatch):
    def fail(self):
        raise RuntimeError("no threads left")

    monkeypatch.setattr(model_server.Server, "start", fail)
    with pytest.raises(RuntimeError, match="no threads left"):
        model_server.running(one_model).__enter__()
    assert closed == ["tfstyle"]


def test_a_model_name_that_leaves_the_folder_is_refused(models_dir, capsys):
    assert "--model_name" in fails(capsys, "--models_dir", str(models_dir), "--model_name", "../tfstyle")


def test_a_taken_port_is_named(models_dir, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f":{port}" in fails(capsys, "--models_dir", str(models_dir), "--port", str(port))


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--model_config_file=models.config", "--model_name=tfstyle"], "--model_config_file"),
        (["--monitoring_config_file=monitoring.config"], "Expected --rest_api_port with --monitoring_config_file"),
        (["--port=8500", "--rest_api_port=8500"], "Expected --rest_api_port to differ from --port"),
        (["--model_config_file=/nowhere/models.config"], "/nowhere/models.config"),
    ],
)
def test_flags_that_do_not_go_together_end_the_start(capsys, flags, sentence):
    assert sentence in fails(capsys, *flags)


def test_a_taken_rest_port_is_named(models_dir, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        flags = ["--models_dir", str(models_dir), "--port=0", f"--rest_api_port={taken.getsockname()[1]}"]
        assert "choose another --rest_api_port" in fails(capsys, *flags)


def test_contradicting_thread_flags_end_the_start(models_dir, capsys):
    flags = ["--tensorflow_session_parallelism=2", "--tensorflow_intra_op_parallelism=2"]
    assert "--tensorflow_session_parallelism" in fails(capsys, "--models_dir", str(models_dir), *flags)


def write_warm_up(models_dir, requests):
    path = models_dir / "tfstyle" / "1" / WARMUP_FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())
    return path


def test_warm_up_requests_are_run(one_model, request_for):
    """Shown by one that takes no more than a moment here but would be refused."""
    write_warm_up(one_model, [request_for("describe"), request_for("describe", extra=np.zeros(1))])

    with pytest.raises(ModelError, match=r"Warm-up request 2 .* input size does not match signature"):
        model_server.running(one_model).__enter__()
    with model_server.running(one_model, enable_model_warmup=False) as address, StyleClient(address) as client:
        assert client.health()


def test_good_warm_up_requests_end_in_a_serving_server(one_model, request_for):
    write_warm_up(one_model, [request_for("describe"), request_for("slow", rounds=np.ones(1, np.int32))])

    with model_server.running(one_model) as address, StyleClient(address) as client:
        assert client.health()


def test_a_broken_warm_up_file_ends_the_start(one_model, request_for, capsys):
    path = write_warm_up(one_model, [request_for("describe")])
    path.write_bytes(path.read_bytes()[:-3])

    assert "warm" in fails(capsys, "--models_dir", str(one_model)).lower()


def test_two_servers_never_share_a_port(models_dir, address, capsys):
    """Linux would give each half of the calls."""
    port = address.rsplit(":", 1)[1]
    message = fails(capsys, "--models_dir", str(models_dir), "--host", "127.0.0.1", "--port", port)
    assert "port is taken" in message
