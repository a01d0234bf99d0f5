"""Terminal: the same conversation on a screen, for people without a token, and to try the words out.

python -m bot.terminal                       paints in this process
python -m bot.terminal --server HOST:PORT

> photo path/to/file.jpg starry_night keep colors     the word photo may be left out
> 4                                       presses the fourth button
> mask path/to/mask.png                   as if sent in reply to the last photo
> style path/to/painting.jpg              as if replied to with /style; a style file may be given alone
> photo a.jpg b.jpg 1 in the style of 2   as an album of two
> /help
> quit
"""

import argparse
import asyncio
import contextlib
import itertools
import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.conversation import failures, keyboards
from bot.conversation.captions import style_of_album
from bot.conversation.conversation import Conversation, Limits
from bot.conversation.events import (
    Action,
    AnswerPress,
    CancelAll,
    ChangeKeyboard,
    Chat,
    DeleteStyle,
    ForgetChat,
    Keyboard,
    Message,
    Order,
    Paint,
    Picture,
    Press,
    Remember,
    RenameStyle,
    Replied,
    Result,
    Say,
    ShareStyle,
    ShowOwnStyles,
    ShowStats,
    ShowStyles,
    StyleOrder,
)
from bot.conversation.gallery import gallery, own_gallery
from bot.conversation.own_styles import MAX_TITLE, OwnStyle, own_name, shared
from bot.errors import MaskGoneError
from bot.storage.stored_style import StoredStyle
from bot.texts import LANGUAGES, load_texts
from bot.work.local_client import LocalClient
from bot.work.style_service import Client, StyleService
from tfstyle.contract import style_file
from tfstyle.errors import StyleTransferError
from tfstyle.imaging.photo import MAX_FILE_BYTES, MAX_PIXELS

FOLDER = Path("chat")  # where pictures go
_TIMEOUT = 300.0  # seconds for one painting
_DECODER_BYTES = 4 * 2**30  # of somebody's own machine, for their own photos
_CHAT = _USER = 1
_HINT = 'Type "photo FILE", words, a /command, or the number of a button; "quit" ends.'
_LAST_WORDS = ("quit", "exit")


class Terminal:
    """One chat, on a screen.

    Args:
        style_service: The way to the style server.
        folder: Where pictures go.
        language: Of the answers.
    """

    def __init__(self, style_service: StyleService, folder: Path, language: str):
        self._style_service = style_service
        self._folder = folder
        self._language = language
        self._chat = Chat()
        self._ids = itertools.count(1)
        self._keyboard: Keyboard = ()
        self._shown_by = 0  # the message that the buttons are under
        self._replied: dict[int, Replied] = {}  # what messages answer to, or hold
        self._last_photo: Replied | None = None
        self._own_styles: dict[str, StoredStyle] = {}  # by key, for as long as the chat lasts

    async def hear(self, line: str) -> None:
        """Answer one line that was typed."""
        word, _, rest = line.strip().partition(" ")
        if word.isdecimal():
            await self._press(int(word))
        elif word in ("photo", "mask", "style") and (word != "style" or _whole_file(rest)):
            await self._picture(word, rest)
        elif _whole_file(line) or _file(word):
            await self._picture("photo", line)
        elif word:
            command, text = (word[1:], rest) if word.startswith("/") else ("", line)
            await self._send(Message(**self._message(), command=command, text=text))

    async def _picture(self, word: str, rest: str) -> None:
        try:
            whole = _whole_file(rest)
            words = [str(whole)] if whole else shlex.split(rest)
        except ValueError as error:
            print(f"{error}: quotes come in pairs.")
            return
        files = [str(path) for path in itertools.takewhile(bool, map(_file, words))]
        caption = " ".join(words[len(files) :])
        if not files:
            print(f"Expected {word} FILE, got {rest!r}, and there is no such file." if words else _HINT)
            return
        reply_to = self._last_photo if word == "mask" else None
        if word == "mask" and reply_to is None:
            print("Send a photo first; a mask is for the last one.")
            return
        pictures = [Picture(file_id=name, file_size=Path(name).stat().st_size) for name in files]
        if len(pictures) == 2 and (number := style_of_album(caption)):
            await self._album(pictures, number)
            return
        for name, picture in zip(files, pictures, strict=True):
            if word == "style" or Path(name).suffix == style_file.SUFFIX:
                await self._make_style(picture, is_file=Path(name).suffix == style_file.SUFFIX)
                continue
            message = Message(**self._message(), text=caption, picture=picture, reply_to=reply_to)
            if word == "photo":
                self._last_photo = Replied(message_id=message.message_id, pictures=(picture,))
            await self._send(message)

    async def _make_style(self, picture: Picture, *, is_file: bool) -> None:
        """As if a style file was sent, or a painting replied to with /style."""
        message = Message(**self._message())
        if is_file:
            await self._send(replace(message, style_file=picture))
            return
        painting = Replied(message_id=message.message_id, pictures=(picture,))
        await self._send(replace(message, command="style", reply_to=painting))

    async def _album(self, pictures: Sequence[Picture], style: int) -> None:
        conversation = await self._conversation()
        order = Order(
            pictures=tuple(pictures),
            style_settings=self._chat.style_settings,
            album_style=style,
            reply_to=next(self._ids),
            language=self._language,
        )
        if problem := conversation.album_problem(order):
            print(problem)
        else:
            await self._paint(conversation.split_album(order), conversation)

    async def _send(self, message: Message) -> None:
        conversation = await self._conversation()
        self._chat, actions = conversation.hear(message, self._chat)
        await self._do(actions, conversation)

    async def _press(self, number: int) -> None:
        buttons = [button for row in self._keyboard for button in row]
        if not 1 <= number <= len(buttons):
            print(f"Expected a button from 1 to {len(buttons)}, got {number}." if buttons else "There are no buttons.")
            return
        conversation = await self._conversation()
        press = Press(
            press_id="",
            chat_id=_CHAT,
            user_id=_USER,
            message_id=self._shown_by,
            data=buttons[number - 1].data,
            language=self._language,
            reply_to=self._replied.get(self._shown_by),
        )
        self._chat, actions = conversation.press(press, self._chat)
        await self._do(actions, conversation)

    async def _do(self, actions: Sequence[Action], conversation: Conversation) -> None:
        texts = load_texts(self._language)
        for action in actions:
            match action:
                case Say(text=text, keyboard=keyboard):
                    self._show(text, keyboard)
                case ShowStyles(text=text, keyboard=keyboard, styles=styles, reply_to=reply_to, turns=turns):
                    path = self._save("styles.jpg", gallery(styles))
                    self._show(f"{text}  {path}", keyboard, self._last_photo if reply_to else self._replied.get(turns))
                case ShowOwnStyles(text=text, keyboard=keyboard, styles=styles):
                    files = {key: style.file for key, style in self._own_styles.items()}
                    path = self._save("my_styles.jpg", own_gallery(styles, files))
                    self._show(f"{text}  {path}", keyboard)
                case RenameStyle(key=key, title=title):
                    self._own_styles[key] = replace(self._own_styles[key], title=title)
                case DeleteStyle(key=key):
                    del self._own_styles[key]
                case ShareStyle(key=key, text=text):
                    print(f"{text}  {self._save(*shared(self._own_styles[key].title, self._own_styles[key].file))}")
                case Paint(order=order):
                    await self._paint(order, conversation)
                case ChangeKeyboard(keyboard=keyboard):
                    self._keyboard = keyboard
                    self._list_buttons()
                case Remember(message=message):
                    self._replied[message.message_id] = message
                case AnswerPress(text=text) if text and len(actions) == 1:
                    print(text)
                case CancelAll():
                    print(texts.nothing_to_cancel)
                case ForgetChat():
                    self._replied.clear()
                    self._own_styles.clear()
                    self._last_photo = None
                    print(texts.forgotten)
                case ShowStats():
                    print(texts.admins_only)

    async def _paint(self, order: Order, conversation: Conversation) -> None:
        texts = load_texts(order.language)
        source = Replied(message_id=order.reply_to, pictures=order.pictures)
        try:
            if order.new_style is not None:
                await self._keep_style(order.new_style)
                conversation = await self._conversation()
                if not order.pictures:
                    chosen = replace(self._chat.style_settings, styles=order.style_settings.styles, regions=())
                    self._chat = replace(self._chat, style_settings=chosen)
                    print(texts.style_made.format(title=conversation.style_text(order.style_settings, texts)))
            own_styles = {own_name(key): style.file for key, style in self._own_styles.items()}
            mask = None
            if (message_id := order.style_settings.mask_message) is not None:
                if message_id not in self._replied:
                    raise MaskGoneError("it is not known any more")
                mask = Path(self._replied[message_id].pictures[0].file_id).read_bytes()
            for picture in order.pictures:
                data = Path(picture.file_id).read_bytes()
                painting = await self._style_service.stylize(
                    data, order.style_settings, order.result, mask=mask, own_styles=own_styles
                )
                number = next(self._ids)
                path = self._save(f"{Path(picture.file_id).stem}.{number}{painting.suffix}", painting.data)
                keyboard = keyboards.painting_keyboard(
                    order.style_settings, conversation.catalog, texts, any_painting=conversation.any_painting
                )
                keyboard = keyboard if order.result is Result.PHOTO else self._keyboard
                text = conversation.caption(order.style_settings, texts)
                if order.result is Result.COMPARISON:
                    text = texts.compared.format(styles=conversation.style_text(order.style_settings, texts))
                self._show(f"{text}  {path}", keyboard, source)
        except OSError:  # the file was there when it was named
            print(texts.photo_gone)
        except (StyleTransferError, MaskGoneError) as error:
            problem = failures.explain(
                error,
                texts,
                tries=failures.RetryPolicy().tries,
                waited=math.inf,
                max_megapixels=MAX_PIXELS / 1e6,
            )
            print(problem.text)

    async def _keep_style(self, new: StyleOrder) -> None:
        data, title = Path(new.source.file_id).read_bytes(), new.title
        if new.is_file:
            title, file = await self._style_service.take_style_file(data)
        else:
            file = await self._style_service.make_style(data, title)
        self._own_styles[new.key] = StoredStyle(key=new.key, title=title[:MAX_TITLE] or new.title, file=file)

    def _show(self, text: str, keyboard: Keyboard, reply_to: Replied | None = None) -> None:
        print(text)
        if keyboard:
            self._keyboard, self._shown_by = keyboard, next(self._ids)
            if reply_to is not None:
                self._replied[self._shown_by] = reply_to
            self._list_buttons()

    def _list_buttons(self) -> None:
        number = itertools.count(1)
        for row in self._keyboard:
            print("   " + "   ".join(f"[{next(number)}] {button.text}" for button in row))

    def _save(self, name: str, data: bytes) -> Path:
        self._folder.mkdir(exist_ok=True)
        path = self._folder / name
        path.write_bytes(data)
        return path

    def _message(self) -> dict[str, Any]:
        return {"chat_id": _CHAT, "user_id": _USER, "message_id": next(self._ids), "language": self._language}

    async def _conversation(self) -> Conversation:
        catalog = await self._style_service.catalog()
        limits = Limits(max_file_bytes=MAX_FILE_BYTES, max_pixels=MAX_PIXELS)
        own_styles = [OwnStyle(key=key, title=style.title) for key, style in self._own_styles.items()]
        return Conversation(
            catalog,
            own_styles=own_styles,
            any_painting=self._style_service.any_painting,
            limits=limits,
            languages=LANGUAGES,
        )


async def chat(client: str | Client, folder: Path, language: str) -> None:
    """Read lines from stdin and answer them until it ends."""
    style_service = StyleService(client, timeout=_TIMEOUT, max_pixels=MAX_PIXELS, decoder_bytes=_DECODER_BYTES)
    terminal = Terminal(style_service, folder, language)
    try:
        await terminal.hear("/start")
        print(_HINT)
        while (line := await asyncio.to_thread(_read_line)) is not None and line.strip() not in _LAST_WORDS:
            try:
                await terminal.hear(line)
            except StyleTransferError as error:
                print(error)
    finally:
        await style_service.close()


def _file(name: str) -> Path | None:
    """The file of that name, `~` being the home folder."""
    with contextlib.suppress(OSError, RuntimeError, ValueError):  # too long for a name, nobody's home, a null byte
        path = Path(name).expanduser()
        return path if path.is_file() else None
    return None


def _whole_file(text: str) -> Path | None:
    """The file that all of the text is the name of, in whatever quotes, as file managers drop it into terminals."""
    return _file(text.strip().strip("'\""))


def _read_line() -> str | None:
    try:
        return input("> ")
    except EOFError:
        return None


def main(argv: Sequence[str] | None = None) -> int:
    """Chat; 0 at the end of input, 2 if there is no model or the server cannot be reached."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.terminal", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", metavar="HOST:PORT", help="a style server (default: this process paints)")
    parser.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0], help="of the answers (default: en)")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="folder for the paintings (default: chat)")
    args = parser.parse_args(argv)
    try:
        asyncio.run(chat(args.server or LocalClient(), args.output, args.language))
    except StyleTransferError as error:
        print(f"bot: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
