"""Add a style to a trained model, from one painting, in minutes.

The model's next version is written beside the newest one, with the new style as its last and the others exactly as
they were. Servers pick it up by themselves. With --again a style that the model has is learned further, or from
another picture of its painting, and replaces itself.

  tfstyle add-style kiss.jpg --name the_kiss --photos holiday/
  tfstyle add-style kiss.jpg --name the_kiss --photos coco/val2017.zip --minutes 30 --artist "Gustav Klimt" --year 1908
  tfstyle add-style kiss.jpg --name the_kiss --photos holiday/ --again
"""

import argparse
import math
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.errors import ModelError, RequestError
from tfstyle.training.time_budget import Budget

if TYPE_CHECKING:
    import numpy as np

    from tfstyle.contract.catalog import Catalog
    from tfstyle.training.add_style import NewStyle

MIN_MINUTES = 1.0  # where nothing else runs; how long it takes at least elsewhere is measured
ENOUGH_PHOTOS = 50
PREVIEW_SECONDS = 20.0

NEEDS = ("tensorflow", "keras", "tensorflow_serving")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("painting", metavar="PAINTING", help="a picture of the painting")
    parser.add_argument("--name", required=True, metavar="NAME", help="what requests will call the style")
    parser.add_argument(
        "--photos", nargs="+", metavar="SOURCE", help="photos to learn on: any folder of 50 or more, COCO folder or zip"
    )
    parser.add_argument(
        "--minutes", type=_minutes, default=10.0, metavar="M", help="time it may take in all, saving too (default: 10)"
    )
    parser.add_argument("--again", action="store_true", help="NAME is a style of the model, learned further")
    parser.add_argument("--title", metavar="TEXT", help="the painting's title (default: from the name)")
    parser.add_argument("--artist", default="", metavar="TEXT", help="who painted it")
    parser.add_argument("--year", default="", metavar="TEXT", help="when")
    parser.add_argument("--model", metavar="DIR", help="folder of the model (default: saved_models/tfstyle)")
    parser.add_argument(
        "--preview", metavar="FILE", help="where to watch it get better (default: NAME.preview.jpg here)"
    )


def run(args: argparse.Namespace) -> int:
    """Learn, save, print the new version's folder."""
    budget = Budget(args.minutes)
    folder, catalog = _model_to_extend(args.model)
    _check_name(args.name, catalog, args.again)
    if not args.photos:
        raise RequestError(
            f"Expected --photos with photos to learn on, got none: any folder of {ENOUGH_PHOTOS} or more will do, or "
            "COCO (tfstyle data coco --split val2017)."
        )
    preview = _preview_file(args)
    painting = _read_painting(args.painting)

    from tfstyle.commands.shared.progress import LearningProgress
    from tfstyle.contract.catalog import Style, title_of
    from tfstyle.quiet import quiet_tensorflow
    from tfstyle.training.photo_dataset import open_photos

    photos = open_photos(args.photos)
    known = catalog[args.name] if args.again else Style(args.name, title_of(args.name), "", "")
    style = Style(args.name, args.title or known.title, args.artist or known.artist, args.year or known.year)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill ends it like Ctrl-C
    with LearningProgress(style.name, budget.seconds) as progress:
        doing = f"Learning {style.name} of {folder} again" if args.again else f"Adding {style.name} to {folder}"
        progress.say(f"{doing}. Watch it get better in {preview}.")
        progress.say(photos.summary)
        if len(photos) < ENOUGH_PHOTOS:
            progress.say(f"That is few: with {ENOUGH_PHOTOS} or more, new photos will be painted as well as these.")
        try:
            with quiet_tensorflow():
                from tfstyle.training.add_style import NewStyle

            new = NewStyle(folder, style, painting, photos)
            budget.start_learning()
            progress.say(f"Starts from {_start_of(new)}.")
            shown = -math.inf

            def report(step: int, terms: Mapping[str, float]) -> None:
                nonlocal shown
                progress.report(budget.spent, step, terms)
                if budget.spent > shown + PREVIEW_SECONDS:
                    _write_preview(preview, new, painting)
                    shown = budget.spent

            new.learn(budget, report)
            progress.say(f"Learned for {new.step} steps. Saving.")
            _write_preview(preview, new, painting)
            distances = new.distances()
            version = new.save(distances)
        except KeyboardInterrupt:
            progress.say(
                f"Stopped: {folder} is as it was. The same command starts anew; a smaller --minutes ends sooner."
            )
            return 130
        compared, others = new.known_distances, "before" if new.again else "the other styles"
        beside = f" ({others}: {compared.style:.3f} and {compared.content:.3f})" if compared else ""
        progress.say(
            f"{style.name}: style distance {distances.style:.3f}, content distance {distances.content:.3f}{beside}"
        )
    print(version)
    return 0


def _minutes(text: str) -> float:
    with suppress(ValueError):
        if MIN_MINUTES <= (minutes := float(text)) < math.inf:
            return minutes
    raise argparse.ArgumentTypeError(f"expected a number of minutes, {MIN_MINUTES:g} or more, got {text!r}")


def _model_to_extend(model: str | None) -> "tuple[Path, Catalog]":
    """The folder of the model, and the styles of its newest version.

    Raises:
        ModelError: If it cannot get a further version.
    """
    from tfstyle.contract.catalog import Catalog
    from tfstyle.model_store import versions

    version = versions.find_model(model).absolute()
    folder = version.parent
    found = versions.versions(folder)
    if not found or not found[max(found)].samefile(version):
        raise ModelError(
            f"Expected a model or its newest version, got {version}: styles are only added to the newest, so that "
            "every column stays what it was."
        )
    versions.next_version(folder)
    if not (version / versions.CATALOG_FILE).is_file():
        raise ModelError(
            f"Expected the network itself in {version / 'assets.extra'}, but it is not there; export the model again, "
            "with `tfstyle export`."
        )
    try:
        tempfile.TemporaryDirectory(prefix=".", dir=folder).cleanup()
        if (lock := folder / versions.LOCK).exists():
            lock.open("a").close()
    except OSError as error:
        raise ModelError(
            f"Expected a folder to write the next version into, but {folder} takes none ({error.strerror}); copy the "
            "model elsewhere and give it with --model."
        ) from None
    return folder, Catalog.load(version / versions.CATALOG_FILE)


def _start_of(new: "NewStyle") -> str:
    if new.again:
        return "what it is"
    return new.start.name if new.start else "the mean of all styles"


def _check_name(name: str, catalog: "Catalog", again: bool) -> None:
    from tfstyle.contract.style_mix import STYLE_NAME

    if not STYLE_NAME.fullmatch(name):
        raise RequestError(f"Expected a style name of letters, digits, '_', '-' and '.'. Got {name!r}.")
    if again and name not in catalog.names:
        raise RequestError(
            f"Expected the name of a style to learn again, got {name!r}. Known: {', '.join(catalog.names)}; leave "
            "--again out to add a new one."
        )
    if not again and name in catalog.names:
        raise RequestError(
            f"Expected a new name, and there is a style {name!r} already, which stays as it is. Taken: "
            f"{', '.join(catalog.names)}. Give --again to learn it further."
        )


def _preview_file(args: argparse.Namespace) -> Path:
    from tfstyle.commands.shared.outputs import KnownFiles
    from tfstyle.imaging.photo import format_for

    preview = Path(args.preview or f"{args.name}.preview.jpg")
    format_for(preview)
    if preview in KnownFiles([args.painting]):
        raise RequestError(f"{preview}: this is the painting itself; choose another file with --preview.")
    return preview


def _read_painting(file: str) -> "np.ndarray":
    from tfstyle.imaging.photo import read_photo
    from tfstyle.imaging.style_images import check_style_image

    pixels = read_photo(file).pixels
    check_style_image(pixels, file)
    return pixels


def _write_preview(path: Path, new: "NewStyle", painting: "np.ndarray") -> None:
    """Photos, the painting, and under each photo how it is painted so far."""
    from tfstyle.commands.shared.outputs import write
    from tfstyle.evaluation.distances import resize_short_side
    from tfstyle.imaging.contact_sheet import contact_sheet
    from tfstyle.imaging.photo import Photo, format_for

    height = new.looks.shape[1]
    scale = min(1.0, height / max(painting.shape[:2]))
    shown = resize_short_side(painting, round(scale * min(painting.shape[:2])))
    tiles = [("photo", photo) for photo in new.looks] + [("the painting", shown)]
    tiles += [(f"after {new.step} steps", painted) for painted in new.paint()]
    sheet = Photo(contact_sheet(tiles, columns=len(new.looks) + 1))
    # Under another name and renamed: who watches never sees half a picture.
    temporary = path.with_name(f".{path.name}")
    write(sheet.encode(format_for(path)), temporary)
    temporary.replace(path)
