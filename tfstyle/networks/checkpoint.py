"""A trained transformer on disk: `model.weights.h5` with its `config.json`, from which training can go on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from keras import ops

from tfstyle.contract.catalog import Style
from tfstyle.errors import TrainingError
from tfstyle.networks.transformer import Transformer, TransformerConfig

WEIGHTS_FILE = "model.weights.h5"
CONFIG_FILE = "config.json"
STYLE_KEYS = ("name", "title", "artist", "year")


def new_transformer(config: TransformerConfig) -> Transformer:
    """A built network with initial weights. Its name is fixed, so that checkpoints name the same variables."""
    transformer = Transformer(config, name="transformer")
    transformer.build()
    return transformer


def save(transformer: Transformer, styles: Sequence[Style], folder: Path) -> None:
    """Writes both files into `folder`, which is made if need be. `styles`: one per row; thumbnails are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    described = [{key: getattr(style, key) for key in STYLE_KEYS} for style in styles]
    config = {"network": asdict(transformer.config), "styles": described}
    temporary = folder / f"new.{WEIGHTS_FILE}"  # Keras wants the ending; the rename keeps a kill from leaving half
    transformer.save_weights(temporary)
    temporary.replace(folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def load(folder: Path) -> tuple[Transformer, tuple[Style, ...]]:
    """A network and the styles of its rows, from the two files `save` wrote.

    Args:
        folder: Where they are: a run, a version's `assets.extra`, or the version itself.

    Raises:
        TrainingError: If they are missing or do not fit each other.
    """
    if not (folder / CONFIG_FILE).is_file() and (folder / "assets.extra").is_dir():
        folder = folder / "assets.extra"
    try:
        saved = json.loads((folder / CONFIG_FILE).read_text())
        network = saved["network"]
        transformer = new_transformer(TransformerConfig(**{**network, "widths": tuple(network["widths"])}))
        transformer.load_weights(folder / WEIGHTS_FILE)
        return transformer, tuple(Style(**style) for style in saved["styles"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"Expected {CONFIG_FILE} and {WEIGHTS_FILE} of one network in {folder}. Got: {error}"
        ) from error


def initialize(
    transformer: Transformer, styles: Sequence[Style], source: Transformer, source_styles: Sequence[Style]
) -> None:
    """Copies the weights of `source`; style rows go by name, and a new style starts as the mean of the known ones.

    Args:
        transformer: Gets the weights; `styles` are those of its rows.
        source: Gives them; `source_styles` are those of its rows.

    Raises:
        TrainingError: If the two networks have other kernels.
    """
    for variable, value in zip(transformer.variables, source.variables, strict=False):
        known = ops.convert_to_numpy(value)
        if variable.name in ("gamma", "beta"):
            rows = {style.name: row for style, row in zip(source_styles, known, strict=True)}
            mean = known.mean(axis=0)
            known = [rows.get(style.name, mean) for style in styles]
        elif variable.shape != value.shape:
            raise TrainingError(
                f"Weights to start from must be of the same network. {variable.path} has shape {variable.shape}, "
                f"there {value.shape}."
            )
        variable.assign(known)


def with_row(transformer: Transformer, row: Transformer, index: int) -> Transformer:
    """A network that has one row more, or another in the place of one; nothing else changes, to the bit.

    Args:
        transformer: Gives everything else.
        row: A network of one style, with the same kernels.
        index: The row that it replaces; that behind the last is a new one.

    Raises:
        TrainingError: If the two networks have other kernels, or a row is not finite: it would spoil every style, since
            0 times NaN is NaN.
    """
    config = transformer.config
    joined = new_transformer(replace(config, styles=max(config.styles, index + 1)))
    for variable, known, new in zip(joined.variables, transformer.variables, row.variables, strict=True):
        known, new = ops.convert_to_numpy(known), ops.convert_to_numpy(new)
        if not np.isfinite(new).all():
            raise TrainingError(f"A learned row must be finite, {variable.path} is not: learn it again.")
        if variable.name in ("gamma", "beta"):
            known = np.concatenate([known[:index], new, known[index + 1 :]])
        elif not np.array_equal(known, new):
            raise TrainingError(f"A row must be learned with the network's kernels, {variable.path} is another.")
        variable.assign(known)
    return joined
