"""Where a command gets its painter from, and how it shows progress."""

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from tfstyle.painter import Painter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --server, --model and --threads."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--server", metavar="HOST:PORT", help="paint on this server instead of in this process")
    source.add_argument(
        "--model", metavar="PATH", help="folder of a model or of one version (default: saved_models/tfstyle, newest)"
    )
    parser.add_argument("--threads", metavar="N", type=int, help="CPU threads in this process (default: every core)")


def open_painter(args: argparse.Namespace) -> "Painter":
    """The painter that the arguments ask for.

    Raises:
        StyleTransferError: If there is no complete model, or nobody answers at the server's address.
    """
    from tfstyle.painter import Painter

    if args.server:
        from serving.client import StyleClient

        return Painter(StyleClient(args.server))
    return Painter(model=args.model, threads=args.threads)


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
