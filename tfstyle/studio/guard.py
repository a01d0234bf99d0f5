"""Who may ask the studio's server: pages that it has served itself, and in public so often a minute.

Another site that a browser has open can send requests here, and by a name of its own that it lets point to 127.0.0.1
even read the answers. So a request must be addressed to a host that is ours, come from no other origin, and carry a
token that stands in our page alone.
"""

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from tfstyle.errors import RequestError

TOKEN_HEADER = "X-Studio-Token"
_TRACKED_ADDRESSES = 10_000


class Tokens:
    """Tokens of pages; each names a session, and none can be made without the key of this process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self) -> str:
        """A token for one page."""
        session = secrets.token_hex(16)
        return f"{session}.{self._mark(session)}"

    def session_of(self, token: str) -> str | None:
        """The session that a token names; None if it is not one of ours."""
        session, _, mark = token.partition(".")
        fine = hmac.compare_digest(mark.encode("utf-8", "replace"), self._mark(session).encode())
        return session if fine else None

    def _mark(self, session: str) -> str:
        return hmac.new(self._key, session.encode("utf-8", "replace"), "sha256").hexdigest()


class Doors:
    """The addresses under which the page may be asked for.

    Args:
        port: Of this server; it is then reached as 127.0.0.1, localhost or ::1.
        public: Where visitors reach it through a reverse proxy: `https://paint.example.org`.

    Raises:
        RequestError: If `public` is no origin.
    """

    def __init__(self, port: int, public: str | None = None):
        self._origins = {f"http://{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}
        if public is not None:
            self._origins = {_origin(public)}

    def refuses(self, *, host: str, origin: str | None, site: str | None, navigates: bool) -> bool:
        """Whether a request comes from elsewhere.

        Args:
            host: The header Host.
            origin: The header Origin, which browsers send with what changes something, and pages cannot forge.
            site: The header Sec-Fetch-Site.
            navigates: Whether a person opens the page itself, which links of others may do.
        """
        if host.lower() not in {urlsplit(own).netloc for own in self._origins}:
            return True
        if origin is not None and origin.lower() not in self._origins:
            return True
        return site in ("cross-site", "same-site") and not navigates


class AddressLimit:
    """So many requests a minute from one address, with as many at once.

    Args:
        a_minute: Requests.
        clock: Seconds, monotonic.
    """

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic):
        self._rate, self._most, self._clock = a_minute / 60, float(a_minute), clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def takes(self, address: str) -> bool:
        """Whether this address may ask now; counts it if so."""
        now = self._clock()
        left, since = self._left.pop(address, (self._most, now))
        left = min(self._most, left + (now - since) * self._rate)
        self._left[address] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _TRACKED_ADDRESSES:
            self._left.popitem(last=False)
        return left >= 1


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
        raise RequestError(f"Expected where visitors reach the page, such as https://paint.example.org, got {url!r}.")
    return f"{parts.scheme}://{parts.netloc}".lower()
