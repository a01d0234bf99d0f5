"""What the bot adds between an update and the sent painting, what it occupies, and how fast it starts.

    python -m benchmarks.bot.overhead [--photos 30] [--size 1280] [--quick] [--json]

The real bot process between a Bot API double and a stub style server, all on this machine. The stub answers with a
painting made beforehand, so what is left is the bot: storing, the status message, fetching, sending to the server and
back, and delivering. Measured from the moment that the update is there to be asked for until the painting has arrived.

The rival does the bare minimum: the same calls of the Bot API and of the server one after the other, nothing stored,
nothing queued. In each round it, the bot, and the bot with a gradient mask (masks are the bot's own work) take turns in
changing order, so that a machine that gets slower meanwhile harms all alike; the ratio is that of the medians. Between
two photos there is a pause, or this would measure how the bot keeps Telegram's rates. At the end one person is masked,
which loads the segmenter. Figures over the limits are marked; nothing else depends on them.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np

from benchmarks.measuring import cpu_seconds
from serving import codec
from serving.client import StyleClient
from serving.client.calls import PREDICT
from serving.protos import wire_pb2
from testing.bot_api import BotApi, Person, photo_bytes
from testing.bot_process import BotProcess
from testing.fake_model import CATALOG, FakePredictor
from testing.fake_server import answering

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {"added_ms": 150.0, "start_seconds": 3.0, "before_mb": 150.0, "after_mb": 250.0}
MIN_PHOTOS, QUICK_PHOTOS = 10, 3
WARM_UP = 2  # photos of each kind, which open connections and fill caches
_PAUSE = 0.3  # seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=30, metavar="N", help="photos of each kind (default: 30)")
    parser.add_argument("--size", type=int, default=1280, metavar="N", help="pixels of the longer side (default: 1280)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PHOTOS} photos, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    if args.photos < MIN_PHOTOS:
        parser.error(f"expected at least {MIN_PHOTOS} photos, got {args.photos}: fewer say little")
    result = measure(QUICK_PHOTOS if args.quick else args.photos, args.size)
    print(json.dumps(result, indent=2) if args.json else _report(result))
    return 0


def measure(photos: int, size: int) -> dict[str, Any]:
    """Milliseconds from update to painting.

    Args:
        photos: Of each kind.
        size: Pixels of the longer side; the shorter one has three quarters.

    Returns:
        `size`, `photos`, `start_seconds` to the first poll, `before_mb` resident before the first photo, `photos_mb`
        after all, `after_mb` after the first person was masked; `cpu_seconds` of the bot for each of its photos; for
        `bare`, `plain` and `masked` the `median_ms`, `p95_ms` and `largest_ms`; `ratio` of the medians plain / bare.
    """
    photo = photo_bytes(size, size * 3 // 4)
    stub = _Stub(photo)
    with tempfile.TemporaryDirectory() as folder, BotApi() as api, answering({PREDICT: stub}) as server:
        bot = BotProcess(api, server, Path(folder))
        started = bot.start()
        try:
            before, worked = bot.resident_mb(), cpu_seconds(bot.process.pid)
            with _Bare(api, server) as bare:
                kinds: dict[str, Callable[[int], None]] = {
                    "bare": lambda number: bare.paint(photo, number),
                    "plain": lambda number: _ask(api, photo, "scream", 10_000 + number),
                    "masked": lambda number: _ask(api, photo, "scream left", 20_000 + number),
                }
                taken = _alternate(kinds, photos)
            after_photos = bot.resident_mb()
            worked = (cpu_seconds(bot.process.pid) - worked) / (2 * (photos + WARM_UP))
            stub.stylized = (ROOT / "tfstyle" / "assets" / "astronaut.jpg").read_bytes()
            _ask(api, stub.stylized, "scream person", 30_000)
            after = bot.resident_mb()
        finally:
            bot.stop()
    result = {kind: _summary(times) for kind, times in taken.items()}
    return {
        "size": size,
        "photos": photos,
        "start_seconds": started,
        "before_mb": before,
        "photos_mb": after_photos,
        "after_mb": after,
        "cpu_seconds": worked,
        "ratio": result["plain"]["median_ms"] / result["bare"]["median_ms"],
        **result,
    }


def _alternate(kinds: dict[str, Callable[[int], None]], photos: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(-WARM_UP, photos):
        order = list(kinds.items())
        for kind, paint in order if number % 2 else reversed(order):
            time.sleep(_PAUSE)
            began = time.perf_counter()
            paint(number + WARM_UP)
            if number >= 0:
                taken[kind].append(1000 * (time.perf_counter() - began))
    return taken


def _ask(api: BotApi, photo: bytes, caption: str, user_id: int) -> None:
    person = Person(api, 1 + user_id)  # a chat of its own, so that none is slowed down
    person.wait_for_answer(person.send_photo(photo, caption))


class _Bare:
    """The calls that a painting needs, and nothing around them."""

    def __init__(self, api: BotApi, server: str):
        self._api = api
        self._server = server

    def __enter__(self) -> "_Bare":
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self._api.port}", timeout=30)
        self._styles = StyleClient(self._server)
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._styles.close()

    def paint(self, photo: bytes, number: int) -> None:
        """Do for one photo what the bot's user sees of it."""
        chat_id = 40_000 + number
        file_id = self._api.store_file(photo)
        message = self._call("sendMessage", {"chat_id": chat_id, "text": "Painting …"})
        path = self._call("getFile", {"file_id": file_id})["file_path"]
        data = self._http.get(f"/file/bot{self._api.token}/{path}").raise_for_status().content
        painting = self._styles.stylize_encoded(data, "the_scream").data
        media = json.dumps({"type": "photo", "media": "attach://painting"})
        edit = {"chat_id": str(chat_id), "message_id": str(message["message_id"]), "media": media}
        self._call("editMessageMedia", edit, files={"painting": painting})

    def _call(self, method: str, fields: dict[str, Any], **options: Any) -> dict[str, Any]:
        answer = self._http.post(f"/bot{self._api.token}/{method}", data=fields, **options)
        return answer.raise_for_status().json()["result"]


class _Stub:
    """Answers `describe` as the fake model, and every painting with the same bytes at once.

    Attributes:
        stylized: Those bytes.
    """

    def __init__(self, stylized: bytes):
        catalog = replace(CATALOG, max_pixels=4_000_000)
        self._describe = _message(FakePredictor(catalog).predict("describe", {}))
        self.stylized = stylized

    def __call__(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        signature = wire_pb2.PredictRequest.FromString(request).model_spec.signature_name
        return (
            self._describe if signature == "describe" else _message({"image_bytes": np.array([self.stylized], object)})
        )


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
    def limited(name: str, value: float) -> str:
        return f"limit {LIMITS[name]:g}{'' if value <= LIMITS[name] else ', MISSED'}"

    start, before, after = result["start_seconds"], result["before_mb"], result["after_mb"]
    lines = [
        f"start to first poll {start:.1f} s ({limited('start_seconds', start)})",
        f"resident before the first photo {before:.0f} MB ({limited('before_mb', before)}), after "
        f"{result['photos']} of each kind {result['photos_mb']:.0f} MB, after the first person masked {after:.0f} MB "
        f"({limited('after_mb', after)})",
        f"{result['size']} px, {result['photos']} photos     median      p95  largest   ms, on {os.cpu_count()} CPUs",
    ]
    for kind, name in (("bare", "the calls alone"), ("plain", "the bot"), ("masked", "the bot, with a mask")):
        row = result[kind]
        limit = "" if kind == "bare" else f"   ({limited('added_ms', row['median_ms'])})"
        lines.append(f"{name:<20} {row['median_ms']:8.0f} {row['p95_ms']:8.0f} {row['largest_ms']:8.0f}{limit}")
    lines.append(f"the bot works {result['cpu_seconds']:.3f} CPU seconds for a photo")
    lines.append(f"the bot / the calls alone: {result['ratio']:.2f} (medians, in turns)")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
