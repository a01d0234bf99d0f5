"""How many processes there are, by what a cluster has."""

import pytest

from tfstyle.batch.ray_pool import WORKER_BYTES, Size
from tfstyle.errors import BulkError

GIGABYTE = 2**30


@pytest.mark.parametrize(
    ("resources", "options", "workers", "threads"),
    [
        ({"CPU": 2.0, "memory": 24 * GIGABYTE}, {}, 2, 1),
        ({"CPU": 16.0, "memory": 24 * GIGABYTE}, {}, 12, 1),
        ({"CPU": 16.0, "memory": 8 * GIGABYTE}, {}, 4, 4),
        ({"CPU": 2.0, "memory": GIGABYTE}, {}, 1, 2),
        ({"CPU": 16.0, "memory": 640 * GIGABYTE}, {"threads": 4}, 4, 4),
        ({"CPU": 16.0, "memory": 640 * GIGABYTE}, {"workers": 3}, 3, 5),
        ({"CPU": 2.0, "memory": 24 * GIGABYTE}, {"workers": 5}, 5, 1),
        ({"CPU": 32.0, "memory": 640 * GIGABYTE, "GPU": 4.0}, {}, 4, 8),
        ({"CPU": 32.0, "memory": 640 * GIGABYTE, "GPU": 4.0}, {"gpus": 0.25}, 16, 2),
        ({"CPU": 32.0, "memory": 640 * GIGABYTE, "GPU": 4.0}, {"gpus": 0}, 32, 1),
    ],
)
def test_there_are_as_many_processes_as_fit(resources, options, workers, threads):
    size = Size.fitting(resources, **{"workers": None, "threads": None, "gpus": None, **options})

    assert (size.workers, size.threads) == (workers, threads)
    assert size.workers * size.cpus <= resources["CPU"], "Ray would wait for ever for what is not there"
    assert size.workers * size.memory <= resources["memory"]
    assert size.memory <= WORKER_BYTES
    assert size.cpus < 1 or size.cpus == int(size.cpus)


def test_more_threads_than_cpus_are_not_waited_for():
    size = Size.fitting({"CPU": 2.0, "memory": 24 * GIGABYTE}, workers=None, threads=8, gpus=None)
    assert (size.workers, size.threads, size.cpus) == (1, 8, 2)


def test_gpus_that_are_not_there_are_not_waited_for():
    with pytest.raises(BulkError, match=r"Expected 1 GPUs for a process, found 0 in all; use --gpus 0."):
        Size.fitting({"CPU": 2.0}, workers=None, threads=None, gpus=1)
