"""Paint the sample photo in every way there is, through a gRPC server that is started for it and stopped after."""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.errors import StyleTransferError
from tfstyle.model_store.versions import DEFAULT_MODEL

if TYPE_CHECKING:
    from tfstyle.contract.catalog import Catalog
    from tfstyle.stylize.options import StylizeOptions

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SAMPLE_PHOTO = ASSETS / "astronaut.jpg"
SAMPLE_MASK = ASSETS / "astronaut_background.png"  # white: everything but the astronaut

START_SECONDS = 180  # importing TensorFlow, loading the model and its warm-up on a slow machine
STOP_SECONDS = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the pictures go, and whose models are served."""
    parser.add_argument("-o", "--output", metavar="DIR", default="demo", help="folder for the pictures (default: demo)")
    parser.add_argument(
        "--models_dir", metavar="DIR", help="folder of models to serve (default: $TFSTYLE_MODELS, else saved_models/)"
    )


def run(args: argparse.Namespace) -> int:
    """Start the server, paint, write every picture and one sheet of all, stop the server."""
    from serving.client import StyleClient
    from tfstyle.imaging.contact_sheet import contact_sheet
    from tfstyle.imaging.photo import Photo, read_photo

    output = Path(args.output)
    output.mkdir(parents=True, exist_ok=True)
    photo = read_photo(SAMPLE_PHOTO)
    photo.save(output / "photo.jpg")
    tiles = [("Photo", photo.pixels)]
    begun = time.perf_counter()
    with server_process(args.models_dir, output / "server.log") as address, StyleClient(address) as client:
        print(f"server on {address}, ready after {time.perf_counter() - begun:.1f} s", flush=True)
        for name, lines, options in demonstrations(client.styles()):
            started = time.perf_counter()
            painting = client.stylize(photo, options)
            print(f"{time.perf_counter() - started:6.2f} s  {output / name}.jpg: {', '.join(lines)}", flush=True)
            painting.save(output / f"{name}.jpg")
            tiles.append(("\n".join(lines), painting.pixels))
    Photo(contact_sheet(tiles)).save(output / "contact_sheet.jpg")
    print(f"all {len(tiles)} pictures: {output / 'contact_sheet.jpg'}")
    return 0


def demonstrations(catalog: "Catalog") -> Iterator[tuple[str, tuple[str, str], "StylizeOptions"]]:
    """What is painted: every style alone, then the first two (or the only one twice) in every other way.

    Yields:
        A file's name without ending, two lines that say what it shows, and the options.
    """
    from tfstyle.stylize.options import StylizeOptions

    for style in catalog:
        yield style.name, (style.title, f"{style.artist}, {style.year}"), StylizeOptions(style.name)
    first, second = catalog.styles[0], catalog.styles[min(1, len(catalog) - 1)]
    a, b = first.name, second.name
    yield "blend", (f"50 % {first.title}", f"50 % {second.title}"), StylizeOptions(f"{a}:50,{b}:50")
    yield "half_strength", (second.title, "at half strength"), StylizeOptions(b, strength=0.5)
    yield "preserved_colors", (first.title, "in the photo's colours"), StylizeOptions(a, preserve_color=True)
    yield "mask", (first.title, "where a mask is white"), StylizeOptions(a, mask=SAMPLE_MASK)
    yield "gradient_mask", (second.title, "fading to the right"), StylizeOptions(b, mask="left", fade=1.0)
    regions = f"left={b},right={a}"
    yield "regions", (f"left: {second.title}", f"right: {first.title}"), StylizeOptions(regions=regions, fade=0.2)


@contextmanager
def server_process(models_dir: str | None, log: Path) -> Iterator[str]:
    """`tfstyle serve` as a process of its own on a free port, for as long as the block runs.

    Args:
        models_dir: Folder of models; None is the server's default.
        log: File for what the server says on stderr.

    Yields:
        Its address, `127.0.0.1:PORT`, once it answers.

    Raises:
        StyleTransferError: The server does not start; the message has the server's last line.
    """
    from serving.child_process import server_command, wait_for_port

    flags = [f"--model_name={DEFAULT_MODEL}", *([f"--models_dir={models_dir}"] if models_dir else [])]
    with tempfile.TemporaryDirectory() as folder, log.open("w") as stderr:
        port_file = Path(folder) / "port"
        server = subprocess.Popen(server_command(port_file, *flags), stdout=subprocess.DEVNULL, stderr=stderr)
        # A terminal that closes or a `kill` ends this process in order, so that the server is stopped below.
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            port = wait_for_port(port_file, lambda: server.poll() is not None, START_SECONDS)
            if port is None:
                raise _not_started(log)
            yield f"127.0.0.1:{port}"
        finally:
            signal.signal(signal.SIGTERM, before)
            server.terminate()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _not_started(log: Path) -> StyleTransferError:
    said = log.read_text(errors="replace").strip().splitlines()
    reason = said[-1].removeprefix("tfstyle: ") if said else f"it said nothing for {START_SECONDS} s."
    return StyleTransferError(f"The server did not start: {reason} See {log} for all it said.")
