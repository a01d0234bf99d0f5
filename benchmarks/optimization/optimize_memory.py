"""The memory that an optimization takes: measured, beside what `tfstyle optimize` estimates before it starts.

    python -m benchmarks.optimization.optimize_memory [--sizes 256 512 1024] [--iterations 6]

Each size is a process of its own that paints scikit-image's `astronaut`, enlarged, in the style of `coffee`, coarse to
fine, as `tfstyle optimize` does by default. Peak memory is of the whole process, TensorFlow included; it does not grow
with the iterations.
"""

import argparse
import resource
import subprocess
import sys
from collections.abc import Sequence

SIZES = (256, 512, 1024)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="N", help="px (256 512 1024)")
    parser.add_argument("--iterations", type=int, default=6, metavar="N", help="of each picture (default: 6)")
    parser.add_argument("--only", type=int, metavar="N", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.only:
        print(f"{peak_gb(args.only, args.iterations):.2f}")
        return 0

    from tfstyle.optimization.memory_estimate import BASE_BYTES, bytes_per_pixel

    print("     pixels   peak GB   estimate GB")
    for size in args.sizes:
        command = [sys.executable, "-m", "benchmarks.optimization.optimize_memory", "--only", str(size)]
        command += ["--iterations", str(args.iterations)]
        peak = float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        estimate = (BASE_BYTES + bytes_per_pixel() * size**2) / 1e9
        print(f"{f'{size}x{size}':>11}   {peak:7.2f}   {estimate:11.2f}", flush=True)
    return 0


def peak_gb(size: int, iterations: int) -> float:
    """Of this process, which must not have painted before, in 10^9 bytes."""
    import numpy as np
    import skimage.data
    from PIL import Image

    from tfstyle.imaging.photo import Photo
    from tfstyle.optimization.objective import StyleTarget
    from tfstyle.optimization.optimize import optimize

    astronaut = Image.fromarray(skimage.data.astronaut()).resize((size, size), Image.Resampling.BICUBIC)
    styles = [StyleTarget(name="coffee", pixels=skimage.data.coffee())]
    optimize(Photo(np.asarray(astronaut)), styles, iterations=iterations)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    sys.exit(main())
