"""What a model says when it refuses a request, without the wrapping TensorFlow puts around it.

The checks live in the graph, so the same sentence arrives in-process and through gRPC, each time inside other brackets:

    {{function_node __inference_encoded_123}} assertion failed: [Expected strength in 0..1. Got a smallest of 2, ...]
         [[{{node StatefulPartitionedCall/Assert}}]] [Op:__inference_...]
"""

import re

from tfstyle.errors import MaskError, PhotoError, RequestError, StyleTransferError

_NODES = re.compile(r"\[\[\{\{.*?\]\]|\{\{[^}]*\}\}|\[Op:[^\]]*\]|\(\d+\) [A-Z_ ]+:", re.DOTALL)
_WHERE = re.compile(r"Graph execution error:.*?(<stack traces unavailable>|Node: '[^']*')", re.DOTALL)
_ASSERTED = re.compile(r"assertion failed: \[(.*)\]\s*\Z", re.DOTALL | re.IGNORECASE)
_REPEATED = re.compile(r"\n\d+ (successful operations|derived errors).*", re.DOTALL)
_ABOUT_PHOTO = re.compile(r"Expected (image|a JPEG or PNG)|(?!Expected).*\b(jpe?g|png|image)", re.IGNORECASE)


def refusal(message: str) -> StyleTransferError:
    """The error that a graph's INVALID_ARGUMENT stands for.

    Args:
        message: As TensorFlow or a server put it.

    Returns:
        `MaskError` or `PhotoError` if the sentence is about masks or about the photo, else `RequestError`.
    """
    sentence = graph_sentence(message)
    if "mask" in sentence.partition(" Got")[0]:
        return MaskError(sentence)
    return PhotoError(sentence) if _ABOUT_PHOTO.match(sentence) else RequestError(sentence)


def graph_sentence(message: str) -> str:
    """The sentence inside a TensorFlow error message."""
    text = _NODES.sub(" ", _WHERE.sub("", _REPEATED.sub("", message)))
    asserted = _ASSERTED.search(text)
    if asserted:  # its strings are escaped as in C
        text = asserted[1].replace('\\"', '"')
    return " ".join(text.split())
