"""Frames a second and memory of `tfstyle video`, with strokes carried and without.

python -m benchmarks.video.speed [VIDEO] [--style NAME] [--seconds 4] [--engine NAME]

Without a video it writes one: a photo that is panned over, 640x360 and 1280x720. Each run is a process of its own; the
seconds that it takes to start and to load the model are counted, as somebody who waits counts them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tfstyle.imaging.photo import read_photo

SIZES = (640, 1280)
RATE = 25


def main() -> None:
    """Print a line a size and stability."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", nargs="?", metavar="VIDEO")
    parser.add_argument("--style", default="starry_night")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--engine", default="onnx")
    args = parser.parse_args()
    print(f"{'size':>5}  stability  frames/s  CPU ms a frame  memory MB")
    with tempfile.TemporaryDirectory() as folder:
        video = args.video or str(pan(Path(folder) / "pan.mp4", round(args.seconds * RATE)))
        for size in SIZES:
            for stability in ("0", "0.5"):
                output = Path(folder) / f"{size}.{stability}.mp4"
                command = [sys.executable, "-m", "tfstyle", "video", video, "--style", args.style, "--json"]
                command += ["--max-size", str(size), "--stability", stability, "--end", str(args.seconds)]
                command += ["--engine", args.engine, "-o", str(output)]
                process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                answer = process.stdout.read()  # type: ignore[union-attr]
                _, status, usage = os.wait4(process.pid, 0)
                if status:
                    raise SystemExit(f"{' '.join(command)} failed.")
                result = json.loads(answer)
                spent = usage.ru_utime + usage.ru_stime
                frames = result["frames"]
                print(
                    f"{size:5}  {stability:>9}  {frames / result['seconds']:8.1f}  {1000 * spent / frames:14.0f}"
                    f"  {usage.ru_maxrss / 1024:9.0f}",
                    flush=True,
                )


def pan(path: Path, frames: int) -> Path:
    """A video of 1280x720: a photo that the camera moves over, 2 px a frame."""
    photo = read_photo(Path(__file__).parents[2] / "tfstyle" / "assets" / "astronaut.jpg").to_pil()
    wide = np.asarray(photo.resize((1280 + 2 * frames, 1280 + 2 * frames), Image.Resampling.LANCZOS))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(frames):
            pixels = np.ascontiguousarray(wide[number : number + 720, 2 * number : 2 * number + 1280])
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


if __name__ == "__main__":
    main()
