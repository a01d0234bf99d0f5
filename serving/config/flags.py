"""The embedded server's flags: the names and meanings of `tensorflow_model_server`, and a few of its own.

A flag of `tensorflow_model_server` that this server has no use for is either accepted with a note, where nothing that a
client sees depends on it, or refused with the reason. One that neither knows is an error.
"""

# ruff: noqa: RUF009 - _flag() is dataclasses.field(), which ruff does not see

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

from serving import DEFAULT_PORT

# sched_getaffinity is Linux's, and the only one to know what a container or taskset leaves of the machine.
_CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bool(text: str) -> bool:
    match text.lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
    raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")


def _number(least: int, most: int = 2**31 - 1) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}, got {text!r}")
        return int(text)

    return parse


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return value


def _channel_arguments(text: str) -> dict[str, int | str]:
    arguments: dict[str, int | str] = {}
    for pair in filter(None, text.split(",")):
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise argparse.ArgumentTypeError(f"expected key=value,key=value, got {text!r}")
        arguments[key] = int(value) if value.removeprefix("-").isdecimal() else value
    return arguments


def _flag(default: Any, parse: Callable[[str], Any], metavar: str, help: str) -> Any:
    metadata = {"parse": parse, "metavar": metavar, "help": help}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


_port, _count, _positive = _number(0, 65535), _number(0), _number(1)


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What `add_arguments` parses; the defaults are the flags' own."""

    # what is served
    models_dir: Path | None = _flag(
        None, Path, "DIR", "folder of models, all of which are served (default: $TFSTYLE_MODELS, else saved_models/)"
    )
    model_name: str | None = _flag(
        None,
        str,
        "NAME",
        "serve only this model of the folder; with --model_base_path, what requests call it (default there: default)",
    )
    model_base_path: Path | None = _flag(None, Path, "DIR", "one model's folder, which holds its versions")
    model_config_file: Path | None = _flag(None, Path, "FILE", "models, versions and labels; see serving/config/")
    model_config_file_poll_wait_seconds: int = _flag(0, _count, "N", "read that file again every N s (default: never)")
    file_system_poll_wait_seconds: int = _flag(1, _count, "N", "look for new versions every N s (default: 1; 0: never)")
    allow_version_labels_for_unavailable_models: bool = _flag(
        False, _bool, "true|false", "let a new label stand for a version that does not serve yet (default: false)"
    )
    allow_file_operations: bool = _flag(
        False, _bool, "true|false", "serve models that read or write files or call others (default: false)"
    )
    saved_model_tags: str = _flag("serve", str, "TAGS", "tags of the graph to load, by commas (default: serve)")
    max_num_load_retries: int = _flag(5, _count, "N", "try a version that does not load N times more (default: 5)")
    load_retry_interval_micros: int = _flag(
        60_000_000, _number(0, 2**63 - 1), "N", "microseconds between two tries (default: a minute)"
    )
    enable_model_warmup: bool = _flag(
        True, _bool, "true|false", "run the model's warm-up requests first (default: true)"
    )
    num_request_iterations_for_warmup: int = _flag(1, _positive, "N", "run each of them N times (default: 1)")

    # gRPC
    host: str = _flag("127.0.0.1", str, "HOST", "address to listen on (default: 127.0.0.1, this machine; 0.0.0.0: all)")
    port: int = _flag(DEFAULT_PORT, _port, "N", f"gRPC port (default: {DEFAULT_PORT}); 0 picks a free one")
    port_file: Path | None = _flag(None, Path, "FILE", "write the gRPC port there when the server answers")
    grpc_socket_path: str = _flag("", str, "PATH", "also listen on this Unix socket (default: none)")
    ssl_config_file: Path | None = _flag(None, Path, "FILE", "TLS for the gRPC port; see serving/config/")
    reload_from_socket: bool = _flag(
        False,
        _bool,
        "true|false",
        "let whoever can open --grpc_socket_path change which models are served (default: false)",
    )
    reload_from_client: str = _flag(
        "",
        str,
        "NAME",
        "let the client whose certificate carries this name do so; needs client_verify in --ssl_config_file "
        "(default: nobody)",
    )
    grpc_channel_arguments: dict[str, int | str] = _flag(
        {},
        _channel_arguments,
        "K=V,...",
        "arguments of gRPC, such as grpc.max_receive_message_length=N (default: 512 MB)",
    )
    grpc_max_threads: int = _flag(
        4 * _CPUS, _positive, "N", "requests that are held in memory at once (default: 4 each CPU)"
    )
    max_concurrent_runs: int = _flag(
        max(2, _CPUS), _positive, "N", "requests that are worked on at once (default: one each CPU, at least 2)"
    )
    max_queued_requests: int = _flag(
        64, _count, "N", "requests that may wait for that; more are answered UNAVAILABLE (default: 64)"
    )
    enable_serialization_as_tensor_content: bool = _flag(
        False,
        _bool,
        "true|false",
        "answer raw bytes instead of one field per number; faster for pixels (default: false)",
    )
    enable_signature_method_name_check: bool = _flag(
        False, _bool, "true|false", "hold Classify and Regress to the method a signature was made for (default: false)"
    )
    enable_grpc_healthcheck_service: bool = _flag(
        True, _bool, "true|false", "answer grpc.health.v1 (default: true, unlike tensorflow_model_server)"
    )

    max_run_seconds: int = _flag(
        300, _positive, "N", "stop a request that runs for longer, whatever its deadline (default: 300)"
    )
    drain_seconds: int = _flag(
        25, _count, "N", "time for what has begun after SIGTERM; then the server ends in any case (default: 25)"
    )

    # REST
    rest_api_port: int = _flag(0, _port, "N", "port for REST and metrics (default: none)")
    rest_api_num_threads: int = _flag(4 * _CPUS, _positive, "N", "REST requests held at once (default: 4 each CPU)")
    rest_api_timeout_in_ms: int = _flag(30_000, _positive, "N", "deadline of a REST request (default: 30000)")
    rest_api_enable_cors_support: bool = _flag(False, _bool, "true|false", "let web pages call REST (default: false)")
    monitoring_config_file: Path | None = _flag(
        None, Path, "FILE", "Prometheus metrics, on the REST port; see serving/config/"
    )

    # TensorFlow
    tensorflow_session_parallelism: int = _flag(
        0, _count, "N", "threads within and between operations (default: one each CPU); not with the next two"
    )
    tensorflow_intra_op_parallelism: int = _flag(
        0, _count, "N", "threads within one operation (default: one each CPU); in a container, its CPU limit"
    )
    tensorflow_inter_op_parallelism: int = _flag(0, _count, "N", "operations that run at once (default: one each CPU)")
    tensorflow_session_config_file: Path | None = _flag(
        None, Path, "FILE", "all options of a session; see serving/config/ (default: GPU memory grows as needed)"
    )
    per_process_gpu_memory_fraction: float = _flag(
        0.0, _fraction, "X", "take this share of each GPU's memory at once (default: grow as needed)"
    )

    @classmethod
    def from_args(cls, args: argparse.Namespace) -> "Flags":
        """Pick the server's flags out of parsed arguments."""
        return cls(**{flag.name: getattr(args, flag.name) for flag in fields(cls)})


# Flags of tensorflow_model_server that change nothing a client could see, and why they do nothing here.
WITHOUT_EFFECT = {
    "enable_profiler": "there is no profiler service",
    "flush_filesystem_caches": "the system looks after its file cache",
    "num_load_threads": "models load one after another",
    "num_unload_threads": "a model is unloaded by its last call",
    "remove_unused_fields_from_bundle_metagraph": "nothing is kept that could be removed",
    "skip_initialize_tpu": "there is no TPU support",
}

_BATCHING = "pictures of different sizes cannot share a batch, and padding would change the stylized image"
_TFLITE = "the models are SavedModels"
_XLA = "the models run without XLA"

# Flags of tensorflow_model_server that ask for what this server does not do.
REFUSED = {
    "enable_batching": _BATCHING,
    "batching_parameters_file": _BATCHING,
    "enable_per_model_batching_parameters": _BATCHING,
    "prefer_tflite_model": _TFLITE,
    "num_tflite_pools": _TFLITE,
    "num_tflite_interpreters_per_pool": _TFLITE,
    "use_alts_credentials": "ALTS works on Google's own machines only; use --ssl_config_file",
    "platform_config_file": "there is one platform, tensorflow; use --tensorflow_session_config_file",
    "thread_pool_factory_config_file": "TensorFlow's own threads are used; use --tensorflow_session_parallelism",
    "mixed_precision": "the model computes in the precision it was exported with",
    "xla_cpu_compilation_enabled": _XLA,
    "xla_gpu_compilation_enabled": _XLA,
}


class Parser(argparse.ArgumentParser):
    """A parser that takes flags by their full names only and tells the nearest name of one it does not know."""

    def __init__(self, **options: Any):
        super().__init__(allow_abbrev=False, **options)

    def parse_flags(self, argv: Sequence[str] | None) -> argparse.Namespace:
        """The arguments; an unknown one ends the process with exit code 2."""
        parsed, unknown = self.parse_known_args(argv)
        if unknown:
            self._refuse_unknown(unknown[0])
        return parsed

    def _refuse_unknown(self, argument: str) -> NoReturn:
        name = argument.partition("=")[0]
        if not name.startswith("-"):
            self.error(f"expected only flags, got {argument!r}; models are named with --models_dir DIR")
        known = [option for action in self._actions for option in action.option_strings if option.startswith("--")]
        near = difflib.get_close_matches("--" + name.lstrip("-"), known, n=1, cutoff=0)
        self.error(f"unknown flag {name}; the nearest is {near[0]}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the server's flags to a parser."""
    for flag in fields(Flags):
        _add(parser, flag)
    for name, reason in WITHOUT_EFFECT.items():
        parser.add_argument(
            f"--{name}",
            action=_WithoutEffect,
            reason=reason,
            nargs="?",
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )
    for name, reason in REFUSED.items():
        parser.add_argument(
            f"--{name}",
            type=_refuser(reason),
            nargs="?",
            const="true",
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )


def _add(parser: argparse.ArgumentParser, flag: "Field[Any]") -> None:
    options: dict[str, Any] = {"type": flag.metadata["parse"], "metavar": flag.metadata["metavar"]}
    if flag.metadata["parse"] is _bool:
        options |= {"nargs": "?", "const": True}
    default = getattr(Flags(), flag.name)
    parser.add_argument(f"--{flag.name}", default=default, help=flag.metadata["help"], **options)


class _WithoutEffect(argparse.Action):
    def __init__(self, *args: Any, reason: str, **options: Any):
        super().__init__(*args, **options)
        self._reason = reason

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        print(f"{parser.prog}: {option_string} has no effect here: {self._reason}", file=sys.stderr)


def _refuser(reason: str) -> Callable[[str], None]:
    """Refuses all but what asks for nothing, so that the defaults may be written out."""

    def parse(text: str) -> None:
        if text.lower() not in ("", "0", "false"):
            raise argparse.ArgumentTypeError(f"not done here: {reason}")

    return parse
