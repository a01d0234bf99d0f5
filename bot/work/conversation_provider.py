"""Conversation provider: the conversation for the styles as they are now."""

from bot.conversation.conversation import Conversation, Limits
from bot.settings import Settings
from bot.work.style_service import StyleService


class ConversationProvider:
    """Makes a new `Conversation` when the styles have changed.

    Args:
        style_service: Who knows the styles.
        settings: The operator's choices.
    """

    def __init__(self, style_service: StyleService, settings: Settings):
        self._style_service = style_service
        self._settings = settings
        self._conversation: Conversation | None = None

    async def current(self) -> Conversation:
        """The conversation.

        Raises:
            StyleTransferError: If nobody has told the styles yet.
        """
        catalog, any_painting = await self._style_service.catalog(), self._style_service.any_painting
        known = self._conversation
        if known is None or known.catalog is not catalog or known.any_painting != any_painting:
            settings = self._settings
            limits = Limits(max_file_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels)
            known = self._conversation = Conversation(
                catalog,
                any_painting=any_painting,
                limits=limits,
                languages=settings.languages,
                admins=settings.admins,
            )
        return known
