"""What reaches the bot: posts to its webhook, updates, words, buttons."""

import asyncio
import json
from collections.abc import Iterator
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
import telegram
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.conversation import Conversation
from bot.conversation.events import Chat, Message, Picture, Press, Replied
from bot.conversation.own_styles import OwnStyle
from bot.conversation.style_settings import PLACES, StyleSettings
from bot.settings import Settings
from bot.storage.store import Store
from bot.telegram_api.receiver import WEBHOOK_PATH, Receiver
from bot.telegram_api.updates import read_event, update_task
from bot.texts import LANGUAGES, load_texts
from testing.bot_api import BOT, chat_of, photo_sizes
from testing.fake_model import CATALOG
from testing.fuzz_cases import bounded_memory, cases, no_hang, outcome
from testing.hostile_bytes import damaged

SECRET = "a-Secret_1"
ME = telegram.User(BOT["id"], first_name=BOT["first_name"], is_bot=True, username=BOT["username"])
SENDER = {"id": 7, "is_bot": False, "first_name": "Somebody", "language_code": "en"}
PHOTO = {
    "message_id": 10, "date": 1_700_000_000, "chat": chat_of(7), "from": SENDER, "caption": "scream 50 wave 50",
    "photo": photo_sizes("file", 640, 480, 1000),
}  # fmt: skip
UPDATES: list[dict[str, Any]] = [
    {"update_id": 1, "message": PHOTO},
    {"update_id": 2, "message": {**PHOTO, "chat": chat_of(-100), "reply_to_message": PHOTO, "text": "/style scream"}},
    {"update_id": 3, "message": {key: PHOTO[key] for key in ("message_id", "date", "chat", "from")}
     | {"document": {"file_id": "f", "file_unique_id": "u", "mime_type": "image/png", "file_size": 5}}},
    {"update_id": 4, "callback_query": {"id": "1", "from": SENDER, "chat_instance": "c", "data": "p:0;100;s;;1280",
                                        "message": {**PHOTO, "from": BOT, "reply_to_message": PHOTO}}},
]  # fmt: skip
ANYTHING = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
        st.sampled_from([2**63, -(2**63), 2**64, 10**400, float("inf"), "1" * 5000]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["id", "chat", "from", "text"]), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


@st.composite
def updates(draw: st.DrawFn) -> Any:
    """Updates with something else in one or two places."""
    update = deepcopy(draw(st.sampled_from(UPDATES)))
    for _ in range(draw(st.integers(1, 2))):
        place = update
        while isinstance(place, dict) and place:
            key = draw(st.sampled_from(sorted(place)))
            if not isinstance(place[key], dict) or draw(st.integers(0, 3)) == 0:
                if draw(st.booleans()):
                    place[key] = draw(ANYTHING)
                else:
                    del place[key]
                break
            place = place[key]
    return update


BODIES = st.one_of(
    st.binary(max_size=100),
    damaged([json.dumps(update).encode() for update in UPDATES]),
    updates().map(lambda update: json.dumps(update).encode()),
    st.integers(1, 200_000).map(lambda depth: b"[" * depth),
    st.integers(1, 2000).map(lambda depth: b'{"update_id":1,"message":' + b'{"a":' * depth),
)


@pytest.fixture(autouse=True, scope="module")
def memory() -> Iterator[None]:
    with bounded_memory(200):
        yield


class Webhook:
    """The bot's route and database, on a loop of the test."""

    def __init__(self, url: str):
        self.store = Store(url, "me")
        self._runner = asyncio.Runner()
        settings = Settings(
            token="1:a", mode="webhook", webhook_url="https://x", webhook_secret=SECRET, database_url=url
        )
        receiver = Receiver(SimpleNamespace(), self.store, lambda: None)  # type: ignore[arg-type]
        app = web.Application()
        app.add_routes([receiver.webhook(settings)])
        self._client = self._runner.run(self._start(app))

    async def _start(self, app: web.Application) -> TestClient:
        client = TestClient(TestServer(app))
        await client.start_server()
        return client

    def post(self, body: bytes, secret: str = SECRET) -> int:
        """The status of the answer."""

        async def send() -> int:
            headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
            async with self._client.post(WEBHOOK_PATH, data=body, headers=headers) as response:
                return response.status

        return self._runner.run(send())

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()
        self.store.close()


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    webhook = Webhook(f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'bot.db'}")
    yield webhook
    assert webhook.post(json.dumps(UPDATES[0] | {"update_id": 77}).encode()) == 200
    webhook.close()


@cases(250)
@given(body=BODIES)
def test_whatever_is_posted_to_the_webhook_is_answered_and_the_bot_lives_on(webhook, body):
    """Never 500: Telegram would send the same again, without end."""
    with no_hang():
        assert webhook.post(body) in {200, 400}


@cases(50)
@given(secret=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20))
def test_no_other_secret_opens_the_webhook(webhook, secret):
    if secret.strip() != SECRET:
        assert webhook.post(b"{}", secret.strip()) == 403


@cases(250)
@given(update=updates())
def test_an_update_is_a_task_or_is_refused(update):
    """What is stored is read later, where whatever is raised is counted against its task alone."""
    task, refusal = outcome(lambda: update_task(update), ValueError)
    if task is None:
        assert not refusal or refusal.startswith("Expected an update of the Bot API")
        return
    assert max(abs(task.chat_id), abs(task.user_id)) < 2**63
    event, _ = outcome(lambda: read_event(json.loads(json.dumps(update)), ME), Exception)
    assert event is None or isinstance(event, Message | Press)


OWN_STYLES = (OwnStyle(key="k3j7x2m4qa", title="Kiss"), OwnStyle(key="aaaaaaaaaa", title="100 %"))
CONVERSATION = Conversation(
    CATALOG, own_styles=OWN_STYLES, any_painting=True, languages=LANGUAGES, admins=frozenset({7})
)
WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            ["kiss", *CATALOG.names, *PLACES, *load_texts("de").words, "strength", "size", "full", "keep", "off"]
        ),
        st.integers(-(10**400), 10**400).map(str),
        st.floats().map(str),
        st.from_regex(r"\d{1,3}%"),
        st.text(max_size=8),
    ),
    max_size=30,
).map(" ".join)
TEXT = st.one_of(WORDS, st.text(max_size=60), st.text("a1,:;%_ ", min_size=1000, max_size=4096))
COMMANDS = st.one_of(
    st.just(""),
    st.sampled_from(
        ["start", "help", "style", "styles", "strength", "colors", "mask", "size", "regions", "settings", "reset",
         "cancel", "privacy", "forget", "stats", "mystyles"]
    ),
    st.text(max_size=10),
)  # fmt: skip
PICTURES = st.one_of(
    st.none(),
    st.builds(Picture, file_id=st.text(max_size=5), width=st.integers(0, 10**6), height=st.integers(0, 10**6)),
)
REPLIES = st.one_of(
    st.none(),
    st.builds(Replied, message_id=st.integers(1, 99), pictures=st.lists(PICTURES.filter(bool), max_size=2).map(tuple)),
)


@cases(250)
@given(
    message=st.builds(
        Message, chat_id=st.just(7), user_id=st.just(7), message_id=st.integers(1, 99), language=st.text(max_size=5),
        command=COMMANDS, text=TEXT, picture=PICTURES, style_file=PICTURES, reply_to=REPLIES, group=st.booleans(),
    ),
    renaming=st.sampled_from(["", "k3j7x2m4qa", "gone"]),
)  # fmt: skip
def test_whatever_people_write_is_answered(message, renaming):
    """And what is then kept and painted can be stored and put on buttons."""
    with no_hang():
        chat, actions = CONVERSATION.hear(message, Chat(renaming=renaming))
        assert Chat.from_dict(json.loads(json.dumps(chat.to_dict(), allow_nan=False))) == chat
        for style_settings in [
            chat.style_settings,
            *(action.order.style_settings for action in actions if hasattr(action, "order")),
        ]:
            assert 0 <= style_settings.strength <= 100
            assert (
                StyleSettings.decode(style_settings.encode(CATALOG.names), CATALOG.names).strength
                == style_settings.strength
            )


@cases(200)
@given(
    data=st.one_of(
        st.text(max_size=64),
        st.from_regex(r"[a-z]\d{0,3}:[0-9;.,a-z#-]{0,50}"),
        damaged(
            [b"p:0;100;s;;1280", b"r:0=5,1=5;50;k;left;0", b"s1:2;100;s;#12;1280", b"d:~k3j7x2m4qa;100;s;;1280"]
        ).map(lambda data: data.decode("latin-1")),
    )
)
def test_whatever_a_button_says_is_answered(data):
    with no_hang():
        press = Press(press_id="1", chat_id=7, user_id=7, message_id=9, data=data)
        chat, actions = CONVERSATION.press(press, Chat())
        assert actions
        json.dumps(chat.to_dict(), allow_nan=False)
