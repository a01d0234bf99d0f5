"""Get photos to train on, and see what is usable of those there are."""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tfstyle.commands.shared.argument_types import whole

if TYPE_CHECKING:
    from rich.progress import Progress

    from tfstyle.training.photo_dataset import PhotoSet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two actions: coco and check."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    coco = actions.add_parser("coco", help="download a split of COCO 2017", allow_abbrev=False)
    coco.add_argument(
        "--split",
        choices=("val2017", "train2017"),
        required=True,
        help="val2017: 5 000 photos, 0.8 GB; train2017: 118 287 photos, 19 GB",
    )
    coco.add_argument(
        "--to", metavar="DIR", default="data", help="folder for the zip (default: data); call again to resume"
    )

    check = actions.add_parser("check", help="count the photos that training can use", allow_abbrev=False)
    check.add_argument("source", nargs="+", metavar="SOURCE", help="folder of photos, COCO zip, or .tar")
    check.add_argument(
        "--min-side", metavar="PIXELS", type=whole(1), default=64, help="shortest usable side of a photo (default: 64)"
    )


def run(args: argparse.Namespace) -> int:
    """Run one of the actions."""
    return {"coco": _download, "check": _check}[args.action](args)


def _download(args: argparse.Namespace) -> int:
    from tfstyle.training.coco import download

    with _bytes_bar() as bar:
        tasks = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(f"{stage} {args.split}.zip", total=total)
            bar.update(tasks[stage], completed=done)

        path = download(args.split, args.to, report=report)
    print(f"{path} is complete. To train on it: tfstyle train RECIPE --photos {path}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from tfstyle.training.photo_dataset import open_photos

    photos = open_photos(args.source, min_side=args.min_side)
    _decode_all(photos)
    counts = {"usable": photos.usable, "gray-scale": 0, "corrupt": 0, "too small": 0} | photos.skipped
    for what, count in counts.items():
        print(f"{what:<12}{count:>8}")
    for name, reason in photos.rejected:
        if reason == "corrupt":
            print(f"corrupt: {name}")
    return 0


def _decode_all(photos: "PhotoSet") -> None:
    """Decode every photo once, with a progress bar; the damaged ones end up in `photos.rejected`."""
    from tfstyle.commands.shared.stylizers import progress_bar
    from tfstyle.training.photo_dataset import CorruptPhotoError

    def decode(index: int) -> None:
        with suppress(CorruptPhotoError):
            photos.decode(index, min_side=1)  # all of a JPEG's data is read at any scale, and 1/8 is the fastest

    with progress_bar() as bar, ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in bar.track(threads.map(decode, range(len(photos))), total=len(photos), description="decoding"):
            pass


@contextmanager
def _bytes_bar() -> "Iterator[Progress]":
    """A progress bar on stderr that counts bytes; it shows nothing where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        yield bar
