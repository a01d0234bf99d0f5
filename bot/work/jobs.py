"""Jobs: a stored one becomes a stylized image, and the image a message."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.conversation import failures, keyboards
from bot.conversation.conversation import Conversation
from bot.conversation.events import Keyboard, Order, Picture, Replied, Result
from bot.conversation.failures import FileTooLargeError, PictureGoneError
from bot.metrics import ANSWER_SECONDS, STAGE_SECONDS, STYLES, count_fault, count_photos
from bot.settings import Settings
from bot.storage.store import Store
from bot.storage.tasks import Task, TaskEffects
from bot.telegram_api.messenger import MessageGoneError, Messenger
from bot.texts import load_texts
from bot.work.conversation_provider import ConversationProvider
from bot.work.retry_clock import RetryClock
from bot.work.style_service import FILE_MAX_BYTES, StyleService, StylizedImage
from tfstyle.errors import StyleTransferError

_log = logging.getLogger(__name__)


class Jobs:
    """Paints and delivers.

    Args:
        store: The database.
        messenger: The way to Telegram.
        style_service: The way to the style server.
        talks: The conversation, for captions.
        settings: The operator's choices.
    """

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        style_service: StyleService,
        conversations: ConversationProvider,
        settings: Settings,
    ):
        self._store = store
        self._messenger = messenger
        self._style_service = style_service
        self._conversations = conversations
        self._settings = settings
        self._retry_clock = RetryClock()

    async def paint(self, task: Task, painted: Callable[[int], Awaitable[None]]) -> None:
        """Paint one job and end its task.

        An album is sent in parts of no more than one request may hold, so no more than a part and the next painting
        are in memory.

        Args:
            task: The job.
            painted: Called with the number of bytes once nothing is left but to deliver them.
        """
        if wait := self._messenger.flood_wait(task.chat_id):  # nothing can be delivered: others first
            await self._store.hand_back(task.id, delay=wait)
            return
        order = Order.from_dict(task.payload)
        STAGE_SECONDS.labels("wait").observe(time.time() - task.created_at)
        began = time.monotonic()
        try:
            conversation = await self._conversations.current()
            part: list[StylizedImage] = []
            problems = list(order.problems)
            async with self._messenger.shown_as_busy(task.chat_id, thread=order.thread):
                left = list(enumerate(order.pictures))[order.delivered :]
                mask = await self._mask(task, order) if left else None
                for number, picture in left:
                    try:
                        painting = await self._paint_one(picture, order, mask)
                    except failures.OF_ONE_PHOTO as error:
                        problem = self._explain(error, task, order)
                        if len(order.pictures) == 1 or problem.again is not None:
                            raise
                        problems.append(problem.text)
                        continue
                    if part and _size([*part, painting]) > FILE_MAX_BYTES:
                        if not await self._store.owns(task.id):
                            return
                        await self._send_part(task.chat_id, order, part, conversation)
                        order = replace(order, delivered=number, problems=tuple(problems))
                        await self._store.note(task.id, order.to_dict())
                        part = []
                    part.append(painting)
            if not part and not order.delivered:
                await self._end_badly(task, order, problems[0])
                return
            if not await self._store.owns(task.id):  # cancelled meanwhile
                return
            await painted(_size(part))
            delivering = time.monotonic()
            shown_in = await self._deliver(task, order, part, problems, conversation)
        except (StyleTransferError, PictureGoneError, FileTooLargeError, failures.MaskGoneError) as error:
            await self._recover(task, order, error)
            return
        STAGE_SECONDS.labels("deliver").observe(time.monotonic() - delivering)
        source = Replied(message_id=order.reply_to, pictures=order.pictures).to_dict()
        effects = TaskEffects(sources={shown_in: source})
        finished = await self._store.finish(task.id, effects=effects, seconds=time.monotonic() - began)
        if finished:
            count_photos("painted", len(order.pictures) - len(problems))
            count_photos("failed", len(problems))
            for name in order.style_settings.style_names or conversation.catalog.names[:1]:
                STYLES.labels(name).inc()
            ANSWER_SECONDS.observe(time.time() - task.created_at)
            _log.info("painted", extra={"task": task.id, "seconds": round(time.monotonic() - began, 3)})

    async def _paint_one(self, picture: Picture, order: Order, mask: bytes | None) -> StylizedImage:
        began = time.monotonic()
        data = await self._messenger.fetch(picture.file_id, max_bytes=self._settings.max_file_bytes)
        fetched = time.monotonic()
        STAGE_SECONDS.labels("fetch").observe(fetched - began)
        painting = await self._style_service.paint(data, order.style_settings, order.result, mask=mask)
        STAGE_SECONDS.labels("paint").observe(time.monotonic() - fetched)
        return painting

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
            raise failures.MaskGoneError(str(error)) from None

    async def _deliver(
        self, task: Task, order: Order, part: list[StylizedImage], problems: list[str], conversation: Conversation
    ) -> int:
        """Send what was painted, of an album its last part.

        Returns:
            The message that now stands for the photos.
        """
        if order.delivered or len(part) > 1:
            return await self._deliver_album(task, order, part, problems, conversation)
        texts = load_texts(order.language)
        text = conversation.caption(order.style_settings, texts)
        keyboard = (
            keyboards.painting_keyboard(order.style_settings, conversation.catalog, texts)
            if order.result is Result.PHOTO
            else ()
        )
        if order.result is Result.COMPARISON:
            text = texts.compared.format(styles=conversation.style_text(order.style_settings, texts))
        if problems:
            text = f"{text}\n{problems[0]}"
        return await self._deliver_one(task.chat_id, order, part[0], text, keyboard)

    async def _deliver_one(
        self, chat_id: int, order: Order, painting: StylizedImage, text: str, keyboard: Keyboard
    ) -> int:
        if order.target:
            try:
                await self._messenger.turn_into(chat_id, order.target, painting, text, keyboard)
                return order.target
            except MessageGoneError:
                if not order.repaints:
                    await self._messenger.delete(chat_id, order.target)
        return await self._messenger.send_painting(
            chat_id, painting, text, keyboard, reply_to=order.reply_to, thread=order.thread
        )

    async def _deliver_album(
        self, task: Task, order: Order, part: list[StylizedImage], problems: list[str], conversation: Conversation
    ) -> int:
        """The album's last part, then its buttons: albums carry none."""
        texts = load_texts(order.language)
        if part:
            await self._send_part(task.chat_id, order, part, conversation)
            sent = replace(order, delivered=len(order.pictures), problems=tuple(problems))
            await self._store.note(task.id, sent.to_dict())
        if order.target:
            await self._messenger.delete(task.chat_id, order.target)
        styles, count = conversation.style_text(order.style_settings, texts), len(order.pictures) - len(problems)
        if problems:
            text = texts.album_partly.format(styles=styles, count=count, failed=len(problems), reason=problems[0])
        else:
            text = texts.album_done.format(styles=styles, count=count)
        keyboard = keyboards.painting_keyboard(order.style_settings, conversation.catalog, texts, album=True)
        return await self._messenger.say(
            task.chat_id, text, keyboard=keyboard, reply_to=order.reply_to, thread=order.thread
        )

    async def _send_part(
        self, chat_id: int, order: Order, part: list[StylizedImage], conversation: Conversation
    ) -> None:
        """Several paintings as an album, one by itself; the caption is under the first one of all."""
        caption = "" if order.delivered else conversation.caption(order.style_settings, load_texts(order.language))
        where = {"reply_to": order.reply_to, "thread": order.thread}
        if len(part) > 1:
            await self._messenger.send_album(chat_id, part, caption, **where)
        else:
            await self._messenger.send_painting(chat_id, part[0], caption, (), **where)

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
        )

    async def _end_badly(self, task: Task, order: Order, text: str) -> None:
        if await self._store.owns(task.id):
            await self.say_failed(task, order, text)
            count_photos("failed", len(order.pictures))
            await self._store.finish(task.id, "failed")

    async def say_failed(self, task: Task, order: Order, text: str) -> None:
        """In the message that would have become the painting, else as a message of its own."""
        edited = False
        if order.target and not order.repaints:
            edited = await self._messenger.edit_text(task.chat_id, order.target, text)
        if not edited:
            await self._messenger.say(task.chat_id, text, reply_to=order.reply_to, thread=order.thread)


def _size(paintings: list[StylizedImage]) -> int:
    return sum(len(painting.data) for painting in paintings)
