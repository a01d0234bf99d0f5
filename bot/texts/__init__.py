"""What the bot says, one file per language, and the words it understands in each.

A language is a module here with `TEXTS`, one `Texts`. A field left out is an error at import, and tests check that all
languages fill in the same {gaps}.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

LANGUAGES = ("en", "de", "es")


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Every sentence, button and command of one language; {gaps} are filled with `str.format`."""

    # What a command does, for Telegram's menu and /help.
    commands: dict[str, str]
    start: str
    help: str
    privacy: str
    forgotten: str

    # Choosing.
    choose_style: str
    your_styles: str
    no_own_styles: str
    own_in_private: str
    own_style: str
    somebodys_style: str
    making_style: str
    style_made: str
    new_title: str
    style_renamed: str
    style_deleted: str
    shared_style: str
    settings: str
    style_set: str
    strength_set: str
    colors_set: str
    colors_keep: str
    colors_style: str
    mask_set: str
    mask_off: str
    regions_set: str
    size_set: str
    size_full: str
    reset: str
    everywhere: str
    places: dict[str, str]
    own_mask: str

    # Painting.
    painting: str
    in_line: str
    done: str
    keeps_colors: str
    album_done: str
    album_partly: str
    compared: str
    cancelled: str
    nothing_to_cancel: str
    painting_toast: str

    # Buttons.
    button_style: str
    button_blend: str
    button_stronger: str
    button_weaker: str
    button_keep_colors: str
    button_style_colors: str
    button_where: str
    button_compare: str
    button_file: str
    button_back: str
    button_take: str
    button_use: str
    button_rename: str
    button_share: str
    button_delete: str
    strongest: str
    weakest: str
    old_button: str

    # What went wrong.
    unknown_word: str
    did_you_mean: str
    known_styles: str
    no_any_painting: str
    own_styles_full: str
    own_style_gone: str
    album_of_two: str
    style_image_unfit: str
    style_file_unfit: str
    style_of_other_model: str
    strength_needed: str
    size_needed: str
    colors_needed: str
    place_needed: str
    regions_needed: str
    unknown_command: str
    no_photo: str
    need_reply_photo: str
    file_too_large: str
    too_many_pixels: str
    too_few_pixels: str
    photo_unreadable: str
    mask_unfit: str
    masks_missing: str
    nothing_found: str
    photo_gone: str
    mask_gone: str
    waiting_for_server: str
    server_too_slow: str
    server_gave_up: str
    gave_up: str
    refused: str
    internal_error: str
    too_many_photos: str
    queue_full: str
    album_too_long: str
    not_allowed: str
    group_admins_only: str
    admins_only: str
    stats: str

    # Words of this language for what captions and commands understand: canonical English word by local word.
    words: dict[str, str]


def load_texts(language: str) -> Texts:
    """The texts of a language out of `LANGUAGES`."""
    texts: Texts = importlib.import_module(f"bot.texts.{language}").TEXTS
    return texts


def choose_language(code: str, spoken: Sequence[str]) -> str:
    """The language for somebody whose Telegram speaks `code`, such as `de-AT`: that, or else the first one spoken."""
    short = code.partition("-")[0].lower()
    return short if short in spoken else spoken[0]
