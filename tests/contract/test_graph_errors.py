"""The sentence inside TensorFlow's wrapping."""

import pytest

from tfstyle.contract.graph_errors import GraphCode, graph_sentence, refusal
from tfstyle.errors import MaskError, PhotoError, RequestError, StyleVectorError


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


@pytest.mark.parametrize("code", GraphCode)
def test_refusals_are_about_a_picture_a_mask_vectors_or_the_request_by_their_code(code):
    """Whatever the sentence says: this one speaks of all three."""
    error = refusal(f"assertion failed: [[{code}] Expected an image, a mask and a strength. Got: [16 16].]")
    about = code.partition(".")[0]
    kinds = {"photo": PhotoError, "style_image": PhotoError, "mask": MaskError, "vectors": StyleVectorError}
    assert type(error) is kinds.get(about, RequestError)
    assert error.graph_code == code
    assert str(error) == "Expected an image, a mask and a strength. Got: [16 16]."


@pytest.mark.parametrize("number", ["", "_3"])
def test_what_a_decoder_refuses_is_coded_by_the_name_of_its_node(number):
    """TensorFlow numbers nodes of one name."""
    error = refusal(
        f"Graph execution error:\n\nDetected at node x/mask.damaged{number} defined at (most recent call last):\n"
        f"<stack traces unavailable>\nInvalid PNG data, size 29768\n\t [[{{{{node x/mask.damaged{number}}}}}]]"
    )
    assert type(error) is MaskError
    assert error.graph_code == "mask.damaged"
    assert str(error) == "Invalid PNG data, size 29768"


def test_a_refusal_of_another_model_has_no_code():
    error = refusal("assertion failed: [Expected an image of another kind.]")
    assert type(error) is RequestError
    assert error.graph_code == ""
    assert str(error) == "Expected an image of another kind."
