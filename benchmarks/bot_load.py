"""A hundred photos at once from fifty chats: how long until all are answered, in which order, in how much memory.

    python -m benchmarks.bot_load [--photos 100] [--chats 50] [--size 640] [--seconds 0.25] [--server HOST:PORT]

The real bot process with a Bot API double that enforces Telegram's rates, which are what bounds this: 30 messages a
second in all, and each photo takes two, its status message and the edit that turns it into the painting. Without
--server a stub paints, which takes --seconds for each.
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

from tests.bot.bot_api import BotApi, Person, photo_bytes
from tests.bot.process import BotProcess
from tests.bot.style_server import style_server

_LONGEST = 1800.0  # seconds to wait for all answers


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if an answer is missing or doubled, or Telegram had to ask for patience."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=100, metavar="N", help="photos in all (default: 100)")
    parser.add_argument("--chats", type=int, default=50, metavar="N", help="chats they come from (default: 50)")
    parser.add_argument("--size", type=int, default=640, metavar="N", help="pixels of the longer side (default: 640)")
    parser.add_argument("--seconds", type=float, default=0.25, metavar="S", help="of one painting of the stub")
    parser.add_argument("--server", metavar="HOST:PORT", help="a real style server instead of the stub")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    result = measure(args.photos, args.chats, size=args.size, seconds=args.seconds, server=args.server)
    print(json.dumps(result, indent=2) if args.json else _report(result))
    return 0 if result["answers"] == [1] and not result["refused_by_telegram"] else 1


def measure(photos: int, chats: int, *, size: int, seconds: float, server: str | None = None) -> dict[str, Any]:
    """Send everything at once and wait.

    Returns:
        Seconds to the first, middle and last answer; how many answers photos got (`[1]` if each got one); how many
        chats had their first answer before any had its last; peak resident memory; how often Telegram answered 429.
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
        sent = [(people[number % chats], people[number % chats].send_photo(data, "scream")) for number in range(photos)]
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
        complete = next(
            index
            for index in range(photos)
            if chats_in_order[: index + 1].count(chats_in_order[index]) == photos // chats
        )
        return {
            "photos": photos,
            "chats": chats,
            "first_seconds": times[0],
            "median_seconds": times[len(times) // 2],
            "last_seconds": times[-1],
            "answers": sorted({len(person.answers_to(photo)) for person, photo in sent}),
            "chats_served_before_one_was_done": len(set(chats_in_order[:complete])),
            "peak_mb": peak,
            "refused_by_telegram": sum(call.error == 429 for call in api.calls),
        }


def _report(result: dict[str, Any]) -> str:
    return (
        f"{result['photos']} photos from {result['chats']} chats: first answer after {result['first_seconds']:.1f} s, "
        f"half after {result['median_seconds']:.1f} s, all after {result['last_seconds']:.1f} s\n"
        f"answers to a photo: {result['answers']}; chats with an answer before the first one had all of its own: "
        f"{result['chats_served_before_one_was_done']}\n"
        f"peak resident memory {result['peak_mb']:.0f} MB; 429 from Telegram: {result['refused_by_telegram']}"
    )


if __name__ == "__main__":
    sys.exit(main())
