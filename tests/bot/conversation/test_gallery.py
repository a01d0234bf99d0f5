"""The gallery on a phone."""

import io

import pytest
from PIL import Image

from bot.conversation.gallery import gallery
from bot.conversation.keyboards import PAGE, pages
from testing.fake_model import thumbnail
from tfstyle.contract.catalog import Catalog, Style


def catalog(count):
    return Catalog(tuple(Style(f"s{n}", f"Style {n}", "A", "1900", thumbnail()) for n in range(count)), 10**6)


@pytest.mark.parametrize(
    ("count", "lengths"),
    [(1, [1]), (5, [5]), (12, [12]), (13, [7, 6]), (16, [8, 8]), (25, [9, 9, 7]), (37, [10, 10, 10, 7])],
)
def test_styles_are_on_as_few_pages_as_fit_and_all_about_equally_long(count, lengths):
    book = pages(catalog(count))

    assert [len(page) for page in book] == lengths
    assert max(lengths) <= PAGE
    assert [style for page in book for style in page] == list(catalog(count))


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9, 12])
def test_a_page_is_no_wider_than_three_pictures_and_no_taller_than_a_phone(count):
    picture = Image.open(io.BytesIO(gallery(tuple(catalog(count)))))

    assert picture.width <= 3 * 256 + 60
    assert picture.height <= 1.8 * picture.width


def test_a_style_without_a_thumbnail_has_its_name_still():
    picture = Image.open(io.BytesIO(gallery((Style("a", "A", "B", "1900"),))))

    assert picture.convert("L").point(lambda value: 255 * (value < 100)).getbbox() is not None  # ink
