"""The sentence inside TensorFlow's wrapping."""

import pytest

from tfstyle.contract.graph_errors import graph_sentence, refusal
from tfstyle.errors import MaskError, PhotoError, RequestError


@pytest.mark.parametrize(
    "message",
    [
        "Expected at most 5 style columns. Got: [1 6].",
        "assertion failed: [Expected at most 5 style columns. Got: [1 6].]",
        "assertion failed: [Expected at most 5 style columns. Got: [1 6].]\n\t [[{{node Assert/Assert}}]]",
        "{{function_node __inference_encoded_12}} {{function_node __inference_encoded_12}} assertion failed: "
        "[Expected at most 5 style columns. Got: [1 6].]\n\t [[{{node map/while/body/_3/Assert}}]]\n"
        "\t [[{{node StatefulPartitionedCall}}]] [Op:__inference_signature_wrapper_99]",
        "(0) INVALID_ARGUMENT: assertion failed: [Expected at most 5 style columns. Got: [1 6].]\n\t [[{{node A}}]]\n"
        "0 successful operations.\n0 derived errors ignored.",
    ],
)
def test_the_sentence_comes_out_alone(message):
    assert graph_sentence(message) == "Expected at most 5 style columns. Got: [1 6]."


def test_where_in_the_graph_it_happened_is_left_out():
    message = (
        "Graph execution error:\n\nDetected at node map/while/DecodePng defined at (most recent call last):\n"
        "<stack traces unavailable>\nInvalid PNG data, size 29768\n\t [[{{node map/while/DecodePng}}]] [Op:__inf_1]"
    )
    assert graph_sentence(message) == "Invalid PNG data, size 29768"


def test_quotes_are_not_escaped():
    assert graph_sentence(r"assertion failed: [Got: \"gif\".]") == 'Got: "gif".'


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Expected image_bytes of at most 100 pixels. Got 20 x 20.", PhotoError),
        ("Expected image of at least 16 x 16 pixels. Got 1 x 1.", PhotoError),
        ("Expected a JPEG or PNG in image_bytes. Got 4 bytes of something else.", PhotoError),
        ("Invalid PNG. Failed to initialize decoder.", PhotoError),
        ("Expected a mask as large as the picture, [16 16] (height, width). Got: [8 8].", MaskError),
        ("Expected a JPEG or PNG in region_masks. Got 4 bytes of something else.", MaskError),
        ("Expected strength in 0..1. Got a smallest of 2, a largest of 2.", RequestError),
        ("Expected format jpeg or png. Got: gif.", RequestError),
        ("Expected strength for every picture of image_bytes: 1 pictures. Got: 2.", RequestError),
    ],
)
def test_refusals_are_about_the_photo_the_mask_or_the_request(sentence, kind):
    error = refusal(f"assertion failed: [{sentence}]")
    assert type(error) is kind
    assert str(error) == sentence
