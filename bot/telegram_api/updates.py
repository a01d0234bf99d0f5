"""Updates of Telegram as tasks and events."""

import mimetypes
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import telegram

from bot.conversation.events import Event, Message, Picture, Press, Replied
from bot.conversation.style_settings import MAX_ID
from bot.storage.tasks import UPDATE, NewTask
from tfstyle.contract import style_file
from tfstyle.imaging.photo import PHOTO_SUFFIXES

ALLOWED = ["message", "callback_query"]
_PRIVATE_CHAT = "private"
_ANY_BYTES = "application/octet-stream"


def update_task(payload: Mapping[str, Any]) -> NewTask | None:
    """The task that stores an update as Telegram sent it; None for kinds that nobody asked for.

    Raises:
        ValueError: If it is no update.
    """
    try:
        update_id = int(payload["update_id"])
        press = payload.get("callback_query")
        message = press.get("message") if press else payload.get("message")
        if not message:
            return None
        sender = press["from"] if press else message.get("from") or message.get("sender_chat") or message["chat"]
        chat_id, user_id = int(message["chat"]["id"]), int(sender["id"])
        replied = message.get("reply_to_message") or {}
        ids = update_id, chat_id, user_id, int(message["message_id"]), int(replied.get("message_id") or 0)
        if max(map(abs, ids)) > MAX_ID:
            raise OverflowError("an id of more than 64 bits")
        return NewTask(
            key=f"update:{update_id}",
            kind=UPDATE,
            chat_id=chat_id,
            user_id=user_id,
            payload=payload,
            update_id=update_id,
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ValueError(f"Expected an update of the Bot API, got something else ({error!r}).") from None


def topic(payload: Mapping[str, Any]) -> int:
    """The topic of a forum that an update as Telegram sent it is from; 0 for none.

    Other replies have threads too, but no message may be sent to those.
    """
    message = (payload.get("callback_query") or payload).get("message") or {}
    return int(message.get("message_thread_id") or 0) if message.get("is_topic_message") else 0


def read_event(payload: Mapping[str, Any], me: telegram.User) -> Event | None:
    """What an update means to the bot; None for what it has no answer to, such as somebody joining a group."""
    update = telegram.Update.de_json(dict(payload), None)
    if update.callback_query is not None:
        return _press(update.callback_query, topic(payload))
    message = update.message
    if message is None or message.from_user is None or message.from_user.id == me.id:
        return None
    picture = _picture(message)
    text = message.text or message.caption or ""
    if not text and picture is None and message.effective_attachment is None:
        return None  # somebody joined, pinned, left: nothing to answer
    command, text, named = _command(text, me.username or "")
    if command is None:
        return None
    replied = message.reply_to_message
    if replied is not None and replied.forum_topic_created is not None:
        replied = None  # what is written in a topic "answers" the message that opened it
    group = message.chat.type != _PRIVATE_CHAT
    answers_bot = replied is not None and replied.from_user is not None and replied.from_user.id == me.id
    return Message(
        chat_id=message.chat.id,
        user_id=message.from_user.id,
        message_id=message.message_id,
        language=message.from_user.language_code or "en",
        command=command,
        text=text,
        picture=picture,
        style_file=_style_file(message),
        reply_to=_replied(replied, from_bot=answers_bot) if replied else None,
        album=message.media_group_id or "",
        addressed=not group or named or answers_bot,
        group=group,
        thread=topic(payload),
    )


def _press(query: telegram.CallbackQuery, thread: int) -> Press | None:
    message = query.message
    if message is None or query.data is None:
        return None
    replied = message.reply_to_message if isinstance(message, telegram.Message) else None
    return Press(
        press_id=query.id,
        chat_id=message.chat.id,
        user_id=query.from_user.id,
        message_id=message.message_id,
        data=query.data,
        language=query.from_user.language_code or "en",
        reply_to=_replied(replied, from_bot=False) if replied else None,
        thread=thread,
    )


def _replied(message: telegram.Message, *, from_bot: bool) -> Replied:
    picture = None if from_bot else _picture(message)  # a painting is not painted again: its photo is
    return Replied(message_id=message.message_id, pictures=(picture,) if picture else (), from_bot=from_bot)


def _picture(message: telegram.Message) -> Picture | None:
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return Picture(
            file_id=largest.file_id, width=largest.width, height=largest.height, file_size=largest.file_size or 0
        )
    document = message.document
    if (
        document is not None
        and _style_file(message) is None
        and _may_be_picture(document.mime_type or "", document.file_name or "")
    ):
        return Picture(file_id=document.file_id, file_size=document.file_size or 0)
    return None


def _style_file(message: telegram.Message) -> Picture | None:
    document = message.document
    if document is None or PurePosixPath(document.file_name or "").suffix.lower() != style_file.SUFFIX:
        return None
    return Picture(file_id=document.file_id, file_size=document.file_size or 0)


def _may_be_picture(mime_type: str, name: str) -> bool:
    """Whether a file is taken for a picture: by its type, by its name's ending, or as nothing says what else it is.

    Phones send photos as "file" in any case of letters, as `application/octet-stream` or without a type at all. What it
    really is its first bytes tell whoever decodes it.
    """
    kind = mime_type.partition(";")[0].strip().lower()
    if kind.startswith("image/") or PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES:
        return True
    guessed = mimetypes.guess_type(name)[0] or _ANY_BYTES
    return kind in ("", _ANY_BYTES) and (guessed.startswith("image/") or guessed == _ANY_BYTES)


def _command(text: str, username: str) -> tuple[str | None, str, bool]:
    """Command, the rest, and whether the bot was named; the command is None if another bot's."""
    command, named = "", False
    if text.startswith("/"):
        first, _, text = text.partition(" ") if " " in text.split("\n")[0] else text.partition("\n")
        command, at, name = first[1:].partition("@")
        if at and name.lower() != username.lower():
            return None, "", False
        command, named = command.lower(), bool(at)
    mention = f"@{username}".lower()
    words = text.split()
    if username and mention in (word.lower().rstrip(",:.!?") for word in words):
        named = True
        text = " ".join(word for word in words if word.lower().rstrip(",:.!?") != mention)
    return command, text.strip(), named
