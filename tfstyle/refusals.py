"""What a model says when it refuses a request: a code for programs, then a sentence for people.

The checks live in the graph, so the same words arrive in-process and through gRPC, each time inside other brackets:

    {{function_node __inference_encoded_123}} assertion failed: [[strength] Expected strength in 0..1. Got a ...]
         [[{{node StatefulPartitionedCall/Assert}}]] [Op:__inference_...]

What TensorFlow itself says of a picture that it cannot decode has no code.
"""

import re
from enum import StrEnum

from tfstyle.errors import MaskError, PhotoError, RequestError, StyleTransferError


class Code(StrEnum):
    """What a request was refused for. Codes of `image` are about the photo, those of `mask` about a mask."""

    IMAGE_SIZE = "image.size"
    IMAGE_CHANNELS = "image.channels"
    IMAGE_FORMAT = "image.format"
    MASK_SIZE = "mask.size"
    MASK_RANGE = "mask.range"
    MASK_FORMAT = "mask.format"
    BATCH_LENGTH = "batch.length"
    BATCH_SIZE = "batch.size"
    REGIONS_COUNT = "regions.count"
    WEIGHTS_SHAPE = "weights.shape"
    WEIGHTS_COLUMNS = "weights.columns"
    WEIGHTS_RANGE = "weights.range"
    STRENGTH = "strength"
    FORMAT = "format"


_NODES = re.compile(r"\[\[\{\{.*?\]\]|\{\{[^}]*\}\}|\[Op:[^\]]*\]|\(\d+\) [A-Z_ ]+:", re.DOTALL)
_WHERE = re.compile(r"Graph execution error:.*?(<stack traces unavailable>|Node: '[^']*')", re.DOTALL)
_ASSERTED = re.compile(r"assertion failed: \[(.*)\]\s*\Z", re.DOTALL | re.IGNORECASE)
_REPEATED = re.compile(r"\n\d+ (successful operations|derived errors).*", re.DOTALL)
_CODED = re.compile(r"\[([a-z]+(?:\.[a-z]+)?)\] (.*)", re.DOTALL)
_DECODER = re.compile(r"\b(jpe?g|png)\b", re.IGNORECASE)  # TensorFlow's, of bytes that it cannot decode


def coded(code: Code, sentence: str) -> str:
    """A sentence of the graph with its code, as `refusal` reads it."""
    return f"[{code}] {sentence}"


def refusal(message: str) -> StyleTransferError:
    """The error that a graph's INVALID_ARGUMENT stands for.

    Args:
        message: As TensorFlow or a server put it.

    Returns:
        `MaskError` or `PhotoError` if it is about masks or about the photo, else `RequestError`; with the code as its
        `reason`, empty if there is none.
    """
    code, sentence = _read(message)
    error: StyleTransferError
    match code.partition(".")[0]:
        case "mask":
            error = MaskError(sentence)
        case "image":
            error = PhotoError(sentence)
        case "" if _DECODER.search(sentence):
            error = PhotoError(sentence)
        case _:
            error = RequestError(sentence)
    error.reason = code
    return error


def graph_sentence(message: str) -> str:
    """The sentence inside a TensorFlow error message, without its code."""
    return _read(message)[1]


def _read(message: str) -> tuple[str, str]:
    """Code and sentence."""
    text = _NODES.sub(" ", _WHERE.sub("", _REPEATED.sub("", message)))
    asserted = _ASSERTED.search(text)
    if asserted:  # its strings are escaped as in C
        text = asserted[1].replace('\\"', '"')
    text = " ".join(text.split())
    found = _CODED.fullmatch(text)
    return (found[1], found[2]) if found else ("", text)
