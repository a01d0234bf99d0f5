"""What each fault means, without a bot around it."""

import pytest

from bot.conversation.failures import RetryPolicy, explain
from bot.errors import (
    FileTooLargeError,
    MaskGoneError,
    NothingFoundError,
    PictureGoneError,
    SegmenterMissingError,
)
from bot.texts import load_texts
from serving.client.errors import (
    DeadlineError,
    ModelNotFoundError,
    RefusedPhotoError,
    ServerBusyError,
    ServerFaultError,
)
from tfstyle.errors import MaskError, PhotoError, PhotoTooLargeError, PhotoTooSmallError, RequestError

EN = load_texts("en")


def explained(error, *, tries=1, waited=0.0):
    return explain(error, EN, tries=tries, waited=waited, max_megapixels=25.0)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (PictureGoneError("x"), "photo_gone", EN.photo_gone),
        (MaskGoneError("x"), "mask_gone", EN.mask_gone),
        (PhotoError("x"), "photo_unreadable", EN.photo_unreadable),
        (PhotoTooSmallError("x"), "photo_too_small", EN.too_few_pixels.format(least=16)),
        (RefusedPhotoError("x"), "photo_unreadable", EN.photo_unreadable),
        (MaskError("x"), "mask_unfit", EN.mask_unfit),
        (NothingFoundError("person"), "nothing_found", EN.nothing_found.format(place="person")),
        (SegmenterMissingError("x"), "masks_missing", EN.masks_missing),
        (RequestError("The strength is odd."), "refused", "The painter refused this: The strength is odd."),
    ],
)
def test_what_is_wrong_with_a_photo_is_told_at_once(error, kind, text):
    problem = explained(error)

    assert (problem.kind, problem.text, problem.again) == (kind, text, None)


def test_too_many_pixels_are_told_in_megapixels():
    problem = explained(PhotoTooLargeError("x", pixels=108_000_000, limit=120_000_000))

    assert "108 megapixels; the most I can take is 25." in problem.text


def test_a_format_that_takes_more_memory_has_a_lower_limit_of_its_own():
    problem = explained(PhotoTooLargeError("x", pixels=20_000_000, limit=12_340_000))

    assert "20 megapixels; the most I can take is 12.3." in problem.text


@pytest.mark.parametrize(
    ("size", "told"), [(21 * 2**20, "21 MB"), (20 * 2**20 + 1, "20.1 MB"), (123_456_789, "117.8 MB"), (None, ">20 MB")]
)
def test_a_file_that_is_too_large_is_told_to_have_more_than_is_allowed(size, told):
    problem = explained(FileTooLargeError(size, 20 * 2**20))

    assert problem.text == f"This file has {told}; the most I can take is 20 MB. Send it smaller, or as a photo."
    assert (problem.kind, problem.again) == ("file_too_large", None)


@pytest.mark.parametrize("error", [ServerBusyError("full"), ModelNotFoundError("loading")])
def test_a_server_that_is_full_or_loads_its_model_is_waited_for(error):
    problem = explained(error, waited=100)

    assert not problem.count_attempt
    assert 0 < problem.again <= 30


def test_tries_are_counted():
    assert explained(DeadlineError("x"), tries=RetryPolicy().deadlines - 1).again is not None
    assert explained(DeadlineError("x"), tries=RetryPolicy().deadlines).text == EN.server_too_slow
    assert explained(ServerFaultError("x"), tries=RetryPolicy().tries - 1).again is not None
    assert explained(ServerFaultError("x"), tries=RetryPolicy().tries).text == EN.gave_up
