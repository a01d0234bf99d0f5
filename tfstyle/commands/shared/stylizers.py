"""Where a command gets its stylizer from, and how it shows progress."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tfstyle.commands.shared.argument_types import whole
from tfstyle.engines.local import LOCAL_ENGINES
from tfstyle.errors import MaskError, PhotoError, RequestError, StyleTransferError

if TYPE_CHECKING:
    from rich.progress import Progress

    from serving.client.connection import Tls
    from tfstyle.stylize.stylizer import Stylizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --engine, --server with --label and its --tls options, --model and --threads."""
    source = parser.add_mutually_exclusive_group()
    parser.add_argument(
        "--engine",
        metavar="ENGINE",
        type=engine,
        help="what runs the network: onnx or tensorflow in this process, or a server's HOST:PORT (default: onnx)",
    )
    source.add_argument(
        "--server",
        metavar="HOST:PORT",
        help="the same as --engine HOST:PORT; several take turns: A:PORT,B:PORT or dns:///NAME:PORT",
    )
    source.add_argument(
        "--model", metavar="PATH", help="folder of a model or of one version (default: saved_models/tfstyle, newest)"
    )
    parser.add_argument("--label", metavar="LABEL", help="the server's version with this label (default: its newest)")
    parser.add_argument("--tls", action="store_true", help="encrypt; the server's certificate must be a public one")
    parser.add_argument(
        "--tls-ca", metavar="FILE", help="encrypt; PEM file of the authority that vouches for the server"
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="PEM file of this client's certificate (mutual TLS)")
    parser.add_argument("--tls-key", metavar="FILE", help="PEM file of its private key")
    parser.add_argument(
        "--threads", metavar="N", type=whole(1), help="CPU threads in this process (default: every core)"
    )


@contextmanager
def open_stylizer(args: argparse.Namespace) -> "Iterator[Stylizer]":
    """The stylizer that the arguments ask for; a connection to a server is closed afterwards.

    Raises:
        RequestError: If --label or a --tls option comes without a server, or --engine and --server or --model exclude
            each other.
        StyleTransferError: If there is no complete model, or nobody answers at the server's address.
    """
    from tfstyle.stylize.stylizer import Stylizer

    if server := server_of(args):
        from serving.client import StyleClient

        tls = _tls(args) if _wants_tls(args) else None
        with StyleClient(server, label=args.label or "", tls=tls) as client:
            yield Stylizer(client)
    elif args.label:
        raise RequestError(f"Expected --server together with --label, got no --server to ask for {args.label!r}.")
    elif _wants_tls(args):
        raise RequestError("Expected --server together with --tls options, got no --server to encrypt to.")
    else:
        yield Stylizer(args.engine, args.model, threads=args.threads)


def faults_of_one_photo(args: argparse.Namespace) -> tuple[type[StyleTransferError], ...]:
    """The errors after which the next photo is worth a try; any other would hit every photo."""
    faults: tuple[type[StyleTransferError], ...] = (PhotoError, MaskError, RequestError)
    if not server_of(args):
        return faults
    from serving.client.errors import ServerBusyError

    return (*faults, ServerBusyError)


def engine(text: str) -> str:
    """An argparse type for what runs the network."""
    if text not in LOCAL_ENGINES and ":" not in text:
        raise argparse.ArgumentTypeError(f"expected {', '.join(LOCAL_ENGINES)} or HOST:PORT, got {text!r}")
    return text


def server_of(args: argparse.Namespace) -> str | None:
    """The address of the server that is asked for; None where this process paints."""
    if args.engine is None or args.engine in LOCAL_ENGINES:
        if args.engine and args.server:
            raise RequestError(f"Expected --engine {args.engine} or --server, got both.")
        return args.server
    if args.server or args.model:
        other = "--server" if args.server else "--model"
        raise RequestError(f"Expected {other} or a server as --engine, got both.")
    return args.engine


def _wants_tls(args: argparse.Namespace) -> bool:
    return bool(args.tls or args.tls_ca or args.tls_cert or args.tls_key)


def _tls(args: argparse.Namespace) -> "Tls":
    from serving.client.connection import Tls

    return Tls(ca=args.tls_ca, cert=args.tls_cert, key=args.tls_key)


def progress_bar(*, quiet: bool = False) -> "Progress":
    """A progress bar on stderr; it shows nothing where stderr is no terminal, but its console prints there too."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, markup=False, highlight=False, soft_wrap=True),
        transient=True,
        redirect_stdout=False,
        disable=quiet or not sys.stderr.isatty(),
    )
