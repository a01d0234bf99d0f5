"""What one process of a job does: it loads the model once, and paints the photos that it is handed."""

import errno
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tfstyle.batch.output_folder import Attempt
from tfstyle.engines.local import LocalEngine
from tfstyle.errors import MaskError, PhotoError, RequestError, StyleTransferError
from tfstyle.imaging.decoder import Decoder
from tfstyle.imaging.photo import Format, Photo, check_sides, format_for, read_bytes
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.stylizer import Stylizer

# Of a name that the file system cannot hold; any other fault of a disk would hit every stylized image.
_BAD_NAME = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}

_DECODER_BYTES = 4 * 2**30  # of one photo: enough for 120 megapixels of any format
_MAX_DEATHS = 2  # of processes, until a photo is held to be the reason

DONE, FAILED, STOP = "done", "failed", "stop"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What all processes of a job are told.

    Attributes:
        model: Folder of the version, where every machine sees it.
        engine: What runs the network in each process.
        folder: Where stylized images go, where every machine sees it.
        options: How to stylize, whatever their format; masks as names or bytes.
        threads: CPU threads of a process.
    """

    model: Path
    engine: LocalEngine
    folder: Path
    options: StylizeOptions
    threads: int


class BatchWorker:
    """Paints batches; made once in each process."""

    def __init__(self, work: Work):
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # processes may share a GPU
        self._work = work
        self._decoder = Decoder(memory=_DECODER_BYTES)
        self._stylizer: Stylizer | None = None

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One batch.

        Args:
            batch: `path` and `output`, the photo and the name of its stylized image, as bytes: names need not be
                Unicode.

        Returns:
            `path` as it came; `state`: `done`, `failed`, or `stop` where no other photo will fare better; `error`, the
            sentence about the latter two, as bytes.
        """
        names = zip(batch["path"], batch["output"], strict=True)
        results = [self._try(os.fsdecode(path), os.fsdecode(name)) for path, name in names]
        states, errors = zip(*results, strict=True)
        return {
            "path": batch["path"],
            "state": np.array(states, dtype=object),
            "error": np.array([os.fsencode(error) for error in errors], dtype=object),
        }

    def _try(self, path: str, name: str) -> tuple[str, str]:
        try:
            self._paint(path, name)
        except (PhotoError, MaskError, RequestError) as error:
            return FAILED, str(error)
        except MemoryError:
            return FAILED, f"{path}: the photo is too large for the memory of this machine; set a smaller max size."
        except StyleTransferError as error:
            return STOP, str(error)
        except OSError as error:
            state = FAILED if error.errno in _BAD_NAME else STOP
            return state, f"{self._work.folder / name}: {error.strerror or error}."
        except Exception as error:  # nobody has foreseen it, and the other photos are not to suffer
            return FAILED, f"{path}: {type(error).__name__}: {' '.join(str(error).split())}"
        return DONE, ""

    def _paint(self, path: str, name: str) -> None:
        work = self._work
        if (work.folder / name).exists():  # by a process that died before it could tell
            return
        with Attempt(work.folder, name) as attempt:
            if attempt.deaths >= _MAX_DEATHS:
                raise PhotoError(
                    f"{path}: {attempt.deaths} processes died painting it; if of its size, set a smaller max size."
                )
            attempt.save(self._stylized_image(path, format_for(name)))

    def _stylized_image(self, path: str, format: Format) -> bytes:
        work = self._work
        if self._stylizer is None:
            self._stylizer = Stylizer(work.engine, work.model, threads=work.threads)
        options = replace(work.options, format="jpeg" if format == "jpeg" else "png")
        photo = self._read(path)
        check_sides(format, photo if options.max_size is None else photo.resize_to(options.max_size))
        output = self._stylizer.stylize(photo, options)
        return output.encode(format, metadata=work.options.metadata)

    def _read(self, path: str) -> Photo:
        """A photo, decoded in a process of its own: one that hangs or kills its decoder is an error, and no more."""
        data, name = read_bytes(path)
        return self._decoder.read_photo(data, name=name)
