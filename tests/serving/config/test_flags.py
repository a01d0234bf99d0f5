"""The flags of `tensorflow_model_server`, by their names."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from serving.config.flags import REFUSED, WITHOUT_EFFECT, Flags, Parser, add_arguments

DOCS = Path(__file__).resolve().parents[3] / "docs" / "serving.md"


def parse(*argv: str) -> Flags:
    parser = Parser(prog="tfstyle serve")
    add_arguments(parser)
    return Flags.from_args(parser.parse_flags(argv))


def refusal(capsys, *argv: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parse(*argv)
    assert ended.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_without_flags_the_defaults_apply():
    assert parse() == Flags()


@pytest.mark.parametrize(
    ("argv", "name", "value"),
    [
        (["--port=9000"], "port", 9000),
        (["--port", "0"], "port", 0),
        (["--model_base_path=/models/tfstyle"], "model_base_path", Path("/models/tfstyle")),
        (["--rest_api_port=8501"], "rest_api_port", 8501),
        (["--enable_model_warmup=false"], "enable_model_warmup", False),
        (["--enable_serialization_as_tensor_content"], "enable_serialization_as_tensor_content", True),
        (["--per_process_gpu_memory_fraction=0.5"], "per_process_gpu_memory_fraction", 0.5),
        (["--load_retry_interval_micros=5000000000"], "load_retry_interval_micros", 5_000_000_000),
        (
            ["--grpc_channel_arguments=grpc.max_connection_age_ms=30000,grpc.lb=pick"],
            "grpc_channel_arguments",
            {"grpc.max_connection_age_ms": 30000, "grpc.lb": "pick"},
        ),
    ],
)
def test_a_flag_is_read_as_tensorflow_serving_reads_it(argv, name, value):
    assert getattr(parse(*argv), name) == value


@pytest.mark.parametrize(
    ("flag", "nearest"),
    [
        ("--prot=8500", "--port"),
        ("--rest_port", "--rest_api_port"),
        ("--model_path=/models", "--model_base_path"),
        ("-port", "--port"),
        ("--enable_batchin", "--enable_batching"),
    ],
)
def test_an_unknown_flag_is_an_error_that_names_the_nearest(capsys, flag, nearest):
    """TensorFlow Serving starts all the same, without what it was asked for."""
    name = flag.partition("=")[0]
    assert refusal(capsys, flag) == f"tfstyle serve: error: unknown flag {name}; the nearest is {nearest}"


def test_an_argument_that_is_no_flag_is_an_error(capsys):
    assert "expected only flags, got 'saved_models'" in refusal(capsys, "saved_models")


@pytest.mark.parametrize(
    "argv",
    [
        ["--por", "8500"],
        ["--port", "70000"],
        ["--port", "http"],
        ["--grpc_max_threads", "0"],
        ["--tensorflow_intra_op_parallelism", "-1"],
        ["--enable_model_warmup=maybe"],
        ["--per_process_gpu_memory_fraction=2"],
        ["--grpc_channel_arguments=grpc.max"],
    ],
)
def test_a_wrong_value_is_an_error(capsys, argv):
    assert "error:" in refusal(capsys, *argv)


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_server_does_not_do_is_refused_with_the_reason(capsys, name):
    assert REFUSED[name] in refusal(capsys, f"--{name}=true")
    assert parse(f"--{name}=false") == Flags()


def test_batching_is_refused_because_of_what_it_would_do_to_paintings(capsys):
    assert "pictures of different sizes cannot share a batch" in refusal(capsys, "--enable_batching")


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_what_changes_nothing_is_accepted_and_said(capsys, name):
    assert parse(f"--{name}=3") == Flags()
    assert f"--{name} has no effect here: {WITHOUT_EFFECT[name]}" in capsys.readouterr().err


def test_every_flag_is_in_the_documentation():
    documented = set(re.findall(r"`--(\w+)", DOCS.read_text()))
    assert {flag.name for flag in fields(Flags)} | set(WITHOUT_EFFECT) | set(REFUSED) <= documented
