"""The command `tfstyle`: reads its arguments, runs one sub-command, and turns errors into one line and exit code 2.

Each sub-command is a module in `tfstyle/commands/` with `add_arguments(parser)` and `run(args) -> int`; a dash in its
name is an underscore there. Only the chosen one is imported, and what is heavy inside its `run`: wrong arguments are
refused at once. A module with `PASS_ON = True` gets the arguments that it did not declare as `args.rest`; one with
`NEEDS` names packages of an extra without which nothing is begun.
"""

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Any

from tfstyle import __version__
from tfstyle.errors import StyleTransferError

COMMANDS = {
    "demo": "see it work: the sample photo in every style, through a server of its own",
    "stylize": "paint photos: files, folders, or - for stdin",
    "video": "paint a video, a GIF or an animated WebP, without flicker",
    "bulk": "paint a folder, a glob or a list of photos in many processes, on this machine or a cluster",
    "style": "make a style file of any painting, at once or learned for a minute",
    "styles": "list the styles, or style files",
    "sheet": "one picture of a photo in every style, labelled",
    "studio": "paint in the browser: brush, sliders, before and after",
    "mask": "make a mask: a person, the background, the main object, a gradient",
    "serve": "answer requests over gRPC; tfstyle serve --help lists its options",
    "train": "learn styles from paintings and photos",
    "add-style": "teach a trained model one more style in minutes",
    "optimize": "paint one photo by optimization, in minutes, in the style of any paintings",
    "export": "write trained weights as a model that can be served",
    "publish": "put a version where servers read it; roll back, canary",
    "evaluate": "measure a model, optimization or any pictures: content and style distances",
    "data": "download COCO's photos, or check your own",
    "info": "show the model, its signatures and styles, and the libraries",
}

# Which extra of the package brings what a command could not import.
_EXTRAS = {
    "tensorflow": "model",
    "keras": "model",
    "h5py": "model",
    "onnx": "train",
    "tensorflow_serving": "serve",
    "grpc": "client",
    "google": "client",  # .protobuf
    "grpc_health": "serve",
    "tensorboard": "train",
    "aiohttp": "studio",
    "httpx": "train",
    "scipy": "optimize",
    "psutil": "optimize",
    "ray": "bulk",
    "pyarrow": "bulk",
    "av": "video",
    "cv2": "video",
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
    for stream in (sys.stdout, sys.stderr):  # names of files may be no Unicode, and no name is worth a traceback
        if getattr(stream, "errors", "") == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = parse(argv)
    try:
        for package in args.needs:
            if importlib.util.find_spec(package) is None:
                raise ModuleNotFoundError(f"No module named {package!r}", name=package)
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
    parser = _Parser(
        prog="tfstyle", description="Photos in, paintings out: fast neural style transfer.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"tfstyle {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    argv = sys.argv[1:] if argv is None else argv
    chosen = next((argument for argument in argv if not argument.startswith("-")), None)
    for name, help in COMMANDS.items():
        if name != chosen:
            subparsers.add_parser(name, help=help)
            continue
        module = importlib.import_module(f"tfstyle.commands.{name.replace('-', '_')}")
        pass_on = getattr(module, "PASS_ON", False)
        subparser = subparsers.add_parser(
            name, help=help, description=module.__doc__, add_help=not pass_on, allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run, pass_on=pass_on, needs=getattr(module, "NEEDS", ()))
    args, rest = parser.parse_known_args(argv)
    if rest and not args.pass_on:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    args.rest = rest
    return args


class _Once(argparse.Action):
    """Stores a value; a second one is refused, since it would replace the first in silence."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._given = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if option_string and self._given:
            raise argparse.ArgumentError(self, "expected once, got it several times")
        self._given = bool(option_string)
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    """A parser whose options are taken once, unless they say that they may be repeated."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.register("action", None, _Once)
        self.register("action", "store", _Once)


def _fail(message: str) -> int:
    print(f"tfstyle: {' '.join(message.split())}", file=sys.stderr)
    return 2
