"""What the bot adds between an update and the sent painting: everything but the model's own time.

    python -m benchmarks.bot_overhead [--photos 30] [--size 1280] [--json]

The real bot process between a Bot API double and a stub style server, all on this machine. The stub answers with a
painting made beforehand, so what is left is the bot: storing, the status message, fetching, sending to the server and
back, and delivering. Measured from the moment that the update is there to be asked for until the painting has arrived;
in turns without and with a gradient mask, since making masks is the bot's own work. Between two photos there is a
pause, or this would measure how the bot keeps Telegram's rates.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from serving import codec
from serving.calls import PREDICT
from serving.protos import wire_pb2
from tests.bot.bot_api import BotApi, Person, photo_bytes
from tests.bot.process import BotProcess
from tests.fakes import CATALOG, FakePredictor
from tests.serving.fake_server import answering

LIMIT_MS = 150
MIN_PHOTOS = 10
_PAUSE = 0.3  # seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=30, metavar="N", help="photos of each kind (default: 30)")
    parser.add_argument("--size", type=int, default=1280, metavar="N", help="pixels of the longer side (default: 1280)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    if args.photos < MIN_PHOTOS:
        parser.error(f"expected at least {MIN_PHOTOS} photos, got {args.photos}: fewer say little")
    result = measure(args.photos, args.size)
    print(json.dumps(result, indent=2) if args.json else _report(result))
    return 0


def measure(photos: int, size: int) -> dict[str, Any]:
    """Milliseconds from update to painting.

    Args:
        photos: Of each kind.
        size: Pixels of the longer side; the shorter one has three quarters.

    Returns:
        `size`, `photos`, seconds from `start` to the first poll, `resident_mb` before and after, and for `plain` and
        `masked` the median, the 95th percentile and the largest.
    """
    photo = photo_bytes(size, size * 3 // 4)
    kinds = {"plain": "scream", "masked": "scream left"}
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder, BotApi() as api, answering({PREDICT: _Stub(photo)}) as server:
        bot = BotProcess(api, server, Path(folder))
        started = bot.start()
        try:
            before = bot.resident_mb()
            for number in range(-2, photos):  # the first ones open connections and fill caches
                order = list(kinds.items())
                for kind, caption in order if number % 2 else reversed(order):
                    time.sleep(_PAUSE)
                    person = Person(api, 1000 + 2 * number + (kind == "masked"))
                    began = time.perf_counter()
                    person.wait_for_answer(person.send_photo(photo, caption))
                    if number >= 0:
                        taken[kind].append(1000 * (time.perf_counter() - began))
            after = bot.resident_mb()
        finally:
            bot.stop()
    return {
        "size": size,
        "photos": photos,
        "start_seconds": started,
        "resident_mb": {"before": before, "after": after},
        **{kind: _summary(times) for kind, times in taken.items()},
    }


class _Stub:
    """Answers `describe` as the fake model, and every painting with the same bytes at once."""

    def __init__(self, painting: bytes):
        catalog = replace(CATALOG, max_pixels=4_000_000)
        self._describe = self._message(FakePredictor(catalog).predict("describe", {}))
        self._painting = self._message({"image_bytes": np.array([painting], object)})

    def __call__(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        signature = wire_pb2.PredictRequest.FromString(request).model_spec.signature_name
        return self._describe if signature == "describe" else self._painting

    @staticmethod
    def _message(outputs: dict[str, Any]) -> bytes:
        response = wire_pb2.PredictResponse()
        response.model_spec.version.value = 1
        for name, array in outputs.items():
            response.outputs[name].CopyFrom(codec.encode(array))
        return response.SerializeToString()


def _summary(times: list[float]) -> dict[str, float]:
    return {
        "median_ms": statistics.median(times),
        "p95_ms": statistics.quantiles(times, n=20, method="inclusive")[-1],
        "largest_ms": max(times),
    }


def _report(result: dict[str, Any]) -> str:
    memory = result["resident_mb"]
    lines = [
        f"start to first poll {result['start_seconds']:.1f} s; resident {memory['before']:.0f} MB before the first "
        f"photo, {memory['after']:.0f} MB after {2 * result['photos']}; {os.cpu_count()} CPUs",
        f"{result['size']} px             median      p95  largest   (limit {LIMIT_MS} ms)",
    ]
    for kind, name in (("plain", "a photo"), ("masked", "with a mask")):
        row = result[kind]
        lines.append(f"{name:<16} {row['median_ms']:7.0f}  {row['p95_ms']:7.0f}  {row['largest_ms']:7.0f}   ms")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
