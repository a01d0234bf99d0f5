"""Events and actions: what reaches the bot and what it does about it, without a word about Telegram.

`conversation` turns events into actions; `worker` carries actions out in Telegram, `terminal` on a screen.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from bot.conversation.own_styles import OwnStyle, own_name
from bot.conversation.style_settings import StyleSettings, known_fields
from tfstyle.contract.catalog import Style


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as its sender's message names it; sizes that are not told are 0.

    Attributes:
        file_id: What to fetch it by.
        width: Pixels.
        height: Pixels.
        file_size: Bytes.
    """

    file_id: str
    width: int = 0
    height: int = 0
    file_size: int = 0

    @property
    def is_file(self) -> bool:
        """Whether it is as its sender made it; of photos, which Telegram makes anew, it tells the size."""
        return not self.width


@dataclass(frozen=True, kw_only=True)
class Replied:
    """The message that a message or a pressed button answers to."""

    message_id: int
    pictures: tuple[Picture, ...] = ()
    from_bot: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The message for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Replied":
        """Read what `to_dict` wrote."""
        return cls(**{**known_fields(cls, document), "pictures": _pictures(document)})


@dataclass(frozen=True, kw_only=True)
class Message:
    """Somebody wrote or sent a picture.

    Attributes:
        command: A command's name without slash; empty if there is none.
        text: The text or caption, without command and without the bot's name.
        addressed: Meant for the bot: in a private chat, or it names or answers the bot.
        style_file: A file by whose name it is a style file.
        album: What Telegram calls the album that the picture is part of.
        group: More people than one read the chat.
        thread: The topic of a forum that it was written in; 0 for none.
        admin: Its sender may change what belongs to the whole chat: anybody in a private one, admins of a group.
    """

    chat_id: int
    user_id: int
    message_id: int
    language: str = "en"
    command: str = ""
    text: str = ""
    picture: Picture | None = None
    style_file: Picture | None = None
    reply_to: Replied | None = None
    album: str = ""
    addressed: bool = True
    group: bool = False
    thread: int = 0
    admin: bool = True


@dataclass(frozen=True, kw_only=True)
class Press:
    """Somebody pressed a button under a message of the bot, in a `thread` if it is one of a forum's topic.

    `reply_to` is what that message answers to.
    """

    press_id: str
    chat_id: int
    user_id: int
    message_id: int
    data: str
    language: str = "en"
    reply_to: Replied | None = None
    thread: int = 0


Event = Message | Press


@dataclass(frozen=True)
class Button:
    """A button: what it shows, and at most 64 bytes that come back when it is pressed."""

    text: str
    data: str


Keyboard = tuple[tuple[Button, ...], ...]


class Result(StrEnum):
    """In which form a painting is wanted."""

    PHOTO = "photo"  # a picture in the chat
    FILE = "file"  # PNG, as large as the photo
    COMPARISON = "comparison"  # beside the photo


@dataclass(frozen=True, kw_only=True)
class StyleOrder:
    """A style of somebody's own that is still to be made.

    Attributes:
        source: The painting, or the style file.
        key: What shall stand for it.
        title: What it is called at first; a style file tells its own.
        is_file: Whether `source` is a style file.
    """

    source: Picture
    key: str
    title: str
    is_file: bool = False

    @property
    def name(self) -> str:
        """The style's name in style settings."""
        return own_name(self.key)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One thing to paint: a photo, or the photos of an album.

    Attributes:
        pictures: The photos; none where only a style is to be made.
        style_settings: How.
        result: In which form.
        reply_to: The message that the painting answers to.
        target: The message that turns into the painting.
        repaints: The target shows a painting already, which a failure must not destroy.
        album: What Telegram calls the album; empty for one photo.
        album_style: Which photo of an album of two the other is to look like, 1 or 2; 0 for none.
        new_style: What is to be made first, a style that `style_settings` name already.
        delivered: How many of an album's photos were sent, or could not be painted, so far.
        problems: What was wrong with those that could not.
        thread: The topic of a forum that the painting goes to; 0 for none.
    """

    pictures: tuple[Picture, ...]
    style_settings: StyleSettings
    result: Result = Result.PHOTO
    reply_to: int = 0
    target: int = 0
    repaints: bool = False
    album: str = ""
    album_style: int = 0
    new_style: StyleOrder | None = None
    delivered: int = 0
    problems: tuple[str, ...] = ()
    language: str = "en"
    thread: int = 0

    @property
    def dedup_key(self) -> "Order":
        """The order without what became of it: equal for two presses of one button."""
        target = self.target if self.repaints else 0
        order = replace(self, target=target, delivered=0, problems=())
        if order.new_style is None:
            return order
        # Every press asks for another key.
        return replace(order, new_style=replace(order.new_style, key="", title=""), style_settings=StyleSettings())

    @property
    def photos(self) -> int:
        """How many pictures it takes work to look at."""
        return len(self.pictures) + (self.new_style is not None)

    def to_dict(self) -> dict[str, Any]:
        """The order for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Order":
        """Read what `to_dict` wrote."""
        return cls(
            **{
                **known_fields(cls, document),
                "pictures": _pictures(document),
                "style_settings": StyleSettings.from_dict(document["style_settings"]),
                "result": Result(document["result"]),
                "problems": tuple(document["problems"]),
                "new_style": _new_style(document.get("new_style")),
            }
        )


def _new_style(document: Mapping[str, Any] | None) -> StyleOrder | None:
    if document is None:
        return None
    source = Picture(**known_fields(Picture, document["source"]))
    return StyleOrder(**{**known_fields(StyleOrder, document), "source": source})


def _pictures(document: Mapping[str, Any]) -> tuple[Picture, ...]:
    return tuple(Picture(**known_fields(Picture, picture)) for picture in document["pictures"])


@dataclass(frozen=True, kw_only=True)
class Say:
    """Send a text."""

    text: str
    keyboard: Keyboard = ()
    reply_to: int = 0


@dataclass(frozen=True, kw_only=True)
class ShowStyles:
    """Send a page of the gallery of styles, with a button each.

    Attributes:
        text: What stands under it.
        keyboard: The buttons.
        styles: Those of the page.
        reply_to: The photo that a button paints; 0 for none.
        turns: The message to show the page in, instead of a new one.
    """

    text: str
    keyboard: Keyboard
    styles: tuple[Style, ...]
    reply_to: int = 0
    turns: int = 0


@dataclass(frozen=True, kw_only=True)
class Paint:
    """Paint something; `note` is what stands in the message that turns into the painting, empty where there is one."""

    order: Order
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ChangeKeyboard:
    """Put other buttons under a message."""

    message_id: int
    keyboard: Keyboard


@dataclass(frozen=True, kw_only=True)
class AnswerPress:
    """Tell Telegram that a press has arrived, and its presser in a word what happens."""

    press_id: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Remember:
    """Keep which pictures a message holds, for masks."""

    message: Replied


@dataclass(frozen=True, kw_only=True)
class ShowOwnStyles:
    """Send a picture of the styles of somebody's own, with a button each; `styles` are those."""

    text: str
    keyboard: Keyboard
    styles: tuple[OwnStyle, ...]


@dataclass(frozen=True, kw_only=True)
class RenameStyle:
    """Call a style of somebody's own otherwise."""

    key: str
    title: str


@dataclass(frozen=True, kw_only=True)
class DeleteStyle:
    """Delete a style of somebody's own."""

    key: str


@dataclass(frozen=True, kw_only=True)
class ShareStyle:
    """Send a style of somebody's own as a style file, with a word about what that is for."""

    key: str
    text: str


@dataclass(frozen=True)
class CancelAll:
    """Stop everything that waits or is being painted in this chat, and say so."""


@dataclass(frozen=True)
class ForgetChat:
    """Delete everything stored about this chat, and say so."""


@dataclass(frozen=True)
class ShowStats:
    """Say how much there is to do."""


Action = (
    Say
    | ShowStyles
    | ShowOwnStyles
    | RenameStyle
    | DeleteStyle
    | ShareStyle
    | Paint
    | ChangeKeyboard
    | AnswerPress
    | Remember
    | CancelAll
    | ForgetChat
    | ShowStats
)


@dataclass(frozen=True, kw_only=True)
class Chat:
    """What is kept about a chat.

    Attributes:
        style_settings: How its photos are painted.
        saw_styles: The gallery was shown; it comes by itself only once.
        renaming: The key of a style whose new title comes next; empty for none.
    """

    style_settings: StyleSettings = field(default_factory=StyleSettings)
    saw_styles: bool = False
    renaming: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The chat for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Chat":
        """Read what `to_dict` wrote; what cannot be read is as at first, so that no chat is stuck with it."""
        try:
            style_settings = StyleSettings.from_dict(document.get("style_settings") or {})
        except ValueError:
            style_settings = StyleSettings()
        return cls(
            style_settings=style_settings,
            saw_styles=bool(document.get("saw_styles")),
            renaming=str(document.get("renaming", "")),
        )
