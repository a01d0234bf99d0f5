"""Memory and time of large pictures: each in a process of its own, from a photo's pixels to a painting's.

    python -m benchmarks.stylize.large_pictures [MODEL] [--runs 3] [--quick] [--json]

`one style` is the signature `serving_default` on the whole picture, what the graph alone takes. The others go through
`tfstyle.Stylizer`, so their photos and paintings are packed as PNG: `mask, colours kept` and `two regions` on the whole
picture (stroke `native`), `default stroke` painted at 1280 x 1280 pixels' worth and brought back. Peak memory is of
the whole process, TensorFlow and the loaded model (`before`) included; seconds are the median after a first run.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measuring import one_sentence
from tfstyle.commands.demo import SAMPLE_PHOTO
from tfstyle.model_store.versions import find_model

SIZES = ((1920, 1080), (2560, 1440), (3840, 2160))  # width x height
QUICK_SIZES = ((320, 180), (640, 360))
REQUESTS = ("one style", "mask, colours kept", "two regions", "default stroke")


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 2 if there is no model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="runs of each after the first (default: 3)")
    parser.add_argument("--quick", action="store_true", help="small pictures, one run: only to see that it works")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--only", nargs=3, metavar=("WIDTH", "HEIGHT", "REQUEST"), help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    runs = 1 if args.quick else args.runs
    model = find_model(args.model)
    if args.only:
        width, height, request = args.only
        print(json.dumps(measure(model, int(width), int(height), request, runs=runs)))
        return 0
    if not args.json:
        print(f"{'pixels':>10}  {'request':<18}  peak GB  before GB  seconds", flush=True)
    rows = []
    for width, height in QUICK_SIZES if args.quick else SIZES:
        for request in REQUESTS:
            rows.append(_in_a_process(model, width, height, request, runs))
            if not args.json:
                print(_line(rows[-1]), flush=True)
    if args.json:
        print(json.dumps(rows, indent=2))
    return 0


def measure(model: Path, width: int, height: int, request: str, *, runs: int = 3) -> dict[str, Any]:
    """Paint in this process, which must not have painted before: its peak is what is measured.

    Args:
        model: A version's folder.
        width, height: Of the photo, pixels.
        request: One of `REQUESTS`.
        runs: How often after the first time.

    Returns:
        `width`, `height`, `request`, `seconds` (median), and `peak_gb` and `before_gb` of the process, in 10^9 bytes.
    """
    from tfstyle.engines.saved_model import SavedModelEngine

    predictor = SavedModelEngine(model)
    with Image.open(SAMPLE_PHOTO) as sample:
        photo = np.asarray(sample.convert("RGB").resize((width, height), Image.Resampling.BICUBIC))
    call = _call(predictor, photo, request)
    before = _peak_gb()
    seconds = []
    for _ in range(1 + runs):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return {
        "width": width,
        "height": height,
        "request": request,
        "seconds": statistics.median(seconds[1:]),
        "peak_gb": _peak_gb(),
        "before_gb": before,
    }


def _call(predictor: Any, photo: np.ndarray, request: str) -> Callable[[], object]:
    from tfstyle import Stylizer

    if request == "one style":
        inputs = {"image": photo[None], "style_weights": np.ones((1, 1), np.float32)}
        return lambda: predictor.predict("serving_default", inputs)
    stylizer = Stylizer(predictor)
    first, *others = stylizer.styles().names
    options: dict[str, dict[str, Any]] = {
        "mask, colours kept": {"style": first, "mask": "left", "preserve_color": True, "stroke": "native"},
        "two regions": {"regions": f"left={first},right={(others or [first])[0]}", "stroke": "native"},
        "default stroke": {"style": first},
    }
    return lambda: stylizer.stylize(photo, **options[request])


def _in_a_process(model: Path, width: int, height: int, request: str, runs: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.stylize.large_pictures", str(model), "--runs", str(runs)]
    command += ["--only", str(width), str(height), request]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _line(row: dict[str, Any]) -> str:
    size = f"{row['width']}x{row['height']}"
    return f"{size:>10}  {row['request']:<18}  {row['peak_gb']:7.2f}  {row['before_gb']:9.2f}  {row['seconds']:7.2f}"


if __name__ == "__main__":
    sys.exit(main())
