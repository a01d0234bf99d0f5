"""Answers: a stored update becomes one; what the conversation says is said, and what is to be painted is stored."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial

import telegram

from bot.conversation.events import (
    Action,
    AnswerPress,
    CancelAll,
    ChangeKeyboard,
    Chat,
    DeleteStyle,
    Event,
    ForgetChat,
    Message,
    Order,
    Paint,
    Press,
    Remember,
    RenameStyle,
    Replied,
    Say,
    ShareStyle,
    ShowOwnStyles,
    ShowStats,
    ShowStyles,
)
from bot.conversation.gallery import gallery, own_gallery
from bot.conversation.own_styles import OwnStyle, shared
from bot.conversation.style_settings import StyleSettings
from bot.metrics import count_fault, count_photos
from bot.settings import Settings
from bot.storage.store import Store
from bot.storage.style_shelf import StyleShelf
from bot.storage.tasks import ALBUM, PAINT, NewTask, Quota, Refusal, Task, TaskEffects
from bot.telegram_api.messenger import Messenger
from bot.telegram_api.updates import read_event, topic
from bot.texts import Texts, choose_language, load_texts
from bot.work.conversation_provider import ConversationProvider
from tfstyle.contract.catalog import Style
from tfstyle.errors import StyleTransferError

_log = logging.getLogger(__name__)

_KEPT_GALLERIES = 20
_FOR_ADMINS = ("reset", "forget")  # commands that undo in a group what others have chosen


class Answers:
    """Answers updates.

    Args:
        store: The database.
        messenger: The way to Telegram.
        conversations: The conversation.
        settings: The operator's choices.
        me: The bot's own user.
        accepted: Called after a job was stored.
        stop: Ends the work on a task in this process, if there is any.
        album_seconds: Without another photo an album is complete: Telegram marks no end.
    """

    def __init__(
        self,
        store: Store,
        shelf: StyleShelf,
        messenger: Messenger,
        conversations: ConversationProvider,
        settings: Settings,
        me: telegram.User,
        accepted: Callable[[], None],
        stop: Callable[[int], None],
        album_seconds: float = 1.5,
    ):
        self._album_seconds = album_seconds
        self._store = store
        self._shelf = shelf
        self._messenger = messenger
        self._conversations = conversations
        self._settings = settings
        self._me = me
        self._accepted = accepted
        self._stop = stop
        self._quota = Quota(user_photos=settings.user_photos_per_hour, queue=settings.queue_limit)
        self._galleries: dict[tuple[Style, ...], str] = {}  # file ids of those that Telegram has

    async def handle(self, task: Task, _: object = None) -> None:
        """Answer one update and end its task."""
        event = read_event(task.payload, self._me)
        if event is not None:
            event = replace(event, chat_id=task.chat_id)  # the chat may have got another id meanwhile
        if event is None or not await self._admitted(event):
            await self._store.finish(task.id)
            return
        try:
            conversation = await self._conversations.current()
        except StyleTransferError as error:
            await self._wait_for_styles(task, event, error)
            return
        conversation = conversation.with_own_styles(await self._own_styles(event.user_id))
        event = await self._with_rank(await self._with_sources(event))
        kept = await self._store.settings(event.chat_id)
        chat = Chat.from_dict(kept) if kept else Chat()
        changed, actions = (
            conversation.hear(event, chat) if isinstance(event, Message) else conversation.press(event, chat)
        )
        effects = TaskEffects(settings=changed.to_dict() if changed != chat else None)
        for action in actions:
            effects = await self._act(action, event, task, effects)
        await self._store.finish(task.id, effects=effects)
        if effects.forget:
            await self._store.shred()

    async def _act(self, action: Action, event: Event, task: Task, effects: TaskEffects) -> TaskEffects:
        """Carry an action out, or add it to what is stored with the end of the update."""
        chat_id = event.chat_id
        texts = self._texts(event)
        match action:
            case Say(text=text, keyboard=keyboard, reply_to=reply_to):
                await self._messenger.say(chat_id, text, keyboard=keyboard, reply_to=reply_to, thread=event.thread)
            case AnswerPress(press_id=press_id, text=text):
                await self._messenger.answer_press(press_id, text)
            case ChangeKeyboard(message_id=message_id, keyboard=keyboard):
                await self._messenger.edit_keyboard(chat_id, message_id, keyboard)
            case ShowStyles():
                await self._show_styles(event, action)
            case ShowOwnStyles():
                await self._show_own_styles(event, action)
            case RenameStyle(key=key, title=title):
                await self._shelf.rename(event.user_id, key, title)
            case DeleteStyle(key=key):
                await self._shelf.delete(event.user_id, key)
                await self._store.shred()
            case ShareStyle(key=key, text=text):
                for style in (await self._shelf.get((key,))).values():
                    name, file = shared(style.title, style.file)
                    await self._messenger.send_file(chat_id, file, name, text, thread=event.thread)
            case Remember(message=message):
                return replace(effects, sources={**effects.sources, message.message_id: message.to_dict()})
            case Paint():
                return await self._accept(action, event, task, effects)
            case CancelAll():
                group = isinstance(event, Message) and event.group  # where everybody has their own photos
                cancelled = await self._cancel(chat_id, texts, user_id=event.user_id if group else 0)
                told = texts.cancelled if cancelled else texts.nothing_to_cancel
                await self._messenger.say(chat_id, told, thread=event.thread)
            case ForgetChat():
                await self._cancel(chat_id, texts)
                await self._messenger.say(chat_id, texts.forgotten, thread=event.thread)
                return replace(effects, settings=None, forget=True)
            case ShowStats():
                stats = asdict(await self._store.stats())
                told = texts.stats.format(**stats | {"seconds": f"{stats['seconds']:.1f}"})
                await self._messenger.say(chat_id, told, thread=event.thread)
        return effects

    async def tell_given_up(self, task: Task) -> None:
        """Tell the sender of an update that was given up."""
        text = load_texts(self._settings.languages[0]).internal_error
        await self._messenger.say(task.chat_id, text, thread=topic(task.payload))

    async def admit_album(self, task: Task, _: object = None) -> None:
        """Take an album whose photos have all arrived, or refuse all of it, and end the task that gathered it."""
        order = Order.from_dict(task.payload)
        texts = load_texts(order.language)
        limit = min(self._settings.album_limit, self._settings.user_photos_per_hour)
        taken = replace(order, pictures=order.pictures[:limit])
        say = partial(self._messenger.say, task.chat_id, reply_to=order.reply_to, thread=order.thread)
        kept = TaskEffects(
            keeps={"style_settings": order.style_settings.to_dict()}
        )  # for photos that come late, without the album's words
        if await self._store.known(_paint_key(task)) is None:  # else it was taken before a crash
            if order.album_style:
                conversation = await self._conversations.current()
                conversation = conversation.with_own_styles(await self._own_styles(task.user_id))
                if problem := conversation.album_problem(order):
                    await say(problem)
                    await self._store.finish(task.id, "failed", effects=kept)
                    return
                order = taken = conversation.split_album(order)
            if problem := await self._no_room(task.user_id, taken, texts):
                await say(problem)
                await self._store.finish(task.id, "failed", effects=kept)
                return
            if len(order.pictures) > limit:
                await say(texts.album_too_long.format(limit=limit))
            target = await say(texts.painting)
            await self._admit(task, replace(taken, target=target), texts)
        await self._store.finish(task.id, effects=kept)

    async def _accept(self, action: Paint, event: Event, task: Task, effects: TaskEffects) -> TaskEffects:
        """Take an order, unless there are too many; an album's photos are gathered first.

        It is stored at once: what the answer holds beside it, such as the gallery, shall not delay it.
        """
        order, texts = action.order, self._texts(event)
        if order.album:
            return replace(effects, tasks=(*effects.tasks, await self._album_task(event, order)))
        if await self._store.known(_paint_key(task)) is not None:  # taken before a crash
            return effects
        if isinstance(event, Press) and await self._under_way(event, order):
            return effects
        if problem := await self._no_room(event.user_id, order, texts):
            await self._messenger.say(event.chat_id, problem, reply_to=order.reply_to, thread=event.thread)
            return effects
        if action.note:
            target = await self._messenger.say(event.chat_id, action.note, reply_to=order.reply_to, thread=event.thread)
            order = replace(order, target=target)
        await self._admit(task, order, texts)
        return effects

    async def _admit(self, task: Task, order: Order, texts: Texts) -> None:
        """Store the job that a task becomes; of several that came at once there may be room for some only."""
        job = NewTask(
            key=_paint_key(task),
            kind=PAINT,
            chat_id=task.chat_id,
            user_id=task.user_id,
            payload=order.to_dict(),
            of_files=_of_files(order),
        )
        if refusal := await self._store.admit(job, self._quota):
            text = self._refused(refusal, order, texts)
            if order.repaints or not await self._messenger.edit_text(task.chat_id, order.target, text):
                await self._messenger.say(task.chat_id, text, reply_to=order.reply_to, thread=order.thread)
        else:
            self._accepted()

    async def _no_room(self, user_id: int, order: Order, texts: Texts) -> str:
        """Why an order is refused; empty if it is not."""
        refusal = await self._store.room(user_id, order.photos, self._quota)
        return self._refused(refusal, order, texts) if refusal else ""

    def _refused(self, refusal: Refusal, order: Order, texts: Texts) -> str:
        count_photos(refusal.kind, order.photos)
        if refusal.kind == "queue_full":
            return texts.queue_full
        minutes = max(1, math.ceil(refusal.seconds / 60))
        return texts.too_many_photos.format(limit=self._quota.user_photos, minutes=minutes)

    async def _under_way(self, press: Press, order: Order) -> bool:
        """Whether an earlier press wanted the same and is still being done.

        One that wanted the same painting changed in another way is ended: the last press counts, whichever of them
        would be done first.
        """
        for task in reversed(await self._store.unfinished(press.chat_id)):
            other = Order.from_dict(task.payload)
            if other.dedup_key == order.dedup_key:
                return True
            if order.repaints and other.repaints and other.target == order.target:
                await self._end(press.chat_id, task.id)
        return False

    async def _end(self, chat_id: int, task_id: int = 0, *, user_id: int = 0) -> list[Order]:
        """Cancel a job, or all of a chat's, or all of a user's there."""
        cancelled = await self._store.cancel(chat_id, only=task_id, user_id=user_id)
        orders = [Order.from_dict(task.payload) for task in cancelled]
        for task, order in zip(cancelled, orders, strict=True):
            self._stop(task.id)
            count_photos("cancelled", len(order.pictures))
        return orders

    async def _cancel(self, chat_id: int, texts: Texts, *, user_id: int = 0) -> bool:
        cancelled = await self._end(chat_id, user_id=user_id)
        for order in cancelled:
            if order.target and not order.repaints:
                await self._messenger.edit_text(chat_id, order.target, texts.cancelled)
        return bool(cancelled)

    async def _show_styles(self, event: Event, action: ShowStyles) -> None:
        picture: bytes | str = self._galleries.get(action.styles, "")
        picture = picture or await asyncio.to_thread(gallery, action.styles)
        if action.turns:
            file_id = await self._messenger.turn_page(
                event.chat_id, action.turns, picture, action.text, action.keyboard
            )
        else:
            file_id = await self._messenger.show(
                event.chat_id,
                picture,
                action.text,
                keyboard=action.keyboard,
                reply_to=action.reply_to,
                thread=event.thread,
            )
        if file_id:
            self._galleries[action.styles] = file_id
            while len(self._galleries) > _KEPT_GALLERIES:
                del self._galleries[next(iter(self._galleries))]

    async def _show_own_styles(self, event: Event, action: ShowOwnStyles) -> None:
        files = await self._shelf.get(tuple(style.key for style in action.styles))
        picture = await asyncio.to_thread(own_gallery, action.styles, {key: one.file for key, one in files.items()})
        await self._messenger.show(event.chat_id, picture, action.text, keyboard=action.keyboard, thread=event.thread)

    async def _own_styles(self, user_id: int) -> list[OwnStyle]:
        titles = await self._shelf.titles(user_id)
        return [OwnStyle(key=key, title=title) for key, title in titles.items()]

    async def _admitted(self, event: Event) -> bool:
        allowed = self._settings.allowed_users
        if not allowed or event.user_id in allowed:
            return True
        text = self._texts(event).not_allowed.format(user=event.user_id)
        if isinstance(event, Press):
            await self._messenger.answer_press(event.press_id, text)
        elif event.addressed:
            await self._messenger.say(event.chat_id, text, reply_to=event.message_id, thread=event.thread)
        return False

    async def _wait_for_styles(self, task: Task, event: Event, error: StyleTransferError) -> None:
        """Nobody has told the styles yet, so nothing can be understood: the update waits, and its sender is told."""
        _log.warning("no styles yet", extra={"error": str(error)})
        count_fault("server")
        if task.attempts == 1 and isinstance(event, Message) and event.addressed:
            text = self._texts(event).waiting_for_server
            await self._messenger.say(event.chat_id, text, reply_to=event.message_id, thread=event.thread)
        # The first time counts, so that its sender is told once; more would end as a task that always fails.
        await self._store.hand_back(task.id, delay=1.0, count_attempt=task.attempts == 1)

    async def _with_sources(self, event: Event) -> Event:
        """The event, with the photos that a painting or an album's buttons stand for."""
        painting = 0
        if isinstance(event, Press):
            painting = event.message_id  # whose photo may be known although its message was deleted
        elif event.reply_to is not None and event.reply_to.from_bot:
            painting = event.reply_to.message_id
        if painting and (found := await self._store.source(event.chat_id, painting)):
            event = replace(event, reply_to=Replied.from_dict(found))
        if isinstance(event, Message) and event.album and not event.addressed:
            # Only an album's first photo carries the words to the bot.
            known = await self._store.known(_album_key(event, event.album))
            event = replace(event, addressed=known is not None)
        return event

    async def _with_rank(self, event: Event) -> Event:
        """The event, with whether its sender may change what belongs to a whole group, if it is about that."""
        if not (isinstance(event, Message) and event.group and event.command in _FOR_ADMINS):
            return event
        return replace(event, admin=await self._messenger.is_admin(event.chat_id, event.user_id))

    async def _album_task(self, event: Event, order: Order) -> NewTask:
        """Gathers an album's photos; those that come late are painted as the others, whose first had the words."""
        key = _album_key(event, order.album)
        if begun := await self._store.known(key):
            order = replace(order, style_settings=StyleSettings.from_dict(begun["style_settings"]))
        return NewTask(
            key=key,
            kind=ALBUM,
            chat_id=event.chat_id,
            user_id=event.user_id,
            payload=order.to_dict(),
            not_before=time.time() + self._album_seconds,
            grows=True,
        )

    def _texts(self, event: Event) -> Texts:
        return load_texts(choose_language(event.language, self._settings.languages))


def _of_files(order: Order) -> bool:
    """Whether an order has files as their senders made them; a style file costs nothing to read."""
    made = order.new_style
    painting = made is not None and not made.is_file and made.source.is_file
    return painting or any(picture.is_file for picture in order.pictures) or bool(order.style_settings.mask_message)


def _album_key(event: Event, album: str) -> str:
    return f"album:{event.chat_id}:{album}"


def _paint_key(task: Task) -> str:
    return f"paint:{task.key}"
