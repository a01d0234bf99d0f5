"""Failures: what a fault means to whoever sent the photo: try again without a word, or with one, or say why not."""

import math
from dataclasses import dataclass

from bot.errors import (
    EncoderMissingError,
    FileTooLargeError,
    MaskGoneError,
    NothingFoundError,
    OwnStyleGoneError,
    OwnStylesFullError,
    PictureGoneError,
    SegmenterMissingError,
    StorageAwayError,
    StyleFileUnfitError,
    StyleImageUnfitError,
)
from bot.metrics import Fault
from bot.texts import Texts
from serving.client.errors import (
    DeadlineError,
    InvalidRequestError,
    ModelNotFoundError,
    ServerBusyError,
    ServerDownError,
    ServingError,
)
from tfstyle.errors import (
    MaskError,
    PhotoError,
    PhotoTooLargeError,
    PhotoTooSmallError,
    RequestError,
    StyleVectorError,
    UnknownStyleError,
)
from tfstyle.imaging.photo import MIN_SIDE


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and for how long what failed is tried again.

    Attributes:
        tries: That end in a fault of ours or of the server's.
        deadlines: Of the server.
        crashes: Of the bot during one task, which since the first one was done alone: then it is the task.
        give_up: Seconds, for a server that is away, and for Telegram.
        longest_wait: Seconds between two tries.
    """

    tries: int = 4
    deadlines: int = 2
    crashes: int = 3
    give_up: float = 3600.0
    longest_wait: float = 30.0


# What may be wrong with one photo of an album while the others are fine.
OF_ONE_PHOTO = (PhotoError, PictureGoneError, FileTooLargeError, MaskError)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What to do about a fault.

    Attributes:
        kind: What metrics and logs call it.
        text: What the sender reads; empty for nothing.
        again: Seconds until the next try; None if there is none.
        count_attempt: Whether the try counts.
    """

    kind: Fault
    text: str = ""
    again: float | None = None
    count_attempt: bool = True


def kind_of(error: Exception, otherwise: Fault) -> Fault:
    """What metrics call a fault that nobody caught: the database's absence is not the fault of what it interrupted."""
    return "storage" if isinstance(error, StorageAwayError) else otherwise


def explain(
    error: Exception,
    texts: Texts,
    *,
    tries: int,
    waited: float,
    max_megapixels: float,
    policy: RetryPolicy = RetryPolicy(),
) -> Problem:
    """What to do about what went wrong while painting.

    Args:
        error: What went wrong.
        texts: In the sender's language.
        tries: How often it was tried, this time included.
        waited: Seconds since the photo came.
        max_megapixels: The operator's limit.
        policy: How often it is tried again.
    """
    match error:
        case PictureGoneError():
            return Problem(kind="photo_gone", text=texts.photo_gone)
        case FileTooLargeError():
            return Problem(kind="file_too_large", text=too_large(error.size, error.limit, texts))
        case MaskGoneError():
            return Problem(kind="mask_gone", text=texts.mask_gone)
        case PhotoTooLargeError():
            limit = min(max_megapixels, error.limit / 1e6) if error.limit else max_megapixels
            text = texts.too_many_pixels.format(size=f"{error.pixels / 1e6:.0f}", limit=f"{limit:.3g}")
            return Problem(kind="photo_too_large", text=text)
        case PhotoTooSmallError():
            return Problem(kind="photo_too_small", text=texts.too_few_pixels.format(least=MIN_SIDE))
        case PhotoError():
            return Problem(kind="photo_unreadable", text=texts.photo_unreadable)
        case NothingFoundError():
            return Problem(kind="nothing_found", text=texts.nothing_found.format(place=texts.places[error.place]))
        case MaskError():
            return Problem(kind="mask_unfit", text=texts.mask_unfit)
        case SegmenterMissingError():
            return Problem(kind="masks_missing", text=texts.masks_missing)
        case OwnStyleGoneError():
            return Problem(kind="own_style", text=texts.own_style_gone)
        case OwnStylesFullError():
            return Problem(kind="own_style", text=texts.own_styles_full.format(limit=error.limit))
        case EncoderMissingError():
            return Problem(kind="own_style", text=texts.no_any_painting)
        case StyleImageUnfitError():
            return Problem(kind="own_style", text=texts.style_image_unfit)
        case StyleFileUnfitError():
            return Problem(kind="own_style", text=texts.style_file_unfit)
        case StyleVectorError():
            return Problem(kind="own_style", text=texts.style_of_other_model)
        case UnknownStyleError():
            return Problem(kind="style_gone", text=f"{texts.refused.format(reason=str(error))}")
        case DeadlineError() if tries < policy.deadlines:
            return Problem(kind="deadline", again=1.0)
        case DeadlineError():
            return Problem(kind="deadline", text=texts.server_too_slow)
        case ServerDownError() | ServerBusyError() | ModelNotFoundError():
            if waited > policy.give_up:
                return Problem(kind="server_down", text=texts.server_gave_up)
            again = min(policy.longest_wait, max(0.5, waited / 4))
            return Problem(kind="server_down", text=texts.waiting_for_server, again=again, count_attempt=False)
        case InvalidRequestError() | RequestError():
            return Problem(kind="refused", text=texts.refused.format(reason=_without_address(error)))
        case ServingError() if tries < policy.tries:
            return Problem(kind="server_fault", again=tries / 2)
    return Problem(kind="server_fault", text=texts.gave_up)


def too_large(size: int | None, limit: int, texts: Texts) -> str:
    """What is said about a file of so many bytes where `limit` are the most; the size rounded up, so it is more."""
    most = f"{limit / 2**20:g}"
    megabytes = f"{math.ceil(10 * size / 2**20) / 10:g}" if size else f">{most}"
    return texts.file_too_large.format(size=megabytes, limit=most)


def _without_address(error: Exception) -> str:
    """What the server said: where it is is nobody's business in a chat."""
    text = str(error)
    return text.partition(" refused the request: ")[2] or text
