"""The sentence inside TensorFlow's wrapping."""

import pytest

from tfstyle.errors import MaskError, PhotoError, RequestError
from tfstyle.refusals import Code, coded, graph_sentence, refusal


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
    ("code", "kind"),
    [
        (Code.IMAGE_SIZE, PhotoError),
        (Code.IMAGE_FORMAT, PhotoError),
        (Code.MASK_SIZE, MaskError),
        (Code.MASK_FORMAT, MaskError),
        (Code.STRENGTH, RequestError),
        (Code.FORMAT, RequestError),
        (Code.BATCH_LENGTH, RequestError),
    ],
)
def test_the_code_says_what_a_refusal_is_about_and_the_sentence_does_not(code, kind):
    sentence = "Expected a mask of the image as jpeg. Got: [1 2]."
    error = refusal(f"assertion failed: [{coded(code, sentence)}]\n\t [[{{{{node A}}}}]]")

    assert type(error) is kind
    assert str(error) == sentence
    assert error.reason == code


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Invalid PNG. Failed to initialize decoder.", PhotoError),
        ("jpeg::Uncompress failed. Invalid JPEG data or crop window.", PhotoError),
        ("input size does not match signature: 0!=1 len({}) != len({image_bytes}).", RequestError),
    ],
)
def test_what_tensorflow_says_itself_has_no_code(sentence, kind):
    error = refusal(sentence)

    assert type(error) is kind
    assert (str(error), error.reason) == (sentence, "")
