"""Conversation: what the bot does about a message or a pressed button. Events in, actions out, no input or output."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from bot.conversation import keyboards
from bot.conversation.captions import NEAR_WORD_IN_CAPTION, ParsedCaption, Vocabulary, style_of_album
from bot.conversation.events import (
    Action,
    AnswerPress,
    CancelAll,
    ChangeKeyboard,
    Chat,
    DeleteStyle,
    ForgetChat,
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
from bot.conversation.failures import too_large
from bot.conversation.own_styles import MAX_OWN_STYLES, MAX_TITLE, OwnStyle, new_key, own_key
from bot.conversation.style_settings import FULL_SIZE, MAX_SIZE, MESSAGE_MARK, StyleSettings, StyleSettingsError
from bot.texts import Texts, choose_language, load_texts
from tfstyle.contract.catalog import Catalog
from tfstyle.imaging.photo import MIN_SIDE

KEPT_DAYS = 30  # how long it is known which photo a painting was made from

Answer = tuple[Chat, list[Action]]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a picture may be before it is even fetched."""

    max_file_bytes: int = 20 * 2**20
    max_pixels: int = 25_000_000


class Conversation:
    """The bot's side of every chat, for one model's styles.

    Args:
        catalog: The styles.
        own_styles: Those of whoever is talked to, the oldest first.
        any_painting: Whether the model can make a style of any painting.
        limits: What is refused unseen.
        languages: Those spoken; the first one is for everybody else.
        admins: Users who may see /stats.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        own_styles: Sequence[OwnStyle] = (),
        any_painting: bool = False,
        limits: Limits = Limits(),
        languages: Sequence[str] = ("en",),
        admins: frozenset[int] = frozenset(),
    ):
        self.catalog = catalog
        self.any_painting = any_painting
        self._own_styles = tuple(own_styles)
        styles = [*catalog, *(style.as_style() for style in own_styles)]
        self._titles = {style.name: style.title for style in styles}
        self._vocabulary = Vocabulary(styles)
        self._limits = limits
        self._languages = languages
        self._admins = admins

    def with_own_styles(self, own_styles: Sequence[OwnStyle]) -> "Conversation":
        """The conversation with somebody who has these styles."""
        if not own_styles:
            return self
        return Conversation(
            self.catalog,
            own_styles=own_styles,
            any_painting=self.any_painting,
            limits=self._limits,
            languages=self._languages,
            admins=self._admins,
        )

    def hear(self, message: Message, chat: Chat) -> Answer:
        """Answer a message.

        Args:
            message: What was written or sent.
            chat: What is kept about its chat.

        Returns:
            What is to be kept from now on, and what to do, in this order.
        """
        texts = load_texts(choose_language(message.language, self._languages))
        renaming, chat = chat.renaming, replace(chat, renaming="")
        if message.command:
            return self._command(message, chat, texts)
        if not message.addressed:
            return chat, []
        if message.style_file is not None:
            return self._make_style(message, chat, message.style_file, texts, is_file=True)
        if renaming and message.text and message.picture is None:
            return self._rename(message, chat, renaming, texts)
        if message.picture is not None:
            return self._picture(message, chat, self._vocabulary.read_caption(message.text), texts)
        if message.reply_to is not None and message.text:
            return self._paint_replied(message, chat, self._vocabulary.read(message.text), texts)
        parsed = self._vocabulary.read_caption(message.text)
        if parsed.says_something:
            return self._set(chat, parsed, message, texts)
        return chat, [] if message.group else [Say(text=texts.no_photo, reply_to=message.message_id)]

    def press(self, press: Press, chat: Chat) -> Answer:
        """Answer a pressed button; arguments and result as for `hear`."""
        texts = load_texts(choose_language(press.language, self._languages))
        wanted, _, text = press.data.partition(":")
        action, number = wanted[:1], wanted[1:] or "0"
        try:
            style_settings = StyleSettings.decode(text, self.catalog.names)
            page = keyboards.page_number(number, self.catalog)
        except (StyleSettingsError, ValueError):
            return chat, [AnswerPress(press_id=press.press_id, text=texts.old_button)]
        quiet = AnswerPress(press_id=press.press_id)
        match action:
            case keyboards.STYLES | keyboards.BLEND:
                keyboard = keyboards.style_keyboard(
                    style_settings, self.catalog, action, page=page, back=texts.button_back
                )
                return chat, [quiet, ChangeKeyboard(message_id=press.message_id, keyboard=keyboard)]
            case keyboards.PICKER | keyboards.CHOOSER:
                return chat, [quiet, self._gallery(style_settings, texts, action, page=page, turns=press.message_id)]
            case keyboards.CHOOSE:
                return self._press_to_choose(press, chat, style_settings, texts)
            case keyboards.PLACE_MENU:
                keyboard = keyboards.place_keyboard(style_settings, self.catalog, texts)
                return chat, [quiet, ChangeKeyboard(message_id=press.message_id, keyboard=keyboard)]
            case keyboards.BACK:
                album = press.reply_to is not None and len(press.reply_to.pictures) > 1
                keyboard = keyboards.painting_keyboard(
                    style_settings, self.catalog, texts, album=album, any_painting=self.any_painting
                )
                return chat, [quiet, ChangeKeyboard(message_id=press.message_id, keyboard=keyboard)]
            case keyboards.NOTHING:
                told = texts.strongest if style_settings.strength == 100 else texts.weakest
                return chat, [AnswerPress(press_id=press.press_id, text=told)]
            case keyboards.TAKE:
                return self._press_to_take(press, chat, texts)
            case keyboards.OWN_STYLES:
                keyboard = keyboards.own_styles_keyboard(self._own_styles, chat.style_settings)
                return chat, [quiet, ChangeKeyboard(message_id=press.message_id, keyboard=keyboard)]
            case keyboards.OWN_STYLE | keyboards.RENAME | keyboards.SHARE | keyboards.DELETE:
                return self._press_own_style(press, chat, action, style_settings, texts)
            case keyboards.PAINT | keyboards.REPAINT | keyboards.COMPARE | keyboards.FILE:
                return self._press_to_paint(press, chat, action, style_settings, texts)
        return chat, [AnswerPress(press_id=press.press_id, text=texts.old_button)]

    def _press_to_choose(self, press: Press, chat: Chat, style_settings: StyleSettings, texts: Texts) -> Answer:
        """A style of the gallery that /styles sent is for the photos to come."""
        before, chat = (
            chat,
            replace(chat, style_settings=replace(chat.style_settings, styles=style_settings.styles, regions=())),
        )
        told = texts.style_set.format(styles=self.style_text(chat.style_settings, texts))
        if chat == before:  # pressed twice: a word is enough
            return chat, [AnswerPress(press_id=press.press_id, text=told)]
        if style_settings.own_keys:
            keyboard = keyboards.own_styles_keyboard(self._own_styles, chat.style_settings)
            return chat, [
                AnswerPress(press_id=press.press_id),
                Say(text=told),
                ChangeKeyboard(message_id=press.message_id, keyboard=keyboard),
            ]
        page = next(
            (
                number
                for number, styles in enumerate(keyboards.pages(self.catalog))
                if any(style.name in style_settings.style_names for style in styles)
            ),
            0,
        )
        keyboard = keyboards.style_keyboard(chat.style_settings, self.catalog, keyboards.CHOOSER, page=page)
        return chat, [
            AnswerPress(press_id=press.press_id),
            Say(text=told),
            ChangeKeyboard(message_id=press.message_id, keyboard=keyboard),
        ]

    def _press_to_take(self, press: Press, chat: Chat, texts: Texts) -> Answer:
        """The photo under which the button is becomes a style."""
        pictures = press.reply_to.pictures if press.reply_to else ()
        problem = self._no_new_style(texts) if pictures else texts.photo_gone
        if problem or press.reply_to is None:
            return chat, [AnswerPress(press_id=press.press_id, text=problem)]
        order = self._style_order(pictures[0], chat, texts)
        order = replace(
            order,
            reply_to=press.reply_to.message_id,
            language=choose_language(press.language, self._languages),
            thread=press.thread,
        )
        return chat, [AnswerPress(press_id=press.press_id), Paint(order=order, note=texts.making_style)]

    def _press_own_style(
        self, press: Press, chat: Chat, action: str, style_settings: StyleSettings, texts: Texts
    ) -> Answer:
        """A style of one's own and what may be done with it, which is for its owner only."""
        style = next((one for one in self._own_styles if (one.name,) == style_settings.style_names), None)
        if style is None:
            return chat, [AnswerPress(press_id=press.press_id, text=texts.own_style_gone)]
        quiet = AnswerPress(press_id=press.press_id)
        match action:
            case keyboards.RENAME:
                return replace(chat, renaming=style.key), [quiet, Say(text=texts.new_title.format(title=style.title))]
            case keyboards.SHARE:
                return chat, [quiet, ShareStyle(key=style.key, text=texts.shared_style.format(title=style.title))]
            case keyboards.DELETE:
                chat = replace(chat, style_settings=_without(chat.style_settings, style.name))
                left = [one for one in self._own_styles if one != style]
                return chat, [
                    DeleteStyle(key=style.key),
                    AnswerPress(press_id=press.press_id, text=texts.style_deleted.format(title=style.title)),
                    ChangeKeyboard(
                        message_id=press.message_id, keyboard=keyboards.own_styles_keyboard(left, chat.style_settings)
                    ),
                ]
        keyboard = keyboards.own_style_keyboard(style.name, texts)
        return chat, [quiet, ChangeKeyboard(message_id=press.message_id, keyboard=keyboard)]

    def _press_to_paint(
        self, press: Press, chat: Chat, action: str, style_settings: StyleSettings, texts: Texts
    ) -> Answer:
        if press.reply_to is None or not press.reply_to.pictures:
            return chat, [AnswerPress(press_id=press.press_id, text=texts.photo_gone)]
        result = {keyboards.COMPARE: Result.COMPARISON, keyboards.FILE: Result.FILE}.get(action, Result.PHOTO)
        repaints = action == keyboards.REPAINT and len(press.reply_to.pictures) == 1
        order = Order(
            pictures=press.reply_to.pictures,
            style_settings=replace(style_settings, size=FULL_SIZE) if result is Result.FILE else style_settings,
            result=result,
            reply_to=press.reply_to.message_id,
            target=press.message_id if repaints else 0,
            repaints=repaints,
            language=choose_language(press.language, self._languages),
            thread=press.thread,
        )
        if action == keyboards.PAINT:  # a style chosen with a button is chosen for the next photo too
            chat = replace(chat, style_settings=replace(chat.style_settings, styles=style_settings.styles, regions=()))
        return chat, [
            AnswerPress(press_id=press.press_id, text=texts.painting_toast),
            Paint(order=order, note="" if repaints else texts.painting),
        ]

    def _command(self, message: Message, chat: Chat, texts: Texts) -> Answer:
        def say(text: str) -> list[Action]:
            return [Say(text=text, reply_to=message.message_id)]

        match message.command:
            case "start":
                return chat, say(texts.start)
            case "help":
                commands = "\n".join(f"/{name}: {text}" for name, text in texts.commands.items())
                return chat, say(texts.help.format(commands=commands))
            case "privacy":
                return chat, say(texts.privacy.format(days=KEPT_DAYS))
            case "settings":
                return chat, say(self._settings_text(chat.style_settings, texts))
            case "reset" | "forget" if not message.admin:
                return chat, say(texts.group_admins_only)
            case "reset":
                return Chat(saw_styles=chat.saw_styles), say(texts.reset)
            case "mystyles":
                return chat, self._own_gallery(message, chat, texts)
            case "styles":
                return replace(chat, saw_styles=True), [self._gallery(chat.style_settings, texts, keyboards.CHOOSER)]
            case "cancel":
                return chat, [CancelAll()]
            case "forget":
                return Chat(), [ForgetChat()]
            case "stats":
                return chat, [ShowStats()] if message.user_id in self._admins else say(texts.admins_only)
            case "style" | "strength" | "colors" | "mask" | "regions" | "size":
                return self._choose(message, chat, texts)
        return chat, say(texts.unknown_command) if message.addressed else []

    def _choose(self, message: Message, chat: Chat, texts: Texts) -> Answer:
        parsed, problem = self._read_command(message.command, message.text, texts)
        if message.command == "style" and not message.text:
            if message.reply_to is not None and message.reply_to.pictures:
                return self._make_style(message, chat, message.reply_to.pictures[0], texts)
            if message.picture is None and not _shows_photo(message.reply_to):
                return replace(chat, saw_styles=True), [self._gallery(chat.style_settings, texts, keyboards.CHOOSER)]
            parsed, problem = ParsedCaption(), ""
        if problem:
            return chat, [Say(text=problem, reply_to=message.message_id)]
        if message.picture is not None:
            return self._picture(message, chat, parsed, texts)
        if _shows_photo(message.reply_to):
            return self._paint_replied(message, chat, parsed, texts)
        return self._set(chat, parsed, message, texts)

    def _read_command(self, command: str, text: str, texts: Texts) -> tuple[ParsedCaption, str]:
        """What a command asks for, or else a sentence about what it should look like."""
        match command:
            case "strength" | "size":
                parsed = self._vocabulary.read(f"{command} {text}", near=1.0)
                value = parsed.strength if command == "strength" else parsed.size
                needed = (
                    texts.strength_needed
                    if command == "strength"
                    else texts.size_needed.format(least=MIN_SIDE, most=MAX_SIZE)
                )
                return parsed, "" if value is not None and not parsed.unknown else needed
            case "colors":
                parsed = self._vocabulary.read(f"colors {text}")
                return parsed, "" if text and not parsed.unknown and parsed.styles is None else texts.colors_needed
            case "mask":
                parsed = self._vocabulary.read(text, near=NEAR_WORD_IN_CAPTION)
                wrong = parsed.mask is None or parsed.unknown
                return parsed, texts.place_needed.format(places=", ".join(texts.places.values())) if wrong else ""
            case "regions":
                parsed = self._vocabulary.read(text)
                if parsed.mask and parsed.styles:  # one region is a region too when it is called one
                    parsed = replace(parsed, regions=((parsed.mask, parsed.styles),), mask=None, styles=None)
                problem = self._unknown(parsed, texts) if parsed.unknown else ""
                return parsed, problem or ("" if parsed.regions else texts.regions_needed)
        parsed = self._vocabulary.read(text)
        named = parsed.styles or parsed.regions
        return parsed, self._unknown(parsed, texts, text) if parsed.unknown or not named else ""

    def _unknown(self, parsed: ParsedCaption, texts: Texts, text: str = "") -> str:
        word = parsed.unknown[0] if parsed.unknown else text
        likely = self._vocabulary.likely(word)
        sentences = [texts.unknown_word.format(word=word)]
        sentences += [texts.did_you_mean.format(likely=" / ".join(likely))] if likely else []
        return " ".join([*sentences, texts.known_styles.format(names=", ".join(self.catalog.names))])

    def _set(self, chat: Chat, parsed: ParsedCaption, message: Message, texts: Texts) -> Answer:
        style_settings = parsed.apply(chat.style_settings)
        said = []
        if parsed.regions is not None:
            said.append(texts.regions_set.format(regions=self.style_text(style_settings, texts)))
        if parsed.styles is not None:
            said.append(texts.style_set.format(styles=self.style_text(style_settings, texts)))
        if parsed.strength is not None:
            said.append(texts.strength_set.format(strength=style_settings.strength))
        if parsed.keep_colors is not None:
            said.append(texts.colors_set.format(colors=_colors(style_settings, texts)))
        if parsed.mask is not None:
            said.append(
                texts.mask_set.format(where=texts.places[style_settings.mask])
                if style_settings.mask
                else texts.mask_off
            )
        if parsed.size is not None:
            said.append(
                texts.size_set.format(size=style_settings.size)
                if style_settings.size
                else f"{_sentence(texts.size_full)}."
            )
        return replace(chat, style_settings=style_settings), [Say(text="\n".join(said), reply_to=message.message_id)]

    def _make_style(
        self, message: Message, chat: Chat, source: Picture, texts: Texts, *, is_file: bool = False
    ) -> Answer:
        """A painting that was replied to, or a style file, becomes a style, and a photo sent with that is painted."""
        photos = () if message.picture is None else (message.picture,)
        problem = self._no_new_style(texts, is_file=is_file) or self._refused([source, *photos], texts)
        if problem:
            return chat, [Say(text=problem, reply_to=message.message_id)]
        order = replace(
            self._style_order(source, chat, texts, is_file=is_file),
            pictures=photos,
            reply_to=message.message_id,
            language=choose_language(message.language, self._languages),
            thread=message.thread,
        )
        return chat, [Paint(order=order, note=texts.painting if photos else texts.making_style)]

    def _no_new_style(self, texts: Texts, *, is_file: bool = False) -> str:
        """Why no style can be made; empty if one can."""
        if not (self.any_painting or is_file):
            return texts.no_any_painting
        return texts.own_styles_full.format(limit=MAX_OWN_STYLES) if len(self._own_styles) >= MAX_OWN_STYLES else ""

    def _style_order(self, source: Picture, chat: Chat, texts: Texts, *, is_file: bool = False) -> Order:
        taken = {style.title for style in self._own_styles}
        title = next(title for number in count(1) if (title := texts.own_style.format(number=number)) not in taken)
        style = StyleOrder(source=source, key=new_key(), title=title, is_file=is_file)
        style_settings = replace(chat.style_settings, styles=((style.name, 1.0),), regions=())
        return Order(pictures=(), style_settings=style_settings, new_style=style)

    def _rename(self, message: Message, chat: Chat, key: str, texts: Texts) -> Answer:
        title = " ".join(message.text.split())[:MAX_TITLE]
        if key not in {style.key for style in self._own_styles}:
            return chat, [Say(text=texts.own_style_gone, reply_to=message.message_id)]
        return chat, [
            RenameStyle(key=key, title=title),
            Say(text=texts.style_renamed.format(title=title), reply_to=message.message_id),
        ]

    def _own_gallery(self, message: Message, chat: Chat, texts: Texts) -> list[Action]:
        if message.group or not self._own_styles:
            text = texts.own_in_private if message.group else texts.no_own_styles
            return [Say(text=text, reply_to=message.message_id)]
        keyboard = keyboards.own_styles_keyboard(self._own_styles, chat.style_settings)
        return [ShowOwnStyles(text=texts.your_styles, keyboard=keyboard, styles=self._own_styles)]

    def split_album(self, order: Order) -> Order:
        """An album of two of which one photo shall look like the other, as that photo and its style to be made."""
        photo, painting = order.pictures if order.album_style == 2 else order.pictures[::-1]
        texts = load_texts(order.language)
        made = self._style_order(painting, Chat(style_settings=order.style_settings), texts)
        return replace(made, pictures=(photo,), reply_to=order.reply_to, language=order.language, thread=order.thread)

    def album_problem(self, order: Order) -> str:
        """Why an album of which one photo shall look like the other is not painted; empty if it is."""
        texts = load_texts(order.language)
        return self._no_new_style(texts) or ("" if len(order.pictures) == 2 else texts.album_of_two)

    def _picture(self, message: Message, chat: Chat, parsed: ParsedCaption, texts: Texts) -> Answer:
        if message.reply_to is not None and message.reply_to.pictures and not message.album:
            return self._picture_as_mask(message, chat, parsed, texts)
        return self._picture_as_photo(message, chat, parsed, texts)

    def _picture_as_mask(self, message: Message, chat: Chat, parsed: ParsedCaption, texts: Texts) -> Answer:
        """A picture in reply to a photo is that photo's mask."""
        assert message.picture is not None
        assert message.reply_to is not None
        if problem := self._refused([message.picture, *message.reply_to.pictures], texts):
            return chat, [Say(text=problem, reply_to=message.message_id)]
        style_settings = replace(
            parsed.apply(chat.style_settings), mask=f"{MESSAGE_MARK}{message.message_id}", regions=()
        )
        order = Order(
            pictures=message.reply_to.pictures,
            style_settings=style_settings,
            reply_to=message.reply_to.message_id,
            language=choose_language(message.language, self._languages),
            thread=message.thread,
        )
        return chat, [
            Remember(message=Replied(message_id=message.message_id, pictures=(message.picture,))),
            Paint(order=order, note=texts.painting),
        ]

    def _picture_as_photo(self, message: Message, chat: Chat, parsed: ParsedCaption, texts: Texts) -> Answer:
        assert message.picture is not None
        if problem := self._refused([message.picture], texts):
            return chat, [Say(text=problem, reply_to=message.message_id)]
        actions: list[Action] = []
        chosen = parsed.says_something or message.command or chat.style_settings.style_names
        if not (chosen or chat.saw_styles or message.album):  # under an album are buttons for all of it
            actions.append(self._gallery(chat.style_settings, texts, keyboards.PICKER, reply_to=message.message_id))
            chat = replace(chat, saw_styles=True)
        order = Order(
            pictures=(message.picture,),
            style_settings=parsed.apply(chat.style_settings),
            reply_to=message.message_id,
            album=message.album,
            album_style=style_of_album(message.text) if message.album else 0,
            language=choose_language(message.language, self._languages),
            thread=message.thread,
        )
        return chat, [Paint(order=order, note=texts.painting), *actions]

    def _paint_replied(self, message: Message, chat: Chat, parsed: ParsedCaption, texts: Texts) -> Answer:
        """Words in reply to a photo, or to a painting of it, say how to paint it."""
        assert message.reply_to is not None

        def say(text: str) -> Answer:
            return chat, [Say(text=text, reply_to=message.message_id)]

        if message.group and not message.command and (parsed.unknown or not message.reply_to.pictures):
            return chat, []  # people talk about paintings, too
        if not message.reply_to.pictures:
            return say(texts.need_reply_photo if message.reply_to.from_bot else texts.no_photo)
        if parsed.unknown:
            return say(self._unknown(parsed, texts))
        if problem := self._refused(message.reply_to.pictures, texts):
            return say(problem)
        order = Order(
            pictures=message.reply_to.pictures,
            style_settings=parsed.apply(chat.style_settings),
            reply_to=message.reply_to.message_id,
            language=choose_language(message.language, self._languages),
            thread=message.thread,
        )
        return chat, [Paint(order=order, note=texts.painting)]

    def _refused(self, pictures: Sequence[Picture], texts: Texts) -> str:
        """Why a picture is not even fetched; empty if it is."""
        for picture in pictures:
            if picture.file_size > self._limits.max_file_bytes:
                return too_large(picture.file_size, self._limits.max_file_bytes, texts)
            if picture.width * picture.height > self._limits.max_pixels:
                size, limit = picture.width * picture.height / 1e6, self._limits.max_pixels / 1e6
                return texts.too_many_pixels.format(size=f"{size:.0f}", limit=f"{limit:.3g}")
        return ""

    def _gallery(
        self,
        style_settings: StyleSettings,
        texts: Texts,
        menu: str,
        *,
        page: int = 0,
        reply_to: int = 0,
        turns: int = 0,
    ) -> ShowStyles:
        keyboard = keyboards.style_keyboard(style_settings, self.catalog, menu, page=page)
        styles = keyboards.pages(self.catalog)[page]
        return ShowStyles(text=texts.choose_style, keyboard=keyboard, styles=styles, reply_to=reply_to, turns=turns)

    def _settings_text(self, style_settings: StyleSettings, texts: Texts) -> str:
        where = texts.places[style_settings.mask] if style_settings.mask else texts.everywhere
        return texts.settings.format(
            styles=self.style_text(style_settings, texts),
            strength=style_settings.strength,
            colors=_colors(style_settings, texts),
            where=where if not style_settings.regions else self.style_text(style_settings, texts),
            size=f"{style_settings.size} px" if style_settings.size else texts.size_full,
        )

    def style_text(self, style_settings: StyleSettings, texts: Texts) -> str:
        """The styles of style settings for people: `The Scream 60 % + The Great Wave 40 %`."""
        if style_settings.regions:
            return ", ".join(
                f"{texts.places[place]}: {self._mix_text(mix, texts)}" for place, mix in style_settings.regions
            )
        return self._mix_text(style_settings.styles, texts)

    def caption(self, style_settings: StyleSettings, texts: Texts) -> str:
        """What stands under a painting."""
        parts = [texts.done.format(styles=self.style_text(style_settings, texts), strength=style_settings.strength)]
        if style_settings.keep_colors:
            parts.append(texts.keeps_colors)
        if style_settings.mask:
            parts.append(texts.places.get(style_settings.mask, texts.own_mask))
        return " · ".join(parts)

    def _mix_text(self, mix: Sequence[tuple[str, float]], texts: Texts) -> str:
        def title(name: str) -> str:
            return self._titles.get(name) or (texts.somebodys_style if own_key(name) else name)

        mix = mix or ((self.catalog.names[0], 1.0),)
        if len(mix) == 1:
            return title(mix[0][0])
        total = sum(weight for _, weight in mix)
        return " + ".join(f"{title(name)} {100 * weight / total:.0f} %" for name, weight in mix)


def _colors(style_settings: StyleSettings, texts: Texts) -> str:
    return texts.colors_keep if style_settings.keep_colors else texts.colors_style


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _without(style_settings: StyleSettings, name: str) -> StyleSettings:
    """Style settings without those styles and regions that have this one."""
    styles = tuple((other, weight) for other, weight in style_settings.styles if other != name)
    regions = tuple((place, mix) for place, mix in style_settings.regions if name not in dict(mix))
    return replace(style_settings, styles=styles, regions=regions)


def _shows_photo(replied: Replied | None) -> bool:
    """Whether a message that was replied to is a photo, or one of the bot's that may stand for one."""
    return replied is not None and bool(replied.pictures or replied.from_bot)
