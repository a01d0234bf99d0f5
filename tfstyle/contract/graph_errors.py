"""What a model says when it refuses a request: a code for programs, a sentence for people.

The checks live in the graph, so the same text arrives in-process and through gRPC, each time inside other brackets:

    {{function_node __inference_encoded_123}} assertion failed: [[strength.range] Expected strength in 0..1. Got ...]
         [[{{node StatefulPartitionedCall/Assert}}]] [Op:__inference_...]

What a decoder of TensorFlow refuses has TensorFlow's sentence; its node is named by the code:

    Invalid PNG data, size 29768 [[{{node map/while/cond/photo.damaged}}]]
"""

import re
from enum import StrEnum

from tfstyle.errors import MaskError, PhotoError, RequestError, StyleTransferError, StyleVectorError


class GraphCode(StrEnum):
    """Why the graph refused; part of the wire contract. Before the dot: what it is about."""

    PHOTO_FORMAT = "photo.format"  # neither JPEG nor PNG
    PHOTO_DAMAGED = "photo.damaged"
    PHOTO_SMALL = "photo.small"
    PHOTO_LARGE = "photo.large"
    PHOTO_CHANNELS = "photo.channels"
    STYLE_IMAGE_FORMAT = "style_image.format"  # neither JPEG nor PNG
    STYLE_IMAGE_DAMAGED = "style_image.damaged"
    STYLE_IMAGE_SMALL = "style_image.small"
    STYLE_IMAGE_LARGE = "style_image.large"
    STYLE_IMAGE_ASPECT = "style_image.aspect"  # wider than ten to one, or higher
    MASK_FORMAT = "mask.format"
    MASK_DAMAGED = "mask.damaged"
    MASK_SIZE = "mask.size"  # not as large as the photo
    MASK_RANGE = "mask.range"
    STRENGTH_RANGE = "strength.range"
    WEIGHTS_SHAPE = "weights.shape"
    WEIGHTS_COLUMNS = "weights.columns"  # more than the model has styles
    WEIGHTS_RANGE = "weights.range"
    VECTORS_SIZE = "vectors.size"  # of another length than the model's
    VECTORS_RANGE = "vectors.range"  # not finite
    REQUEST_SHAPE = "request.shape"  # as many values as pictures
    REQUEST_PIXELS = "request.pixels"  # of all pictures together
    REQUEST_REGIONS = "request.regions"
    REQUEST_FORMAT = "request.format"


_NODES = re.compile(r"\[\[\{\{.*?\]\]|\{\{[^}]*\}\}|\[Op:[^\]]*\]|\(\d+\) [A-Z_ ]+:", re.DOTALL)
_WHERE = re.compile(r"Graph execution error:.*?(<stack traces unavailable>|Node: '[^']*')", re.DOTALL)
_ASSERTED = re.compile(r"assertion failed: \[(.*)\]\s*\Z", re.DOTALL | re.IGNORECASE)
_REPEATED = re.compile(r"\n\d+ (successful operations|derived errors).*", re.DOTALL)
_CODES = "|".join(re.escape(code) for code in GraphCode)
_CODED = re.compile(rf"\[({_CODES})\] ?")
_NODE = re.compile(rf"\{{\{{node [^}}]*\b({_CODES})(_\d+)?\}}\}}")


def refusal(message: str) -> StyleTransferError:
    """The error that a graph's INVALID_ARGUMENT stands for.

    Args:
        message: As TensorFlow or a server put it.

    Returns:
        `MaskError` if the code is about a mask, `PhotoError` if about the photo or a style image, `StyleVectorError` if
        about style vectors, else `RequestError`; with the code as `graph_code`, which is empty where a graph has none,
        as those of other models.
    """
    code = graph_code(message)
    about = code.partition(".")[0]
    kinds: dict[str, type[StyleTransferError]] = {
        "photo": PhotoError,
        "style_image": PhotoError,
        "mask": MaskError,
        "vectors": StyleVectorError,
    }
    error = kinds.get(about, RequestError)(graph_sentence(message))
    error.graph_code = code
    return error


def graph_code(message: str) -> str:
    """The code in a TensorFlow error message, one of `GraphCode`; empty if there is none."""
    found = _CODED.search(message) or _NODE.search(message)
    return found[1] if found else ""


def graph_sentence(message: str) -> str:
    """The sentence inside a TensorFlow error message, without its code."""
    text = _NODES.sub(" ", _WHERE.sub("", _REPEATED.sub("", message)))
    asserted = _ASSERTED.search(text)
    if asserted:  # its strings are escaped as in C
        text = asserted[1].replace('\\"', '"')
    return " ".join(_CODED.sub("", text).split())
