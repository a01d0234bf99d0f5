"""The memory that an optimization would take."""

from types import SimpleNamespace

import psutil
import pytest

from tfstyle import memory
from tfstyle.errors import RequestError


@pytest.fixture
def two_gigabytes(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2e9))


def test_a_picture_that_does_not_fit_is_refused_with_a_size_that_does(two_gigabytes):
    with pytest.raises(
        RequestError, match=r"Optimizing 3000x2000 pixels takes about .* GB .*use --max-size (\d+)"
    ) as e:
        memory.check(2000, 3000)
    fitting = int(str(e.value).partition("--max-size ")[2].split()[0])

    memory.check(round(2000 * fitting / 3000), fitting)
    with pytest.raises(RequestError):
        memory.check(round(2000 * (fitting + 20) / 3000), fitting + 20)


def test_every_mask_costs_memory(two_gigabytes):
    memory.check(500, 600)
    with pytest.raises(RequestError):
        memory.check(500, 600, masks=2)


def test_where_no_size_fits_none_is_named(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5e8))
    with pytest.raises(RequestError, match=r"and 0.5 GB are available; free some\."):
        memory.check(500, 600)


def test_1024_pixels_fit_into_24_gigabytes():
    assert memory.estimate(1024, 1024, masks=2, matting=True) < 24e9
