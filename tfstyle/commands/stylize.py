"""Paint photos.

Photos are files, folders (the photos directly in them) or - for stdin. Without -o a painting goes into the current
folder as PHOTO.STYLE.jpg (.png, .webp: as the photo), that of stdin to stdout. A photo that was given is never
overwritten.

  tfstyle stylize photo.jpg --style starry_night
  tfstyle stylize photo.jpg --style starry_night:60,the_scream:40 --strength 0.7 --preserve-color
  tfstyle stylize photo.jpg --style great_wave --mask radial --fade 1 -o wave.png
  tfstyle stylize photo.jpg --style the_scream --mask background
  tfstyle stylize photo.jpg --regions "left=the_scream,right=starry_night:2+great_wave" --fade 0.2
  tfstyle stylize photo.jpg --style the_scream --stroke 1.5
  tfstyle stylize photo.jpg --style-image kiss.jpg
  tfstyle stylize photo.jpg --style-image kiss.jpg:60,sunflowers.jpg:20 --style starry_night:20
  tfstyle stylize photo.jpg --regions "left=kiss.jpg,right=kiss.style:2+great_wave"
  tfstyle stylize holiday/ --style rain_princess --max-size 1024 -o paintings/ --server localhost:8500
  cat photo.jpg | tfstyle stylize - --style the_scream > painting.jpg
"""

import argparse
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tfstyle.commands.shared import stylize_arguments, stylizers
from tfstyle.errors import RequestError

if TYPE_CHECKING:
    from tfstyle.commands.shared.outputs import Outputs
    from tfstyle.imaging.photo import Photo
    from tfstyle.stylize.options import StylizeOptions
    from tfstyle.stylize.stylizer import Stylizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Photos, how to paint them, where paintings go, and who paints."""
    parser.add_argument("photos", metavar="PHOTO", nargs="+", help="a photo, a folder of photos, or - for stdin")
    parser.add_argument("--recursive", action="store_true", help="photos in sub-folders, too; OUT gets the same ones")
    stylize_arguments.add_arguments(parser)
    parser.add_argument("-o", "--output", metavar="OUT", help="file, folder, or - for stdout (default: current folder)")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object per photo, one a line; the first one's seconds include loading the model",
    )
    stylizers.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Stylize every photo; a bad one, or an output that cannot be written, is reported and the rest go on."""
    with stylizers.open_stylizer(args) as stylizer:
        return _run(args, stylizer)


def _run(args: argparse.Namespace, stylizer: "Stylizer") -> int:
    from tfstyle.commands.shared.outputs import Outputs, as_json, list_photos
    from tfstyle.contract.style_mix import name_of

    options = stylize_arguments.options_of(args, stylizer)
    photos = list_photos(args.photos, recursive=args.recursive)
    label = "+".join(dict.fromkeys(name_of(style) for style in options.styles))
    kept = [place for place, _ in options.places if isinstance(place, str)] + stylize_arguments.files_of(args)
    roots = args.photos if args.recursive else ()
    outputs = Outputs(args.output, photos, label, kept, roots)
    if args.json and outputs.to_stdout:
        raise RequestError("Expected stdout for either JSON or the painting, got both; use -o FILE.")
    faults = stylizers.faults_of_one_photo(args)
    refused = unwritten = 0
    with stylizers.progress_bar(quiet=args.json) as progress:
        for name in options.names:
            _ = stylizer.styles()[name]  # an unknown style is said once, not once a photo
        earlier = outputs.of_earlier_runs(photos, args.photos, stylizer.styles().names)
        if earlier:
            photos = [photo for photo in photos if photo not in earlier]
            outputs = Outputs(args.output, photos, label, kept, roots)  # which may take their names again
            progress.console.print(f"tfstyle: {len(earlier)} paintings of earlier runs were passed over.")
        task = progress.add_task("painting", total=len(photos))
        for photo in photos:
            progress.update(task, description=photo)
            try:
                result = _stylize(stylizer, photo, outputs, options)
            except faults as error:
                refused += 1
                result = {"photo": photo, "error": str(error), "kind": type(error).__name__}
            except BrokenPipeError:
                raise
            except OSError as error:  # of this output; the next one may lie elsewhere, or be smaller
                unwritten += 1
                result = {"photo": photo, "error": f"{error.filename}: {error.strerror}.", "kind": "OSError"}
            if args.json:
                print(as_json(result), flush=True)
            else:
                for line in _lines(result):
                    progress.console.print(line)
            progress.advance(task)
        if refused + unwritten and len(photos) > 1 and not args.json:
            progress.console.print(f"tfstyle: {refused + unwritten} of {len(photos)} photos were not painted.")
    return 2 if refused else int(unwritten > 0)


def _stylize(stylizer: "Stylizer", source: str, outputs: "Outputs", options: "StylizeOptions") -> dict[str, Any]:
    from tfstyle.commands.shared.outputs import write
    from tfstyle.imaging.photo import check_sides, format_for

    started = time.perf_counter()
    photo = _read(source)
    path = outputs.path_for(photo)
    format = format_for(path) if path else photo.writable_format()
    check_sides(format, photo if options.max_size is None else photo.resize_to(options.max_size))
    stylized = stylizer.stylize(photo, replace(options, format="jpeg" if format == "jpeg" else "png"))
    del photo  # a large one and its painting and what encodes it are too much at once
    if format == "jpeg":
        stylized = stylized.on_white()
    write(stylized.encode(format, metadata=options.metadata), path)
    return {
        "photo": source,
        "output": str(path) if path else "-",
        "width": stylized.width,
        "height": stylized.height,
        "seconds": round(time.perf_counter() - started, 3),
        "notes": list(stylized.notes),
    }


def _read(source: str) -> "Photo":
    from tfstyle.commands.shared.outputs import STREAM
    from tfstyle.imaging.photo import read_photo

    return read_photo(sys.stdin.buffer, name="stdin") if source == STREAM else read_photo(source)


def _lines(result: dict[str, Any]) -> list[str]:
    """What a person reads about one photo, on stderr."""
    if "error" in result:
        return [f"tfstyle: {result['error']}"]
    lines = [f"{result['photo']}: {note}" for note in result["notes"]]
    size, seconds = f"{result['width']}x{result['height']}", f"{result['seconds']:.1f} s"
    return [*lines, f"{result['photo']} -> {result['output']} ({size}, {seconds})"]
