"""The processes of a job, by Ray Data: as many as CPUs and memory allow, on this machine or on a cluster."""

import logging
import math
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tfstyle.errors import BulkError
from tfstyle.quiet import quiet_libraries

WORKER_BYTES = 2 * 2**30  # TensorFlow, the model, and a photo that is painted at 1280 x 1280
_STORE_BYTES = 128 * 2**20  # only names and sentences pass through Ray's object store
_CONNECT_SECONDS = 10
_BLOCKS = 2000  # enough for many processes to end at about the same time, few enough for Ray to count
_BLOCK_ROWS = 64  # at most: what is reported at once


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many processes there are, and what each takes.

    Attributes:
        workers: Processes.
        threads: CPU threads of each.
        cpus, memory, gpus: What each reserves of the cluster: CPUs, bytes, GPUs.
    """

    workers: int
    threads: int
    cpus: float
    memory: float
    gpus: float

    @classmethod
    def fitting(
        cls, resources: dict[str, float], *, workers: int | None, threads: int | None, gpus: float | None
    ) -> "Size":
        """What fits a cluster with these resources, by Ray's names for them; None is as many as fit.

        There is a process for each GPU, or share of one, and where there are none for each CPU, so that no thread waits
        for another; fewer where memory ends first.

        Raises:
            BulkError: If a process wants more GPUs than there are.
        """
        cpus, memory = resources.get("CPU", 1.0), resources.get("memory", math.inf)
        if gpus is None:
            gpus = float("GPU" in resources)
        if gpus > resources.get("GPU", 0):
            raise BulkError(
                f"Expected {gpus:g} GPUs for a process, found {resources.get('GPU', 0):g} in all; use --gpus 0."
            )
        if workers is None:
            shares = resources.get("GPU", 0) / gpus if gpus else cpus / (threads or 1)
            workers = max(1, int(min(shares, memory / WORKER_BYTES)))
        threads = threads or max(1, int(cpus / workers))
        share = cpus / workers
        return cls(
            workers=workers,
            threads=threads,
            cpus=min(threads, int(share)) if share >= 1 else share,  # Ray takes whole CPUs, or a part of one
            memory=min(WORKER_BYTES, memory / workers),
            gpus=gpus,
        )


@contextmanager
def running_ray(address: str | None = None) -> Iterator[dict[str, float]]:
    """Ray's resources, while it runs here or is connected.

    Args:
        address: Of a cluster, or `auto` on one of its machines; None starts Ray on this machine, without a dashboard
            and for nobody else, and ends it afterwards.

    Raises:
        BulkError: If it does not start, or nothing answers there.
        ModuleNotFoundError: If Ray is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if not address and "ray" not in sys.modules:  # which reads this once
        # Its ports are open to the network, and whoever is let in may run programs.
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    import pyarrow  # noqa: F401  what Ray Data wants, before it says so in words of its own
    import ray
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    if address:
        _check_answers(address)
    stop = signal.getsignal(signal.SIGTERM)
    try:
        with quiet_libraries():  # Ray tells even how quiet it was told to be
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                include_dashboard=None if address else False,
                object_store_memory=None if address else _STORE_BYTES,
            )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        if not address:
            raise BulkError(f"Ray does not start on this machine ({error}).") from None
        advice = "if it wants a token, set RAY_AUTH_MODE=token"
        raise BulkError(f"No Ray cluster lets us in at {address} ({error}); {advice}.") from None
    signal.signal(signal.SIGTERM, stop)  # Ray has put a handler of its own there
    try:
        yield ray.cluster_resources()
    finally:
        ray.shutdown()


def work_off(rows: Sequence[dict[str, bytes]], worker: type, work: Any, size: Size) -> Iterator[dict[str, Any]]:
    """Hand rows to processes, and their answers back as they come.

    A process that dies is started again and gets the same rows again, however often.

    Args:
        rows: Dicts of the same keys.
        worker: A class that is made in each process with `work` and called with batches of rows; importable there.
        work: What it is made with.
        size: How many processes.

    Raises:
        BulkError: If Ray fails as a whole.
    """
    import pyarrow as pa
    import ray
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_no_progress_timeout_s = -1  # one photo may take long, and a cluster may have other things to do
    step = max(1, min(_BLOCK_ROWS, len(rows) // _BLOCKS))
    tables = [pa.Table.from_pylist(list(rows[start : start + step])) for start in range(0, len(rows), step)]
    results = ray.data.from_arrow(tables).map_batches(
        worker,
        batch_size=step,
        fn_constructor_args=(work,),
        compute=ray.data.ActorPoolStrategy(size=min(size.workers, len(tables))),
        num_cpus=size.cpus,
        num_gpus=size.gpus or None,
        memory=size.memory,
    )
    try:
        yield from results.iter_rows()
    except (ray.exceptions.RayError, RuntimeError) as error:
        reason = str(error).strip().splitlines()
        raise BulkError(f"Ray has failed ({reason[-1] if reason else type(error).__name__}).") from None


def _check_answers(address: str) -> None:
    """Ray itself would try for minutes; `auto` and other words it looks up by itself."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not (colon and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise BulkError(f"No Ray cluster at {address} ({error}).") from None
