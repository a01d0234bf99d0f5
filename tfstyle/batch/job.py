"""A job: the photos that are not painted yet are painted, and those that cannot be are written down."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tfstyle.batch.inputs import Photos, output_name
from tfstyle.batch.output_folder import OutputFolder, Settings, open_output_folder
from tfstyle.batch.ray_pool import Size, running_ray, work_off
from tfstyle.batch.worker import STOP, BatchWorker, Work
from tfstyle.engines.local import LocalEngine
from tfstyle.errors import BulkError, PhotoError
from tfstyle.imaging.photo import Format
from tfstyle.stylize.options import StylizeOptions

# Told after each photo: how many there are, how many have their stylized image, how many cannot have one.
Report = Callable[[int, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is painted, how, and by how many processes.

    Attributes:
        photos: All of them, painted already or not.
        folder: Where stylized images go, absolute.
        model: Folder of the version that paints, absolute.
        engine: What runs the network.
        options: How to stylize, whatever their format; masks as names or bytes.
        format: What is written; None is each photo's own.
        settings: What `folder` is to hold stylized images of, see `open_output_folder`.
        address: Of a Ray cluster; None is this machine.
        workers, threads, gpus: As for `Size.fitting`.
    """

    photos: Photos
    folder: Path
    model: Path
    engine: LocalEngine
    options: StylizeOptions
    format: Format | None
    settings: Settings
    address: str | None = None
    workers: int | None = None
    threads: int | None = None
    gpus: float | None = None


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How a job ended: stylized images made by it, those that were there before, photos in the table of errors."""

    painted: int
    there: int
    failed: int


def run(job: Job, report: Report = lambda total, done, failed: None) -> JobResult:
    """Paint what is left of a job.

    Raises:
        RequestError: If the folder has other stylized images, or another job writes into it.
        BulkError: If Ray does not run, or a fault would hit every photo.
    """
    with open_output_folder(job.folder, job.settings) as outputs:
        todo = _left(job, outputs)
        total = len(job.photos.files)
        there = total - len(todo) - outputs.errors
        painted = 0
        report(total, there, outputs.errors)
        if todo:
            with running_ray(job.address) as resources:
                size = Size.fitting(resources, workers=job.workers, threads=job.threads, gpus=job.gpus)
                work = Work(
                    model=job.model, engine=job.engine, folder=job.folder, options=job.options, threads=size.threads
                )
                for path, error in _paint(todo, work, size):
                    if error:
                        outputs.add_error(path, error)
                    else:
                        painted += 1
                    report(total, there + painted, outputs.errors)
        return JobResult(painted=painted, there=there, failed=outputs.errors)


def _left(job: Job, outputs: OutputFolder) -> dict[str, str]:
    """Names of stylized images that are not there, by photo; photos that can have none become errors."""
    done, todo = outputs.done(), {}
    for name, path in job.photos.files.items():
        try:
            output = output_name(name, job.format)
        except PhotoError as error:
            outputs.add_error(path, str(error))
            continue
        if output not in done:
            todo[path] = output
    return todo


def _paint(todo: dict[str, str], work: Work, size: Size) -> Iterator[tuple[str, str]]:
    """Pairs of photo and error, empty where there is none."""
    rows = [{"path": os.fsencode(path), "output": os.fsencode(name)} for path, name in todo.items()]
    for row in work_off(rows, BatchWorker, work, size):
        error = os.fsdecode(row["error"])
        if row["state"] == STOP:
            raise BulkError(error)
        yield os.fsdecode(row["path"]), error
