"""The embedded server's flags: the names and meanings of `tensorflow_model_server`, as far as they are supported."""

import argparse
import os
from dataclasses import dataclass, fields
from pathlib import Path

DEFAULT_PORT = 8500


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What `add_arguments` parses; the defaults are the flags' own."""

    host: str = "0.0.0.0"
    port: int = DEFAULT_PORT
    models_dir: Path | None = None
    model_name: str | None = None
    model_base_path: Path | None = None
    tensorflow_session_parallelism: int = 0
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0
    grpc_max_threads: int = 4 * (os.cpu_count() or 1)
    enable_serialization_as_tensor_content: bool = False
    enable_model_warmup: bool = True

    @classmethod
    def from_args(cls, args: argparse.Namespace) -> "Flags":
        """Pick the server's flags out of parsed arguments."""
        return cls(**{field.name: getattr(args, field.name) for field in fields(cls)})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the server's flags to a parser."""
    default = Flags()
    parser.add_argument("--host", default=default.host, metavar="HOST", help="address to listen on (default: all)")
    parser.add_argument(
        "--port", type=_port, default=default.port, metavar="N", help="gRPC port (default: 8500); 0 picks a free one"
    )
    parser.add_argument(
        "--models_dir",
        type=Path,
        metavar="DIR",
        help="folder of models, all of which are served (default: $TFSTYLE_MODELS, else saved_models/)",
    )
    parser.add_argument(
        "--model_name",
        metavar="NAME",
        help="serve only this model; with --model_base_path, what requests call it (default there: default)",
    )
    parser.add_argument(
        "--model_base_path", type=Path, metavar="DIR", help="one model's folder, which holds its versions"
    )
    parser.add_argument(
        "--tensorflow_session_parallelism",
        type=_count,
        default=0,
        metavar="N",
        help="threads within and between operations (default: one each CPU); not with the next two",
    )
    parser.add_argument(
        "--tensorflow_intra_op_parallelism",
        type=_count,
        default=0,
        metavar="N",
        help="threads within one operation (default: one each CPU); in a container, its CPU limit",
    )
    parser.add_argument(
        "--tensorflow_inter_op_parallelism",
        type=_count,
        default=0,
        metavar="N",
        help="operations that run at once (default: one each CPU)",
    )
    parser.add_argument(
        "--grpc_max_threads",
        type=_positive,
        default=default.grpc_max_threads,
        metavar="N",
        help="requests that are worked on at once (default: 4 each CPU); fewer need less memory",
    )
    _add_bool(
        parser,
        "--enable_serialization_as_tensor_content",
        default=False,
        help="answer raw bytes instead of one field per number; faster for arrays of pixels (default: false)",
    )
    _add_bool(
        parser, "--enable_model_warmup", default=True, help="run the model's warm-up requests first (default: true)"
    )


def _add_bool(parser: argparse.ArgumentParser, name: str, *, default: bool, help: str) -> None:
    parser.add_argument(name, type=_bool, nargs="?", const=True, default=default, metavar="true|false", help=help)


def _bool(text: str) -> bool:
    match text.lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
    raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of threads, 0 or more, got {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of threads, 1 or more, got {text!r}")
    return int(text)
