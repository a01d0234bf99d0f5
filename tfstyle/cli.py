"""The command `tfstyle`: reads its arguments, runs one sub-command, and turns errors into one line and exit code 2.

Each sub-command is a module in `tfstyle/commands/` with `HELP`, `add_arguments(parser)` and `run(args) -> int`; a dash
in its name is an underscore there. All are imported for every call, so what is heavy is imported inside `run`. A module
with `PASS_ON = True` gets the arguments that it did not declare as `args.rest`.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from tfstyle import __version__
from tfstyle.errors import StyleTransferError

COMMANDS = (
    "demo", "stylize", "bulk", "styles", "sheet", "mask", "serve", "train", "add-style", "optimize", "export",
    "publish", "evaluate", "data", "info",
)  # fmt: skip

# Which extra of the package brings what a command could not import.
_EXTRAS = {
    "tensorflow": "model",
    "keras": "model",
    "h5py": "model",
    "tensorflow_serving": "serve",
    "grpc_health": "serve",
    "tensorboard": "train",
    "httpx": "train",
    "scipy": "optimize",
    "psutil": "optimize",
    "ray": "bulk",
    "pyarrow": "bulk",
    "matplotlib": "plot",
    "pymatting": "matting",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Args:
        argv: Arguments without the program's name; None takes the process's.

    Returns:
        The exit code: 0, or 2 if something was refused or went wrong, which is then said on stderr.
    """
    args = parse(argv)
    try:
        return args.run(args)
    except StyleTransferError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRAS:
            raise
        return _fail(
            f"{args.command} needs {package}, which is not installed; pip install 'tfstyle[{_EXTRAS[package]}]'."
        )
    except BrokenPipeError:  # whoever read our output has seen enough, as in `tfstyle styles | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")
    except KeyboardInterrupt:
        return 130


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments of one command line; `run` is what carries it out. Wrong ones end the process with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="tfstyle", description="Photos in, paintings out: fast neural style transfer.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"tfstyle {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"tfstyle.commands.{name.replace('-', '_')}")
        pass_on = getattr(module, "PASS_ON", False)
        subparser = subparsers.add_parser(
            name, help=module.HELP, description=module.__doc__, add_help=not pass_on, allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run, pass_on=pass_on)
    args, rest = parser.parse_known_args(argv)
    if rest and not args.pass_on:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    args.rest = rest
    return args


def _fail(message: str) -> int:
    print(f"tfstyle: {' '.join(message.split())}", file=sys.stderr)
    return 2
