"""The files of the page, the same from the server and in an exported folder.

index.html, studio.css, js/*.js     as they lie in page/, with what this page is to know put into index.html
texts/LANGUAGE.json                 every sentence of a language
styles.json, thumbnails/NAME.jpg    the model's styles
sample.jpg                          a photo to try it with
"""

import html
import json
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from tfstyle.contract.catalog import Catalog
from tfstyle.studio.texts import LANGUAGES, load_texts

CONTENT_TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "jpg": "image/jpeg",
    "svg": "image/svg+xml",
}

_CONFIG = "{config}"


def page_files(catalog: Catalog) -> dict[str, bytes]:
    """Bytes by path, `index.html` left out: see `index`."""
    page = files("tfstyle.studio") / "page"
    found = {entry.name: entry.read_bytes() for entry in page.iterdir() if entry.is_file()}
    found |= {f"js/{entry.name}": entry.read_bytes() for entry in (page / "js").iterdir() if entry.is_file()}
    found.pop("index.html")
    found["sample.jpg"] = (files("tfstyle") / "assets" / "astronaut.jpg").read_bytes()
    for language in LANGUAGES:
        found[f"texts/{language}.json"] = _json(asdict(load_texts(language)))
    found["styles.json"] = _json(
        [{"name": style.name, "title": style.title, "artist": style.artist, "year": style.year} for style in catalog]
    )
    found |= {f"thumbnails/{style.name}.jpg": style.thumbnail for style in catalog}
    return found


def index(**config: Any) -> bytes:
    """`index.html`, telling the page what it is to know: who paints, the token, what there is."""
    text = (files("tfstyle.studio") / "page" / "index.html").read_text(encoding="utf-8")
    return text.replace(_CONFIG, html.escape(json.dumps(config | {"languages": LANGUAGES}))).encode()


def content_type(path: str) -> str:
    """The media type of one of these files."""
    return CONTENT_TYPES[path.rpartition(".")[2]]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
