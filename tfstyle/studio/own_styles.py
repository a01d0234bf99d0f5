"""Styles of people's own: paintings and style files that pages brought, in memory and nowhere else."""

import secrets
import threading
from collections import OrderedDict

from tfstyle.contract import style_file
from tfstyle.contract.style_vector import StyleVector
from tfstyle.imaging.decoder import Decoder
from tfstyle.stylize.stylizer import Stylizer

_SIDE = 1024  # pixels of the longer side; the encoder looks at fewer
_SESSIONS = 1000


class OwnStyles:
    """The styles of all sessions; the oldest go when there are too many. Safe to use from several threads.

    Args:
        stylizer: Tells what a painting's style is.
        decoder: Reads what pages send.
        max_pixels: Largest H * W of a painting.
        of_session: Styles of one session.
    """

    def __init__(self, stylizer: Stylizer, decoder: Decoder, *, max_pixels: int, of_session: int = 20):
        self._stylizer, self._decoder, self._max_pixels, self._most = stylizer, decoder, max_pixels, of_session
        self._sessions: OrderedDict[str, OrderedDict[str, StyleVector]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, session: str, data: bytes, name: str) -> tuple[str, StyleVector]:
        """Take a style file, or a painting, whose style is found out.

        Returns:
            What the page calls it in its requests, and the style.

        Raises:
            PhotoError: If it is neither.
            StyleVectorError: If it is a style file that is damaged or of another network.
            ModelError: If the model has no style encoder.
        """
        if name.lower().endswith(style_file.SUFFIX):
            style = style_file.from_bytes(data)
            if table := self._stylizer.style_table():
                table.check(style)
        else:
            painting = self._decoder.read_photo(data, name=name, max_pixels=self._max_pixels, longest=_SIDE)
            style = self._stylizer.encode_style(painting)
        key = f"own.{secrets.token_hex(4)}"
        with self._lock:
            own = self._sessions.setdefault(session, OrderedDict())
            self._sessions.move_to_end(session)
            own[key] = style
            while len(own) > self._most:
                own.popitem(last=False)
            while len(self._sessions) > _SESSIONS:
                self._sessions.popitem(last=False)
        return key, style

    def of(self, session: str) -> dict[str, StyleVector]:
        """The styles of a session, by what its page calls them."""
        with self._lock:
            return dict(self._sessions.get(session, {}))
