"""What the studio's page says, one file per language.

A language is a module here with `TEXTS`, one `StudioTexts`, as for the bot. A field left out is an error at import.
"""

import importlib
from dataclasses import dataclass

LANGUAGES = ("en", "de", "es")


@dataclass(frozen=True, kw_only=True)
class StudioTexts:
    """Every sentence and label of one language; {gaps} are filled by the page."""

    # Where one is.
    skip_to_settings: str
    language: str
    promise: str
    promise_public: str
    promise_device: str
    canvas_heading: str
    canvas: str
    canvas_empty: str
    canvas_help: str
    settings: str

    # Opening photos.
    welcome: str
    choose_photo: str
    take_photo: str
    drop_or_paste: str
    try_sample: str
    drop_here: str
    opening: str
    photos: str
    add_photos: str
    remove_photo: str
    camera_take: str
    cancel: str

    # Tools at the canvas.
    tools: str
    tools_draw: str
    tools_history: str
    tools_view: str
    tool_move: str
    tool_move_short: str
    tool_brush: str
    tool_brush_short: str
    tool_eraser: str
    tool_eraser_short: str
    tool_gradient: str
    tool_gradient_short: str
    undo: str
    redo: str
    compare: str
    divider: str
    zoom_in: str
    zoom_out: str
    zoom_fit: str

    # Styles and how they are painted.
    style: str
    mix_several: str
    mix_note: str
    own_style: str
    own_style_note: str
    own_style_added: str
    how: str
    strength: str
    stroke: str
    keep_colors: str

    # Where.
    where: str
    where_note: str
    brush_size: str
    brush_softness: str
    brushes: str
    brush_add: str
    brush_drop: str
    brush_added: str
    segments: dict[str, str]
    fill: str
    clear: str
    invert: str
    everywhere: str
    nothing_painted: str

    # Saving.
    save: str
    file_format: str
    full_size: str
    download: str
    download_all: str
    share: str
    saved: str
    link_copied: str
    link_in_address: str

    # What takes a while.
    painted: str
    painting_of: str
    in_line: str
    stages: dict[str, str]

    # What went wrong, by the server's codes.
    close: str
    try_again: str
    reload: str
    errors: dict[str, str]


def load_texts(language: str) -> StudioTexts:
    """All sentences of a language, one of `LANGUAGES`."""
    texts = importlib.import_module(f"tfstyle.studio.texts.{language}").TEXTS
    assert isinstance(texts, StudioTexts)
    return texts
