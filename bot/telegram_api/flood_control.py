"""Flood control: when Telegram asked to wait, and who has to."""

import time

_MEANS_ALL = 3  # chats that are asked to wait at the same time


class FloodControl:
    """Until when Telegram wants to hear nothing: about one chat, or at all.

    Its answer 429 does not say whose limit was reached. One to a call about a chat is taken for that chat's, so that a
    flooded chat does not hold up the others; one to any other call, or to several chats at once, is everybody's.
    """

    def __init__(self) -> None:
        self._all = 0.0  # on the monotonic clock
        self._chats: dict[int, float] = {}

    def pause(self, seconds: float, chat_id: int | None) -> None:
        """Telegram asked for so many seconds, in answer to a call about this chat or about none."""
        now = time.monotonic()
        until = now + seconds
        self._chats = {chat: end for chat, end in self._chats.items() if end > now}
        if chat_id is not None:
            self._chats[chat_id] = max(until, self._chats.get(chat_id, 0.0))
        if chat_id is None or len(self._chats) >= _MEANS_ALL:
            self._all = max(until, self._all)

    def seconds_left(self, chat_id: int | None) -> float:
        """Seconds until a call about this chat, or about none, may be made; 0 if now."""
        until = max(self._all, self._chats.get(chat_id, 0.0) if chat_id is not None else 0.0)
        return max(0.0, until - time.monotonic())
