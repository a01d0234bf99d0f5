"""The model in this process, with the operations that the bot asks of a style server's client."""

import asyncio

from tfstyle.contract.catalog import Catalog
from tfstyle.imaging.photo import PhotoSource
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.request import EncodedImage
from tfstyle.stylize.stylizer import Stylizer


class LocalClient:
    """Stylizes without a server, by ONNX Runtime; for one chat, whose photos come one after the other.

    Raises:
        ModelError: If there is no complete model.
    """

    def __init__(self) -> None:
        self._stylizer = Stylizer()

    async def styles(self, *, refresh: bool = False, timeout: float | None = None) -> Catalog:
        """The model's styles, which do not change."""
        return self._stylizer.styles()

    async def stylize_encoded(self, photo: PhotoSource, options: StylizeOptions) -> EncodedImage:
        """As `AsyncStyleClient.stylize_encoded`.

        Raises:
            StyleTransferError: As `Stylizer.stylize`.
        """
        return await asyncio.to_thread(self._stylizer.stylize_encoded, photo, options)

    async def close(self) -> None:
        """Nothing is open."""
