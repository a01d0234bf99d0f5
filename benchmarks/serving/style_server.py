"""A server of its own process for the benchmarks, and what they ask of it."""

import io
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from serving.child_process import server_command, wait_for_port
from tfstyle.errors import ModelError


@contextmanager
def served(model: Path) -> Iterator[str]:
    """The address of a server that has nothing but this version of a model, as `tfstyle`, on a free loopback port.

    Raises:
        ModelError: If it does not start.
    """
    with server_process(model) as (address, _):
        yield address


@contextmanager
def server_process(model: Path) -> Iterator[tuple[str, int]]:
    """As `served`, with the number of the server's process, too."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tfstyle").mkdir()
        (Path(folder) / "tfstyle" / "1").symlink_to(model.resolve())  # whatever version it is, only this one is served
        port_file = Path(folder) / "port"
        process = subprocess.Popen(server_command(port_file, f"--models_dir={folder}"), stdout=subprocess.DEVNULL)
        try:
            port = wait_for_port(port_file, lambda: process.poll() is not None)
            if port is None:
                raise ModelError(f"The server of {model} did not start; its message is above.")
            yield f"127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait()


def photo_jpeg(size: int) -> bytes:
    """NASA's portrait of Eileen Collins, public domain, as a square JPEG of `size` px."""
    from skimage.data import astronaut

    buffer = io.BytesIO()
    Image.fromarray(astronaut()).resize((size, size), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def encoded_request(photo: bytes, styles: int) -> dict[str, np.ndarray]:
    """Inputs of `encoded`: one JPEG, everywhere in the first of so many styles, to JPEG."""
    return {
        "image_bytes": np.array([photo], object),
        "region_weights": np.eye(styles, dtype=np.float32)[None, :1],
        "region_masks": np.array([[b""]], object),
        "strength": np.ones(1, np.float32),
        "preserve_color": np.zeros(1, np.bool_),
        "format": np.array([b"jpeg"], object),
    }
