"""The memory that an optimization would take."""

from types import SimpleNamespace

import psutil
import pytest
import tensorflow as tf

from tfstyle.errors import RequestError
from tfstyle.optimization import memory_estimate

SMALL = (64, 64)  # of a style image


@pytest.fixture
def available(monkeypatch, tmp_path):
    """Sets the gigabytes that are available, on a machine without a GPU and in no container."""
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(memory_estimate, "CGROUP", tmp_path)

    def set_to(gigabytes):
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=gigabytes * 1e9))

    return set_to


@pytest.fixture
def container(tmp_path):
    """Puts the process into a container with this limit: bytes, or "max". Files take 2 of the 3 GB that it uses."""

    def limit(most):
        (tmp_path / "memory.max").write_text(f"{most}\n")
        (tmp_path / "memory.current").write_text("3000000000\n")
        (tmp_path / "memory.stat").write_text("anon 1000000000\ninactive_file 1500000000\nactive_file 500000000\n")

    return limit


def test_a_picture_that_does_not_fit_is_refused_with_a_size_that_does(available):
    available(2)
    with pytest.raises(
        RequestError, match=r"Optimizing 3000x2000 pixels takes about 20.9 GB .*use --max-size (\d+)"
    ) as e:
        memory_estimate.check(2000, 3000, style_image=SMALL)
    fitting = int(str(e.value).partition("--max-size ")[2].split()[0])

    memory_estimate.check(round(2000 * fitting / 3000), fitting, style_image=SMALL)
    with pytest.raises(RequestError):
        memory_estimate.check(round(2000 * (fitting + 20) / 3000), fitting + 20, style_image=SMALL)


def test_a_style_image_that_does_not_fit_is_refused_with_a_size_that_does(available):
    """Beside a small photo it is the style image that takes the memory, and a smaller photo would not help."""
    available(2)
    with pytest.raises(
        RequestError,
        match=r"A painting seen at 3000x2000 pixels takes about 8.6 GB .*use --style-size (\d+) or less",
    ) as e:
        memory_estimate.check(256, 256, style_image=(2000, 3000))
    fitting = int(str(e.value).partition("--style-size ")[2].split()[0])

    memory_estimate.check(256, 256, style_image=(fitting, round(3000 * fitting / 2000)))
    with pytest.raises(RequestError):
        memory_estimate.check(256, 256, style_image=(fitting + 20, round(3000 * (fitting + 20) / 2000)))


def test_every_mask_costs_memory(available):
    available(2.2)
    memory_estimate.check(500, 600, style_image=SMALL)
    with pytest.raises(RequestError):
        memory_estimate.check(500, 600, masks=2, style_image=SMALL)


def test_where_no_size_fits_none_is_named(available):
    available(0.5)
    with pytest.raises(RequestError, match=r"and 0.5 GB are available; free some\."):
        memory_estimate.check(500, 600, style_image=SMALL)


def test_1024_pixels_with_everything_fit_into_24_gigabytes(available):
    available(24)
    memory_estimate.check(1024, 1024, masks=2, matting=True, style_image=(1024, 1024))


def test_on_a_gpu_nothing_is_refused(available, monkeypatch):
    available(0.5)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU:0"])
    memory_estimate.check(4000, 4000, style_image=SMALL)


def test_a_containers_limit_counts_where_the_machine_has_more(available, container):
    """What is over its limit is killed, however much the machine has left."""
    available(24)
    memory_estimate.check(500, 600, style_image=SMALL)

    container(3_000_000_000)
    with pytest.raises(RequestError, match=r"takes about 2\.1 GB of memory, and 1\.5 GB are available"):
        memory_estimate.check(500, 600, style_image=SMALL)

    container(4_000_000_000)
    memory_estimate.check(500, 600, style_image=SMALL)


def test_the_machine_counts_where_the_container_has_more_or_no_limit(available, container):
    available(1.5)
    for limit in (24_000_000_000, "max"):
        container(limit)
        with pytest.raises(RequestError, match=r"and 1\.5 GB are available"):
            memory_estimate.check(500, 600, style_image=SMALL)


def test_a_container_that_is_over_its_limit_has_nothing_left(available, container):
    available(24)
    container(1_000_000_000)
    with pytest.raises(RequestError, match=r"and 0\.0 GB are available; free some\."):
        memory_estimate.check(500, 600, style_image=SMALL)
