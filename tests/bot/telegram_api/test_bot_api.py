"""The Bot API double is one that client libraries take for Telegram: python-telegram-bot and pyTelegramBotAPI."""

import asyncio
import io
import time

import pytest
import telebot
from telebot import apihelper
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from testing.bot_api import BOT, TOKEN, Fault, Person, photo_bytes


@pytest.fixture
def bot(own_api):
    return Bot(TOKEN, base_url=own_api.base_url, base_file_url=own_api.base_file_url)


@pytest.fixture
def other_bot(own_api, monkeypatch):
    """pyTelegramBotAPI, on the same server."""
    monkeypatch.setattr(apihelper, "API_URL", f"http://127.0.0.1:{own_api.port}/bot{{0}}/{{1}}")
    monkeypatch.setattr(apihelper, "FILE_URL", f"http://127.0.0.1:{own_api.port}/file/bot{{0}}/{{1}}")
    return telebot.TeleBot(TOKEN, threaded=False)


def run(bot, story):
    async def inside():
        async with bot:
            return await story()

    return asyncio.run(inside())


def test_updates_stay_until_an_offset_confirms_them(own_api, bot):
    person = Person(own_api, 5)
    for text in ("one", "two", "three"):
        person.say(text)

    async def story():
        first = await bot.get_updates(timeout=0)
        again = await bot.get_updates(timeout=0)
        assert [update.message.text for update in first] == ["one", "two", "three"]
        assert [update.update_id for update in again] == [update.update_id for update in first]
        rest = await bot.get_updates(offset=first[1].update_id, timeout=0)
        assert [update.message.text for update in rest] == ["two", "three"]
        assert await bot.get_updates(offset=first[2].update_id + 1, timeout=0) == ()
        assert len(await bot.get_updates(limit=1, timeout=0)) == 0

    run(bot, story)
    assert own_api.unconfirmed == 0


def test_a_question_is_held_open_until_something_happens(own_api, bot):
    async def story():
        began = time.monotonic()
        asking = asyncio.create_task(bot.get_updates(timeout=5))
        await asyncio.sleep(0.3)
        Person(own_api, 5).say("hello")
        updates = await asking
        assert 0.3 <= time.monotonic() - began < 2
        assert updates[0].message.from_user.id == 5

    run(bot, story)


def test_there_is_one_poller_at_a_time_and_none_beside_a_webhook(own_api, bot):
    async def story():
        async with Bot(TOKEN, base_url=own_api.base_url, base_file_url=own_api.base_file_url) as second:
            await at_once(second)

    async def at_once(second):
        first = asyncio.create_task(bot.get_updates(timeout=5))
        await asyncio.sleep(0.2)
        await second.get_updates(timeout=0)
        with pytest.raises(Conflict, match=r"(?i)terminated by other getUpdates request"):
            await first
        await bot.set_webhook("http://127.0.0.1:9/telegram", secret_token="s")
        with pytest.raises(Conflict, match=r"(?i)webhook is active"):
            await bot.get_updates(timeout=0)
        assert (await bot.get_webhook_info()).url == "http://127.0.0.1:9/telegram"
        await bot.delete_webhook()
        await bot.get_updates(timeout=0)

    run(bot, story)


def test_pictures_travel_both_ways(own_api, bot):
    person = Person(own_api, 5)
    sent = person.send_photo(photo_bytes(80, 60))

    async def story():
        update = (await bot.get_updates(timeout=0))[0]
        assert [(size.width, size.height) for size in update.message.photo] == [(20, 15), (80, 60)]
        file = await bot.get_file(update.message.photo[-1].file_id)
        data = bytes(await file.download_as_bytearray())
        assert data == photo_bytes(80, 60)
        status = await bot.send_message(5, "wait", reply_parameters=ReplyParameters(sent))
        assert status.reply_to_message.message_id == sent
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Again", callback_data="again")]])
        done = await bot.edit_message_media(
            InputMediaPhoto(data, caption="done"), 5, status.message_id, reply_markup=keyboard
        )
        assert (done.text, done.caption, done.photo[-1].width) == (None, "done", 80)
        assert done.reply_to_message.message_id == sent
        album = await bot.send_media_group(5, [InputMediaPhoto(data), InputMediaPhoto(done.photo[-1].file_id)])
        assert len({message.media_group_id for message in album}) == 1
        with pytest.raises(BadRequest, match="2-10 items"):
            await bot.send_media_group(5, [InputMediaPhoto(data)])

    run(bot, story)
    person.press(person.wait_for_text("done"), "Again")
    query = run(bot, lambda: bot.get_updates(timeout=0))[-1].callback_query
    assert (query.data, query.message.reply_to_message.message_id) == ("again", sent)
    assert query.message.reply_to_message.reply_to_message is None


def test_errors_come_in_telegrams_envelopes(own_api, bot):
    person = Person(own_api, 5)
    own_api.blocked.add(6)
    own_api.migrated[-7] = -1007
    old = own_api.new_press(age=3600)

    async def story():
        mine = await bot.send_message(5, "text")
        for call, error, sentence in [
            (lambda: bot.send_message(6, "x"), Forbidden, "bot was blocked by the user"),
            (lambda: bot.send_message(-7, "x"), ChatMigrated, "-1007"),
            (lambda: bot.edit_message_text("text", 5, mine.message_id), BadRequest, "message is not modified"),
            (lambda: bot.edit_message_text("x", 5, 1), BadRequest, "message to edit not found"),
            (lambda: bot.edit_message_text("x", 5, person.say("mine")), BadRequest, "can't be edited"),
            (lambda: bot.edit_message_caption(5, mine.message_id, caption="x"), BadRequest, "no caption"),
            (lambda: bot.delete_message(5, 1), BadRequest, "message to delete not found"),
            (lambda: bot.answer_callback_query(old), BadRequest, "query is too old"),
            (lambda: bot.get_file("nothing"), BadRequest, "wrong file_id"),
            (lambda: bot.get_file(own_api.store_file(bytes(21 * 2**20))), BadRequest, "file is too big"),
            (lambda: bot.send_photo(5, bytes(11 * 2**20)), BadRequest, "too big"),
            (lambda: bot.send_photo(5, b"no picture"), BadRequest, "IMAGE_PROCESS_FAILED"),
            (lambda: bot.send_photo(5, photo_bytes(2100, 100)), BadRequest, "PHOTO_INVALID_DIMENSIONS"),
            (lambda: bot.send_message(5, "x" * 4097), BadRequest, "too long"),
            (lambda: bot.send_message(5, "x", reply_parameters=ReplyParameters(1)), BadRequest, "replied not found"),
            (
                lambda: bot.send_message(
                    5, "x", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("b", callback_data="d" * 65)]])
                ),
                BadRequest,
                "BUTTON_DATA_INVALID",
            ),
        ]:
            with pytest.raises(error, match=f"(?i){sentence}"):
                await call()
        own_api.faults.append(Fault(method="sendMessage", status=502, description="Bad Gateway"))
        with pytest.raises(NetworkError, match="Bad Gateway"):
            await bot.send_message(5, "x")
        own_api.faults.append(Fault(method="sendMessage", done_first=True))
        with pytest.raises(NetworkError):
            await bot.send_message(5, "sent all the same")

    run(bot, story)
    assert "sent all the same" in person.texts()


def test_telegrams_rates_are_enforced(own_api, bot):
    async def story():
        for number in range(20):
            await bot.send_message(-8, str(number))
        with pytest.raises(RetryAfter):
            await bot.send_message(-8, "one too many in a minute")
        with pytest.raises(RetryAfter):  # more than thirty in a second
            await asyncio.gather(*(bot.send_message(100 + number, "x") for number in range(31)))

    run(bot, story)


def test_a_wrong_token_is_not_taken(own_api):
    with pytest.raises(InvalidToken):
        run(Bot("1:wrong", base_url=own_api.base_url, base_file_url=own_api.base_file_url), lambda: asyncio.sleep(0))


def test_another_client_library_works_against_it_too(own_api, other_bot):
    person = Person(own_api, 5)
    sent = person.send_photo(photo_bytes(80, 60), "hello")

    assert other_bot.get_me().username == BOT["username"]
    (update,) = other_bot.get_updates(long_polling_timeout=1)
    assert update.message.caption == "hello"
    file = other_bot.get_file(update.message.photo[-1].file_id)
    assert other_bot.download_file(file.file_path) == photo_bytes(80, 60)
    status = other_bot.send_message(5, "wait", reply_to_message_id=sent)
    other_bot.edit_message_text("done", 5, status.message_id)
    keyboard = telebot.types.InlineKeyboardMarkup([[telebot.types.InlineKeyboardButton("B", callback_data="b")]])
    other_bot.send_photo(5, io.BytesIO(photo_bytes()), caption="photo", reply_markup=keyboard)
    other_bot.send_media_group(5, [telebot.types.InputMediaPhoto(photo_bytes(seed=seed)) for seed in range(2)])
    other_bot.send_document(5, ("painting.png", photo_bytes(format="png")))
    own_api.blocked.add(6)
    with pytest.raises(apihelper.ApiTelegramException, match="blocked by the user"):
        other_bot.send_message(6, "x")
    other_bot.set_my_commands([telebot.types.BotCommand("start", "begin")])
    assert [command.command for command in other_bot.get_my_commands()] == ["start"]
    assert other_bot.get_updates(offset=update.update_id + 1, long_polling_timeout=1) == []

    assert [("photo" in message, "document" in message) for message in person.seen()] == [
        (False, False), (True, False), (True, False), (True, False), (False, True),
    ]  # fmt: skip
