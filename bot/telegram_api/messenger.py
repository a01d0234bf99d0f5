"""Messenger: everything the bot sends to Telegram, within its limits, tried again after faults, without the token.

What is sent twice after a fault of the network is either harmless (an edit, a chat action) or cannot be told apart from
a first time: the Bot API has no key that would make sending a message repeatable. So paintings are edits of a message
sent before, wherever Telegram allows it.
"""

import asyncio
import contextlib
import datetime
import logging
import math
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeVar

from aiolimiter import AsyncLimiter
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
    ReplyParameters,
)
from telegram.constants import ChatAction, ChatID, ChatMemberStatus
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.conversation.events import Keyboard
from bot.errors import FileTooLargeError, PictureGoneError
from bot.metrics import count_retry
from bot.telegram_api.flood_control import FloodControl
from bot.telegram_api.stylized_image import StylizedImage
from bot.texts import load_texts

_log = logging.getLogger(__name__)

os.environ.setdefault("PTB_TIMEDELTA", "true")  # `retry_after` as a timedelta; the number is deprecated, with a warning

_LARGE_FILE = 4 * 2**20  # bytes; photos that Telegram makes have fewer
_RESERVED = 5  # messages of a group's burst that notes leave to answers
_KEPT_LIMITERS = 1000

_MEDIA_SECONDS = 120.0  # for Telegram to answer after an upload: who gives up sooner sends it twice
_ANONYMOUS_ADMIN = ChatID.ANONYMOUS_ADMIN
_ACTION_SECONDS = 4.5  # a chat action is shown for five
_MAX_ANSWER, _MAX_TEXT, _MAX_CAPTION = 200, 4096, 1024  # characters of an answer to a press, a text and a caption
_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "message to be replied")
_UNCHANGED = "message is not modified"
_CLOSED = ("chat not found", "message thread not found", "topic_closed", "topic_deleted")

T = TypeVar("T")


class BlockedError(Exception):
    """The user has blocked the bot, or it was thrown out of the chat; nothing can be sent there."""


class MessageGoneError(Exception):
    """The message to edit was deleted, or is too old."""


class TelegramAwayError(Exception):
    """Telegram did not take a call for a while; `again` says in how many seconds to try."""

    def __init__(self, reason: str, again: float):
        super().__init__(reason)
        self.again = again


class MigratedError(Exception):
    """The group is a supergroup now; `chat_id` is its id."""

    def __init__(self, chat_id: int):
        super().__init__(f"the group has become the supergroup {chat_id}")
        self.chat_id = chat_id


@dataclass(frozen=True, kw_only=True)
class MessengerTimings:
    """How fast and how long the messenger tries.

    Telegram takes about 30 messages a second in all, 1 a second in a chat with short bursts, 20 a minute in a group. A
    limiter of capacity C that drains r a second lets C + r through in a second: 4 + 20, 3 + 1, and 9 + 9 in a minute.
    That leaves room for calls that are delayed on the way and arrive together.

    Attributes:
        overall: Capacity, and seconds in which so many drain.
        private: The same for a private chat.
        group: The same for a group.
        first_wait: Seconds before the second try.
        longest_wait: Seconds between two tries.
        give_up: Seconds for one call; whoever made it may make it again later.
        press: Seconds for the answer to a press, which nobody awaits longer.
    """

    overall: tuple[int, float] = (4, 0.2)
    private: tuple[int, float] = (3, 3.0)
    group: tuple[int, float] = (9, 60.0)
    first_wait: float = 0.5
    longest_wait: float = 30.0
    give_up: float = 60.0
    press: float = 5.0


class Messenger:
    """Sends to Telegram.

    Args:
        bot: A connection that is initialized already.
        timings: How fast and how long it tries.
    """

    def __init__(self, bot: Bot, timings: MessengerTimings = MessengerTimings()):
        self._bot = bot
        self._timings = timings
        self._overall = AsyncLimiter(*timings.overall)
        self._large_files = asyncio.Semaphore(1)  # a file is in memory twice while it arrives
        self._chats: dict[int, AsyncLimiter] = {}
        self._flood_control = FloodControl()
        self._notes: dict[tuple[int, int], asyncio.Event] = {}  # on their way, by chat and message

    def flood_wait(self, chat_id: int) -> float:
        """Seconds for which Telegram does not want to be asked about this chat."""
        return self._flood_control.seconds_left(chat_id)

    async def say(self, chat_id: int, text: str, *, keyboard: Keyboard = (), reply_to: int = 0, thread: int = 0) -> int:
        """Send a text.

        Args:
            chat_id: Where.
            text: What.
            keyboard: Its buttons.
            reply_to: The message that it answers to, 0 for none.
            thread: The topic of a forum, 0 for none; a reply alone does not stay there once its message is deleted.

        Returns:
            The message's id.
        """
        message = await self._send(
            chat_id,
            lambda: self._bot.send_message(
                chat_id,
                text[:_MAX_TEXT],
                reply_markup=_markup(keyboard),
                reply_parameters=_reply(reply_to),
                message_thread_id=thread or None,
            ),
        )
        return message.message_id

    async def show(
        self,
        chat_id: int,
        picture: bytes | str,
        text: str,
        *,
        keyboard: Keyboard = (),
        reply_to: int = 0,
        thread: int = 0,
    ) -> str:
        """Send a picture.

        Args:
            chat_id: Where.
            picture: A JPEG, or the file id of a picture sent before.
            text: Its caption.
            keyboard: Its buttons.
            reply_to: The message that it answers to, 0 for none.
            thread: The topic of a forum, 0 for none.

        Returns:
            The picture's file id for the next time; empty if it is not told.
        """
        message = await self._send(
            chat_id,
            lambda: self._bot.send_photo(
                chat_id,
                picture,
                caption=text,
                reply_markup=_markup(keyboard),
                reply_parameters=_reply(reply_to),
                message_thread_id=thread or None,
                read_timeout=_MEDIA_SECONDS,
            ),
        )
        return message.photo[-1].file_id if message.photo else ""

    async def turn_page(
        self, chat_id: int, message_id: int, picture: bytes | str, text: str, keyboard: Keyboard
    ) -> str:
        """Show another picture in a message that may be gone; arguments and result as for `show`."""
        media = InputMediaPhoto(picture, caption=text)
        with contextlib.suppress(MessageGoneError, BadRequest):
            message = await self._send(
                chat_id,
                lambda: self._bot.edit_message_media(
                    media, chat_id, message_id, reply_markup=_markup(keyboard), read_timeout=_MEDIA_SECONDS
                ),
                edits=message_id,
            )
            if isinstance(message, Message) and message.photo:
                return message.photo[-1].file_id
        return ""

    async def turn_into(
        self, chat_id: int, message_id: int, painting: StylizedImage, text: str, keyboard: Keyboard
    ) -> None:
        """Let a message become a painting; doing it twice changes nothing.

        Raises:
            MessageGoneError: If the message was deleted, or this Bot API server cannot add pictures to texts.
        """
        media = _media(painting, text)
        try:
            await self._send(
                chat_id,
                lambda: self._bot.edit_message_media(
                    media, chat_id, message_id, reply_markup=_markup(keyboard), read_timeout=_MEDIA_SECONDS
                ),
                edits=message_id,
            )
        except (BadRequest, InvalidToken) as error:  # the latter stands for a method that is not known
            raise MessageGoneError(str(error)) from None

    async def send_painting(
        self,
        chat_id: int,
        painting: StylizedImage,
        text: str,
        keyboard: Keyboard,
        *,
        reply_to: int = 0,
        thread: int = 0,
    ) -> int:
        """Send a painting as a message of its own.

        Returns:
            The message's id.
        """
        options: dict[str, Any] = {
            "caption": text[:_MAX_CAPTION],
            "reply_markup": _markup(keyboard),
            "reply_parameters": _reply(reply_to),
            "message_thread_id": thread or None,
            "read_timeout": _MEDIA_SECONDS,
        }

        async def send() -> Message:
            if painting.suffix == ".jpg" and painting.fits_photo:
                return await self._bot.send_photo(chat_id, _file(painting), **options)
            return await self._bot.send_document(chat_id, _file(painting), **options)

        return (await self._send(chat_id, send)).message_id

    async def send_album(
        self, chat_id: int, paintings: Sequence[StylizedImage], text: str, *, reply_to: int = 0, thread: int = 0
    ) -> None:
        """Send two to ten paintings as an album, with a caption under its first picture."""
        kinds = {painting.suffix == ".jpg" and painting.fits_photo for painting in paintings}
        as_photos = kinds == {True}  # an album holds photos or files, not both
        media = [
            _media(painting, text if index == 0 else "", as_photo=as_photos) for index, painting in enumerate(paintings)
        ]
        await self._send(
            chat_id,
            lambda: self._bot.send_media_group(
                chat_id,
                media,
                reply_parameters=_reply(reply_to),
                message_thread_id=thread or None,
                read_timeout=_MEDIA_SECONDS,
            ),
            cost=len(media),
        )

    async def send_file(self, chat_id: int, data: bytes, name: str, text: str, *, thread: int = 0) -> None:
        """Send a file of any kind."""
        await self._send(
            chat_id,
            lambda: self._bot.send_document(
                chat_id,
                InputFile(data, filename=name),
                caption=text[:_MAX_CAPTION],
                message_thread_id=thread or None,
                read_timeout=_MEDIA_SECONDS,
            ),
        )

    async def edit_text(self, chat_id: int, message_id: int, text: str) -> bool:
        """Change a text.

        Returns:
            False if the message is gone, or shows a painting already.
        """
        try:
            await self._send(
                chat_id, lambda: self._bot.edit_message_text(text[:_MAX_TEXT], chat_id, message_id), edits=message_id
            )
        except (MessageGoneError, BadRequest):
            return False
        return True

    async def note(self, chat_id: int, message_id: int, text: str) -> None:
        """Change the text of a message that is to become something else soon, if that can be done at once.

        It is not worth waiting for: where Telegram's limits leave no room, or a call fails, nothing is changed. Every
        other edit of the message waits until the note has arrived, so that a note never covers it.
        """
        if self._flood_control.seconds_left(chat_id) or not self._overall.has_capacity(2):
            return
        if chat_id < 0 and not self._chat(chat_id).has_capacity(_RESERVED):  # groups count edits
            return
        key = chat_id, message_id
        self._notes[key] = arrived = asyncio.Event()
        try:
            await self._overall.acquire()
            if chat_id < 0:
                await self._chat(chat_id).acquire()
            await self._bot.edit_message_text(text, chat_id, message_id)
        except RetryAfter as error:
            self._pause(error, chat_id)
        except TelegramError as error:
            _log.debug("a note was not taken", extra={"error": str(error)})
        finally:
            del self._notes[key]
            arrived.set()

    async def edit_keyboard(self, chat_id: int, message_id: int, keyboard: Keyboard) -> None:
        """Change the buttons under a message that may be gone."""
        with contextlib.suppress(MessageGoneError, BadRequest):
            await self._send(
                chat_id,
                lambda: self._bot.edit_message_reply_markup(chat_id, message_id, reply_markup=_markup(keyboard)),
                edits=message_id,
            )

    async def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message of the bot that may be gone."""
        with contextlib.suppress(MessageGoneError, BadRequest):
            await self._send(chat_id, lambda: self._bot.delete_message(chat_id, message_id), edits=message_id)

    async def answer_press(self, press_id: str, text: str = "") -> None:
        """Stop the button's spinner; a press that waited too long for it is not worth a fault."""
        with contextlib.suppress(TelegramError, TelegramAwayError):
            await self._retried(
                lambda: self._bot.answer_callback_query(press_id, text[:_MAX_ANSWER] or None),
                seconds=self._timings.press,
            )

    @asynccontextmanager
    async def shown_as_busy(self, chat_id: int, *, thread: int = 0) -> AsyncIterator[None]:
        """Show "sending photo ..." in the chat for as long as the block runs."""

        async def keep() -> None:
            while True:
                with contextlib.suppress(Exception):  # it is an ornament
                    if not self._flood_control.seconds_left(chat_id):
                        await self._bot.send_chat_action(
                            chat_id, ChatAction.UPLOAD_PHOTO, message_thread_id=thread or None
                        )
                await asyncio.sleep(_ACTION_SECONDS)

        task = asyncio.create_task(keep())
        try:
            yield
        finally:
            task.cancel()

    async def fetch(self, file_id: str, *, max_bytes: int) -> bytes:
        """The bytes of a picture.

        Raises:
            PictureGoneError: If Telegram has it no more.
            FileTooLargeError: If it is larger than allowed, or than Telegram lets bots fetch.
            TelegramAwayError: If Telegram does not answer.
        """

        async def get() -> bytes:
            file = await self._bot.get_file(file_id)
            if (file.file_size or 0) > max_bytes:
                raise FileTooLargeError(file.file_size, max_bytes)
            data = BytesIO()
            async with self._large_files if (file.file_size or max_bytes) > _LARGE_FILE else contextlib.nullcontext():
                await file.download_to_memory(data)  # as a byte array it would be in memory three times
            return data.getvalue()

        try:
            return await self._retried(get)
        except BadRequest as error:
            if "too big" in str(error).lower():
                raise FileTooLargeError(None, max_bytes) from None
            raise PictureGoneError(str(error)) from None

    async def is_admin(self, chat_id: int, user_id: int) -> bool:
        """Whether a member may change a group; one who writes as the group itself, unnamed, is an admin.

        Raises:
            TelegramAwayError: If Telegram does not tell for now.
        """
        if user_id == _ANONYMOUS_ADMIN:
            return True
        try:
            member = await self._retried(lambda: self._bot.get_chat_member(chat_id, user_id), chat_id)
        except (BadRequest, Forbidden):
            return False
        return member.status in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)

    async def register_commands(self, languages: Sequence[str]) -> None:
        """Tell Telegram the commands for its menu: the first language's for everybody, each language's for its own."""
        try:
            for language in languages:
                commands = [BotCommand(name, text) for name, text in load_texts(language).commands.items()]
                code = None if language == languages[0] else language
                await self._retried(
                    lambda: self._bot.set_my_commands(commands, language_code=code),  # noqa: B023
                    seconds=math.inf,
                )
        except TelegramError as error:
            _log.warning("the commands are not registered", extra={"error": str(error)})

    async def _send(self, chat_id: int, call: Callable[[], Awaitable[T]], *, cost: int = 1, edits: int = 0) -> T:
        """Call within the limits.

        Args:
            chat_id: Where.
            call: What to do.
            cost: How many messages it is.
            edits: The message that it changes; 0 if it sends a new one.

        Raises:
            BlockedError: If nothing can be sent to this chat.
            MessageGoneError: If a message to edit is gone.
            MigratedError: If the chat has another id now.
            TelegramAwayError: If Telegram does not take it for now.
            BadRequest: If Telegram refuses for another reason.
        """

        async def limited() -> T:
            for _ in range(cost):
                await self._overall.acquire()
            if chat_id < 0:
                for _ in range(cost):
                    await self._chat(chat_id).acquire()
            elif not edits:  # edits, and each picture of an album, count in groups only
                await self._chat(chat_id).acquire()
            if note := self._notes.get((chat_id, edits)):
                await note.wait()
            return await call()

        try:
            return await self._retried(limited, chat_id)
        except ChatMigrated as error:
            raise MigratedError(error.new_chat_id) from None
        except Forbidden as error:
            raise BlockedError(str(error)) from None
        except BadRequest as error:
            message = str(error).lower()
            if edits and _UNCHANGED in message:
                return None  # type: ignore[return-value]  # what an edit returns is not used
            if edits and any(sentence in message for sentence in _GONE):
                raise MessageGoneError(str(error)) from None
            if any(sentence in message for sentence in _CLOSED):
                raise BlockedError(str(error)) from None
            raise

    async def _retried(
        self, call: Callable[[], Awaitable[T]], chat_id: int | None = None, *, seconds: float | None = None
    ) -> T:
        """Call until Telegram answers, for so many seconds, by default as the timings say.

        Raises:
            TelegramAwayError: After those; or at once if Telegram has asked to wait for longer.
        """
        wait = self._timings.first_wait
        end = time.monotonic() + (self._timings.give_up if seconds is None else seconds)
        while True:
            while wait_for := self._flood_control.seconds_left(chat_id):
                if time.monotonic() + wait_for > end:
                    raise TelegramAwayError("Telegram asks to wait", wait_for)
                await asyncio.sleep(wait_for)
            try:
                return await call()
            except RetryAfter as error:
                self._pause(error, chat_id)
            except BadRequest:  # a NetworkError by its class, but no fault of the network
                raise
            except NetworkError as error:
                if "too large" in str(error).lower():  # HTTP 413, which no other try would change
                    raise BadRequest(str(error)) from None
                count_retry("network")
                _log.warning("Telegram cannot be reached", extra={"error": str(error), "seconds": wait})
                if time.monotonic() + wait > end:
                    raise TelegramAwayError(str(error), self._timings.longest_wait) from None
                await asyncio.sleep(wait)
                wait = min(2 * wait, self._timings.longest_wait)

    def _pause(self, error: RetryAfter, chat_id: int | None) -> None:
        seconds = seconds_of(error.retry_after)
        self._flood_control.pause(seconds, chat_id)
        count_retry("retry_after")
        _log.warning("Telegram asks to wait", extra={"seconds": seconds})

    def _chat(self, chat_id: int) -> AsyncLimiter:
        limiter = self._chats.pop(chat_id, None) or AsyncLimiter(
            *(self._timings.group if chat_id < 0 else self._timings.private)
        )
        self._chats[chat_id] = limiter  # as the youngest
        while len(self._chats) > _KEPT_LIMITERS:
            del self._chats[next(iter(self._chats))]
        return limiter


def seconds_of(value: int | float | datetime.timedelta) -> float:
    """A `retry_after`, which python-telegram-bot gives as a number or as a timedelta."""
    return value.total_seconds() if isinstance(value, datetime.timedelta) else float(value)


def _markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    if not keyboard:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(button.text, callback_data=button.data) for button in row] for row in keyboard]
    )


def _reply(message_id: int) -> ReplyParameters | None:
    """Answer to a message, or send anyway if it is gone."""
    return ReplyParameters(message_id, allow_sending_without_reply=True) if message_id else None


def _file(painting: StylizedImage) -> InputFile:
    return InputFile(painting.data, filename=f"painting{painting.suffix}")


def _media(painting: StylizedImage, text: str, *, as_photo: bool | None = None) -> InputMediaPhoto | InputMediaDocument:
    if as_photo is None:
        as_photo = painting.suffix == ".jpg" and painting.fits_photo
    filename = f"painting{painting.suffix}"
    if as_photo:
        return InputMediaPhoto(painting.data, caption=text[:_MAX_CAPTION] or None, filename=filename)
    return InputMediaDocument(painting.data, caption=text[:_MAX_CAPTION] or None, filename=filename)
