"""A trained model on disk: trunk, style table and style encoder in one file, `model.npz`; training can go on from it.

An `.npz` without pickles: one array per variable, named by its path, `style_table`, and `config`, the JSON of what the
arrays mean. NumPy alone reads it. Half precision halves it; a training can go on from that, too.
"""

import json
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from keras import ops

from tfstyle.contract.catalog import Style
from tfstyle.errors import TrainingError
from tfstyle.networks.style_encoder import StyleEncoder, StyleEncoderConfig
from tfstyle.networks.transformer import Transformer, TransformerConfig

WEIGHTS_FILE = "model.npz"
STYLE_KEYS = ("name", "title", "artist", "year")
DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)  # what reading a foreign file raises


@dataclass(frozen=True)
class Checkpoint:
    """A model's three parts, and how far its training has come.

    Args:
        trunk: The network, which knows no style.
        styles: The named styles, one per row of the table; thumbnails are left out of files.
        table: Style vectors of the named styles, float32 `[N, V]`.
        encoder: From statistics of any style image to its style vector; None where the model has none.
        step: Training steps done.
    """

    trunk: Transformer
    styles: tuple[Style, ...]
    table: np.ndarray
    encoder: StyleEncoder | None = None
    step: int = 0

    def __post_init__(self):
        expected = (len(self.styles), self.trunk.style_size)
        if self.table.shape != expected:
            raise TrainingError(
                f"Expected a style table of shape {expected}: styles, numbers a style. Got {self.table.shape}."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """What the styles are called, in the order of the table."""
        return tuple(style.name for style in self.styles)

    def paint(self, photos: np.ndarray, proportions: np.ndarray) -> np.ndarray:
        """Photos in one mix of the named styles.

        Args:
            photos: uint8 `[B, H, W, 3]`.
            proportions: Of the styles, summing to 1: `[N]`.

        Returns:
            Stylized images, uint8 `[B, H, W, 3]`.
        """
        return stylize(self.trunk, photos, np.asarray(proportions, "float32") @ self.table)

    def with_style(self, style: Style, vector: np.ndarray, index: int) -> "Checkpoint":
        """The same model with one style more, or another in the place of one; nothing else changes, to the bit.

        Args:
            style: The style.
            vector: Its style vector, float32 `[V]`.
            index: Its row in the table; that behind the last is a new one.

        Raises:
            TrainingError: If the vector is not finite: mixed with others it would spoil them all, since 0 times NaN is
                NaN.
        """
        if not np.isfinite(vector).all():
            raise TrainingError(f"Expected a style vector of finite numbers for {style.name}: learn it again.")
        table = np.concatenate([self.table[:index], vector[None], self.table[index + 1 :]])
        return replace(self, styles=(*self.styles[:index], style, *self.styles[index + 1 :]), table=table)

    def save(self, path: Path, dtype: str = "float32") -> None:
        """Writes the file as a whole: a kill leaves the one before.

        Args:
            path: Where to; its folder is made if need be.
            dtype: Of the arrays, `float32` or `float16`.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        config = {
            "network": asdict(self.trunk.config),
            "styles": [{key: getattr(style, key) for key in STYLE_KEYS} for style in self.styles],
            "encoder": asdict(self.encoder.config) if self.encoder else None,
            "step": self.step,
        }
        arrays = {v.path: ops.convert_to_numpy(v).astype(dtype) for v in self._variables()}
        temporary = path.with_name(f"{path.name}.tmp")
        with temporary.open("wb") as file:
            np.savez_compressed(
                file,
                config=np.array(json.dumps(config, ensure_ascii=False)),
                style_table=self.table.astype(dtype),
                **arrays,
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def _variables(self) -> Iterable:
        return (*self.trunk.variables, *(self.encoder.variables if self.encoder else ()))

    @classmethod
    def load(cls, path: Path) -> "Checkpoint":
        """Reads what `save` wrote, or a version of a model that was exported before there were style vectors.

        Args:
            path: The file, or a folder that has it: a run, a version's `assets.extra`, or the version itself.

        Raises:
            TrainingError: If it is missing or damaged.
        """
        if path.is_dir():
            folder = path / "assets.extra" if (path / "assets.extra").is_dir() else path
            path = folder / WEIGHTS_FILE
            if not path.is_file() and (folder / LEGACY_WEIGHTS_FILE).is_file():
                return _load_legacy(folder)
        try:
            with np.load(path) as arrays:
                config = json.loads(str(arrays["config"]))
                trunk = new_transformer(TransformerConfig.of(config["network"]))
                encoder = new_encoder(StyleEncoderConfig(**config["encoder"])) if config["encoder"] else None
                for variable in (*trunk.variables, *(encoder.variables if encoder else ())):
                    variable.assign(arrays[variable.path].astype("float32"))
                styles = tuple(Style(**style) for style in config["styles"])
                return cls(trunk, styles, arrays["style_table"].astype("float32"), encoder, config["step"])
        except DAMAGED as error:
            raise TrainingError(
                f"Expected a trained model in {path}, as `tfstyle train` writes it. Got: {error}"
            ) from error


def new_transformer(config: TransformerConfig) -> Transformer:
    """A built network with initial weights. Its name is fixed, so that checkpoints name the same variables."""
    transformer = Transformer(config, name="transformer")
    transformer.build()
    return transformer


def new_encoder(config: StyleEncoderConfig) -> StyleEncoder:
    """A built style encoder with initial weights, by a fixed name."""
    encoder = StyleEncoder(config, name="encoder")
    encoder.build()
    return encoder


def stylize(trunk: Transformer, photos: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Photos, uint8 `[B, H, W, 3]`, in the style of one vector `[V]`; uint8 of the same shape."""
    stylized = trunk(photos, np.tile(vector.astype("float32"), (len(photos), 1, 1)))
    return np.round(ops.convert_to_numpy(stylized)).astype("uint8")


def initialize(trunk: Transformer, styles: Sequence[Style], source: Checkpoint) -> np.ndarray:
    """Copies the weights of another network as far as it has them, and gives the style vectors to start from.

    The other network may lack the coarse branch, which starts at zero, and so changes nothing at first.

    Args:
        trunk: Gets the weights.
        styles: The named styles to begin with.
        source: Gives the weights; styles go by name, and one that it does not know starts as the mean of those it does.

    Returns:
        A style table, float32 `[N, V]`; numbers that `source` has no layer for are a gamma of 1 and a beta of 0.

    Raises:
        TrainingError: If the two networks have other kernels.
    """
    known = {variable.path: ops.convert_to_numpy(variable) for variable in source.trunk.variables}
    for variable in trunk.variables:
        value = known.pop(variable.path, None)
        if value is None and "/coarse/" in variable.path:
            continue
        if value is None or value.shape != tuple(variable.shape):
            there = "is missing there" if value is None else f"has shape {value.shape} there"
            raise TrainingError(
                f"Weights to start from must be of the same network. {variable.path} has shape "
                f"{tuple(variable.shape)} and {there}."
            )
        variable.assign(value)
    if known:
        raise TrainingError(f"Weights to start from must be of the same network. Not wanted here: {', '.join(known)}.")
    rows = dict(zip(source.names, source.table, strict=True))
    mean = source.table.mean(axis=0)
    table = np.tile(neutral_vector(trunk), (len(styles), 1))
    table[:, : len(mean)] = [rows.get(style.name, mean) for style in styles]
    return table


def neutral_vector(trunk: Transformer) -> np.ndarray:
    """The style vector whose gammas are 1 and betas 0, float32 `[V]`."""
    sizes = [norm.filters for layer in trunk.styled_layers for norm in normalizations(layer)]
    return np.concatenate([np.repeat(np.array([1, 0], "float32"), size) for size in sizes])


def normalizations(layer) -> list:
    """The normalizations within a layer, in the order of the style vector."""
    if hasattr(layer, "norm"):
        return [layer.norm]
    if hasattr(layer, "first"):
        return [layer.first.norm, layer.second.norm]
    parts = (layer.down, layer.residual[0], *([layer.lower] if layer.lower else []), *layer.residual[1:])
    return [norm for part in parts for norm in normalizations(part)]


# Until version 2 every normalization held the gammas and betas of all styles, in a Keras file beside a `config.json`.
LEGACY_WEIGHTS_FILE = "model.weights.h5"
LEGACY_CONFIG_FILE = "config.json"


def _load_legacy(folder: Path) -> Checkpoint:
    import h5py

    try:
        saved = json.loads((folder / LEGACY_CONFIG_FILE).read_text())
        network = {name: value for name, value in saved["network"].items() if name != "styles"}
        trunk = new_transformer(TransformerConfig.of(network))
        with h5py.File(folder / LEGACY_WEIGHTS_FILE) as file:
            columns = _take_legacy(trunk, file)
        return Checkpoint(trunk, tuple(Style(**style) for style in saved["styles"]), np.concatenate(columns, axis=1))
    except DAMAGED as error:
        raise TrainingError(
            f"Expected {LEGACY_CONFIG_FILE} and {LEGACY_WEIGHTS_FILE} of one network in {folder}. Got: {error}"
        ) from error


def _take_legacy(trunk: Transformer, file: Mapping) -> list[np.ndarray]:
    """Assigns the kernels; returns gammas and betas, `[N, C]` each, in the order of the style vector."""
    numbered = lambda name, number: name + (f"_{number}" if number else "")  # noqa: E731
    convolutions = [(layer, f"down/{numbered('styled_conv2d', i)}") for i, layer in enumerate(trunk.down)]
    for i, block in enumerate(trunk.trunk):
        where = f"layers/{numbered('residual_block', i)}"
        convolutions += [(block.first, f"{where}/first"), (block.second, f"{where}/second")]
    first = len(trunk.down)
    convolutions += [(layer, f"layers/{numbered('styled_conv2d', i)}") for i, layer in enumerate(trunk.up, first)]
    columns = []
    for layer, where in convolutions:
        for variable, name in ((layer.conv.kernel, "0"), (layer.conv.bias, "1")):
            variable.assign(file[f"{where}/conv/vars/{name}"][()])
        columns += [file[f"{where}/norm/vars/{name}"][()] for name in ("0", "1")]
    trunk.last.kernel.assign(file["last/vars/0"][()])
    trunk.last.bias.assign(file["last/vars/1"][()])
    return columns
