"""What a client costs before its first call: seconds and memory to import it, beside TensorFlow Serving's own stubs.

    python -m benchmarks.serving.client_import [--pairs 5] [--json]

Each import runs in a Python of its own, in turns, and the seconds are those of the whole process less those of a
Python that imports nothing. Memory is the most that was resident (Linux).
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

IMPORTS = {
    "nothing": "pass",
    "serving.client": "import serving.client",
    "tensorflow_serving.apis": "from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc",
}
_PEAK = "\nimport re\nprint(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5, metavar="N", help="imports of each kind (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    result = measure(args.pairs)
    print(json.dumps(result, indent=2) if args.json else _report(result))
    return 0


def measure(pairs: int) -> dict[str, dict[str, float]]:
    """Medians of `seconds` and `megabytes` by what was imported, and the medians of the ratios to the client's."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in IMPORTS}
    for name in IMPORTS:
        _import(name)  # fills the page cache and writes bytecode
    for turn in range(pairs):
        for name in IMPORTS if turn % 2 == 0 else reversed(IMPORTS):
            runs[name].append(_import(name))
    bare = statistics.median(seconds for seconds, _ in runs.pop("nothing"))
    client = runs["serving.client"]
    return {
        name: {
            "seconds": statistics.median(seconds for seconds, _ in measured) - bare,
            "megabytes": statistics.median(megabytes for _, megabytes in measured),
            "ratio": statistics.median(
                (seconds - bare) / (own - bare) for (seconds, _), (own, _) in zip(measured, client, strict=True)
            ),
        }
        for name, measured in runs.items()
    }


def _import(name: str) -> tuple[float, float]:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS[name] + _PEAK],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    return time.perf_counter() - began, int(done.stdout) / 1024


def _report(result: dict[str, dict[str, float]]) -> str:
    lines = [f"{'import':<24}  seconds  resident  times the client's seconds"]
    lines += [
        f"{name:<24}  {row['seconds']:7.2f}  {row['megabytes']:5.0f} MB  {row['ratio']:.1f}"
        for name, row in result.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
