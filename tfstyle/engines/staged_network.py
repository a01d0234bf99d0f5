"""The network in bands of rows, for pictures that would take too much memory whole.

Runs the stages of `tfstyle.export.onnx_stages`, each over the whole picture before the next begins. So every
normalization has mean and deviation of the whole picture, nothing differs from the network in one piece but the order
of sums, and memory is that of a few bands. What is between stages lies in temporary files: at 64 channels and a quarter
of the resolution 32 bytes to a pixel of the photo.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfstyle.engines.onnx_files import STAGES_FILE, OnnxFiles
from tfstyle.engines.onnx_session import open_session, run_session
from tfstyle.engines.row_file import RowFile, row_file_folder
from tfstyle.errors import PhotoError

BAND_PIXELS = 2**17  # of the photo in one band; fewer fall out of step with threads, more out of the caches

PLAN = "plan.json"

RegionMaps = Callable[[np.ndarray], np.ndarray]


class StagedNetwork:
    """The network of a version in bands of rows.

    Args:
        files: The version's files.
        threads: CPU threads.

    Raises:
        ModelError: If the file of the stages is missing or damaged.
    """

    def __init__(self, files: OnnxFiles, threads: int):
        self._files, self._threads = files, threads
        self._archive = zipfile.ZipFile(io.BytesIO(files.read(STAGES_FILE)))
        self._plan = json.loads(self._archive.read(PLAN))

    def paint(self, image: np.ndarray, style_vectors: np.ndarray, region_maps: RegionMaps | None) -> np.ndarray:
        """Paints one photo.

        Args:
            image: uint8 `[H,W,3]`.
            style_vectors: float32 `[R,V]`; R is 1 without `region_maps`.
            region_maps: Shares of the regions at each pixel of some rows: int64 `[n]` to float32 `[R,n,W]`; or None.

        Returns:
            The stylized image, uint8 `[H,W,3]`.

        Raises:
            ModelError: If the network cannot be loaded or run.
            PhotoError: If the disk is full.
        """
        painting = _Painting(self._plan, image, style_vectors, region_maps)
        try:
            for number in range(len(self._plan["stages"])):
                name = f"{number}.onnx"
                session = open_session(self._archive.read(name), self._files.folder, self._threads)
                painting.run_stage(number, session)
            return painting.stylized
        except OSError as error:
            height, width, _ = image.shape
            raise PhotoError(
                f"Painting {width}x{height} pixels takes {painting.disk_bytes / 1e9:.1f} GB of disk in "
                f"{row_file_folder()} while it lasts, which cannot be had ({error.strerror}); set TMPDIR to another "
                f"folder, or a smaller max size."
            ) from None
        finally:
            painting.close()


class _Painting:
    """One photo on its way through the stages.

    Attributes:
        stylized: uint8 `[H,W,3]`, complete after the last stage.
        disk_bytes: What temporary files took at most.
    """

    def __init__(
        self,
        plan: Mapping[str, Any],
        image: np.ndarray,
        style_vectors: np.ndarray,
        region_maps: RegionMaps | None,
    ):
        self._plan, self._image, self._vectors, self._maps = plan, image, style_vectors, region_maps
        self.height, self._width = (self._mirrored_size(side) for side in image.shape[:2])
        self._rows, self._columns = (self._mirrored(side, plan["border"]) for side in image.shape[:2])
        self._files: dict[str, RowFile] = {}
        self._statistics: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # mean and deviation by normalization
        self._last_read = {name: i for i, stage in enumerate(plan["stages"]) for name in _stored(stage["rows"])}
        self.stylized = np.empty_like(image)
        self.disk_bytes = 0

    def close(self) -> None:
        """Frees the disk."""
        for file in self._files.values():
            file.close()

    def run_stage(self, number: int, session: Any) -> None:
        """Runs one stage over all bands of the photo."""
        stage, final = self._plan["stages"][number], number == len(self._plan["stages"]) - 1
        targets = self._targets(number)
        names = ["stylized"] if final else ["mean", "length", *stage["stores"]]
        sums = _Sums()
        late: list[tuple[RowFile, int, np.ndarray]] = []
        for top, bottom in self._bands():
            start, stop = (edge // stage["rows"]["step"] for edge in (top, bottom))
            band = _Band(self)
            band.read(stage["rows"], start, stop)
            # A band is written when the next one has been read, which sees rows of it: so what a stage stores may take
            # the place of what it reads.
            _write(late)
            answer = dict(zip(names, run_session(session, names, band.inputs), strict=True))
            if final:
                rows = self.stylized[top:bottom]
                rows[...] = answer["stylized"][0, : len(rows), : rows.shape[1]]
            else:
                sums.add(answer["mean"], answer["length"], (stop - start) * (self._width // stage["rows"]["step"]))
                late = [
                    (file, *self._own_rows(name, answer[name], band, top, bottom)) for name, file in targets.items()
                ]
        _write(late)
        if not final:
            self._statistics[number] = sums.mean_and_deviation(self._plan["epsilon"])
        for name in [name for name, last in self._last_read.items() if last == number]:
            file = self._files.pop(name)
            if file not in targets.values():
                file.close()
        self._files |= targets

    def _targets(self, number: int) -> dict[str, RowFile]:
        """Files for what a stage stores: those of tensors that it is the last to read, where the shapes are alike."""
        free = [self._files[name] for name, last in self._last_read.items() if last == number]
        targets = {}
        for name in self._plan["stages"][number]["stores"]:
            channels, step = (self._plan["stored"][name][key] for key in ("channels", "step"))
            shape = channels, self.height // step, self._width // step
            same = [file for file in free if file.shape == shape]
            targets[name] = same[0] if same else RowFile(*shape)
            free = [file for file in free if file is not targets[name]]
        files = {*self._files.values(), *targets.values()}
        self.disk_bytes = max(self.disk_bytes, sum(4 * int(np.prod(file.shape)) for file in files))
        return targets

    def _bands(self) -> Iterator[tuple[int, int]]:
        """First and last row of each band of the photo, multiples of all steps."""
        stride = max(16, self._plan["stride"])
        rows = max(BAND_PIXELS // self._width // stride, 1) * stride
        for top in range(0, self.height, rows):
            yield top, min(top + rows, self.height)

    def _own_rows(self, name: str, values: np.ndarray, band: "_Band", top: int, bottom: int) -> tuple[int, np.ndarray]:
        """The rows of a stored tensor that belong to a band, without those around it."""
        start, stop = (edge // self._plan["stored"][name]["step"] for edge in (top, bottom))
        first = band.first.get(name, start)
        return start, values[:, :, start - first : stop - first]

    def photo_rows(self, start: int, stop: int) -> np.ndarray:
        """The rows of the photo, mirrored, that the first convolution sees: uint8 `[1,h,W,3]`."""
        return self._image[self._rows[start:stop]][None]

    @property
    def photo_columns(self) -> np.ndarray:
        """The columns that the first convolution sees, int64."""
        return self._columns

    def stored_rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rows of what was stored, float32 `[1,C,h,w]`."""
        return self._files[name].read(start, stop)

    def scale_and_shift(self, number: int, start: int, stop: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """What a normalization multiplies by and adds, float32 `[1,C,1,1]`; with region maps `[1,C,stop-start,w]`."""
        begin, channels = (self._plan["normalizations"][number][key] for key in ("gammas", "channels"))
        mean, deviation = self._statistics[number]
        scale = self._vectors[:, begin : begin + channels] / deviation
        shift = self._vectors[:, begin + channels : begin + 2 * channels] - mean * scale
        scale, shift = scale.astype(np.float32), shift.astype(np.float32)
        if self._maps is None:
            return scale.reshape(1, -1, 1, 1), shift.reshape(1, -1, 1, 1)
        rows, columns = (self._mirrored(side, 0) for side in self._image.shape[:2])
        maps = self._maps(rows[start * step : stop * step])[:, :, columns]
        maps = maps.reshape(len(maps), stop - start, step, -1, step).mean(axis=(2, 4))
        return tuple(np.tensordot(part.T, maps, 1)[None] for part in (scale, shift))  # type: ignore[return-value]

    def _mirrored_size(self, side: int) -> int:
        return max(-(-side // self._plan["stride"]) * self._plan["stride"], int(self._plan["smallest"]))

    def _mirrored(self, side: int, border: int) -> np.ndarray:
        """Places in an axis of the photo, mirrored up to a multiple of the stride, and so many positions beyond."""
        size, pixels = self._mirrored_size(side), self._plan["position"]
        position, within = np.divmod(np.arange(-border * pixels, size + border * pixels), pixels)
        return reflected(reflected(position, size // pixels) * pixels + within, side)


class _Band:
    """What a stage takes for one band.

    Attributes:
        inputs: Of the stage, by name.
        first: The first row that is computed of the sums that it stores.
    """

    def __init__(self, painting: _Painting):
        self._painting = painting
        self.inputs: dict[str, np.ndarray] = {}
        self.first: dict[str, int] = {}

    def read(self, tree: Mapping[str, Any], start: int, stop: int) -> tuple[int, int]:
        """Puts all into `inputs` that rows `start` to `stop` of a tensor follow from.

        Args:
            tree: How its rows come about, see `tfstyle.export.onnx_stages`.

        Returns:
            The rows that are computed: these, or some more around them.
        """
        painting, below = self._painting, tree.get("of", {})
        match tree["op"]:
            case "image":
                self.inputs |= {"image": painting.photo_rows(start, stop), "columns": painting.photo_columns}
            case "stored":
                self.inputs[tree["name"]] = painting.stored_rows(tree["name"], start, stop)
            case "convolve":
                stride, kernel = tree["stride"], tree["kernel"]
                self.read(below, start * stride, (stop - 1) * stride + kernel)
            case "mirror":
                height = painting.height // tree["step"]
                rows = np.arange(start, stop) - tree["border"]
                rows = reflected(rows, height) if tree["mode"] == "reflect" else rows.clip(0, height - 1)
                first, _ = self.read(below, int(rows.min()), int(rows.max()) + 1)
                self.inputs[tree["rows"]] = rows - first
            case "enlarge":  # each row is made of two of half the resolution
                height = painting.height // below["step"]
                first, _ = self.read(below, max((start - 1) // 2, 0), min(stop // 2 + 1, height))
                self.inputs[tree["rows"]] = np.arange(start, stop) - 2 * first
            case "part":
                times = tree["times"]
                first, last = self.read(below, start // times, -(-stop // times))
                return first * times, last * times
            case "normalize":
                start, stop = self.read(below, start, stop)
                number = tree["number"]
                scale, shift = painting.scale_and_shift(number, start, stop, tree["step"])
                self.inputs |= {f"scale_{number}": scale, f"shift_{number}": shift}
            case "add":
                for part in tree["of"]:
                    self.read(part, start, stop)
                self.first[tree["name"]] = start
        return start, stop


class _Sums:
    """Mean and deviation of the channels of a tensor, from those of its bands."""

    def __init__(self) -> None:
        self._count, self._sum, self._squares = 0, np.float64(0), np.float64(0)

    def add(self, mean: np.ndarray, length: np.ndarray, count: int) -> None:
        """Adds a band of `count` positions with mean and Euclidean length `[1,C]`."""
        self._count += count
        self._sum = self._sum + count * mean[0].astype(np.float64)
        self._squares = self._squares + np.square(length[0].astype(np.float64))

    def mean_and_deviation(self, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
        """Of the whole tensor, float64 `[C]`; `epsilon` is added to the variance."""
        mean = np.asarray(self._sum / self._count)
        return mean, np.sqrt(np.maximum(self._squares / self._count - mean**2, 0) + epsilon)


def reflected(places: np.ndarray, size: int) -> np.ndarray:
    """Places beyond an axis of so many, mirrored back into it as often as it takes."""
    period = 2 * (size - 1)
    places = places % period
    return np.minimum(places, period - places)


def _stored(tree: Mapping[str, Any]) -> Iterator[str]:
    """Names of the stored tensors that a stage reads."""
    if tree["op"] == "stored":
        yield tree["name"]
    below = tree.get("of", [])
    for part in below if isinstance(below, list) else [below]:
        yield from _stored(part)


def _write(late: list[tuple[RowFile, int, np.ndarray]]) -> None:
    for file, start, values in late:
        file.write(start, values)
