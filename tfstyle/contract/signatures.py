"""The wire contract: what every exported model answers to, by name, dtype and shape.

Export builds a SavedModel from this table, clients build requests from it, and tests hold both to it.
Sizes: `B` pictures, `H` x `W` pixels, `N` style columns, `R` regions, `V` numbers of a style vector; None is any size.

The pictures of a request have at most `max_pixels` pixels together (B * H * W), and each at most `MAX_REGIONS` regions;
`describe` tells both.

Styles mix in proportion: weights are >= 0 and are divided by their sum; a row of zeros gives the photo back.
Columns are append-only over the versions of a model: fewer than N are padded with zeros, more is an error.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

DType = Literal["uint8", "float32", "bool", "string", "int64"]

MAX_REGIONS = 8  # of a picture: as many as there are places with a name; each costs memory for all its pixels


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a signature: its dtype, its shape (None: any size) and what it means."""

    dtype: DType
    shape: tuple[int | None, ...]
    meaning: str
    optional: bool = False  # models that were exported before there was such an output may lack it


@dataclass(frozen=True)
class Signature:
    """A named entry point of a model: the tensors it takes and the tensors it answers."""

    name: str
    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]
    optional: bool = False  # models that were exported before there was one, or without a style encoder, may lack it


_IMAGE = TensorInfo("uint8", (None, None, None, 3), "upright RGB photos [B,H,W,3], 0..255")
_STYLE_WEIGHTS = TensorInfo("float32", (None, None), "how much of each style [B,N], >= 0")
_STRENGTH = TensorInfo("float32", (None,), "how much of the painting [B], 0..1; 0 is the photo")
_PRESERVE_COLOR = TensorInfo("bool", (None,), "keep the photo's colours, take only luminance [B]")
_IMAGE_BYTES = TensorInfo("string", (None,), "upright JPEG or PNG photos [B]; sizes may differ")
_REGION_MASKS = TensorInfo("string", (None, None), "gray PNG or JPEG of the photo's size [B,R]; empty: everywhere")
_FORMAT = TensorInfo("string", (None,), "encoding of the answer [B]: jpeg or png")
_ENCODED = TensorInfo("string", (None,), "paintings, encoded as asked [B]")
_STYLIZED = TensorInfo("uint8", (None, None, None, 3), "paintings [B,H,W,3], 0..255")

_ALL = (
    Signature(
        "serving_default",
        inputs={"image": _IMAGE, "style_weights": _STYLE_WEIGHTS},
        outputs={"stylized": _STYLIZED},
    ),
    Signature(
        "controlled",
        inputs={
            "image": _IMAGE,
            "style_weights": _STYLE_WEIGHTS,
            "strength": _STRENGTH,
            "mask": TensorInfo("float32", (None, None, None, 1), "where to paint [B,H,W,1], 0..1"),
            "preserve_color": _PRESERVE_COLOR,
        },
        outputs={"stylized": _STYLIZED},
    ),
    Signature(
        "regions",
        inputs={
            "image": _IMAGE,
            "style_map": TensorInfo("float32", (None, None, None, None), "style weights per pixel [B,H,W,N], >= 0"),
            "strength": _STRENGTH,
            "preserve_color": _PRESERVE_COLOR,
        },
        outputs={"stylized": _STYLIZED},
    ),
    Signature(
        "encoded",
        inputs={
            "image_bytes": _IMAGE_BYTES,
            "region_weights": TensorInfo("float32", (None, None, None), "style weights of each region [B,R,N], >= 0"),
            "region_masks": _REGION_MASKS,
            "strength": _STRENGTH,
            "preserve_color": _PRESERVE_COLOR,
            "format": _FORMAT,
        },
        outputs={"image_bytes": _ENCODED},
    ),
    Signature(
        "encode_style",
        inputs={"image_bytes": TensorInfo("string", (None,), "upright JPEG or PNG style images [B]; sizes may differ")},
        outputs={"style_vectors": TensorInfo("float32", (None, None), "their style vectors [B,V]")},
        optional=True,
    ),
    Signature(
        "stylize_vectors",
        inputs={
            "image_bytes": _IMAGE_BYTES,
            "style_vectors": TensorInfo("float32", (None, None, None), "style vector of each region [B,R,V], finite"),
            "region_masks": _REGION_MASKS,
            "strength": _STRENGTH,
            "preserve_color": _PRESERVE_COLOR,
            "format": _FORMAT,
        },
        outputs={"image_bytes": _ENCODED},
        optional=True,
    ),
    Signature(
        "describe",
        inputs={},
        outputs={
            "style_names": TensorInfo("string", (None,), "what requests call the styles [N]"),
            "titles": TensorInfo("string", (None,), "titles of the paintings [N]"),
            "artists": TensorInfo("string", (None,), "who painted them [N]"),
            "years": TensorInfo("string", (None,), "when, as text [N]"),
            "thumbnails": TensorInfo("string", (None,), "small JPEGs of what each style does [N]"),
            "max_pixels": TensorInfo("int64", (1,), "largest B * H * W of a request [1]"),
            "max_regions": TensorInfo("int64", (1,), "largest R of a request [1]"),
            "style_vectors": TensorInfo("float32", (None, None), "vectors of the styles [N,V]", optional=True),
            "trunk": TensorInfo("string", (1,), "fingerprint of the network that vectors are for [1]", optional=True),
        },
    ),
)

SIGNATURES = MappingProxyType({signature.name: signature for signature in _ALL})
