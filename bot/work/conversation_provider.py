"""The conversation for the styles as they are now."""

from bot.conversation.conversation import Conversation, Limits
from bot.settings import Settings
from bot.work.style_service import Painter


class Talks:
    """Makes a new `Conversation` when the styles have changed.

    Args:
        painter: Who knows the styles.
        settings: The operator's choices.
    """

    def __init__(self, painter: Painter, settings: Settings):
        self._painter = painter
        self._settings = settings
        self._talk: Conversation | None = None

    async def now(self) -> Conversation:
        """The conversation.

        Raises:
            StyleTransferError: If nobody has told the styles yet.
        """
        catalog = await self._painter.catalog()
        if self._talk is None or self._talk.catalog is not catalog:
            settings = self._settings
            limits = Limits(max_file_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels)
            self._talk = Conversation(catalog, limits=limits, languages=settings.languages, admins=settings.admins)
        return self._talk
