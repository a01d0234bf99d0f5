"""Paint a million photos, in many processes, on this machine or a cluster.

PHOTOS is a folder with its sub-folders, a glob, or a manifest: a .txt file with a path a line, or a .csv file with a
column "path". A painting goes to the photo's place under OUT. What cannot be painted becomes a row in OUT/errors.csv,
and the exit code is then 1. The same command goes on where it was stopped or killed, and with photos that came later.

  tfstyle bulk photos/ --style starry_night -o paintings/
  tfstyle bulk "photos/**/*.jpg" --style starry_night:60,the_scream:40 --strength 0.7 -o paintings/
  tfstyle bulk photos.csv --style the_scream --max-size 1024 --format jpeg -o paintings/
  tfstyle bulk /mnt/photos --style the_scream -o /mnt/paintings --address auto --gpus 1
"""

import argparse
import hashlib
import os
import signal
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.commands.shared import stylize_arguments
from tfstyle.commands.shared.argument_types import whole
from tfstyle.engines.local import DEFAULT_ENGINE, LOCAL_ENGINES
from tfstyle.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfstyle.batch.output_folder import Settings
    from tfstyle.contract.style_vector import StyleVector
    from tfstyle.masks.mask import MaskSource
    from tfstyle.stylize.options import StylizeOptions

NEEDS = ("ray",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Photos, how to paint them, where paintings go, and who paints."""
    parser.add_argument("photos", metavar="PHOTOS", help="a folder, a glob in quotes, or a manifest (.txt, .csv)")
    stylize_arguments.add_arguments(parser)
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="folder of the paintings, made if missing")
    parser.add_argument(
        "--format", choices=("jpeg", "png", "webp"), help="what to write (default: as the photo, where that can be)"
    )
    parser.add_argument(
        "--model", metavar="PATH", help="folder of a model or of one version (default: saved_models/tfstyle, newest)"
    )
    parser.add_argument(
        "--engine", choices=LOCAL_ENGINES, default=DEFAULT_ENGINE, help="what runs the network (default: onnx)"
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=whole(1),
        help="processes, each with the model in memory (default: as many as CPUs, or GPUs, and memory allow)",
    )
    parser.add_argument(
        "--threads", metavar="N", type=whole(1), help="CPU threads of each process (default: its share of the CPUs)"
    )
    parser.add_argument(
        "--gpus",
        metavar="G",
        type=_share,
        help="GPUs of each process, such as 1 or 0.25; 0: none (default: 1 where there are any)",
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of a Ray cluster, or auto on one of its machines; photos, OUT and the model must be there under the same "
        "paths (default: this machine alone)",
    )


def run(args: argparse.Namespace) -> int:
    """Paint what is not painted yet; 1 where some photos could not be."""
    from tfstyle.batch import job
    from tfstyle.batch.inputs import find_photos
    from tfstyle.batch.output_folder import ERRORS_FILE
    from tfstyle.commands.shared.progress import BulkProgress
    from tfstyle.model_store.versions import find_model
    from tfstyle.stylize.stylizer import Stylizer

    model, folder = find_model(args.model).absolute(), Path(os.path.abspath(args.output))
    stylizer = Stylizer(args.engine, model)
    options = stylize_arguments.options_of(args, stylizer)
    for name in options.names:
        _ = stylizer.styles()[name]  # an unknown style is said once, not once a photo
    sent = _with_contents(options)
    photos = find_photos(args.photos, folder)
    work = job.Job(
        photos=photos,
        folder=folder,
        model=model,
        engine=args.engine,
        options=sent,
        format=args.format,
        settings=_settings(args, options, sent, photos.base, model),
        address=args.address,
        workers=args.workers,
        threads=args.threads,
        gpus=_gpus(args),
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill ends the processes as Ctrl-C does
    with BulkProgress() as progress:
        try:
            outcome = job.run(work, progress.report)
        except KeyboardInterrupt:
            progress.say("Stopped; the same command goes on from here.")
            return 130
        where = f", see {folder / ERRORS_FILE}" if outcome.failed else ""
        progress.say(f"Done: {outcome.painted} painted, {outcome.there} were there, {outcome.failed} failed{where}")
    return 1 if outcome.failed else 0


def _gpus(args: argparse.Namespace) -> float | None:
    """GPUs of each process; none where ONNX Runtime would leave them idle."""
    if args.engine != "onnx":
        return args.gpus
    from tfstyle.engines.onnx_session import CPU, providers

    if providers() != [CPU]:
        return args.gpus
    if args.gpus:
        raise RequestError(
            "Expected an ONNX Runtime that runs on GPUs for --gpus, got one for CPUs; pip install onnxruntime-gpu, or "
            "use --engine tensorflow."
        )
    return 0.0


def _content(place: "MaskSource") -> "MaskSource":
    """A mask by name as it is, a file as its bytes."""
    from tfstyle.imaging.photo import read_bytes
    from tfstyle.masks.mask import NAMES

    return place if place in NAMES else read_bytes(place)[0]


def _with_contents(options: "StylizeOptions") -> "StylizeOptions":
    """With the contents of mask files in place of their names: other machines do not have them."""
    if options.regions is None:
        return replace(options, mask=None if options.mask is None else _content(options.mask))
    return replace(options, regions=[(_content(mask), mix) for mask, mix in options.places if mask is not None])


def _settings(
    args: argparse.Namespace, options: "StylizeOptions", sent: "StylizeOptions", base: Path, model: Path
) -> "Settings":
    """All that decides which images are in the folder and how they look, by the words on the command line."""
    from tfstyle.model_store.versions import fingerprint

    names = [field.name for field in fields(options) if field.name != "format"]
    written = {name: getattr(args, name, None) for name in ("style", "regions")}
    own = {f"--{name.replace('_', '-')}": vars(args)[name] for name in ("style_image", "match") if name in vars(args)}
    files = hashlib.sha256(b"".join(mask for mask, _ in sent.places if isinstance(mask, bytes)))
    return {
        "photos": str(base),
        "--model": f"{model.parent.name} {model.name}, {fingerprint(model)}",
        **{f"--{name.replace('_', '-')}": written.get(name, getattr(options, name)) for name in names},
        "--format": args.format,
        "mask files": files.hexdigest()[:16],
        **(own | {"style vectors": _digest(options.vectors)} if options.vectors else {}),
    }


def _digest(styles: "Sequence[StyleVector]") -> str:
    return hashlib.sha256(b"".join(style.values.tobytes() for style in styles)).hexdigest()[:16]


def _share(text: str) -> float:
    with suppress(ValueError):
        number = float(text)
        if number >= 0 and (number <= 1 or number.is_integer()):  # as Ray has it
            return number
    raise argparse.ArgumentTypeError(f"expected a whole number or a part of 1, got {text!r}")
