"""Jobs: a stored one becomes a stylized image, and the image a message."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.conversation import failures, keyboards
from bot.conversation.conversation import Conversation
from bot.conversation.events import Chat, Order, Picture, Replied, Result, StyleOrder
from bot.conversation.failures import RetryPolicy
from bot.conversation.own_styles import MAX_OWN_STYLES, MAX_TITLE, OwnStyle, own_key, own_name
from bot.errors import FileTooLargeError, MaskGoneError, OwnStylesFullError, PictureGoneError
from bot.metrics import ANSWER_SECONDS, STAGE_SECONDS, STYLES, count_fault, count_photos
from bot.settings import Settings
from bot.storage.store import Store
from bot.storage.stored_style import StoredStyle
from bot.storage.style_shelf import StyleShelf
from bot.storage.tasks import Task, TaskEffects
from bot.telegram_api.messenger import MessageGoneError, Messenger
from bot.telegram_api.stylized_image import FILE_MAX_BYTES, StylizedImage
from bot.texts import load_texts
from bot.work.conversation_provider import ConversationProvider
from bot.work.retry_clock import RetryClock
from bot.work.style_service import StyleService
from bot.work.worker import Slot
from tfstyle.errors import StyleTransferError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Stylized:
    """What became of an order's photos, and is still to be delivered.

    Attributes:
        order: The order, with how much of an album was delivered so far.
        part: Stylized images that are not delivered yet; of an album its last part.
        problems: What was wrong with those photos that have none.
    """

    order: Order
    part: tuple[StylizedImage, ...]
    problems: tuple[str, ...]


class Jobs:
    """Stylizes and delivers.

    Args:
        store: The database.
        shelf: The styles of people's own.
        messenger: The way to Telegram.
        style_service: The way to the style server.
        conversations: The conversation, for captions.
        settings: The operator's choices.
        policy: How often a job is tried.
        part_max_bytes: Of an album's part, which one request must hold.
        small_delivery: Stylized images of no more bytes wait for Telegram while others are stylized in their place: a
            larger one keeps it, so that no more of them are in memory than are stylized at once.
        deliveries: At most so many of them.
    """

    def __init__(
        self,
        store: Store,
        shelf: StyleShelf,
        messenger: Messenger,
        style_service: StyleService,
        conversations: ConversationProvider,
        settings: Settings,
        *,
        policy: RetryPolicy = RetryPolicy(),
        part_max_bytes: int = FILE_MAX_BYTES,
        small_delivery: int = 2 * 2**20,
        deliveries: int = 32,
    ):
        self._store = store
        self._shelf = shelf
        self._messenger = messenger
        self._style_service = style_service
        self._conversations = conversations
        self._settings = settings
        self._policy = policy
        self._part_max_bytes = part_max_bytes
        self._small_delivery = small_delivery
        self._deliveries = asyncio.Semaphore(deliveries)
        self._retry_clock = RetryClock()

    async def paint(self, task: Task, slot: Slot) -> None:
        """Stylize one job's photos, deliver them, and end its task.

        Args:
            task: The job.
            slot: Its place among those that are stylized, given back once nothing is left but to deliver.
        """
        if wait := self._messenger.flood_wait(task.chat_id):  # nothing can be delivered: others first
            await self._store.hand_back(task.id, delay=wait)
            return
        order = Order.from_dict(task.payload)
        STAGE_SECONDS.labels("wait").observe(max(0.0, time.time() - task.created_at))
        began = time.monotonic()
        try:
            conversation = await self._conversations.current()
            if order.new_style is not None:
                await self._make_style(task, order, order.new_style)
            own = await self._shelf.get(order.style_settings.own_keys)
            conversation = conversation.with_own_styles(
                [OwnStyle(key=style.key, title=style.title) for style in own.values()]
            )
            if not order.pictures:
                await self._tell_style(task, order, conversation)
                return
            stylized = await self._stylize(task, order, conversation, own)
            if stylized is None:
                return
            async with contextlib.AsyncExitStack() as stack:
                if _size(stylized.part) <= self._small_delivery:
                    await stack.enter_async_context(self._deliveries)
                    slot.give_back()
                shown_in = await self._deliver(task, stylized, conversation)
        except (StyleTransferError, PictureGoneError, FileTooLargeError, MaskGoneError) as error:
            await self._recover(task, order, error)
            return
        await self._finish(task, stylized, shown_in, conversation, time.monotonic() - began)

    async def _make_style(self, task: Task, order: Order, new: StyleOrder) -> None:
        """Make and keep the style that an order begins with, once."""
        if await self._shelf.get((new.key,)):
            return  # before a crash
        async with self._messenger.shown_as_busy(task.chat_id, thread=order.thread):
            data = await self._messenger.fetch(new.source.file_id, max_bytes=self._settings.max_file_bytes)
            if new.is_file:
                title, file = await self._style_service.take_style_file(data)
            else:
                title, file = new.title, await self._style_service.make_style(data, new.title)
        style = StoredStyle(key=new.key, title=" ".join(title.split())[:MAX_TITLE] or new.title, file=file)
        if not await self._shelf.put(task.user_id, style):
            raise OwnStylesFullError(MAX_OWN_STYLES)

    async def _tell_style(self, task: Task, order: Order, conversation: Conversation) -> None:
        """A style that was made is for the photos to come."""
        if not await self._store.owns(task.id):
            return
        texts = load_texts(order.language)
        text = texts.style_made.format(title=conversation.style_text(order.style_settings, texts))
        await self._say_instead(task, order, text)
        kept = await self._store.settings(task.chat_id)
        chat = Chat.from_dict(kept) if kept else Chat()
        chosen = replace(chat.style_settings, styles=order.style_settings.styles, regions=())
        settings = replace(chat, style_settings=chosen).to_dict()
        await self._store.finish(task.id, effects=TaskEffects(settings=settings))

    async def _stylize(
        self, task: Task, order: Order, conversation: Conversation, own: Mapping[str, StoredStyle]
    ) -> _Stylized | None:
        """Stylize an order's photos.

        An album is sent in parts of no more than one request may hold, so no more than a part and the next stylized
        image are in memory.

        Returns:
            What is still to be delivered; None if the task was ended, here or by somebody else.
        """
        part: list[StylizedImage] = []
        problems = list(order.problems)
        async with self._messenger.shown_as_busy(task.chat_id, thread=order.thread):
            left = list(enumerate(order.pictures))[order.delivered :]
            mask = await self._mask(task, order) if left else None
            files = {own_name(key): style.file for key, style in own.items()}
            for number, picture in left:
                try:
                    image = await self._stylize_one(picture, order, mask, files)
                except failures.OF_ONE_PHOTO as error:
                    problem = self._explain(error, task, order)
                    if len(order.pictures) == 1 or problem.again is not None:
                        raise
                    problems.append(problem.text)
                    continue
                if part and _size([*part, image]) > self._part_max_bytes:
                    if not await self._store.owns(task.id):
                        return None
                    await self._send_part(task.chat_id, order, part, conversation)
                    order = replace(order, delivered=number, problems=tuple(problems))
                    await self._store.note(task.id, order.to_dict())
                    part = []
                part.append(image)
        if not part and not order.delivered:
            await self._end_badly(task, order, problems[0])
            return None
        if not await self._store.owns(task.id):  # cancelled meanwhile
            return None
        return _Stylized(order=order, part=tuple(part), problems=tuple(problems))

    async def _finish(
        self, task: Task, stylized: _Stylized, shown_in: int, conversation: Conversation, seconds: float
    ) -> None:
        """End a task whose photos were delivered, and count it."""
        order, problems = stylized.order, stylized.problems
        source = Replied(message_id=order.reply_to, pictures=order.pictures).to_dict()
        if not await self._store.finish(task.id, effects=TaskEffects(sources={shown_in: source}), seconds=seconds):
            return
        count_photos("painted", len(order.pictures) - len(problems))
        count_photos("failed", len(problems))
        for name in order.style_settings.style_names or conversation.catalog.names[:1]:
            STYLES.labels("own" if own_key(name) else name).inc()
        ANSWER_SECONDS.observe(max(0.0, time.time() - task.created_at))
        _log.info("painted", extra={"task": task.id, "seconds": round(seconds, 3)})

    async def _stylize_one(
        self, picture: Picture, order: Order, mask: bytes | None, own_styles: Mapping[str, bytes]
    ) -> StylizedImage:
        began = time.monotonic()
        data = await self._messenger.fetch(picture.file_id, max_bytes=self._settings.max_file_bytes)
        fetched = time.monotonic()
        STAGE_SECONDS.labels("fetch").observe(fetched - began)
        painting = self._style_service.stylize(
            data, order.style_settings, order.result, mask=mask, own_styles=own_styles
        )
        del data  # the file is not needed any more once it is decoded
        image = await painting
        STAGE_SECONDS.labels("paint").observe(time.monotonic() - fetched)
        return image

    async def _mask(self, task: Task, order: Order) -> bytes | None:
        message_id = order.style_settings.mask_message
        if message_id is None:
            return None
        found = await self._store.source(task.chat_id, message_id)
        try:
            if not found:
                raise PictureGoneError("it is not known any more")
            picture = Replied.from_dict(found).pictures[0]
            return await self._messenger.fetch(picture.file_id, max_bytes=self._settings.max_file_bytes)
        except PictureGoneError as error:
            raise MaskGoneError(str(error)) from None

    async def _deliver(self, task: Task, stylized: _Stylized, conversation: Conversation) -> int:
        """Send what was stylized, of an album its last part.

        Returns:
            The message that now stands for the photos.
        """
        began = time.monotonic()
        order, part = stylized.order, stylized.part
        if order.delivered or len(part) > 1:
            shown_in = await self._deliver_album(task, stylized, conversation)
        else:
            shown_in = await self._deliver_one(task.chat_id, order, part[0], stylized.problems, conversation)
        STAGE_SECONDS.labels("deliver").observe(time.monotonic() - began)
        return shown_in

    async def _deliver_one(
        self, chat_id: int, order: Order, image: StylizedImage, problems: Sequence[str], conversation: Conversation
    ) -> int:
        texts = load_texts(order.language)
        settings, catalog = order.style_settings, conversation.catalog
        text = conversation.caption(settings, texts)
        keyboard = (
            ()
            if order.result is not Result.PHOTO
            else keyboards.painting_keyboard(settings, catalog, texts, any_painting=conversation.any_painting)
        )
        if order.result is Result.COMPARISON:
            text = texts.compared.format(styles=conversation.style_text(settings, texts))
        if problems:
            text = f"{text}\n{problems[0]}"
        if order.target:
            try:
                await self._messenger.turn_into(chat_id, order.target, image, text, keyboard)
                return order.target
            except MessageGoneError:
                if not order.repaints:
                    await self._messenger.delete(chat_id, order.target)
        return await self._messenger.send_painting(
            chat_id, image, text, keyboard, reply_to=order.reply_to, thread=order.thread
        )

    async def _deliver_album(self, task: Task, stylized: _Stylized, conversation: Conversation) -> int:
        """The album's last part, then its buttons: albums carry none."""
        order, problems = stylized.order, stylized.problems
        texts = load_texts(order.language)
        if stylized.part:
            await self._send_part(task.chat_id, order, stylized.part, conversation)
            sent = replace(order, delivered=len(order.pictures), problems=problems)
            await self._store.note(task.id, sent.to_dict())
        if order.target:
            await self._messenger.delete(task.chat_id, order.target)
        styles = conversation.style_text(order.style_settings, texts)
        count = len(order.pictures) - len(problems)
        if problems:
            text = texts.album_partly.format(styles=styles, count=count, failed=len(problems), reason=problems[0])
        else:
            text = texts.album_done.format(styles=styles, count=count)
        keyboard = keyboards.painting_keyboard(order.style_settings, conversation.catalog, texts, album=True)
        return await self._messenger.say(
            task.chat_id, text, keyboard=keyboard, reply_to=order.reply_to, thread=order.thread
        )

    async def _send_part(
        self, chat_id: int, order: Order, part: Sequence[StylizedImage], conversation: Conversation
    ) -> None:
        """Several stylized images as an album, one by itself; the caption is under the first one of all."""
        texts = load_texts(order.language)
        caption = "" if order.delivered else conversation.caption(order.style_settings, texts)
        if len(part) > 1:
            await self._messenger.send_album(chat_id, part, caption, reply_to=order.reply_to, thread=order.thread)
        else:
            await self._messenger.send_painting(
                chat_id, part[0], caption, (), reply_to=order.reply_to, thread=order.thread
            )

    async def _recover(self, task: Task, order: Order, error: Exception) -> None:
        """Try again later, or say why there will be no painting."""
        problem = self._explain(error, task, order)
        count_fault(problem.kind)
        _log.warning("not painted", extra={"task": task.id, "kind": problem.kind, "error": str(error)})
        if problem.again is None:
            await self._end_badly(task, order, problem.text)
            return
        if problem.text and order.target and not order.repaints:
            await self._messenger.edit_text(task.chat_id, order.target, problem.text)
        await self._store.hand_back(task.id, delay=problem.again, count_attempt=problem.count_attempt)

    def _explain(self, error: Exception, task: Task, order: Order) -> failures.Problem:
        """What became of a try."""
        return failures.explain(
            error,
            load_texts(order.language),
            tries=task.attempts,
            waited=self._retry_clock.waited(task.id),
            max_megapixels=self._settings.max_megapixels,
            policy=self._policy,
        )

    async def _end_badly(self, task: Task, order: Order, text: str) -> None:
        if await self._store.owns(task.id):
            await self._say_instead(task, order, text)
            count_photos("failed", order.photos)
            await self._store.finish(task.id, "failed")

    async def tell_given_up(self, task: Task) -> None:
        """Tell the sender of a job, or of an album that was to become one, that it was given up."""
        order = Order.from_dict(task.payload)
        count_photos("failed", order.photos)
        await self._say_instead(task, order, load_texts(order.language).internal_error)

    async def _say_instead(self, task: Task, order: Order, text: str) -> None:
        """In the message that would have become the painting, else as a message of its own."""
        edited = False
        if order.target and not order.repaints:
            edited = await self._messenger.edit_text(task.chat_id, order.target, text)
        if not edited:
            await self._messenger.say(task.chat_id, text, reply_to=order.reply_to, thread=order.thread)


def _size(images: Iterable[StylizedImage]) -> int:
    return sum(len(image.data) for image in images)
