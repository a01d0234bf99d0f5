"""Style vectors as values: what is one, and how they mix with those that a model describes."""

import numpy as np
import pytest

from tfstyle.contract.style_vector import StyleTable, StyleVector, name_from
from tfstyle.errors import ModelError, StyleVectorError

TRUNK = "0123456789abcdef"
TABLE = StyleTable(("red", "green"), np.array([[1, 0, 0], [0, 1, 0]], np.float32), TRUNK)


def test_a_vector_keeps_its_own_read_only_copy():
    """Options are frozen, and a request is built later than it was checked."""
    values = np.ones(3, np.float32)
    style = StyleVector(values, TRUNK)
    values[0] = np.nan

    assert style.values.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        style.values[0] = 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"values": np.ones((1, 3))}, r"of shape \[V\], got one of shape \[1, 3\]"),
        ({"values": np.ones(0)}, r"of shape \[V\]"),
        ({"values": np.array([1, np.nan, np.inf])}, "finite numbers for 'style', got 2 that are not"),
        ({"trunk": "../../etc"}, "16 hexadecimal digits"),
        ({"trunk": 5}, "16 hexadecimal digits"),
        ({"name": "a,b"}, "letters, digits"),
        ({"name": ""}, "letters, digits"),
        ({"title": "x" * 201}, "at most 200 characters"),
        ({"year": 1908}, "at most 200 characters"),
        ({"thumbnail": bytes(100_001)}, "at most 100000 bytes"),
    ],
)
def test_what_is_no_style_vector_is_refused_in_a_sentence(fields, said):
    with pytest.raises(StyleVectorError, match=said):
        StyleVector(**{"values": np.ones(3, np.float32), "trunk": TRUNK, **fields})


def test_named_styles_and_vectors_mix_in_proportion():
    blue = StyleVector(np.array([0, 0, 1]), TRUNK, "blue")

    np.testing.assert_allclose(TABLE.mixed({"red": 1, blue: 3}), [0.25, 0, 0.75])
    np.testing.assert_allclose(TABLE.mixed({"red": 3e38, "green": 3e38}), [0.5, 0.5, 0])  # whose sum leaves float32
    np.testing.assert_array_equal(TABLE.mixed({blue: 0.1}), blue.values)


def test_a_vector_of_another_trunk_is_refused_with_what_to_do():
    with pytest.raises(StyleVectorError, match=r"'kiss' is of fedcba9876543210; make it again from its painting"):
        TABLE.mixed({StyleVector(np.ones(3), "fedcba9876543210", "kiss"): 1})
    with pytest.raises(StyleVectorError, match="make it again"):
        TABLE.check(StyleVector(np.ones(4), TRUNK))


def test_a_table_is_read_from_what_a_model_describes():
    answer = {
        "style_names": np.array([b"red", b"green"], object),
        "style_vectors": TABLE.vectors,
        "trunk": np.array([TRUNK.encode()], object),
    }
    table = StyleTable.from_describe(answer)
    assert (table.names, table.trunk) == (TABLE.names, TRUNK)
    np.testing.assert_array_equal(table.vectors, TABLE.vectors)

    assert StyleTable.from_describe({"style_names": answer["style_names"]}) is None
    for damage in (
        {"style_vectors": TABLE.vectors[:1]},
        {"style_vectors": TABLE.vectors[0]},
        {"style_vectors": TABLE.vectors * np.nan},
        {"style_vectors": TABLE.vectors.astype(np.float64)},
        {"trunk": np.array([b"no"], object)},
        {"trunk": np.array([], object)},
        {"style_names": np.array([1, 2])},
    ):
        with pytest.raises(ModelError, match="describes its style vectors"):
            StyleTable.from_describe({**answer, **damage})


def test_files_names_become_names_of_styles():
    assert name_from("The Kiss (1908), Klimt") == "the_kiss_1908_klimt"
    assert name_from("Schrei") == "schrei"
    assert name_from("…") == "style"
