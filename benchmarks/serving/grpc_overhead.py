"""What a request through gRPC costs over the bare model call, and a whole command with and without a server.

    python -m benchmarks.serving.grpc_overhead [MODEL] [--size 512] [--pairs 15] [--commands 9] [--json]

Bare: decode a JPEG, call `serving_default`, encode a JPEG, all with TensorFlow in this process. Through gRPC: send the
same JPEG to `encoded` of a server in a process of its own on this machine. Both run with TensorFlow's default threads,
in turns, and the order within a pair changes, so that a machine that gets slower meanwhile harms both alike.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import one_sentence
from benchmarks.serving.style_server import encoded_request, photo_jpeg, served
from serving.client import StyleClient
from tfstyle.imaging.photo import JPEG_QUALITY
from tfstyle.model_store.versions import find_model

MIN_PAIRS = 9


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 2 if there is no model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--size", type=int, default=512, metavar="N", help="pixels a side (default: 512)")
    parser.add_argument("--pairs", type=int, default=15, metavar="N", help=f"at least {MIN_PAIRS} (default: 15)")
    parser.add_argument("--commands", type=int, default=9, metavar="N", help="pairs of commands (default: 9; 0: none)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    if args.pairs < MIN_PAIRS:
        parser.error(f"expected at least {MIN_PAIRS} pairs, got {args.pairs}: fewer say little")
    result = measure(find_model(args.model), size=args.size, pairs=args.pairs, commands=args.commands)
    print(json.dumps(result, indent=2) if args.json else _report(result))
    return 0


def measure(model: Path, *, size: int = 512, pairs: int = 15, commands: int = 9) -> dict[str, Any]:
    """Seconds and ratios.

    Args:
        model: A version's folder.
        size: Pixels a side of the photo.
        pairs: Requests of each kind.
        commands: Whole commands of each kind.

    Returns:
        `request` and `command`, each with the medians of `bare` and `grpc` in seconds, the median, smallest and
        largest `ratio` grpc / bare of the pairs, and their number.
    """
    photo = photo_jpeg(size)
    with served(model) as address, StyleClient(address) as client, tempfile.TemporaryDirectory() as folder:
        catalog = client.styles()
        request = encoded_request(photo, len(catalog))
        bare = _bare_call(model, photo, request["region_weights"][0])
        result = {"request": _alternate(bare, lambda: client.predict("encoded", request), pairs)}
        if commands:
            path = Path(folder) / "photo.jpg"
            path.write_bytes(photo)
            command = [sys.executable, "-m", "tfstyle", "stylize", str(path), "--style", catalog.names[0]]
            command += ["-o", str(Path(folder) / "painting.jpg")]
            result["command"] = _alternate(
                lambda: _run([*command, "--engine", "tensorflow", "--model", str(model)]),
                lambda: _run([*command, "--server", address]),
                commands,
            )
    return {"size": size, **result}


def _bare_call(model: Path, photo: bytes, weights: np.ndarray) -> Callable[[], object]:
    import tensorflow as tf

    signature = tf.saved_model.load(str(model)).signatures["serving_default"]
    style_weights = tf.constant(weights)

    def call() -> object:
        image = tf.io.decode_jpeg(photo, channels=3, dct_method="INTEGER_ACCURATE")
        stylized = signature(image=image[None], style_weights=style_weights)["stylized"]
        return tf.io.encode_jpeg(stylized[0], quality=JPEG_QUALITY, chroma_downsampling=False).numpy()

    return call


def _alternate(bare: Callable[[], object], grpc: Callable[[], object], pairs: int) -> dict[str, float]:
    for call in (bare, grpc, bare, grpc):  # the first calls allocate, trace and fill the page cache
        call()
    seconds: dict[str, list[float]] = {"bare": [], "grpc": []}
    for pair in range(pairs):
        order = [("bare", bare), ("grpc", grpc)]
        for name, call in order if pair % 2 == 0 else reversed(order):
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    ratios = [over / under for over, under in zip(seconds["grpc"], seconds["bare"], strict=True)]
    return {
        "bare": statistics.median(seconds["bare"]),
        "grpc": statistics.median(seconds["grpc"]),
        "ratio": statistics.median(ratios),
        "smallest_ratio": min(ratios),
        "largest_ratio": max(ratios),
        "pairs": pairs,
    }


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _report(result: dict[str, Any]) -> str:
    lines = [f"{result['size']}x{result['size']} pixels   in-process   gRPC      ratio (smallest..largest), pairs"]
    for key, name in (("request", "one request"), ("command", "tfstyle stylize")):
        if key not in result:
            continue
        row = result[key]
        lines.append(
            f"{name:<16}  {row['bare']:8.3f} s  {row['grpc']:7.3f} s  {row['ratio']:.3f} "
            f"({row['smallest_ratio']:.3f}..{row['largest_ratio']:.3f}), {row['pairs']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
