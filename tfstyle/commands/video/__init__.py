"""Paint a video, without flicker.

Reads what FFmpeg reads, GIF and animated WebP; the suffix of -o says what is written: .mp4, .mov, .mkv, .webm, .gif or
.webp. Sound, subtitles and times of frames stay as they are. Without -o the painted video goes into the current folder
as VIDEO.STYLE.mp4 (.webm, ...: as the video).

A run that is ended, even killed, goes on where it was with the same command. Ctrl-C leaves what is painted so far as a
video that plays.

  tfstyle video clip.mp4 --style starry_night
  tfstyle video clip.mp4 --style starry_night --preview
  tfstyle video clip.mp4 --style the_scream --mask background --start 12 --end 20 -o scream.mp4
  tfstyle video clip.mov --style great_wave --strength 0.8 --preserve-color --max-size 720 -o wave.webm
  tfstyle video dance.gif --style udnie -o dance.webp
  tfstyle video film.mkv --style rain_princess --engine gpu1:8500,gpu2:8500
"""

import argparse
import json
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.commands.shared import stylize_arguments, stylizers
from tfstyle.commands.shared.argument_types import fraction, whole

if TYPE_CHECKING:
    from tfstyle.stylize.options import StylizeOptions
    from tfstyle.stylize.stylizer import Stylizer
    from tfstyle.video.selection import Selection
    from tfstyle.video.video_painter import PaintedVideo

NEEDS = ("av", "cv2")

_INTERRUPTED = 130
_WORKERS_A_SERVER = 2  # frames under way to each: one is painted while the other travels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The video, how to paint it, where it goes, and who paints."""
    parser.add_argument("video", metavar="VIDEO", help="a video, a GIF or an animated WebP")
    stylize_arguments.add_arguments(parser)
    parser.add_argument("-o", "--output", metavar="OUT", help="file, or folder (default: current folder)")
    parser.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    parser.add_argument(
        "--start", metavar="S", type=fraction, default=Fraction(0), help="seconds, or H:M:S, to begin at"
    )
    parser.add_argument("--end", metavar="S", type=fraction, help="seconds, or H:M:S, to end at (default: all)")
    parser.add_argument("--fps", metavar="N", type=fraction, help="frames a second (default: the video's own times)")
    parser.add_argument(
        "--crf", metavar="N", type=whole(0), help="quality, 0 is best (default: 20; .webm: 24, as VP9 counts)"
    )
    parser.add_argument(
        "--stability",
        metavar="S",
        type=float,
        help="how long strokes stay with what they were painted on, 0 (painted anew in each frame) to 1 (default: 0.5)",
    )
    parser.add_argument(
        "--preview",
        action="store_true",
        help="only paint every 60th frame, on one sheet: VIDEO.STYLE.preview.jpg, or -o FILE.jpg",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object about the result")
    stylizers.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Paint the video, or a sheet of some of its frames."""
    from tfstyle.engines.onnx_session import available_cpus

    server = stylizers.server_of(args)
    if server:
        workers = _WORKERS_A_SERVER * (server.count(",") + 1)
    else:  # one frame a core: threads of one frame wait for each other
        workers, args.threads = args.threads or available_cpus(), 1
    _leave_cores_to_painters()
    with stylizers.open_stylizer(args) as stylizer:
        return _run(args, stylizer, workers)


def _run(args: argparse.Namespace, stylizer: "Stylizer", workers: int) -> int:
    from tfstyle.contract.style_mix import name_of
    from tfstyle.video.preview import write_preview
    from tfstyle.video.selection import DEFAULT_MAX_SIZE, Selection

    options = stylize_arguments.options_of(args, stylizer)
    selection = Selection(start=args.start, end=args.end, fps=args.fps, max_size=options.max_size or DEFAULT_MAX_SIZE)
    label = "+".join(dict.fromkeys(name_of(style) for style in options.styles))
    if args.preview:
        path = _preview_path(args, label)
        frames = write_preview(args.video, path, stylizer, options, selection)
        print(f"{args.video} -> {path} ({frames} frames)", file=sys.stderr)
        return 0
    return _paint(args, selection, _output(args, label), stylizer, options, workers)


def _paint(
    args: argparse.Namespace,
    selection: "Selection",
    output: Path,
    stylizer: "Stylizer",
    options: "StylizeOptions",
    workers: int,
) -> int:
    from tfstyle.commands.video.progress import VideoProgress
    from tfstyle.video.stabilizer import DEFAULT_STABILITY
    from tfstyle.video.video_painter import paint_video

    with VideoProgress(args.video, quiet=args.json) as progress:
        began = time.perf_counter()
        painted = paint_video(
            args.video,
            output,
            stylizer,
            options,
            selection=selection,
            stability=DEFAULT_STABILITY if args.stability is None else args.stability,
            crf=args.crf,
            workers=workers,
            overwrite=args.overwrite,
            report=progress.report,
        )
    seconds = time.perf_counter() - began
    rate = (painted.frames - painted.resumed) / max(seconds, 1e-6)
    if args.json:
        _print_json(args, painted, seconds)
    for note in painted.notes:
        print(f"{args.video}: {note}", file=sys.stderr)
    for fault in painted.faults:
        print(f"tfstyle: {fault} What there was is painted.", file=sys.stderr)
    size = f"{painted.width}x{painted.height}"
    if not painted.whole:
        print(
            f"tfstyle: interrupted; {output} has the first {painted.frames} frames, and the same command goes on.",
            file=sys.stderr,
        )
        return _INTERRUPTED
    print(f"{args.video} -> {output} ({size}, {painted.frames} frames, {rate:.1f} frames/s)", file=sys.stderr)
    return 2 if painted.faults else 0


def _leave_cores_to_painters() -> None:
    """Or OpenCV's threads wait for each other on cores that paint."""
    import cv2

    from tfstyle.engines.onnx_session import available_cpus

    cv2.setNumThreads(max(1, available_cpus() // 4))


def _print_json(args: argparse.Namespace, painted: "PaintedVideo", seconds: float) -> None:
    result = {
        "video": args.video,
        "output": str(painted.path),
        "width": painted.width,
        "height": painted.height,
        "frames": painted.frames,
        "resumed": painted.resumed,
        "whole": painted.whole,
        "seconds": round(seconds, 3),
        "notes": list(painted.notes),
        "faults": list(painted.faults),
    }
    print(json.dumps(result))


def _output(args: argparse.Namespace, label: str) -> Path:
    from tfstyle.video.files.formats import DEFAULT_SUFFIX, FORMATS

    source = Path(args.video)
    suffix = source.suffix.lower() if source.suffix.lower() in FORMATS else DEFAULT_SUFFIX
    name = f"{source.stem}.{label}{suffix}"
    if args.output is None:
        return Path(name)
    output = Path(args.output)
    return output / name if output.is_dir() or args.output.endswith("/") else output


def _preview_path(args: argparse.Namespace, label: str) -> Path:
    name = f"{Path(args.video).stem}.{label}.preview.jpg"
    if args.output is None:
        return Path(name)
    output = Path(args.output)
    if output.is_dir() or args.output.endswith("/"):
        return output / name
    return output if output.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") else output.with_suffix(".preview.jpg")
