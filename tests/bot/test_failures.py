"""What each fault means, without a bot around it."""

import time

import pytest

from bot.failures import MAX_DEADLINES, MAX_TRIES, MaskGoneError, explain
from bot.messenger import PictureGoneError
from bot.painting import PhotoTooLargeError, SegmenterMissingError
from bot.settings import Settings
from bot.storage import Task
from bot.texts import load_texts
from serving.errors import DeadlineError, ModelNotFoundError, RefusedPhotoError, ServerBusyError, ServerFaultError
from tfstyle.errors import MaskError, PhotoError, RequestError

EN = load_texts("en")


def task(*, age=0.0, attempts=1):
    created = time.time() - age
    return Task(
        id=1, key="k", kind="paint", chat_id=1, user_id=1, payload={}, turn=0, created_at=created, attempts=attempts
    )


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (PictureGoneError("x"), "photo_gone", EN.photo_gone),
        (MaskGoneError("x"), "mask_gone", EN.mask_gone),
        (PhotoError("x"), "photo_unreadable", EN.photo_unreadable),
        (RefusedPhotoError("x"), "photo_unreadable", EN.photo_unreadable),
        (MaskError("x"), "mask_unfit", EN.mask_unfit),
        (SegmenterMissingError("x"), "masks_missing", EN.masks_missing),
        (RequestError("The strength is odd."), "refused", "The painter refused this: The strength is odd."),
    ],
)
def test_what_is_wrong_with_a_photo_is_told_at_once(error, kind, text):
    problem = explain(error, task(), EN, Settings(token="1:a"))

    assert (problem.kind, problem.text, problem.again) == (kind, text, None)


def test_too_many_pixels_are_told_in_megapixels():
    problem = explain(PhotoTooLargeError("108"), task(), EN, Settings(token="1:a"))

    assert "108 megapixels; the most I can take is 25." in problem.text


@pytest.mark.parametrize("error", [ServerBusyError("full"), ModelNotFoundError("loading")])
def test_a_server_that_is_full_or_loads_its_model_is_waited_for(error):
    problem = explain(error, task(age=100), EN, Settings(token="1:a"))

    assert problem.blameless
    assert 0 < problem.again <= 30


def test_tries_are_counted():
    settings = Settings(token="1:a")

    assert explain(DeadlineError("x"), task(attempts=MAX_DEADLINES - 1), EN, settings).again is not None
    assert explain(DeadlineError("x"), task(attempts=MAX_DEADLINES), EN, settings).text == EN.server_too_slow
    assert explain(ServerFaultError("x"), task(attempts=MAX_TRIES - 1), EN, settings).again is not None
    assert explain(ServerFaultError("x"), task(attempts=MAX_TRIES), EN, settings).text == EN.gave_up
