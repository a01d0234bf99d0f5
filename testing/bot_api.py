"""A Bot API server on a local port, for tests and benchmarks: Telegram as far as a bot can tell.

Faithful where bots break: updates stay until an offset confirms them, one poller at a time, envelopes with `ok`,
`result`, `error_code`, `description` and `parameters`, multipart with `attach://`, files by `getFile` and path,
Telegram's limits on sizes and rates, replies one level deep. It runs on a thread; tests speak through `Person` and look
at `messages`.
"""

import asyncio
import contextlib
import io
import itertools
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web
from PIL import Image

TOKEN = "7000000001:AAtestTESTtestTESTtestTESTtestTEST"
BOT = {"id": 7000000001, "is_bot": True, "first_name": "Painter", "username": "paint_test_bot"}
GALLERY_CAPTIONS = ("Which style?", "Welcher Stil?", "¿Qué estilo?")

_MAX_DOWNLOAD = 20 * 2**20
_MAX_PHOTO = 10 * 2**20
_MAX_DOCUMENT = 50 * 2**20
_PRESS_LIFETIME = 30.0
_SENDS = ("sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup")
_EDITS = ("editMessageText", "editMessageCaption", "editMessageMedia", "editMessageReplyMarkup", "deleteMessage")


class ApiError(Exception):
    """Becomes an error envelope."""

    def __init__(self, code: int, description: str, **parameters: int):
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


@dataclass
class Fault:
    """What goes wrong with calls of a method: `status` with `parameters`, a dropped connection, or only a delay.

    Attributes:
        method: Its name; empty for any.
        chat_id: Only for this chat; None for any.
        times: How often.
        status: HTTP status; 0 drops the connection, 200 is no fault but slowness.
        done_first: The call takes effect, and only its answer is lost.
        hook: Called as it goes wrong, such as to kill the bot at that moment.
        seconds: How long the call takes before anything else happens.
    """

    method: str = ""
    chat_id: int | None = None
    times: int = 1
    status: int = 0
    description: str = "Internal Server Error"
    parameters: dict[str, int] = field(default_factory=dict)
    done_first: bool = False
    hook: Callable[[], object] | None = None
    seconds: float = 0.0


@dataclass
class Call:
    """One call of the bot, for tests to look at."""

    method: str
    params: dict[str, Any]
    at: float
    error: int = 0

    @property
    def chat_id(self) -> int | None:
        """The chat it is about."""
        return int(self.params["chat_id"]) if "chat_id" in self.params else None


class BotApi:
    """The server; use it as a context manager.

    Attributes:
        calls: All calls in order.
        messages: By chat, then by message id, as they are now.
        faults: What shall go wrong next.
        blocked: Chats that the bot was thrown out of.
        admins: Pairs of group and user.
        commands: What setMyCommands said, by language.
        limits: Enforce Telegram's rates.
    """

    def __init__(self, token: str = TOKEN):
        self.token = token
        self.calls: list[Call] = []
        self.messages: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.faults: list[Fault] = []
        self.blocked: set[int] = set()
        self.admins: set[tuple[int, int]] = set()
        self.migrated: dict[int, int] = {}
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.limits = True
        self.webhook: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self._presses: dict[str, float] = {}
        self._ids = itertools.count(1000)
        self._update_ids = itertools.count(500_000)
        self._updates: deque[dict[str, Any]] = deque()
        self._sent: deque[float] = deque()
        self._sent_to: dict[int, deque[float]] = defaultdict(deque)
        self._changed = threading.Condition(threading.RLock())
        self._loop = asyncio.new_event_loop()
        self._arrived: asyncio.Event | None = None
        self._poller: asyncio.Future[None] | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> "BotApi":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def base_url(self) -> str:
        """As python-telegram-bot takes it."""
        return f"http://127.0.0.1:{self.port}/bot"

    @property
    def base_file_url(self) -> str:
        """As python-telegram-bot takes it."""
        return f"http://127.0.0.1:{self.port}/file/bot"

    # What tests do.

    def wait_for(self, condition: Callable[[], Any], *, seconds: float = 20.0, what: str = "it") -> Any:
        """Wait until `condition()` is true, and return what it returned."""
        end = time.monotonic() + seconds
        with self._changed:
            while not (found := condition()):
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"waited {seconds} s for {what}; last calls: {self._last_calls()}")
                self._changed.wait(min(left, 0.2))
            return found

    def count(self, method: str, *, chat_id: int | None = None, error: int | None = None) -> int:
        """How many calls of a method there were."""
        with self._changed:
            return sum(
                call.method == method
                and (chat_id is None or call.chat_id == chat_id)
                and (error is None or call.error == error)
                for call in self.calls
            )

    def add_update(self, **update: Any) -> int:
        """Something happened in a chat: queue an update for the bot.

        Returns:
            Its id.
        """
        with self._changed:
            update_id = next(self._update_ids)
            self._updates.append({"update_id": update_id, **update})
        self._loop.call_soon_threadsafe(self._notify)
        return update_id

    def redeliver(self, update: dict[str, Any]) -> None:
        """Queue an update again that was confirmed already, as Telegram does with webhooks now and then."""
        with self._changed:
            self._updates.append(update)
        self._loop.call_soon_threadsafe(self._notify)

    @property
    def unconfirmed(self) -> int:
        """Updates that the bot has not confirmed."""
        return len(self._updates)

    def new_id(self) -> int:
        """A message id."""
        return next(self._ids)

    def store_file(self, data: bytes) -> str:
        """Keep a file.

        Returns:
            Its file id.
        """
        file_id = f"file-{len(self.files)}-{len(data)}"
        self.files[file_id] = data
        return file_id

    def new_press(self, *, age: float = 0.0) -> str:
        """An id for a callback query, `age` seconds old."""
        press_id = f"press-{next(self._ids)}"
        self._presses[press_id] = time.monotonic() - age
        return press_id

    def file_of(self, message: dict[str, Any]) -> bytes:
        """The file that a message shows or carries."""
        if "photo" in message:
            return self.files[message["photo"][-1]["file_id"]]
        return self.files[message["document"]["file_id"]]

    def _last_calls(self) -> list[tuple[str, int | None, int]]:
        return [(call.method, call.chat_id, call.error) for call in self.calls if call.method != "getUpdates"][-12:]

    # What the bot sees.

    async def _start(self) -> None:
        self._arrived = asyncio.Event()
        app = web.Application(client_max_size=100 * 2**20)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        app.router.add_get("/file/bot{token}/{path:.*}", self._download)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._pushing = asyncio.create_task(self._push())

    async def _stop(self) -> None:
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}  # questions that were held open
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _notify(self) -> None:
        assert self._arrived is not None
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            return _error(ApiError(401, "Unauthorized"))
        method = request.match_info["method"]
        answer = next((getattr(self, name) for name in dir(self) if name.lower() == f"_do_{method}".lower()), None)
        if answer is None:
            return _error(ApiError(404, "Not Found: method not found"))
        params = await _params(request)
        call = Call(method, {key: value for key, value in params.items() if key != "_files"}, time.monotonic())
        fault = self._fault(call)
        try:
            if fault and fault.seconds:
                await asyncio.sleep(fault.seconds)
            if fault and fault.status == 200:
                fault = None
            if fault and not fault.done_first:
                if fault.hook:
                    fault.hook()
                if fault.status == 0:
                    return _drop(request)
                raise ApiError(fault.status, fault.description, **fault.parameters)
            with self._changed:
                if call.chat_id is not None:
                    self._check_chat(call.chat_id)
                    self._check_rates(method, call.chat_id, params)
            result = answer(params)
            if asyncio.iscoroutine(result):
                result = await result
            if fault:
                if fault.hook:
                    fault.hook()
                return _drop(request)
            return web.json_response({"ok": True, "result": result})
        except ApiError as error:
            call.error = error.code
            return _error(error)
        finally:
            with self._changed:
                self.calls.append(call)
                self._changed.notify_all()

    def _fault(self, call: Call) -> Fault | None:
        with self._changed:
            for fault in self.faults:
                if fault.times and fault.method in ("", call.method) and fault.chat_id in (None, call.chat_id):
                    fault.times -= 1
                    return fault
        return None

    def _check_chat(self, chat_id: int) -> None:
        if chat_id in self.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        if chat_id in self.migrated:
            raise ApiError(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self.migrated[chat_id],
            )

    def _check_rates(self, method: str, chat_id: int, params: dict[str, Any]) -> None:
        """30 a second in all; 20 a minute in a group, edits too; in a private chat 1 a second after a burst of 5."""
        if not self.limits or method not in (*_SENDS, *_EDITS):
            return
        now = time.monotonic()
        group = chat_id < 0
        cost = len(json.loads(params["media"])) if method == "sendMediaGroup" else 1
        sent_to = self._sent_to[chat_id]
        _expire(self._sent, now - 1)
        _expire(sent_to, now - (60 if group else 10))
        if len(self._sent) + cost > 30:
            raise ApiError(429, "Too Many Requests: retry after 1", retry_after=1)
        if group and len(sent_to) + cost > 20:
            raise ApiError(429, "Too Many Requests: retry after 20", retry_after=20)
        if not group and method in _SENDS and len(sent_to) + cost > 15:
            raise ApiError(429, "Too Many Requests: retry after 2", retry_after=2)
        self._sent.extend([now] * cost)
        if group or method in _SENDS:
            sent_to.extend([now] * cost)

    async def _download(self, request: web.Request) -> web.Response:
        data = self.files.get(request.match_info["path"].removeprefix("photos/"))
        if request.match_info["token"] != self.token or data is None:
            return web.json_response({"ok": False, "error_code": 404, "description": "Not Found"}, status=404)
        return web.Response(body=data)

    async def _push(self) -> None:
        """Post updates to the webhook, one after another, again and again until each is answered with 200."""
        async with ClientSession() as session:
            while True:
                if not self.webhook or not self._updates:
                    await asyncio.sleep(0.02)
                    continue
                update = self._updates[0]
                headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
                with contextlib.suppress(Exception):
                    async with session.post(self.webhook["url"], json=update, headers=headers) as response:
                        if response.status == 200:
                            with self._changed:
                                self._updates.popleft()
                            continue
                await asyncio.sleep(0.2)

    # Methods, in Telegram's names.

    def _do_getMe(self, _: dict[str, Any]) -> dict[str, Any]:
        return {**BOT, "can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}

    async def _do_getUpdates(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook:
            raise ApiError(409, "Conflict: can't use getUpdates method while webhook is active")
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(
                ApiError(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance")
            )
        poller: asyncio.Future[None] = self._loop.create_future()
        poller.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._poller = poller
        offset = int(params.get("offset") or 0)
        with self._changed:
            if offset < 0:
                while len(self._updates) > -offset:
                    self._updates.popleft()
            while self._updates and self._updates[0]["update_id"] < offset:
                self._updates.popleft()
            self._changed.notify_all()
        limit = max(1, min(100, int(params.get("limit") or 100)))
        end = time.monotonic() + float(params.get("timeout") or 0)
        while True:
            with self._changed:
                found = list(itertools.islice(self._updates, limit))
            if found or time.monotonic() >= end:
                if not poller.done():
                    poller.set_result(None)
                return found
            assert self._arrived is not None
            arrived = asyncio.ensure_future(self._arrived.wait())
            await asyncio.wait({arrived, poller}, timeout=end - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
            arrived.cancel()
            if poller.done():
                poller.result()

    def _do_setWebhook(self, params: dict[str, Any]) -> bool:
        secret, allowed = params.get("secret_token", ""), json.loads(params.get("allowed_updates") or "[]")
        url = params["url"]
        self.webhook = {"url": url, "secret_token": secret, "allowed_updates": allowed} if url else {}
        return True

    def _do_deleteWebhook(self, params: dict[str, Any]) -> bool:
        self.webhook = {}
        if str(params.get("drop_pending_updates")).lower() == "true":
            self._updates.clear()
        return True

    def _do_getWebhookInfo(self, _: dict[str, Any]) -> dict[str, Any]:
        url = self.webhook.get("url", "")
        info = {"url": url, "has_custom_certificate": False, "pending_update_count": len(self._updates)}
        return info | ({"allowed_updates": allowed} if (allowed := self.webhook.get("allowed_updates")) else {})

    def _do_setMyCommands(self, params: dict[str, Any]) -> bool:
        self.commands[params.get("language_code", "")] = json.loads(params["commands"])
        return True

    def _do_getMyCommands(self, params: dict[str, Any]) -> list[dict[str, str]]:
        return self.commands.get(params.get("language_code", ""), [])

    def _do_getFile(self, params: dict[str, Any]) -> dict[str, Any]:
        data = self.files.get(params["file_id"])
        if data is None:
            raise ApiError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(data) > _MAX_DOWNLOAD:
            raise ApiError(400, "Bad Request: file is too big")
        file_id = params["file_id"]
        path = f"photos/{file_id}"
        return {"file_id": file_id, "file_unique_id": f"u-{file_id}", "file_size": len(data), "file_path": path}

    def _do_sendChatAction(self, _: dict[str, Any]) -> bool:
        return True

    def _do_answerCallbackQuery(self, params: dict[str, Any]) -> bool:
        born = self._presses.get(params["callback_query_id"])
        if born is None or time.monotonic() - born > _PRESS_LIFETIME:
            raise ApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if len(params.get("text", "")) > 200:
            raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
        return True

    def _do_getChatMember(self, params: dict[str, Any]) -> dict[str, Any]:
        chat_id, user_id = int(params["chat_id"]), int(params["user_id"])
        user = {"id": user_id, "is_bot": False, "first_name": "Somebody"}
        if (chat_id, user_id) not in self.admins:
            return {"status": "member", "user": user}
        rights = (
            "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
            "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
            "can_edit_stories", "can_delete_stories",
        )  # fmt: skip
        return {"status": "administrator", "user": user} | dict.fromkeys(rights, False)

    def _do_sendMessage(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._put(params, text=_text(params, "text", 4096, needed=True))

    def _do_sendPhoto(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._put(params, photo=self._photo(params["photo"], params), **_caption(params))

    def _do_sendDocument(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._put(params, document=self._document(params["document"], params), **_caption(params))

    def _do_sendMediaGroup(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        media = json.loads(params["media"])
        if not 2 <= len(media) <= 10:
            raise ApiError(400, "Bad Request: group chat can include 2-10 items")
        if "reply_markup" in params:
            raise ApiError(400, "Bad Request: albums carry no keyboard")
        album = f"album-{self.new_id()}"
        items = [self._media(item, params) for item in media]
        return [self._put(params, media_group_id=album, **item) for item in items]

    def _do_editMessageText(self, params: dict[str, Any]) -> dict[str, Any]:
        message = self._to_edit(params)
        if "text" not in message:
            raise ApiError(400, "Bad Request: there is no text in the message to edit")
        return self._edit(message, params, text=_text(params, "text", 4096, needed=True))

    def _do_editMessageCaption(self, params: dict[str, Any]) -> dict[str, Any]:
        message = self._to_edit(params)
        if "text" in message:
            raise ApiError(400, "Bad Request: there is no caption in the message to edit")
        return self._edit(message, params, **_caption(params))

    def _do_editMessageMedia(self, params: dict[str, Any]) -> dict[str, Any]:
        message = self._to_edit(params)
        if "media_group_id" in message:
            raise ApiError(400, "Bad Request: albums are not edited here")
        content = self._media(json.loads(params["media"]), params)
        for key in ("text", "photo", "document", "caption"):
            message.pop(key, None)
        return self._edit(message, params, **content)

    def _do_editMessageReplyMarkup(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._edit(self._to_edit(params), params)

    def _do_deleteMessage(self, params: dict[str, Any]) -> bool:
        with self._changed:
            if self.messages[int(params["chat_id"])].pop(int(params["message_id"]), None) is None:
                raise ApiError(400, "Bad Request: message to delete not found")
        return True

    # Parts of messages.

    def _put(self, params: dict[str, Any], **content: Any) -> dict[str, Any]:
        chat_id = int(params["chat_id"])
        with self._changed:
            replied = self._replied(chat_id, params)
            message = {
                "message_id": self.new_id(),
                "date": int(time.time()),
                "chat": chat_of(chat_id),
                "from": BOT,
                **content,
            }
            if thread := int(params.get("message_thread_id") or 0):
                message |= {"message_thread_id": thread, "is_topic_message": True}
            if replied:
                message["reply_to_message"] = replied
            if keyboard := _keyboard(params):
                message["reply_markup"] = keyboard
            self.messages[chat_id][message["message_id"]] = message
            return dict(message)

    def _replied(self, chat_id: int, params: dict[str, Any]) -> dict[str, Any] | None:
        reply = json.loads(params.get("reply_parameters") or "{}")
        message_id = int(reply.get("message_id") or params.get("reply_to_message_id") or 0)
        if not message_id:
            return None
        if message_id not in self.messages[chat_id]:
            if reply.get("allow_sending_without_reply"):
                return None
            raise ApiError(400, "Bad Request: message to be replied not found")
        return one_level(self.messages[chat_id][message_id])

    def _to_edit(self, params: dict[str, Any]) -> dict[str, Any]:
        with self._changed:
            message = self.messages[int(params["chat_id"])].get(int(params["message_id"]))
        if message is None:
            raise ApiError(400, "Bad Request: message to edit not found")
        if message["from"]["id"] != BOT["id"]:
            raise ApiError(400, "Bad Request: message can't be edited")
        return message

    def _edit(self, message: dict[str, Any], params: dict[str, Any], **content: Any) -> dict[str, Any]:
        with self._changed:
            keyboard = _keyboard(params)
            same = all(message.get(key) == value for key, value in content.items())
            if same and message.get("reply_markup") == keyboard:
                raise ApiError(
                    400,
                    "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                    "the same as a current content and reply markup of the message",
                )
            message.update(content, edit_date=int(time.time()))
            message.pop("reply_markup", None)
            if keyboard:
                message["reply_markup"] = keyboard
            return dict(message)

    def _media(self, item: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        kind = {"photo": self._photo, "document": self._document}[item["type"]]
        return {item["type"]: kind(item["media"], params), **_caption(item)}

    def _data(self, reference: Any, params: dict[str, Any]) -> bytes:
        if isinstance(reference, bytes):
            return reference
        if reference.startswith("attach://"):
            return params["_files"][reference.removeprefix("attach://")]
        if reference in self.files:
            return self.files[reference]
        raise ApiError(400, "Bad Request: wrong file identifier/HTTP URL specified")

    def _photo(self, reference: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
        data = self._data(reference, params)
        if len(data) > _MAX_PHOTO:
            raise ApiError(400, "Bad Request: file is too big for a photo")
        try:
            width, height = Image.open(io.BytesIO(data)).size
        except OSError:
            raise ApiError(400, "Bad Request: IMAGE_PROCESS_FAILED") from None
        if width + height > 10_000 or max(width, height) > 20 * min(width, height):
            raise ApiError(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        return photo_sizes(reference if reference in self.files else self.store_file(data), width, height, len(data))

    def _document(self, reference: Any, params: dict[str, Any]) -> dict[str, Any]:
        data = self._data(reference, params)
        if len(data) > _MAX_DOCUMENT:
            raise ApiError(413, "Request Entity Too Large")
        file_id = self.store_file(data)
        return {"file_id": file_id, "file_unique_id": f"u-{file_id}", "file_size": len(data)}


class Person:
    """Somebody who writes to the bot, in a private chat or in a group.

    Args:
        api: The server.
        user_id: Who.
        chat_id: Where; None is the private chat.
        thread: The topic of the group, if it is a forum.
        language: What their Telegram speaks.
    """

    def __init__(self, api: BotApi, user_id: int, *, chat_id: int | None = None, thread: int = 0, language: str = "en"):
        self.api = api
        self.thread = thread
        self.chat_id = user_id if chat_id is None else chat_id
        self.user = {"id": user_id, "is_bot": False, "first_name": "Somebody", "language_code": language}

    def say(self, text: str, *, reply_to: int = 0) -> int:
        """Send a text; returns the message's id, as all below."""
        return self._send(reply_to, text=text)

    def send_photo(
        self, data: bytes, caption: str = "", *, reply_to: int = 0, album: str = "", size: tuple[int, int] | None = None
    ) -> int:
        """Send a photo."""
        width, height = size or Image.open(io.BytesIO(data)).size
        file_id = self.api.store_file(data)
        more = {"media_group_id": album} if album else {}
        photo = photo_sizes(file_id, width, height, len(data))
        return self._send(reply_to, photo=photo, **({"caption": caption} if caption else {}), **more)

    def send_file(
        self,
        data: bytes,
        caption: str = "",
        *,
        mime_type: str | None = "image/png",
        file_name: str | None = "picture.png",
        size: int | None = None,
        reply_to: int = 0,
    ) -> int:
        """Send a picture as a file."""
        file_id = self.api.store_file(data)
        document = {
            "file_id": file_id,
            "file_unique_id": f"u-{file_id}",
            "file_size": len(data) if size is None else size,
            **({"file_name": file_name} if file_name is not None else {}),
            **({"mime_type": mime_type} if mime_type is not None else {}),
        }
        return self._send(reply_to, document=document, **({"caption": caption} if caption else {}))

    def press(self, message: dict[str, Any], text: str, *, age: float = 0.0) -> str:
        """Press the button that begins with or contains `text`; returns the press's id."""
        now = self.api.messages[self.chat_id].get(message["message_id"], message)
        data = next(button["callback_data"] for button in buttons_of(now) if text in button["text"])
        return self.press_data(now, data, age=age)

    def press_data(self, message: dict[str, Any], data: str, *, age: float = 0.0) -> str:
        """Press a button by what it holds."""
        press_id = self.api.new_press(age=age)
        shown = dict(message)
        replied = shown.get("reply_to_message")
        if replied and replied["message_id"] not in self.api.messages[self.chat_id]:
            del shown["reply_to_message"]
        query = {"id": press_id, "from": self.user, "chat_instance": "1", "data": data, "message": shown}
        self.api.add_update(callback_query=query)
        return press_id

    def delete(self, message_id: int) -> None:
        """Delete a message, their own or the bot's."""
        self.api.messages[self.chat_id].pop(message_id, None)

    # What they see.

    def seen(self) -> list[dict[str, Any]]:
        """The bot's messages in this chat as they are now, oldest first."""
        with self.api._changed:
            return [dict(one) for one in self.api.messages[self.chat_id].values() if one["from"]["id"] == BOT["id"]]

    def texts(self) -> list[str]:
        """What the bot's messages say."""
        return [message.get("text") or message.get("caption") or "" for message in self.seen()]

    def answers_to(self, message_id: int) -> list[dict[str, Any]]:
        """The bot's pictures in answer to a message, galleries left out."""
        return [
            message
            for message in self.seen()
            if message.get("reply_to_message", {}).get("message_id") == message_id
            and ("photo" in message or "document" in message)
            and message.get("caption") not in GALLERY_CAPTIONS
        ]

    def wait_for_answer(self, message_id: int, *, count: int = 1, seconds: float = 20.0) -> dict[str, Any]:
        """Wait for the painting, and return the last of `count`."""
        return self.api.wait_for(
            lambda: (found := self.answers_to(message_id)) and len(found) >= count and found[-1],
            seconds=seconds,
            what=f"the answer to {message_id}; seen: {self.texts()}",
        )

    def wait_for_text(self, text: str, *, seconds: float = 20.0) -> dict[str, Any]:
        """Wait for a message that contains `text`."""

        def found() -> dict[str, Any] | None:
            matching = [one for one in self.seen() if text in (one.get("text") or one.get("caption") or "")]
            return matching[-1] if matching else None

        return self.api.wait_for(found, seconds=seconds, what=f"{text!r}; seen: {self.texts()}")

    def painting(self, message: dict[str, Any]) -> Image.Image:
        """The picture that a message shows now."""
        now = self.api.messages[self.chat_id][message["message_id"]]
        return Image.open(io.BytesIO(self.api.file_of(now)))

    def _send(self, reply_to: int, **content: Any) -> int:
        with self.api._changed:
            message = {
                "message_id": self.api.new_id(),
                "date": int(time.time()),
                "chat": chat_of(self.chat_id),
                "from": self.user,
                **content,
            }
            if self.thread:  # whose messages all "answer" the one that opened it
                message |= {"message_thread_id": self.thread, "is_topic_message": True}
                opened = {"forum_topic_created": {"name": "A topic", "icon_color": 0}, "is_topic_message": True}
                message["reply_to_message"] = {**message, **opened, "message_id": self.thread}
                for key in content:
                    del message["reply_to_message"][key]
            if reply_to and reply_to in self.api.messages[self.chat_id]:
                message["reply_to_message"] = one_level(self.api.messages[self.chat_id][reply_to])
            self.api.messages[self.chat_id][message["message_id"]] = message
            self.api.add_update(message=message)
        return message["message_id"]


def buttons_of(message: dict[str, Any]) -> list[dict[str, str]]:
    """The buttons under a message."""
    return [button for row in message.get("reply_markup", {}).get("inline_keyboard", []) for button in row]


def chat_of(chat_id: int) -> dict[str, Any]:
    """Telegram's numbers: groups are negative."""
    if chat_id > 0:
        return {"id": chat_id, "type": "private", "first_name": "Somebody"}
    return {"id": chat_id, "type": "supergroup" if chat_id < -(10**12) else "group", "title": "Some people"}


def one_level(message: dict[str, Any]) -> dict[str, Any]:
    """A message as it stands in a reply: without what it answers itself."""
    return {key: value for key, value in message.items() if key != "reply_to_message"}


def photo_sizes(file_id: str, width: int, height: int, size: int) -> list[dict[str, Any]]:
    """A photo as Telegram describes it, with a smaller size first."""
    full = {"file_id": file_id, "file_unique_id": f"u-{file_id}", "width": width, "height": height, "file_size": size}
    small = {**full, "file_id": f"{file_id}-small", "width": max(1, width // 4), "height": max(1, height // 4)}
    return [{**small, "file_size": size // 4}, full]


async def _params(request: web.Request) -> dict[str, Any]:
    params: dict[str, Any] = {**request.query, "_files": {}}
    if request.content_type == "application/json" and request.can_read_body:
        params |= await request.json()
    elif request.method == "POST":
        for key, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                params["_files"][key] = params[key] = value.file.read()
            else:
                params[key] = value
    return params


def _text(params: dict[str, Any], key: str, limit: int, *, needed: bool = False) -> str:
    text = str(params.get(key) or "")
    if needed and not text.strip():
        raise ApiError(400, "Bad Request: message text is empty")
    if len(text) > limit:
        raise ApiError(400, "Bad Request: message is too long")
    return text


def _caption(params: dict[str, Any]) -> dict[str, str]:
    text = _text(params, "caption", 1024)
    return {"caption": text} if text else {}


def _keyboard(params: dict[str, Any]) -> dict[str, Any] | None:
    keyboard = json.loads(params.get("reply_markup") or "null")
    for row in (keyboard or {}).get("inline_keyboard", []):
        for button in row:
            if not 1 <= len(button["callback_data"].encode()) <= 64:
                raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    return keyboard


def _expire(times: deque[float], before: float) -> None:
    while times and times[0] < before:
        times.popleft()


def _error(error: ApiError) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return web.json_response(body, status=error.code)


def _drop(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def photo_bytes(width: int = 64, height: int = 48, *, seed: int = 0, format: str = "jpeg") -> bytes:
    """A colourful picture as a file, another one for each seed."""
    base = Image.linear_gradient("L").rotate(37 * seed).resize((width, height))
    other = Image.radial_gradient("L").resize((width, height))
    buffer = io.BytesIO()
    Image.merge("RGB", (base, other, base.transpose(Image.Transpose.FLIP_LEFT_RIGHT))).save(buffer, format, quality=92)
    return buffer.getvalue()
