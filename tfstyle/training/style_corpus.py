"""The style images that a style encoder learns from: found, measured once by VGG19, and read from disk ever after.

Of each, two things are kept: the statistics that the encoder sees, and the Gram matrices that its stylized images are
held to. The matrices of thousands of style images are gigabytes, so they are memory-mapped, in half precision and
divided by their norms, which the relative style loss divides by anyway.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from keras import ops
from PIL import Image, ImageOps

from tfstyle.errors import TrainingError
from tfstyle.imaging.style_images import MAX_ASPECT, MIN_STYLE_IMAGE_SIDE, STYLE_IMAGE_SIDE, measured_size
from tfstyle.networks import losses
from tfstyle.networks.style_encoder import STATISTICS_LAYERS, style_statistics
from tfstyle.networks.vgg19 import LAYERS, VGG19
from tfstyle.training.photo_dataset import SUFFIXES

BATCH = 8  # style images measured at once
FLAT = 0.01  # share of the style images, those with the weakest texture at some layer, that are left out


@dataclass(frozen=True)
class MeasuredFolder:
    """The measured style images of one folder.

    Attributes:
        files: What was measured.
        statistics: What the encoder sees, float32 `[M, K]`.
        grams: Layer to Gram matrices divided by their norms, float16 `[M, C, C]`, memory-mapped.
        norms: Frobenius norms of the Gram matrices, float32 `[M, layers]`.
    """

    files: tuple[Path, ...]
    statistics: np.ndarray
    grams: dict[str, np.ndarray]
    norms: np.ndarray


@dataclass(frozen=True)
class StyleCorpus:
    """Measured style images of several folders, numbered through.

    Attributes:
        folders: The folders in their order.
        shares: How often each image is drawn, `[M]`, summing to 1.
    """

    folders: tuple[MeasuredFolder, ...]
    shares: np.ndarray

    def __len__(self) -> int:
        return len(self.shares)

    @cached_property
    def statistics(self) -> np.ndarray:
        """What the encoder sees of each image, float32 `[M, K]`."""
        return np.concatenate([folder.statistics for folder in self.folders])

    @cached_property
    def norms(self) -> np.ndarray:
        """Frobenius norms of the Gram matrices, float32 `[M, layers]`."""
        return np.concatenate([folder.norms for folder in self.folders])

    def grams(self, layer: str, numbers: Sequence[int]) -> np.ndarray:
        """Gram matrices of some images at a layer, divided by their norms: float16 `[len(numbers), C, C]`."""
        ends = np.cumsum([len(folder.files) for folder in self.folders])
        matrices = []
        for number in numbers:
            place = int(np.searchsorted(ends, number, side="right"))
            folder = self.folders[place]
            matrices.append(folder.grams[layer][number - ends[place]])  # counted from the folder's end
        return np.stack(matrices)

    @classmethod
    def open(
        cls,
        folders: Sequence[str],
        cache: Path,
        layers: Sequence[str],
        exclude: Path | None = None,
        vgg19: str = "embedded",
        report: Callable[[int, int], None] = lambda done, count: None,
    ) -> "StyleCorpus":
        """Measures the style images, or takes what was measured before.

        Args:
            folders: `DIR` or `DIR:SHARE`, the share of all draws that its images get together; the others divide what
                is left evenly among their images.
            cache: Folder for the measurements, with a sub-folder for each selection of files of a folder.
            layers: Loss-network layers whose Gram matrices are kept.
            exclude: Lines `NAME<tab>PATTERN`; files whose path, or whose row in the folder's `sources.tsv`, matches a
                pattern (regular expression, case ignored, `-` read as `_` in paths) are left out. `#` begins a comment.
            vgg19: Weights of the loss network.
            report: Called with the number of images measured and of all of a folder.

        Raises:
            TrainingError: If a folder is missing or holds no usable image, or the file of patterns cannot be read.
        """
        patterns = _read_patterns(exclude) if exclude else []
        measured, given = [], []
        for spec in folders:
            folder, share = _parse_folder(spec)
            files = _usable_files(folder, patterns)
            told = [*(str(file.relative_to(folder)) for file in files), *layers, vgg19, str(STYLE_IMAGE_SIDE)]
            target = cache / f"{folder.name}-{hashlib.sha256(chr(10).join(told).encode()).hexdigest()[:16]}"
            if not target.is_dir():
                _measure(files, target, tuple(layers), vgg19, report)
            measured.append(
                MeasuredFolder(
                    tuple(files),
                    np.load(target / "statistics.npy"),
                    {layer: np.load(target / f"{layer}.npy", mmap_mode="r") for layer in layers},
                    np.load(target / "norms.npy"),
                )
            )
            given += [share] * len(files)
        norms = np.concatenate([folder.norms for folder in measured])
        strong = np.all(norms >= np.quantile(norms, FLAT, axis=0), axis=1)
        return cls(tuple(measured), _shares(given, strong))


def read_style_image(file: Path) -> np.ndarray:
    """An upright RGB style image, uint8 `[H, W, 3]`; what is transparent is white.

    Raises:
        ValueError: If it is smaller than 64 px or more than ten times as long as it is wide.
    """
    with Image.open(file) as opened:
        seen = ImageOps.exif_transpose(opened).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    if min(image.size) < MIN_STYLE_IMAGE_SIDE or max(image.size) > MAX_ASPECT * min(image.size):
        raise ValueError(
            f"Expected sides of {MIN_STYLE_IMAGE_SIDE} px or more, at most {MAX_ASPECT} to 1. Got {image.size}."
        )
    return np.asarray(image)


def _parse_folder(spec: str) -> tuple[Path, float]:
    folder, colon, share = spec.rpartition(":")
    if colon and re.fullmatch(r"0?\.\d+", share):
        return Path(folder), float(share)
    return Path(spec), 0.0


def _read_patterns(file: Path) -> list[re.Pattern]:
    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"]
        return [re.compile(line.split("\t")[1], re.IGNORECASE) for line in lines]
    except (OSError, UnicodeDecodeError, IndexError, re.error) as error:
        raise TrainingError(f"Expected lines NAME<tab>PATTERN in {file}. Got: {error}.") from error


def _usable_files(folder: Path, patterns: Sequence[re.Pattern]) -> list[Path]:
    if not folder.is_dir():
        raise TrainingError(f"Expected a folder of style images. There is none at {folder}.")
    rows: dict[str, str] = {}
    if (sources := folder / "sources.tsv").is_file():
        rows = {line.split("\t")[0]: line for line in sources.read_text(encoding="utf-8").splitlines()}
    usable = []
    for file in sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES):
        told = f"{file.relative_to(folder).as_posix().replace('-', '_')}\n{rows.get(file.name, '')}"
        if any(pattern.search(told) for pattern in patterns):
            continue
        with Image.open(file) as image:
            if min(image.size) >= MIN_STYLE_IMAGE_SIDE and max(image.size) <= MAX_ASPECT * min(image.size):
                usable.append(file)
    if not usable:
        raise TrainingError(f"Expected style images of {MIN_STYLE_IMAGE_SIDE} px or more in {folder}. There are none.")
    return usable


def _shares(given: Sequence[float], usable: np.ndarray) -> np.ndarray:
    """How often each image is drawn: folders with a share of their own get it, the others divide the rest."""
    folder_shares = np.asarray(given)
    shares = np.zeros(len(folder_shares))
    rest = 1 - sum(set(given))
    for share in set(given):
        members = (folder_shares == share) & usable
        shares[members] = (share or rest) / members.sum()
    return shares / shares.sum()


def _measure(files: Sequence[Path], target: Path, layers: tuple[str, ...], vgg19: str, report) -> None:
    """Writes the measurements of all files beside `target`, then renames."""
    network = VGG19(tuple({*layers, *STATISTICS_LAYERS}), weights=vgg19)
    temporary = target.with_name(f"{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    grams = {
        layer: np.lib.format.open_memmap(
            temporary / f"{layer}.npy", "w+", "float16", (len(files), LAYERS[layer], LAYERS[layer])
        )
        for layer in layers
    }
    statistics = np.zeros((len(files), 2 * sum(LAYERS[layer] for layer in STATISTICS_LAYERS)), "float32")
    norms = np.zeros((len(files), len(layers)), "float32")
    done = 0
    for size, numbers in _by_size(files).items():
        for start in range(0, len(numbers), BATCH):
            batch = numbers[start : start + BATCH]
            images = [Image.fromarray(read_style_image(files[number])) for number in batch]
            resized = [np.asarray(image.resize(size, Image.Resampling.BILINEAR), "float32") for image in images]
            features = network(ops.convert_to_tensor(np.stack(resized)))
            statistics[batch] = ops.convert_to_numpy(style_statistics(features))
            for number, layer in enumerate(layers):
                gram = ops.convert_to_numpy(losses.gram_matrix(features[layer]))
                norms[batch, number] = np.linalg.norm(gram, axis=(1, 2))
                grams[layer][batch] = gram / np.maximum(norms[batch, number], 1e-12)[:, None, None]
            done += len(batch)
            report(done, len(files))
    np.save(temporary / "statistics.npy", statistics)
    np.save(temporary / "norms.npy", norms)
    for array in grams.values():
        array.flush()
    (temporary / "files.txt").write_text("\n".join(map(str, files)) + "\n", encoding="utf-8")
    os.rename(temporary, target)


def _by_size(files: Sequence[Path]) -> dict[tuple[int, int], list[int]]:
    """The numbers of the files by the size they are looked at, so that several go through VGG19 at once."""
    groups: dict[tuple[int, int], list[int]] = {}
    for number, file in enumerate(files):
        with Image.open(file) as image:
            groups.setdefault(measured_size(*ImageOps.exif_transpose(image).size), []).append(number)
    return groups
