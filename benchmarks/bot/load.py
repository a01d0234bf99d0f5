"""A hundred photos at once from fifty chats: how long until all are answered, in which order, in how much memory.

    python -m benchmarks.bot.load [--photos 100] [--chats 50] [--greedy 12] [--server HOST:PORT] [--quick] [--json]

The real bot process with a Bot API double that enforces Telegram's rates, which are what bounds this: 30 messages a
second in all, and each photo takes two, its status message and the edit that turns it into the painting. So 100 photos
take at least 200 / 30 s; the ratio printed is the time they took to that. Without --server a stub paints, which takes
--seconds for each.

One chat sends --greedy photos before the others send theirs. A plain queue would answer all of these first; what is
counted is how many come before every other chat has one painting.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from bot.settings import Settings
from testing.bot_api import BotApi, Person, photo_bytes
from testing.bot_process import BotProcess
from testing.style_server import style_server

LIMIT_MB = 250.0
_RATE, _CALLS = 30, 2  # Telegram's messages a second, and those of a photo
_LONGEST = 1800.0  # seconds to wait for all answers


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if an answer is missing or doubled, or Telegram had to ask for patience."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=100, metavar="N", help="photos in all (default: 100)")
    parser.add_argument("--chats", type=int, default=50, metavar="N", help="chats they come from (default: 50)")
    parser.add_argument("--greedy", type=int, default=12, metavar="N", help="photos of the first chat (default: 12)")
    parser.add_argument("--size", type=int, default=640, metavar="N", help="pixels of the longer side (default: 640)")
    parser.add_argument("--seconds", type=float, default=0.25, metavar="S", help="of one painting of the stub")
    parser.add_argument("--server", metavar="HOST:PORT", help="a real style server instead of the stub")
    parser.add_argument("--quick", action="store_true", help="20 photos from 8 chats, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    if args.quick:
        args.photos, args.chats, args.greedy = 20, 8, 6
    if args.chats < 2 or args.greedy < 1 or args.photos < args.greedy + args.chats - 1:
        parser.error(
            f"expected two chats or more and a photo for each, got {args.photos} photos, {args.greedy} of them from "
            f"the first of {args.chats} chats"
        )
    result = measure(
        args.photos, args.chats, greedy=args.greedy, size=args.size, seconds=args.seconds, server=args.server
    )
    print(json.dumps(result, indent=2) if args.json else _report(result))
    return 0 if result["answers"] == [1] and not result["refused_by_telegram"] else 1


def measure(
    photos: int, chats: int, *, greedy: int, size: int, seconds: float, server: str | None = None
) -> dict[str, Any]:
    """Send everything at once and wait.

    Returns:
        Seconds to the first, middle and last answer; the least that the last could take, and the `ratio` to it; how
        many answers photos got (`[1]` if each got one); how many answers the greedy chat got before every other chat
        had one; peak resident memory; how often Telegram answered 429.
    """
    data = photo_bytes(size, size * 3 // 4)
    with (
        tempfile.TemporaryDirectory() as folder,
        BotApi() as api,
        nullcontext((None, server)) if server else style_server() as (model, address),
        BotProcess(api, str(address), Path(folder)) as bot,
    ):
        if model is not None:
            model.seconds = seconds
        people = [Person(api, 1 + number) for number in range(chats)]
        peak = bot.resident_mb()
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.05):
                peak = max(peak, bot.resident_mb())

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.perf_counter()
        senders = [people[0]] * greedy + [people[1 + number % (chats - 1)] for number in range(photos - greedy)]
        sent = [(person, person.send_photo(data, "scream")) for person in senders]
        answered: dict[int, float] = {}
        chats_in_order: list[int] = []

        def look() -> bool:
            for person, photo in sent:
                if photo not in answered and person.answers_to(photo):
                    answered[photo] = time.perf_counter() - began
                    chats_in_order.append(person.chat_id)
            return len(answered) == photos

        api.wait_for(look, seconds=_LONGEST, what="all answers")
        done.set()
        watcher.join()
        times = sorted(answered.values())
        everybody = max(chats_in_order.index(person.chat_id) for person in people[1:])
        painting = 0.0 if server else photos * seconds / Settings.model_fields["concurrency"].default
        least = max(_CALLS * photos / _RATE, painting)
        return {
            "photos": photos,
            "chats": chats,
            "first_seconds": times[0],
            "median_seconds": times[len(times) // 2],
            "last_seconds": times[-1],
            "least_seconds": least,
            "ratio": times[-1] / least,
            "answers": sorted({len(person.answers_to(photo)) for person, photo in sent}),
            "greedy": greedy,
            "greedy_before_everybody": chats_in_order[:everybody].count(people[0].chat_id),
            "peak_mb": peak,
            "refused_by_telegram": sum(call.error == 429 for call in api.calls),
        }


def _report(result: dict[str, Any]) -> str:
    peak = result["peak_mb"]
    return (
        f"{result['photos']} photos from {result['chats']} chats: first answer after {result['first_seconds']:.1f} s, "
        f"half after {result['median_seconds']:.1f} s, all after {result['last_seconds']:.1f} s\n"
        f"all / the least that Telegram's rates and the painters allow, {result['least_seconds']:.1f} s: "
        f"{result['ratio']:.2f}\n"
        f"answers to a photo: {result['answers']}; of {result['greedy']} photos of the chat that came first, answered "
        f"before every other chat had one: {result['greedy_before_everybody']} (a plain queue: {result['greedy']})\n"
        f"peak resident memory {peak:.0f} MB (limit {LIMIT_MB:g}{'' if peak <= LIMIT_MB else ', MISSED'}); 429 from "
        f"Telegram: {result['refused_by_telegram']} (limit 0)"
    )


if __name__ == "__main__":
    sys.exit(main())
