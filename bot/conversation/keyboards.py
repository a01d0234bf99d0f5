"""Keyboards: the buttons under a stylized image, of the styles, of the places.

A button's data is an action's letter, for a menu of styles with the number of its page, a colon, and style settings as
`StyleSettings.encode` writes them, so a button works however old its message is; the photo is the one that the message
answers to.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

from bot.conversation.events import Button, Keyboard
from bot.conversation.own_styles import OwnStyle
from bot.conversation.style_settings import PLACES, StyleSettings
from bot.texts import Texts
from tfstyle.contract.catalog import Catalog, Style

MAX_DATA_BYTES = 64
STRENGTH_STEP = 20

PAGE = 12  # styles at most on one page: more do not fit a phone's screen, beside their picture

REPAINT, PAINT, CHOOSE, PLACE_MENU, COMPARE, FILE, BACK, NOTHING = "rpgwcfmx"
# To make a style of a photo; the styles of one's own, one of them, and what may be done with it.
TAKE, OWN_STYLES, OWN_STYLE, RENAME, SHARE, DELETE = "tloehd"
# The menus of styles: to paint a painting's photo anew, to blend into it, and under a gallery for a photo or for later.
STYLES, BLEND, PICKER, CHOOSER = "sbvn"


def painting_keyboard(
    style_settings: StyleSettings,
    catalog: Catalog,
    texts: Texts,
    *,
    album: bool = False,
    any_painting: bool = False,
) -> Keyboard:
    """The buttons under a stylized image of these style settings, `any_painting` where a photo may become a style."""

    def button(text: str, action: str, style_settings: StyleSettings = style_settings) -> Button:
        return Button(text, f"{action}:{style_settings.encode(catalog.names)}")

    def stronger(text: str, by: int) -> Button:
        strength = min(100, max(STRENGTH_STEP, style_settings.strength + by))
        return button(
            text,
            REPAINT if strength != style_settings.strength else NOTHING,
            replace(style_settings, strength=strength),
        )

    rows = [
        [button(texts.button_style, STYLES), button(texts.button_blend, BLEND)],
        [stronger(texts.button_weaker, -STRENGTH_STEP), stronger(texts.button_stronger, STRENGTH_STEP)],
        [
            button(
                texts.button_style_colors if style_settings.keep_colors else texts.button_keep_colors,
                REPAINT,
                replace(style_settings, keep_colors=not style_settings.keep_colors),
            ),
            button(texts.button_where, PLACE_MENU),
        ],
        [button(texts.button_compare, COMPARE)] * (not album) + [button(texts.button_file, FILE)],
        [button(texts.button_take, TAKE)] * (any_painting and not album),
    ]
    return _keyboard(rows)


def pages(catalog: Catalog) -> list[tuple[Style, ...]]:
    """The styles, on as few pages as possible, which are about equally long."""
    styles = tuple(catalog)
    count = max(1, math.ceil(len(styles) / PAGE))
    length = math.ceil(len(styles) / count)
    return [styles[start : start + length] for start in range(0, len(styles), length)]


def page_number(text: str, catalog: Catalog) -> int:
    """The page that a button names, from 0; the last one if there are fewer now.

    Raises:
        ValueError: If it is no number.
    """
    if not text.isdecimal():
        raise ValueError(f"Expected the number of a page, got {text!r}.")
    return min(int(text), len(pages(catalog)) - 1)


def style_keyboard(
    style_settings: StyleSettings, catalog: Catalog, menu: str, *, page: int = 0, back: str = ""
) -> Keyboard:
    """A button for each style of a page, two in a row, and buttons to turn the page; those in use are marked.

    Args:
        style_settings: What is kept beside the style.
        catalog: The styles.
        menu: `STYLES`, `BLEND` (half and half into the style settings), `PICKER` or `CHOOSER`.
        page: Which page, from 0.
        back: The text of a button that leads back, if there is one.
    """
    book = pages(catalog)
    action = CHOOSE if menu == CHOOSER else PAINT
    buttons = []
    for style in book[page]:
        wanted = (
            _blend(style_settings, style.name)
            if menu == BLEND
            else replace(style_settings, styles=((style.name, 1.0),), regions=())
        )
        text = f"✓ {style.title}" if style.name in style_settings.style_names else style.title
        buttons.append(Button(text, f"{action}:{wanted.encode(catalog.names)}"))
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    turns = [(page - 1, "◀ {}/{}"), (page + 1, "{}/{} ▶")]
    turned = [
        Button(text.format(other + 1, len(book)), f"{menu}{other}:{style_settings.encode(catalog.names)}")
        for other, text in turns
        if 0 <= other < len(book)
    ]
    return _keyboard([*rows, turned, *_back(back, style_settings, catalog)])


def own_styles_keyboard(styles: Iterable[OwnStyle], style_settings: StyleSettings) -> Keyboard:
    """A button for each style of somebody's own, two in a row; those in use are marked."""
    buttons = [
        Button(
            f"✓ {style.title}" if style.name in style_settings.style_names else style.title, _own(OWN_STYLE, style.name)
        )
        for style in styles
    ]
    return _keyboard(buttons[start : start + 2] for start in range(0, len(buttons), 2))


def own_style_keyboard(name: str, texts: Texts) -> Keyboard:
    """What may be done with one of them."""
    return _keyboard(
        [
            [Button(texts.button_use, _own(CHOOSE, name)), Button(texts.button_rename, _own(RENAME, name))],
            [Button(texts.button_share, _own(SHARE, name)), Button(texts.button_delete, _own(DELETE, name))],
            [Button(texts.button_back, _own(OWN_STYLES, name))],
        ]
    )


def _own(action: str, name: str) -> str:
    return f"{action}:{StyleSettings(styles=((name, 1.0),)).encode(())}"


def place_keyboard(style_settings: StyleSettings, catalog: Catalog, texts: Texts) -> Keyboard:
    """A button for each place to paint, and one for everywhere."""
    names = {"": texts.everywhere} | {place: texts.places[place] for place in PLACES}
    styles = style_settings.styles or (style_settings.regions[0][1] if style_settings.regions else ())
    buttons = [
        Button(
            f"✓ {name}" if place == style_settings.mask and not style_settings.regions else name,
            f"{REPAINT}:{replace(style_settings, mask=place, styles=styles, regions=()).encode(catalog.names)}",
        )
        for place, name in names.items()
    ]
    rows = [buttons[start : start + 3] for start in range(0, len(buttons), 3)]
    return _keyboard([*rows, *_back(texts.button_back, style_settings, catalog)])


def _blend(style_settings: StyleSettings, name: str) -> StyleSettings:
    """The style settings with as much of another style as of all that they have."""
    old = style_settings.styles or (style_settings.regions[0][1] if style_settings.regions else ())
    total = sum(weight for _, weight in old) or 1.0
    halves = [(other, 50 * weight / total) for other, weight in old if other != name]
    return replace(style_settings, styles=(*halves, (name, 50.0)), regions=())


def _back(text: str, style_settings: StyleSettings, catalog: Catalog) -> list[list[Button]]:
    return [[Button(text, f"{BACK}:{style_settings.encode(catalog.names)}")]] if text else []


def _keyboard(rows: Iterable[Iterable[Button]]) -> Keyboard:
    """Without the buttons that hold more than Telegram takes, as with a region for every place."""
    fitting = (tuple(button for button in row if len(button.data.encode()) <= MAX_DATA_BYTES) for row in rows)
    return tuple(row for row in fitting if row)
