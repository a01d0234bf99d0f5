"""Stored updates become answers, stored jobs become paintings; what cannot be ended is handed back."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace

import telegram

from bot import failures, keyboards
from bot.conversation import KEPT_DAYS, Conversation, Limits
from bot.events import (
    Action,
    AnswerPress,
    CancelAll,
    ChangeKeyboard,
    Chat,
    Event,
    ForgetChat,
    Message,
    Order,
    Paint,
    Picture,
    Press,
    Remember,
    Replied,
    Result,
    Say,
    ShowStats,
    ShowStyles,
)
from bot.failures import PictureGoneError
from bot.gallery import gallery
from bot.messenger import BlockedError, MessageGoneError, Messenger, MigratedError
from bot.metrics import ANSWER_SECONDS, ERRORS, PHOTOS, QUEUE, STAGE_SECONDS, STYLES
from bot.painting import Painter, Painting
from bot.settings import Settings
from bot.storage import PAINT, UPDATE, Kind, NewTask, Outcome, Store, Task
from bot.texts import Texts, choose_language, load_texts
from bot.updates import read_event
from serving.errors import ServingError
from tfstyle.errors import StyleTransferError

_log = logging.getLogger(__name__)

HANDLERS = 16  # updates handled at once; they mostly wait for Telegram
ALBUM_SECONDS = 1.5  # without another photo an album is complete: Telegram marks no end
TOLD_AFTER, TOLD_AGAIN = 3.0, 5.0  # seconds in line before the sender is told, and between two notes
GRACE_SECONDS = 20.0  # for running jobs when the bot stops
ALIVE_SECONDS = 60.0  # without a sign of life of its keeper, the bot counts as stuck
_IDLE = 0.5  # seconds between two looks for what other replicas stored, or what has become due
_BEAT = 1.0
_RENEW_EVERY, _PRUNE_EVERY = 4, 600  # beats
_HOUR = 3600.0


class Worker:
    """Works on what is stored.

    Args:
        store: The database.
        messenger: The way to Telegram.
        painter: The way to the style server.
        settings: The operator's choices.
        me: The bot's own user.
    """

    def __init__(self, store: Store, messenger: Messenger, painter: Painter, settings: Settings, me: telegram.User):
        self._store = store
        self._messenger = messenger
        self._painter = painter
        self._settings = settings
        self._me = me
        self._talk: Conversation | None = None
        self._gallery: tuple[Conversation, bytes | str] | None = None  # a file id once Telegram has it
        self._wakers = {UPDATE: asyncio.Event(), PAINT: asyncio.Event()}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._last_beat = time.monotonic()

    def wake(self) -> None:
        """Look for tasks now."""
        for waker in self._wakers.values():
            waker.set()

    @property
    def alive(self) -> bool:
        """Whether the event loop and the database still answer."""
        return time.monotonic() - self._last_beat < ALIVE_SECONDS

    async def run(self) -> None:
        """Work until cancelled, then end what is running or, after a while, hand it back."""
        loops = [
            asyncio.create_task(self._dispatch(UPDATE, HANDLERS, self._handle)),
            asyncio.create_task(self._dispatch(PAINT, self._settings.concurrency, self._paint)),
            asyncio.create_task(self._keep()),
        ]
        try:
            await asyncio.gather(*loops)
        finally:
            for loop in loops[:2]:
                loop.cancel()
            if self._running:
                await asyncio.wait(self._running.values(), timeout=GRACE_SECONDS)
            for task in list(self._running.values()):
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            loops[2].cancel()  # it renewed the leases until here

    async def _dispatch(self, kind: Kind, limit: int, work: Callable[[Task], Awaitable[None]]) -> None:
        slots = asyncio.Semaphore(limit)
        user_limit = self._settings.user_concurrency if kind == PAINT else 0
        waker = self._wakers[kind]
        while True:
            await slots.acquire()
            while (task := await self._claim(kind, user_limit)) is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(waker.wait(), _IDLE)
                waker.clear()
            self._running[task.id] = running = asyncio.create_task(self._run(task, work))

            def done(_: object, task_id: int = task.id) -> None:
                self._running.pop(task_id, None)
                slots.release()
                self.wake()

            running.add_done_callback(done)

    async def _claim(self, kind: Kind, user_limit: int) -> Task | None:
        try:
            return await self._store.claim(kind, user_limit=user_limit)
        except Exception:
            ERRORS.labels("storage").inc()
            _log.exception("the database does not answer")
            return None

    async def _run(self, task: Task, work: Callable[[Task], Awaitable[None]]) -> None:
        """Do a task; whatever goes wrong, the bot goes on."""
        try:
            if task.attempts > failures.MAX_CRASHES:
                await self._fail_unexpectedly(task)
                return
            await work(task)
        except asyncio.CancelledError:
            await self._store.hand_back(task.id)
        except BlockedError:
            ERRORS.labels("blocked").inc()
            await self._store.finish(task.id, "failed")
        except MigratedError as error:
            await self._store.hand_back(task.id)
            await self._store.migrate(task.chat_id, error.chat_id)
        except Exception:
            ERRORS.labels("internal").inc()
            _log.exception("a task failed", extra={"task": task.key, "attempts": task.attempts})
            with contextlib.suppress(Exception):
                await self._fail_unexpectedly(task)

    async def _fail_unexpectedly(self, task: Task) -> None:
        if task.attempts < failures.MAX_TRIES:
            await self._store.hand_back(task.id, delay=float(task.attempts), blameless=False)
            return
        if await self._store.finish(task.id, "failed"):
            language = task.payload.get("language", "en") if task.kind == PAINT else self._settings.languages[0]
            text = load_texts(language).internal_error
            if task.kind == PAINT:
                await self._say_failed(task, Order.from_dict(task.payload), text)
            else:
                await self._messenger.say(task.chat_id, text)

    # Updates.

    async def _handle(self, task: Task) -> None:
        event = read_event(task.payload, self._me)
        if event is not None:
            event = replace(event, chat_id=task.chat_id)  # the chat may have got another id meanwhile
        if event is None or not await self._admitted(event):
            await self._store.finish(task.id)
            return
        try:
            talk = await self._conversation()
        except ServingError as error:
            await self._wait_for_styles(task, event, error)
            return
        event = await self._with_sources(event)
        kept = await self._store.settings(event.chat_id)
        chat = Chat.from_dict(kept) if kept else Chat()
        changed, actions = talk.hear(event, chat) if isinstance(event, Message) else talk.press(event, chat)
        outcome = Outcome(settings=changed.to_dict() if changed != chat else None)
        for action in actions:
            outcome = await self._act(action, event, task, outcome)
        await self._store.finish(task.id, outcome=outcome)

    async def _act(self, action: Action, event: Event, task: Task, outcome: Outcome) -> Outcome:
        """Carry an action out, or add it to what is stored with the end of the update."""
        chat_id = event.chat_id
        texts = self._texts(event)
        match action:
            case Say(text=text, keyboard=keyboard, reply_to=reply_to):
                await self._messenger.say(chat_id, text, keyboard=keyboard, reply_to=reply_to)
            case AnswerPress(press_id=press_id, text=text):
                await self._messenger.answer_press(press_id, text)
            case ChangeKeyboard(message_id=message_id, keyboard=keyboard):
                await self._messenger.edit_keyboard(chat_id, message_id, keyboard)
            case ShowStyles():
                await self._show_styles(chat_id, action)
            case Remember(message=message):
                return replace(outcome, sources={**outcome.sources, message.message_id: message.to_dict()})
            case Paint():
                return await self._accept(action, event, task, outcome)
            case CancelAll():
                cancelled = await self._cancel(chat_id, texts)
                await self._messenger.say(chat_id, texts.cancelled if cancelled else texts.nothing_to_cancel)
            case ForgetChat():
                await self._cancel(chat_id, texts)
                await self._messenger.say(chat_id, texts.forgotten)
                return replace(outcome, settings=None, forget=True)
            case ShowStats():
                stats = asdict(await self._store.stats())
                await self._messenger.say(chat_id, texts.stats.format(**stats | {"seconds": f"{stats['seconds']:.1f}"}))
        return outcome

    async def _accept(self, action: Paint, event: Event, task: Task, outcome: Outcome) -> Outcome:
        """Take an order, unless there are too many."""
        order, texts = action.order, self._texts(event)
        key, grows = f"paint:{task.key}", bool(order.album)
        if grows:
            key = f"album:{event.chat_id}:{order.album}"
            if await self._store.known(key):
                return _with_order(outcome, key, event, order, grows=True)
        if problem := await self._too_many(event, len(order.pictures), texts):
            await self._messenger.say(event.chat_id, problem, reply_to=order.reply_to)
            return outcome
        if action.note:
            target = await self._messenger.say(event.chat_id, action.note, reply_to=order.reply_to)
            order = replace(order, target=target)
        return _with_order(outcome, key, event, order, grows=grows)

    async def _too_many(self, event: Event, photos: int, texts: Texts) -> str:
        limit = self._settings.user_photos_per_hour
        now = time.time()
        count, first = await self._store.photos_since(event.user_id, now - _HOUR)
        if count + photos > limit:
            PHOTOS.labels("user_limit").inc(photos)
            return texts.too_many_photos.format(limit=limit, minutes=max(1, math.ceil((first + _HOUR - now) / 60)))
        if await self._store.waiting() >= self._settings.queue_limit:
            PHOTOS.labels("queue_full").inc(photos)
            return texts.queue_full
        return ""

    async def _cancel(self, chat_id: int, texts: Texts) -> bool:
        cancelled = await self._store.cancel(chat_id)
        for task in cancelled:
            if running := self._running.get(task.id):
                running.cancel()
            order = Order.from_dict(task.payload)
            if order.target and not order.repaints:
                await self._messenger.edit_text(chat_id, order.target, texts.cancelled)
        PHOTOS.labels("cancelled").inc(len(cancelled))
        return bool(cancelled)

    async def _show_styles(self, chat_id: int, action: ShowStyles) -> None:
        talk = await self._conversation()
        if self._gallery is None or self._gallery[0] is not talk:
            self._gallery = talk, await asyncio.to_thread(gallery, talk.catalog)
        _, file_id = await self._messenger.show(
            chat_id, self._gallery[1], action.text, keyboard=action.keyboard, reply_to=action.reply_to
        )
        if file_id:
            self._gallery = talk, file_id

    async def _admitted(self, event: Event) -> bool:
        allowed = self._settings.allowed_users
        if not allowed or event.user_id in allowed:
            return True
        text = self._texts(event).not_allowed.format(user=event.user_id)
        if isinstance(event, Press):
            await self._messenger.answer_press(event.press_id, text)
        elif event.addressed:
            await self._messenger.say(event.chat_id, text, reply_to=event.message_id)
        return False

    async def _wait_for_styles(self, task: Task, event: Event, error: ServingError) -> None:
        """Nobody has told the styles yet, so nothing can be understood: the update waits, and its sender is told."""
        _log.warning("no styles yet", extra={"error": str(error)})
        ERRORS.labels("server").inc()
        if task.attempts == 1 and isinstance(event, Message) and event.addressed:
            text = self._texts(event).waiting_for_server
            await self._messenger.say(event.chat_id, text, reply_to=event.message_id)
        await self._store.hand_back(task.id, delay=1.0, blameless=False)

    async def _with_sources(self, event: Event) -> Event:
        """The event, with the photos that a painting or an album's buttons stand for."""
        replied = event.reply_to
        if replied is not None:
            message_id = event.message_id if isinstance(event, Press) else replied.message_id
            if isinstance(event, Press) or replied.from_bot:
                found = await self._store.source(event.chat_id, message_id)
                if found:
                    event = replace(event, reply_to=Replied.from_dict(found))
        if isinstance(event, Message) and event.album and not event.addressed:
            key = f"album:{event.chat_id}:{event.album}"  # only an album's first photo carries the words to the bot
            event = replace(event, addressed=await self._store.known(key))
        return event

    # Paintings.

    async def _paint(self, task: Task) -> None:
        order = Order.from_dict(task.payload)
        STAGE_SECONDS.labels("wait").observe(time.time() - task.created_at)
        began = time.monotonic()
        try:
            talk = await self._conversation()
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

    async def _deliver_one(
        self, chat_id: int, order: Order, painting: Painting, text: str, keyboard: keyboards.Keyboard
    ) -> int:
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
            await self._say_failed(task, order, text)
            PHOTOS.labels("failed").inc(len(order.pictures))
            await self._store.finish(task.id, "failed")

    async def _say_failed(self, task: Task, order: Order, text: str) -> None:
        """In the message that would have become the painting, else as a message of its own."""
        edited = False
        if order.target and not order.repaints:
            edited = await self._messenger.edit_text(task.chat_id, order.target, text)
        if not edited:
            await self._messenger.say(task.chat_id, text, reply_to=order.reply_to)

    # What goes on beside.

    async def _keep(self) -> None:
        """Renew leases, tell people in line where they stand, prune."""
        beat = 0
        while True:
            try:
                if beat % _RENEW_EVERY == 0:
                    await self._store.renew()
                if beat % _PRUNE_EVERY == 0:
                    await self._store.prune(sources_before=time.time() - KEPT_DAYS * 24 * _HOUR)
                stats = await self._store.stats()
                QUEUE.labels("waiting").set(stats.waiting)
                QUEUE.labels("running").set(stats.running)
                if stats.waiting:
                    await self._tell_those_in_line()
                self._last_beat = time.monotonic()
            except Exception:
                ERRORS.labels("keeper").inc()
                _log.exception("the keeper failed")
            beat += 1
            await asyncio.sleep(_BEAT)

    async def _tell_those_in_line(self) -> None:
        while (task := await self._store.waiting_long(after=TOLD_AFTER, again=TOLD_AGAIN)) is not None:
            order = Order.from_dict(task.payload)
            place = await self._store.place(task)
            if not order.target or order.repaints or not place.seconds:
                continue
            seconds = math.ceil((place.before + 1) * place.seconds / max(1, place.running))
            text = load_texts(order.language).in_line.format(position=place.before + 1, seconds=seconds)
            with contextlib.suppress(BlockedError, MigratedError):
                await self._messenger.edit_text(task.chat_id, order.target, text)

    async def _conversation(self) -> Conversation:
        """For the styles as they are now.

        Raises:
            ServingError: If nobody has told them yet.
        """
        catalog = await self._painter.catalog()
        if self._talk is None or self._talk.catalog is not catalog:
            settings = self._settings
            limits = Limits(max_file_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels)
            self._talk = Conversation(catalog, limits=limits, languages=settings.languages, admins=settings.admins)
        return self._talk

    def _texts(self, event: Event) -> Texts:
        return load_texts(choose_language(event.language, self._settings.languages))


def _with_order(outcome: Outcome, key: str, event: Event, order: Order, *, grows: bool) -> Outcome:
    task = NewTask(
        key=key,
        kind=PAINT,
        chat_id=event.chat_id,
        user_id=event.user_id,
        payload=order.to_dict(),
        not_before=time.time() + ALBUM_SECONDS if grows else 0.0,
        grows=grows,
    )
    return replace(outcome, tasks=(*outcome.tasks, task))
