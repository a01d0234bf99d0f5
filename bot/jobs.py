"""A stored job becomes a painting, and the painting a message."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot import failures, keyboards
from bot.conversation import Conversation
from bot.events import Keyboard, Order, Picture, Replied, Result
from bot.failures import PictureGoneError
from bot.messenger import MessageGoneError, Messenger
from bot.metrics import ANSWER_SECONDS, ERRORS, PHOTOS, STAGE_SECONDS, STYLES
from bot.painting import Painter, Painting
from bot.settings import Settings
from bot.storage import Store
from bot.talks import Talks
from bot.tasks import Outcome, Task
from bot.texts import load_texts
from tfstyle.errors import StyleTransferError

_log = logging.getLogger(__name__)


class Jobs:
    """Paints and delivers.

    Args:
        store: The database.
        messenger: The way to Telegram.
        painter: The way to the style server.
        talks: The conversation, for captions.
        settings: The operator's choices.
    """

    def __init__(self, store: Store, messenger: Messenger, painter: Painter, talks: Talks, settings: Settings):
        self._store = store
        self._messenger = messenger
        self._painter = painter
        self._talks = talks
        self._settings = settings

    async def paint(self, task: Task, painted: Callable[[], Awaitable[None]]) -> None:
        """Paint one job and end its task.

        Args:
            task: The job.
            painted: Called once nothing is left but to deliver.
        """
        order = Order.from_dict(task.payload)
        STAGE_SECONDS.labels("wait").observe(time.time() - task.created_at)
        began = time.monotonic()
        try:
            talk = await self._talks.now()
            pictures = order.pictures[: self._settings.album_limit]
            paintings: list[Painting] = []
            problems: list[str] = []
            if not order.delivered:
                async with self._messenger.shown_as_busy(task.chat_id):
                    mask = await self._mask(task, order)
                    for picture in pictures:
                        try:
                            paintings.append(await self._paint_one(picture, order, mask))
                        except failures.OF_ONE_PHOTO as error:
                            problem = self._explain(error, task, order)
                            if len(pictures) == 1 or problem.again is not None:
                                raise
                            problems.append(problem.text)
            if not paintings and problems:
                await self._end_badly(task, order, problems[0])
                return
            if not await self._store.owns(task.id):  # cancelled meanwhile
                return
            await painted()
            delivering = time.monotonic()
            shown_in = await self._deliver(task, order, paintings, problems, talk)
        except (StyleTransferError, PictureGoneError, failures.MaskGoneError) as error:
            await self._recover(task, order, error)
            return
        STAGE_SECONDS.labels("deliver").observe(time.monotonic() - delivering)
        source = Replied(message_id=order.reply_to, pictures=order.pictures).to_dict()
        outcome = Outcome(sources={shown_in: source})
        finished = await self._store.finish(task.id, outcome=outcome, seconds=time.monotonic() - began)
        if finished:
            PHOTOS.labels("painted").inc(len(pictures) - len(problems))
            PHOTOS.labels("failed").inc(len(problems))
            for name in order.look.style_names or talk.catalog.names[:1]:
                STYLES.labels(name).inc()
            ANSWER_SECONDS.observe(time.time() - task.created_at)
            _log.info("painted", extra={"task": task.key, "seconds": round(time.monotonic() - began, 3)})

    async def _paint_one(self, picture: Picture, order: Order, mask: bytes | None) -> Painting:
        began = time.monotonic()
        data = await self._messenger.fetch(picture.file_id, max_bytes=self._settings.max_file_bytes)
        fetched = time.monotonic()
        STAGE_SECONDS.labels("fetch").observe(fetched - began)
        painting = await self._painter.paint(data, order.look, order.result, mask=mask)
        STAGE_SECONDS.labels("paint").observe(time.monotonic() - fetched)
        return painting

    async def _mask(self, task: Task, order: Order) -> bytes | None:
        message_id = order.look.mask_message
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
        self, task: Task, order: Order, paintings: list[Painting], problems: list[str], talk: Conversation
    ) -> int:
        """Send what was painted.

        Returns:
            The message that now stands for the photos.
        """
        texts = load_texts(order.language)
        album = order.delivered or len(paintings) > 1
        keyboard = keyboards.painting_keyboard(order.look, talk.catalog, texts, album=album)
        if album:
            return await self._deliver_album(task, order, paintings, problems, talk)
        text = talk.caption(order.look, texts)
        if order.result is not Result.PHOTO:
            keyboard = ()
        if order.result is Result.COMPARISON:
            text = texts.compared.format(styles=talk.style_text(order.look, texts))
        if problems:
            text = f"{text}\n{problems[0]}"
        return await self._deliver_one(task.chat_id, order, paintings[0], text, keyboard)

    async def _deliver_one(self, chat_id: int, order: Order, painting: Painting, text: str, keyboard: Keyboard) -> int:
        if order.target:
            try:
                await self._messenger.turn_into(chat_id, order.target, painting, text, keyboard)
                return order.target
            except MessageGoneError:
                if not order.repaints:
                    await self._messenger.delete(chat_id, order.target)
        return await self._messenger.send_painting(chat_id, painting, text, keyboard, reply_to=order.reply_to)

    async def _deliver_album(
        self, task: Task, order: Order, paintings: list[Painting], problems: list[str], talk: Conversation
    ) -> int:
        """The album, then its buttons: albums carry none."""
        texts = load_texts(order.language)
        if not order.delivered:
            caption = talk.caption(order.look, texts)
            await self._messenger.send_album(task.chat_id, paintings, caption, reply_to=order.reply_to)
            await self._store.note(task.id, replace(order, delivered=True).to_dict())
        if order.target:
            await self._messenger.delete(task.chat_id, order.target)
        styles = talk.style_text(order.look, texts)
        count = len(paintings) or len(order.pictures)
        if problems:
            text = texts.album_partly.format(styles=styles, count=count, failed=len(problems), reason=problems[0])
        else:
            text = texts.album_done.format(styles=styles, count=count)
        if len(order.pictures) > self._settings.album_limit:
            text += "\n" + texts.album_too_long.format(limit=self._settings.album_limit)
        keyboard = keyboards.painting_keyboard(order.look, talk.catalog, texts, album=True)
        return await self._messenger.say(task.chat_id, text, keyboard=keyboard, reply_to=order.reply_to)

    async def _recover(self, task: Task, order: Order, error: Exception) -> None:
        """Try again later, or say why there will be no painting."""
        problem = self._explain(error, task, order)
        ERRORS.labels(problem.kind).inc()
        _log.warning("not painted", extra={"task": task.key, "kind": problem.kind, "error": str(error)})
        if problem.again is None:
            await self._end_badly(task, order, problem.text)
            return
        if problem.text and order.target and not order.repaints:
            await self._messenger.edit_text(task.chat_id, order.target, problem.text)
        await self._store.hand_back(task.id, delay=problem.again, blameless=problem.blameless)

    def _explain(self, error: Exception, task: Task, order: Order) -> failures.Problem:
        return failures.explain(
            error,
            load_texts(order.language),
            tries=task.attempts,
            waited=time.time() - task.created_at,
            max_megapixels=self._settings.max_megapixels,
        )

    async def _end_badly(self, task: Task, order: Order, text: str) -> None:
        if await self._store.owns(task.id):
            await self.say_failed(task, order, text)
            PHOTOS.labels("failed").inc(len(order.pictures))
            await self._store.finish(task.id, "failed")

    async def say_failed(self, task: Task, order: Order, text: str) -> None:
        """In the message that would have become the painting, else as a message of its own."""
        edited = False
        if order.target and not order.repaints:
            edited = await self._messenger.edit_text(task.chat_id, order.target, text)
        if not edited:
            await self._messenger.say(task.chat_id, text, reply_to=order.reply_to)
